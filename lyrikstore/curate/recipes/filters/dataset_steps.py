"""Steps for a whole dataset: what they see of its records, and what they say of them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


class KeyedRecords:
    """What a step for a whole dataset sees of the records that reach it, in storage order.

    Args:
        keys: What ``DatasetFilter.key`` gave of each, one after another.
        ends: Where each ends, in bytes.
    """

    def __init__(self, keys: "np.ndarray[Any, Any]", ends: "np.ndarray[Any, Any]") -> None:
        self._keys, self._ends = keys, ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, at: int) -> bytes:
        start = int(self._ends[at - 1]) if at else 0
        return bytes(self._keys[start : int(self._ends[at])])

    def __iter__(self) -> Iterator[bytes]:
        return map(self.__getitem__, range(len(self)))

    def numbers(self) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
        """Return all keys as numbers of 8 bytes, where they lie, and where each key ends there."""
        return self._keys.view("<u8"), self._ends // 8

    def columns(self, width: int) -> "np.ndarray[Any, Any]":
        """Return keys of one length as rows of bytes, not in memory but where they lie."""
        return self._keys.reshape(len(self), width)


class DatasetDecisions:
    """What becomes of the records that a step for a whole dataset saw.

    Args:
        count: How many there are; all stay, unless :meth:`drop` or :meth:`report` says more.
        reasons: Stable codes that it gives.
    """

    def __init__(self, count: int, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        self._codes = np.zeros(count, np.uint8)
        self._others = np.full(count, -1, np.int64)
        self._likeness = np.full(count, -1, np.int16)
        self._parts: Sequence[str] = ()
        self._dealt: np.ndarray[Any, Any] | None = None

    def drop(self, at: Any, reason: str, other: Any) -> None:
        """Say that records go, each for the sake of another one; places, one or an array."""
        self._codes[at], self._others[at] = self.reasons.index(reason) + 1, other

    def report(self, at: Any, reason: str, other: Any) -> None:
        """Say what was found of records that stay; ``other`` as for :meth:`drop`."""
        self._codes[at], self._others[at] = self.reasons.index(reason) + 129, other

    def deal(self, parts: Sequence[str], dealt: "np.ndarray[Any, Any]") -> None:
        """Say to which of the parts each record goes that stays: its place among them."""
        self._parts, self._dealt = parts, dealt

    def part(self, at: int) -> str | None:
        """Return the part that a record goes to; None where none were dealt."""
        return None if self._dealt is None else self._parts[int(self._dealt[at])]

    def liken(self, at: int, likeness: int) -> None:
        """Say how like the other one a record is, in 1/10000."""
        self._likeness[at] = likeness

    def likeness(self, at: int) -> str:
        """Return how like the other one a record is, for a detail; empty where nobody said."""
        found = int(self._likeness[at])
        return f", Jaccard {found / 10_000:.4f}" if found >= 0 else ""

    def of(self, at: int) -> tuple[str, bool, int] | None:
        """Return reason, whether it goes, and the other record's place; None: nothing is so."""
        code = int(self._codes[at])
        if not code:
            return None
        return self.reasons[(code - 1) % 128], code < 129, int(self._others[at])
