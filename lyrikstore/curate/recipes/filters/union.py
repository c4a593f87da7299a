"""``union/1``: the first step of a filter over several datasets (spec §12.5.7)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from lyrikstore.curate.recipes.filters.contract import Filter, FilterRecord, Keep, Outcome


class Union(Filter):
    """Filter that keeps every record; it records in the signed recipe that datasets were united."""

    USE: ClassVar[str] = "union/1"

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """Return the configured step; it takes no parameters."""
        return cls()

    def reads(self) -> tuple[str, ...]:
        """Return no inputs: the step reads neither texts nor metadata."""
        return ()

    def decide(self, record: FilterRecord) -> Outcome:  # noqa: ARG002
        """Return `Keep`."""
        return Keep()
