"""``split/1``: splits records into train, validation and test (spec §12.5.6).

The part follows from a hash of seed and group value, and does not depend on other records: files
added later never move earlier ones, and the part of a record cannot be chosen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from blake3 import blake3

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.filters.contract import Filter, FilterRecord, Keep, Outcome
from lyrikstore.curate.recipes.filters.parameters import Parameter

PARTS = ("train", "validation", "test")
_CONTEXT = "lyrikstore 2026-11 split"


@dataclass(frozen=True, slots=True)
class Split(Filter):
    """Filter that splits records into parts; all records of a group get into the same part.

    Attributes:
        by: The group column, or ``None``: every record is its own group.
        seed: The seed; another seed gives another split.
        bounds: (part, exclusive upper bound of the 64-bit hash), without parts of fraction 0.
    """

    USE: ClassVar[str] = "split/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "by",
            "string",
            "sheet column of the groups: records with equal values get into the same part; "
            "default: each record is a group",
            optional=True,
        ),
        Parameter("seed", "seed", "another seed gives another split", default="0"),
        Parameter("train", "fraction", "share of the groups", default="0.8"),
        Parameter("validation", "fraction", "share of the groups", default="0.1"),
        Parameter("test", "fraction", "share of the groups", default="0.1"),
    )

    by: str | None
    seed: str
    bounds: tuple[tuple[str, int], ...]

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) the shares do not add up to 1.
        """
        shares = [(part, Decimal(values[part])) for part in PARTS]
        total = sum((share for _, share in shares), Decimal(0))
        if total != 1:
            raise InvalidInputError(
                "bad-recipe",
                f"the shares train, validation and test add up to {total}, not 1",
                hint="such as train = 0.8, validation = 0.1, test = 0.1",
            )
        bounds: list[tuple[str, int]] = []
        upper = Decimal(0)
        for part, share in shares:
            upper += share
            if share > 0:
                bounds.append((part, int(upper * 10**9) * 2**64 // 10**9))
        return cls(values.get("by"), values["seed"], tuple(bounds))

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: its group column."""
        return () if self.by is None else (f"meta:{self.by}",)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that can receive records, in order."""
        return tuple(part for part, _ in self.bounds)

    def group(self, roles: FieldRoles) -> str:  # noqa: ARG002
        """Return the group column; empty: each record is its own group."""
        return self.by or ""

    @property
    def draws_by_source(self) -> bool:
        """True: a value or a record id of the source decides."""
        return True

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        # The value in the source: an earlier step may have redacted all values to one placeholder,
        # which would put all records into one group.
        value = as_text(record.source.get(self.by)) if self.by is not None else None
        if value is None:
            return Keep(self.part_of("record", record.source_id.hex))
        return Keep(self.part_of("value", value))

    def part_of(self, group_kind: str, group: str) -> str:
        """Return the part of one group.

        Args:
            group_kind: ``value`` for a column value, ``record`` for a record without one.
            group: The value, or the record id in hex.
        """
        number = split_number(self.seed, group_kind, group)
        return next(part for part, bound in self.bounds if number < bound)


def split_number(seed: str, group_kind: str, group: str) -> int:
    """Return the 64-bit hash that decides the part of a group.

    Args:
        seed: The seed.
        group_kind: ``value`` for the value of a field, ``record`` for a record without one.
        group: The value, or the record id in hex.
    """
    digest = blake3(encode([seed, group_kind, group]), derive_key_context=_CONTEXT).digest(length=8)
    return int.from_bytes(digest, "big")
