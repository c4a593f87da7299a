"""Rules and waivers in force as of a log index (spec §21.6, §21.9)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, IncompleteError, LyrikstoreError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import last_key
from lyrikstore.history.policy.policy import OWNER, Policy
from lyrikstore.history.repository.refs import RefState
from lyrikstore.history.repository.repository import Repository
from lyrikstore.rules.engine import schema_text
from lyrikstore.rules.pack import MAX_ENCODED_BYTES, Pack, PackRule, decode_pack, joined

RULES, WAIVER, DECISION = "rules", "waiver", "decision"
"""Kinds of manifest."""

RULES_PREFIX = "rules/"
"""Start of the names of ``rules`` manifests."""

PACK, SCHEMA, SOURCE, REQUEST = "pack", "schema", "source", "request"
"""Roles of attachments."""


_STATED = ("name", "packVersion", "asOf", "reviewed", "ruleCount", "caseCount")


class RulesInForce(Struct, frozen=True):
    """The rules of a namespace as of a log index.

    Attributes:
        manifests: The ``rules`` manifests, by name; empty: the namespace has no rules.
        packs: Their packs, in this order.
        rules: The rules of all packs.
    """

    manifests: tuple[Manifest, ...] = ()
    packs: tuple[Pack, ...] = ()
    rules: tuple[PackRule, ...] = ()

    def owner_of(self, rule: str) -> Manifest | None:
        """Return the manifest of the pack that has a rule, or None."""
        return next(
            (
                manifest
                for manifest, pack in zip(self.manifests, self.packs, strict=True)
                if any(one.id == rule for one in pack.rules)
            ),
            None,
        )


class Waiver(Struct, frozen=True):
    """A waiver in force.

    Attributes:
        manifest: Its manifest.
        rule: Id of the rule that it lifts.
        about: The dataset or checkpoint for which it lifts it.
    """

    manifest: Manifest
    rule: str
    about: Digest


def names_in_force(
    repository: Repository, namespaces: Iterable[str], index: int | None
) -> list[Manifest]:
    """Return the ``rules`` manifests of namespaces that were in force before a log index, by name.

    Only what an owner signed counts, or a key of a role that names the kind ``rules``.

    Args:
        repository: The store.
        namespaces: The namespaces.
        index: The log index; None: those in force now.
    """
    found = []
    for namespace in sorted(set(namespaces)):
        for name, state in states_before(repository, f"{RULES_PREFIX}{namespace}/", index):
            current: RefState | None = state
            while current is not None:
                one = repository.manifest(current.id)
                # ATTACK A176: a writer, who may sign every kind, replaces rules by none.
                if may_bind(repository.policy_before(current.index), one.author, name):
                    found += [one] if one.body["ruleCount"] else []
                    break
                current = current.before
    return found


def states_before(
    repository: Repository, prefix: str, index: int | None
) -> Iterator[tuple[str, RefState]]:
    """Yield each name with a prefix, and its state before a log index, by name."""
    for name in sorted(repository.refs):
        if name.startswith(prefix):
            state: RefState | None = repository.refs[name]
            while state is not None and index is not None and state.index >= index:
                state = state.before
            if state is not None:
                yield name, state


def may_bind(policy: Policy, author: str, name: str) -> bool:
    """Return whether a key may bind a namespace: an owner, or a role that names ``rules``."""
    return any(
        author in role.keys
        and role.threshold == 1
        and role.covers(RULES, name)
        and (called == OWNER or RULES in role.kinds)
        for called, role in policy.roles.items()
    )


def read_rules(repository: Repository, manifests: Sequence[Manifest]) -> RulesInForce:
    """Return the rules of some ``rules`` manifests.

    Raises:
        IncompleteError: (``newer-format``) they read facts of another version; or they are lost.
        VerificationError, FormatError: They are damaged.
    """
    packs = [read_pack(repository, one) for one in manifests]
    return RulesInForce(tuple(manifests), tuple(packs), joined(packs))


def read_pack(repository: Repository, manifest: Manifest) -> Pack:
    """Return the pack of a ``rules`` manifest.

    Raises:
        LyrikstoreError: As :func:`read_rules`.
    """
    schema = manifest.attachments_in(SCHEMA)[0].id
    if schema != Digest.of(schema_text().encode()):
        raise IncompleteError(
            "newer-format",
            f"{manifest.name} reads facts that this version of lyrikstore does not know",
            hint="upgrade lyrikstore",
        )
    data = repository.blobs.read(manifest.attachments_in(PACK)[0].id, max_bytes=MAX_ENCODED_BYTES)
    pack = decode_pack(data, manifest.name)
    body, leaf = manifest.body, manifest.name.rpartition("/")[2]
    stated = (leaf, *(body[name] for name in _STATED))
    held = (pack.name, pack.name, pack.version, pack.as_of, pack.reviewed)
    if stated != (*held, len(pack.rules), len(pack.cases)):
        raise FormatError("bad-rules", f"{manifest.name} states another pack than it has")
    return pack


def waivers_in_force(
    repository: Repository, rules: RulesInForce, index: int | None, *, user: str
) -> tuple[Waiver, ...]:
    """Return the waivers that lift rules for a user, as of a log index.

    Args:
        repository: The store.
        rules: The rules in force.
        index: The log index; None: now, by the log.
        user: DID of the key that signs the use.

    Raises:
        LyrikstoreError: A manifest or a pack cannot be read.
    """
    namespaces = {one.name.split("/")[1] for one in rules.manifests}
    today = repository.floor(index).date()
    policy = repository.policy_before(index)
    # ATTACK A178: an officer of one namespace lifts the rule of another that has the same one.
    needed: dict[str, set[str]] = {}
    for manifest, pack in zip(rules.manifests, rules.packs, strict=True):
        for rule in pack.rules:
            needed.setdefault(rule.id, set()).add(manifest.name.split("/")[1])
    found: list[tuple[str, Waiver]] = []
    for namespace in sorted(namespaces):
        for _, state in states_before(repository, f"waivers/{namespace}/", index):
            one = repository.manifest(state.id)
            signed = repository.policy_before(repository.index_of(one.id))
            if find_waiver_fault(one, rules, repository, signed, today) is not None:
                continue
            # ATTACK A167: who trains lifts the rule that stands in the way.
            if last_key(policy, one.author) == last_key(policy, user):
                continue
            about = next(i.id for i in one.inputs if i.kind != RULES)
            found.append((namespace, Waiver(one, one.body["rule"], about)))
    lifted = {(namespace, one.rule, one.about) for namespace, one in found}
    return tuple(
        one
        for namespace, one in found
        if namespace in needed[one.rule]
        and all((other, one.rule, one.about) in lifted for other in needed[one.rule])
    )


def find_waiver_fault(
    waiver: Manifest, rules: RulesInForce, repository: Repository, policy: Policy, today: date
) -> str | None:
    """Return why a waiver lifts nothing, or None.

    Args:
        waiver: Its manifest.
        rules: The rules in force.
        repository: The store.
        policy: The policy in force when it was logged.
        today: The latest date that the log has.
    """
    named_rules = [one for one in rules.rules if one.id == waiver.body["rule"]]
    if not named_rules:
        return "no rule in force has this id"
    if not all(one.waivable for one in named_rules):
        return "the pack does not mark the rule waivable"
    if not may_waive(policy, waiver.author, waiver.name):
        return "no role with the kind waiver has the key that signed it"
    until = last_day(waiver)
    if until is None or until < today:
        return f"it ended on {waiver.body['until']}"
    named = repository.manifest(waiver.inputs_in("rules")[0].id)
    try:
        then = read_pack(repository, named)
    except LyrikstoreError as error:
        return error.message
    # ATTACK A168: a new version of the pack gives another rule the id that was waived.
    cedar = {one.cedar for one in named_rules}
    if not cedar <= {one.cedar for one in then.rules if one.id == waiver.body["rule"]}:
        return "the rule has changed since it was signed"
    return None


def last_day(waiver: Manifest) -> date | None:
    """Return the last day of a waiver; None: no calendar has that day."""
    try:
        return date.fromisoformat(waiver.body["until"])
    except ValueError:
        return None


def may_waive(policy: Policy, author: str, name: str) -> bool:
    """Return whether a role that names the kind ``waiver`` has a key; ``*`` does not suffice."""
    return any(
        author in role.keys
        and role.threshold == 1
        and WAIVER in role.kinds
        and role.covers(WAIVER, name)
        for role in policy.roles.values()
    )
