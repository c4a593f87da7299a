"""Writing much without filling the page cache: on its way to the disk at once, then let go.

A large file that is written and not read again soon pushes out what others read. Where memory is
handed out by a hypervisor, taking new pages for it also costs more than hashing and compressing
it (measured: spec/adr/0005-storage-format.md). The disk may hold the writing up a little, for
only pages that it has can be used again; one that is slow is left alone, and pages stay in memory
as they would without this.
"""

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

WORTH = 32 << 20
"""Files from this size on are written so."""

_STEP = 8 << 20
_BEHIND = 64 << 20  # by then the disk has what was sent
_SLOW = 200 << 20  # bytes a second; who would have to wait longer does not


class WriteBehind:
    """Follows the writing of one file from its start to its end; a context manager.

    Args:
        descriptor: The file's, open for writing; may be closed at any time.
        size: What the file will have; with less than :data:`WORTH` nothing is done.
    """

    def __init__(self, descriptor: int, size: int = WORTH) -> None:
        self._descriptor = os.dup(descriptor) if size >= WORTH else -1
        self._sent = 0
        self._waited = 0.0
        self._thread: ThreadPoolExecutor | None = None
        self._sending: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.done()

    def wrote(self, end: int) -> None:
        """Take note that the file is written up to ``end``."""
        if self._descriptor < 0 or end - self._sent < _STEP or self._waited * _SLOW > end:
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1)
        elif self._sending is not None:
            begin = time.monotonic()
            self._sending.result()
            self._waited += time.monotonic() - begin
        self._sending = self._thread.submit(_send, self._descriptor, self._sent, end)
        self._sent = end

    def done(self) -> None:
        """Send the rest and let go of what is on the disk; may return before that is done."""
        if self._descriptor < 0:
            return
        if self._thread is None:
            _finish(self._descriptor)
        else:
            self._thread.submit(_finish, self._descriptor)
            self._thread.shutdown(wait=False)
        self._descriptor = -1


def _send(descriptor: int, start: int, end: int) -> None:
    # The first time, this starts the writing of dirty pages; later it drops clean ones.
    _let_go(descriptor, start, end - start)
    if end > _BEHIND:
        _let_go(descriptor, 0, end - _BEHIND)


def _finish(descriptor: int) -> None:
    try:
        _let_go(descriptor, 0, 0)
    finally:
        os.close(descriptor)


def _let_go(descriptor: int, start: int, length: int) -> None:
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, start, length, os.POSIX_FADV_DONTNEED)
