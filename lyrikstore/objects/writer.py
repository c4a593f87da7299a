"""Storing blobs: everything waits in scratch files until ``finish`` (spec/04-objects.md §4)."""

import contextlib
import io
import os
import stat
from array import array
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, StorageError, storage_error
from lyrikstore.objects.backend import Backend, open_scratch
from lyrikstore.objects.chunker import WHOLE_MAX, Readable, cut, encode_list, is_fine
from lyrikstore.objects.packs import (
    BLOBS_TARGET,
    BLOCK_MAX,
    BLOCK_TARGET,
    PACK_TARGET,
    PackRef,
    PackWriter,
)
from lyrikstore.objects.transactions import PackChanges


class BlobWriter:
    """Stores blobs that are not in the store yet; a context manager.

    Nothing is visible, and leaving the ``with`` block removes everything, unless :meth:`finish`
    was called. Not for use from several threads.

    Args:
        backend: Where packs go.
        known: Tells whether a raw digest is already in a live pack.
    """

    def __init__(self, backend: Backend, known: Callable[[bytes], bool]) -> None:
        self._backend = backend
        self._known = known
        self._own: set[bytes] = set()
        self._lists: dict[Digest, Digest] = {}
        self._digests = bytearray()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._pack: PackWriter | None = None
        self._file: BinaryIO | None = None
        self._files: list[tuple[BinaryIO, Path, PackRef]] = []
        self._path = Path()
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
        """Store ``data`` and return its digest.

        Raises:
            StorageError: The medium failed; nothing of this writer will be stored.
        """
        if len(data) > WHOLE_MAX:
            return self._put_stream(io.BytesIO(data))[0]
        return Digest(self._put_whole(data))

    def put_file(
        self, source: Path | Readable, *, follow_links: bool = False
    ) -> tuple[Digest, int]:
        """Store a file or the rest of a stream; return its digest and size in bytes.

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
                return Digest(self._put_whole(data)), len(data)
            digest, size = self._put_stream(_FdReader(fd, source))
            _check_unchanged(fd, before, size, source)
            return digest, size
        finally:
            os.close(fd)

    def finish(self) -> PackChanges:
        """Make everything durable under its final name and return what to record.

        Until a transaction record names the packs, they are files that nobody looks at.

        Raises:
            StorageError: The medium failed; nothing is lost but this writer's work.
        """
        self._check_open()
        try:
            self._flush_block()
            self._close_pack()
            for file, path, pack in self._files:
                self._install(path, pack)
                file.close()
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, "writing a pack") from error
        finally:
            self.abort()
        return PackChanges(tuple(pack for _, _, pack in self._files), tuple(self._lists.items()))

    def abort(self) -> None:
        """Remove everything this writer has not finished. Safe to call again."""
        self._done = True
        self._pending.clear()
        self._own.clear()
        files = [(file, path) for file, path, _ in self._files]
        if self._file is not None:
            files.append((self._file, self._path))
            self._file = self._pack = None
        for file, path in files:
            # A full disk can make even this fail; the file is then a leftover, no more.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                file.close()

    def _install(self, path: Path, pack: PackRef) -> None:
        if self._backend.create(pack.name, path):
            return
        # The name is the hash of the content, so what is there is the same, unless somebody
        # damaged it; recording it unread would spread the damage.
        hasher, at = blake3(), 0
        while data := self._backend.read(pack.name, at, 1 << 20):
            hasher.update(data)
            at += len(data)
        if hasher.digest() != pack.id.raw:
            self._backend.replace(pack.name, path)

    def _put_whole(self, data: bytes) -> bytes:
        self._check_open()
        raw = blake3(data).digest()
        if raw in self._own or self._known(raw):
            return raw
        if self._pending_bytes + len(data) > BLOCK_MAX:
            self._flush_block()
        self._own.add(raw)
        self._digests += raw
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= BLOCK_TARGET or len(self._pending) >= 1 << 14:
            self._flush_block()
        return raw

    def _put_readable(self, source: Readable) -> tuple[Digest, int]:
        head = _read_up_to(source, WHOLE_MAX + 1)
        if len(head) <= WHOLE_MAX:
            return Digest(self._put_whole(head)), len(head)
        return self._put_stream(_Joined(head, source))

    def _put_stream(self, stream: Readable, *, fine: bool = False) -> tuple[Digest, int]:
        head = _read_up_to(stream, WHOLE_MAX)
        whole = blake3()
        digests = bytearray()
        sizes = array("I")
        total = 0
        for piece in cut(_Joined(head, stream), fine=fine or is_fine(head)):
            whole.update(piece)
            digests += self._put_whole(piece)
            sizes.append(len(piece))
            total += len(piece)
        digest = Digest(whole.digest())
        # A blob of one piece is that piece, already stored.
        known = digest.raw in self._own or digest in self._lists or self._known(digest.raw)
        if not known:
            encoded = encode_list(bytes(digests), sizes)
            if len(encoded) <= WHOLE_MAX:
                self._lists[digest] = Digest(self._put_whole(encoded))
            else:  # finely, so that lists of versions share what the versions share
                self._lists[digest] = self._put_stream(io.BytesIO(encoded), fine=True)[0]
        return digest, total

    def _flush_block(self) -> None:
        if not self._pending:
            return
        try:
            if self._pack is None:
                self._file, self._path = open_scratch(self._backend.scratch)
                self._pack = PackWriter(self._file)
            self._pack.add_block(bytes(self._digests), self._pending)
        except OSError as error:
            self.abort()
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
            pack = self._pack.close()
            # By the descriptor that wrote: only it is sure to hear of a failed write.
            os.fsync(self._file.fileno())
        except OSError as error:
            self.abort()
            raise storage_error(error, "writing a pack") from error
        # Kept open: the lock on it tells others that the file is in use.
        self._files.append((self._file, self._path, pack))
        self._pack = self._file = None

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
