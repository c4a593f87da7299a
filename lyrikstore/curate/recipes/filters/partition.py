"""``partition/1``: one shard of rows for each value of a field (spec §12.5.9)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.recipes.filters.contract import Candidate, Decide, Filter, Keep, Outcome
from lyrikstore.curate.recipes.filters.parameters import Parameter

MAX_VALUE_BYTES = 100
"""Longest value, in UTF-8, that a folder is named by."""

_OTHER = re.compile(r"[^A-Za-z0-9._+-]")


@dataclass(frozen=True, slots=True)
class PartitionRows(Filter):
    """Puts rows into folders by a field, so that terms can select them (spec §19.3).

    Attributes:
        field: The field; empty: the one of the role ``licence``.
    """

    USE: ClassVar[str] = "partition/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "field",
            "string",
            "the field whose values name the folders; without it that of the role licence",
            optional=True,
        ),
    )
    NEEDS_ROWS: ClassVar[bool] = True

    field: str

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step."""
        return cls(values.get("field", ""))

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads its field, if it names one."""
        return (f"meta:{self.field}",) if self.field else ()

    def start(self) -> Decide:
        """Return the decision function."""
        return self._decide

    def _decide(self, candidate: Candidate) -> Outcome:
        field = self.field or candidate.roles.licence
        if not field:
            raise InvalidInputError(
                "no-licence-field",
                "partition/1 names no field, and none is the licence",
                hint="name it: field = FIELD, or commit --licence-field FIELD",
            )
        value = candidate.value(field)
        if value is not None and len(value.encode()) > MAX_VALUE_BYTES:
            raise InvalidInputError(
                "bad-partition",
                f"{candidate.path}:{candidate.position + 1}: {field} is longer than "
                f"{MAX_VALUE_BYTES} bytes, which names no folder",
                hint="shorten such values first with map/1",
            )
        return Keep(folder=f"{_escaped(field)}={_escaped('unknown' if value is None else value)}")


def _escaped(text: str) -> str:
    """Return a text as a part of a path: what may not be there as ``%XX`` of its UTF-8 bytes."""
    return _OTHER.sub(lambda m: "".join(f"%{byte:02X}" for byte in m[0].encode()), text)
