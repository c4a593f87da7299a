"""Differences between two versions: files, their rows in the sheet, licences, the descriptor."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON, as_json
from lyrikstore.curate.commit.statement import tree_bytes
from lyrikstore.curate.descriptor import Field
from lyrikstore.curate.diff.rows import RowsDiff, compare_rows
from lyrikstore.curate.scan.mapping import ORIGINAL_PATH, mapped_json
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.diff import TreeDifference, differences
from lyrikstore.history.trees.tree_entry import TreeEntry, parse_line
from lyrikstore.verify.datasets.licences import LICENCE_COLUMNS

Cells = Mapping[str, tuple[str | None, str | None]]
"""Column of the sheet → its value in the old and in the new version; None: no value."""


class FileChange(Struct, frozen=True):
    """A file of both versions whose content, path or metadata differs.

    Attributes:
        path: Its path.
        content: Whether its bytes differ.
        cells: The values of the sheet that differ for it.
        moved_from: Its path in the old version, if the path differs.
    """

    path: str
    content: bool
    cells: Cells
    moved_from: str | None = None


class LicenceChange(Struct, frozen=True):
    """A change from one licence to another, and the number of files that it affects.

    Attributes:
        of: ``version``, ``text``, or ``sheet`` for a column of the sheet.
        column: The column, for ``sheet``.
        was: The old version's value: an expression, the digest of a text, a cell; None: no value.
        now: The new version's value.
        files: Number of files of the new version that it affects.
    """

    of: str
    column: str | None
    was: str | None
    now: str | None
    files: int


class VersionDiff(Struct, frozen=True):
    """The differences between two versions.

    Attributes:
        old: The old version.
        new: The new version.
        licences: Changes of licence: of the version, of its text, then by column and frequency.
        added: Paths that only the new one has.
        removed: Paths that only the old one has.
        moved: Files that have another path, in the order of the new paths.
        differing: Files of both versions that differ, in path order.
        fields: Field of the descriptor → its old and its new state, by name; measured fields are
            left out.
        rows: The differences between the rows, if both versions have rows.
        mapped: Path → name in the folder, for the files above whose names were mapped.
    """

    old: Manifest
    new: Manifest
    licences: tuple[LicenceChange, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[FileChange, ...]
    differing: tuple[FileChange, ...]
    fields: Mapping[str, tuple[Field | None, Field | None]]
    rows: RowsDiff | None
    mapped: Mapping[str, str]

    def to_json(self) -> dict[str, JSON]:
        """Return the differences as JSON, by ``schemas/cli/diff.schema.json``."""
        return {
            "old": {"id": str(self.old.id), "name": self.old.name},
            "new": {"id": str(self.new.id), "name": self.new.name},
            "licences": as_json(self.licences),
            "added": list(self.added),
            "removed": list(self.removed),
            "mapped": mapped_json(self.mapped),
            "movedFiles": [
                {
                    "oldPath": change.moved_from,
                    "newPath": change.path,
                    "cells": _cells_json(change.cells),
                }
                for change in self.moved
            ],
            "differing": [
                {
                    "path": change.path,
                    "content": change.content,
                    "cells": _cells_json(change.cells),
                }
                for change in self.differing
            ],
            "fields": [
                {"field": name, "oldState": old, "newState": new}
                for name, (old, new) in self.fields.items()
            ],
            "rowChanges": None if self.rows is None else self.rows.to_json(),
        }


def compare_versions(repository: Repository, old: str, new: str) -> VersionDiff:
    """Return the differences between two versions, of one name or of two.

    Args:
        repository: The store.
        old: A REF of a dataset or a checkpoint.
        new: A REF of another one.

    Raises:
        InvalidInputError: (``no-files``) the version that a REF names has no files.
        VerificationError, IncompleteError, FormatError: A tree is damaged or missing.

    Cost: a comparison of the two trees' bytes, and one parse for each file that differs; of the
    data only files of rows that differ are read.
    """
    one, other = (_with_files(repository, ref) for ref in (old, new))
    after = tree_bytes(repository, other)
    found = list(differences(tree_bytes(repository, one), after))
    differing = [_change(_entry(item.old), _entry(item.new)) for item in found if _is_both(item)]
    moved = _moved(found)
    gone, came = {change.moved_from for change in moved}, {change.path for change in moved}
    return VersionDiff(
        one,
        other,
        tuple(_licences(one, other, after.count(b"\n"), [*moved, *differing])),
        tuple(item.path for item in found if not item.old and item.path not in came),
        tuple(item.path for item in found if not item.new and item.path not in gone),
        tuple(moved),
        tuple(differing),
        _restated(one, other),
        compare_rows(repository, one, other),
        dict(_mapped(found)),
    )


def _with_files(repository: Repository, ref: str) -> Manifest:
    found = repository.resolve(ref)
    if found.tree is None:
        raise InvalidInputError(
            "no-files",
            f"{ref} is of kind {found.kind} and has no files",
            hint="compare versions of datasets or of checkpoints",
        )
    return found


def _mapped(found: Sequence[TreeDifference]) -> Iterator[tuple[str, str]]:
    for item in found:
        was = (_entry(item.new or item.old).meta or {}).get(ORIGINAL_PATH)
        if was is not None:
            yield item.path, was


def _is_both(item: TreeDifference) -> bool:
    return bool(item.old and item.new)


def _entry(line: bytes) -> TreeEntry:
    return parse_line(line.decode().removesuffix("\n"), 1)


def _moved(found: Sequence[TreeDifference]) -> list[FileChange]:
    """Return the files that have the same content at another path, in the order of new paths.

    Among files with the same content, those with the same file name are paired first, then the rest
    in path order. All empty files have the same content, so they never count as moved.
    """
    removed = [_entry(item.old) for item in found if not item.new]
    added = [_entry(item.new) for item in found if not item.old]
    by_name: dict[tuple[Digest, str], deque[TreeEntry]] = {}
    by_content: dict[Digest, deque[TreeEntry]] = {}
    for entry in removed if added else ():
        if entry.bytes:
            by_name.setdefault((entry.blake3, _name(entry)), deque()).append(entry)
    origin: dict[str, TreeEntry] = {}
    for entry in added:
        if same := by_name.get((entry.blake3, _name(entry))):
            origin[entry.path] = same.popleft()
    taken = {entry.path for entry in origin.values()}
    for entry in removed if added else ():
        if entry.bytes and entry.path not in taken:
            by_content.setdefault(entry.blake3, deque()).append(entry)
    for entry in added:
        if entry.path not in origin and (same := by_content.get(entry.blake3)):
            origin[entry.path] = same.popleft()
    return [_change(origin[entry.path], entry) for entry in added if entry.path in origin]


def _name(entry: TreeEntry) -> str:
    return entry.path.rpartition("/")[2]


def _change(old: TreeEntry, new: TreeEntry) -> FileChange:
    before, after = old.meta or {}, new.meta or {}
    cells = {
        column: (before.get(column), after.get(column))
        for column in sorted({*before, *after})
        if before.get(column) != after.get(column)
    }
    moved_from = old.path if old.path != new.path else None
    return FileChange(new.path, old.blake3 != new.blake3, cells, moved_from)


def _cells_json(cells: Cells) -> list[JSON]:
    return [{"column": column, "was": was, "now": now} for column, (was, now) in cells.items()]


def _licences(
    old: Manifest, new: Manifest, files: int, changes: Sequence[FileChange]
) -> Iterator[LicenceChange]:
    for of, stated in (("version", _licence), ("text", _licence_text)):
        was, now = stated(old.body), stated(new.body)
        if was != now:
            yield LicenceChange(of, None, was, now, files)
    counted = Counter(
        (column, was, now)
        for change in changes
        for column, (was, now) in change.cells.items()
        if column.casefold() in LICENCE_COLUMNS
    )
    for (column, was, now), count in sorted(
        counted.items(), key=lambda one: (one[0][0], -one[1], str(one[0]))
    ):
        yield LicenceChange("sheet", column, was, now, count)


def _licence(body: Mapping[str, Any]) -> str | None:
    """Return the licence of a version, or the rights that are asserted in a base model."""
    found: str | None = body.get("licence", {}).get("expression")
    return found or body.get("rights", {}).get("asserted")


def _licence_text(body: Mapping[str, Any]) -> str | None:
    found: str | None = body.get("licence", {}).get("textDigest")
    return found


def _restated(old: Manifest, new: Manifest) -> dict[str, tuple[Field | None, Field | None]]:
    before, after = (one.body.get("descriptor", {}) for one in (old, new))
    return {
        name: (before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
        and "measured" not in {field.get(name, {}).get("basis") for field in (before, after)}
    }
