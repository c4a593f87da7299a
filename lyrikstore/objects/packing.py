"""Making packs: blobs are gathered into blocks, blocks compressed and written to scratch files.

Everything written here waits under a scratch name; :mod:`lyrikstore.objects.writer` gives packs
their final names. Compressing and writing can go on in threads of this process (large files), and
the whole of it in others (many small files: :func:`pack_files`).
"""

import contextlib
import os
import queue
import threading
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from blake3 import blake3
from zstandard import ZstdCompressor

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import storage_error
from lyrikstore.objects.backend import Backend
from lyrikstore.objects.digestset import DigestSet
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
from lyrikstore.objects.parameters import Parameters, compressor
from lyrikstore.objects.scratch import Scratch, open_part
from lyrikstore.objects.sources import read_small

BLOBS_TARGET = 1 << 18
_BLOCK_BLOBS = 1 << 14
_WAITING = 8
_SHARE_FILES = 1 << 14


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


class PackWriter:
    """Writes one pack into an open file.

    Args:
        file: Empty, open for writing.
        role: What the pack is for.

    Attributes:
        bytes: How much is written so far.
        blobs: How many blobs are in it.
    """

    def __init__(self, file: BinaryIO, role: PackRole) -> None:
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

    def add_block(self, digests: bytes, blobs: Sequence[bytes]) -> None:
        """Compress ``blobs`` and write them as one block.

        Args:
            digests: Their raw BLAKE3, joined.
            blobs: At least one, of :data:`BLOCK_MAX` bytes together at most.
        """
        sizes = array("I", map(len, blobs))
        self.add(compress(digests, sizes, b"".join(blobs), compressor(1)))

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

    def _write(self, data: "bytes | bytearray | memoryview") -> None:
        self._file.write(data)
        self._hash.update(data)
        self.bytes += len(data)


def compress(
    digests: bytes, sizes: "array[int]", content: "bytes | bytearray", zstd: ZstdCompressor
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


class Packer:
    """Gathers blobs of one role into blocks and packs of bounded size.

    Args:
        scratch: The writer's scratch files, or their prefix.
        role: What the packs are for.
        parameters: Sizes and level.
    """

    def __init__(self, scratch: "Scratch | str", role: PackRole, parameters: Parameters) -> None:
        self._scratch = scratch
        self._role: PackRole = role
        self._parameters = parameters
        self._zstd = threading.local()
        self._digests = bytearray()
        self._content = bytearray()
        self._sizes = array("I")
        self._pack: PackWriter | None = None
        self._file: BinaryIO | None = None
        self._path = Path()
        self._finished: list[ScratchPack] = []
        self._pool: ThreadPoolExecutor | None = None
        self._thread: threading.Thread | None = None
        self._blocks: queue.Queue[Future[Block] | Block | None] = queue.Queue(_WAITING)
        self._trouble: BaseException | None = None

    def use_threads(self, count: int) -> ThreadPoolExecutor:
        """Compress in ``count`` threads and write in one more, from here on.

        Returns:
            The threads that compress, which the caller may give other work.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(count)
            self._thread = threading.Thread(target=self._write_blocks, daemon=True)
            self._thread.start()
        return self._pool

    def add(self, raw: bytes, data: "bytes | memoryview", *, shrinks: bool = True) -> None:
        """Store ``data``, whose raw digest is ``raw``; nobody asks whether it is stored already.

        Args:
            raw: The digest.
            data: Not to be changed afterwards.
            shrinks: Whether compressing it is worth trying.

        Raises:
            StorageError: The medium failed.
        """
        if not shrinks and len(data) * 4 >= self._parameters.blockBytes:
            self._put(Block(raw, array("I", [len(data)]), len(data), STORED, data))
            return
        if len(self._content) + len(data) > BLOCK_MAX:
            self._flush()
        self._digests += raw
        self._content += data
        self._sizes.append(len(data))
        if len(self._content) >= self._parameters.blockBytes or len(self._sizes) >= _BLOCK_BLOBS:
            self._flush()

    def close(self) -> list[ScratchPack]:
        """Complete the last pack and return all of them; nothing can be added any more.

        Raises:
            StorageError: The medium failed.
        """
        self._flush()
        self._stop()
        self._check()
        if self._pack is not None:
            self._attempt(self._close_pack)
        return self._finished

    def discard(self) -> None:
        """Stop; whoever owns the scratch files removes them. Safe to call again."""
        self._trouble = self._trouble or CancelledError()
        self._stop()
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._pack = self._file = None

    def _flush(self) -> None:
        if not self._sizes:
            return
        args = (bytes(self._digests), self._sizes, self._content)
        self._digests.clear()
        self._content, self._sizes = bytearray(), array("I")
        if self._pool is not None:
            self._put(self._pool.submit(self._compress, *args))
        else:
            self._put(self._compress(*args))

    def _compress(self, digests: bytes, sizes: "array[int]", content: bytearray) -> Block:
        zstd = getattr(self._zstd, "own", None)  # one a thread: it is not safe to share
        if zstd is None:
            zstd = self._zstd.own = compressor(self._parameters.level)
        return compress(digests, sizes, content, zstd)

    def _put(self, block: "Future[Block] | Block") -> None:
        self._check()
        if self._thread is not None:
            self._blocks.put(block)
        elif isinstance(block, Block):
            self._attempt(self._write_block, block)

    def _write_blocks(self) -> None:
        while (block := self._blocks.get()) is not None:
            if self._trouble is None:
                try:
                    self._write_block(block.result() if isinstance(block, Future) else block)
                except BaseException as error:  # noqa: BLE001 - raised where blocks come from
                    self._trouble = error

    def _write_block(self, block: Block) -> None:
        if self._pack is None:
            prefix = self._scratch if isinstance(self._scratch, str) else self._scratch.prefix
            self._file, self._path = open_part(prefix)
            self._pack = PackWriter(self._file, self._role)
        self._pack.add(block)
        if self._pack.bytes >= self._parameters.packBytes or self._pack.blobs >= BLOBS_TARGET:
            self._close_pack()

    def _close_pack(self) -> None:
        if self._pack is None or self._file is None:
            return
        ref = self._pack.close()
        # By the descriptor that wrote: only it is sure to hear of a failed write.
        os.fsync(self._file.fileno())
        self._file.close()
        self._finished.append(ScratchPack(ref, self._path))
        self._pack = self._file = None

    def _stop(self) -> None:
        if self._thread is None or self._pool is None:
            return
        self._pool.shutdown(wait=False, cancel_futures=self._trouble is not None)
        self._blocks.put(None)
        self._thread.join()
        self._pool.shutdown()
        self._thread = self._pool = None

    def _attempt(self, act: Any, *args: Any) -> None:
        try:
            act(*args)
        except OSError as error:
            self._trouble = error
            self._check()

    def _check(self) -> None:
        if isinstance(self._trouble, OSError):
            raise storage_error(self._trouble, "writing a pack") from self._trouble
        if self._trouble is not None:
            raise self._trouble


def in_shares(places: "array[int]", sizes: Sequence[int], aim: int) -> Iterator["array[int]"]:
    """Yield ``places`` in shares of about ``aim`` bytes, as ``sizes`` gives them."""
    share, total = array("Q"), 0
    for at in places:
        share.append(at)
        total += sizes[at]
        if total >= aim or len(share) >= _SHARE_FILES:
            yield share
            share, total = array("Q"), 0
    if share:
        yield share


def pack_setup(scratch: Scratch, parameters: Parameters, known: Sequence[Path]) -> dict[str, Any]:
    """Return the setup of :func:`pack_files`.

    Args:
        scratch: Where packs go.
        parameters: Sizes and level.
        known: Files of :meth:`DigestSet.save`: blobs that need not be stored.
    """
    return {
        "scratch": scratch.prefix,
        "parameters": asdict(parameters),
        "known": [str(path) for path in known],
    }


def pack_files(
    setup: dict[str, Any], task: dict[str, Any], paths: bytes
) -> Iterator[tuple[dict[str, Any], bytes, bytes]]:
    """Store small files in packs of their own: a target of ``workers.Workers``.

    Args:
        setup: From :func:`pack_setup`.
        task: ``follow``: whether a link at a path itself is followed.
        paths: Of files that are not larger than 1 MiB, each followed by a NUL.

    Yields:
        Once: ``packs`` (``id``, ``bytes``, ``path``); the raw digests of all files, joined, in
        order; their sizes (``array("I")``). Packs are durable under their scratch names.

    Raises:
        InvalidInputError: See :func:`lyrikstore.objects.sources.opened`.
        StorageError: The medium failed.
    """
    known = [DigestSet.load(path).find for path in setup["known"]]
    follow = bool(task["follow"])
    packer = Packer(setup["scratch"], "data", Parameters(**setup["parameters"]))
    own: set[bytes] = set()
    digests, sizes = bytearray(), array("I")
    try:
        for path in os.fsdecode(paths).split("\0")[:-1]:
            data = read_small(path, follow_links=follow)
            raw = blake3(data).digest()
            digests += raw
            sizes.append(len(data))
            if raw not in own and all(find(raw) < 0 for find in known):
                own.add(raw)
                packer.add(raw, data)
        packs = packer.close()
    finally:
        packer.discard()
    described = [
        {"id": pack.ref.id.hex, "bytes": pack.ref.bytes, "path": str(pack.path)} for pack in packs
    ]
    yield {"packs": described}, bytes(digests), sizes.tobytes()
