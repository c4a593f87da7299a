"""Reading of staged files in a worker: once, and hashed on the way (spec 13.2, step 4).

A program of the same user can rewrite a staged file between the copy and the read. So no file
here is opened twice by its name: the bytes that are parsed are the bytes that are hashed, in the
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
from lyrikstore.train.worker.errors import staged_file_missing

OnRead = Callable[[str, Digest], None]
"""Takes the name of a file and the digest of all its bytes as they were read."""


class HashedStream:
    """An open file that is hashed while it is read."""

    def __init__(self, file: FileIO) -> None:
        self._file, self._hasher = file, blake3()
        self.size = os.fstat(file.fileno()).st_size

    def fill(self, buffer: memoryview) -> None:
        """Fill a buffer with the next bytes of the file.

        Raises:
            ValueError: The file ends before the buffer is full.
            OSError: The file cannot be read.
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
        """Read to the end of the file, and return the digest of the whole file."""
        while part := self._file.read(1 << 20):
            self._hasher.update(part)
        return Digest(self._hasher.digest())


class ReadsFiles(Protocol):
    """Protocol of a source of files, such as a staging folder."""

    def read(self, name: str, /) -> bytes:
        """Return the bytes of the file at a path."""


class StagedFiles:
    """The files of a staging folder.

    Args:
        folder: The staging folder.
        on_read: Called for each file that was read to its end.
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
            raise staged_file_missing(name) from None
        self._on_read(name, Digest.of(data))
        return data

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[HashedStream]:
        """Open a file to read it in parts; its digest is reported afterwards, also after an error.

        Raises:
            StorageError, OSError: As :meth:`read`.
        """
        try:
            file = FileIO(self.folder / name)
        except FileNotFoundError:
            raise staged_file_missing(name) from None
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
            raise staged_file_missing(name) from None
        self._on_read(name, Digest(hasher.digest()))
