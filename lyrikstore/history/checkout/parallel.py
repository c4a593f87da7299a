"""Check-out by worker processes: packs are read block by block, each block unpacked once.

The parent creates the folders; a worker writes files only into these, which it identifies by device
and inode, and hashes the bytes it writes. A worker that fails removes the files of its task before
it reports the error, and the others finish their tasks, so that the parent knows every file made.
"""

import os
import stat
from array import array
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.history.checkout.confined_folder import FOLDER, Destination, refuse
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.io.unbuffered import WORTH
from lyrikstore.objects.pack.format import PackIndex, PackRef
from lyrikstore.objects.pack.layout import COLUMNS, BlockReader, usable_index
from lyrikstore.objects.parallel.processes import Workers, cores
from lyrikstore.objects.parallel.tasks import Message, worker_died
from lyrikstore.objects.store.blobs import BlobStore

_HANDFUL, _HANDFUL_BYTES = 2000, 8 << 20
_REPORT_BYTES = 64 << 20
_GATHER, _TOGETHER = 1 << 19, 4
_GRACE = 5.0  # seconds that workers get to finish what they are at


def checkout_parallel(
    job: Destination,
    tree: Tree,
    blobs: BlobStore,
    place: Path,
    progress: OnProgress,
) -> list[int]:
    """Write files by worker processes; return the positions in ``tree`` of files not written.

    Args:
        job: The destination, empty.
        tree: The tree to write.
        blobs: The source of the bytes; no file is written unless it is on a local disk.
        place: The path of the destination.
        progress: Progress callback, called per file, with the bytes written.

    Raises:
        ConflictError, VerificationError, StorageError: As
            :func:`lyrikstore.history.checkout.checkout.checkout_tree`. ``job`` has the files made.
    """
    backend = blobs.backend
    if not isinstance(backend, LocalBackend):
        return list(range(len(tree)))
    last = None
    for path in tree.paths:
        folder = path.rpartition("/")[0]
        if folder != last:
            job.enter(folder)
            last = folder
    top = os.fstat(job.top)
    setup = {
        "root": str(backend.root.absolute()),
        "place": str(place.absolute()),
        "top": [top.st_dev, top.st_ino],
    }
    count = min(cores(), len(tree))
    with (
        ThreadPoolExecutor(1) as pool,
        Workers(f"{__name__}:checkout_task", setup, count) as workers,
    ):
        crew = _Crew(job, tree, blobs, progress)
        # In a thread: an interrupt arrives in this one, and must not lose track of what was made.
        future = pool.submit(crew.work, workers)
        try:
            future.result()
        except BaseException:
            crew.stopped.set()
            wait([future], _GRACE)
            raise
    return sorted(crew.again)


def checkout_task(
    setup: Mapping[str, Any], task: Mapping[str, Any], digests: bytes, runs: bytes
) -> Iterator[tuple[dict[str, Any]]]:
    """Write some files in a worker of :class:`lyrikstore.objects.parallel.processes.Workers`.

    Args:
        setup: ``root`` of the store, ``place`` and ``top`` (device, inode) of the destination.
        task: ``packs``: number → [hex id, bytes, role]; ``folders``: path → [device, inode] of all
            on the way; ``paths`` of the files, and ``sizes``.
        digests: Their digests, concatenated.
        runs: Positions of their bytes: one run for each of several files, or all runs of one file.

    Yields:
        ``began`` for a single file; ``written`` with a number of bytes, often; finally ``again``:
            positions of files that the parent must write itself; or ``error``.
    """
    packs = {
        int(number): PackRef(Digest.parse_hex(digest), size, role)
        for number, (digest, size, role) in task["packs"].items()
    }
    blocks = _Blocks(LocalBackend(Path(setup["root"])), packs)
    try:
        job = _enter(setup)
    except LyrikstoreError as error:
        yield ({"error": error.to_json()},)
        return
    job.made = {path: (dev, ino) for path, (dev, ino) in task["folders"].items()}
    rows = _rows(runs)
    again: list[int] = []
    written = 0
    try:
        for number, (path, size) in enumerate(zip(task["paths"], task["sizes"], strict=True)):
            mine = [next(rows)] if len(task["paths"]) > 1 else rows
            digest = digests[number * 32 : number * 32 + 32]
            job.enter(path.rpartition("/")[0], create=False)
            parts = _parts(blocks, mine)
            if size >= WORTH:
                parts = _ahead(parts)
            if not job.write(path, size, digest, parts):
                job.remove(path)
                job.files.pop()
                again.append(number)
            written += size
            if written >= _REPORT_BYTES:
                yield ({"written": written},)
                written = 0
        yield ({"written": written, "again": again},)
    except LyrikstoreError as error:
        for path in reversed(job.files):
            job.remove(path)
        yield ({"error": error.to_json()},)
    finally:
        job.close()


class _Crew:
    """The tasks of the workers, and their results."""

    def __init__(
        self,
        job: Destination,
        tree: Tree,
        blobs: BlobStore,
        progress: OnProgress,
    ) -> None:
        self._job = job
        self._tree = tree
        self._blobs = blobs
        self._batches: list[array[int]] = []
        self._progress = progress
        self._pending: set[int] = set()
        self.again: list[int] = []
        self.stopped = Event()

    def work(self, workers: Workers) -> None:
        files = size = 0
        error: LyrikstoreError | None = None
        try:
            for result in workers.map(self._tasks()):
                batch, header = self._batches[result.task], result.header
                if "error" in header:
                    self._pending.discard(result.task)
                    error = error or LyrikstoreError.from_json(header["error"]) or worker_died()
                    self.stopped.set()
                    continue
                size += header["written"]
                if "again" in header:
                    self._pending.discard(result.task)
                    failed = {batch[number] for number in header["again"]}
                    self.again += failed
                    self._job.files += (self._tree.paths[at] for at in batch if at not in failed)
                    files += len(batch)
                self._progress(Progress(files, len(self._tree), size))
        finally:
            for number in self._pending:
                for at in self._batches[number]:
                    self._claim(at)
        if error is not None:
            raise error

    def _tasks(self) -> Iterator[Message]:
        for batch, runs in _batches(self._tree, self._blobs):
            if self.stopped.is_set():
                return
            if runs is None:
                self.again += batch
                continue
            self._pending.add(len(self._batches))
            self._batches.append(batch)
            yield self._message(batch, runs)

    def _message(self, batch: "array[int]", runs: "array[int]") -> Message:
        tree, table, folders = self._tree, self._blobs.table, {}
        for at in batch:
            folder = tree.paths[at].rpartition("/")[0]
            while folder and folder not in folders:
                folders[folder] = self._job.made[folder]
                folder = folder.rpartition("/")[0]
        packs = {number: table.packs[number] for number in set(runs[::COLUMNS])}
        header = {
            "packs": {n: [pack.id.hex, pack.bytes, pack.role] for n, pack in packs.items()},
            "folders": folders,
            "paths": [tree.paths[at] for at in batch],
            "sizes": [tree.sizes[at] for at in batch],
        }
        digests = b"".join(tree.digests[at * 32 : at * 32 + 32] for at in batch)
        return Message(header, (digests, runs.tobytes()))

    def _claim(self, at: int) -> None:
        # A worker that was killed could not say which files it made. One in a folder of ours, of
        # this user, not longer than it should be and with no other name, is taken for its work.
        path = self._tree.paths[at]
        with suppress(OSError, LyrikstoreError):
            self._job.enter(path.rpartition("/")[0], create=False)
            found = self._job.look(path)
            if (
                stat.S_ISREG(found.st_mode)
                and found.st_uid == os.geteuid()
                and found.st_nlink == 1
                and found.st_size <= self._tree.sizes[at]
            ):
                self._job.files.append(path)


class _Blocks(BlockReader):
    def index(self, pack: int) -> PackIndex:
        return _index(self._backend.root, self._packs[pack])  # type: ignore[attr-defined]


@lru_cache(maxsize=8)
def _index(root: Path, pack: PackRef) -> PackIndex:
    return usable_index(LocalBackend(root), pack)[0]


def _batches(tree: Tree, blobs: BlobStore) -> "Iterator[tuple[array[int], array[int] | None]]":
    """Yield positions in ``tree`` to be written together, with the runs of their bytes.

    The runs are None where they are not known. Each batch is computed on demand, so that the first
    files are written while the runs of the next are looked up.
    """
    table = blobs.table
    numbers = table.numbers(tree.digests)
    large = [at for at, number in enumerate(numbers) if number < 0]
    for at in sorted(large, key=tree.sizes.__getitem__, reverse=True):
        yield array("I", [at]), blobs.runs(Digest(tree.digests[at * 32 : at * 32 + 32]))
    batch, runs = array("I"), array("Q")
    before, size = (-1, -1), 0
    for at in sorted(range(len(numbers)), key=numbers.__getitem__):
        if numbers[at] < 0:
            continue
        place = table.place(numbers[at])
        full = size >= _HANDFUL_BYTES or len(batch) >= _HANDFUL
        if batch and full and (place[:2] != before or len(batch) >= 4 * _HANDFUL):
            yield batch, runs
            batch, runs, size = array("I"), array("Q"), 0
        batch.append(at)
        runs.extend(place)
        size += tree.sizes[at]
        before = place[:2]
    if batch:
        yield batch, runs


def _enter(setup: Mapping[str, Any]) -> Destination:
    try:
        top = os.open(setup["place"], FOLDER)
    except OSError as error:
        refuse(error, setup["place"])
    status = os.fstat(top)
    if [status.st_dev, status.st_ino] != setup["top"]:
        os.close(top)
        raise VerificationError("changed-meanwhile", "the folder was replaced during the check-out")
    return Destination(top)


def _parts(blocks: BlockReader, runs: Iterable[tuple[int, ...]]) -> Iterator[memoryview]:
    for pack, block, start, length in runs:
        # What cannot be read here ends the file too early; the plain way then says why.
        with suppress(FormatError, NotFoundError, StorageError):
            content = memoryview(blocks.block(pack, block))
            yield content[start : start + length]
            continue
        return


def _ahead(parts: Iterator[memoryview]) -> Iterator[memoryview]:
    # Some are read and unpacked while those before are hashed and written.
    gathered = _gathered(parts)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(list, islice(gathered, _TOGETHER))
        while some := coming.result():
            coming = pool.submit(list, islice(gathered, _TOGETHER))
            yield from some


def _gathered(parts: Iterator[memoryview]) -> Iterator[memoryview]:
    # Small neighbours become one, without the blocks that they would keep in memory.
    joined = bytearray()
    for part in parts:
        if not joined and len(part) >= _GATHER:
            yield part
            continue
        joined += part
        if len(joined) >= _GATHER:
            yield memoryview(joined)
            joined = bytearray()
    if joined:
        yield memoryview(joined)


def _rows(buffer: bytes) -> Iterator[tuple[int, ...]]:
    runs = array("Q")
    runs.frombytes(buffer)
    return zip(*[iter(runs)] * COLUMNS, strict=True)
