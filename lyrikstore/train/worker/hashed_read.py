"""How a worker reads what was staged for it: once, and hashed as it is read (spec 13.2, step 4).

Whoever runs as the same user can rewrite a staged file between the copy and the read. So nothing
here goes by a file's name twice: the bytes that are parsed are the bytes that are hashed, in the
worker's own memory, and the digest of each read is reported to the parent, which knows what it
wrote.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import Protocol

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.train.worker.errors import lost

OnRead = Callable[[str, Digest], None]
"""Takes the name of a file and the digest of what was read of it, to its end."""


class HashedStream:
    """A file that is hashed as it is read."""

    def __init__(self, file: FileIO) -> None:
        self._file, self._hasher = file, blake3()
        self.size = os.fstat(file.fileno()).st_size

    def fill(self, buffer: memoryview) -> None:
        """Fill a buffer of bytes with what comes next.

        Raises:
            ValueError: Less comes.
            OSError: It cannot be read.
        """
        filled = 0
        while filled < len(buffer):
            count = self._file.readinto(buffer[filled:])
            if not count:
                raise ValueError("it ends too early")
            self._hasher.update(buffer[filled : filled + count])
            filled += count

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes; raises as :meth:`fill`."""
        data = bytearray(size)
        self.fill(memoryview(data))
        return bytes(data)

    def finish(self) -> Digest:
        """Read on to the end, and return the digest of all that was read."""
        while part := self._file.read(1 << 20):
            self._hasher.update(part)
        return Digest(self._hasher.digest())


class ReadsFiles(Protocol):
    """What gives the bytes of files."""

    def read(self, name: str, /) -> bytes:
        """Return the bytes of one, by its path."""


class StagedFiles:
    """The files of a staging folder.

    Args:
        folder: The staging folder.
        on_read: Called per file that was read to its end.
    """

    def __init__(self, folder: Path, on_read: OnRead) -> None:
        self.folder = folder
        self._on_read = on_read

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Args:
            name: Its path in the staging folder.

        Raises:
            StorageError: (``staging-lost``) it is gone.
            OSError: It cannot be read.
        """
        try:
            data = (self.folder / name).read_bytes()
        except FileNotFoundError:
            raise lost(name) from None
        self._on_read(name, Digest.of(data))
        return data

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[HashedStream]:
        """Give a file to read a part at a time; its digest is reported afterwards, whatever came.

        Raises:
            StorageError, OSError: As :meth:`read`.
        """
        try:
            file = FileIO(self.folder / name)
        except FileNotFoundError:
            raise lost(name) from None
        with file:
            stream = HashedStream(file)
            try:
                yield stream
            finally:
                self._on_read(name, stream.finish())

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file; its digest is reported after the last one.

        Raises:
            StorageError, OSError: As :meth:`read`.
        """
        hasher = blake3()
        try:
            with (self.folder / name).open("rb") as file:
                for line in file:
                    hasher.update(line)
                    yield line
        except FileNotFoundError:
            raise lost(name) from None
        self._on_read(name, Digest(hasher.digest()))
