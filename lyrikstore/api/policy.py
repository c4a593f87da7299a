"""``store.policy``: who may sign in a store, and which of its keys took the place of which.

Every change is a policy that an owner signs (spec §8.3). ``at``, where it is taken, is the home of
the store: what changes its log's keys is done there from a clone, and pulled.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.api import stages
from lyrikstore.api.bound import bound_view
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
    """What a key signed in a store, if it may be in other hands from some entry on.

    Attributes:
        index: The log index from which on it may be.
        stays: How many entries by it were logged before, and stay good.
        lost: The entries by it that would no longer count, each with what to call it.
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
        """Let ``new`` take the place of ``old`` in every role; what ``old`` signed stays good.

        This user's trust in ``old`` for this store extends to ``new``.

        Args:
            old: A key with a role.
            new: The key that succeeds it.
            message: Why; signed and public.

        Raises:
            NotFoundError: (``no-key``) the old key has no role.
            ConflictError: (``key-used``) the new key was retired here before, or is the old one.
            LyrikstoreError: As :func:`lyrikstore.history.commit.policy_change.change_policy`.
        """
        made = self._change(stages.rotated(old, new), message)
        return replace(made, trusted=self._trust_successor(old, new))

    def suspected(self, key: str, since: str) -> Suspected:
        """Return what :meth:`revoke` would take the effect from.

        Args:
            key: The key.
            since: A log index; or a UTC time, for the first entry that claims to be made then or
                later. A thief may claim any time: look at what is returned.

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
        """Take ``key`` out of every role, for good; this user's trust goes on to a successor.

        The roles named in ``policy.unmet`` of the result have fewer keys than their threshold.

        Args:
            key: A key that has a role, or had one.
            suspect_from: The log index from which on nothing that it signed counts, as
                :meth:`suspected` finds it; None if it is only let go.
            successor: The key that takes its place.
            message: Why; signed and public.

        Raises:
            NotFoundError: (``no-key``) it never had a role.
            ConflictError: (``revoked-already``) that is known, or worse is.
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
        """Let more people say everything here but who else may, and perhaps extend the log.

        Args:
            dids: The people.
            log_key: A key of theirs that may sign the log.
            at: The home, where a log key is added from a clone.
            message: Why; signed and public.

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
        """Let people approve model cards, and sign nothing else by that.

        Cards that the role is about are approved by its keys alone, no more by others.

        Args:
            dids: The people; those who may already still may.
            threshold: How many distinct keys a card takes; None: as before, at first 1.
            cards: Patterns of the cards' names, such as ``cards/acme/*``; empty: as before, at
                first every card.
            log_key: A key of theirs that may sign the log.
            at: The home, where a log key is added from a clone.
            message: Why; signed and public.

        Raises:
            InvalidInputError: (``bad-threshold``, ``bad-pattern``, ``bad-policy``)
            ConflictError: (``key-used``) the log key was retired here before.
            LyrikstoreError: As :func:`lyrikstore.history.commit.policy_change.change_policy`.
        """
        change = stages.with_approvers(dids, log_key, threshold=threshold, cards=cards)
        return self._change(change, message, at)

    def retire(
        self, log_key: "PublicKey", *, at: "str | RemotePlace | None" = None, message: str = ""
    ) -> "PolicyChange":
        """Let ``log_key`` sign no log checkpoint from now on, for good; another has to sign this.

        Args:
            log_key: The key.
            at: The home, to do it there at once; from a clone it else waits for the next push.
            message: Why; signed and public.

        Raises:
            NotFoundError: (``no-key``) it signs nothing here.
            LyrikstoreError: As :func:`lyrikstore.history.commit.policy_change.change_policy`.
        """
        return self._change(stages.without_log_key(log_key), message, at)

    def misdated(self, indices: Iterable[int], *, message: str = "") -> "PolicyChange":
        """Say of log entries that they bear a wrong date: they count, and their dates do not.

        Args:
            indices: Log indices.
            message: Why; signed and public.

        Raises:
            InvalidInputError: (``bad-index``) no such entry.
            ConflictError: (``known-already``) all of that is said already.
            LyrikstoreError: As :func:`lyrikstore.history.commit.policy_change.change_policy`.
        """
        size = self.store.repository.checkpoint.size
        return self._change(stages.with_misdated(indices, size), message)

    def waits(self) -> bool:
        """Return whether the newest policy is in the local log alone, until it is pushed."""
        repository = self.store.repository
        return repository.refs[GENESIS_NAME].index >= repository.checkpoint.size

    statements = bound_view(lambda: stages.statements_for_others)

    share_said = bound_view(lambda: stages.share_said)

    def nicknames(self) -> Callable[[str], str | None]:
        """Return what gives a DID the name that this user has for it, as `verify` believes it.

        A key that took the place of a believed one is called by that one's name. None: unknown.
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
