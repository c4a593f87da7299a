"""A destination folder for files; no file outside it can be touched (spec §5.6).

Every folder and file is created relative to an open folder, without following links, and must not
exist before. An attacker who can write into the destination meanwhile can make the check-out fail
but cannot redirect it (attack case A13).
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NoReturn

from blake3 import blake3

from lyrikstore.canon.errors import (
    ConflictError,
    LyrikstoreError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.text import brief, escape_control
from lyrikstore.objects.io.unbuffered import WORTH, Buffers, BulkFile

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LINK_OR_FILE = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(slots=True)
class Destination:
    """The destination folder, the current folder in it, and the files and folders made so far.

    Attributes:
        top: Descriptor of the folder; closed by :meth:`close`.
        made: Identity (device, inode) of each folder made.
        folders: The folders made, in order.
        files: The files made, in order.
    """

    top: int
    folder: str = ""
    folder_fd: int = -1
    made: dict[str, tuple[int, int]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    _buffers: Buffers | None = None

    def _here(self) -> int:
        return self.folder_fd if self.folder_fd >= 0 else self.top

    def _leave(self) -> None:
        if self.folder_fd >= 0:
            os.close(self.folder_fd)
        self.folder, self.folder_fd = "", -1

    def enter(self, folder: str, *, create: bool = True) -> None:
        """Enter a folder, and create the folders on the way that were not made yet.

        Raises:
            ConflictError, VerificationError, StorageError: As :meth:`write`.
        """
        # Up by "..", down by name, each step checked: holding one descriptor per level would let a
        # deep tree exhaust them, and walking from the top each time would be quadratic.
        with _errors(folder or "."):
            while self.folder and not f"{folder}/".startswith(f"{self.folder}/"):
                self._up()
            position = len(self.folder) + 1 if self.folder else 0
            while position < len(folder):
                end = folder.find("/", position)
                end = len(folder) if end < 0 else end
                self._step(folder[:end], folder[position:end], create=create)
                position = end + 1

    def _up(self) -> None:
        parent = self.folder.rpartition("/")[0]
        if not parent:
            self._leave()
            return
        outer = os.open("..", FOLDER, dir_fd=self._here())
        status = os.fstat(outer)
        self._leave()
        if (status.st_dev, status.st_ino) == self.made.get(parent):
            self.folder, self.folder_fd = parent, outer
        else:  # the folder was moved elsewhere: start again from the top
            os.close(outer)

    def _step(self, path: str, name: str, *, create: bool) -> None:
        new = create and path not in self.made
        if new:
            # Noted first, so that an interrupt leaves nothing behind; undo removes only what is
            # empty by then.
            self.folders.append(path)
            try:
                os.mkdir(name, 0o777, dir_fd=self._here())
            except OSError:
                self.folders.pop()
                raise
        inner = os.open(name, FOLDER, dir_fd=self._here())
        status = os.fstat(inner)
        identity = (status.st_dev, status.st_ino)
        # A folder that was swapped for another one is not ours to write into or to clean.
        if self.made.setdefault(path, identity) != identity:
            os.close(inner)
            raise VerificationError(
                "changed-meanwhile",
                f"{brief(escape_control(path))!r} was replaced during the check-out",
            )
        self._leave()
        self.folder, self.folder_fd = path, inner

    def write(
        self, path: str, size: int, digest: bytes, parts: Iterable[bytes | memoryview]
    ) -> bool:
        """Create a file in a folder made before; return whether its bytes are the expected ones.

        Args:
            path: Its path.
            size: Its expected length. Not much more is written.
            digest: Raw digest of its expected content.
            parts: Its bytes.

        Raises:
            ConflictError: (``exists``) the path exists.
            VerificationError: (``changed-meanwhile``) a folder was moved.
            StorageError: The file system returned an error.
        """
        with _errors(path):
            name = path.rpartition("/")[2]
            self.files.append(path)
            try:
                target = os.open(name, _NEW_FILE, 0o666, dir_fd=self._here())
            except OSError:
                self.files.pop()  # it is somebody else's: undo must not remove it
                raise
            hasher, length = blake3(), 0
            with self._writing(target, size) as write:
                for part in parts:
                    length += len(part)
                    if length > size:
                        break
                    hasher.update(part)
                    view = memoryview(part)
                    while view:
                        view = view[write(view) :]
        return length == size and hasher.digest() == digest

    @contextmanager
    def _writing(self, target: int, size: int) -> Iterator[Callable[[memoryview], int]]:
        with open(target, "wb", buffering=0) as file:
            if size < WORTH:
                yield file.write
                return
            self._buffers = self._buffers or Buffers()
            with BulkFile(target, self._buffers, patient=False) as bulk:
                yield bulk.write

    def check_nothing_else(self, paths: Iterable[str]) -> None:
        """Raise `changed-meanwhile` unless the folder has exactly ``paths`` and the folders made.

        Raises:
            VerificationError: (``changed-meanwhile``) it contains more, or lacks some.
        """
        # What somebody else put there meanwhile would pass for part of the data (case A10).
        expected: dict[str, set[str]] = {"": set()}
        for path in (*self.folders, *paths):
            folder, _, name = path.rpartition("/")
            expected.setdefault(folder, set()).add(name)
        for folder, names in expected.items():
            self.enter(folder, create=False)
            with _errors(folder or "."):
                if set(os.listdir(self._here())) != names:  # noqa: PTH208 - by descriptor
                    raise VerificationError(
                        "changed-meanwhile",
                        f"{brief(escape_control(folder)) or 'the folder'!r} was changed meanwhile",
                    )

    def look(self, path: str) -> os.stat_result:
        """Return the status of ``path`` in the current folder; no link is followed."""
        return os.stat(path.rpartition("/")[2], dir_fd=self._here(), follow_symlinks=False)

    def remove(self, path: str) -> None:
        """Remove a file made here; an error is ignored."""
        folder, _, name = path.rpartition("/")
        with suppress(OSError, LyrikstoreError):
            self.enter(folder, create=False)
            os.unlink(name, dir_fd=self._here())

    def undo(self) -> None:
        """Remove the files and folders made, newest first; those that cannot be removed stay."""
        for path in reversed(self.files):
            self.remove(path)
        for path in reversed(self.folders):
            folder, _, name = path.rpartition("/")
            with suppress(OSError, LyrikstoreError):
                self.enter(folder, create=False)
                os.rmdir(name, dir_fd=self._here())

    def close(self) -> None:
        """Close the open folders."""
        self._leave()
        os.close(self.top)


@contextmanager
def _errors(path: str) -> Iterator[None]:
    try:
        yield
    except LyrikstoreError:  # StorageError is an OSError too, and says it better already
        raise
    except OSError as error:
        refuse(error, brief(escape_control(path)))


def refuse(error: OSError, path: str) -> NoReturn:
    """Raise the lyrikstore error for an OSError about ``path``."""
    if isinstance(error, FileExistsError):
        raise ConflictError(
            "exists",
            f"{path!r} exists already: made meanwhile, or an equal name on this file system",
            hint="check out into a new folder on a case-sensitive file system",
        ) from error
    if error.errno in _LINK_OR_FILE or isinstance(error, FileNotFoundError):
        raise VerificationError(
            "changed-meanwhile", f"{path!r} was replaced during the check-out"
        ) from error
    reason = error.strerror or "input/output error"
    if error.errno in _FULL:
        kind, hint = "disk-full", "free some space and try again"
    elif error.errno in _READ_ONLY:
        kind, hint = "read-only", "choose a folder you may write to"
    else:
        kind, hint = "io", "check the disk"
    raise StorageError(kind, f"cannot write {path!r}: {reason}", hint=hint) from error
