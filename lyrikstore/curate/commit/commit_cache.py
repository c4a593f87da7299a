"""Cache of the last commit of each folder: for commits without changes, and for ``status``.

It has one small file per folder and name, in the user's cache folder. Like the stat cache it lies
outside the store: someone who can write to the store must not be able to choose which files its
owner signs, or skips.
"""

import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from blake3 import blake3
from msgspec import Struct, convert, field, to_builtins

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import storage_errors
from lyrikstore.canon.files import open_regular, real_path, remember
from lyrikstore.curate.commit.inputs import RowOptions
from lyrikstore.curate.scan.listing import MANY_FILES, Listed, Listing
from lyrikstore.objects.io.stat_cache import STATE, StatCache, newest, pack_state

MAX_BYTES = 64 << 20


class LastCommit(Struct, frozen=True):
    """The cache entry of the last commit of a folder under one name: its inputs and its result.

    Attributes:
        folder: The folder's absolute path.
        name: The full name.
        manifest: Id of the version that the commit created or found unchanged.
        listing: The digest from :func:`listing_of`; empty if it cannot be relied on.
        names: The digest from :func:`names_of`, of the names that were checked then.
        options: Digest of the options that change the result.
        sheet: The metadata sheet's absolute path, or empty.
        sheet_digest: The digest from :func:`sheet_digest`.
        follow_links: Whether links were followed.
        formats: Number of files by suffix; empty if they were not counted.
        orphan_files: Files without a row.
        orphan_rows: ``(number, key)`` of rows without a file.
        copies: Path → digest of the file in the version, and digest of the file in the folder, for
            files that were committed without some lines.
        rows: The options that concern records.
        map_names: Whether names that the path grammar refuses were mapped.
    """

    folder: str
    name: str
    manifest: str
    listing: str
    names: str
    options: str
    sheet: str
    sheet_digest: str
    follow_links: bool
    formats: Mapping[str, int]
    orphan_files: tuple[str, ...]
    orphan_rows: tuple[tuple[int, str], ...]
    copies: Mapping[str, tuple[str, str]] = {}
    rows: RowOptions = field(default_factory=RowOptions)
    map_names: bool = False

    def save(self, directory: Path) -> None:
        """Write the entry to ``directory``; errors are ignored, as the commit is already done."""
        path = _file(directory, self.folder, self.name)
        with suppress(OSError, ValueError):
            data = json.dumps(to_builtins(self)).encode()
            if not path.exists() or _kept(path) != data:
                remember(path, data)


def begin_listing(
    cache_dir: Path, folder: Path, *, store: Path, sheet: Path | None, follow_links: bool
) -> Listing | None:
    """Start listing a folder in a second process, if the cache knows it as large; else None.

    The second process needs about as long for the listing as this process needs for its imports
    and for opening the store.

    Args:
        cache_dir: This user's cache, which has the number of files of earlier commits.
        folder: The folder.
        store: The store, which is never part of the data.
        sheet: The metadata sheet, which is not part of the data either.
        follow_links: See :class:`lyrikstore.curate.scan.listing.Listing`.
    """
    expected = files_expected(cache_dir, folder)
    if expected < MANY_FILES:
        return None
    listing = Listing(
        folder, follow_links=follow_links, store=store, sheet=sheet, expected=expected
    )
    import lyrikstore.crypto.keys.key_file  # needed later; loaded while the other process lists
    import lyrikstore.history.commit.transaction  # noqa: F401

    return listing


def last_commit(directory: Path, folder: Path, name: str) -> LastCommit | None:
    """Return the cache entry of ``folder`` under ``name``, or None if it cannot be read."""
    with suppress(OSError):
        return _load(_file(directory, str(real_path(folder)), name))
    return None


def last_commits(directory: Path) -> list[LastCommit]:
    """Return all cache entries in ``directory``, sorted by folder, then by name.

    Raises:
        StorageError: The folder cannot be read; an empty result would hide that.
    """
    found = []
    with storage_errors(f"reading {directory}"), suppress(FileNotFoundError):
        for path in directory.iterdir():
            if path.name.startswith("commit-") and not path.suffix:
                with suppress(FileNotFoundError):  # replaced or deleted meanwhile
                    found.append(_load(path))
    return sorted((one for one in found if one), key=lambda one: (one.folder, one.name))


def forget_commits(directory: Path, manifests: Collection[Digest]) -> int:
    """Delete the cache entries of commits that created ``manifests``; return the bytes freed.

    A cache entry quotes the sheet: it has the keys of rows without a file.

    Raises:
        StorageError: An entry cannot be read or deleted.
    """
    ids, freed = {str(identity) for identity in manifests}, 0
    with storage_errors(f"forgetting commits in {directory}"):
        for path in directory.glob("commit-*"):
            found = None if path.suffix else _load(path)
            if found is None or found.manifest in ids:
                freed += path.lstat().st_size
                path.unlink(missing_ok=True)
    return freed


def stat_cache(directory: Path, folder: Path, began: int | None = None) -> StatCache:
    """Return the stat cache of the files in ``folder``; for ``began`` see ``StatCache``."""
    return StatCache(directory / _stat_name(folder), began)


def files_expected(directory: Path, folder: Path) -> int:
    """Return the approximate number of files in ``folder``, by the cache of any store; else 0.

    Args:
        directory: The user's cache folder, with a folder in it for each store.
        folder: The folder.
    """
    width, name = STATE.size + 32, _stat_name(folder)
    found = 0
    with suppress(OSError):
        for store in os.scandir(directory):
            with suppress(OSError):
                found = max(found, os.stat(f"{store.path}/{name}").st_size // width)  # noqa: PTH116
    return found


def names_of(listed: Listed) -> str:
    """Return the digest of the files' names."""
    return blake3("\0".join(listed.names).encode("utf-8", "surrogateescape")).hexdigest()


def listing_of(listed: Listed, names: str, sheet: Path | None, safe_before: int) -> str:
    """Return the digest of names, sizes and time stamps of the files that a commit reads.

    Args:
        listed: The listing.
        names: The digest from :func:`names_of`.
        sheet: The metadata sheet, which the commit reads as well.
        safe_before: The time from which time stamps are too recent; see :class:`StatCache`. If a
            file changed so recently that a later change could have the same time stamp, the
            whole listing is unreliable (Git's racy rule), and the result is empty.
    """
    states = listed.states
    if sheet is not None:
        with suppress(OSError):
            states += pack_state(sheet.stat())
    if newest(states) >= safe_before:
        return ""
    hasher = blake3(states)
    hasher.update(names.encode())
    for item in listed.ignored:
        hasher.update(f"\0{item.path}\0{item.reason}".encode("utf-8", "surrogateescape"))
    return hasher.hexdigest()


def _stat_name(folder: Path) -> str:
    return f"stat-{_key(str(real_path(folder)))}"


def _file(directory: Path, folder: str, name: str) -> Path:
    return directory / f"commit-{_key(chr(0).join((folder, name)))}"


def _key(text: str) -> str:
    return Digest.of(os.fsencode(text)).short


def _kept(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read(MAX_BYTES + 1)


def _load(path: Path) -> LastCommit | None:
    # None for a damaged entry: an entry may be missing at any time, and a damaged one is ignored.
    data = _kept(path)
    with suppress(ValueError):
        return convert(json.loads(data), LastCommit)
    return None
