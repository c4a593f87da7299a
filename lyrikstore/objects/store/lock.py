"""The store lock: an advisory lock for one writer, released with its process (spec §4.7)."""

import fcntl
import os
import stat
import time
from pathlib import Path
from typing import Self

from lyrikstore.canon.errors import LockedError, StorageError, storage_error
from lyrikstore.objects.backends.base import NOT_A_FILE

TIMEOUT = 30.0
_PAUSE = 0.05


class StoreLock:
    """The exclusive lock of a store, as a context manager.

    It is ``flock`` on a file that is never removed, so a killed process leaves nothing to clean
    up. The file contains the process id and host of the holder, only for messages.

    Args:
        path: The lock file; created if missing.
        timeout: Seconds to wait for another process; 0 tries once.

    Raises:
        LockedError: (``locked``, on entering) another process still holds the lock.
        StorageError: The lock file cannot be opened.
    """

    def __init__(self, path: Path, timeout: float = TIMEOUT) -> None:
        self._path = path
        self._timeout = timeout
        self._fd = -1

    def __enter__(self) -> Self:
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise storage_error(error, f"locking {self._path}") from error
        try:
            self._wait(fd)
            if os.fstat(fd).st_nlink == 1:  # ATTACK A13: a second name of a file kept elsewhere
                os.ftruncate(fd, 0)
                os.pwrite(fd, f"{os.getpid()} {os.uname().nodename}\n".encode(), 0)
        except OSError as error:
            os.close(fd)
            if isinstance(error, StorageError):
                raise
            raise storage_error(error, f"locking {self._path}") from error
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return self

    def __exit__(self, *_: object) -> None:
        fd, self._fd = self._fd, -1
        os.close(fd)  # closing is what unlocks

    def _wait(self, fd: int) -> None:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise StorageError(
                NOT_A_FILE,
                f"locking {self._path}: not a regular file",
                hint="remove the file at this path; the store does not use it",
            )
        give_up = time.monotonic() + self._timeout
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    holder = os.pread(fd, 200, 0).decode("utf-8", "replace").split()
                    who = f"process {holder[0]} on {holder[1]}" if len(holder) == 2 else "another"
                    raise LockedError(
                        "locked",
                        f"the store is in use by {who}; waited {self._timeout:g} s",
                        hint="wait for it to end, or run again with a longer --timeout",
                    ) from None
                time.sleep(_PAUSE)
            else:
                return
