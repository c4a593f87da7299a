"""Reading files and streams to be stored; files may change, vanish or be of another type."""

import fcntl
import mmap
import os
import queue
import signal
import stat
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.objects.chunk.chunker import SEGMENT, WHOLE_MAX, Readable
from lyrikstore.objects.io.stat_cache import RACY_NS

_PEEK = 64 << 10
_READ_BYTES = 1 << 20  # stays in the second-level cache while it is hashed
_MANY = 1 << 14


class SegmentMemory:
    """Memory for segments of blobs, which is reused when no view of it exists any more.

    Allocating new memory for each segment would cost more than reading the file into it: the kernel
    clears every page first (measured: spec/adr/0005-storage-format.md).
    """

    def __init__(self) -> None:
        # Simple: what gives back may be the collector, in the middle of a `take`.
        self._free = queue.SimpleQueue[mmap.mmap]()

    def take(self) -> memoryview:
        """Return :data:`SEGMENT` bytes with arbitrary content."""
        try:
            memory = self._free.get_nowait()
        except queue.Empty:
            memory = mmap.mmap(-1, SEGMENT, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        import ctypes  # for large files only

        # Every view of it, and of a part of it, keeps this alive; an mmap has no such moment.
        held = (ctypes.c_char * SEGMENT).from_buffer(memory)
        weakref.finalize(held, self._free.put, memory).atexit = False
        return memoryview(held).cast("B")


@contextmanager
def opened(path: "Path | str", *, follow_links: bool) -> "Iterator[FileSource]":
    """Open a regular file for one reading; at the end, check that it has not changed.

    Raises:
        InvalidInputError: (``file-changed``) it was written to meanwhile; (``file-unreadable``)
            it cannot be read; (``not-a-file``) it is a folder, device, FIFO or socket;
            (``file-missing``) there is no such file.
    """
    fd, before = _open(path, follow_links=follow_links)
    try:
        source = FileSource(fd, path, before)
        yield source
        _check_unchanged(fd, before, source.taken, path)
    finally:
        os.close(fd)


class FileSource:
    """An open file that counts the bytes read.

    Attributes:
        path: Its path.
        size: Its size in bytes when it was opened.
        written: Its last modification time when it was opened, in nanoseconds.
        taken: Number of bytes read so far.
    """

    def __init__(self, fd: int, path: "Path | str", status: os.stat_result) -> None:
        self._fd = fd
        self.path = path
        self.size = status.st_size
        self.written = _written(status)
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; fewer only at the end."""
        try:
            data = os.read(self._fd, size)
            while 0 < len(data) < size and (more := os.read(self._fd, size - len(data))):
                data += more
        except OSError as error:
            raise unreadable(error, self.path) from error
        self.taken += len(data)
        return data

    def is_being_written(self) -> bool:
        """Return whether a process has the file open or mapped for writing, or it is not known.

        Only Linux reports it, for local files of the current user.
        """
        try:
            # Who opens it for writing in the moment between breaks the lease: by a signal that
            # nobody minds, not by the one that ends a process.
            fcntl.fcntl(self._fd, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(self._fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(self._fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except (OSError, AttributeError):
            return True
        return False

    def segment(self, memory: SegmentMemory) -> memoryview:
        """Return the next :data:`SEGMENT` bytes, fewer only at the end, in a part of ``memory``."""
        view, filled = memory.take(), 0
        try:
            while filled < SEGMENT and (count := os.readv(self._fd, [view[filled:]])):
                filled += count
        except OSError as error:
            raise unreadable(error, self.path) from error
        self.taken += filled
        return view[:filled]


def peek(path: "Path | str", *, follow_links: bool) -> tuple[bytes, int]:
    """Return the first 64 KiB of a file and its current size, to decide the order of files.

    Raises:
        InvalidInputError: See :func:`opened`.
    """
    fd, status = _open(path, follow_links=follow_links)
    try:
        return os.read(fd, _PEEK), status.st_size
    except OSError as error:
        raise unreadable(error, path) from error
    finally:
        os.close(fd)


def read_small(path: "Path | str", *, follow_links: bool) -> tuple[bytes, int]:
    """Return the content of a file of at most :data:`WHOLE_MAX` bytes, and its ``written``.

    ``written`` is as in :class:`FileSource`.

    Raises:
        InvalidInputError: See :func:`opened`; ``file-changed`` also if it is larger.
    """
    fd, before = _open(path, follow_links=follow_links)
    try:
        size = before.st_size
        if size > WHOLE_MAX:
            raise changed(path)
        try:
            data = os.read(fd, size + 1)
            while 0 < len(data) < size and (more := os.read(fd, size + 1 - len(data))):
                data += more
        except OSError as error:
            raise unreadable(error, path) from error
        _check_unchanged(fd, before, len(data), path)
    finally:
        os.close(fd)
    return data, _written(before)


class RecentFiles:
    """Files that were read so soon after a modification that the write may not have ended.

    A write sets the time stamp of its file before it copies the data. A reader meanwhile gets a
    mixture of two states, with one time stamp; only reading again after the write shows it. Files
    that were unmodified for as long as the stat cache requires (:data:`RACY_NS`) are not read again
    (spec §4.4).
    """

    def __init__(self) -> None:
        self._young = time.time_ns() - RACY_NS
        self._files: list[tuple[Path | str, bool, bytes]] = []
        self._newest = 0

    def note(self, path: "Path | str", written: int, raw: bytes, *, follow_links: bool) -> None:
        """Record the digest of a file if it must be read again.

        Args:
            path: The file, opened after this object was made.
            written: As in :class:`FileSource`.
            raw: The digest.
            follow_links: Whether a symbolic link at the path itself is followed.

        Raises:
            InvalidInputError: As :meth:`recheck`, which runs at once when there are many files.
        """
        if written < self._young:
            return
        self._files.append((path, follow_links, raw))
        self._newest = max(self._newest, written)
        if len(self._files) >= _MANY:
            self.recheck()

    def recheck(self) -> None:
        """Read the recorded files again.

        Raises:
            InvalidInputError: (``file-changed``) a file has changed; else as :func:`opened`.

        Cost: one read of these files. If a process has one of them open for writing, one wait until
            its last write is :data:`RACY_NS` old.
        """
        for path, follow_links, raw in self._files:
            with opened(path, follow_links=follow_links) as file:
                rest = self._newest + RACY_NS - time.time_ns()
                if rest > 0 and file.is_being_written():
                    time.sleep(min(rest, RACY_NS) / 1e9)
                hasher = blake3()
                while data := file.read(_READ_BYTES):
                    hasher.update(data)
            if hasher.digest() != raw:
                raise changed(path)
        self._files, self._newest = [], 0


class StreamSource:
    """A stream of the caller, whose short reads and errors are kept apart from the store's."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._head = b""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; fewer only at the end."""
        chunks = [self._head]
        size -= len(self._head)
        self._head = b""
        try:
            while size > 0 and (chunk := self._stream.read(size)):
                chunks.append(chunk)
                size -= len(chunk)
        except LyrikstoreError:
            raise
        except OSError as error:
            raise unreadable(error, "the stream") from error
        return b"".join(chunks)

    def segment(self, _memory: SegmentMemory) -> memoryview:
        """Return the next :data:`SEGMENT` bytes, fewer only at the end."""
        return memoryview(self.read(SEGMENT))

    def give_back(self, head: bytes) -> None:
        """Put ``head`` back, to be read again; it is not longer than the next read."""
        self._head = head


def _open(path: "Path | str", *, follow_links: bool) -> tuple[int, os.stat_result]:
    # O_NONBLOCK: opening a FIFO must not wait for its writer.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    try:
        fd = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise unreadable(error, path) from error
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise InvalidInputError("not-a-file", f"{path}: not a regular file", hint="leave it out")
    return fd, status


def _written(status: os.stat_result) -> int:
    return max(status.st_mtime_ns, status.st_ctime_ns)


def _check_unchanged(fd: int, before: os.stat_result, size: int, path: "Path | str") -> None:
    after = os.fstat(fd)
    same = (before.st_size, before.st_mtime_ns, before.st_ctime_ns)
    if size != before.st_size or same != (after.st_size, after.st_mtime_ns, after.st_ctime_ns):
        raise changed(path)


def changed(path: "Path | str") -> InvalidInputError:
    """Return the error for a file that was modified while it was read."""
    return InvalidInputError(
        "file-changed",
        f"{path} changed while it was read",
        hint="wait until no program writes to the folder and run the command again",
    )


def unreadable(error: OSError | ValueError, path: "Path | str") -> InvalidInputError:
    """Return the error for a file that cannot be read, with the reason."""
    if isinstance(error, FileNotFoundError):
        return InvalidInputError(
            "file-missing",
            f"{path}: no such file",
            hint="it was moved or removed; run the command again",
        )
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return InvalidInputError(
        "file-unreadable", f"{path} cannot be read: {reason}", hint="check its owner and mode"
    )
