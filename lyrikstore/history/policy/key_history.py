"""The history of a store's keys: which could sign, and until when (spec §8.3).

A store's policies form one chain: each is signed by an owner of the one before and names it as its
parent. A signature is judged by its position in the log, never by a date: signatures of a key that
was only replaced stay valid before the replacement; signatures of a compromised key stay valid if
they were logged before it became suspect. Log checkpoints by a retired log key stay valid if they
do not cover its retirement.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import VerificationError
from lyrikstore.canon.text import pluralize
from lyrikstore.history.log.checkpoint import LogCheckpoint, Place, SignedCheckpoint
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.policy.policy import Policy, Retired


class KeyStatus(Enum):
    """The status of a key under a store's policies."""

    CURRENT = "current"
    """It has a role."""
    SUCCEEDED = "succeeded"
    """It had a role, and was replaced or removed."""
    COMPROMISED = "compromised"
    """From some log index on another person may have had it."""
    UNKNOWN = "unknown"
    """It never had a role."""


class KeyState(Struct, frozen=True):
    """The state of one key under a store's policies.

    Attributes:
        standing: Its status.
        retired: The record of its retirement, or None.
        since: The log index of the policy that retired it, or None.
    """

    standing: KeyStatus
    retired: Retired | None = None
    since: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether the key had a role and has lost it."""
        return self.standing in {KeyStatus.SUCCEEDED, KeyStatus.COMPROMISED}

    def counts_at(self, index: int) -> bool:
        """Return whether a signature of the key counts if it was logged at ``index``."""
        return not self.is_suspect_at(index) and (self.since is None or index < self.since)

    def is_suspect_at(self, index: int) -> bool:
        """Return whether another person may have had the key when ``index`` was logged."""
        start = None if self.retired is None else self.retired.suspect_from
        return start is not None and start <= index


class Ruled(Struct, frozen=True):
    """A policy with its position in the log.

    Attributes:
        index: Log index of its manifest; it is in force for the entries after it.
        policy: The policy.
        author: DID of its signer.
        id: Id of its manifest.
        places: Positions at which proofs show it in the log; empty in a log that is open here.
    """

    index: int
    policy: Policy
    author: str
    id: Digest
    places: tuple[Place, ...] = ()

    @property
    def heads(self) -> tuple[LogCheckpoint, ...]:
        """The log checkpoints of its proofs, each once."""
        signed = (place.signed for place in self.places)
        return tuple(dict.fromkeys(one.head for one in signed if one is not None))


@dataclass(frozen=True)  # no slots: it keeps what it looked up
class KeyHistory:
    """The policies of a store, the genesis first.

    Attributes:
        policies: In log order; never empty.
        unproven: Versions of available policies, signed by an owner, that would follow these if
            a proof showed them in the log.
        logs: The log keys that owners named, also in policies without proof; by default those of
            the newest policy.
        forked: Whether the available files show two histories of this store.
    """

    policies: tuple[Ruled, ...]
    unproven: tuple[int, ...] = ()
    logs: tuple[VerifierKey, ...] = ()
    forked: bool = False

    @property
    def store(self) -> Digest:
        """The id of the store: the id of its genesis manifest."""
        return self.policies[0].id

    @property
    def current(self) -> Policy:
        """The newest policy."""
        return self.policies[-1].policy

    @property
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """Every key that may sign the log, those of unproven policies included; none is removed."""
        return self.logs or self.current.logs

    def declared(self, did: str) -> tuple[Ruled, ...]:
        """Return the policies that state the index from which ``did`` is suspect, as in the newest.

        All of them are in the log that states it: the first may be shown only by the proof of
        another one, because every holder of a policy can log it again.
        """
        said: list[Ruled] = []
        for one in reversed(self.policies):
            start = one.policy.suspects.get(did)
            if start is None or start != self._suspects.get(did):
                break
            said.insert(0, one)
        return tuple(said)

    def ended(self, did: str) -> Ruled | None:
        """Return the policy that removed the last role of ``did``, or None."""
        since = self.state_of(did).since
        return next((one for one in self.policies if one.index == since), None)

    def check_head(self, signed: SignedCheckpoint) -> None:
        """Raise `retired-log-key` if only retired keys signed; see :func:`check_head`."""
        check_head(signed, ((one.index, one.policy) for one in self.policies))

    def lets_sign(self, place: Place) -> bool:
        """Return whether a signer of the log checkpoint of ``place`` may sign one of its size.

        Its signature was verified before.
        """
        if place.signed is None:
            return True
        try:
            self.check_head(place.signed)
        except VerificationError:
            return False
        return True

    def in_force(self, index: int) -> Policy:
        """Return the policy in force at ``index``.

        Keys that were suspect at ``index`` have no role in it, even if that became known later.
        """
        policy = next(
            (one.policy for one in reversed(self.policies) if one.index < index),
            self.policies[0].policy,
        )
        gone = {key for key, start in self._suspects.items() if start <= index}
        if not gone & policy.keys:
            return policy
        roles = {
            name: replace(role, keys=tuple(key for key in role.keys if key not in gone))
            for name, role in policy.roles.items()
        }
        return replace(policy, roles=roles)

    def state_of(self, did: str) -> KeyState:
        """Return the state of the key ``did`` under the policies."""
        if did in self._retired:
            retired, since = self._retired[did]
            compromised = retired.suspect_from is not None
            standing = KeyStatus.COMPROMISED if compromised else KeyStatus.SUCCEEDED
            return KeyState(standing, retired, since)
        if did in self.current.keys:
            return KeyState(KeyStatus.CURRENT)
        # Left out without a word, as a policy may: as if it had been replaced there.
        held = [i for i, one in enumerate(self.policies) if did in one.policy.keys]
        if not held:
            return KeyState(KeyStatus.UNKNOWN)
        return KeyState(KeyStatus.SUCCEEDED, None, self.policies[held[-1] + 1].index)

    def named_by(self, did: str) -> list[tuple[str, str]]:
        """Return the predecessors of the key ``did``, newest first, with the signers.

        A succession does not count if the older key, or the key that signed the policy, was suspect
        when it was logged: a thief may have named the successor.

        Returns:
            Pairs of the older key and the key that signed the policy.
        """
        chain: list[tuple[str, str]] = []
        key = did
        for one, replaced in zip(reversed(self.policies), self._replaced, strict=True):
            before = replaced.get(key)
            if before is None or self._retired[before][1] != one.index:
                continue
            suspects = self._suspects
            if any(suspects.get(who, one.index + 1) <= one.index for who in (before, one.author)):
                break
            chain.append((before, one.author))
            key = before
        return chain

    # ATTACK: a hundred policies that each retire a thousand keys, every one the next one's
    # predecessor. So each policy is looked through once, not once for every key.

    @cached_property
    def _suspects(self) -> Mapping[str, int]:
        return self.current.suspects

    @cached_property
    def _retired(self) -> dict[str, tuple[Retired, int]]:
        """Key → its newest retirement record, and the index of the first policy that retired it."""
        since: dict[str, int] = {}
        for one in self.policies:
            for item in one.policy.retired:
                since.setdefault(item.key, one.index)
        return {item.key: (item, since[item.key]) for item in self.current.retired}

    @cached_property
    def _replaced(self) -> list[dict[str, str]]:
        """For each policy, the newest first: successor → the first key that names it."""
        return [
            {item.successor: item.key for item in reversed(one.policy.retired) if item.successor}
            for one in reversed(self.policies)
        ]


def check_head(signed: SignedCheckpoint, policies: Iterable[tuple[int, Policy]]) -> None:
    """Raise `retired-log-key` unless a key signed that these policies allow for this size.

    Args:
        signed: A log checkpoint whose signature verifies.
        policies: The policies that took effect, with the log index of each.

    Raises:
        VerificationError: (``retired-log-key``) a policy that it covers retired every key that
            signed it: a stolen key was used (attack case A29).
    """
    left = set(signed.signers)
    for index, policy in policies:
        if index < signed.size:
            left -= set(policy.retired_logs)
        if not left:
            raise VerificationError(
                "retired-log-key",
                f"a log checkpoint of {pluralize(signed.size, 'entry')}, "
                "by a log key that was retired at "
                f"entry {index}",
                hint="a holder of that retired key signed it: restore log/checkpoint from a clone, "
                "a mirror or a backup",
            )
