"""The files that a caller names: read in bounds, and nothing but our own errors."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from lyrikstore.canon.errors import InvalidInputError, NotFoundError


def read_at_most(
    path: Path, limit: int, *, pipes: bool = False, absent: bytes | None = None
) -> bytes:
    """Return the first ``limit`` bytes of a file, or all of it if it is shorter.

    Whoever parses it says that it is too long; so ``limit`` is one more than is accepted.

    Args:
        path: A regular file, or a link to one.
        limit: How many bytes.
        pipes: Whether it may be a pipe, too, as a shell makes for ``<(command)``; then it is waited
            for.
        absent: What to return if there is no such file; by default that is an error.

    Raises:
        NotFoundError: (``no-file``) there is none.
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
    """Return the error for a file or folder that somebody named and that is not there."""
    return NotFoundError("no-file", f"there is no {what} {path}", hint="check the path")


def open_regular(path: Path, *, pipes: bool = False) -> BinaryIO:
    """Open a file that is too large to be read at once; see :func:`read_at_most`.

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


def real_path(path: Path) -> Path:
    """Return where ``path`` leads; links that go in a circle stay, and fail when they are opened.

    ``Path.resolve`` raises an error of its own for them.
    """
    return Path(os.path.realpath(path))
