"""Files of the program, and bounded reads and atomic, durable writes of other files."""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from lyrikstore.canon.errors import InvalidInputError, NotFoundError

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the modules."""


def data_folder(name: str) -> Path:
    """Return the folder ``schemas`` or ``spec``, in a wheel or in a checkout."""
    packaged = PACKAGE / f"_{name}"
    return packaged if packaged.is_dir() else PACKAGE.parent / name


def read_packaged(path: Path) -> bytes:
    """Return the bytes of a file of the program.

    Raises:
        ImportError: The file cannot be read. As for a module, this is not one of our errors: the
        check of a document would report it as a fault of the document.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImportError(f"{path}: {error.strerror or error}", path=str(path)) from error


def read_at_most(
    path: Path, limit: int, *, pipes: bool = False, absent: bytes | None = None
) -> bytes:
    """Return the first ``limit`` bytes of a file, or all of it if it is shorter.

    The parser refuses files that are too long; so ``limit`` is one more than it accepts.

    Args:
        path: A regular file, or a link to one.
        limit: Most bytes.
        pipes: Whether it may also be a pipe, as a shell makes for ``<(command)``; the call then
        waits for the pipe.
        absent: The result if there is no such file; by default that is an error.

    Raises:
        NotFoundError: (``no-file``) the file does not exist.
        InvalidInputError: (``unreadable``) it cannot be read, or is a device, pipe or socket.
    """
    try:
        with open_regular(path, pipes=pipes) as file:
            return file.read(limit)
    except FileNotFoundError:
        if absent is not None:
            return absent
        raise no_file(path) from None
    except OSError as error:
        raise InvalidInputError(
            "unreadable",
            f"cannot read {path}: {error.strerror or error}",
            hint="check the owner and mode of the file",
        ) from None


def no_file(path: Path, what: str = "file") -> NotFoundError:
    """Return the error for a named file or folder that does not exist."""
    return NotFoundError("no-file", f"there is no {what} {path}", hint="check the path")


def open_regular(path: Path, *, pipes: bool = False) -> BinaryIO:
    """Open a regular file that is too large to be read at once; see :func:`read_at_most`.

    Raises:
        OSError: It cannot be opened, or is a device, pipe or socket.
    """
    # ATTACK: a FIFO in somebody else's folder would wait for ever, a device never end.
    flags = os.O_RDONLY | os.O_CLOEXEC | (0 if pipes else os.O_NONBLOCK)
    try:
        file = os.fdopen(os.open(path, flags), "rb")
    except ValueError as error:  # a NUL in the name
        raise OSError(errno.EINVAL, str(error)) from None
    mode = os.fstat(file.fileno()).st_mode
    if stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode)):
        return file
    file.close()
    raise OSError(errno.EINVAL, "not a regular file")


def open_own(path: Path) -> BinaryIO:
    """Open a regular file of this user that nobody else can write, and that is no link.

    Raises:
        OSError: As :func:`open_regular`; it belongs to somebody else, or others can write it.
    """
    file = open_regular(path)
    status = os.fstat(file.fileno())
    if status.st_uid == os.geteuid() and not status.st_mode & 0o022 and not path.is_symlink():
        return file
    file.close()
    raise OSError(errno.EPERM, "not a file of this user alone")


def open_private(path: Path, mode: str) -> BinaryIO:
    """Open a file for writing that only this user can read, with any umask; never through a link.

    Raises:
        OSError: It cannot be opened or made.
    """
    return cast("BinaryIO", open(path, mode, opener=_private))


def open_nameless(path: Path) -> BinaryIO:
    """Open a new file for writing and reading that has no name, so that no other program opens it.

    Raises:
        OSError: It cannot be made.
    """
    file = open_private(path, "w+b")
    try:
        path.unlink()
    except OSError:
        file.close()
        raise
    return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def remember(path: Path, *parts: bytes) -> None:
    """Replace a file of a cache, which only this user can read; write errors are ignored.

    There is no fsync, and all writers use the same name: readers check that the file is complete.

    Args:
        path: The file; missing parent folders are created.
        parts: The new content.
    """
    new = path.with_name(f"{path.name}.new")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new.unlink(missing_ok=True)  # what an earlier version left may be for others to read
        with open_private(new, "wb") as file:
            file.writelines(parts)
        new.replace(path)


def real_path(path: Path) -> Path:
    """Return ``path`` with links resolved; circular links stay, and fail when they are opened.

    ``Path.resolve`` raises an error of its own for them.
    """
    return Path(os.path.realpath(path))


def replace_file(
    path: Path, data: bytes | Iterable[bytes], *, mode: int = 0o666, folder_mode: int = 0o777
) -> None:
    """Create or replace a file atomically and durably: it has the old content or all of the new.

    Args:
        path: The file; missing parent folders are created.
        data: The new content, or its parts.
        mode: Mode of the file, less the umask.
        folder_mode: Mode of created folders, less the umask.

    Raises:
        OSError: The file system could not guarantee it; the old content may still be there.
    """
    _make_folder(path.parent, folder_mode)
    with _written(path, data, mode, exact=False) as new:
        new.replace(path)
    sync_directory(path.parent)


def create_file(path: Path, data: bytes | Iterable[bytes], *, mode: int | None = None) -> None:
    """Create a file atomically and durably: complete or not at all.

    Args:
        path: The file; its folder exists.
        data: The content, or its parts.
        mode: Mode of the file, with any umask; by default 0666 less the umask.

    Raises:
        FileExistsError: The file exists; it is unchanged.
        OSError: The file system could not promise it.
    """
    with _written(path, data, 0o666 if mode is None else mode, exact=mode is not None) as new:
        try:
            os.link(new, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            new.replace(path)  # a stick or a share that has no hard links
    try:
        sync_directory(path.parent)
    except OSError:
        with contextlib.suppress(OSError):  # the caller sees the failure and can repeat it
            path.unlink()
        raise


@contextlib.contextmanager
def _written(
    path: Path, data: bytes | Iterable[bytes], mode: int, *, exact: bool
) -> Iterator[Path]:
    # A file next to its place, complete and synced; on leaving it has another name or is removed.
    name = os.fsdecode(os.fsencode(path.name)[:200])  # with what is added no longer than a name is
    stem = f".{name}."
    remove_dead(path.parent, stem)
    new, file = _open_new(path.parent, stem, mode & 0o600 if exact else mode)
    try:
        if exact:
            os.fchmod(file.fileno(), mode)  # under umask 0777 it was born with mode 0
        file.writelines([data] if isinstance(data, bytes) else data)
        file.flush()
        os.fsync(file.fileno())
        yield new  # still locked
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
        with contextlib.suppress(OSError):  # all of it is on the disk, or it failed before
            file.close()


def _open_new(folder: Path, stem: str, mode: int) -> tuple[Path, BinaryIO]:
    while True:
        new = folder / f"{stem}{os.urandom(8).hex()}"
        file = os.fdopen(os.open(new, _FLAGS, mode), "wb")
        lock(file.fileno())
        if os.fstat(file.fileno()).st_nlink:
            return new, file
        file.close()  # taken for a dead one's before it was locked


def lock(descriptor: int) -> None:
    """Protect an open file or folder from :func:`remove_dead` while it is being written."""
    with contextlib.suppress(OSError):  # where nothing can be locked, nothing is removed either
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def remove_dead(folder: Path, stem: str) -> None:
    """Remove leftovers of killed processes from a folder: entries that no process has locked.

    Args:
        folder: The folder; entries that cannot be removed stay.
        stem: Start of their names; 16 hex digits follow.
    """
    with contextlib.suppress(OSError):
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in os.listdir(place):  # noqa: PTH208 - a descriptor, not a path
                if re.fullmatch(rf"{re.escape(stem)}[0-9a-f]{{16}}", name):
                    _remove_dead(place, name)
        finally:
            os.close(place)


def _remove_dead(place: int, name: str) -> None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with contextlib.suppress(OSError):
        descriptor = os.open(name, flags, dir_fd=place)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not if its writer is alive
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                shutil.rmtree(name, ignore_errors=True, dir_fd=place)
            elif stat.S_ISREG(mode):
                os.unlink(name, dir_fd=place)
        finally:
            os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make ``folder``, with all files and folders in it, survive a power cut.

    Raises:
        OSError: The file system could not promise it.

    Cost: one wait for the disk where the system has ``syncfs`` (Linux), which waits for what
    others wrote to that file system too; else one for each file.
    """
    import ctypes

    whole = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if whole is None:
        for place, _, names in os.walk(folder):
            for name in names:
                _sync(Path(place, name), os.O_RDONLY | os.O_NOFOLLOW)
            sync_directory(Path(place))
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if whole(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)


def sync_directory(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut.

    Raises:
        OSError: The file system could not promise it.
    """
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path, mode: int) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent, mode)
    folder.mkdir(mode, exist_ok=True)
    sync_directory(folder.parent)
