"""Writes a tree into a folder; nothing outside it can be touched (spec/05-trees.md section 6).

Every folder and file is created relative to an open folder, without following links, and must not
exist before. Whoever can write into the destination meanwhile can spoil the check-out but cannot
redirect it (attack case A13), and a spoiled one ends in an error with what was made removed.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NoReturn, Protocol

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    LyrikstoreError,
    StorageError,
    VerificationError,
)
from lyrikstore.history.paths import show
from lyrikstore.history.tree import Entry, Tree

Progress = Callable[[int, int], None]
"""Called after each file with the number of files and of bytes written so far."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 20
_LINK_OR_FILE = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Blobs(Protocol):
    """Where the bytes come from; :class:`lyrikstore.objects.blobs.BlobStore` is one."""

    def open(self, digest: Digest, /) -> BinaryIO:
        """Return a stream of the blob's bytes."""


def checkout_tree(
    tree: Tree, blobs: Blobs, destination: Path, *, progress: Progress | None = None
) -> None:
    """Write the files of ``tree`` into ``destination``, each checked against its digest.

    Files get mode 0666 and folders 0777 less the umask; times and modes are not content.

    Args:
        tree: What to write.
        blobs: Where the bytes come from.
        destination: A folder that does not exist or is empty; its parent exists. Links on the
            way to it are followed, it itself is not followed.
        progress: Told about every file.

    Raises:
        ConflictError: (``not-empty``, ``exists``) there is something in the way.
        InvalidInputError: (``not-a-folder``) the destination is a link or a file, or its parent
            does not exist.
        VerificationError: (``digest-mismatch``) the bytes are not those of the tree;
            (``changed-meanwhile``) somebody moved folders during the check-out.
        StorageError: (``disk-full``, ``read-only``, ``io``) the disk refused.

    On any failure, an interrupt included, what was made is removed before the error leaves.

    Cost: reads and writes every byte once; four open files and one megabyte of memory.
    """
    made = _prepare(destination)
    try:
        top = os.open(destination, _FOLDER)
    except OSError as error:
        if made:
            with suppress(OSError):
                destination.rmdir()
        _raise(error, str(destination))
    job = _Checkout(top)
    finished = False
    try:
        if os.listdir(top):  # noqa: PTH208 - by descriptor: the name may mean another folder by now
            raise ConflictError(
                "not-empty",
                f"{destination} is not empty",
                hint="check out into a new or empty folder",
            )
        job.write(tree, blobs, progress)
        finished = True
    finally:
        if not finished:
            job.undo()
        job.close()
        if not finished and made:
            with suppress(OSError):
                destination.rmdir()


@dataclass(slots=True)
class _Checkout:
    """One check-out in progress: open folders, and what it made so far."""

    top: int
    folder: str = ""
    folder_fd: int = -1
    made: dict[str, tuple[int, int]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def write(self, tree: Tree, blobs: Blobs, progress: Progress | None) -> None:
        done = 0
        for number, entry in enumerate(tree.entries, 1):
            folder, _, name = entry.path.rpartition("/")
            with _errors(entry.path):
                self._enter(folder)
                self._write_file(entry, name, blobs)
            done += entry.bytes
            if progress is not None:
                progress(number, done)
        self._check_nothing_else(tree)

    def _here(self) -> int:
        return self.folder_fd if self.folder_fd >= 0 else self.top

    def _leave(self) -> None:
        if self.folder_fd >= 0:
            os.close(self.folder_fd)
        self.folder, self.folder_fd = "", -1

    def _enter(self, folder: str, *, create: bool = True) -> None:
        # Up by "..", down by name, each step checked: holding one descriptor per level would let a
        # deep tree exhaust them, and walking from the top each time would be quadratic.
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
        outer = os.open("..", _FOLDER, dir_fd=self._here())
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
        inner = os.open(name, _FOLDER, dir_fd=self._here())
        status = os.fstat(inner)
        identity = (status.st_dev, status.st_ino)
        # A folder that was swapped for another one is not ours to write into or to clean.
        if self.made.setdefault(path, identity) != identity:
            os.close(inner)
            raise VerificationError(
                "changed-meanwhile", f"{show(path)!r} was replaced during the check-out"
            )
        self._leave()
        self.folder, self.folder_fd = path, inner

    def _write_file(self, entry: Entry, name: str, blobs: Blobs) -> None:
        self.files.append(entry.path)
        try:
            target = os.open(name, _NEW_FILE, 0o666, dir_fd=self._here())
        except OSError:
            self.files.pop()  # it is somebody else's: undo must not remove it
            raise
        with open(target, "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
            hasher = blake3()
            length = 0
            with blobs.open(entry.blake3) as source:
                while piece := source.read(_PIECE):
                    length += len(piece)
                    if length > entry.bytes:
                        break
                    hasher.update(piece)
                    view = memoryview(piece)
                    while view:
                        view = view[file.write(view) :]
        if length != entry.bytes or hasher.digest() != entry.blake3.raw:
            raise VerificationError(
                "digest-mismatch",
                f"{show(entry.path)!r} does not have the bytes that the tree names",
                hint="run lyrikstore verify",
                details={"path": entry.path, "blake3": entry.blake3.hex},
            )

    def _check_nothing_else(self, tree: Tree) -> None:
        # What somebody else put there meanwhile would pass for part of the data (case A10).
        expected: dict[str, set[str]] = {"": set()}
        for path in (*self.folders, *(entry.path for entry in tree.entries)):
            folder, _, name = path.rpartition("/")
            expected.setdefault(folder, set()).add(name)
        for folder, names in expected.items():
            with _errors(folder or "."):
                self._enter(folder, create=False)
                if set(os.listdir(self._here())) != names:  # noqa: PTH208 - by descriptor
                    raise VerificationError(
                        "changed-meanwhile",
                        f"{show(folder) or 'the folder'!r} was changed during the check-out",
                    )

    def undo(self) -> None:
        """Remove what was made, newest first; what cannot be removed stays."""
        for path in reversed(self.files):
            folder, _, name = path.rpartition("/")
            with suppress(OSError, LyrikstoreError):
                self._enter(folder, create=False)
                os.unlink(name, dir_fd=self._here())
        for path in reversed(self.folders):
            folder, _, name = path.rpartition("/")
            with suppress(OSError, LyrikstoreError):
                self._enter(folder, create=False)
                os.rmdir(name, dir_fd=self._here())

    def close(self) -> None:
        """Close the open folders."""
        self._leave()
        os.close(self.top)


def _prepare(destination: Path) -> bool:
    """Make the folder if there is none; return whether it was made."""
    try:
        destination.mkdir()
    except FileExistsError:
        if destination.is_symlink() or not destination.is_dir():
            raise InvalidInputError(
                "not-a-folder",
                f"{destination} is a link or a file, not a folder",
                hint="check out into a new or empty folder",
            ) from None
        return False
    except FileNotFoundError:
        raise InvalidInputError(
            "not-a-folder",
            f"{destination.parent} does not exist",
            hint="create it first",
        ) from None
    except OSError as error:
        _raise(error, str(destination))
    return True


@contextmanager
def _errors(path: str) -> Iterator[None]:
    try:
        yield
    except LyrikstoreError:  # StorageError is an OSError too, and says it better already
        raise
    except OSError as error:
        _raise(error, show(path))


def _raise(error: OSError, path: str) -> NoReturn:
    if isinstance(error, FileExistsError):
        raise ConflictError(
            "exists",
            f"{path!r} exists already: made meanwhile, or the same name to this file system",
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
