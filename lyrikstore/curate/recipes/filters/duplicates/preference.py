"""Which of several records that count as one stays, and what their labels say (spec §12.5.15)."""

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
    """Records, those that count as one beside each other, the one that stays first.

    Attributes:
        order: Their places.
        starts: Whether a new group begins.
    """

    order: Numbers
    starts: Numbers


class DuplicateGroups(NamedTuple):
    """What becomes of groups.

    Attributes:
        dropped: Places of records that another one stands for.
        kept: The place of that one, for each.
        conflicting: Places of records whose text others have with another label.
        others: The place of one of those, for each.
    """

    dropped: Numbers
    kept: Numbers
    conflicting: Numbers
    others: Numbers


def standing(record: FilterRecord) -> bytes:
    """Return what decides whether a record stays: its labels as a set, and its filled fields.

    Two numbers of 8 bytes, the least byte first: of the labels a digest, and 0 if it has none.
    """
    labels = sorted(set(record.roles.labels(record.fields)))
    digest = blake3(encode(labels)).digest(8) if labels else bytes(8)
    filled = sum(map(has_value, record.fields.values()))
    return digest + filled.to_bytes(8, "little")


def group(keys: Sequence[Numbers], alone: Numbers, labels: Numbers, filled: Numbers) -> Grouping:
    """Return the groups of records.

    Args:
        keys: Numbers that records of one group have in common.
        alone: Whether a record is one of its own, whatever its keys.
        labels: Digests of their labels; 0 without.
        filled: How many of their fields have a value.

    Cost: a sort; some 40 bytes a record.
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
    """Return what becomes of the groups.

    The first record of a group stays, and of every label that the group has besides. If
    ``drop_conflicts``, a group with more than one label is conflicting as a whole.
    """
    order, starts = grouping
    number = np.cumsum(starts) - 1
    best = order[starts][number]
    said = labels[order]
    differs = (said != 0) & (said != said[starts][number])
    conflicts = np.logical_or.reduceat(differs, np.flatnonzero(starts))[number]
    plain = ~starts & ~conflicts
    some = np.flatnonzero(conflicts)
    at, groups, own = order[some], number[some], said[some]
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
    """Return, for each record in conflict, one with another label: the best, if it can be."""
    found, first = np.unique(groups[differs], return_index=True)
    second = at[differs][first]
    return np.where(differs, best, second[np.searchsorted(found, groups)] if len(found) else best)


def _first_of_pairs(groups: Numbers, labels: Numbers) -> Numbers:
    pairs = np.column_stack((groups.astype("<u8"), labels.astype("<u8")))
    return first_of_each(pairs.view(np.uint8)) if len(pairs) else np.zeros(0, np.int64)
