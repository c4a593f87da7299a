"""``drop-empty/1``: drops records without text (spec §12.5.2)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from lyrikstore.curate.recipes.filters.contract import (
    TEXT,
    Drop,
    Filter,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.text import is_blank


class DropEmpty(Filter):
    """Filter that drops records whose text is empty, only white space, or not UTF-8."""

    USE: ClassVar[str] = "drop-empty/1"

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """Return the configured step; it takes no parameters."""
        return cls()

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the text."""
        return (TEXT,)

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        if record.text is None:
            return Drop("undecodable", "the bytes are not UTF-8")
        if not record.text:
            return Drop("empty", "0 bytes")
        if is_blank(record.text):
            return Drop("blank", "only white space")
        return Keep()
