"""Storing blobs: everything is kept in scratch files until ``finish`` (spec §4.4)."""

import io
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Self

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, StorageError, storage_error
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.chunk.chunker import (
    LIST_MAX,
    SEGMENT,
    WHOLE_MAX,
    Readable,
    encode_list,
)
from lyrikstore.objects.chunk.sources import (
    FileSource,
    RecentFiles,
    StreamSource,
    opened,
    unreadable,
)
from lyrikstore.objects.io.scratch import Scratch
from lyrikstore.objects.pack.builder import Packer, in_shares, install, pack_setup
from lyrikstore.objects.pack.digest_set import Recent, sort_digests
from lyrikstore.objects.pack.format import ROLES, PackRef, PackRole
from lyrikstore.objects.pack.parameters import Parameters
from lyrikstore.objects.pack.reader import PackedBlobs
from lyrikstore.objects.pack.writer import ScratchPack
from lyrikstore.objects.parallel.processes import Workers, cores
from lyrikstore.objects.parallel.tasks import Message
from lyrikstore.objects.store.large_blobs import STREAMS, Cut, store_chunks, store_files
from lyrikstore.objects.store.transactions import PackChanges

_TARGET = "lyrikstore.objects.pack.builder:pack_files"
_MANY_FILES = 2_000
_MANY_BYTES = 32 << 20
_TASK_BYTES = (8 << 20, 128 << 20)


class BlobWriter:
    """A writer that stores blobs which are not in the store yet; a context manager.

    Nothing is visible, and leaving the ``with`` block removes everything, unless :meth:`finish`
    was called. Not safe for several threads; it starts threads itself.

    Args:
        backend: The store's files.
        known: The blobs of the live packs.
        list_of: Returns the chunk list that the records name for a large blob, if it is here.
        parameters: Sizes and level.
        workers: Maximum number of processes or threads; by default all cores. With 0, all work is
            done in the calling thread.
    """

    def __init__(
        self,
        backend: Backend,
        known: PackedBlobs,
        list_of: Callable[[Digest], Digest | None],
        parameters: Parameters | None = None,
        *,
        workers: int | None = None,
    ) -> None:
        self._backend = backend
        self._known = known
        self._list_of = list_of
        self._parameters = parameters or Parameters()
        self._workers = workers if workers is not None else cores() if cores() > 1 else 0
        self._scratch = Scratch(backend.scratch)
        self._own: dict[PackRole, Recent] = {role: Recent() for role in ROLES}
        self._packers = {role: Packer(self._scratch, role, self._parameters) for role in ROLES}
        self._streams: list[Packer] = []
        self._claiming = Lock()
        self._packed: list[ScratchPack] = []
        self._lists: dict[Digest, Digest] = {}
        self._recent = RecentFiles()
        self._adopted: list[PackRef] = []
        self._done = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()

    def put_bytes(self, data: bytes) -> Digest:
        """Store a document and return its digest.

        Documents describe and prove: manifests, trees, credentials, attachments. They are stored in
        separate packs, so that a copy of a store can leave the data out.

        Raises:
            StorageError: Storage backend error; no blob of this writer will be stored.
        """
        return self._put(data, "documents")

    def put_data(self, data: bytes) -> Digest:
        """Store the content of a data file and return its digest; see :meth:`put_bytes`."""
        return self._put(data, "data")

    def put_file(
        self, source: Path | str | Readable, *, follow_links: bool = False
    ) -> tuple[Digest, int]:
        """Store a data file or the rest of a stream; return its digest and size in bytes.

        The stored bytes are the hashed bytes: the file is read once; :meth:`recheck` reads it again
        if it was written to shortly before.

        Args:
            source: A regular file, or an open binary stream.
            follow_links: Whether a symbolic link at ``source`` itself is followed.

        Raises:
            InvalidInputError: (``too-large``) its chunk list would be too large (some 100 TB).
            StorageError: Storage backend error; no blob of this writer will be stored.
            LyrikstoreError: As :func:`opened`.

        Cost: one read. Memory: a few segments of 16 MiB, and 36 bytes per chunk.
        """
        self._check_open()
        if not isinstance(source, Path | str):
            stream = StreamSource(source)
            head = stream.read(WHOLE_MAX + 1)
            if len(head) <= WHOLE_MAX:
                return Digest(self._put_whole(head, "data")), len(head)
            stream.give_back(head)
            return self._put_large(stream, "data", 0)
        with opened(source, follow_links=follow_links) as file:
            if file.size > WHOLE_MAX:
                digest, size = self._put_large(file, "data", file.size)
            else:
                data = file.read(file.size + 1)
                if len(data) > file.size:  # grew; leaving the block says so
                    return Digest(bytes(32)), 0
                digest, size = Digest(self._put_whole(data, "data")), len(data)
        self._recent.note(source, file.written, digest.raw, follow_links=follow_links)
        return digest, size

    def put_document(self, stream: Readable) -> tuple[Digest, int]:
        """Store the rest of a stream as a document; return its digest and size in bytes.

        Raises, Cost: As :meth:`put_file`.
        """
        self._check_open()
        source = StreamSource(stream)
        head = source.read(WHOLE_MAX + 1)
        if len(head) <= WHOLE_MAX:
            return Digest(self._put_whole(head, "documents")), len(head)
        source.give_back(head)
        return self._put_large(source, "documents", 0)

    def put_files(
        self,
        paths: Sequence[Path | str],
        *,
        sizes: Sequence[int] | None = None,
        follow_links: bool = False,
    ) -> Iterator[tuple[int, Digest, int]]:
        """Store data files; yield (position in ``paths``, digest, size) of each, in any order.

        Many small files are read, hashed and packed in worker processes; the chunks of large files
        are compressed and written in threads. After any error, and if the caller does not take all
        results, no blob of this writer will be stored.

        Args:
            paths: Regular files.
            sizes: Their sizes, if a listing has them already; only used to distribute the work.
            follow_links: Whether a symbolic link at a path itself is followed.

        Raises:
            InvalidInputError, StorageError: See :meth:`put_file`; also (``worker-died``) a worker
                process was killed.

        Cost: one read of each file; about 60 MiB in each worker process, for files of any size.
        """
        self._check_open()
        done = False
        try:
            if sizes is None:
                sizes = array("Q", (_size(path, follow=follow_links) for path in paths))
            small = array("Q", (at for at, size in enumerate(sizes) if size <= WHOLE_MAX))
            total = sum(sizes[at] for at in small)
            if self._workers and (len(small) >= _MANY_FILES or total >= _MANY_BYTES):
                yield from self._put_small(paths, sizes, small, total, follow_links)
                large: Iterator[int] = (at for at, size in enumerate(sizes) if size > WHOLE_MAX)
            else:
                large = iter(range(len(paths)))
            parallel: list[int] = []
            for at in large:
                if self._workers and sizes[at] > 2 * SEGMENT:
                    parallel.append(at)
                else:
                    yield at, *self.put_file(paths[at], follow_links=follow_links)
            if len(parallel) > 1:
                yield from self._put_parallel(paths, parallel, follow_links)
            else:
                for at in parallel:
                    yield at, *self.put_file(paths[at], follow_links=follow_links)
            done = True
        finally:
            if not done:
                self.abort()

    def recheck(self) -> None:
        """Read files again that were modified so recently that a write may not have ended.

        :meth:`finish` does it as well; call it earlier to avoid holding a lock meanwhile.

        Raises:
            InvalidInputError: (``file-changed``) a file differs from the stored bytes; else as
                :meth:`put_file`. No blob of this writer will be stored.

        Cost: one read of those files; a wait of at most 2 s if one is still open for writing.
        """
        self._check_open()
        done = False
        try:
            self._recent.recheck()
            done = True
        finally:
            if not done:
                self.abort()

    def adopt(self, changes: PackChanges) -> None:
        """Add the result of another finished writer of this store to the result of this one."""
        self._check_open()
        self._adopted += changes.added
        self._lists.update(changes.chunk_lists)

    def finish(self) -> PackChanges:
        """Make all packs durable under their final names and return them for a transaction record.

        Until a transaction record names the packs, no reader uses these files.

        Raises:
            InvalidInputError: As :meth:`recheck`.
            StorageError: Storage backend error; only this writer's work is lost.
        """
        self.recheck()
        try:
            packs = [*self._packers["documents"].close(), *self._packed]
            for packer in (*self._streams, self._packers["data"]):
                packs += packer.close()
            install(self._backend, packs, side_by_side=self._workers > 0)
        finally:
            self.abort()
        # Two writers that had the same to store made the same pack.
        added = dict.fromkeys((*self._adopted, *(pack.ref for pack in packs)))
        return PackChanges(tuple(added), tuple(self._lists.items()))

    def abort(self) -> None:
        """Remove all unfinished files of this writer. Safe to call again."""
        self._done = True
        for packer in (*self._streams, *self._packers.values()):
            packer.discard()
        self._scratch.close()
        for own in self._own.values():
            own.clear()

    def _put(self, data: bytes, role: PackRole) -> Digest:
        self._check_open()
        if len(data) > WHOLE_MAX:
            return self._put_large(StreamSource(io.BytesIO(data)), role, len(data))[0]
        return Digest(self._put_whole(data, role))

    def _put_whole(self, data: bytes, role: PackRole) -> bytes:
        raw = blake3(data).digest()
        if not self._knows(role)(raw):
            self._add(role, raw, data, shrinks=True)
        return raw

    def _knows(self, role: PackRole) -> Callable[[bytes], bool]:
        # Data that lies among the documents is where every copy has it; not the other way round.
        documents, data = self._own["documents"], self._own["data"]
        if role == "documents":
            return lambda raw: raw in documents or self._known.is_document(raw)
        find = self._known.table.find
        return lambda raw: raw in data or find(raw) >= 0 or raw in documents

    def _add(self, role: PackRole, raw: bytes, data: bytes | memoryview, *, shrinks: bool) -> None:
        self._own[role].add(raw)
        try:
            self._packers[role].add(raw, data, shrinks=shrinks)
        except StorageError:
            self.abort()
            raise

    def _put_large(
        self, source: FileSource | StreamSource, role: PackRole, size: int, *, is_list: bool = False
    ) -> tuple[Digest, int]:
        parallel = self._workers and role == "data" and size > 2 * SEGMENT
        packer = self._open_streams(1)[0] if parallel else self._packers[role]
        claim = partial(self._claim, role)
        try:
            cut = store_chunks(source, packer, self._parameters, claim, size=size, fine=is_list)
        except StorageError:
            self.abort()
            raise
        self._put_list(cut, role)
        return cut.digest, cut.length

    def _put_parallel(
        self, paths: Sequence[Path | str], places: Sequence[int], follow: bool
    ) -> Iterator[tuple[int, Digest, int]]:
        """Store large files, some at a time, each in separate packs."""
        claim = partial(self._claim, "data")
        store = partial(store_chunks, parameters=self._parameters, claim=claim)
        files, packers = {at: paths[at] for at in places}, self._open_streams(STREAMS)
        for at, cut, written in store_files(files, packers, store, follow):
            self._put_list(cut, "data")
            self._recent.note(paths[at], written, cut.digest.raw, follow_links=follow)
            yield at, cut.digest, cut.length

    def _open_streams(self, count: int) -> list[Packer]:
        while len(self._streams) < count:
            packer = Packer(self._scratch, "data", self._parameters, threads=self._workers)
            self._streams.append(packer)
        return self._streams[:count]

    def _claim(self, role: PackRole, digests: Sequence[bytes]) -> set[bytes]:
        """Return the ``digests`` that need not be stored; the caller stores the others."""
        with self._claiming:
            known = self._known.among(digests, role) | self._own["documents"].among(digests)
            if role == "data":
                known |= self._own["data"].among(digests)
            self._own[role].update(raw for raw in digests if raw not in known)
        return known

    def _put_list(self, cut: Cut, role: PackRole) -> None:
        if len(cut.sizes) <= 1:  # a blob of one chunk is that chunk, already stored
            return
        digest = cut.digest
        known = self._lists.get(digest) or self._list_of(digest)
        encoded = encode_list(cut.digests, cut.sizes)
        # A document must hang by chunks that are documents, whatever list it has as data.
        if known == Digest.of(encoded) or (known and role == "data"):
            return
        if len(encoded) > LIST_MAX:
            raise InvalidInputError("too-large", "a file has too many chunks", hint="split it")
        if len(encoded) <= WHOLE_MAX:
            self._lists[digest] = Digest(self._put_whole(encoded, "documents"))
        else:  # finely, so that lists of versions share what the versions share
            source = StreamSource(io.BytesIO(encoded))
            self._lists[digest] = self._put_large(source, "documents", 0, is_list=True)[0]

    def _put_small(
        self,
        paths: Sequence[Path | str],
        sizes: Sequence[int],
        small: "array[int]",
        total: int,
        follow: bool,
    ) -> Iterator[tuple[int, Digest, int]]:
        least, most = _TASK_BYTES
        groups: list[array[int]] = []
        aim = max(least, min(total // (8 * self._workers), most))

        def tasks() -> Iterator[Message]:
            for group in in_shares(small, sizes, aim):
                groups.append(group)
                joined = b"".join(os.fsencode(paths[at]) + b"\0" for at in group)
                yield Message({"follow": follow}, (joined,))

        try:
            setup = pack_setup(self._scratch, self._parameters, self._save_known())
        except OSError as error:
            raise storage_error(error, "writing a scratch file") from error
        with Workers(_TARGET, setup, self._workers) as workers:
            for result in workers.map(tasks()):
                digests, raw_sizes = result.buffers
                found = array("I")
                found.frombytes(raw_sizes)
                for pack in result.header["packs"]:
                    ref = PackRef(Digest.parse_hex(pack["id"]), pack["bytes"], "data")
                    self._packed.append(ScratchPack(ref, Path(pack["path"])))
                for number, at in enumerate(groups[result.task]):
                    raw = digests[number * 32 : number * 32 + 32]
                    self._own["data"].add(raw)
                    yield at, Digest(raw), found[number]
                groups[result.task] = array("Q")

    def _save_known(self) -> list[Path]:
        sets = [self._known.digests()]
        if own := b"".join(raw for role in ROLES for raw in self._own[role]):
            sets.append(sort_digests(own)[0])
        saved = []
        for digests in sets:
            if len(digests):
                saved.append(Path(f"{self._scratch.prefix}.known-{os.urandom(6).hex()}"))
                digests.save(saved[-1])
        return saved

    def _check_open(self) -> None:
        if self._done:
            raise InvalidInputError("writer-closed", "this writer has finished or failed")


def _size(path: Path | str, *, follow: bool) -> int:
    try:
        return Path(path).stat(follow_symlinks=follow).st_size
    except (OSError, ValueError) as error:
        raise unreadable(error, path) from error
