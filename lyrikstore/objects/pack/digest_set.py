"""A sorted set of digests, searched without copying: in memory or in a mapped file."""

import mmap
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

_MANY = 1 << 16
"""Number from which numpy sorts; importing it costs as much as sorting this many without it."""

_PER_BUCKET = 8


class DigestSet:
    """A set of digests in ascending order, in buckets by their first bits.

    Digests are practically random, so a bucket has about eight, and one search is one slice of an
    index and one ``find`` in at most a few hundred bytes.

    Args:
        digests: Concatenated raw digests, ascending; equal ones are allowed.
        starts: The number of the first digest of each bucket, then their count; 2^n buckets.
    """

    __slots__ = ("_bits", "_starts", "digests")

    def __init__(self, digests: "bytes | mmap.mmap", starts: "array[int]") -> None:
        self.digests = digests
        self._starts = starts
        self._bits = (len(starts) - 1).bit_length() - 1

    def __len__(self) -> int:
        return self._starts[-1]

    def find(self, raw: bytes) -> int:
        """Return the position of the first digest equal to ``raw``, or -1."""
        bucket = int.from_bytes(raw[:4], "big") >> (32 - self._bits)
        start, end = self._starts[bucket] * 32, self._starts[bucket + 1] * 32
        at = self.digests.find(raw, start, end)
        while at % 32 and at > 0:  # across two digests: one in 2^128, or somebody's work
            at = self.digests.find(raw, at + 1, end)
        return at // 32 if at >= 0 else -1

    def __contains__(self, raw: bytes) -> bool:
        return self.find(raw) >= 0

    def among(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return the ``digests`` that are in the set.

        Cost: half as much as the same number of :meth:`find`; less if the set is the smaller one.
        """
        if len(self) <= len(digests):
            return set(digests).intersection(self.iter())
        words = array("I", b"".join(digests))[::8]
        if sys.byteorder == "little":
            words.byteswap()
        held, starts, shift, found = self.digests, self._starts, 32 - self._bits, set()
        for raw, word in zip(digests, words, strict=True):
            bucket = word >> shift
            start = starts[bucket] * 32
            at = held.find(raw, start, starts[bucket + 1] * 32)
            if at >= 0 and (at % 32 == 0 or self.find(raw) >= 0):
                found.add(raw)
        return found

    def iter(self) -> Iterator[bytes]:
        """Yield every digest once, in ascending order."""
        last = b""
        for at in range(0, len(self) * 32, 32):
            raw = self.digests[at : at + 32]
            if raw != last:
                yield raw
            last = raw

    def save(self, path: Path) -> None:
        """Write the set to a new file, for :meth:`load` on this machine.

        Raises:
            OSError: It cannot be written.
        """
        # Digests first, so that positions in the mapped file are positions in the set.
        with path.open("xb") as file:
            file.write(self.digests)
            self._starts.tofile(file)
            array("Q", [len(self), len(self._starts)]).tofile(file)

    @classmethod
    def load(cls, path: str) -> "DigestSet":
        """Return the set in a file that :meth:`save` wrote; it is mapped, not read.

        Raises:
            OSError: It cannot be read.
        """
        with Path(path).open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        count, buckets = memoryview(mapped)[-16:].cast("Q")
        starts = array("I")
        starts.frombytes(mapped[count * 32 : count * 32 + buckets * starts.itemsize])
        return cls(mapped, starts)


def find_digest(joined: bytes, raw: bytes) -> int:
    """Return the position of the first digest equal to ``raw`` in concatenated ones, or -1.

    Cost: one search through ``joined``.
    """
    at = joined.find(raw)
    while at % 32 and at > 0:  # across two digests: one in 2^128, or somebody's work
        at = joined.find(raw, at + 1)
    return at // 32 if at >= 0 else -1


def sort_digests(joined: bytes) -> tuple[DigestSet, "array[int]"]:
    """Return concatenated raw digests as a set, and the position of each in ``joined``.

    Equal digests keep their order.

    Cost: O(n log n); by numpy if there are many.
    """
    count = len(joined) // 32
    bits = max(0, (count // _PER_BUCKET).bit_length() - 1)
    if count >= _MANY:
        return _sort_many(joined, bits)
    keys = [joined[at : at + 32] for at in range(0, len(joined), 32)]
    order = sorted(range(count), key=keys.__getitem__)
    counts = [0] * (1 << bits)
    for key in keys:
        counts[int.from_bytes(key[:4], "big") >> (32 - bits)] += 1
    starts = array("I", accumulate(counts, initial=0))
    return DigestSet(b"".join([keys[at] for at in order]), starts), array("I", order)


def _sort_many(joined: bytes, bits: int) -> tuple[DigestSet, "array[int]"]:
    import numpy as np  # slow to load: only where it saves more

    words = np.frombuffer(joined, ">u8").reshape(-1, 4)
    first = words[:, 0].astype(np.uint64)
    order = np.argsort(first, kind="stable")
    ranked = first[order]
    twins = np.flatnonzero(ranked[1:] == ranked[:-1])
    if len(twins):  # copies; or different digests with equal beginnings, which can be made
        order = np.lexsort([words[:, column].astype(np.uint64) for column in (3, 2, 1, 0)])
    edges = np.arange((1 << bits) + 1, dtype=np.uint64) << np.uint64(64 - bits)
    starts = array("I", [*np.searchsorted(ranked, edges[:-1]).tolist(), len(ranked)])
    rows = np.frombuffer(joined, "V32")[order]
    where = array("I")
    where.frombytes(order.astype(np.uint32).tobytes())
    return DigestSet(rows.tobytes(), starts), where


class Recent:
    """The last stored digests of a commit, in bounded memory, so that they are not stored again.

    At least the last half million are kept, which is 2 GB of text in small chunks.
    """

    _HALF = 1 << 19

    def __init__(self) -> None:
        self._new: set[bytes] = set()
        self._old: set[bytes] = set()

    def __contains__(self, raw: bytes) -> bool:
        return raw in self._new or raw in self._old

    def __iter__(self) -> Iterator[bytes]:
        yield from self._new
        yield from self._old

    def add(self, raw: bytes) -> None:
        """Add a digest."""
        self._new.add(raw)
        if len(self._new) >= self._HALF:
            self._new, self._old = set(), self._new

    def among(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return the ``digests`` that are kept."""
        asked = set(digests)
        return (asked & self._new) | (asked & self._old)

    def update(self, digests: Iterable[bytes]) -> None:
        """Add several digests."""
        self._new.update(digests)
        if len(self._new) >= self._HALF:
            self._new, self._old = set(), self._new

    def clear(self) -> None:
        """Remove all digests."""
        self._new, self._old = set(), set()
