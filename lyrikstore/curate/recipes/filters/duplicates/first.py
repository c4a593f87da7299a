"""``drop-duplicates/1``: keeps the first of equal texts (spec §12.5.3)."""

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
    """Drops records whose normalised text an earlier record already has.

    Cost: 16 bytes of digest for each record on disk, and some 40 in memory.
    """

    USE: ClassVar[str] = "drop-duplicates/1"

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """Return the step; it takes no parameters."""
        return cls()

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads the text."""
        return (TEXT,)

    def way_out(self, roles: FieldRoles) -> str:
        """Return by what it compares records, and how they are compared by something else."""
        return compared_by(roles.text)

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the digest of the normalised text."""
        return lambda record: blake3(normalise(record.require_text(self.USE)).encode()).digest(16)

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return that the first of each text stays."""
        judgement = DatasetDecisions(len(records), ("duplicate",))
        if len(records):
            firsts = first_of_each(records.columns(16))
            later = np.flatnonzero(firsts != np.arange(len(records)))
            judgement.drop(later, "duplicate", firsts[later])
        return judgement

    def detail(self, reason: str, other: str) -> str:  # noqa: ARG002
        """Return whose text it is."""
        return f"same text as {other}"


def compared_by(names: Sequence[str]) -> str:
    """Return by which fields records are compared, and what to do if others tell them apart."""
    if not names:  # documents
        return "compared is the whole text of each: look at some of them with filter -n"
    what = ", ".join(names)
    return f"compared is {what}; if another field is the text, {say_which('--text FIELD')}"


def first_of_each(keys: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return, for each of some keys of 16 bytes, the place of the first that equals it.

    Cost: a sort; some 40 bytes a key.
    """
    numbers = np.ascontiguousarray(keys).view("<u8")
    order = np.lexsort((numbers[:, 1], numbers[:, 0]))  # stable: equals stay in their order
    ordered = numbers[order]
    starts = np.ones(len(order), bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    firsts = np.empty(len(order), np.int64)
    firsts[order] = order[np.flatnonzero(starts)[np.cumsum(starts) - 1]]
    return firsts
