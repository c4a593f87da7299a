"""``drop-personal/1``: drops records that hold personal data of chosen kinds (spec §12.5.14)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lyrikstore.curate.personal.kinds import KINDS
from lyrikstore.curate.recipes.filters.contract import Drop, FilterRecord, Keep, Outcome
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.recipes.filters.personal.search import (
    COLUMNS_PARAMETER,
    DETECTORS_PARAMETER,
    TEXT_PARAMETER,
    PersonalFilter,
)


@dataclass(frozen=True, slots=True)
class DropPersonal(PersonalFilter):
    """Filter that drops records with personal data of a listed kind."""

    USE: ClassVar[str] = "drop-personal/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        DETECTORS_PARAMETER,
        Parameter("kinds", "strings", "kinds that no record may hold", choices=tuple(KINDS)),
        TEXT_PARAMETER,
        COLUMNS_PARAMETER,
    )

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            LyrikstoreError: As :meth:`PersonalFilter.searched`.
        """
        return cls(**cls.searched(values))

    def decide(self, record: FilterRecord) -> Outcome:
        """Return `Drop` for the first kind of ``KINDS`` that is in the record, or `Keep`."""
        totals: Counter[str] = Counter()
        for counts in self.counts(record).values():
            totals.update(counts)
        present = [kind for kind in KINDS if totals[kind]]
        if not present:
            return Keep()
        detail = ", ".join(f"{kind} {totals[kind]}" for kind in present)
        return Drop(f"personal-{present[0]}", detail)
