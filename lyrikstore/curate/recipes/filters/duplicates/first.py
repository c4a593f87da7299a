"""``drop-duplicates/1``: keeps the first record of each text (spec §12.5.3)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from blake3 import blake3

from lyrikstore.curate.readers.fields import FieldRoles, say_which
from lyrikstore.curate.recipes.filters.contract import (
    TEXT,
    DatasetFilter,
    FilterRecord,
)
from lyrikstore.curate.recipes.filters.dataset_steps import DatasetDecisions, KeyedRecords
from lyrikstore.curate.text import normalise


class DropDuplicates(DatasetFilter):
    """Filter that drops records with the normalised text of an earlier record.

    Cost: 16 bytes of digest for each record on disk, and some 40 in memory.
    """

    USE: ClassVar[str] = "drop-duplicates/1"

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """Return the configured step; it takes no parameters."""
        return cls()

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the text."""
        return (TEXT,)

    def way_out(self, roles: FieldRoles) -> str:
        """Return a hint: the fields that the step compares, and how to compare others."""
        return compared_by(roles.text)

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the function that computes a key: the digest of the normalised text."""
        return lambda record: blake3(normalise(record.require_text(self.USE)).encode()).digest(16)

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return decisions that keep the first record of each text."""
        judgement = DatasetDecisions(len(records), ("duplicate",))
        if len(records):
            firsts = first_of_each(records.columns(16))
            later = np.flatnonzero(firsts != np.arange(len(records)))
            judgement.drop(later, "duplicate", firsts[later])
        return judgement

    def detail(self, reason: str, other: str) -> str:  # noqa: ARG002
        """Return the detail, with the name of the kept record."""
        return f"same text as {other}"


def compared_by(names: Sequence[str]) -> str:
    """Return a hint: the text fields that are compared, and how to compare others."""
    if not names:  # documents
        return "the step compares whole texts; see a few duplicates with filter -n"
    compared = ", ".join(names)
    return (
        f"the step compares {compared}; if another field is the text, {say_which('--text FIELD')}"
    )


def first_of_each(keys: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return for each key of 16 bytes the index of the first equal key.

    Cost: a sort; some 40 bytes for each key.
    """
    numbers = np.ascontiguousarray(keys).view("<u8")
    order = np.lexsort((numbers[:, 1], numbers[:, 0]))  # stable: equal keys keep their order
    ordered = numbers[order]
    starts = np.ones(len(order), bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    firsts = np.empty(len(order), np.int64)
    firsts[order] = order[np.flatnonzero(starts)[np.cumsum(starts) - 1]]
    return firsts
