"""``allow/1``: keeps records by the value in a sheet column (spec §12.5.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lyrikstore.curate.readers.rows import as_texts
from lyrikstore.curate.recipes.filters.contract import (
    Drop,
    Filter,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter


@dataclass(frozen=True, slots=True)
class Allow(Filter):
    """Drops records whose value in one column is not on the list.

    Attributes:
        column: The sheet column.
        values: The values that pass, compared exactly.
        keep_absent: Whether a record without a value passes.
    """

    USE: ClassVar[str] = "allow/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("column", "string", "the sheet column to look at"),
        Parameter("values", "strings", "the values that pass; compared exactly"),
        Parameter(
            "absent",
            "string",
            "what happens to records without a value",
            default="drop",
            choices=("drop", "keep"),
        ),
    )

    column: str
    values: frozenset[str]
    keep_absent: bool

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step."""
        return cls(values["column"], frozenset(values["values"]), values["absent"] == "keep")

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads its column."""
        return (f"meta:{self.column}",)

    def decide(self, record: FilterRecord) -> Outcome:
        """Return what becomes of a record."""
        values = as_texts(record.fields.get(self.column))
        if not values:
            if self.keep_absent:
                return Keep()
            return Drop("no-value", f"no value in column {self.column!r}")
        other = next((value for value in values if value not in self.values), None)
        if other is None:
            return Keep()
        return Drop("not-allowed", f"{self.column} is {other[:200]!r}")
