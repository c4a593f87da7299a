"""What differs between two versions: files, what the sheet says about each, what is stated."""

from collections.abc import Mapping

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.commit.statement import tree_bytes
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.diff import differences
from lyrikstore.history.trees.tree_entry import TreeEntry, parse_line


class FileChange(Struct, frozen=True):
    """A file that both versions have, and not alike.

    Attributes:
        path: Its path.
        content: Whether its bytes differ.
        cells: Column of the sheet → what the old and the new version have there; None for nothing.
    """

    path: str
    content: bool
    cells: Mapping[str, tuple[str | None, str | None]]


class VersionDiff(Struct, frozen=True):
    """What differs between two versions.

    Attributes:
        old: The one.
        new: The other.
        added: Paths that only the new one has.
        removed: Paths that only the old one has.
        differing: Files that both have, in path order.
        fields: Fields of the descriptor that say something else; none that is measured.
    """

    old: Manifest
    new: Manifest
    added: tuple[str, ...]
    removed: tuple[str, ...]
    differing: tuple[FileChange, ...]
    fields: tuple[str, ...]

    def to_json(self) -> dict[str, JSON]:
        """Return it as ``schemas/cli/diff.schema.json`` wants it."""
        return {
            "old": {"id": str(self.old.id), "name": self.old.name},
            "new": {"id": str(self.new.id), "name": self.new.name},
            "added": list(self.added),
            "removed": list(self.removed),
            "differing": [
                {
                    "path": change.path,
                    "content": change.content,
                    "cells": [
                        {"column": column, "was": was, "now": now}
                        for column, (was, now) in change.cells.items()
                    ],
                }
                for change in self.differing
            ],
            "fields": list(self.fields),
        }


def compare_versions(repository: Repository, old: str, new: str) -> VersionDiff:
    """Return what differs between two versions, of one name or of two.

    Args:
        repository: The store.
        old: A REF of a dataset or a checkpoint.
        new: Another.

    Raises:
        InvalidInputError: (``no-files``) what a REF names has no files.
        VerificationError, IncompleteError, FormatError: A tree is damaged or lost.

    Cost: a comparison of the two trees' bytes, and one parse for each file that differs; no data
    is read.
    """
    one, other = (_with_files(repository, ref) for ref in (old, new))
    added, removed, differing = [], [], []
    for item in differences(tree_bytes(repository, one), tree_bytes(repository, other)):
        if not item.old:
            added.append(item.path)
        elif not item.new:
            removed.append(item.path)
        else:
            differing.append(_change(_entry(item.old), _entry(item.new)))
    return VersionDiff(
        one, other, tuple(added), tuple(removed), tuple(differing), _restated(one, other)
    )


def _with_files(repository: Repository, ref: str) -> Manifest:
    found = repository.resolve(ref)
    if found.tree is None:
        raise InvalidInputError(
            "no-files",
            f"{ref} is of kind {found.kind}, which has no files",
            hint="compare versions of datasets or of checkpoints",
        )
    return found


def _entry(line: bytes) -> TreeEntry:
    return parse_line(line.decode().removesuffix("\n"), 1)


def _change(old: TreeEntry, new: TreeEntry) -> FileChange:
    before, after = old.meta or {}, new.meta or {}
    cells = {
        column: (before.get(column), after.get(column))
        for column in sorted({*before, *after})
        if before.get(column) != after.get(column)
    }
    return FileChange(new.path, old.blake3 != new.blake3, cells)


def _restated(old: Manifest, new: Manifest) -> tuple[str, ...]:
    before, after = (one.body.get("descriptor", {}) for one in (old, new))
    found = {
        name
        for name in {*before, *after}
        if before.get(name) != after.get(name)
        and "measured" not in {field.get(name, {}).get("basis") for field in (before, after)}
    }
    if old.body.get("licence") != new.body.get("licence"):
        found.add("licence")
    return tuple(sorted(found))
