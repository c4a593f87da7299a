"""``scan/1``: counts personal data and changes nothing (spec §12.5.12)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lyrikstore.curate.personal.kinds import KINDS
from lyrikstore.curate.recipes.filters.contract import FieldReport, FilterRecord, Keep, Outcome
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.recipes.filters.personal.search import PersonalFilter


@dataclass(frozen=True, slots=True)
class ScanPersonal(PersonalFilter):
    """Filter that reports counts of personal data, by field and kind."""

    USE: ClassVar[str] = "scan/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = PersonalFilter.SEARCHES

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            LyrikstoreError: As :meth:`PersonalFilter.searched`.
        """
        return cls(**cls.searched(values))

    def decide(self, record: FilterRecord) -> Outcome:
        """Return `Keep` with a report for each field and kind."""
        return Keep(
            reports=tuple(
                FieldReport(f"found-{kind}", field, kinds[kind])
                for field, kinds in self.counts(record).items()
                for kind in KINDS
                if kind in kinds
            )
        )
