"""``partition/1``: puts rows into a folder for each value of a field (spec §12.5.9)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.recipes.filters.contract import Filter, FilterRecord, Keep, Outcome
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.history.trees.paths import path_offence

_OTHER = re.compile(r"[^A-Za-z0-9._+-]|\.\Z")
"""Characters to escape in folder names; also a full stop at the end, which Windows drops."""


@dataclass(frozen=True, slots=True)
class PartitionRows(Filter):
    """Filter that puts rows into folders by a field, so that terms can select them (spec §19.3).

    Attributes:
        field: The field; empty: the field with the role ``licence``.
    """

    USE: ClassVar[str] = "partition/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "field",
            "string",
            "the field whose values name the folders; default: the field with the role licence",
            optional=True,
        ),
    )
    NEEDS_ROWS: ClassVar[bool] = True
    NAMES_FOLDERS: ClassVar[bool] = True

    field: str

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step."""
        return cls(values.get("field", ""))

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: its field, if the recipe names one."""
        return (f"meta:{self.field}",) if self.field else ()

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        field = self.field or record.roles.licence
        if not field:
            raise InvalidInputError(
                "no-licence-field",
                "the partition/1 step names no field, and no field has the role licence",
                hint="name the field: field = FIELD, or commit --licence-field FIELD",
            )
        value = record.value(field)
        folder = f"{_escaped(field)}={_escaped('unknown' if value is None else value)}"
        if (offence := path_offence(folder)) is not None:
            raise InvalidInputError(
                "bad-partition",
                f"{record.place}: the escaped folder name of this {field} {offence.reason}",
                hint="shorten such values first with map/1",
                details={"folder": offence.shown[:1000]},
            )
        return Keep(folder=folder)


def _escaped(text: str) -> str:
    """Return a text as part of a folder name, other characters as ``%XX`` of UTF-8 bytes."""
    return _OTHER.sub(lambda m: "".join(f"%{byte:02X}" for byte in m[0].encode()), text)
