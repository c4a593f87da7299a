"""Places in logs that are shown by log proofs next to a credential (spec §11.4.5).

No digest names a log proof, and a log proof does not name its entry: each entry is tried.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.limits import MAX_LOG_PROOF_SIGNERS
from lyrikstore.history.log.checkpoint import (
    Leaf,
    LogCheckpoint,
    Place,
    SignedCheckpoint,
    TlogProof,
    open_checkpoint,
)
from lyrikstore.history.log.consistency import NO_CONSISTENCY, Consistency
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.policy.key_history import KeyHistory

PROOF_HEAD = b"c2sp.org/tlog-proof@v1\n"
"""First bytes of every log proof, by which proofs are found: no digest names them."""


CREDENTIAL_PROOF = "credential.tlog-proof"
"""File name of the credential's log proof in deliveries. If it is gone, a check can say so."""

CONSISTENCY, LEAVES = "log.consistency.json", "log.leaves"
"""File names of the log's consistency file, and of the leaf hashes that it names."""


class Places(Protocol):
    """Gives the places in a log that are shown for an entry."""

    @property
    def consistency(self) -> Consistency:
        """Known consistency between log checkpoints."""

    def of(self, leaf: Leaf, history: KeyHistory) -> Sequence[Place]:
        """Return the places at which ``leaf`` is shown to be logged; see :meth:`Proofs.of`."""


class ProofFiles:
    """The log proofs next to a credential, each read once for all stores.

    Args:
        files: The files that start with :data:`PROOF_HEAD`.
    """

    def __init__(self, files: Iterable[bytes] = ()) -> None:
        self.files = tuple(files)
        self.proofs: dict[int, TlogProof] = {}
        self.damaged: list[LyrikstoreError] = []
        self.orders: dict[LogCheckpoint, list[int]] = {}
        """Numbers of the proofs by what they lead to, in the order of that log."""
        self._leads: dict[tuple[int, Leaf], bool] = {}
        for number, data in enumerate(self.files):
            try:
                self.proofs[number] = TlogProof.parse(data)
            except LyrikstoreError as error:
                self.damaged.append(error)
        for number, proof in sorted(self.proofs.items(), key=_place):
            if proof.stated is not None:
                self.orders.setdefault(proof.stated, []).append(number)

    def leads(self, number: int, leaf: Leaf) -> bool:
        """Return whether the proof with that number leads from ``leaf`` to the root it states."""
        key = number, leaf
        if key not in self._leads:
            self._leads[key] = self.proofs[number].is_of(leaf)
        return self._leads[key]


class Proofs:
    """The log proofs next to a credential for the log of one store, each with its entry.

    Args:
        files: The proofs.
        consistency: Known consistency between log checkpoints.
    """

    def __init__(self, files: ProofFiles, consistency: Consistency = NO_CONSISTENCY) -> None:
        self.consistency = consistency
        self._of = files
        self._leaves: dict[int, Leaf] = {}
        self._found: dict[Leaf, list[int]] = {}
        self._next: dict[LogCheckpoint, int] = {}
        self._signed: dict[tuple[bytes, tuple[VerifierKey, ...]], SignedCheckpoint | None] = {}

    def of(self, leaf: Leaf, history: KeyHistory) -> Sequence[Place]:
        """Return the places at which ``leaf`` is shown to be logged, the smallest index first.

        Args:
            leaf: The entry.
            history: The store's policies. A log checkpoint counts if it is signed by a log key that
                no policy which it covers has retired.
        """
        return [place for place in self.under(leaf, history.log_keys) if history.lets_sign(place)]

    def under(self, leaf: Leaf, keys: Sequence[VerifierKey]) -> list[Place]:
        """Return the places at which proofs signed by one of ``keys`` show ``leaf`` to be logged.

        Cost: a few of the proofs that lead to one log checkpoint, if entries are looked up in log
        order; a signature for each proof that leads from ``leaf``.
        """
        places = []
        for number in self._numbers(leaf):
            proof = self._of.proofs[number]
            signed = self._judge(proof.checkpoint, tuple(keys))
            if signed is not None:
                places.append(Place(proof.index, signed))
        return sorted(places, key=_index)

    @property
    def taken(self) -> list[bytes]:
        """The files of the proofs that lead from an entry that was looked up."""
        return [self._of.files[number] for number in sorted(self._leaves)]

    @property
    def others(self) -> list[TlogProof | LyrikstoreError]:
        """The other proofs; for a malformed one, the error."""
        left = [one for number, one in self._of.proofs.items() if number not in self._leaves]
        return [*left, *self._of.damaged]

    def _numbers(self, leaf: Leaf) -> list[int]:
        if leaf in self._found:
            return self._found[leaf]
        found = []
        for head, numbers in self._of.orders.items():
            # Nothing in a proof names its leaf. But policies are asked for in the order of the log:
            # so from the last that was found on, or each would be held against all others' proofs.
            start = self._next.get(head, 0)
            index = None
            for turn, number in enumerate((*numbers[start:], *numbers[:start]), start + 1):
                if index not in {None, self._of.proofs[number].index}:
                    break
                # ATTACK: the same proof with a signature that does not hold, to be met first.
                if number not in self._leaves and self._of.leads(number, leaf):
                    index = self._of.proofs[number].index
                    self._leaves[number] = leaf
                    self._next[head] = turn % len(numbers)
                    found.append(number)
        self._found[leaf] = found
        return found

    def _judge(self, note: bytes, keys: tuple[VerifierKey, ...]) -> SignedCheckpoint | None:
        key = note, keys
        if key not in self._signed:
            self._signed[key] = None
            with suppress(LyrikstoreError):
                self._signed[key] = open_checkpoint(note, keys, most=MAX_LOG_PROOF_SIGNERS)
        return self._signed[key]


def _index(place: Place) -> int:
    return place.index


def _place(item: tuple[int, TlogProof]) -> tuple[int, int]:
    number, proof = item
    return proof.index, number
