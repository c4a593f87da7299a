"""The scratch files of one writer, under one lock (spec/04-objects.md §7).

A writer of a terabyte makes thousands of packs, some of them in other processes. None can stay
open only to be locked: one file, ``NAME``, is locked as long as the writer lives, and all that it
makes is called ``NAME.`` and something.
"""

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

from lyrikstore.objects.backend import open_scratch

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Scratch:
    """Scratch files that live as long as this object, whoever writes them.

    Args:
        folder: A backend's scratch folder. Nothing is made there before the first file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: BinaryIO | None = None
        self._path = folder

    @property
    def prefix(self) -> str:
        """What :func:`open_part` wants, here or in another process.

        Raises:
            OSError: The lock file cannot be made.
        """
        if self._lock is None:
            self._lock, self._path = open_scratch(self._folder)
        return str(self._path)

    def close(self) -> None:
        """Remove every file and give up the lock. Safe to call again."""
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
    """Return a new empty scratch file of the writer that gave ``prefix``, and its path.

    Raises:
        OSError: It cannot be made.
    """
    path = Path(f"{prefix}.{os.urandom(6).hex()}")
    return os.fdopen(os.open(path, _FLAGS, 0o644), "r+b"), path
