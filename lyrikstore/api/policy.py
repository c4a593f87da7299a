"""``store.policy``: the keys that may sign in a store; ``store.rules``: its data policy.

Every change is a policy that an owner signs (spec §8.3). The argument ``at`` is the home of the
store: a clone changes keys of the log there, and pulls the change.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.api import stages
from lyrikstore.api.bound import bound, bound_view
from lyrikstore.api.remotes import Remotes
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.context import StoreContext
from lyrikstore.crypto.keys.signer import DeferredSigner
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.kinds import GENESIS_NAME

if TYPE_CHECKING:
    from lyrikstore.crypto.ed25519 import PublicKey
    from lyrikstore.history.commit.policy_change import Change, PolicyChange
    from lyrikstore.history.policy.policy import Policy
    from lyrikstore.objects.backends.open import RemotePlace


class Suspected(Struct, frozen=True):
    """The entries by a key that is suspect from some log entry on.

    Attributes:
        index: The log index from which on the key is suspect.
        stays: Number of its entries that were logged before, and stay valid.
        lost: Its entries that would no longer count, each with a name for people.
    """

    index: int
    stays: int
    lost: tuple[tuple[LoggedEntry, str], ...]


@dataclass
class StorePolicy:
    """The policy of a store, and its changes. Keys are did:key."""

    store: StoreContext

    @property
    def current(self) -> "Policy":
        """The policy in force."""
        return self.store.repository.policy

    def rotate(self, old: str, new: str, *, message: str = "") -> "PolicyChange":
        """Replace key ``old`` by ``new`` in every role; the signatures of ``old`` stay valid.

        This user's trust in ``old`` for this store extends to ``new``.

        Args:
            old: A key with a role.
            new: The successor key.
            message: The reason; signed and public.

        Raises:
            NotFoundError: (``no-key``) the old key has no role.
            ConflictError: (``key-used``) the new key was retired here before, or is the old one.
            LyrikstoreError: As :func:`lyrikstore.history.commit.policy_change.change_policy`.
        """
        made = self._change(stages.rotated(old, new), message)
        return replace(made, trusted=self._trust_successor(old, new))

    def suspected(self, key: str, since: str) -> Suspected:
        """Return the entries that would lose their effect by :meth:`revoke`.

        Args:
            key: The key.
            since: A log index; or a UTC time, for the first entry with this date or a later one. A
            thief can state any date: check the returned entries.

        Raises:
            LyrikstoreError: As :func:`suspect_index`.
        """
        repository = self.store.repository
        index = stages.suspect_index(repository, since)
        signed = list(stages.signed_here(repository, key))
        lost = tuple((entry, label) for entry, label in signed if entry.index >= index)
        return Suspected(index, len(signed) - len(lost), lost)

    def revoke(
        self,
        key: str,
        *,
        suspect_from: int | None = None,
        successor: str | None = None,
        message: str = "",
    ) -> "PolicyChange":
        """Remove ``key`` from every role permanently; this user's trust passes to the successor.

        The roles named in ``policy.unmet`` of the result have fewer keys than their threshold.

        Args:
            key: A key that has or had a role.
            suspect_from: The log index from which on its signatures do not count, as
            :meth:`suspected` returns it; None: all its signatures stay valid.
            successor: The successor key.
            message: The reason; signed and public.

        Raises:
            NotFoundError: (``no-key``) the key never had a role.
            ConflictError: (``revoked-already``) it is already revoked, from the same entry on or an
            earlier one.
            LyrikstoreError: As :func:`lyrikstore.history.commit.policy_change.change_policy`.
        """
        made = self._change(stages.revoked(key, suspect_from, successor), message)
        if successor is None:
            return made
        return replace(made, trusted=self._trust_successor(key, successor))

    def admit(
        self,
        *dids: str,
        log_key: "PublicKey | None" = None,
        at: "str | RemotePlace | None" = None,
        message: str = "",
    ) -> "PolicyChange":
        """Add people who may sign everything but policies, and optionally a key of the log.

        Args:
            dids: The DIDs of the people.
            log_key: A key of theirs that may sign the log.
            at: The home, where a clone adds a log key.
            message: The reason; signed and public.

        Raises:
            ConflictError: (``key-used``) the log key was retired here before.
            LyrikstoreError: As :func:`lyrikstore.history.commit.policy_change.change_policy`.
        """

        def change(policy: "Policy") -> "Policy":
            for did in dids:
                policy = stages.with_writer(did, log_key)(policy)
            return policy

        return self._change(change, message, at)

    def admit_approvers(
        self,
        *dids: str,
        threshold: int | None = None,
        cards: Sequence[str] = (),
        log_key: "PublicKey | None" = None,
        at: "str | RemotePlace | None" = None,
        message: str = "",
    ) -> "PolicyChange":
        """Add people who may approve model cards; the role permits nothing else.

        Cards of the role can then be approved by its keys alone.

        Args:
            dids: The DIDs of the people; existing approvers keep the role.
            threshold: Number of distinct keys that a card needs; None: as before, at first 1.
            cards: Patterns of the cards' names, such as ``cards/acme/*``; empty: as before, at
                first every card.
            log_key: A key of theirs that may sign the log.
            at: The home, where a clone adds a log key.
            message: The reason; signed and public.

        Raises:
            InvalidInputError: (``bad-threshold``, ``bad-pattern``, ``bad-policy``)
            ConflictError: (``key-used``) the log key was retired here before.
            LyrikstoreError: As :func:`lyrikstore.history.commit.policy_change.change_policy`.
        """
        change = stages.with_approvers(dids, log_key, threshold=threshold, cards=cards)
        return self._change(change, message, at)

    def admit_waivers(
        self,
        *dids: str,
        log_key: "PublicKey | None" = None,
        at: "str | RemotePlace | None" = None,
        message: str = "",
    ) -> "PolicyChange":
        """Add people who may sign waivers of rules; the role permits nothing else.

        Args:
            dids: The DIDs of the people; existing keys keep the role.
            log_key: A key of theirs that may sign the log.
            at: The home, where a clone adds a log key.
            message: The reason; signed and public.

        Raises:
            InvalidInputError: (``bad-policy``) the role ``waiver`` has another purpose.
            LyrikstoreError: As :meth:`admit`.
        """
        return self._change(stages.with_waivers(dids, log_key), message, at)

    def retire(
        self, log_key: "PublicKey", *, at: "str | RemotePlace | None" = None, message: str = ""
    ) -> "PolicyChange":
        """Retire a key of the log permanently; another log key must sign the change.

        Args:
            log_key: The key.
            at: The home, to change it there at once; without it, a clone's change waits for its
                push.
            message: The reason; signed and public.

        Raises:
            NotFoundError: (``no-key``) it is not a key of this log.
            LyrikstoreError: As :func:`lyrikstore.history.commit.policy_change.change_policy`.
        """
        return self._change(stages.without_log_key(log_key), message, at)

    add_time = bound(lambda: stages.add_time)

    def misdated(self, indices: Iterable[int], *, message: str = "") -> "PolicyChange":
        """Mark the dates of log entries as wrong: the entries count, their dates do not.

        Args:
            indices: Log indices.
            message: The reason; signed and public.

        Raises:
            InvalidInputError: (``bad-index``) there is no such entry.
            ConflictError: (``known-already``) all of them are already marked.
            LyrikstoreError: As :func:`lyrikstore.history.commit.policy_change.change_policy`.
        """
        size = self.store.repository.checkpoint.size
        return self._change(stages.with_misdated(indices, size), message)

    def waits(self) -> bool:
        """Return whether the newest policy is only in the local log, waiting for a push."""
        repository = self.store.repository
        return repository.refs[GENESIS_NAME].index >= repository.checkpoint.size

    statements = bound_view(lambda: stages.statements_for_others)

    share_said = bound_view(lambda: stages.share_said)

    def nicknames(self) -> Callable[[str], str | None]:
        """Return a function from a DID to this user's name for it, by the trust file.

        A successor of a trusted key has that key's name. The function returns None for unknown
        DIDs.
        """
        store, trust = self.store, self.store.trust
        believes = partial(trust.vouches_for, store=store.id, at=store.clock())
        try:
            history, _ = stages.statements_here(store.repository)
        except LyrikstoreError:  # verify says what is wrong with the policies
            history = None
        return partial(stages.nickname_of, history=history, believes=believes, knows=trust.knows)

    def _change(
        self,
        change: "Change",
        message: str,
        at: "str | RemotePlace | None" = None,
    ) -> "PolicyChange":

        store = self.store
        there = store.repository
        if at is not None:
            there = store.at_home(at, DeferredSigner(store.home_log_signer))
        signer = store.signer(away=at is not None)
        made = stages.change_policy(
            there, change, signer=signer, clock=store.clock, message=message
        )
        if at is not None:
            Remotes(store).pull(at)
        return made

    def _trust_successor(self, old: str, new: str) -> str | None:

        return stages.add_successor(self.store.trust_file, old, new, self.store.id)


@dataclass
class StoreRules:
    """The data policy of a store's namespaces, with its previews and waivers."""

    store: StoreContext

    add = bound(lambda: stages.add_rules)
    check = bound(lambda: stages.check_use)
    diff = bound(lambda: stages.diff_rules)
    foresee_denial = bound(lambda: stages.foresee_denial)
    waive = bound(lambda: stages.waive_rule)
    pack_of = bound(lambda: stages.pack_of)
    find_waiver_fault = bound(lambda: stages.find_fault_now)
