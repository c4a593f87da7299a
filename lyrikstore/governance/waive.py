"""Waivers: a person lifts a rule for one dataset or checkpoint, until a day (spec §21.9)."""

from datetime import date

from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.text import unknown_word
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name, with_suffix
from lyrikstore.verify.rules.in_force import (
    RULES,
    WAIVER,
    find_waiver_fault,
    names_in_force,
    read_rules,
)

_ADMIT = "an owner can admit the key: lyrikstore key admit DID --role waiver"


def waive_rule(
    context: StoreContext,
    rule: str,
    ref: str,
    *,
    until: date,
    reason: str,
    liable: str,
    namespace: str = "",
) -> tuple[Manifest, int]:
    """Sign and log a waiver; return its manifest and its log index.

    Signing it again with an earlier day ends it.

    Args:
        context: The store, opened to append by a key of a role with the kind ``waiver``.
        rule: Id of the rule.
        ref: The dataset or checkpoint for which the rule is lifted: this version alone.
        until: The last day.
        reason: Why.
        liable: Who answers for it.
        namespace: The namespace whose rules are meant; empty: that of the object.

    Raises:
        InvalidInputError: (``unknown-rule``) no rule in force has this id; (``not-waivable``) its
            pack does not mark it waivable; (``wrong-object``) neither dataset nor checkpoint.
        PolicyError: (``not-waiver``) no role with the kind ``waiver`` has this key.
        LyrikstoreError: As any transaction.
    """
    repository, signer = context.repository, context.signer()
    about = repository.resolve(ref)
    if about.kind not in {"dataset", "checkpoint"}:
        raise InvalidInputError(
            "wrong-object",
            f"{about.name} is a {about.kind}; a rule is waived for a dataset or a checkpoint",
        )
    namespace = namespace or Name.parse(about.name).namespace
    rules = read_rules(repository, names_in_force(repository, [namespace], None))
    known = {one.id: one for one in rules.rules}
    if rule not in known:
        raise unknown_word("unknown-rule", f"rule of {namespace}:", rule, known)
    if not known[rule].waivable:
        raise InvalidInputError(
            "not-waivable",
            f"the pack of {rule} does not allow that it is waived",
            hint=known[rule].remedy or f"lyrikstore show rules/{namespace}/PACK",
        )
    owner = rules.owner_of(rule)
    name = waiver_name(namespace, rule, about)
    state = repository.refs.get(name)
    waiver = sign_manifest(
        kind=WAIVER,
        store=repository.store_id,
        name=name,
        body={"rule": rule, "until": until.isoformat(), "reason": reason, "liable": liable},
        signer=signer,
        created=repository.signing_date(context.clock),
        parents=() if state is None else (state.id,),
        inputs=[
            *([] if owner is None else [Input("rules", RULES, owner.id)]),
            Input(about.kind, about.kind, about.id),
        ],
    )
    fault = find_waiver_fault(waiver, rules, repository, repository.policy, date.min)
    if fault is not None:
        raise PolicyError(
            "not-waiver", f"{rule} cannot be waived by this key: {fault}", hint=_ADMIT
        )
    with open_transaction(repository) as transaction:
        transaction.log_manifest(waiver)
        return waiver, transaction.commit()[0]


def find_fault_now(context: StoreContext, waiver: Manifest) -> str | None:
    """Return why a waiver lifts nothing now, or None.

    Raises:
        LyrikstoreError: A manifest or a pack cannot be read.
    """
    repository = context.repository
    if repository.refs[waiver.name].id != waiver.id:
        return "a later waiver of this name took its place"
    namespace = Name.parse(waiver.name).namespace
    rules = read_rules(repository, names_in_force(repository, [namespace], None))
    signed = repository.policy_before(repository.index_of(waiver.id))
    return find_waiver_fault(waiver, rules, repository, signed, repository.floor().date())


def waiver_name(namespace: str, rule: str, about: Manifest) -> str:
    """Return the full name of the waivers of a rule for one version of an object."""
    return str(Name("waivers", namespace, with_suffix(rule[:40], f".{about.id.hex[:16]}")))
