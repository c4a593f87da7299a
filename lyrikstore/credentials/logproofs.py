"""Where things are shown to be logged, as far as log proofs lie beside a credential (spec §11.4.5).

No digest names a log proof, and nothing in one names its entry: what it is of is found by trying.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.history.log import Leaf, SignedCheckpoint, TlogProof
from lyrikstore.history.note import VerifierKey

PROOF_HEAD = b"c2sp.org/tlog-proof@v1\n"
"""How every log proof starts; a proof is found by it, for no digest names it."""


class Places(Protocol):
    """Where things are shown to be logged."""

    def take(
        self,
        leaf: Leaf,
        keys: Sequence[VerifierKey],
        check: Callable[[SignedCheckpoint], None] = lambda _: None,
    ) -> int | None:
        """Return the log index of ``leaf``, or None if nothing shows it; see :class:`Proofs`."""


class ProofFiles:
    """The log proofs beside a credential, each read once for all the stores that are.

    Args:
        files: Those that start with :data:`PROOF_HEAD`.
    """

    def __init__(self, files: Iterable[bytes] = ()) -> None:
        self.files = tuple(files)
        self.parsed: list[TlogProof | LyrikstoreError] = []
        self._leads: dict[tuple[int, Leaf], bool] = {}
        for data in self.files:
            try:
                self.parsed.append(TlogProof.parse(data))
            except LyrikstoreError as error:
                self.parsed.append(error)
        places = [
            (proof.index, number)
            for number, proof in enumerate(self.parsed)
            if isinstance(proof, TlogProof)
        ]
        self.order = [number for _, number in sorted(places)]
        """Numbers of those that are proofs, in the order of the log."""

    def leads(self, number: int, leaf: Leaf) -> TlogProof | None:
        """Return the proof of that number if it leads from ``leaf`` to the root it states."""
        proof = self.parsed[number]
        if not isinstance(proof, TlogProof):
            return None
        key = number, leaf
        if key not in self._leads:
            self._leads[key] = proof.is_of(leaf)
        return proof if self._leads[key] else None


class Proofs:
    """The log proofs beside a credential as one store takes them, each for the entry it leads from.

    Args:
        files: The proofs.
    """

    def __init__(self, files: ProofFiles) -> None:
        self._of = files
        self._used: set[int] = set()
        self._found: dict[Leaf, int] = {}
        self._next = 0

    def take(
        self,
        leaf: Leaf,
        keys: Sequence[VerifierKey],
        check: Callable[[SignedCheckpoint], None] = lambda _: None,
    ) -> int | None:
        """Return where ``leaf`` is shown to be logged, or None; that proof is for nothing else.

        Args:
            leaf: The entry.
            keys: The log's keys.
            check: Refuses log checkpoints that one of them should not have signed.
        """
        if leaf in self._found:
            return self._found[leaf]
        # Nothing in a proof names its leaf. But policies are asked for in the order of the log: so
        # from the last that was found on, or each would be held against the proofs of all others.
        order = (*self._of.order[self._next :], *self._of.order[: self._next])
        for turn, number in enumerate(order, self._next + 1):
            # Cheap first: no signature for the proof of something else.
            proof = None if number in self._used else self._of.leads(number, leaf)
            if proof is not None:
                try:
                    signed = proof.verify(leaf, keys)
                    check(signed)
                except LyrikstoreError:
                    continue
                self._used.add(number)
                self._next = turn % len(order)
                self._found[leaf] = proof.index
                return proof.index
        return None

    @property
    def taken(self) -> list[bytes]:
        """The files of the proofs taken."""
        return [self._of.files[number] for number in sorted(self._used)]

    @property
    def others(self) -> list[TlogProof | LyrikstoreError]:
        """The proofs not taken, and why those that are none are none."""
        return [one for number, one in enumerate(self._of.parsed) if number not in self._used]
