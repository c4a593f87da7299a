"""Building packs: blobs are collected into blocks, which are compressed into scratch files.

All files written here have scratch names; :mod:`lyrikstore.objects.store.writer` gives packs their
final names. Compressing and writing can run in threads of this process (large files), or completely
in other processes (many small files: :func:`pack_files`).
"""

import contextlib
import os
import queue
import threading
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

from blake3 import blake3
from msgspec.structs import asdict

from lyrikstore.canon.errors import storage_error
from lyrikstore.objects.backends.base import Backend, create_all
from lyrikstore.objects.chunk.sources import RecentFiles, SegmentMemory, read_small
from lyrikstore.objects.io.scratch import Scratch, open_part
from lyrikstore.objects.io.unbuffered import Buffers, BulkFile
from lyrikstore.objects.pack.digest_set import DigestSet
from lyrikstore.objects.pack.format import BLOCK_MAX, STORED, PackRef, PackRole
from lyrikstore.objects.pack.parameters import Parameters, compressor
from lyrikstore.objects.pack.writer import Block, PackWriter, ScratchPack, compress

BLOBS_TARGET = 1 << 18
_BLOCK_BLOBS = 1 << 14
_WAITING = 8
_SYNCERS = 4
_INSTALLERS = 16
_SHARE_FILES = 1 << 14


def install(backend: Backend, packs: Sequence[ScratchPack], *, side_by_side: bool) -> None:
    """Give complete packs their final names, durably.

    Raises:
        StorageError: Storage backend error.
    """
    files = [(pack.ref.name, pack.path) for pack in packs]
    created = create_all(backend, files, _INSTALLERS if side_by_side else 1)
    for pack, new in zip(packs, created, strict=True):
        if not new:
            _compare(backend, pack)


def _compare(backend: Backend, pack: ScratchPack) -> None:
    # The name is the hash of the content, so what is there is the same, unless somebody
    # damaged it; recording it unread would spread the damage.
    if not is_whole(backend, pack.ref):
        backend.replace(pack.ref.name, pack.path)


def is_whole(backend: Backend, pack: PackRef) -> bool:
    """Return whether the bytes of a pack match its name.

    Raises:
        NotFoundError: There is no such pack.
        StorageError: Storage backend error.
    """
    hasher, at = blake3(), 0
    # ATTACK A07: a file without end in its place.
    while at <= pack.bytes and (data := backend.read(pack.name, at, 1 << 20)):
        hasher.update(data)
        at += len(data)
    return at == pack.bytes and bool(hasher.digest() == pack.id.raw)


class Packer:
    """A builder that collects blobs of one role into blocks and packs of bounded size.

    Attributes:
        memory: Memory for segments to be packed.
        pool: The threads that compress, if there are any; callers may run other work in them.

    Args:
        scratch: The writer's scratch files, or their prefix.
        role: Role of the packs.
        parameters: Sizes and level.
        threads: Number of threads that compress, for large files; one more thread writes, past
            the page cache, and a few wait for the disk. 0 for no threads.
    """

    def __init__(
        self,
        scratch: "Scratch | str",
        role: PackRole,
        parameters: Parameters,
        *,
        threads: int = 0,
    ) -> None:
        self._scratch = scratch
        self._role: PackRole = role
        self._parameters = parameters
        self._own = threading.local()
        self._digests = bytearray()
        self._content = bytearray()
        self._sizes = array("I")
        self._pack: PackWriter | None = None
        self._file: BinaryIO | None = None
        self._bulk: BulkFile | None = None
        self._path = Path()
        self._finished: list[ScratchPack] = []
        self._syncing: deque[Future[None]] = deque()
        self._blocks: queue.Queue[Future[Block] | Block | None] = queue.Queue(_WAITING)
        self._trouble: BaseException | None = None
        self.memory = SegmentMemory()
        self.pool: ThreadPoolExecutor | None = None
        if threads:
            self._buffers = Buffers()
            self.pool, self._syncer = ThreadPoolExecutor(threads), ThreadPoolExecutor(_SYNCERS)
            self._thread = threading.Thread(target=self._write_blocks, daemon=True)
            self._thread.start()

    def add(self, raw: bytes, data: "bytes | memoryview", *, shrinks: bool = True) -> None:
        """Store ``data`` with raw digest ``raw``, without checking whether it is stored already.

        Args:
            raw: The digest.
            data: The bytes, which must not be changed afterwards.
            shrinks: Whether to try compressing it.

        Raises:
            StorageError: Storage backend error.
        """
        if not shrinks and self._stands_alone(len(data)):
            self._put(Block(raw, array("I", [len(data)]), len(data), STORED, data))
            return
        if len(self._content) + len(data) > BLOCK_MAX:
            self._flush()
        self._digests += raw
        self._content += data
        self._sizes.append(len(data))
        if self._is_full():
            self._flush()

    def add_run(
        self, digests: Sequence[bytes], sizes: "array[int]", data: memoryview, *, shrinks: bool
    ) -> None:
        """Store adjacent chunks of a large blob, as :meth:`add` stores one.

        Chunks that fill a block are compressed without copying.

        Args:
            digests: The raw digest of each chunk.
            sizes: The size of each chunk.
            data: The bytes of all chunks, which must not be changed afterwards.
            shrinks: Whether to try compressing them.

        Raises:
            StorageError: Storage backend error.
        """
        bounds = list(accumulate(sizes, initial=0))
        first, count = 0, len(sizes)
        while first < count:
            start = bounds[first]
            if not shrinks and self._stands_alone(sizes[first]):
                self.add(digests[first], data[start : bounds[first + 1]], shrinks=False)
                first += 1
                continue
            room = self._parameters.blockBytes - len(self._content)
            last = bisect_left(bounds, start + room, first + 1, count)
            last = min(last, first + _BLOCK_BLOBS - len(self._sizes))
            if len(self._content) + bounds[last] - start > BLOCK_MAX:
                last -= 1
            if last == first:
                self._flush()
                continue
            joined, mine = b"".join(digests[first:last]), data[start : bounds[last]]
            if not self._content and len(mine) >= self._parameters.blockBytes:
                self._put_packed(joined, sizes[first:last], mine)
            else:
                self._digests += joined
                self._content += mine
                self._sizes += sizes[first:last]
                if self._is_full():
                    self._flush()
            first = last

    def close(self) -> list[ScratchPack]:
        """Complete the last pack and return all packs; afterwards nothing can be added.

        Raises:
            StorageError: Storage backend error.
        """
        self._flush()
        self._stop()
        self._check()
        if self._pack is not None:
            self._attempt(self._close_pack)
        while self._syncing:
            self._attempt(self._syncing.popleft().result)
        return self._finished

    def discard(self) -> None:
        """Stop; the owner of the scratch files removes them. Safe to call again."""
        self._trouble = self._trouble or CancelledError()
        self._stop()
        if self._bulk is not None:
            self._bulk.abandon()
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._pack = self._file = self._bulk = None

    def _stands_alone(self, size: int) -> bool:
        return size * 4 >= self._parameters.blockBytes

    def _is_full(self) -> bool:
        return len(self._content) >= self._parameters.blockBytes or len(self._sizes) >= _BLOCK_BLOBS

    def _flush(self) -> None:
        if not self._sizes:
            return
        args = (bytes(self._digests), self._sizes, self._content)
        self._digests.clear()
        self._content, self._sizes = bytearray(), array("I")
        self._put_packed(*args)

    def _put_packed(
        self,
        digests: bytes,
        sizes: "array[int]",
        content: "bytearray | memoryview",
    ) -> None:
        if self.pool is not None:
            self._put(self.pool.submit(self._compress, digests, sizes, content))
        else:
            self._put(self._compress(digests, sizes, content))

    def _compress(
        self,
        digests: bytes,
        sizes: "array[int]",
        content: "bytearray | memoryview",
    ) -> Block:
        own = self._own  # one a thread: it is not safe to share
        if not hasattr(own, "compressor"):
            own.compressor = compressor(self._parameters.level, large=self.pool is not None)
        return compress(digests, sizes, content, own.compressor)

    def _put(self, block: "Future[Block] | Block") -> None:
        self._check()
        if self.pool is not None:
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
            if self.pool is not None:
                self._bulk = BulkFile(self._file.fileno(), self._buffers, patient=True)
            self._pack = PackWriter(self._bulk or self._file, self._role)
        self._pack.add(block)
        if self._pack.bytes >= self._parameters.packBytes or self._pack.blobs >= BLOBS_TARGET:
            self._close_pack()

    def _close_pack(self) -> None:
        if self._pack is None or self._file is None:
            return
        self._finished.append(ScratchPack(self._pack.close(), self._path))
        file, bulk = self._file, self._bulk
        self._pack = self._file = self._bulk = None
        if self.pool is None:
            _sync(file, bulk)
            return
        while len(self._syncing) >= _SYNCERS:
            self._syncing.popleft().result()
        self._syncing.append(self._syncer.submit(_sync, file, bulk))

    def _stop(self) -> None:
        if self.pool is None:
            return
        self.pool.shutdown(wait=False, cancel_futures=self._trouble is not None)
        self._blocks.put(None)
        self._thread.join()
        self.pool.shutdown()
        self._syncer.shutdown()
        self.pool = None

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


def _sync(file: BinaryIO, bulk: BulkFile | None) -> None:
    with file:
        if bulk is not None:
            bulk.finish()
        file.flush()
        # What the final name needs too, so that the file need not go to the disk twice.
        os.fchmod(file.fileno(), os.fstat(file.fileno()).st_mode & 0o444)
        # By the descriptor that wrote: only it is sure to hear of a failed write.
        os.fsync(file.fileno())


def in_shares(places: "array[int]", sizes: Sequence[int], aim: int) -> Iterator["array[int]"]:
    """Yield ``places`` in shares of about ``aim`` bytes, according to ``sizes``."""
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
        scratch: Scratch files for the packs.
        parameters: Sizes and level.
        known: Files of :meth:`DigestSet.save` with blobs that need not be stored.
    """
    return {
        "scratch": scratch.prefix,
        "parameters": asdict(parameters),
        "known": [str(path) for path in known],
    }


def pack_files(
    setup: dict[str, Any], task: dict[str, Any], paths: bytes
) -> Iterator[tuple[dict[str, Any], bytes, bytes]]:
    """Store small files in separate packs: a target of ``workers.Workers``.

    Args:
        setup: From :func:`pack_setup`.
        task: ``follow``: whether a link at a path itself is followed.
        paths: Paths of files of at most 1 MiB, each followed by a NUL.

    Yields:
        Once: ``packs`` (``id``, ``bytes``, ``path``); the concatenated raw digests of all files, in
            order; their sizes (``array("I")``). Packs are durable under their scratch names.

    Raises:
        InvalidInputError: See :func:`lyrikstore.objects.chunk.sources.opened`.
        StorageError: Storage backend error.
    """
    known = [DigestSet.load(path).find for path in setup["known"]]
    follow = bool(task["follow"])
    packer = Packer(setup["scratch"], "data", Parameters(**setup["parameters"]))
    own: set[bytes] = set()
    recent = RecentFiles()
    digests, sizes = bytearray(), array("I")
    try:
        for path in os.fsdecode(paths).split("\0")[:-1]:
            data, written = read_small(path, follow_links=follow)
            raw = blake3(data).digest()
            recent.note(path, written, raw, follow_links=follow)
            digests += raw
            sizes.append(len(data))
            if raw not in own and all(find(raw) < 0 for find in known):
                own.add(raw)
                packer.add(raw, data)
        packs = packer.close()
        recent.recheck()
    finally:
        packer.discard()
    described = [
        {"id": pack.ref.id.hex, "bytes": pack.ref.bytes, "path": str(pack.path)} for pack in packs
    ]
    yield {"packs": described}, bytes(digests), sizes.tobytes()
