"""Which keys spoke for a store, and until when (spec §8.3).

A store's policies form one chain: each is signed by an owner of the one before and names it as its
parent. A signature is judged by where in the log it stands, never by a date: a key that was only
replaced keeps what it signed before; one that was compromised keeps what was logged before it
became suspect. A log key that was retired keeps the log checkpoints that do not cover its
retirement.
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
    """What a store's policies say of a key."""

    CURRENT = "current"
    """It has a role."""
    SUCCEEDED = "succeeded"
    """It had one, and was replaced or let go."""
    COMPROMISED = "compromised"
    """From some log index on it may have been in other hands."""
    UNKNOWN = "unknown"
    """It never had one."""


class KeyState(Struct, frozen=True):
    """What a store's policies say of one key.

    Attributes:
        standing: In one word.
        retired: How it was retired, or None.
        since: The log index of the policy that retired it, or None.
    """

    standing: KeyStatus
    retired: Retired | None = None
    since: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether the key had a role, and has none any more."""
        return self.standing in {KeyStatus.SUCCEEDED, KeyStatus.COMPROMISED}

    def counts_at(self, index: int) -> bool:
        """Return whether what the key signed counts, if it was logged at ``index``."""
        return not self.is_suspect_at(index) and (self.since is None or index < self.since)

    def is_suspect_at(self, index: int) -> bool:
        """Return whether the key may have been in other hands when ``index`` was logged."""
        start = None if self.retired is None else self.retired.suspect_from
        return start is not None and start <= index


class Ruled(Struct, frozen=True):
    """A policy and where it stands.

    Attributes:
        index: Log index of its manifest; it is in force for the entries after it.
        policy: The policy.
        author: Who signed it.
        id: Its manifest.
        places: Where proofs show it to be logged; none in a log that is open here.
    """

    index: int
    policy: Policy
    author: str
    id: Digest
    places: tuple[Place, ...] = ()

    @property
    def heads(self) -> tuple[LogCheckpoint, ...]:
        """The log checkpoints under which it is shown, each once."""
        signed = (place.signed for place in self.places)
        return tuple(dict.fromkeys(one.head for one in signed if one is not None))


@dataclass(frozen=True)  # no slots: it keeps what it looked up
class KeyHistory:
    """The policies of a store, the genesis first.

    Attributes:
        policies: In log order; never empty.
        unproven: Versions of available policies that would come after these, by an owner, if they
            were shown to be logged.
        logs: The log keys that owners named, also where nothing shows it to be logged; those of
            the newest policy unless given.
        forked: Whether what is available shows two histories of this store.
    """

    policies: tuple[Ruled, ...]
    unproven: tuple[int, ...] = ()
    logs: tuple[VerifierKey, ...] = ()
    forked: bool = False

    @property
    def store(self) -> Digest:
        """The store they are of: the genesis's id is its name."""
        return self.policies[0].id

    @property
    def current(self) -> Policy:
        """The newest policy."""
        return self.policies[-1].policy

    @property
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """Every key that may sign the log, or might; keys are only added."""
        return self.logs or self.current.logs

    def declared(self, did: str) -> tuple[Ruled, ...]:
        """Return the policies that say since when ``did`` is suspect, as it is said now.

        All of them are of the log that says so: the first may be shown by the proof of another one
        alone, for whoever holds a policy can log it anew.
        """
        said: list[Ruled] = []
        for one in reversed(self.policies):
            start = one.policy.suspects.get(did)
            if start is None or start != self._suspects.get(did):
                break
            said.insert(0, one)
        return tuple(said)

    def ended(self, did: str) -> Ruled | None:
        """Return the policy by which ``did`` has no role any more, or None."""
        since = self.state_of(did).since
        return next((one for one in self.policies if one.index == since), None)

    def check_head(self, signed: SignedCheckpoint) -> None:
        """Return if a key signed that was no retired one; see :func:`check_head`."""
        check_head(signed, ((one.index, one.policy) for one in self.policies))

    def lets_sign(self, place: Place) -> bool:
        """Return whether the log checkpoint of ``place`` is by a key that may sign one of its size.

        Its signature holds already.
        """
        if place.signed is None:
            return True
        try:
            self.check_head(place.signed)
        except VerificationError:
            return False
        return True

    def in_force(self, index: int) -> Policy:
        """Return the policy that decides who may say what at ``index``.

        Keys that were suspect by then have no role in it, whenever that became known.
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
        """Return what the policies say of the key ``did``."""
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
        """Return the keys that ``did`` took the place of, newest first, and who said so.

        A succession does not count if the key it is about, or the one that signed it, was suspect
        when it was logged: then a thief may have named another.

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
        """Key → how it was retired, by the newest word, and the index of the first policy to."""
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
    """Return if the log checkpoint is by a key that these policies let sign one of its size.

    Args:
        signed: One whose signature holds.
        policies: Those that took effect, with the log index of each.

    Raises:
        VerificationError: (``retired-log-key``) a policy that it covers retired every key that
            signed it: a thief's work (attack case A29).
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
                hint="somebody who kept that key signed it: take log/checkpoint from a clone, a "
                "mirror or a backup",
            )
