"""Storage backends: the protocol of seven operations, and the local folder (spec §4.2).

All files of a store are immutable and created once, except a few that are replaced atomically (the
log checkpoint). So a backend needs only exclusive create, atomic replace, with and without a
condition, ranged read, size, list and remove. This module has the backend for a local folder,
``lyrikstore.objects.backends.open`` opens all others; ``lyrikstore.testing.backends`` has the test
suite for third-party backends.

Example:
    >>> from lyrikstore.objects.backends.memory import MemoryBackend
    >>> backend = MemoryBackend(Path("scratch"))
    >>> backend.create("tx/0", b"one"), backend.create("tx/0", b"two")
    (True, False)
    >>> backend.read("tx/0", 1)
    b'ne'
"""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from lyrikstore.canon.errors import (
    InvalidInputError,
    StorageError,
    storage_error,
)
from lyrikstore.objects.io.safe_folder import own_folder
from lyrikstore.objects.io.scratch import NO_FILES, open_scratch

THREADS = 6
"""Number of files that are sent, or waited for, at a time."""
SCRATCH = "tmp"
NOT_A_FILE = "not-a-file"
"""Kind of :class:`StorageError`: a link, folder or device in place of a file."""

_NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")
_NO_COPYING = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})


class Backend(Protocol):
    """A flat space of named immutable files.

    Names are lower-case ASCII path segments joined by ``/``. Every method raises
    :class:`StorageError` (``disk-full``, ``read-only``, ``no-permission``, ``io``) when the
    medium fails, or :class:`RemoteError` when the medium is another machine. After such an error
    from :meth:`create`, :meth:`replace` or :meth:`swap` the outcome is unknown: the file has
    either the complete new content or its previous content, never a part. If it matters which of
    several callers succeeded, their contents must differ: a remote distinguishes a lost answer
    from a lost race by the content of the file.
    """

    @property
    def scratch(self) -> Path:
        """A local folder for unfinished files; on the store's own file system if it has one."""

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
        content and the name survive a power failure. A file at ``source`` must be complete, must
        not be changed afterwards (the store may share its storage) and may be removed.
        """

    def replace(self, name: str, source: bytes | Path) -> None:
        """Replace the content of ``name`` by ``source``, atomically and durably."""

    def swap(self, name: str, expected: bytes | None, new: bytes) -> bool:
        """Replace a small file if its content is ``expected``; return whether it was replaced.

        With None, create it if it does not exist. Of concurrent callers that expect the same
        content exactly one gets True.
        """

    def list(self, prefix: str) -> Iterator[str]:
        """Yield every name that starts with ``prefix``, in ascending order.

        Used only for checking and garbage collection: the records list the files of a store, and a
        remote may return late or wrong listings.
        """

    def remove(self, name: str) -> None:
        """Remove ``name``; a missing file is not an error."""


def check_name(name: str) -> None:
    """Raise `bad-name` unless ``name`` may name a file in a backend.

    Raises:
        InvalidInputError: (``bad-name``) it could leave the store or differ between systems.
    """
    if len(name) > 200 or not _NAME.fullmatch(name):
        raise InvalidInputError("bad-name", f"not a file name inside a store: {name[:80]!r}")


class LocalBackend:
    """A store in a folder of a local file system.

    Durability: temporary file, ``fsync``, hard link (create) or rename (replace), ``fsync`` of
    every touched directory. A failed ``fsync`` aborts and is never repeated: the kernel no longer
    knows which pages were lost. Nothing is written or removed through a link below the store's
    folder (``linked-folder``).
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
                    raise _no_file(f"reading {name}")
                return _pread(fd, start, length)
            finally:
                os.close(fd)
        except StorageError:
            raise
        except OSError as error:
            if error.errno in NO_FILES:
                raise _no_file(f"reading {name}") from None
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
            raise _no_file(f"looking for {name}")
        return found.st_size

    def create(self, name: str, source: bytes | Path) -> bool:
        """Create a file exclusively; see :meth:`Backend.create`."""
        return self.create_all([(name, source)], threads=1)[0]

    def create_all(
        self, files: Sequence[tuple[str, bytes | Path]], threads: int = THREADS
    ) -> list[bool]:
        """Create several files, as :meth:`create`, waiting for the disk only a few times in all.

        Args:
            files: Name and source of each. Files that were created before an error have durable
                names as well.
            threads: Number of files at a time.
        """
        for name, _ in files:
            check_name(name)
        named: list[str] = []

        def name_file(name: str, source: bytes | Path) -> bool:
            folder, _, last = name.rpartition("/")
            with own_folder(self._root, folder, make=True) as place:
                # Before any writing: losing the race late costs the same, losing it early is free.
                if _is_taken(last, place):
                    return False
                with self._prepared(source) as temporary:
                    try:
                        os.link(temporary, last, dst_dir_fd=place)
                    except FileExistsError:
                        return False
            named.append(folder)
            return True

        try:
            try:
                if min(threads, len(files)) < 2:
                    return [name_file(name, source) for name, source in files]
                from concurrent.futures import ThreadPoolExecutor  # 5 ms

                with ThreadPoolExecutor(threads) as pool:
                    return list(pool.map(name_file, *zip(*files, strict=True)))
            finally:
                for folder in dict.fromkeys(named):
                    with own_folder(self._root, folder) as place:
                        os.fsync(place)
        except StorageError:
            raise
        except OSError as error:
            names = files[0][0] if len(files) == 1 else f"{files[0][0]} and others"
            raise storage_error(error, f"writing {names}") from error

    def replace(self, name: str, source: bytes | Path) -> None:
        """Replace a file atomically; see :meth:`Backend.replace`."""
        check_name(name)
        folder, _, last = name.rpartition("/")
        try:
            with (
                own_folder(self._root, folder, make=True) as place,
                self._prepared(source, link=False) as temporary,
            ):
                os.replace(temporary, last, dst_dir_fd=place)
                os.fsync(place)
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, f"writing {name}") from error

    def swap(self, name: str, expected: bytes | None, new: bytes) -> bool:
        """Replace a file if it is unchanged; see :meth:`Backend.swap`."""
        check_name(name)
        if expected is None:
            return self.create(name, new)
        try:
            with own_folder(self._root, name.rpartition("/")[0]) as place:
                # A lock on the folder leaves no lock file behind and dies with its process.
                fcntl.flock(place, fcntl.LOCK_EX)
                if self.size(name) is None or self.read(name, 0, len(expected) + 1) != expected:
                    return False
                self.replace(name, new)
                return True
        except FileNotFoundError:
            return False
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, f"writing {name}") from error

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
        """Remove a file, never through a link; see :meth:`Backend.remove`."""
        check_name(name)
        folder, _, last = name.rpartition("/")
        try:
            with own_folder(self._root, folder) as descriptor:
                os.unlink(last, dir_fd=descriptor)
                os.fsync(descriptor)
        except FileNotFoundError:
            return
        except StorageError:
            raise
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

    @contextlib.contextmanager
    def _prepared(self, source: bytes | Path, *, link: bool = True) -> Iterator[Path]:
        # A complete, synced file on this file system, to be linked or renamed.
        if isinstance(source, Path) and link and source.parent == self.scratch:
            with own_folder(self._root, SCRATCH) as place:
                _make_durable(source.name, place)
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
                os.fsync(file.fileno())
                yield path
            finally:
                path.unlink(missing_ok=True)


def create_all(
    backend: Backend, files: Sequence[tuple[str, bytes | Path]], threads: int = THREADS
) -> list[bool]:
    """Create several files in parallel, as :meth:`Backend.create`.

    Args:
        backend: The backend.
        files: Name and source of each.
        threads: Number of files at a time.

    Returns:
        For each file whether it was created. After an error any of them may have been created.
    """
    if isinstance(backend, LocalBackend):
        return backend.create_all(files, threads)
    from concurrent.futures import ThreadPoolExecutor  # 5 ms

    names, sources = zip(*files, strict=True) if files else ((), ())
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(backend.create, names, sources))


def _no_file(doing: str) -> StorageError:
    return StorageError(
        NOT_A_FILE,
        f"{doing}: not a regular file",
        hint="a link, folder or device is in its place; to list all damage: lyrikstore verify; "
        "to restore it: lyrikstore verify --repair-from REMOTE",
    )


def _is_taken(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _make_durable(name: str, folder: int) -> None:
    # ATTACK A13: a link laid in place of a scratch file would lend it the rights of another file.
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        mode = os.fstat(fd).st_mode
        if not stat.S_ISREG(mode):
            raise StorageError(NOT_A_FILE, f"writing {name}: not a regular file")
        if mode & 0o333:
            os.fchmod(fd, mode & 0o444)
        os.fsync(fd)
    finally:
        os.close(fd)


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
    parts = [first]  # a signal or a 2 GiB limit cut the read short
    got = len(first)
    while got < length and (part := os.pread(fd, length - got, start + got)):
        parts.append(part)
        got += len(part)
    return b"".join(parts)
