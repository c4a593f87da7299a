"""Storing blobs: everything waits in scratch files until ``finish`` (spec/04-objects.md §4)."""

import io
import os
import stat
from array import array
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, StorageError
from lyrikstore.objects.backend import Backend
from lyrikstore.objects.chunker import WHOLE_MAX, Readable, cut, encode_list, is_fine
from lyrikstore.objects.packing import Packer, install
from lyrikstore.objects.packs import ROLES, PackRef, PackRole
from lyrikstore.objects.transactions import PackChanges


class Known(Protocol):
    """What a writer asks about the blobs of the live packs; a ``BlobStore`` answers."""

    def holds(self, raw: bytes, role: PackRole) -> bool:
        """Return whether a blob need not be stored again in a pack of ``role``."""

    def list_of(self, blob: Digest) -> Digest | None:
        """Return the list of pieces recorded for a large blob, if that list is there."""


class BlobWriter:
    """Stores blobs that are not in the store yet; a context manager.

    Nothing is visible, and leaving the ``with`` block removes everything, unless :meth:`finish`
    was called. Not for use from several threads.

    Args:
        backend: Where packs go.
        known: Tells what the live packs hold.
    """

    def __init__(self, backend: Backend, known: Known) -> None:
        self._backend = backend
        self._known = known
        self._own: dict[PackRole, set[bytes]] = {role: set() for role in ROLES}
        self._packers = {role: Packer(backend.scratch, role) for role in ROLES}
        self._lists: dict[Digest, Digest] = {}
        self._adopted: list[PackRef] = []
        self._done = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()

    def put_bytes(self, data: bytes) -> Digest:
        """Store a document and return its digest.

        Documents describe and prove: manifests, trees, credentials, attachments. They lie in
        packs of their own, so that a copy of a store can leave the data out.

        Raises:
            StorageError: The medium failed; nothing of this writer will be stored.
        """
        return self._put(data, "documents")

    def put_data(self, data: bytes) -> Digest:
        """Store the content of a data file and return its digest; see :meth:`put_bytes`."""
        return self._put(data, "data")

    def put_file(
        self, source: Path | Readable, *, follow_links: bool = False
    ) -> tuple[Digest, int]:
        """Store a data file or the rest of a stream; return its digest and size in bytes.

        What is hashed is what is stored: the file is read once.

        Args:
            source: A regular file, or an open binary stream.
            follow_links: Whether a symbolic link at ``source`` itself is followed.

        Raises:
            InvalidInputError: (``file-changed``) the file was written to meanwhile;
                (``file-unreadable``) it cannot be read; (``not-a-file``) it is a folder, link,
                device, FIFO or socket; (``file-missing``) there is no such file.
            StorageError: The store's medium failed; nothing of this writer will be stored.

        Cost: one read. Memory is flat: 1 MiB, or two pieces of a large file.
        """
        if not isinstance(source, Path):
            return self._put_readable(_Guarded(source))
        fd = _open(source, follow_links=follow_links)
        try:
            before = os.fstat(fd)
            if not stat.S_ISREG(before.st_mode):
                raise InvalidInputError(
                    "not-a-file", f"{source}: not a regular file", hint="leave it out"
                )
            if before.st_size <= WHOLE_MAX:
                data = _read_fd(fd, before.st_size + 1, source)
                _check_unchanged(fd, before, len(data), source)
                return Digest(self._put_whole(data, "data")), len(data)
            digest, size = self._put_stream(_FdReader(fd, source), "data")
            _check_unchanged(fd, before, size, source)
            return digest, size
        finally:
            os.close(fd)

    def adopt(self, changes: PackChanges) -> None:
        """Take over what another writer of this store finished, as if it had been stored here."""
        self._check_open()
        self._adopted += changes.added
        self._lists.update(changes.chunk_lists)

    def finish(self) -> PackChanges:
        """Make everything durable under its final name and return what to record.

        Until a transaction record names the packs, they are files that nobody looks at.

        Raises:
            StorageError: The medium failed; nothing is lost but this writer's work.
        """
        self._check_open()
        try:
            packs = [pack for role in ROLES for pack in self._packers[role].close()]
            for pack in packs:
                install(self._backend, pack)
        finally:
            self.abort()
        # Two writers that had the same to store made the same pack.
        added = dict.fromkeys((*self._adopted, *(pack.ref for pack in packs)))
        return PackChanges(tuple(added), tuple(self._lists.items()))

    def abort(self) -> None:
        """Remove everything this writer has not finished. Safe to call again."""
        self._done = True
        for packer in self._packers.values():
            packer.discard()
        for own in self._own.values():
            own.clear()

    def _put(self, data: bytes, role: PackRole) -> Digest:
        if len(data) > WHOLE_MAX:
            return self._put_stream(io.BytesIO(data), role)[0]
        return Digest(self._put_whole(data, role))

    def _put_whole(self, data: bytes, role: PackRole) -> bytes:
        self._check_open()
        raw = blake3(data).digest()
        if not self._holds(raw, role):
            self._own[role].add(raw)
            try:
                self._packers[role].add(raw, data)
            except StorageError:
                self.abort()
                raise
        return raw

    def _holds(self, raw: bytes, role: PackRole) -> bool:
        # Data that lies among the documents is where every copy has it; not the other way round.
        own = raw in self._own["documents"] or (role == "data" and raw in self._own["data"])
        return own or self._known.holds(raw, role)

    def _put_readable(self, source: Readable) -> tuple[Digest, int]:
        head = _read_up_to(source, WHOLE_MAX + 1)
        if len(head) <= WHOLE_MAX:
            return Digest(self._put_whole(head, "data")), len(head)
        return self._put_stream(_Joined(head, source), "data")

    def _put_stream(
        self, stream: Readable, role: PackRole, *, fine: bool = False
    ) -> tuple[Digest, int]:
        head = _read_up_to(stream, WHOLE_MAX)
        whole = blake3()
        digests = bytearray()
        sizes = array("I")
        total = 0
        for piece in cut(_Joined(head, stream), fine=fine or is_fine(head)):
            whole.update(piece)
            digests += self._put_whole(piece, role)
            sizes.append(len(piece))
            total += len(piece)
        digest = Digest(whole.digest())
        if len(sizes) == 1:
            return digest, total  # a blob of one piece is that piece, already stored
        encoded = encode_list(bytes(digests), sizes)
        known = self._lists.get(digest) or self._known.list_of(digest)
        # A document must hang by pieces that are documents, whatever list it has as data.
        if not (known == Digest.of(encoded) or (known and role == "data")):
            if len(encoded) <= WHOLE_MAX:
                self._lists[digest] = Digest(self._put_whole(encoded, "documents"))
            else:  # finely, so that lists of versions share what the versions share
                stream = io.BytesIO(encoded)
                self._lists[digest] = self._put_stream(stream, "documents", fine=True)[0]
        return digest, total

    def _check_open(self) -> None:
        if self._done:
            raise InvalidInputError("writer-closed", "this writer has finished or failed")


class _Joined:
    # A stream of which the head was read already.
    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = -1, /) -> bytes:
        if self._head:
            part = self._head[:size] if size >= 0 else self._head
            self._head = self._head[len(part) :]
            return part
        return self._rest.read(size)


class _Guarded:
    # Somebody else's stream, whose OSError must not pass for ours.
    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._stream.read(size)
        except LyrikstoreError:
            raise
        except OSError as error:
            raise _unreadable(error, Path("the stream")) from error


class _FdReader:
    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self._path = path

    def read(self, size: int = -1, /) -> bytes:
        try:
            return os.read(self._fd, size if size >= 0 else 1 << 20)
        except OSError as error:
            raise _unreadable(error, self._path) from error


def _open(path: Path, *, follow_links: bool) -> int:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    try:
        return os.open(path, flags)
    except (OSError, ValueError) as error:
        raise _unreadable(error, path) from error


def _read_fd(fd: int, limit: int, path: Path) -> bytes:
    try:
        data = os.read(fd, limit)
        while 0 < len(data) < limit and (more := os.read(fd, limit - len(data))):
            data += more
    except OSError as error:
        raise _unreadable(error, path) from error
    return data


def _read_up_to(stream: Readable, limit: int) -> bytes:
    pieces = []
    while limit and (piece := stream.read(limit)):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


def _check_unchanged(fd: int, before: os.stat_result, size: int, path: Path) -> None:
    after = os.fstat(fd)
    same = (before.st_size, before.st_mtime_ns, before.st_ctime_ns)
    if size != before.st_size or same != (after.st_size, after.st_mtime_ns, after.st_ctime_ns):
        raise InvalidInputError(
            "file-changed",
            f"{path} changed while it was read",
            hint="wait until nothing writes to the folder and run the command again",
        )


def _unreadable(error: OSError | ValueError, path: Path) -> InvalidInputError:
    if isinstance(error, FileNotFoundError):
        return InvalidInputError(
            "file-missing", f"{path}: no such file", hint="it was moved or removed; run again"
        )
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return InvalidInputError(
        "file-unreadable", f"{path} cannot be read: {reason}", hint="check its owner and mode"
    )
