"""Nothing is deleted through a link (spec §4.2).

Parts of a store may lie elsewhere, through a link, to be read and written. But whoever can write to
a shared store can lay such a link into another one, where only somebody else may delete; a
``gc`` by him would then do it. So a folder in which something is deleted is opened segment by
segment.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyrikstore.canon.errors import StorageError

LINKED = "linked-folder"
"""Kind of :class:`StorageError`: what is to be deleted lies behind a link."""

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def own_folder(root: Path, folder: str) -> Iterator[int]:
    """Open a folder to delete in it; give its descriptor.

    Args:
        root: The folder of the store; how it was found is the caller's affair, links included.
        folder: Relative to ``root``, its segments joined by ``/``; empty for ``root`` itself.

    Raises:
        StorageError: (``linked-folder``) a link is on the way. ATTACK A13.
        OSError: There is no such folder, or it cannot be opened.
    """
    descriptor = os.open(root, _FLAGS & ~os.O_NOFOLLOW)
    try:
        at = root
        for segment in filter(None, folder.split("/")):
            at /= segment
            try:
                below = os.open(segment, _FLAGS, dir_fd=descriptor)
            except NotADirectoryError:
                refuse_link(at)
                raise
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def refuse_link(folder: Path) -> None:
    """Return if ``folder`` is no link.

    Raises:
        StorageError: (``linked-folder``) it is one.
    """
    if folder.is_symlink():
        raise StorageError(
            LINKED,
            f"{folder} is a link; nothing is deleted through one",
            hint="remove the link if you did not make it; if that part of the store is to lie "
            "elsewhere, mount it there (mount --bind)",
        )
