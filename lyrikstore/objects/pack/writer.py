"""Writing one pack: blocks that are ready go into an open file (spec §4.3)."""

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
    """A block as it will be written.

    Attributes:
        digests: The raw BLAKE3 of each blob, joined.
        sizes: Their sizes.
        raw: Their bytes together.
        codec: How they are stored.
        stored: The bytes to write.
    """

    digests: bytes
    sizes: "array[int]"
    raw: int
    codec: int
    stored: "bytes | bytearray | memoryview"


class Sink(Protocol):
    """What a pack is written to; an open binary file is one."""

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:
        """Write all of ``data``."""


class PackWriter:
    """Writes one pack into an open file.

    Args:
        file: Empty, open for writing.
        role: What the pack is for.

    Attributes:
        bytes: How much is written so far.
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
        """How many blobs are in the pack."""
        return len(self._sizes)

    def add(self, block: Block) -> None:
        """Write a block that is ready."""
        count = len(block.sizes)
        self._rows.append((self.bytes, len(block.stored), block.raw, count, block.codec))
        self._digests += block.digests
        self._sizes += block.sizes
        front = BLOCK.pack(block.codec, len(block.stored), block.raw, count)
        self._write(front + little(block.sizes).tobytes())
        self._write(block.stored)

    def close(self) -> PackRef:
        """Write the footer and return what to call the pack. The file is left open, unflushed."""
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
    """Return the block of the blobs that ``content`` joins."""
    stored = zstd.compress(content)
    if len(stored) < len(content):
        return Block(digests, sizes, len(content), ZSTD, stored)
    return Block(digests, sizes, len(content), STORED, content)


class ScratchPack(NamedTuple):
    """A complete pack, durable under a scratch name.

    Attributes:
        ref: What to call it.
        path: Where it is.
    """

    ref: PackRef
    path: Path
