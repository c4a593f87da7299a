"""Writing large files past the page cache, in parallel with producing their bytes.

A large file that is written and not read again soon evicts cached pages that other programs need.
Allocating new pages for it, and copying into them, can also cost more than hashing and compressing
it (measured: spec/adr/0005-storage-format.md). So its bytes go from a few buffers directly to the
disk, in a separate thread. If the file system does not support that, the thread writes normally.
"""

import contextlib
import errno
import fcntl
import mmap
import os
import queue
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

WORTH = 32 << 20
"""Minimum size of files that are written this way."""

_STEP = 4 << 20
_COUNT = 4
_ALIGN = 4096  # what the disks of today ask for; others say EINVAL
_FAIR = 64 << 20
_SLOW = 200 << 20  # bytes a second; who need not wait for a slower disk does not
_DIRECT = getattr(os, "O_DIRECT", 0)


class Buffers:
    """A pool of buffers for files written one after the other, because new pages are expensive."""

    def __init__(self) -> None:
        self._free = queue.LifoQueue[mmap.mmap]()
        for _ in range(_COUNT):
            self._free.put(mmap.mmap(-1, _STEP, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))

    def take(self) -> mmap.mmap:
        """Return an unused buffer; wait until there is one."""
        return self._free.get()

    def give(self, buffer: mmap.mmap) -> None:
        """Return a buffer to the pool."""
        self._free.put(buffer)


class BulkFile:
    """A writer for the bytes of one large file, in order; a context manager.

    After the ``with`` block ends without an error, everything is written, but not yet durable.

    Args:
        descriptor: Descriptor of an empty file, open for writing; left open.
        buffers: Shared with other files, of which only one is filled at a time.
        patient: Whether the file must be on the disk at the end. If not, a disk that writes less
            than 200 MB/s is not waited for: then the bytes stay in the page cache.
    """

    def __init__(self, descriptor: int, buffers: Buffers, *, patient: bool) -> None:
        self._descriptor = descriptor
        self._buffers = buffers
        self._patient = patient
        self._direct = self._go_direct(on=True)
        self._buffer: mmap.mmap | None = None
        self._filled = 0
        self._written = 0
        self._took = 0.0
        self._failed = False
        self._thread = ThreadPoolExecutor(1)
        self._sent: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abandon()

    def write(self, data: "bytes | bytearray | memoryview") -> int:
        """Write all of ``data``, which may be changed afterwards; return its length.

        Raises:
            OSError: This or an earlier write failed.
        """
        view = memoryview(data)
        while view:
            if self._buffer is None:
                self._buffer, self._filled = self._buffers.take(), 0
                while self._sent and self._sent[0].done():
                    self._sent.popleft().result()
            part = view[: _STEP - self._filled]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == _STEP:
                self._send()
        return len(data)

    def finish(self) -> None:
        """Wait until everything is written.

        Raises:
            OSError: A write failed.
        """
        try:
            self._send()
            while self._sent:
                self._sent.popleft().result()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Stop writing. Safe to call again, and after :meth:`finish`."""
        self._failed = True
        if self._buffer is not None:
            self._buffers.give(self._buffer)
            self._buffer = None
        self._thread.shutdown()

    def _send(self) -> None:
        if self._buffer is not None:
            self._sent.append(self._thread.submit(self._put, self._buffer, self._filled))
            self._buffer = None

    def _put(self, buffer: mmap.mmap, length: int) -> None:
        try:
            begin, at = time.monotonic(), 0
            with memoryview(buffer) as view:
                while at < length and not self._failed:
                    at += self._put_some(view[at:length])
            self._written += length
            self._took += time.monotonic() - begin
            slow = self._written > _FAIR and self._took * _SLOW > self._written
            if slow and self._direct and not self._patient:
                self._direct = self._go_direct(on=False)
        except BaseException:
            self._failed = True  # what follows would go to the wrong place
            raise
        finally:
            self._buffers.give(buffer)

    def _put_some(self, data: memoryview) -> int:
        if self._direct:
            whole = len(data) & -_ALIGN
            try:
                if whole:
                    return os.write(self._descriptor, data[:whole])
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
            # The end of the file; or a file system that lets files be opened so, and no more.
            self._direct = self._go_direct(on=False)
        return os.write(self._descriptor, data)

    def _go_direct(self, *, on: bool) -> bool:
        with contextlib.suppress(OSError):
            flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
            flags = flags | _DIRECT if on else flags & ~_DIRECT
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags)
            return on and bool(_DIRECT)
        return False
