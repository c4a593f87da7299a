"""``status``: the changes that a commit of a folder would make; unchanged files are not read."""

from collections.abc import Mapping
from pathlib import Path

from blake3 import blake3
from msgspec import Struct, field
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.files import real_path
from lyrikstore.canon.json import JSON
from lyrikstore.context import StoreContext
from lyrikstore.curate.commit.commit_cache import (
    LastCommit,
    last_commits,
    listing_of,
    names_of,
    stat_cache,
)
from lyrikstore.curate.commit.inputs import RowOptions
from lyrikstore.curate.commit.rows.unpack import unpacked_parts
from lyrikstore.curate.commit.rows.workbook import is_workbook, rows_path, workbook_parts
from lyrikstore.curate.commit.statement import current_version, tree_like
from lyrikstore.curate.descriptor import stated_in
from lyrikstore.curate.readers.recognise import unpacked_path
from lyrikstore.curate.readers.records import ROWS
from lyrikstore.curate.scan.hashing import hash_file
from lyrikstore.curate.scan.listing import Listing
from lyrikstore.curate.scan.mapping import ORIGINAL_PATH, mapped_json
from lyrikstore.curate.scan.scan import Scan, judge
from lyrikstore.curate.scan.walk import Offender
from lyrikstore.curate.sheets.sheet_cache import sheet_digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import pairs
from lyrikstore.history.trees.tree_entry import NO_META
from lyrikstore.objects.io.stat_cache import StatCache


class FolderStatus(Struct, frozen=True):
    """The differences between a committed folder and the current version of its name.

    Attributes:
        folder: Its absolute path.
        name: The full name it was committed as.
        current: Id of that name's current version.
        moved: Whether the name has got another version since the last commit of this folder.
        files: Number of files in the folder now.
        added: Paths that only the folder has.
        removed: Paths that only the current version has.
        changed: Paths whose content differs.
        unreadable: Files that a commit would refuse.
        sheet: The metadata sheet of the last commit, or empty.
        sheet_changed: Whether the sheet has changed since then, or is gone.
        key: The sheet's join column, or empty.
        licence: The licence that the current version names, or empty.
        described: Whether the current version states descriptor fields beside the measured ones.
        rows: The options of the last commit that concern records.
        map_names: Whether it mapped names that the path grammar refuses.
        mapped: Path to the name in the folder, for files whose names are mapped now.
        problem: Why the folder cannot be compared, for example because it is gone; else empty.
    """

    folder: str
    name: str
    current: Digest
    moved: bool
    files: int = 0
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unreadable: tuple[Offender, ...] = ()
    sheet: str = ""
    sheet_changed: bool = False
    key: str = ""
    licence: str = ""
    described: bool = False
    rows: RowOptions = field(default_factory=RowOptions)
    map_names: bool = False
    mapped: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def clean(self) -> bool:
        """Whether a commit would change nothing."""
        return not (
            self.added
            or self.removed
            or self.changed
            or self.unreadable
            or self.sheet_changed
            or self.problem
        )

    def to_json(self) -> dict[str, JSON]:
        """Return the status as JSON, by ``schemas/cli/status.schema.json``."""
        return {
            "folder": self.folder,
            "name": self.name,
            "id": str(self.current),
            "moved": self.moved,
            "clean": self.clean,
            "files": self.files,
            "added": list(self.added),
            "removed": list(self.removed),
            "modified": list(self.changed),
            "mapped": mapped_json(self.mapped),
            "unreadable": [
                {"path": item.path, "kind": item.kind, "reason": item.reason}
                for item in self.unreadable
            ],
            "sheet": self.sheet or None,
            "sheetChanged": self.sheet_changed,
            "problem": self.problem or None,
        }


def folder_statuses(context: StoreContext, folder: Path | None = None) -> list[FolderStatus]:
    """Return the status of each folder that this user committed to this store.

    Args:
        context: The store, and the user's cache for it; without a cache the result is empty.
        folder: Only the folders at, below or above this path.

    Raises:
        NotFoundError: (``not-committed``) ``folder`` is given, and no such folder was committed.
        IncompleteError, VerificationError: The store is damaged or incomplete.
        StorageError: The cache cannot be read.

    Cost: one stat of each file. Files are read only if their size is unchanged but their time
    stamps are not, if they are packed, and, once, if lines of them were left out.
    """
    repository, directory = context.repository, context.own_cache
    if directory is None:
        return []
    wanted = None if folder is None else real_path(folder)
    found = [
        entry
        for entry in last_commits(directory)
        if wanted is None
        or (place := Path(entry.folder)).is_relative_to(wanted)
        or wanted.is_relative_to(place)
    ]
    if wanted is not None and not found:
        raise NotFoundError(
            "not-committed",
            f"you have not committed {folder} to this store from this machine",
            hint=f"commit it with `lyrikstore commit {folder} -d NAMESPACE/NAME`",
        )
    statuses = []
    for last in found:
        current = current_version(repository, last.name)
        if current is not None:  # names are never removed: else the entry is of another store
            statuses.append(_status(repository, directory, last, current))
    return statuses


def _status(
    repository: Repository, directory: Path, last: LastCommit, current: Manifest
) -> FolderStatus:
    place = Path(last.folder)
    sheet = Path(last.sheet) if last.sheet else None
    cache = stat_cache(directory, place)
    moved = last.manifest != str(current.id)
    try:
        with Listing(
            place,
            follow_links=last.follow_links,
            store=repository.root,
            sheet=sheet,
            expected=len(cache),
        ) as under_way:
            listed = under_way.finish()
    except (InvalidInputError, NotFoundError) as error:
        return FolderStatus(last.folder, last.name, current.id, moved, problem=error.message)
    names = names_of(listed)
    listing = listing_of(listed, names, sheet, cache.safe_before)
    status = FolderStatus(
        last.folder,
        last.name,
        current.id,
        moved,
        files=len(listed.names),
        unreadable=listed.offenders,
        sheet=last.sheet,
        sheet_changed=sheet_digest(sheet) != last.sheet_digest,
        key=current.body.get("metadata", {}).get("key", ""),
        licence=current.body.get("licence", {}).get("expression", ""),
        described=bool(stated_in(current.body.get("descriptor", {}))),
        rows=last.rows,
        map_names=last.map_names,
    )
    if listing and listing == last.listing and not moved:
        return status
    known = names == last.names
    scan = judge(listed, known=known, compose=True, mapping=last.map_names)
    added, removed, changed, unreadable = _compare(repository, scan, current, cache, last)
    differs = added or removed or changed or unreadable or status.sheet_changed
    if listing and not (differs or moved):
        # At the commit the time stamps were too recent to rely on. Now they can be relied on, so
        # the next status need not compare the files.
        replace(last, listing=listing, names=names).save(directory)
    return replace(
        status,
        files=len(scan.paths),
        added=tuple(added),
        removed=tuple(removed),
        changed=tuple(changed),
        unreadable=(*scan.offenders, *unreadable),
        mapped=scan.mapped,
    )


def _compare(
    repository: Repository, scan: Scan, current: Manifest, cache: StatCache, last: LastCommit
) -> tuple[list[str], list[str], list[str], list[Offender]]:
    # Packed files of rows were committed as their content, under its name. A name that would then
    # occur twice is left as it is, and shows as added.
    is_rows = current.body.get("reader") in ROWS
    copies = last.copies
    held = {unpacked_path(path): path for path in scan.paths} if is_rows else {}
    if (
        is_rows
        and not last.rows.reader
        and is_workbook(last.folder)
        and Path(last.folder).is_file()
    ):
        held = {rows_path(path): path for path in scan.paths}
    packed = {path: file for path, file in held.items() if path != file and path not in scan.paths}
    if packed:
        return _compare_packed(repository, scan, current, packed, last)
    tree = tree_like(repository, current, scan.paths)
    digests, unknown = cache.lookup(scan.states)
    pending, sizes = set(unknown), scan.sizes
    hidden = {offender.path for offender in scan.offenders}
    folders = tuple(path for path in hidden if path.endswith("/"))
    added: list[str] = []
    removed: list[str] = []
    changed: list[str] = []
    unreadable: list[Offender] = []
    for was, at in pairs(tree.paths, scan.paths):
        path = tree.paths[was] if at < 0 else scan.paths[at]
        if was < 0:
            added.append(path)
            continue
        if at < 0:
            if path not in hidden and not path.startswith(folders):
                removed.append(path)
            continue
        mine = slice(at * 32, at * 32 + 32)
        if at in pending and (path in copies or sizes[at] == tree.sizes[was]):
            try:
                digests[mine] = hash_file(scan.location(at)).raw
            except InvalidInputError as error:
                unreadable.append(Offender(path, error.kind, error.message, error.hint))
                continue
        there = tree.digests[was * 32 : was * 32 + 32]
        named = tree.metas.get(was, NO_META).get(ORIGINAL_PATH)
        is_renamed = last.map_names and named != scan.mapped.get(path)
        as_copied = copies.get(path) == (there.hex(), digests[mine].hex())
        if is_renamed or not (digests[mine] == there or as_copied):
            changed.append(path)
    cache.save(scan.states, bytes(digests))
    return added, removed, changed, unreadable


def _compare_packed(
    repository: Repository,
    scan: Scan,
    current: Manifest,
    packed: Mapping[str, str],
    last: LastCommit,
) -> tuple[list[str], list[str], list[str], list[Offender]]:
    """Compare a folder that has packed files with a version; all files are read."""
    there = repository.tree(current).by_path
    hidden = set(packed.values())
    here = {path: path for path in scan.paths if path not in hidden} | dict(packed)
    locations = {path: scan.location(at) for at, path in enumerate(scan.paths)}
    changed: list[str] = []
    unreadable: list[Offender] = []
    for path in sorted(here.keys() & there.keys()):
        file = here[path]
        try:
            if file == path:
                digest = hash_file(locations[file])
            else:
                hasher = blake3()
                if is_workbook(file):
                    parts = workbook_parts(file, locations[file], last.rows.table)
                else:
                    parts = unpacked_parts(file, locations[file])
                for part in parts:
                    hasher.update(part)
                digest = Digest(hasher.digest())
        except InvalidInputError as error:
            unreadable.append(Offender(file, error.kind, error.message, error.hint))
            continue
        committed = there[path].blake3
        if digest != committed and last.copies.get(path) != (committed.hex, digest.hex):
            changed.append(path)
    return (
        sorted(here.keys() - there.keys()),
        sorted(there.keys() - here.keys()),
        changed,
        unreadable,
    )
