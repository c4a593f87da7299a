"""The keys that a step over a whole dataset reads, and the decisions that it returns."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


class KeyedRecords:
    """The keys of the records that reach a dataset step, in storage order.

    Args:
        keys: The keys of ``DatasetFilter.key``, concatenated.
        ends: The end of each key, in bytes.
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
        """Return all keys as 8-byte numbers, without copying, and the end index of each key."""
        return self._keys.view("<u8"), self._ends // 8

    def columns(self, width: int) -> "np.ndarray[Any, Any]":
        """Return keys of one length as rows of bytes, without copying."""
        return self._keys.reshape(len(self), width)


class DatasetDecisions:
    """The decisions of a dataset step on the records that reached it.

    Args:
        count: Number of records; they are kept unless :meth:`drop` is called for them.
        reasons: The stable codes that the step uses.
    """

    def __init__(self, count: int, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        self._codes = np.zeros(count, np.uint8)
        self._others = np.full(count, -1, np.int64)
        self._likeness = np.full(count, -1, np.int16)
        self._parts: Sequence[str] = ()
        self._dealt: np.ndarray[Any, Any] | None = None

    def drop(self, at: Any, reason: str, other: Any) -> None:
        """Drop records, each with the record kept in its place; indices, one or an array."""
        self._codes[at], self._others[at] = self.reasons.index(reason) + 1, other

    def report(self, at: Any, reason: str, other: Any) -> None:
        """Report a finding on records that are kept; ``other`` as for :meth:`drop`."""
        self._codes[at], self._others[at] = self.reasons.index(reason) + 129, other

    def deal(self, parts: Sequence[str], dealt: "np.ndarray[Any, Any]") -> None:
        """Assign each kept record to a part, by the index of that part."""
        self._parts, self._dealt = parts, dealt

    def part(self, at: int) -> str | None:
        """Return the part of a record; None if the step does not split."""
        return None if self._dealt is None else self._parts[int(self._dealt[at])]

    def liken(self, at: int, likeness: int) -> None:
        """Set the Jaccard similarity of a record with the other one, in 1/10000."""
        self._likeness[at] = likeness

    def likeness(self, at: int) -> str:
        """Return the similarity with the other record, as text for a detail; may be empty."""
        similarity = int(self._likeness[at])
        return f", Jaccard {similarity / 10_000:.4f}" if similarity >= 0 else ""

    def of(self, at: int) -> tuple[str, bool, int] | None:
        """Return reason, whether it is dropped, and the other record's index; None: unchanged."""
        code = int(self._codes[at])
        if not code:
            return None
        return self.reasons[(code - 1) % 128], code < 129, int(self._others[at])
