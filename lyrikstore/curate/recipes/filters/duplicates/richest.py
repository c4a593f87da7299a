"""``drop-duplicates/2``: keeps the most complete of equal records (spec §12.5.15)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from blake3 import blake3

from lyrikstore.canon.json import encode
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, FieldRoles
from lyrikstore.curate.readers.rows import as_texts
from lyrikstore.curate.recipes.filters.contract import (
    TEXT,
    DatasetFilter,
    FilterRecord,
    reads_field,
)
from lyrikstore.curate.recipes.filters.dataset_steps import DatasetDecisions, KeyedRecords
from lyrikstore.curate.recipes.filters.duplicates.first import compared_by
from lyrikstore.curate.recipes.filters.duplicates.preference import (
    CONFLICT,
    STANDING_BYTES,
    group,
    group_duplicates,
    standing,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.text import normalise

EXACT, NORMALISED = "duplicate-exact", "duplicate-normalised"

CONFLICTS = Parameter(
    "conflicts",
    "string",
    "what to do with records that differ in their label only",
    default="keep",
    choices=("keep", "drop"),
)

_NORMAL, _EXACT = 16, 8
_WIDTH = _NORMAL + _EXACT + STANDING_BYTES


@dataclass(frozen=True, slots=True)
class KeepRichestDuplicate(DatasetFilter):
    """Filter that keeps one record of those with equal values, and reports conflicting labels.

    Attributes:
        by: The fields whose values are compared; empty: the text fields.
        drop_conflicts: Whether to drop records with equal values and different labels.

    Cost: 40 bytes for each record on disk, and some 120 in memory.
    """

    USE: ClassVar[str] = "drop-duplicates/2"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "by",
            "strings",
            "the fields whose values are compared; default: the text",
            optional=True,
        ),
        CONFLICTS,
    )

    by: tuple[str, ...]
    drop_conflicts: bool

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step."""
        return cls(tuple(values.get("by", ())), values["conflicts"] == "drop")

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the fields that it compares."""
        return tuple(map(reads_field, self.by)) or (TEXT,)

    def way_out(self, roles: FieldRoles) -> str:
        """Return a hint: the fields that the step compares, and how to compare others."""
        if not self.by:
            return compared_by(roles.text)
        return f"the step compares {', '.join(self.by)}; name all distinguishing fields in by"

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the function that computes a key: two digests of the values, and the standing.

        The first digest is that of the values in normal form.
        """
        return self._key

    def _key(self, record: FilterRecord) -> bytes:
        names = tuple(map(record.name_of, self.by)) or record.text_fields
        if DOCUMENT_TEXT in names:
            record.require_text(self.USE)
        values = [as_texts(record.fields.get(name)) for name in names]
        if not any(values):
            return bytes(_NORMAL + _EXACT) + standing(record)
        normal = encode([list(map(normalise, texts)) for texts in values])
        return (
            blake3(normal).digest(_NORMAL)
            + blake3(encode(values)).digest(_EXACT)
            + standing(record)
        )

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return decisions that keep, for each group and each label in it, the best record."""
        judgement = DatasetDecisions(len(records), (EXACT, NORMALISED, CONFLICT))
        if not len(records):
            return judgement
        numbers = records.columns(_WIDTH).view("<u8")
        first, second, exact, labels, filled = (np.array(numbers[:, at]) for at in range(5))
        grouping = group((first, second), (first == 0) & (second == 0), labels, filled)
        del first, second, filled
        groups = group_duplicates(grouping, labels, drop_conflicts=self.drop_conflicts)
        same = exact[groups.dropped] == exact[groups.kept]
        judgement.drop(groups.dropped[same], EXACT, groups.kept[same])
        judgement.drop(groups.dropped[~same], NORMALISED, groups.kept[~same])
        decide = judgement.drop if self.drop_conflicts else judgement.report
        decide(groups.conflicting, CONFLICT, groups.others)
        return judgement

    def detail(self, reason: str, other: str) -> str:
        """Return the detail, with the name of the equal record."""
        compared = ", ".join(self.by) or "text"
        if reason == CONFLICT:
            return f"same {compared} as {other}, with another label"
        return f"same {compared} as {other}"
