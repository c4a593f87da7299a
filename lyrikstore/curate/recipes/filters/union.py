"""``union/1``: the first step of what was made from several datasets (spec §12.5.7)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from lyrikstore.curate.recipes.filters.contract import Filter, FilterRecord, Keep, Outcome


class Union(Filter):
    """Keeps every record; that several datasets were put together, the signed recipe says by it."""

    USE: ClassVar[str] = "union/1"

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """Return the step; it takes no parameters."""
        return cls()

    def reads(self) -> tuple[str, ...]:
        """Return nothing: neither texts nor metadata are looked at."""
        return ()

    def decide(self, record: FilterRecord) -> Outcome:  # noqa: ARG002
        """Return that it stays."""
        return Keep()
