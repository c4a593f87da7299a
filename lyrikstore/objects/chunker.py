"""Where large blobs are cut, and the list of pieces (spec/04-objects.md §5).

Cutting depends on content only, so that two versions of a file share the pieces they have in
common. Readers need none of this: they follow the list of pieces.
"""

import struct
import sys
from array import array
from collections.abc import Iterator
from typing import Protocol

import zstandard

from lyrikstore.canon.errors import FormatError

WHOLE_MAX = 1 << 20
"""Blobs up to this size are never cut."""

PIECE_MAX = 4 << 20
"""No piece is larger."""

LIST_MAX = 1 << 30
"""No list of pieces is larger (about 600 GB of text)."""


class Readable(Protocol):
    """What blobs are read from: an open binary file is one."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, none only at the end."""


_SAMPLE = 256 * 1024
_MAGIC = b"lyrlist\n"
_HEADER = struct.Struct("<8sHHIQQ")
_ENTRY = 36


def is_fine(sample: bytes) -> bool:
    """Return whether a blob that starts with ``sample`` is worth cutting finely.

    Compressed files and model weights do not deduplicate at 16 KiB (measured: nothing saved,
    fifty times the pieces); text does. Text shrinks under zstd by a quarter or more.
    """
    sample = sample[:_SAMPLE]
    return len(zstandard.ZstdCompressor(level=1).compress(sample)) * 4 < len(sample) * 3


def cut(stream: Readable, *, fine: bool) -> Iterator[bytes]:
    """Yield the pieces of ``stream``, in order; joined they are its bytes.

    FastCDC (2020) with the gear table of the reference code and normalisation level 1: sizes
    minimum/average/maximum 4/16/64 KiB when ``fine``, else 256 KiB/1 MiB/4 MiB.

    Args:
        stream: Read to its end; only ``read(n)`` is used.
        fine: For text and other data that versions edit in place.

    Cost: about 2 GB/s; memory two pieces and a buffer.
    """
    from pyfastcdc import FastCDC  # 7 ms: only when something large is stored

    average = 16 << 10 if fine else 1 << 20
    cutter = FastCDC(average, min_size=average // 4, max_size=average * 4)
    for chunk in cutter.cut_stream(_Filled(stream)):
        yield bytes(chunk.data)


class _Filled:
    # The cutter takes a short read for the end of the stream; pipes and sockets read short.
    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def readinto(self, buffer: memoryview) -> int:
        view = memoryview(buffer)
        filled = 0
        while filled < len(view):
            piece = self._stream.read(len(view) - filled)
            if not piece:
                break
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled


class PieceList:
    """The pieces of one large blob, 44 bytes of memory each.

    Attributes:
        bytes: The size of the blob.
        starts: Where each piece starts, and the size of the blob as last item.
    """

    __slots__ = ("_digests", "bytes", "starts")

    def __init__(self, digests: bytes, sizes: "array[int]") -> None:
        self._digests = digests
        self.starts = array("Q", [0])
        total = 0
        for size in sizes:
            total += size
            self.starts.append(total)
        self.bytes = total

    def __len__(self) -> int:
        return len(self.starts) - 1

    def digest(self, number: int) -> bytes:
        """Return the raw BLAKE3 of piece ``number`` (from 0)."""
        return self._digests[number * 32 : number * 32 + 32]

    def size(self, number: int) -> int:
        """Return the size of piece ``number`` in bytes."""
        return self.starts[number + 1] - self.starts[number]


def encode_list(digests: bytes, sizes: "array[int]") -> bytes:
    """Return the bytes of a list of pieces.

    Args:
        digests: The raw BLAKE3 of each piece, joined.
        sizes: Their sizes, an ``array("I")``.
    """
    header = _HEADER.pack(_MAGIC, 1, 0, 0, sum(sizes), len(sizes))
    return header + digests + _little(sizes).tobytes()


def parse_list(data: bytes) -> PieceList:
    """Return the list of pieces in ``data``.

    Raises:
        FormatError: (``bad-list``) any deviation: other magic, a length that does not fit the
            count, a piece that is empty or above :data:`PIECE_MAX`, sizes that do not add up;
            (``newer-format``) a list of a later format.
    """
    if len(data) < _HEADER.size or data[:8] != _MAGIC:
        raise FormatError("bad-list", "not a list of pieces")
    _, version, zero, reserved, total, count = _HEADER.unpack_from(data)
    if version != 1:
        raise FormatError(
            "newer-format", f"list of pieces of format {version}", hint="upgrade lyrikstore"
        )
    if zero or reserved or len(data) != _HEADER.size + _ENTRY * count:
        raise FormatError("bad-list", "the list of pieces has a wrong length or reserved field")
    digests = data[_HEADER.size : _HEADER.size + 32 * count]
    sizes = array("I")
    sizes.frombytes(data[_HEADER.size + 32 * count :])
    sizes = _little(sizes)
    if count == 0 or min(sizes) == 0 or max(sizes) > PIECE_MAX or sum(sizes) != total:
        raise FormatError("bad-list", "sizes in the list of pieces do not add up")
    return PieceList(digests, sizes)


def _little(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers
