"""Check-out of a tree into a folder; no file outside it can be touched (spec §5.6).

Large trees are written by worker processes, block by block, so that each block is unpacked once. A
failed check-out removes the files it made and raises an error.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.text import brief, escape_control, pluralize
from lyrikstore.history.checkout.confined_folder import FOLDER, Destination, refuse
from lyrikstore.history.checkout.parallel import checkout_parallel
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.store.blobs import BlobStore

_READ_BYTES = 1 << 20
_WORTH_BYTES, _WORTH_FILES = 32 << 20, 2000
"""Bytes and files of a tree from which worker processes are started."""


class Blobs(Protocol):
    """The source of the bytes, such as :class:`lyrikstore.objects.store.blobs.BlobStore`."""

    def open(self, digest: Digest, /) -> BinaryIO:
        """Return a stream of the blob's bytes."""


def checkout_tree(
    tree: Tree, blobs: Blobs, destination: Path, *, progress: OnProgress = silent
) -> None:
    """Write the files of ``tree`` into ``destination``, each checked against its digest.

    Files get mode 0666 and folders 0777, minus the umask; times and modes are not content.

    Args:
        tree: The tree to write.
        blobs: The source of the bytes.
        destination: A folder that does not exist or is empty; its parent exists. Links in the
            path of the parent are followed; the folder itself must not be a link.
        progress: Progress callback, called at intervals and at the end.

    Raises:
        ConflictError: (``not-empty``, ``exists``) the folder is not empty, or a file exists.
        InvalidInputError: (``not-a-folder``) the destination is a link or a file, or its parent
            does not exist.
        VerificationError: (``digest-mismatch``) the bytes are not those of the tree.
        StorageError: (``disk-full``) there is not enough space, and nothing was written;
            (``disk-full``, ``read-only``, ``io``) the file system returned an error.
        LyrikstoreError: As :meth:`Destination.check_nothing_else`.

    On any failure, an interrupt included, the files made are removed before the error is raised.

    Cost: reads and writes every byte once; for large trees with blobs on a local disk, in worker
    processes that unpack each block once, with some 50 MiB each.
    """
    made = _prepare(destination)
    try:
        top = os.open(destination, FOLDER)
    except OSError as error:
        if made:
            with suppress(OSError):
                destination.rmdir()
        refuse(error, str(destination))
    job = Destination(top)
    finished = False
    try:
        if os.listdir(top):  # noqa: PTH208 - by descriptor: the name may mean another folder by now
            raise ConflictError(
                "not-empty",
                f"{destination} is not empty",
                hint="check out into a new or empty folder",
            )
        _check_room(top, tree)
        _write(job, tree, blobs, destination, progress)
        finished = True
    finally:
        if not finished:
            job.undo()
        job.close()
        if not finished and made:
            with suppress(OSError):
                destination.rmdir()


def _check_room(top: int, tree: Tree) -> None:
    # ATTACK A07: some hundred bytes of a pack make a file that fills any disk, for all who use it.
    found = os.fstatvfs(top)
    room = found.f_bavail * found.f_frsize
    # One without blocks does not say: ramfs, and some over the network.
    if found.f_blocks and tree.total_bytes > room:
        raise StorageError(
            "disk-full",
            f"no space left for the {pluralize(tree.total_bytes, 'byte')} of this version: "
            f"the disk has room for {pluralize(room, 'byte')}",
            hint="check out on another disk, or make room",
        )


def _write(job: Destination, tree: Tree, blobs: Blobs, place: Path, progress: OnProgress) -> None:
    count = size = 0
    rest: Iterator[int] | list[int] = list(range(len(tree)))
    much = tree.total_bytes >= _WORTH_BYTES or len(tree) >= _WORTH_FILES
    if much and isinstance(blobs, BlobStore):
        rest = checkout_parallel(job, tree, blobs, place, progress)
        count, size = len(tree) - len(rest), tree.total_bytes - sum(tree.sizes[at] for at in rest)
    for at in rest:
        path, digest = tree.paths[at], tree.digests[at * 32 : at * 32 + 32]
        job.enter(path.rpartition("/")[0])
        with blobs.open(Digest(digest)) as source:
            sound = job.write(
                path, tree.sizes[at], digest, iter(lambda: source.read(_READ_BYTES), b"")
            )
        if not sound:
            raise VerificationError(
                "digest-mismatch",
                f"{brief(escape_control(path))!r} does not have the bytes that the tree lists",
                hint="run lyrikstore verify",
                details={"path": path, "blake3": digest.hex()},
            )
        count, size = count + 1, size + tree.sizes[at]
        progress(Progress(count, len(tree), size))
    job.check_nothing_else(tree.paths)


def _prepare(destination: Path) -> bool:
    """Create the folder unless it exists; return whether it was created."""
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
        refuse(error, str(destination))
    return True
