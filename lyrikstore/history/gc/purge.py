"""Purging: whether a store still holds what no version needs, and removing the rest (spec §16.7).

Collecting garbage leaves dropped packs for a while, and what dead writers and repairs left lies in
folders of its own. A purge waits for nothing, so nobody else may be at work. It believes itself no
more than others: what is left afterwards is looked for, and named.
"""

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.errors import IncompleteError, InvalidInputError, StorageError, storage_error
from lyrikstore.canon.text import pluralize
from lyrikstore.history.repository.liveness import live_blobs
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retirements
from lyrikstore.objects.backends.base import SCRATCH
from lyrikstore.objects.gc.plan import packs_with
from lyrikstore.objects.io.private_folder import STAGING
from lyrikstore.objects.io.safe_folder import own_folder
from lyrikstore.objects.io.scratch import clean_leftovers

_QUARANTINE = "quarantine"
_PASSING = (SCRATCH, _QUARANTINE, "cache", STAGING)
"""Folders of a store in which content lies that no record names."""
_LOCK = "lock"


class Purged(Struct, frozen=True):
    """What a purge did.

    Attributes:
        bytes: Size of all that was deleted, packs included.
        retired: How many versions are retired; their manifests, with all that these say, and
            trees stay.
        attached: How many of them are retired without their attachments, which stay, too.
    """

    bytes: int
    retired: int
    attached: int = 0


def refuse_pending(repository: Repository) -> None:
    """Return if nothing waits in a clone that may rest on what a purge takes away.

    Raises:
        InvalidInputError: (``not-pushed``) something does.
    """
    if repository.pending:
        waiting = pluralize(len(repository.pending), "entry waits", "entries wait")
        raise InvalidInputError(
            "not-pushed",
            f"{waiting} to be pushed, and may rest on data that would go",
            hint="lyrikstore push first; or purge at the home alone, from another clone",
        )


def clear_leftovers(root: Path) -> int:
    """Remove what dead writers left, and damaged packs that a repair moved aside.

    Call it with the store's lock held.

    Args:
        root: The store's folder.

    Returns:
        How many bytes they had.

    Raises:
        StorageError: It cannot be removed; (``linked-folder``) it is behind a link.
    """
    before = passing_bytes(root)
    clean_leftovers(root / SCRATCH)
    try:
        with own_folder(root, _QUARANTINE) as folder:
            for name in os.listdir(folder):  # noqa: PTH208 - a descriptor, not a path
                if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(error, f"clearing {root / _QUARANTINE}") from error
    return before - passing_bytes(root)


def passing_bytes(root: Path) -> int:
    """Return how many bytes lie where nothing of a store is meant to last."""
    return sum(path.lstat().st_size for path in _passing(root))


def check_purged(repository: Repository, needed: Collection[str]) -> None:
    """Return if a store holds nothing but what some version needs.

    Args:
        repository: The store, as it is now.
        needed: Names of the packs that records name.

    Raises:
        IncompleteError: (``not-purged``) it does hold more; ``left`` of its details says where.
        IncompleteError, VerificationError, FormatError: What is live cannot be known.

    Cost: reads every tree and chunk list, and the footer of every pack.
    """
    backend, packs = repository.backend, repository.live.packs
    live = live_blobs(repository, retirements(repository))
    left = [one.name for one in packs_with(backend, packs, None, but=live)]
    unread = repository.blobs.damaged
    left += [one.name for one in packs if one.id in unread and backend.size(one.name) is not None]
    left += [name for name in backend.list("packs/") if name not in needed]
    if isinstance(repository.location, Path):
        root = repository.location
        left += [path.relative_to(root).as_posix() for path in _passing(root)]
    if not left:
        return
    hint = "stop what else runs here, repair what verify calls damaged, and run it again"
    if repository.is_mirror:
        hint = "lyrikstore gc --purge --remote origin, which purges the home first"
    raise IncompleteError(
        "not-purged",
        f"{pluralize(len(left), 'file')} may still hold what no version needs, such as {left[0]}",
        hint=hint,
        details={"left": left[:1000]},
    )


def _passing(root: Path) -> Iterator[Path]:
    for name in _PASSING:
        for folder, _, files in os.walk(root / name):  # follows no links
            for file in files:
                path = Path(folder, file)
                if path != root / STAGING / _LOCK:
                    yield path
