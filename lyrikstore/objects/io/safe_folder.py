"""Folders opened so that nothing is written or deleted through a link (spec §4.2).

Parts of a store may lie elsewhere, through a link, to be read. But whoever can write to a shared
store can lay such a link into another one, or into somebody's home, where only others may write;
whoever commits, pulls or collects garbage would then do it for them. So a folder in which something
is changed is opened segment by segment.
"""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyrikstore.canon.errors import RemoteError, StorageError
from lyrikstore.canon.files import sync_directory

LINKED = "linked-folder"
"""Kind of :class:`StorageError`: what is to be changed lies behind a link."""

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def own_folder(root: Path, folder: str, *, make: bool = False) -> Iterator[int]:
    """Open a folder to write or delete in it; give its descriptor.

    Args:
        root: The folder of the store; how it was found is the caller's affair, links included.
        folder: Relative to ``root``, its segments joined by ``/``; empty for ``root`` itself.
        make: Make what is missing, durably: ``root`` as well, but nothing above it. A disk that is
            not mounted, or a misspelt path, must not become a new store somewhere else.

    Raises:
        StorageError: (``linked-folder``) a link is on the way. ATTACK A13. (``not-a-folder``)
            something else is.
        OSError: There is no such folder, or it cannot be opened or made.
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
                    "not-a-folder", f"{at} is no folder", hint="remove what stands in its place"
                ) from None
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def check_place(root: Path) -> None:
    """Return if the folder of a store is there, or can be made where it is to be.

    Raises:
        RemoteError: (``remote-missing``) there is no folder to make it in.
    """
    if not root.is_dir() and not root.parent.is_dir():
        raise RemoteError(
            "remote-missing",
            f"{root}: there is no folder {root.parent} to make it in",
            hint="make it first, mount its disk, or correct the path",
        )


def refuse_link(folder: Path) -> None:
    """Return if ``folder`` is no link.

    Raises:
        StorageError: (``linked-folder``) it is one.
    """
    if folder.is_symlink():
        raise StorageError(
            LINKED,
            f"{folder} is a link; nothing is written or deleted through one",
            hint="remove the link if you did not make it; if that part of the store is to lie "
            "elsewhere, mount it there (mount --bind)",
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
