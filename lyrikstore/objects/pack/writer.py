"""Writing one pack: complete blocks are written to an open file (spec §4.3)."""

from array import array
from pathlib import Path
from typing import NamedTuple, Protocol

from blake3 import blake3
from zstandard import ZstdCompressor

from lyrikstore.canon.digest import Digest
from lyrikstore.objects.pack.format import (
    BLOCK,
    COUNTS,
    END,
    HEADER,
    MAGIC,
    ROW,
    STORED,
    TRAILER,
    ZSTD,
    PackRef,
    PackRole,
    little,
)


class Block(NamedTuple):
    """A complete block, ready to be written.

    Attributes:
        digests: The concatenated raw BLAKE3 of each blob.
        sizes: The sizes of the blobs.
        raw: Their total number of bytes.
        codec: The codec of the stored bytes.
        stored: The bytes to write.
    """

    digests: bytes
    sizes: "array[int]"
    raw: int
    codec: int
    stored: "bytes | bytearray | memoryview"


class Sink(Protocol):
    """The target of a pack, such as an open binary file."""

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:
        """Write all of ``data``."""


class PackWriter:
    """The writer of one pack in an open file.

    Args:
        file: An empty file, open for writing.
        role: Role of the pack.

    Attributes:
        bytes: Number of bytes written so far.
    """

    def __init__(self, file: Sink, role: PackRole) -> None:
        self._file = file
        self._role: PackRole = role
        self._hash = blake3()
        self._rows: list[tuple[int, int, int, int, int]] = []
        self._digests = bytearray()
        self._sizes = array("I")
        self.bytes = 0
        self._write(HEADER.pack(MAGIC, 1, 0, 0))

    @property
    def blobs(self) -> int:
        """The number of blobs in the pack."""
        return len(self._sizes)

    def add(self, block: Block) -> None:
        """Write a complete block."""
        count = len(block.sizes)
        self._rows.append((self.bytes, len(block.stored), block.raw, count, block.codec))
        self._digests += block.digests
        self._sizes += block.sizes
        front = BLOCK.pack(block.codec, len(block.stored), block.raw, count)
        self._write(front + little(block.sizes).tobytes())
        self._write(block.stored)

    def close(self) -> PackRef:
        """Write the footer and return the reference of the pack. The file stays open, unflushed."""
        body = b"".join(
            (
                COUNTS.pack(len(self._rows), len(self._sizes)),
                b"".join(ROW.pack(*row) for row in self._rows),
                bytes(self._digests),
                little(self._sizes).tobytes(),
            )
        )
        self._write(body)
        self._write(TRAILER.pack(len(body), blake3(body).digest(), END))
        return PackRef(Digest(self._hash.digest()), self.bytes, self._role)

    def _write(self, data: "bytes | bytearray | memoryview") -> None:
        self._file.write(data)
        self._hash.update(data)
        self.bytes += len(data)


def compress(
    digests: bytes,
    sizes: "array[int]",
    content: "bytes | bytearray | memoryview",
    zstd: ZstdCompressor,
) -> Block:
    """Return the compressed block of the blobs in ``content``."""
    stored = zstd.compress(content)
    if len(stored) < len(content):
        return Block(digests, sizes, len(content), ZSTD, stored)
    return Block(digests, sizes, len(content), STORED, content)


class ScratchPack(NamedTuple):
    """A complete pack, durable under a scratch name.

    Attributes:
        ref: Its reference.
        path: Its path.
    """

    ref: PackRef
    path: Path
