"""``allow/1``: keeps records whose value in one column is listed (spec §12.5.4)."""

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
    """Filter that keeps records whose value in one column is listed.

    Attributes:
        column: The sheet column.
        values: The allowed values, compared exactly.
        keep_absent: Whether a record without a value is kept.
    """

    USE: ClassVar[str] = "allow/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("column", "string", "the sheet column to check"),
        Parameter("values", "strings", "the allowed values; compared exactly"),
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
        """Return the configured step."""
        return cls(values["column"], frozenset(values["values"]), values["absent"] == "keep")

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: its column."""
        return (f"meta:{self.column}",)

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        values = as_texts(record.fields.get(self.column))
        if not values:
            if self.keep_absent:
                return Keep()
            return Drop("no-value", f"no value in column {self.column!r}")
        other = next((value for value in values if value not in self.values), None)
        if other is None:
            return Keep()
        return Drop("not-allowed", f"{self.column} is {other[:200]!r}")
