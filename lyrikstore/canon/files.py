"""The files that a caller names: read in bounds, and nothing but our own errors."""

import os
import stat
from pathlib import Path

from lyrikstore.canon.errors import InvalidInputError


def read_at_most(path: Path, limit: int, *, pipes: bool = False) -> bytes:
    """Return the first ``limit`` bytes of a file, or all of it if it is shorter.

    Whoever parses it says that it is too long; so ``limit`` is one more than is accepted.

    Args:
        path: A regular file, or a link to one.
        limit: How many bytes.
        pipes: Whether it may be a pipe, too, as a shell makes for ``<(command)``; then it is waited
            for.

    Raises:
        InvalidInputError: (``unreadable``) it cannot be read, or is a device, pipe or socket.
    """
    # ATTACK: a FIFO in somebody else's folder would wait for ever, a device never end.
    flags = os.O_RDONLY | os.O_CLOEXEC | (0 if pipes else os.O_NONBLOCK)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode)):
                return file.read(limit)
            reason: object = "not a regular file"
    except (OSError, ValueError) as error:  # a NUL in the name is a ValueError
        reason = getattr(error, "strerror", None) or error
    raise InvalidInputError(
        "unreadable",
        f"cannot read {path}: {reason}",
        hint="check the path, and the owner and mode of the file",
    )


def real_path(path: Path) -> Path:
    """Return where ``path`` leads; links that go in a circle stay, and fail when they are opened.

    ``Path.resolve`` raises an error of its own for them.
    """
    return Path(os.path.realpath(path))
