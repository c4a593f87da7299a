"""Content-defined chunking of large blobs, and the chunk list format (spec §4.5).

Chunk boundaries depend only on content, so that two versions of a file share their common chunks.
Readers do not need the chunker: they follow the chunk list.
"""

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Protocol

import zstandard
from blake3 import blake3

from lyrikstore.canon.errors import FormatError

WHOLE_MAX = 1 << 20
"""Maximum size of a blob that is never cut."""

CHUNK_MAX = 4 << 20
"""Maximum size of a chunk."""

LIST_MAX = 1 << 30
"""Maximum size of a chunk list."""

SEGMENT = 16 << 20
"""Blobs are cut in segments of this size, each independently."""


class Readable(Protocol):
    """A source of a blob's bytes, such as an open binary file."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; empty only at the end."""


_SAMPLE = 256 * 1024
_CHUNKS_LOG = 22
_COARSEST = CHUNK_MAX // 4
_MAGIC = b"lyrlist\n"
_HEADER = struct.Struct("<8sHHIQQ")
_ENTRY = 36


def is_fine(sample: bytes | memoryview) -> bool:
    """Return whether small chunks are useful for a blob that starts with ``sample``.

    Compressed files and model weights do not deduplicate in small chunks (measured: nothing
    saved, hundreds of times the chunks); text does. zstd shrinks text by a quarter or more.
    """
    sample = sample[:_SAMPLE]
    return len(zstandard.ZstdCompressor(level=1).compress(sample)) * 4 < len(sample) * 3


def average_of(fine: int, size: int) -> int:
    """Return the average size of small chunks: larger for blobs above 32 GiB.

    Readers and writers of the blob keep its chunk list in memory; this bounds its size.

    Args:
        fine: The average below 32 GiB (8 KiB by default).
        size: Size of the blob in bytes.
    """
    while size > fine << _CHUNKS_LOG and fine < _COARSEST:
        fine = min(fine << 2, _COARSEST)
    return fine


def cut(segment: bytes | memoryview, average: int) -> "array[int]":
    """Return the sizes of the chunks of one segment of a blob, in order.

    FastCDC (2020) with the gear table of the reference code and normalisation level 1; a chunk
    has at least a quarter and at most four times the average. Each segment is cut independently,
    so that several can be cut in parallel.

    Args:
        segment: :data:`SEGMENT` bytes; fewer only at the end of the blob.
        average: A power of two, 256 at least and a quarter of :data:`CHUNK_MAX` at most.

    Cost: one pass; no copy.
    """
    from pyfastcdc import FastCDC  # 7 ms: only when something large is stored

    cutter = FastCDC(average, min_size=average // 4, max_size=average * 4)
    return array("I", [chunk.length for chunk in cutter.cut_buf(segment)])


def hash_chunks(segment: bytes | memoryview, sizes: "array[int]") -> list[bytes]:
    """Return the raw BLAKE3 of each chunk of a segment."""
    view = memoryview(segment)
    bounds = pairwise(accumulate(sizes, initial=0))
    return [blake3(view[start:end]).digest() for start, end in bounds]


def new_runs(
    digests: Sequence[bytes], sizes: "array[int]", known: set[bytes]
) -> Iterator[tuple[int, int, int, int]]:
    """Yield the runs of adjacent chunks that are not known.

    Args:
        digests: The raw digest of each chunk.
        sizes: The size of each.
        known: The known digests; the others are added during the call, so that each is new once.

    Yields:
        For each run the number of its first chunk, the number after its last chunk, and its start
            and end in bytes.
    """
    first = start = at = 0
    for number, (raw, size) in enumerate(zip(digests, sizes, strict=True)):
        if raw in known:
            if first < number:
                yield first, number, start, at
            first, start = number + 1, at + size
        else:
            known.add(raw)
        at += size
    if first < len(digests):
        yield first, len(digests), start, at


class ChunkList:
    """The chunks of one large blob, 44 bytes of memory each.

    Attributes:
        bytes: The size of the blob.
        starts: The start of each chunk, and the size of the blob as last item.
    """

    __slots__ = ("_digests", "bytes", "starts")

    def __init__(self, digests: bytes, sizes: "array[int]") -> None:
        self._digests = digests
        self.starts = array("Q", accumulate(sizes, initial=0))
        self.bytes = self.starts[-1]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def digest(self, number: int) -> bytes:
        """Return the raw BLAKE3 of chunk ``number`` (from 0)."""
        return self._digests[number * 32 : number * 32 + 32]

    def digests(self, first: int, last: int) -> bytes:
        """Return the concatenated raw BLAKE3 of the chunks from ``first`` to before ``last``."""
        return self._digests[first * 32 : last * 32]

    def size(self, number: int) -> int:
        """Return the size of chunk ``number`` in bytes."""
        return self.starts[number + 1] - self.starts[number]


def encode_list(digests: bytes, sizes: "array[int]") -> bytes:
    """Return the bytes of a chunk list.

    Args:
        digests: The raw BLAKE3 of each chunk, concatenated.
        sizes: Their sizes, an ``array("I")``.
    """
    header = _HEADER.pack(_MAGIC, 1, 0, 0, sum(sizes), len(sizes))
    return header + digests + _little(sizes).tobytes()


def parse_list(data: bytes) -> ChunkList:
    """Return the chunk list in ``data``.

    Raises:
        FormatError: (``bad-list``) it deviates from the format: other magic, a length that does
            not fit the count, a chunk that is empty or above :data:`CHUNK_MAX`, sizes that do not
            add up; (``newer-format``) a list of a later format.
    """
    if len(data) < _HEADER.size or data[:8] != _MAGIC:
        raise FormatError("bad-list", "not a chunk list")
    _, version, zero, reserved, total, count = _HEADER.unpack_from(data)
    if version != 1:
        raise FormatError(
            "newer-format", f"chunk list of format {version}", hint="upgrade lyrikstore"
        )
    if zero or reserved or len(data) != _HEADER.size + _ENTRY * count:
        raise FormatError("bad-list", "the chunk list has a wrong length or reserved field")
    digests = data[_HEADER.size : _HEADER.size + 32 * count]
    sizes = array("I")
    sizes.frombytes(data[_HEADER.size + 32 * count :])
    sizes = _little(sizes)
    if count == 0 or min(sizes) == 0 or max(sizes) > CHUNK_MAX or sum(sizes) != total:
        raise FormatError("bad-list", "sizes in the chunk list do not add up")
    return ChunkList(digests, sizes)


def _little(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers
