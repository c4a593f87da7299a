"""Choice of the record to keep in a group of duplicates, by labels and fields (spec §12.5.15)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from blake3 import blake3

from lyrikstore.canon.json import encode
from lyrikstore.curate.readers.rows import has_value
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.recipes.filters.duplicates.first import first_of_each

Numbers = np.ndarray[Any, np.dtype[Any]]

CONFLICT = "label-conflict"
STANDING_BYTES = 16


class Grouping(NamedTuple):
    """Records ordered by groups of duplicates; the best record of a group comes first.

    Attributes:
        order: The indices of the records.
        starts: For each, whether a new group begins.
    """

    order: Numbers
    starts: Numbers


class DuplicateGroups(NamedTuple):
    """The decisions on groups of duplicates.

    Attributes:
        dropped: Indices of records to drop.
        kept: For each of them, the index of the record kept in its place.
        conflicting: Indices of records whose group has another label, too.
        others: For each of them, the index of a record with another label.
    """

    dropped: Numbers
    kept: Numbers
    conflicting: Numbers
    others: Numbers


def standing(record: FilterRecord) -> bytes:
    """Return the standing of a record in its group: its labels, and the number of filled fields.

    It consists of two little-endian numbers of 8 bytes. The first is a digest of the set of labels,
    or 0 without labels.
    """
    labels = sorted(set(record.roles.labels(record.fields)))
    digest = blake3(encode(labels)).digest(8) if labels else bytes(8)
    filled = sum(map(has_value, record.fields.values()))
    return digest + filled.to_bytes(8, "little")


def group(keys: Sequence[Numbers], alone: Numbers, labels: Numbers, filled: Numbers) -> Grouping:
    """Return the groups of records with equal keys, and the facts that choose one of a group.

    Args:
        keys: Numbers that are equal for the records of a group.
        alone: Whether a record is a group by itself, regardless of its keys.
        labels: Digests of the labels; 0 for a record without labels.
        filled: Number of fields with a value.

    Cost: a sort; some 40 bytes for each record.
    """
    order = np.lexsort((-filled.astype(np.int64), labels == 0, *keys))  # stable: storage order
    starts = alone[order]
    starts[:1] = True
    for key in keys:
        ordered = key[order]
        starts[1:] |= ordered[1:] != ordered[:-1]
    return Grouping(order, starts)


def group_duplicates(
    grouping: Grouping, labels: Numbers, *, drop_conflicts: bool
) -> DuplicateGroups:
    """Return the decisions on groups.

    The first record of a group is kept, and the first one of every other label in the group. With
    ``drop_conflicts``, all records of a group with several labels are conflicting.
    """
    order, starts = grouping
    number = np.cumsum(starts) - 1
    best = order[starts][number]
    ordered = labels[order]
    differs = (ordered != 0) & (ordered != ordered[starts][number])
    conflicts = np.logical_or.reduceat(differs, np.flatnonzero(starts))[number]
    plain = ~starts & ~conflicts
    some = np.flatnonzero(conflicts)
    at, groups, own = order[some], number[some], ordered[some]
    others = _others(at, groups, differs[some], best[some])
    if drop_conflicts:
        return DuplicateGroups(order[plain], best[plain], at, others)
    kept = np.where(own == 0, best[some], at[_first_of_pairs(groups, own)])
    goes = kept != at
    return DuplicateGroups(
        np.concatenate((order[plain], at[goes])),
        np.concatenate((best[plain], kept[goes])),
        at[~goes],
        others[~goes],
    )


def _others(at: Numbers, groups: Numbers, differs: Numbers, best: Numbers) -> Numbers:
    """Return for each conflicting record one with another label: the best one if possible."""
    split, first = np.unique(groups[differs], return_index=True)
    second = at[differs][first]
    return np.where(differs, best, second[np.searchsorted(split, groups)] if len(split) else best)


def _first_of_pairs(groups: Numbers, labels: Numbers) -> Numbers:
    pairs = np.column_stack((groups.astype("<u8"), labels.astype("<u8")))
    return first_of_each(pairs.view(np.uint8)) if len(pairs) else np.zeros(0, np.int64)
