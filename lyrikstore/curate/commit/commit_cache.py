"""What a folder was at its last commit: for commits that find nothing new, and for ``status``.

One small file per folder and name, in the user's cache folder. Like the stat cache it lies outside
the store: whoever holds the store must not be able to choose what its owner signs, or skips.
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
    """What the last commit of a folder under one name read, and what it gave.

    Attributes:
        folder: The folder's absolute path.
        name: The full name.
        manifest: Id of the version it made or found.
        listing: What :func:`listing_of` gave; empty if that could not be relied on.
        names: What :func:`names_of` gave: names that were judged then.
        options: Digest of the options that change the result.
        sheet: The metadata sheet's absolute path, or empty.
        sheet_digest: What :func:`sheet_digest` gave.
        follow_links: Whether links were followed.
        formats: How many files have each suffix; empty where nobody counted.
        orphan_files: Files without a row.
        orphan_rows: ``(number, key)`` of rows without a file.
        copies: Path → digests of the file that the version has, and of the one in the folder of
            which it is a copy without some lines.
        rows: What was said about records.
        map_names: Whether names that are refused were mapped.
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
        """Keep it in ``directory``. A failure to write is no failure of the commit."""
        path = _file(directory, self.folder, self.name)
        with suppress(OSError, ValueError):
            data = json.dumps(to_builtins(self)).encode()
            if not path.exists() or _kept(path) != data:
                remember(path, data)


def begin_listing(
    cache_dir: Path, folder: Path, *, store: Path, sheet: Path | None, follow_links: bool
) -> Listing | None:
    """Begin to list a folder that is known to be large; None for others.

    Listing it takes a second process about as long as this one takes to load and to open the
    store.

    Args:
        cache_dir: This user's cache, which knows how many files it had.
        folder: The folder.
        store: The store, which never belongs to the data.
        sheet: The metadata sheet, which does not either.
        follow_links: As :class:`lyrikstore.curate.scan.listing.Listing` takes it.
    """
    expected = files_expected(cache_dir, folder)
    if expected < MANY_FILES:
        return None
    listing = Listing(
        folder, follow_links=follow_links, store=store, sheet=sheet, expected=expected
    )
    import lyrikstore.crypto.keys.key_file  # needed later, and now there is time
    import lyrikstore.history.commit.transaction  # noqa: F401

    return listing


def last_commit(directory: Path, folder: Path, name: str) -> LastCommit | None:
    """Return what is remembered of ``folder`` under ``name``, if anything can be read."""
    with suppress(OSError):
        return _load(_file(directory, str(real_path(folder)), name))
    return None


def last_commits(directory: Path) -> list[LastCommit]:
    """Return everything that is remembered in ``directory``, by folder, then by name.

    Raises:
        StorageError: It cannot be read; that nothing is remembered would be another answer.
    """
    found = []
    with storage_errors(f"reading {directory}"), suppress(FileNotFoundError):
        for path in directory.iterdir():
            if path.name.startswith("commit-") and not path.suffix:
                with suppress(FileNotFoundError):  # replaced or deleted meanwhile
                    found.append(_load(path))
    return sorted((one for one in found if one), key=lambda one: (one.folder, one.name))


def forget_commits(directory: Path, manifests: Collection[Digest]) -> int:
    """Forget the commits that made any of ``manifests``; return how many bytes that was.

    What is remembered of a commit quotes its sheet: the keys of rows without a file.

    Raises:
        StorageError: It cannot be read or removed.
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
    """Return what is remembered of the files in ``folder``; ``began`` as ``StatCache`` has it."""
    return StatCache(directory / _stat_name(folder), began)


def files_expected(directory: Path, folder: Path) -> int:
    """Return about how many files ``folder`` has, if they are remembered for any store.

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
    """Return the digest of everything that a listing tells of the files a commit reads.

    Args:
        listed: The listing.
        names: What :func:`names_of` gives for it.
        sheet: The metadata sheet, which is read as well.
        safe_before: Since when time stamps are too young, as :class:`StatCache` has it. A file
            touched so recently that a later change could carry the same time stamp makes the
            whole listing unreliable, Git's racy rule: the result is empty.
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
    # None if it is damaged: it may be deleted at any time, and then is no memory either.
    data = _kept(path)
    with suppress(ValueError):
        return convert(json.loads(data), LastCommit)
    return None
