"""Differences between the rows of two versions: added, removed and changed rows, labels, licences.

Rows are compared by content, not by position. A row has changed if both versions have a row with
its id, in the field of that role, and the contents differ.
"""

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.errors import IncompleteError
from lyrikstore.canon.json import JSON, as_json
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.records import ROWS
from lyrikstore.curate.readers.rows import RowError, as_text, parse_row
from lyrikstore.curate.recipes.source import RecordSource
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import Tree

SHOWN = 20
"""Number of rows that are listed for each kind of change."""

MAX_VALUES = 10_000
"""Number of different labels and licences that are counted; all further ones count as one."""

Array = Any
_OTHERS = "(others)"


_SHIFT = {"of": "shift", "was": "oldValue", "now": "newValue", "records": "recordCount"}


class ValueShift(Struct, frozen=True, rename=_SHIFT):
    """A change from one label or licence to another, and the number of rows with this change.

    Attributes:
        of: ``label`` or ``licence``.
        was: The value in the old version, several labels joined by ``, ``; None: no value.
        now: The value in the new version.
        records: Number of rows with this change.
    """

    of: str
    was: str | None
    now: str | None
    records: int


class RowPlace(Struct, frozen=True):
    """The place of a row.

    Attributes:
        path: The path of its file.
        line: Its position in the file, from 1.
    """

    path: str
    line: int


class RowsDiff(Struct, frozen=True):
    """The differences between the rows of two versions.

    Attributes:
        shifts: Changes of labels, then of licences, in changed rows; the most frequent first.
        counts: ``added``, ``removed``, ``changed``, ``moved`` (the same row in another file) and
            ``unchanged`` → number of rows.
        shown: ``added``, ``removed``, ``changed``, ``moved`` → places of the first rows; for
            removed rows the places in the old version.
        by_id: Whether the rows of both versions have an id, so that changed rows can be found.
    """

    shifts: tuple[ValueShift, ...]
    counts: dict[str, int]
    shown: dict[str, tuple[RowPlace, ...]]
    by_id: bool

    @property
    def is_empty(self) -> bool:
        """Whether the rows are the same."""
        return not any(count for name, count in self.counts.items() if name != "unchanged")

    def to_json(self) -> dict[str, JSON]:
        """Return the differences as JSON, as the result of ``diff`` contains them."""
        return {
            "shifts": as_json(self.shifts),
            "counts": dict(self.counts),
            "rowsShown": [
                {"change": name, "path": place.path, "line": place.line}
                for name, places in self.shown.items()
                for place in places
            ],
            "byId": self.by_id,
        }


def compare_rows(repository: Repository, old: Manifest, new: Manifest) -> RowsDiff | None:
    """Return the differences between the rows of two versions.

    The result is None if one of them has no rows, or if data is missing: retired, or not fetched.

    Raises:
        VerificationError, FormatError: Data is damaged.

    Cost: one read of the files that the versions do not share; about 80 bytes of memory for each of
    their rows.
    """
    manifests = (old, new)
    if not all(each.kind == "dataset" and each.body["reader"] in ROWS for each in manifests):
        return None
    try:
        return _compare(repository, old, new)
    except IncompleteError:
        return None


def _compare(repository: Repository, old: Manifest, new: Manifest) -> RowsDiff:
    trees = [present_tree(repository, manifest) for manifest in (old, new)]
    alike = _alike(*trees, same_reader=old.body["reader"] == new.body["reader"])
    codes = _Codes()
    before, after = (
        _Side(repository, manifest, tree, alike, codes)
        for manifest, tree in zip((old, new), trees, strict=True)
    )
    by_id = bool(before.roles.id and after.roles.id)
    unread = int(old.body["records"]) - len(before)
    same = _matched(before.mixed(before.rows), after.mixed(after.rows))
    elsewhere = _matched(before.rows, after.rows, *same)
    changed = _matched(before.ids, after.ids, *_both(same, elsewhere)) if by_id else _none(same)
    pairs = _pairs(before.ids, after.ids, *changed)
    gone, came = (
        ~(one | other | third) for one, other, third in zip(same, elsewhere, changed, strict=True)
    )
    counts = {
        "added": int(came.sum()),
        "removed": int(gone.sum()),
        "changed": int(changed[1].sum()),
        "moved": int(elsewhere[1].sum()),
        "unchanged": unread + int(same[0].sum()),
    }
    shown = {
        "added": after.places(came),
        "removed": before.places(gone),
        "changed": after.places(changed[1]),
        "moved": after.places(elsewhere[1]),
    }
    shifts = (
        *_shifts("label", before.labels, after.labels, pairs, codes),
        *_shifts("licence", before.licences, after.licences, pairs, codes),
    )
    return RowsDiff(shifts, counts, shown, by_id)


def _alike(old: Tree, new: Tree, *, same_reader: bool) -> frozenset[str]:
    """Return the paths whose files are identical in both versions."""
    if not same_reader:
        return frozenset()
    there = {entry.path: entry.blake3 for entry in old.entries}
    return frozenset(entry.path for entry in new.entries if there.get(entry.path) == entry.blake3)


class _Codes:
    """Numbers for the values of labels and licences."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._values: list[str | None] = [None, _OTHERS]

    def number(self, value: str | None) -> int:
        if value is None:
            return 0
        found = self._numbers.get(value)
        if found is None:
            if len(self._values) > MAX_VALUES:
                return 1
            found = self._numbers[value] = len(self._values)
            self._values.append(value)
        return found

    def value(self, number: int) -> str | None:
        return self._values[number]


class _Side:
    """The rows of one version that may differ, in columns."""

    def __init__(
        self,
        repository: Repository,
        manifest: Manifest,
        tree: Tree,
        alike: frozenset[str],
        codes: _Codes,
    ) -> None:
        source = RecordSource.of(
            manifest, Tree(tuple(one for one in tree.entries if one.path not in alike))
        )
        self.roles = source.roles
        self._paths: list[str] = []
        columns = _Columns()
        for batch in source.batches(repository.blobs.open):
            if not self._paths or self._paths[-1] != batch.path:
                self._paths.append(batch.path)
            for at, row in enumerate(batch.rows):
                columns.add(row, self.roles, codes, len(self._paths) - 1, batch.position + at)
        self.rows, self.ids, self._files, self._lines, self.labels, self.licences = columns.arrays()
        names = (path.removesuffix(".jsonl") for path in self._paths)  # which filters append
        self._names = np.array([_hash(name.encode()) for name in names] or [0], np.uint64)

    def __len__(self) -> int:
        return len(self.rows)

    def mixed(self, keys: Array) -> Array:
        """Return the keys combined with the file's path: equal only for rows of the same path."""
        return keys ^ (self._names[self._files] * np.uint64(0x9E3779B97F4A7C15))

    def places(self, mask: Array) -> tuple[RowPlace, ...]:
        """Return the places of the first rows that a mask selects."""
        return tuple(
            RowPlace(self._paths[int(self._files[at])], int(self._lines[at]) + 1)
            for at in np.flatnonzero(mask)[:SHOWN]
        )


class _Columns:
    def __init__(self) -> None:
        self._columns = [array(code) for code in "QQIQII"]

    def add(self, row: bytes, roles: FieldRoles, codes: _Codes, file: int, position: int) -> None:
        try:
            fields = parse_row(row)
        except RowError:
            fields = {}
        identity = as_text(fields.get(roles.id)) if roles.id else None
        labels = ", ".join(roles.labels(fields))
        licence = as_text(fields.get(roles.licence)) if roles.licence else None
        values = (
            _hash(row),
            0 if identity is None else _hash(identity.encode()) | 1,
            file,
            position,
            codes.number(labels or None),
            codes.number(licence),
        )
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def arrays(self) -> list[Array]:
        kinds = (np.uint64, np.uint64, np.uint32, np.uint64, np.uint32, np.uint32)
        return [
            np.frombuffer(column, kind) if len(column) else np.zeros(0, kind)
            for column, kind in zip(self._columns, kinds, strict=True)
        ]


def _hash(data: bytes) -> int:
    return int.from_bytes(blake3(data).digest(8), "little")


def _matched(
    old: Array, new: Array, old_taken: Array | None = None, new_taken: Array | None = None
) -> tuple[Array, Array]:
    """Return two masks: the keys of each list that have a partner in the other list.

    Each key is the partner of at most one key; keys in ``old_taken`` and ``new_taken`` of none.
    """
    found = []
    for taken, keys in ((old_taken, old), (new_taken, new)):
        free = np.ones(len(keys), bool) if taken is None else ~taken
        found.append(np.flatnonzero(free & (keys != 0)))
    numbered = [_numbered(keys[places]) for keys, places in zip((old, new), found, strict=True)]
    masks = []
    for at, keys in enumerate((old, new)):
        mask = np.zeros(len(keys), bool)
        mask[found[at][np.isin(numbered[at], numbered[1 - at])]] = True
        masks.append(mask)
    return masks[0], masks[1]


def _numbered(keys: Array) -> Array:
    """Return keys made unique: the second of two equal keys becomes a different one, and so on."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.ones(len(keys), bool)
    starts[1:] = ordered[1:] != ordered[:-1]
    place = np.arange(len(keys))
    rank = place - place[starts][np.cumsum(starts) - 1] if len(keys) else place
    found = np.empty(len(keys), np.uint64)
    found[order] = ordered ^ (rank.astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9))
    return found


def _both(one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
    return one[0] | other[0], one[1] | other[1]


def _none(like: tuple[Array, Array]) -> tuple[Array, Array]:
    return np.zeros_like(like[0]), np.zeros_like(like[1])


def _pairs(old: Array, new: Array, old_mask: Array, new_mask: Array) -> tuple[Array, Array]:
    """Return the positions of partners in both lists: those at the same index belong together."""
    places = [np.flatnonzero(mask) for mask in (old_mask, new_mask)]
    keys = [_numbered(one[at]) for one, at in zip((old, new), places, strict=True)]
    first, second = (at[np.argsort(key)] for at, key in zip(places, keys, strict=True))
    return first, second


def _shifts(
    of: str, old: Array, new: Array, pairs: tuple[Array, Array], codes: _Codes
) -> Iterator[ValueShift]:
    was, now = old[pairs[0]].astype(np.uint64), new[pairs[1]].astype(np.uint64)
    other = was != now
    both, counts = np.unique(was[other] << np.uint64(32) | now[other], return_counts=True)
    found = [
        ValueShift(of, codes.value(int(key) >> 32), codes.value(int(key) & 0xFFFFFFFF), int(count))
        for key, count in zip(both, counts, strict=True)
    ]
    yield from sorted(found, key=lambda one: (-one.records, str(one.was), str(one.now)))
