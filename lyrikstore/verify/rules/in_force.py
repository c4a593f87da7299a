"""Rules and waivers in force as of a log index (spec §21.6, §21.9)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, IncompleteError, LyrikstoreError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import last_key
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository.repository import Repository
from lyrikstore.rules.engine import schema_text
from lyrikstore.rules.pack import MAX_ENCODED_BYTES, Pack, PackRule, combined, decode_pack

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
    """Return the ``rules`` manifests of namespaces that were current before a log index, by name.

    Args:
        repository: The store.
        namespaces: The namespaces.
        index: The log index; None: those current now.
    """
    return [
        one
        for namespace in sorted(set(namespaces))
        for one in current_before(repository, f"{RULES_PREFIX}{namespace}/", index)
        if one.body["ruleCount"]
    ]


def current_before(repository: Repository, prefix: str, index: int | None) -> Iterator[Manifest]:
    """Yield what each name with a prefix meant before a log index, by name."""
    for name in sorted(repository.refs):
        if name.startswith(prefix):
            state = repository.refs[name]
            found = state if index is None or state.index < index else state.before
            while found is not None and index is not None and found.index >= index:
                found = found.before
            if found is not None:
                yield repository.manifest(found.id)


def read_rules(repository: Repository, manifests: Sequence[Manifest]) -> RulesInForce:
    """Return the rules of some ``rules`` manifests.

    Raises:
        IncompleteError: (``newer-format``) they read facts of another version; or they are lost.
        VerificationError, FormatError: They are damaged.
        InvalidInputError: (``rule-twice``) two have a rule of one id.
    """
    packs = [read_pack(repository, one) for one in manifests]
    return RulesInForce(tuple(manifests), tuple(packs), combined(packs))


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
    found = []
    for namespace in sorted(namespaces):
        for one in current_before(repository, f"waivers/{namespace}/", index):
            signed = repository.policy_before(repository.index_of(one.id))
            if find_waiver_fault(one, rules, repository, signed, today) is not None:
                continue
            # ATTACK A167: who trains lifts the rule that stands in the way.
            if last_key(policy, one.author) == last_key(policy, user):
                continue
            about = next(i.id for i in one.inputs if i.kind != RULES)
            found.append(Waiver(one, one.body["rule"], about))
    return tuple(found)


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
    rule = next((one for one in rules.rules if one.id == waiver.body["rule"]), None)
    if rule is None:
        return "no rule in force has this id"
    if not rule.waivable:
        return "the pack does not mark the rule waivable"
    if not may_waive(policy, waiver.author, waiver.name):
        return "no role with the kind waiver has the key that signed it"
    if date.fromisoformat(waiver.body["until"]) < today:
        return f"it ended on {waiver.body['until']}"
    named = repository.manifest(waiver.inputs_in("rules")[0].id)
    try:
        then = read_pack(repository, named)
    except LyrikstoreError as error:
        return error.message
    # ATTACK A168: a new version of the pack gives another rule the id that was waived.
    if not any(one.id == rule.id and one.cedar == rule.cedar for one in then.rules):
        return "the rule has changed since it was signed"
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
