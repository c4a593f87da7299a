"""Packs: immutable files that contain many blobs in compressed blocks (spec §4.3).

A pack can be read in two ways: from the index in its checksummed footer, or, when the footer is
damaged, block by block from the front. The metadata of a blob in a pack is not trusted: every
reader of a blob hashes it.
"""

import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

import zstandard
from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.text import pluralize
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.chunk.chunker import CHUNK_MAX

BLOCK_MAX = CHUNK_MAX
PACK_MAX = 128 << 20
BLOBS_MAX = 1 << 20

STORED, ZSTD = 0, 1

PackRole = Literal["data", "documents"]
"""Role of a pack: files of datasets and checkpoints, or documents that describe and prove them."""
ROLES: tuple[PackRole, ...] = ("documents", "data")

MAGIC = b"lyrpack\n"
END = b"\nkcapryl"
HEADER = struct.Struct("<8sHHI")
BLOCK = struct.Struct("<IIII")
COUNTS = struct.Struct("<II")
ROW = struct.Struct("<QIIII")
TRAILER = struct.Struct("<Q32s8s")
_TAIL = 64 << 10


class PackRef(Struct, frozen=True):
    """A pack, as transaction records name it.

    Attributes:
        id: The BLAKE3 of the pack file.
        bytes: The exact size of the pack file.
        role: The role of its blobs. A copy without data has only the documents packs.
    """

    id: Digest
    bytes: int
    role: PackRole

    @property
    def name(self) -> str:
        """The name of the file in a backend."""
        return f"packs/{self.id.hex[:2]}/{self.id.hex}.pack"


class PackIndex:
    """The index of a pack: about 60 bytes of memory per blob, no object per blob.

    Attributes:
        digests: The concatenated raw BLAKE3 of each blob, in the order of storage.
        bounds: The start of each blob in the uncompressed stream of all blocks, then its end.
        first: The number of the first blob of each block, then the count of blobs.
    """

    __slots__ = ("_codec", "_offset", "_raw", "_stored", "bounds", "digests", "first")

    def __init__(
        self, rows: Sequence[tuple[int, int, int, int, int]], digests: bytes, sizes: "array[int]"
    ) -> None:
        self._offset = array("Q", [row[0] for row in rows])
        self._stored = array("I", [row[1] for row in rows])
        self._raw = array("I", [row[2] for row in rows])
        self._codec = bytes(row[4] for row in rows)
        self.first = array("I", accumulate((row[3] for row in rows), initial=0))
        self.bounds = array("Q", accumulate(sizes, initial=0))
        self.digests = digests

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def blocks(self) -> int:
        """The number of blocks in the pack."""
        return len(self._offset)

    def place(self, blob: int) -> tuple[int, int, int]:
        """Return (block, start inside the block, size) of blob number ``blob``."""
        block = bisect_right(self.first, blob) - 1
        start = self.bounds[blob]
        return block, start - self.bounds[self.first[block]], self.bounds[blob + 1] - start

    def span(self, block: int) -> tuple[int, int]:
        """Return (offset in the file, length) of the stored bytes of ``block`` after its header."""
        return self._offset[block] + _front(self._count(block)), self._stored[block]

    def unpack(self, block: int, stored: bytes) -> bytes:
        """Return the content of ``block`` from its stored bytes.

        Raises:
            FormatError: (``bad-pack``) they do not match the index.
        """
        if len(stored) != self._stored[block]:
            raise FormatError("bad-pack", "a block of the pack is cut short")
        return unpack_block(self._codec[block], stored, self._raw[block])

    def _count(self, block: int) -> int:
        return self.first[block + 1] - self.first[block]


def unpack_block(codec: int, stored: bytes, raw: int) -> bytes:
    """Unpack ``stored`` and return its content of ``raw`` bytes.

    Raises:
        FormatError: (``bad-pack``) an unknown codec, or the content does not have ``raw`` bytes.

    Cost: never allocates more than :data:`BLOCK_MAX` (attack case A07).
    """
    if raw > BLOCK_MAX:
        raise FormatError(
            "bad-pack", f"a block claims {pluralize(raw, 'byte')}, more than {BLOCK_MAX}"
        )
    if codec == STORED:
        if len(stored) != raw:
            raise FormatError("bad-pack", "a block has the wrong length")
        return stored
    if codec != ZSTD:
        raise FormatError("bad-pack", f"unknown codec {codec}")
    try:
        # ATTACK A07: the size in the zstd frame is what the library allocates, whatever limit
        # it is given; so it must be the announced one before anything is unpacked.
        if zstandard.get_frame_parameters(stored).content_size != raw:
            raise FormatError("bad-pack", "a block unpacks to another size than stated")
        content = zstandard.ZstdDecompressor().decompress(stored, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise FormatError("bad-pack", f"a block cannot be unpacked: {error}") from None
    if len(content) != raw:
        raise FormatError("bad-pack", "a block unpacks to another size than stated")
    return content


def read_index(backend: Backend, pack: PackRef) -> PackIndex:
    """Return the index in the footer of a pack.

    Raises:
        NotFoundError: (``no-file``) the pack is missing.
        FormatError: (``bad-pack``) the footer is damaged or describes an impossible pack;
            (``newer-format``) a pack of a later format.

    Cost: one or two reads, of the footer only.
    """
    if not HEADER.size + TRAILER.size < pack.bytes <= PACK_MAX:
        raise FormatError("bad-pack", f"pack {pack.id.short}: impossible size {pack.bytes}")
    try:
        check_header(backend.read(pack.name, 0, HEADER.size))
    except FormatError as error:
        # One flipped bit must not pass for progress: a later format comes with the right id.
        if error.kind == "newer-format" and not _has_its_id(backend, pack):
            raise FormatError("bad-pack", f"pack {pack.id.short} has a damaged header") from None
        raise
    start = max(0, pack.bytes - _TAIL)
    # One byte more than should be there: ATTACK A05, bytes appended to a pack.
    tail = backend.read(pack.name, start, pack.bytes - start + 1)
    if len(tail) != pack.bytes - start:
        raise FormatError(
            "bad-pack", f"pack {pack.id.short} is not {pluralize(pack.bytes, 'byte')} long"
        )
    length, digest, end = TRAILER.unpack(tail[-TRAILER.size :])
    if end != END or length > pack.bytes - HEADER.size - TRAILER.size:
        raise FormatError("bad-pack", f"pack {pack.id.short} has no footer")
    footer = pack.bytes - TRAILER.size - length
    if footer >= start:
        body = tail[footer - start : -TRAILER.size]
    else:
        body = backend.read(pack.name, footer, length)
    if blake3(body).digest() != digest:
        raise FormatError("bad-pack", f"the footer of pack {pack.id.short} is damaged")
    return _parse_footer(body, footer)


def _has_its_id(backend: Backend, pack: PackRef) -> bool:
    whole = blake3()
    for at in range(0, pack.bytes, 1 << 20):
        whole.update(backend.read(pack.name, at, min(1 << 20, pack.bytes - at)))
    return whole.digest() == pack.id.raw


def _parse_footer(body: bytes, footer: int) -> PackIndex:
    # ATTACK A06: every number is checked against the file it describes before it is used.
    if len(body) < COUNTS.size:
        raise FormatError("bad-pack", "the footer is too short")
    blocks, blobs = COUNTS.unpack_from(body)
    if blobs > BLOBS_MAX or len(body) != COUNTS.size + blocks * ROW.size + blobs * 36:
        raise FormatError("bad-pack", "the footer's length does not fit its counts")
    at = COUNTS.size + blocks * ROW.size
    rows = list(ROW.iter_unpack(body[COUNTS.size : at]))
    sizes = array("I")
    sizes.frombytes(body[at + blobs * 32 :])
    sizes = little(sizes)
    offset, number = HEADER.size, 0
    for row_offset, stored, raw, count, codec in rows:
        if (
            row_offset != offset
            or not 0 < count <= blobs - number
            or not _plausible(codec, stored, raw)
        ):
            raise FormatError("bad-pack", "the footer describes an impossible block")
        if sum(sizes[number : number + count]) != raw:
            raise FormatError("bad-pack", "sizes in the footer do not add up")
        number += count
        offset += _front(count) + stored
    if offset != footer or number != blobs:
        raise FormatError("bad-pack", "the footer does not describe the whole pack")
    return PackIndex(rows, body[at : at + blobs * 32], sizes)


def _plausible(codec: int, stored: int, raw: int) -> bool:
    if raw > BLOCK_MAX:
        return False
    return stored == raw if codec == STORED else codec == ZSTD and 0 < stored < raw


def check_header(data: bytes) -> None:
    """Raise `bad-pack` or `newer-format` unless ``data`` is the 16-byte header of a known format.

    Raises:
        FormatError: (``bad-pack``) not a pack; (``newer-format``) a later format, or encrypted.
    """
    if len(data) != HEADER.size or data[:8] != MAGIC:
        raise FormatError("bad-pack", "not a pack")
    _, version, encryption, reserved = HEADER.unpack(data)
    if version != 1 or encryption or reserved:
        raise FormatError(
            "newer-format",
            f"a pack of format {version}, encryption {encryption}: not readable by this version",
            hint="upgrade lyrikstore",
        )


def rebuild_index(backend: Backend, pack: PackRef) -> PackIndex:
    """Return an index computed from the blocks of a pack with an unusable header or footer.

    Every blob in it has been unpacked and hashed. Reading ends at the first invalid block, so the
    index may cover a part of the pack, or nothing.

    Raises:
        NotFoundError: (``no-file``) the pack is missing.

    Cost: unpacks the pack once, block by block.
    """
    rows: list[tuple[int, int, int, int, int]] = []
    digests = bytearray()
    sizes = array("I")
    offset = HEADER.size
    try:
        while offset < PACK_MAX and len(sizes) < BLOBS_MAX:
            head = backend.read(pack.name, offset, BLOCK.size)
            if len(head) < BLOCK.size:
                break
            codec, stored, raw, count = BLOCK.unpack(head)
            if not _plausible(codec, stored, raw) or not 0 < count <= BLOBS_MAX:
                break
            rest = backend.read(pack.name, offset + BLOCK.size, 4 * count + stored)
            if len(rest) < 4 * count + stored:
                break
            lengths = array("I")
            lengths.frombytes(rest[: 4 * count])
            lengths = little(lengths)
            if sum(lengths) != raw:
                break
            content = memoryview(unpack_block(codec, rest[4 * count :], raw))
            rows.append((offset, stored, raw, count, codec))
            at = 0
            for size in lengths:
                digests += blake3(content[at : at + size]).digest()
                at += size
            sizes += lengths
            offset += _front(count) + stored
    except FormatError:
        pass  # what was read before the damage is what there is
    return PackIndex(rows, bytes(digests), sizes)


def _front(count: int) -> int:
    return BLOCK.size + 4 * count


def little(numbers: "array[int]") -> "array[int]":
    """Convert ``numbers`` between the byte order of this machine and that of files."""
    if sys.byteorder == "big":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers
