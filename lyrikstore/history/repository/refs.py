"""Refs: the current manifest of each name, derived from the log (spec §8.4).

No file stores the target of a ref, so there is none to roll back or forge: the log's order, the
manifests and the policy in force at each index decide, for every reader alike (attack cases A22,
A30, A31, A32). A manifest that breaks a rule stays logged, is flagged with the reason, and moves
no ref.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.history.manifests.kinds import GENESIS_NAME, PREFIXES
from lyrikstore.history.policy.policy import Genesis, Policy

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "invalid": "the logged bytes are no valid manifest",
        "already-logged": "the same manifest stands earlier in the log",
        "other-store": "it was made for another store",
        "second-genesis": "a store has one genesis manifest, the first entry",
        "kind-mismatch": "names of this prefix do not take this kind",
        "unauthorised": "the policy in force does not let this author say this",
        "not-a-successor": "its parents do not contain the current manifest of that name",
        "bad-policy": "the policy in it is no valid successor of the one in force",
        "suspect": "its author's key was compromised when it was logged",
    }
)
"""Reasons why a logged manifest moves no ref: code → sentence. Codes are append-only."""


@dataclass(frozen=True, slots=True)
class RefState:
    """The state of one name.

    Attributes:
        name: Full name.
        id: The current manifest.
        index: Its log index.
        before: The previous state; None for the first.
    """

    name: str
    id: Digest
    index: int
    before: "RefState | None" = field(default=None, repr=False, compare=False)

    @property
    def history(self) -> tuple[Digest, ...]:
        """Every manifest that was current, newest first; ``history[0] == id``."""
        found, state = [self.id], self.before
        while state is not None:
            found.append(state.id)
            state = state.before
        return tuple(found)


class Flagged(Struct, frozen=True):
    """A logged manifest without effect.

    Attributes:
        index: Its log index.
        id: Its id.
        reason: A code of :data:`REASONS`.
    """

    index: int
    id: Digest
    reason: str

    @property
    def summary(self) -> str:
        """The reason as a sentence for people."""
        return REASONS[self.reason]


class Mover(Protocol):
    """The members of a manifest that refs depend on: a manifest, or a row of the cache."""

    @property
    def id(self) -> Digest:
        """Its id."""

    @property
    def kind(self) -> str:
        """Its kind."""

    @property
    def name(self) -> str:
        """Full name."""

    @property
    def store(self) -> Digest | None:
        """Id of the store it was made for; None in a genesis manifest only."""

    @property
    def author(self) -> str:
        """DID of its signer."""

    @property
    def parents(self) -> tuple[Digest, ...]:
        """Ids of the earlier versions that it succeeds."""

    @property
    def body(self) -> dict[str, Any]:
        """The body of the manifest; read in genesis manifests and policies."""


Step = tuple[int, Mover] | Flagged
"""A logged manifest with its log index; or flagged bytes that are not a manifest."""


@dataclass(slots=True)
class RefTable:
    """The refs of a log, built by applying every logged manifest in log order.

    Attributes:
        refs: Name → state.
        flagged: Manifests without effect, in log order.
        policy: The policy in force after the last manifest applied; ``None`` before the genesis.
        store: The store's id; ``None`` before the genesis.
        policies: Every policy that took effect, with the log index of its manifest.
        authors: The signer of each of these policies, as did:key.
    """

    refs: dict[str, RefState] = field(default_factory=dict)
    flagged: list[Flagged] = field(default_factory=list)
    policy: Policy | None = None
    store: Digest | None = None
    policies: list[tuple[int, Policy]] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    _seen: set[Digest] = field(default_factory=set)
    _suspects: Mapping[str, int] = field(default_factory=dict)
    _applied: list[Step] = field(default_factory=list)

    @classmethod
    def after(cls, steps: Iterable[Step]) -> "RefTable":
        """Return the table after ``steps``, which come from :attr:`steps`."""
        table = cls()
        for step in steps:
            if isinstance(step, Flagged):
                table.flag(step.index, step.id, step.reason)
            else:
                table.apply(*step)
        return table

    @property
    def steps(self) -> Sequence[Step]:
        """All applied manifests, and flagged bytes that are not manifests, in log order."""
        return self._applied

    def copy(self) -> "RefTable":
        """Return an independent copy, on which the effect of a manifest can be tried."""
        return RefTable(
            dict(self.refs),
            list(self.flagged),
            self.policy,
            self.store,
            list(self.policies),
            list(self.authors),
            set(self._seen),
            self._suspects,
            list(self._applied),
        )

    def apply(self, index: int, manifest: Mover) -> str | None:
        """Apply one logged manifest: move its ref, or flag it.

        Args:
            index: Its log index, greater than that of any manifest applied before.
            manifest: The verified manifest.

        Returns:
            ``None`` if it moved its ref, else a code of :data:`REASONS`.

        Raises:
            VerificationError: (``bad-genesis``) it is the first entry and cannot found a store.
        """
        reason = self._step(index, manifest)
        if reason is None and self.policy is not None and self.policy.suspects != self._suspects:
            self._replay(self.policy.suspects)
        return reason

    def _step(self, index: int, manifest: Mover) -> str | None:
        if self.store is None:
            self._found(index, manifest)
            return None
        self._applied.append((index, manifest))
        reason = self._reason(index, manifest)
        if reason is not None:
            self._flag(index, manifest.id, reason)
            return reason
        if manifest.kind == "policy":
            self._take(index, Policy.parse(manifest.body["policy"]), manifest.author)
        self._move(index, manifest)
        return None

    def flag(self, index: int, identity: Digest, reason: str) -> None:
        """Record that the manifest at ``index`` has no effect.

        Args:
            index: Its log index.
            identity: Its id.
            reason: A code of :data:`REASONS`; ``invalid`` for bytes that do not parse.

        Raises:
            InvalidInputError: (``bad-reason``) there is no such code.
        """
        if reason not in REASONS:
            raise InvalidInputError("bad-reason", f"there is no reason {reason!r}")
        self._applied.append(Flagged(index, identity, reason))
        self._flag(index, identity, reason)

    def _flag(self, index: int, identity: Digest, reason: str) -> None:
        self._seen.add(identity)
        self.flagged.append(Flagged(index, identity, reason))

    def _take(self, index: int, policy: Policy, author: str) -> None:
        self.policy = policy
        self.policies.append((index, policy))
        self.authors.append(author)

    def _replay(self, suspects: Mapping[str, int]) -> None:
        # What a compromised key signed from some index on never counted, and so neither did what
        # rests on it: every name is derived again. Policies stay: which one was in force when
        # decides who may say so, and the one that says so replaces whatever a thief put in.
        anew = RefTable(_suspects=suspects)
        for item in self._applied:
            if isinstance(item, Flagged):
                anew.flag(item.index, item.id, item.reason)
            else:
                anew._step(*item)
        self.refs, self.flagged, self._seen = anew.refs, anew.flagged, anew._seen
        self.policy, self.policies, self.authors = anew.policy, anew.policies, anew.authors
        self._suspects, self._applied = suspects, anew._applied

    def _found(self, index: int, manifest: Mover) -> None:
        if index != 0:
            raise VerificationError("bad-genesis", "the log does not begin with a genesis manifest")
        self._applied.append((index, manifest))
        self._take(index, check_genesis(manifest).policy, manifest.author)
        self.store = manifest.id
        self._move(index, manifest)

    def _reason(self, index: int, manifest: Mover) -> str | None:
        policy = self.policy
        current = self.refs.get(manifest.name)
        if manifest.id in self._seen:
            return "already-logged"
        if manifest.kind == "genesis":
            return "second-genesis"
        if manifest.store != self.store:
            return "other-store"
        if manifest.kind not in PREFIXES.get(manifest.name.partition("/")[0], ()):
            return "kind-mismatch"
        if policy is None or not policy.allows(manifest.author, manifest.kind, manifest.name):
            return "unauthorised"
        suspect_from = self._suspects.get(manifest.author)
        if suspect_from is not None and index >= suspect_from and manifest.kind != "policy":
            return "suspect"
        if current is not None and current.id not in manifest.parents:
            return "not-a-successor"
        if manifest.kind == "policy" and not _succeeds(policy, manifest):
            return "bad-policy"
        return None

    def _move(self, index: int, manifest: Mover) -> None:
        before = self.refs.get(manifest.name)
        self.refs[manifest.name] = RefState(manifest.name, manifest.id, index, before)
        self._seen.add(manifest.id)


def check_genesis(manifest: Mover) -> Genesis:
    """Return the body of a store's genesis manifest; raise `bad-genesis` if it is not valid.

    It authenticates itself: its id is the store's id, which a reader knows or trusts on first use.
    So an owner that it names must have signed it.

    Raises:
        VerificationError: (``bad-genesis``) it is not a genesis manifest, or it cannot found a
            store.
    """
    if manifest.kind != "genesis":
        raise VerificationError("bad-genesis", "the log does not begin with a genesis manifest")
    try:
        genesis = Genesis.parse(manifest.body)
    except FormatError as error:
        raise VerificationError("bad-genesis", error.message) from None
    if not genesis.policy.allows(manifest.author, "genesis", manifest.name):
        raise VerificationError("bad-genesis", "the genesis is not signed by an owner it names")
    return genesis


def _succeeds(policy: Policy, manifest: Mover) -> bool:
    try:
        following = Policy.parse(manifest.body.get("policy"))
    except FormatError:
        return False
    return manifest.name == GENESIS_NAME and following.may_follow(policy)
