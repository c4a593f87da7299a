"""Where a store's files live: seven operations and one scratch folder (spec/04-objects.md §4.2).

Everything a store holds is an immutable file created once, except the few that are replaced
atomically (the log checkpoint). So a backend needs exclusive create, atomic replace, with and
without a condition, ranged read, size, list and remove, and nothing else. This module has the one
for a local folder, ``lyrikstore.objects.remote`` all others; ``lyrikstore.testing.backends`` holds
the suite that a third-party backend runs against itself.
"""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from lyrikstore.canon.errors import (
    InvalidInputError,
    StorageError,
    storage_error,
)

SCRATCH = "tmp"
NOT_A_FILE = "not-a-file"
"""Kind of :class:`StorageError`: a link, folder or device stands where a file should."""

_NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")
_NO_COPYING = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})
_NO_FILES = frozenset({errno.ELOOP, errno.ENXIO})  # opening a link, a socket


class Backend(Protocol):
    """A flat space of named immutable files.

    Names are lower-case ASCII path segments joined by ``/``. Every method raises
    :class:`StorageError` (``disk-full``, ``read-only``, ``no-permission``, ``io``) when the
    medium fails, or :class:`RemoteError` when the medium is another machine. After such an error
    from :meth:`create`, :meth:`replace` or :meth:`swap` the outcome is unknown: the name holds
    either the whole new content or what it held before, never a part. Where it matters who of
    several callers did it, their contents must differ: a remote tells a lost answer from a lost
    race by what is there.
    """

    @property
    def scratch(self) -> Path:
        """A local folder for files being built; on the store's own file system if it has one."""

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return up to ``length`` bytes from byte ``start``; fewer only at the end of the file.

        Raises:
            NotFoundError: (``no-file``) there is no such file.
        """

    def size(self, name: str) -> int | None:
        """Return the size of the file in bytes, or None if there is none."""

    def create(self, name: str, source: bytes | Path) -> bool:
        """Create ``name`` durably if it does not exist; return whether this call created it.

        Of any number of concurrent callers exactly one gets True. When True is returned the
        content and the name survive a power cut. A file at ``source`` must be complete, must not
        be changed afterwards (the store may share its storage) and may be removed.
        """

    def replace(self, name: str, source: bytes | Path) -> None:
        """Make ``source`` the content of ``name``, atomically and durably."""

    def swap(self, name: str, expected: bytes | None, new: bytes) -> bool:
        """Replace a small file if its content is ``expected``; return whether it was.

        None: if there is no such file. Of concurrent callers with one expectation one gets True.
        """

    def list(self, prefix: str) -> Iterator[str]:
        """Yield every name that starts with ``prefix``, in ascending order.

        For scrubbing and collecting only: what a store holds stands in its records, and a remote
        may list late or wrongly.
        """

    def remove(self, name: str) -> None:
        """Remove ``name``; a name that is not there is no error."""


def check_name(name: str) -> None:
    """Return if ``name`` may name a file in a backend.

    Raises:
        InvalidInputError: (``bad-name``) it could leave the store or differ between systems.
    """
    if len(name) > 200 or not _NAME.fullmatch(name):
        raise InvalidInputError("bad-name", f"not a file name inside a store: {name[:80]!r}")


class LocalBackend:
    """A store in a folder of a local file system.

    Durability: temporary file, ``fsync``, hard link (create) or rename (replace), ``fsync`` of
    every touched directory. A failed ``fsync`` aborts and is never tried again: the kernel has
    already forgotten which pages were lost.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def root(self) -> Path:
        """The folder of the store."""
        return self._root

    @property
    def scratch(self) -> Path:
        """The folder ``tmp`` inside the store."""
        return self._root / SCRATCH

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file; see :meth:`Backend.read`."""
        path = self._path(name)
        try:
            # ATTACK A13: no link as last component, and O_NONBLOCK so that a FIFO cannot hang us.
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise StorageError(NOT_A_FILE, f"reading {name}: not a regular file")
                return _pread(fd, start, length)
            finally:
                os.close(fd)
        except StorageError:
            raise
        except OSError as error:
            if error.errno in _NO_FILES:
                raise StorageError(NOT_A_FILE, f"reading {name}: not a regular file") from None
            raise storage_error(error, f"reading {name}") from error

    def size(self, name: str) -> int | None:
        """Return a file's size; see :meth:`Backend.size`."""
        path = self._path(name)
        try:
            found = path.lstat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error(error, f"looking for {name}") from error
        if not stat.S_ISREG(found.st_mode):
            raise StorageError(NOT_A_FILE, f"looking for {name}: not a regular file")
        return found.st_size

    def create(self, name: str, source: bytes | Path) -> bool:
        """Create a file exclusively; see :meth:`Backend.create`."""
        path = self._path(name)
        try:
            # Before any writing: losing the race late costs the same, losing it early is free.
            if path.exists():
                return False
            self._make_parents(path)
            with self._prepared(source) as temporary:
                try:
                    os.link(temporary, path)
                except FileExistsError:
                    return False
                sync_directory(path.parent)
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, f"writing {name}") from error
        return True

    def replace(self, name: str, source: bytes | Path) -> None:
        """Replace a file atomically; see :meth:`Backend.replace`."""
        path = self._path(name)
        try:
            self._make_parents(path)
            with self._prepared(source, link=False) as temporary:
                temporary.replace(path)
                sync_directory(path.parent)
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, f"writing {name}") from error

    def swap(self, name: str, expected: bytes | None, new: bytes) -> bool:
        """Replace a file that nobody has changed; see :meth:`Backend.swap`."""
        path = self._path(name)
        if expected is None:
            return self.create(name, new)
        try:
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise storage_error(error, f"writing {name}") from error
        try:
            # A lock on the folder leaves no lock file behind and dies with its process.
            fcntl.flock(folder, fcntl.LOCK_EX)
            if self.size(name) is None or self.read(name, 0, len(expected) + 1) != expected:
                return False
            self.replace(name, new)
        finally:
            os.close(folder)
        return True

    def list(self, prefix: str) -> Iterator[str]:
        """Yield names in order; see :meth:`Backend.list`."""
        folder = prefix.rpartition("/")[0]
        if folder:
            check_name(folder)
        try:
            yield from sorted(self._walk(folder, prefix))
        except OSError as error:
            raise storage_error(error, f"listing {prefix}") from error

    def remove(self, name: str) -> None:
        """Remove a file; see :meth:`Backend.remove`."""
        path = self._path(name)
        try:
            path.unlink()
            sync_directory(path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise storage_error(error, f"removing {name}") from error

    def _path(self, name: str) -> Path:
        check_name(name)
        return self._root / name

    def _walk(self, folder: str, prefix: str) -> Iterator[str]:
        try:
            entries = os.scandir(self._root / folder)
        except FileNotFoundError:
            return
        with entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                # Whole parts of a store may lie elsewhere; below those, no link is one of ours, and
                # following one could go in a circle.
                if entry.is_dir(follow_symlinks=not folder):
                    if name.startswith(prefix) or prefix.startswith(f"{name}/"):
                        yield from self._walk(name, prefix)
                elif name.startswith(prefix) and entry.is_file(follow_symlinks=False):
                    yield name

    def _make_parents(self, path: Path) -> None:
        # The store's folder is made too, but nothing above it: a disk that is not mounted, or a
        # misspelt path, must not become a new store somewhere else.
        missing = []
        folder = path.parent
        while folder != self._root.parent and not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
            sync_directory(folder.parent)

    @contextlib.contextmanager
    def _prepared(self, source: bytes | Path, *, link: bool = True) -> Iterator[Path]:
        # A complete, synced file on this file system, to be linked or renamed.
        if isinstance(source, Path) and link and source.parent == self.scratch:
            with source.open("rb") as complete:
                os.fchmod(complete.fileno(), os.fstat(complete.fileno()).st_mode & 0o444)
                os.fsync(complete.fileno())
            yield source
            return
        file, path = open_scratch(self.scratch)
        with file:
            try:
                if isinstance(source, Path):
                    with source.open("rb") as original:
                        _copy(original, file)
                else:
                    file.write(source)
                file.flush()
                # Nothing in a store is edited in place: read-only for everybody guards against
                # editors and stray redirections.
                os.fchmod(file.fileno(), os.fstat(file.fileno()).st_mode & 0o444)
                os.fsync(file.fileno())
                yield path
            finally:
                path.unlink(missing_ok=True)


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    try:
        while os.copy_file_range(source.fileno(), target.fileno(), 1 << 30):
            pass
    except OSError as error:
        if error.errno not in _NO_COPYING:
            raise
        shutil.copyfileobj(source, target, 1 << 20)  # from where the kernel stopped


def _pread(fd: int, start: int, length: int | None) -> bytes:
    # Never allocate more than the file has, whatever was asked for.
    there = max(0, os.fstat(fd).st_size - start)
    length = there if length is None else min(length, there)
    first = os.pread(fd, length, start)
    if len(first) == length or not first:
        return first
    pieces = [first]  # a signal or a 2 GiB limit cut the read short
    got = len(first)
    while got < length and (piece := os.pread(fd, length - got, start + got)):
        pieces.append(piece)
        got += len(piece)
    return b"".join(pieces)


def sync_directory(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut.

    Raises:
        OSError: The file system could not promise it.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def open_scratch(folder: Path) -> tuple[BinaryIO, Path]:
    """Return a new empty file in ``folder``, open for writing, and its path.

    The file is locked while it is open, so that :func:`clean_leftovers` of another process can
    tell a file in use from one whose writer died.

    Raises:
        OSError: It cannot be created.
    """
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        path = folder / f"{os.getpid()}-{os.urandom(8).hex()}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        file = os.fdopen(fd, "r+b")
        fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:
            return file, path
        file.close()  # cleaned away between open and flock


def clean_leftovers(backend: Backend) -> int:
    """Remove what writers that died left in the scratch folder; return how many files.

    Call it while the store's lock is held. Files of writers still at work are kept, whether or
    not those hold the store's lock.

    Raises:
        StorageError: A leftover cannot be removed.
    """
    removed = 0
    try:
        if not backend.scratch.is_dir():
            return 0
        for path in sorted(backend.scratch.iterdir()):
            removed += _clean(path)
    except OSError as error:
        raise storage_error(error, f"cleaning {backend.scratch}") from error
    return removed


def _clean(path: Path) -> int:
    # NAME.part belongs to the writer that has NAME locked (lyrikstore/objects/scratch.py).
    owner = path.with_name(path.name.partition(".")[0])
    try:
        fd = os.open(owner, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return _remove_leftover(path)
    except OSError as error:
        if error.errno in _NO_FILES:
            return 0
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return 0
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _remove_leftover(path)
    except BlockingIOError:
        return 0
    finally:
        os.close(fd)


def _remove_leftover(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISREG(path.lstat().st_mode):
            path.unlink()
            return 1
    return 0
