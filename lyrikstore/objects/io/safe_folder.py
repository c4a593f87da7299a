"""Opening folders so that nothing is written or deleted through a link (spec §4.2).

For reading, parts of a store may be in other places, through a link. But an attacker who can write
to a shared store can create such a link to another store, or to a user's home, where only other
users may write; their commit, pull or garbage collection would then write there for the attacker.
So a folder in which files are changed is opened segment by segment.
"""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyrikstore.canon.errors import RemoteError, StorageError
from lyrikstore.canon.files import sync_directory

LINKED = "linked-folder"
"""Kind of :class:`StorageError`: a file to be changed is behind a link."""

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def own_folder(root: Path, folder: str, *, make: bool = False) -> Iterator[int]:
    """Open a folder to write or delete in it; yield its descriptor.

    Args:
        root: The folder of the store; links in the path to it are followed.
        folder: Relative to ``root``, its segments joined by ``/``; empty for ``root`` itself.
        make: Whether to create missing folders durably: also ``root``, but no folder above it. A
            disk that is not mounted, or a misspelt path, must not become a new store.

    Raises:
        StorageError: (``linked-folder``) a segment is a link. ATTACK A13. (``not-a-folder``) a
            segment is another file.
        OSError: There is no such folder, or it cannot be opened or created.
        LyrikstoreError: As :func:`check_place`.
    """
    descriptor = _open_root(root, make=make)
    try:
        at = root
        for segment in filter(None, folder.split("/")):
            at /= segment
            try:
                below = _open_below(descriptor, segment, make=make)
            except NotADirectoryError:
                refuse_link(at)
                raise StorageError(
                    "not-a-folder", f"{at} is not a folder", hint="remove the file at this path"
                ) from None
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def check_place(root: Path) -> None:
    """Raise `remote-missing` unless the folder of a store exists or its parent exists.

    Raises:
        RemoteError: (``remote-missing``) its parent folder does not exist.
    """
    if not root.is_dir() and not root.parent.is_dir():
        raise RemoteError(
            "remote-missing",
            f"{root}: its parent folder {root.parent} does not exist",
            hint="create it first, mount its disk, or correct the path",
        )


def refuse_link(folder: Path) -> None:
    """Raise `linked-folder` if ``folder`` is a link.

    Raises:
        StorageError: (``linked-folder``) it is a link.
    """
    if folder.is_symlink():
        raise StorageError(
            LINKED,
            f"{folder} is a link; nothing is written or deleted through one",
            hint="remove the link if you did not create it; to keep this part of the store "
            "elsewhere, mount it here (mount --bind)",
        )


def _open_root(root: Path, *, make: bool) -> int:
    try:
        return os.open(root, _FLAGS & ~os.O_NOFOLLOW)
    except FileNotFoundError:
        if not make:
            raise
    check_place(root)
    with contextlib.suppress(FileExistsError):
        root.mkdir()
    sync_directory(root.parent)
    return os.open(root, _FLAGS & ~os.O_NOFOLLOW)


def _open_below(folder: int, name: str, *, make: bool) -> int:
    try:
        return os.open(name, _FLAGS, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    os.fsync(folder)
    return os.open(name, _FLAGS, dir_fd=folder)
