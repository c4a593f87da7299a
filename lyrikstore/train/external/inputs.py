"""Verified copies for an external trainer, checked again after it has ended (spec §13.13.2).

The program may read its copies in any way, so its reads cannot be hashed. The check proves that the
copies were unchanged before it started and after it ended.
"""

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import RunFailedError, VerificationError, storage_errors
from lyrikstore.canon.text import brief, escape_control
from lyrikstore.history.checkout.checkout import checkout_tree
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import Tree
from lyrikstore.train.external.request import ExternalPlan
from lyrikstore.train.worker.staging import BASE, Staging

OUTPUT = "output"
"""Name of the folder that the program writes the model to."""

WORK = "work"
"""Name of the folder with the copy of the work tree, in which the program is started."""


class StagedInput(Struct, frozen=True):
    """The copy of one input.

    Attributes:
        name: Its name in the command and its environment, such as ``input2``.
        folder: The folder of the copy.
        listing: The tree as JSON Lines, with the metadata of each file.
        tree: The tree that the copy must match.
    """

    name: str
    folder: Path
    listing: Path
    tree: Tree


def input_names(plan: ExternalPlan) -> dict[str, Manifest]:
    """Return name → manifest of the inputs: ``input``, ``input2`` …, ``base``."""
    names = {
        "input" if number == 0 else f"input{number + 1}": one
        for number, one in enumerate(plan.inputs)
    }
    return names if plan.base is None else {**names, BASE: plan.base}


def copy_inputs(repo: Repository, plan: ExternalPlan, staging: Staging) -> tuple[StagedInput, ...]:
    """Copy the inputs of an external trainer, each byte checked; return the copies.

    Args:
        repo: The store.
        plan: The plan of the run.
        staging: The folder to write to; ``output``, ``home``, ``tmp`` and ``work`` are made there,
            too.

    Raises:
        VerificationError, IncompleteError: A blob is damaged, missing or retired.
        StorageError: The storage backend failed.
    """
    found = []
    for name, manifest in input_names(plan).items():
        tree, folder = present_tree(repo, manifest), staging.path / name
        checkout_tree(tree, repo.blobs, folder)
        staging.write(f"{name}.tree.jsonl", tree.encode())
        listing = staging.path / f"{name}.tree.jsonl"
        with storage_errors(f"copying {manifest.name}"):
            for path in [listing, *(folder / one for one in tree.paths)]:
                path.chmod(0o400)
        found.append(StagedInput(name, folder, listing, tree))
    with storage_errors("making a working folder"):
        for made in (OUTPUT, WORK, "home", "tmp"):
            (staging.path / made).mkdir(mode=0o700)
    return tuple(found)


def check_inputs_unchanged(inputs: tuple[StagedInput, ...]) -> None:
    """Raise `input-changed` unless every copy is unchanged.

    Raises:
        VerificationError: (``input-changed``) a file was changed, added or removed.
        StorageError: A file cannot be read.
    """
    for one in inputs:
        entries = one.tree.by_path
        with storage_errors(f"reading the copy {one.name}"):
            found = _files(one.folder)
        wanted: Mapping[str, Digest | None] = {path: it.blake3 for path, it in entries.items()}
        for path in sorted(found.keys() | wanted.keys()):
            if found.get(path) != wanted.get(path):
                shown = brief(escape_control(f"{one.name}/{path}"))
                raise VerificationError(
                    "input-changed",
                    f"{shown}, a copy of an input, changed while the command ran",
                    hint="nothing was stored; let the command write to {output} only",
                    details={"file": shown},
                )


@contextmanager
def some_read(inputs: Sequence[StagedInput]) -> Iterator[None]:
    """Raise `nothing-read` if no file of an input was opened in a block that ends without error.

    The base model does not count as an input. If the system does not report opened files, nothing
    is
    raised.

    Raises:
        RunFailedError: (``nothing-read``) no copy was opened, nor a list of its files.
    """
    watch = _watch([one for one in inputs if one.name != BASE])
    try:
        yield
        # ATTACK A154: a program finds no record, and its model claims to be trained on this data.
        if watch is not None and not _opened(watch):
            raise RunFailedError(
                "nothing-read",
                "the command opened no file of its inputs: nothing was stored",
                hint="files of a union are in subfolders: search all of {input}, as "
                'folder.rglob("*.jsonl") does, and let the command fail if it finds no records',
            )
    finally:
        if watch is not None:
            os.close(watch)


_OPEN, _IS_FOLDER, _OVERFLOW = 0x20, 0x40000000, 0x4000
_EVENT = struct.Struct("iIII")


def _watch(inputs: Sequence[StagedInput]) -> int | None:
    """Return an inotify descriptor that reports opened files; None: the system has no inotify."""
    if sys.platform != "linux":
        return None
    system = ctypes.CDLL(None, use_errno=True)
    descriptor: int = system.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        return None
    for one in inputs:
        places = [str(one.listing), *(at for at, _, _ in os.walk(one.folder))]
        for place in places:
            if system.inotify_add_watch(descriptor, os.fsencode(place), _OPEN) < 0:
                os.close(descriptor)  # too many folders to watch
                return None
    return descriptor


def _opened(watch: int) -> bool:
    """Return whether a file was opened, or the event queue overflowed."""
    with suppress(BlockingIOError):
        while data := os.read(watch, 1 << 16):
            at = 0
            while at < len(data):
                _, mask, _, length = _EVENT.unpack_from(data, at)
                if mask & _OVERFLOW or not mask & _IS_FOLDER:
                    return True
                at += _EVENT.size + length
    return False


def _files(folder: Path) -> dict[str, Digest | None]:
    """Return path → digest of each file below a folder; None: it is not a regular file."""
    found: dict[str, Digest | None] = {}
    for at, folders, files in os.walk(folder):
        inside = Path(at)
        for name in [*files, *(name for name in folders if (inside / name).is_symlink())]:
            path = inside / name
            regular = stat.S_ISREG(path.lstat().st_mode)
            key = path.relative_to(folder).as_posix()
            found[key] = Digest.of_file(path) if regular else None
    return found
