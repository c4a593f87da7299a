"""Parts of a test set: by the values of fields, and by the length of texts (spec §13.9.6)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lyrikstore.verify.evaluation.answers import Numbers
from lyrikstore.verify.evaluation.predictions import MAX_SLICES

LENGTH = "@length"
"""What stands for a field where slices are by length."""

QUARTERS = ("shortest", "short", "long", "longest")
MOST_VALUES, MAX_CHARACTERS, MOST_FIELDS = 20, 256, 8
"""Values of a field, characters of each, and fields that are chosen where nobody names one."""


def find_slices(
    values: Mapping[str, Sequence[Sequence[str]]], lengths: Sequence[int] | None
) -> tuple[list[tuple[str, str]], list[list[int]]]:
    """Return the slices of a test set, and for each record the numbers of those that it is in.

    Args:
        values: Field → for each record its texts, in storage order.
        lengths: Bytes of each record's text, for slices by length; None: there are none.

    Returns:
        Field and value of each slice, at most :data:`MAX_SLICES`; and their numbers, record by
        record, ascending.
    """
    slices: list[tuple[str, str]] = []
    members: list[list[int]] = [[] for _ in next(iter(values.values()), lengths or ())]
    for field, texts in values.items():
        numbers: dict[str, int] = {}
        for value in _commonest(texts)[: MAX_SLICES - len(slices)]:
            numbers[value] = len(slices)
            slices.append((field, value))
        for at, some in enumerate(texts):
            members[at] += sorted({numbers[one] for one in some if one in numbers})
    if lengths is not None and len(slices) + len(QUARTERS) <= MAX_SLICES:
        quarters = length_quarters(lengths)
        named = sorted(set(quarters.tolist()))
        for at, quarter in enumerate(quarters.tolist()):
            members[at].append(len(slices) + named.index(quarter))
        slices += [(LENGTH, QUARTERS[one]) for one in named]
    return slices, members


class FewValues:
    """Tells which fields are sliced by where nobody names one: those with some values, and few.

    Args:
        fields: The fields in question, sorted by their bytes.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        self._found: dict[str, set[str]] = {name: set() for name in fields}

    def drop(self, values: Mapping[str, Sequence[str]]) -> list[str]:
        """Take the values of a record; return the fields that fall out by them."""
        dropped = []
        for name, some in values.items():
            found = self._found.get(name)
            if found is None:
                continue
            found.update(some)
            if len(found) > MOST_VALUES or any(len(one) > MAX_CHARACTERS for one in some):
                dropped.append(name)
        for name in dropped:
            del self._found[name]
        return dropped

    @property
    def kept(self) -> list[str]:
        """The fields that have at least two values, and not too many."""
        return [name for name, found in self._found.items() if len(found) > 1]


def group_field(config: Mapping[str, Any], test: Mapping[str, Any]) -> str | None:
    """Return the field whose records belong together, and are drawn so (spec §13.9.4).

    Args:
        config: Of the run; where it names none, the dataset says.
        test: Body of the dataset.
    """
    found = config.get("data", {}).get("group") or test.get("fields", {}).get("group")
    return str(found) if found else None


def length_quarters(lengths: Sequence[int]) -> Numbers:
    """Return the quarter of each record by length, 0 to 3; equal ones keep storage order."""
    order = np.argsort(np.asarray(lengths, np.int64), kind="stable")
    quarters = np.empty(len(lengths), np.int64)
    quarters[order] = np.arange(len(lengths)) * 4 // max(1, len(lengths))
    return quarters


def _commonest(texts: Iterable[Sequence[str]]) -> list[str]:
    counts = Counter(value for some in texts for value in set(some) if value)
    named = [value for value in counts if len(value) <= MAX_CHARACTERS]
    return sorted(named, key=lambda value: (-counts[value], value.encode()))[:MOST_VALUES]
