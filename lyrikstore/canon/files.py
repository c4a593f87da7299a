"""The files that a caller names: read in bounds, and nothing but our own errors."""

import os
from pathlib import Path

from lyrikstore.canon.errors import InvalidInputError


def read_at_most(path: Path, limit: int) -> bytes:
    """Return the first ``limit`` bytes of a file, or all of it if it is shorter.

    Whoever parses it says that it is too long; so ``limit`` is one more than is accepted.

    Args:
        path: A file, or what can be read like one.
        limit: How many bytes.

    Raises:
        InvalidInputError: (``unreadable``) it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except (OSError, ValueError) as error:  # a NUL in the name is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise InvalidInputError(
            "unreadable",
            f"cannot read {path}: {reason}",
            hint="check the path, and the owner and mode of the file",
        ) from None


def real_path(path: Path) -> Path:
    """Return where ``path`` leads; links that go in a circle stay, and fail when they are opened.

    ``Path.resolve`` raises an error of its own for them.
    """
    return Path(os.path.realpath(path))
