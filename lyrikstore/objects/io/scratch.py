"""Scratch files: unfinished files, and cleaning up after writers that crashed.

One lock covers all files of one writer (spec §4.7). A writer of a terabyte makes thousands of
packs, some of them in other processes. They cannot all stay open only to be locked: one file,
``NAME``, is locked as long as the writer lives; the names of all its files start with ``NAME.``.
"""

import contextlib
import errno
import fcntl
import os
import stat
import threading
from pathlib import Path
from typing import BinaryIO

from lyrikstore.canon.errors import StorageError, storage_error
from lyrikstore.objects.io.safe_folder import own_folder

NO_FILES = frozenset({errno.ELOOP, errno.ENXIO})
"""The error numbers of opening a link or a socket as a file."""

# Nothing in a store is edited in place: that nobody may write to what will be one of its files
# guards against editors and stray redirections.
_MODE = 0o444
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Scratch:
    """Scratch files that live as long as this object, in this process or in others.

    Args:
        folder: A backend's scratch folder. No file is created there before the first is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: BinaryIO | None = None
        self._path = folder
        self._guard = threading.Lock()

    @property
    def prefix(self) -> str:
        """Return the prefix for :func:`open_part`, here or in another process.

        Raises:
            OSError: The lock file cannot be created.
        """
        with self._guard:  # packs of several kinds are begun side by side
            if self._lock is None:
                self._lock, self._path = open_scratch(self._folder)
            return str(self._path)

    def close(self) -> None:
        """Remove every file and release the lock. Safe to call again."""
        if self._lock is None:
            return
        # A full disk can make even this fail; the files are then leftovers, no more.
        with contextlib.suppress(OSError):
            for part in self._folder.glob(f"{self._path.name}.*"):
                part.unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._lock.close()
        self._lock = None


def open_part(prefix: str) -> tuple[BinaryIO, Path]:
    """Return a new empty scratch file of the writer with ``prefix``, and its path.

    Raises:
        OSError: It cannot be created.
        LyrikstoreError: As :func:`own_folder`.
    """
    path = Path(f"{prefix}.{os.urandom(6).hex()}")
    return _open_new(path, make=False), path


def open_scratch(folder: Path) -> tuple[BinaryIO, Path]:
    """Return a new empty file in ``folder``, open for writing, and its path.

    The file is locked while it is open, so that :func:`clean_leftovers` of another process can
    distinguish a file in use from one whose writer crashed.

    Raises:
        OSError: It cannot be created.
        LyrikstoreError: As :func:`own_folder`.
    """
    while True:
        path = folder / f"{os.getpid()}-{os.urandom(8).hex()}"
        file = _open_new(path, make=True)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file, path
        file.close()  # cleaned away between open and flock


def _open_new(path: Path, *, make: bool) -> BinaryIO:
    with own_folder(path.parent.parent, path.parent.name, make=make) as folder:
        return os.fdopen(os.open(path.name, _FLAGS, _MODE, dir_fd=folder), "r+b")


def clean_leftovers(folder: Path) -> int:
    """Remove the scratch files of crashed writers; return the number of files.

    Call it while holding the store's lock. Files of running writers are kept, whether or not
    these hold the store's lock.

    Raises:
        StorageError: A leftover cannot be removed; (``linked-folder``) the folder is a link.
    """
    try:
        with own_folder(folder.parent, folder.name) as descriptor:
            names = sorted(os.listdir(descriptor))  # noqa: PTH208 - a descriptor, not a path
            return sum(_clean(descriptor, name) for name in names)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(error, f"cleaning {folder}") from error


def _clean(folder: int, name: str) -> int:
    # NAME.part belongs to the writer that has NAME locked.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(name.partition(".")[0], flags, dir_fd=folder)
    except FileNotFoundError:
        return _remove_leftover(folder, name)
    except OSError as error:
        if error.errno in NO_FILES:
            return 0
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return 0
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _remove_leftover(folder, name)
    except BlockingIOError:
        return 0
    finally:
        os.close(fd)


def _remove_leftover(folder: int, name: str) -> int:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=folder)
            return 1
    return 0
