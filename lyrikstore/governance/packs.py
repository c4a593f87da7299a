"""Packs that bind a namespace: they are tested, signed and logged (spec §21.6)."""

from msgspec import Struct

from lyrikstore.canon.errors import PolicyError
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.transaction import TransactionBuilder, open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.rules.cases import check_cases
from lyrikstore.rules.engine import RulesEngine, schema_text
from lyrikstore.rules.pack import Pack, combined, encode_pack
from lyrikstore.rules.settings import load_rules, rules_source
from lyrikstore.verify.rules.in_force import (
    PACK,
    RULES,
    SCHEMA,
    SOURCE,
    may_bind,
    names_in_force,
    read_pack,
)

CORE = "core"
"""The pack that every namespace with rules has: it alone permits."""


class AddedRules(Struct, frozen=True):
    """Packs that were signed and logged.

    Attributes:
        manifests: Their manifests, ``core`` first if it was added as well.
        packs: The packs.
        indices: Log indices of the manifests.
    """

    manifests: tuple[Manifest, ...]
    packs: tuple[Pack, ...]
    indices: tuple[int, ...]


def rules_name(namespace: str, pack: str) -> str:
    """Return the full name of a pack's manifests in a namespace."""
    return str(Name("rules", namespace, pack))


def pack_of(context: StoreContext, manifest: Manifest) -> Pack:
    """Return the pack of a ``rules`` manifest.

    Raises:
        LyrikstoreError: The pack cannot be read, or is not what the manifest states.
    """
    return read_pack(context.repository, manifest)


def add_rules(
    context: StoreContext, rules: str, namespace: str, *, message: str = ""
) -> AddedRules:
    """Sign and log a pack; from then on it binds the uses of a namespace.

    The pack ``core`` is added first where the namespace does not have it: nothing else permits.

    Args:
        context: The store, opened to append.
        rules: A pack that comes along, or a file, as :func:`load_rules` takes it.
        namespace: The namespace, such as ``acme``.
        message: Free text.

    Raises:
        FormatError: (``bad-rules``, ``wrong-case`` …) the pack cannot be used.
        InvalidInputError: (``rule-twice``) another pack of the namespace has a rule of one id;
            (``missing-extra``) the engine is not installed.
        PolicyError: (``unauthorised``) the policy does not let the signer sign rules.
        LyrikstoreError: As any transaction.

    Cost: every case of the pack is decided once for each of its rules.
    """
    repository, pack = context.repository, load_rules(rules)
    check_cases(pack)
    name = rules_name(namespace, pack.name)
    existing = [one for one in names_in_force(repository, [namespace], None) if one.name != name]
    sources = {pack.name: rules_source(rules)}
    new = [pack]
    if pack.name != CORE and all(one.name != rules_name(namespace, CORE) for one in existing):
        new.insert(0, load_rules(CORE))
        sources[CORE] = rules_source(CORE)
    together = combined([*new, *(read_pack(repository, one) for one in existing)])
    with RulesEngine(together, name):
        pass  # they are valid together
    signer = context.signer().did
    if not may_bind(repository.policy, signer, name):
        raise PolicyError(
            "unauthorised",
            f"{signer} may not bind {namespace} by rules",
            hint="let an owner add them, or a key of a role that names the kind rules: "
            "lyrikstore show policies/store/main",
        )
    with open_transaction(repository) as transaction:
        manifests = [
            _sign(context, transaction, one, sources[one.name], namespace, message) for one in new
        ]
        indices = transaction.commit()
    return AddedRules(tuple(manifests), tuple(new), tuple(indices[: len(manifests)]))


def _sign(
    context: StoreContext,
    transaction: TransactionBuilder,
    pack: Pack,
    source: bytes,
    namespace: str,
    message: str,
) -> Manifest:
    repository, name = context.repository, rules_name(namespace, pack.name)
    signer = context.signer()
    state = repository.refs.get(name)
    attached = {PACK: encode_pack(pack), SCHEMA: schema_text().encode(), SOURCE: source}
    manifest = sign_manifest(
        kind=RULES,
        store=repository.store_id,
        name=name,
        body={
            "name": pack.name,
            "packVersion": pack.version,
            "asOf": pack.as_of,
            "reviewed": pack.reviewed,
            "facts": 1,
            "ruleCount": len(pack.rules),
            "caseCount": len(pack.cases),
        },
        signer=signer,
        created=repository.signing_date(context.clock),
        parents=() if state is None else (state.id,),
        message=message,
        attachments=[
            Attachment(role, transaction.writer.put_bytes(data), len(data))
            for role, data in attached.items()
        ],
    )
    transaction.log_manifest(manifest)
    return manifest
