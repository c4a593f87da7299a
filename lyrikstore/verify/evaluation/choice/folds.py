"""The fold of each record: a function of seed, labels and groups alone (spec §13.2.2).

No record id and no text takes part, so whoever has what a checkpoint keeps deals again.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from blake3 import blake3
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.verify.evaluation.choice.task import Flags

FOLDS = 5
"""Number of folds; each record is answered by models of the other four folds."""

FEW = 300
"""Number of records below which folds are repeated :data:`REPEATS` times, against chance."""

REPEATS = 3

_CONTEXT = "lyrikstore 2026-12 folds"

Rows = NDArray[np.intp]


class FoldedRecords(Struct, frozen=True, dict=True):
    """The records on which candidates are compared: training records, then validation records.

    Attributes:
        seed: Of the run; the folds follow from it.
        training: How many of them, the first ones, are training records.
        expected: Which labels they have: records × labels.
        groups: The number of each record's group, from 0 as they come; None: there are no groups.
    """

    seed: int
    training: int
    expected: Flags
    groups: Sequence[int] | None

    @property
    def validation(self) -> int:
        """Number of validation records."""
        return len(self.expected) - self.training

    @property
    def repeats(self) -> int:
        """Number of repeats."""
        return repeats_of(len(self.expected))

    @cached_property
    def folds(self) -> NDArray[np.uint8]:
        """The fold of each record: repeats × records."""
        return deal_folds(self.seed, self.expected, self.groups, self.repeats)

    def rows(self, repeats: int) -> Rows:
        """Return the rows of some repeats; for 0 repeats, those of the validation records.

        Row ``r · records + place`` is about the record of that place, in repeat ``r``.
        """
        count = len(self.expected)
        return np.arange(repeats * count) if repeats else np.arange(self.training, count)


def repeats_of(records: int) -> int:
    """Return the number of repeats for a number of records."""
    return REPEATS if records < FEW else 1


def field_of_groups(config: Mapping[str, Any], datasets: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the field that groups training and validation records, or None.

    Args:
        config: Of the run, which may be anything; where it names none, the datasets say.
        datasets: Bodies of the training and validation data, which have to agree.
    """
    data = config.get("data")
    named = data.get("group") if isinstance(data, dict) else None
    if isinstance(named, str) and named:
        return named
    roles = {one.get("fields", {}).get("group") for one in datasets}
    (found,) = roles if len(roles) == 1 else (None,)
    return str(found) if found else None


def number_groups(keys: Iterable[tuple[str, ...]]) -> list[int]:
    """Return the group number of each record, from 0 in the order of occurrence.

    Args:
        keys: The texts of that field, of each record (:func:`read_labelled`); a record without
            any is a group of its own.
    """
    known: dict[tuple[str, ...], int] = {}
    found: list[int] = []
    fresh = 0
    for key in keys:
        number = known.setdefault(key, fresh) if key else fresh
        fresh = max(fresh, number + 1)
        found.append(number)
    return found


def deal_folds(
    seed: int, expected: Flags, groups: Sequence[int] | None, repeats: int
) -> NDArray[np.uint8]:
    """Return the fold of each record: repeats × records.

    What belongs together falls into one fold, each label into all of them as evenly as that
    leaves it.

    Args:
        seed: Of the run.
        expected: Which labels the records have: records × labels.
        groups: The group of each record; None: each is one of its own.
        repeats: How often they are dealt.

    Cost: one pass over the records a repeat.
    """
    records = len(expected)
    strata = _strata(expected)
    units: dict[int, list[int]] = {}
    for at, unit in enumerate(range(records) if groups is None else groups):
        units.setdefault(unit, []).append(at)
    sized = [(int(np.bincount(strata[members]).argmax()), members) for members in units.values()]
    found = np.zeros((repeats, records), np.uint8)
    for repeat in range(repeats):
        prefix = seed.to_bytes(8, "big") + repeat.to_bytes(4, "big")
        dealt = sorted(sized, key=lambda one: (one[0], -len(one[1]), _key(prefix, one[1][0])))
        counts = np.zeros((FOLDS, expected.shape[1] + 1), np.int64)
        totals = [0] * FOLDS
        for stratum, members in dealt:
            fold = min(zip(counts[:, stratum].tolist(), totals, range(FOLDS), strict=True))[2]
            for at in members:
                found[repeat, at] = fold
                counts[fold, strata[at]] += 1
            totals[fold] += len(members)
    return found


def _strata(expected: Flags) -> NDArray[np.int64]:
    """Return the rarest label of each record; without labels, the number after the last."""
    labels = expected.shape[1]
    sizes = np.where(expected, expected.sum(0, dtype=np.int32)[None, :], np.int32(2**31 - 1))
    return np.asarray(np.where(expected.any(1), sizes.argmin(1), labels))


def _key(prefix: bytes, place: int) -> bytes:
    return blake3(prefix + place.to_bytes(4, "big"), derive_key_context=_CONTEXT).digest()
