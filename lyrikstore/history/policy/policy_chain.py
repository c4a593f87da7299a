"""Selection of a store's policies from available manifests, in their order (spec §11.4.5).

Policies are delivered as sibling files of a credential, each with a log proof; the deliverer may
have added other files, or removed some. The checks depend on their order: first which policy an
owner of which other policy signed, for which no log is needed; then under which log keys the proofs
count; then the position of each policy in the log.

Signatures of owners alone give a tree: the founding policy, and below each policy those that an
owner of it signed and that may follow it. A store has one path through this tree. Its last policy
names the log keys, because keys are only added. Where proofs show two paths, the owner's key or the
log's key has signed two histories, and neither is trusted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.limits import MAX_POLICY_CHAIN
from lyrikstore.history.log.checkpoint import LogCheckpoint, Place
from lyrikstore.history.log.consistency import NO_CONSISTENCY, Consistency, Relation
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.key_history import KeyHistory, Ruled
from lyrikstore.history.policy.policy import Policy

Shown = Callable[[Manifest, Sequence[VerifierKey]], Iterable[Place]]
"""A function from a policy manifest and keys of the log to the places at which proofs show it,
under log checkpoints that one of the keys signed."""


class _Node(Struct, frozen=True):
    """A policy that an owner of the policy before signed, and that may follow it."""

    manifest: Manifest
    policy: Policy


_Way = tuple[_Node, ...]
"""Policies from the founding policy on, each following the one before."""


def follow_policies(
    genesis: Manifest,
    founded: Policy,
    candidates: Iterable[Manifest],
    shown: Shown,
    consistency: Consistency = NO_CONSISTENCY,
) -> KeyHistory:
    """Return the key history that verified policy manifests give.

    Args:
        genesis: The verified genesis manifest.
        founded: Its policy.
        candidates: Verified manifests, in any order; manifests other than policies of this store
            are ignored.
        shown: Returns the places at which proofs show a policy.
        consistency: Known relations between log checkpoints.

    Raises:
        IncompleteError: (``too-many-log-checkpoints``) there are more than are compared.

    Cost: each proof is verified once for each path through the policies; a store has one.
    """
    ours = [
        item
        for item in dict.fromkeys(candidates)
        if item.kind == "policy" and item.store == genesis.id and item.name == GENESIS_NAME
    ]
    policies = _Policies(ours)
    first = _Node(genesis, founded)
    best: tuple[Ruled, ...] = ()
    chosen: _Way = (first,)
    forked = False
    for way in _ways(first, ours, policies):
        chain = _proven(way, shown)
        forked = forked or _is_fork(best, chain, consistency)
        if not best or _comes_first(chain, best):
            best, chosen = chain, way
    forked = forked or _is_torn(best, consistency)
    unproven = _would_follow(best[-1], genesis, ours, policies)
    logs = chosen[-1].policy.logs
    return KeyHistory(best, unproven, logs, forked=forked)


class _Policies:
    """The policies of manifests, each parsed once. ATTACK: many policies of a thousand keys."""

    def __init__(self, items: Iterable[Manifest]) -> None:
        self._found: dict[Digest, Policy | None] = {}
        self._items = {item.id: item for item in items}

    def of(self, item: Manifest) -> Policy | None:
        if item.id not in self._found:
            try:
                self._found[item.id] = Policy.parse(item.body["policy"])
            except FormatError:
                self._found[item.id] = None
        return self._found[item.id]

    def by_owner(self, before: Policy, item: Manifest) -> Policy | None:
        return self.of(item) if before.allows(item.author, "policy", item.name) else None


def _ways(first: _Node, items: Sequence[Manifest], policies: _Policies) -> list[_Way]:
    """Return every path through the policies to its end; each starts with the founding policy.

    Only the first parent counts: so they form a tree, with no more paths than policies.
    """
    after: dict[Digest, list[Manifest]] = {}
    for item in sorted(items, key=_identity):
        for parent in item.parents[:1]:
            after.setdefault(parent, []).append(item)
    ways: list[_Way] = []
    pending: list[_Way] = [(first,)]
    while pending:
        way = pending.pop()
        last = way[-1]
        following = [
            _Node(item, policy)
            for item in after.get(last.manifest.id, ())
            if (policy := policies.by_owner(last.policy, item)) is not None
            and policy.may_follow(last.policy)
        ]
        if not following or len(way) >= MAX_POLICY_CHAIN:
            ways.append(way)
        pending += [(*way, node) for node in reversed(following)]
    return ways


def _proven(way: _Way, shown: Shown) -> tuple[Ruled, ...]:
    """Return the policies of a path before the first that is not shown to follow its parent."""
    keys = way[-1].policy.logs
    retired: dict[VerifierKey, int] = {}  # key -> where in the way the policy that retires it is
    for number, node in enumerate(way):
        for key in node.policy.retired_logs:
            retired.setdefault(key, number)
    places: dict[int, list[Place]] = {}
    first: dict[int, int] = {}  # the smallest index of each, as far as it is shown at all
    # Backwards: whether a retired key still counts depends on where its retirement stands.
    for number in range(len(way) - 1, 0, -1):
        places[number] = [
            place
            for place in shown(way[number].manifest, keys)
            if _may_sign(place, number, retired, first)
        ]
        if places[number]:
            first[number] = min(place.index for place in places[number])
    founder = way[0].manifest
    chain = [Ruled(0, way[0].policy, founder.author, founder.id)]
    for number, node in enumerate(way[1:], 1):
        later = [place for place in places[number] if place.index > chain[-1].index]
        if not later:
            break
        item, index = node.manifest, min(place.index for place in later)
        chain.append(Ruled(index, node.policy, item.author, item.id, tuple(later)))
    return tuple(chain)


def _may_sign(
    place: Place, number: int, retired: Mapping[VerifierKey, int], first: Mapping[int, int]
) -> bool:
    """Return whether a key signed ``place`` that no policy covered by the checkpoint retired."""
    signed = place.signed
    if signed is None:
        return True
    # One that covers this policy covers those before it; of those after it the place decides.
    return any(
        key not in retired
        or (retired[key] > number and signed.size <= first.get(retired[key], signed.size))
        for key in signed.signers
    )


def _common(one: Sequence[Ruled], other: Sequence[Ruled]) -> int:
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a.id != b.id), min(len(one), len(other)))


def _is_fork(one: Sequence[Ruled], other: Sequence[Ruled], consistency: Consistency) -> bool:
    """Return whether two policies are shown to follow the same one, perhaps in two logs.

    ATTACK: the holder of an owner's old key signs their own policy, and a log for it.
    """
    at = _common(one, other)
    if at >= min(len(one), len(other)):
        return False
    return not _share_a_log(one[at].heads, other[at].heads, consistency)


def _is_torn(chain: Sequence[Ruled], consistency: Consistency) -> bool:
    """Return whether the log checkpoints that prove the policies contradict each other."""
    for one in chain:
        first: dict[LogCheckpoint | None, int] = {}
        for place in one.places:
            head = None if place.signed is None else place.signed.head
            first[head] = min(place.index, first.get(head, place.index))
        if len(set(first.values())) > 1:
            return True
    return consistency.is_torn(head for one in chain for head in one.heads)


def _share_a_log(
    ones: Iterable[LogCheckpoint], others: Sequence[LogCheckpoint], consistency: Consistency
) -> bool:
    return all(
        consistency.relation(one, other) is Relation.SAME for one in ones for other in others
    )


def _comes_first(one: Sequence[Ruled], other: Sequence[Ruled]) -> bool:
    """Return whether history ``one`` counts: within one log, the one that was logged first."""
    at = _common(one, other)
    if at < min(len(one), len(other)):
        return one[at].index < other[at].index
    return len(one) > len(other)


def _would_follow(
    last: Ruled, genesis: Manifest, items: Sequence[Manifest], policies: _Policies
) -> tuple[int, ...]:
    # ATTACK: whoever hands over a delivery takes away the log proof of the policy which says that
    # the key was stolen, or the policy between.
    known = {genesis.id, *(item.id for item in items)}
    versions = set()
    for item in items:
        follows = last.id in item.parents
        if not follows and all(parent in known for parent in item.parents):
            continue
        policy = policies.by_owner(last.policy, item)
        if policy is None or policy.version <= last.policy.version:
            continue
        if not follows or policy.may_follow(last.policy):
            versions.add(policy.version)
    return tuple(sorted(versions))


def _identity(item: Manifest) -> bytes:
    return item.id.raw
