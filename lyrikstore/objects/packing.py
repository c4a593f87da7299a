"""Making packs: blobs are gathered into blocks, blocks written to a scratch file each pack.

Everything written here waits under a scratch name; :mod:`lyrikstore.objects.writer` gives packs
their final names.
"""

import contextlib
import os
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import zstandard
from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import storage_error
from lyrikstore.objects.backend import Backend, open_scratch
from lyrikstore.objects.packs import (
    BLOCK,
    BLOCK_MAX,
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

BLOCK_TARGET = 1 << 20
PACK_TARGET = 64 << 20
BLOBS_TARGET = 1 << 18
LEVEL = 1
_BLOCK_BLOBS = 1 << 14


class ScratchPack(NamedTuple):
    """A complete pack that waits for its name.

    Attributes:
        ref: What to call it.
        file: Open: the lock on it tells other processes that it is in use.
        path: Its scratch name.
    """

    ref: PackRef
    file: BinaryIO
    path: Path


def install(backend: Backend, pack: ScratchPack) -> None:
    """Give a complete pack its final name, durably.

    Raises:
        StorageError: The medium failed.
    """
    if backend.create(pack.ref.name, pack.path):
        return
    # The name is the hash of the content, so what is there is the same, unless somebody
    # damaged it; recording it unread would spread the damage.
    hasher, at = blake3(), 0
    while data := backend.read(pack.ref.name, at, 1 << 20):
        hasher.update(data)
        at += len(data)
    if hasher.digest() != pack.ref.id.raw:
        backend.replace(pack.ref.name, pack.path)


class PackWriter:
    """Writes one pack into an open file.

    Args:
        file: Empty, open for writing.
        role: What the pack is for.
        level: Of zstd.

    Attributes:
        bytes: How much is written so far.
        blobs: How many blobs are in it.
    """

    def __init__(self, file: BinaryIO, role: PackRole, level: int = LEVEL) -> None:
        self._file = file
        self._role = role
        self._hash = blake3()
        self._rows: list[tuple[int, int, int, int, int]] = []
        self._digests = bytearray()
        self._sizes = array("I")
        self._zstd = zstandard.ZstdCompressor(level=level)
        self.bytes = 0
        self._write(HEADER.pack(MAGIC, 1, 0, 0))

    @property
    def blobs(self) -> int:
        """How many blobs are in the pack."""
        return len(self._sizes)

    def add_block(self, digests: bytes, blobs: Sequence[bytes]) -> None:
        """Store ``blobs`` as one block.

        Args:
            digests: Their raw BLAKE3, joined.
            blobs: At least one, of :data:`BLOCK_MAX` bytes together at most.
        """
        content = b"".join(blobs)
        stored = self._zstd.compress(content)
        codec = ZSTD
        if len(stored) >= len(content):
            stored, codec = content, STORED
        sizes = array("I", map(len, blobs))
        self._rows.append((self.bytes, len(stored), len(content), len(blobs), codec))
        self._digests += digests
        self._sizes += sizes
        self._write(BLOCK.pack(codec, len(stored), len(content), len(blobs)))
        self._write(little(sizes).tobytes())
        self._write(stored)

    def close(self) -> PackRef:
        """Write the footer and return what to call the pack. The file is left open."""
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
        self._file.flush()
        return PackRef(Digest(self._hash.digest()), self.bytes, self._role)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.bytes += len(data)


class Packer:
    """Gathers blobs of one role into blocks and packs of bounded size.

    Args:
        scratch: The folder of scratch files.
        role: What the packs are for.
    """

    def __init__(self, scratch: Path, role: PackRole) -> None:
        self._scratch = scratch
        self._role: PackRole = role
        self._digests = bytearray()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._pack: PackWriter | None = None
        self._file: BinaryIO | None = None
        self._path = Path()
        self._finished: list[ScratchPack] = []

    def add(self, raw: bytes, data: bytes) -> None:
        """Store ``data``, whose raw digest is ``raw``; nobody asks whether it is stored already.

        Raises:
            StorageError: The medium failed.
        """
        if self._pending_bytes + len(data) > BLOCK_MAX:
            self._flush()
        self._digests += raw
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= BLOCK_TARGET or len(self._pending) >= _BLOCK_BLOBS:
            self._flush()

    def close(self) -> list[ScratchPack]:
        """Complete the last pack and return all of them, each durable under its scratch name.

        Raises:
            StorageError: The medium failed.
        """
        self._flush()
        self._close_pack()
        return self._finished

    def discard(self) -> None:
        """Remove every scratch file. Safe to call again."""
        files = [(pack.file, pack.path) for pack in self._finished]
        if self._file is not None:
            files.append((self._file, self._path))
        self._pack = self._file = None
        self._finished = []
        self._pending.clear()
        for file, path in files:
            # A full disk can make even this fail; the file is then a leftover, no more.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                file.close()

    def _flush(self) -> None:
        if not self._pending:
            return
        try:
            if self._pack is None:
                self._file, self._path = open_scratch(self._scratch)
                self._pack = PackWriter(self._file, self._role)
            self._pack.add_block(bytes(self._digests), self._pending)
        except OSError as error:
            raise storage_error(error, "writing a pack") from error
        self._digests.clear()
        self._pending.clear()
        self._pending_bytes = 0
        if self._pack.bytes >= PACK_TARGET or self._pack.blobs >= BLOBS_TARGET:
            self._close_pack()

    def _close_pack(self) -> None:
        if self._pack is None or self._file is None:
            return
        try:
            ref = self._pack.close()
            # By the descriptor that wrote: only it is sure to hear of a failed write.
            os.fsync(self._file.fileno())
        except OSError as error:
            raise storage_error(error, "writing a pack") from error
        self._finished.append(ScratchPack(ref, self._file, self._path))
        self._pack = self._file = None
