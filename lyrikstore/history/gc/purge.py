"""Purging: removing all data that no version needs, and checking that none is left (spec §16.7).

Garbage collection keeps dropped packs for a while, and leftovers of crashed writers and repairs are
in separate folders. A purge does not wait, so no other process may work on the store. Afterwards
the store is searched, and all data that is left is listed.
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
"""Folders of a store with content that no record names."""
_LOCK = "lock"


class Purged(Struct, frozen=True):
    """The result of a purge.

    Attributes:
        bytes: Size of all deleted files, packs included.
        retired: Number of retired versions; their complete manifests and their trees stay.
        attached: Number of versions among them whose attachments are not retired and stay, too.
    """

    bytes: int
    retired: int
    attached: int = 0


def refuse_pending(repository: Repository) -> None:
    """Raise `not-pushed` if a clone has pending entries, which may need data that a purge removes.

    Raises:
        InvalidInputError: (``not-pushed``) it has.
    """
    if repository.pending:
        waiting = pluralize(len(repository.pending), "entry waits", "entries wait")
        raise InvalidInputError(
            "not-pushed",
            f"{waiting} to be pushed, and may need data that the purge would remove",
            hint="lyrikstore push first; or purge at the home alone, from another clone",
        )


def clear_leftovers(root: Path) -> int:
    """Remove leftovers of crashed writers, and damaged packs that a repair moved to quarantine.

    Call it while holding the store's lock.

    Args:
        root: The store's folder.

    Returns:
        The size of the removed files in bytes.

    Raises:
        StorageError: A file cannot be removed; (``linked-folder``) it is behind a link.
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
    """Return the number of bytes in the temporary folders of a store."""
    return sum(path.lstat().st_size for path in _passing(root))


def check_purged(repository: Repository, needed: Collection[str]) -> None:
    """Raise `not-purged` if a store contains data that no version needs.

    Args:
        repository: The current store.
        needed: Names of the packs that records name.

    Raises:
        IncompleteError: (``not-purged``) it does; ``left`` in its details lists the files.
        IncompleteError, VerificationError, FormatError: The live blobs cannot be determined.

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
    hint = (
        "stop other processes on this store, repair the files that verify reports, and run it again"
    )
    if repository.is_mirror:
        hint = "lyrikstore gc --purge --remote origin, which purges the home first"
    raise IncompleteError(
        "not-purged",
        f"{pluralize(len(left), 'file')} may still contain unneeded data, such as {left[0]}",
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
