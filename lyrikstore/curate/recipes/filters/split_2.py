"""``split/2``: deals records into parts by hash, or by what a field says (spec §12.5.8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.filters.contract import (
    Drop,
    Filter,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.recipes.filters.split import PARTS, Split


@dataclass(frozen=True, slots=True)
class SplitByField(Filter):
    """Deals records into parts; those of one group, and what was made of one record, never part.

    Attributes:
        hashed: How records are dealt by hash; None: by a field.
        column: That field; empty: the one of the role ``split``.
        named: Value of the field → part.
    """

    USE: ClassVar[str] = "split/2"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "by",
            "string",
            "field whose equal values stay together; without it that of the role group, else each "
            "record is dealt alone",
            optional=True,
        ),
        Parameter("seed", "seed", "another seed deals anew", default="0"),
        Parameter(
            "column",
            "string",
            "field that says the part, instead of a hash; without it that of the role split",
            optional=True,
        ),
        Parameter("train", "share", "share of the groups, or values of the field", default="0.8"),
        Parameter("validation", "share", "likewise", default="0.1"),
        Parameter("test", "share", "likewise", default="0.1"),
    )

    hashed: Split | None
    column: str
    named: Mapping[str, str]

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            InvalidInputError: (``bad-recipe``) shares and values of a field are mixed, the shares
                do not add up to 1, or a value is of two parts.
        """
        given = {part: values[part] for part in PARTS}
        lists = [part for part in PARTS if isinstance(given[part], list)]
        if not lists:
            if "column" in values:
                raise _bad("column wants the values of each part", _LISTS)
            return cls(Split.configure(values), "", {})
        if "by" in values:
            raise _bad("by is for shares; a field says the part already", "leave out by")
        named: dict[str, str] = {}
        for part in lists:
            for value in given[part]:
                if named.setdefault(value, part) != part:
                    raise _bad(f"{value[:80]!r} is of two parts", _LISTS)
        return cls(None, values.get("column", ""), named)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that can receive records, in order."""
        if self.hashed is not None:
            return self.hashed.parts
        return tuple(part for part in PARTS if part in self.named.values())

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads its field, if it names one."""
        if self.hashed is not None:
            return self.hashed.reads()
        return (f"meta:{self.column}",) if self.column else ()

    def group(self, roles: FieldRoles) -> str | None:
        """Return the field whose equal values stay together; None where a field says the part."""
        return None if self.hashed is None else self.hashed.by or roles.group

    @property
    def draws_by_source(self) -> bool:
        """Whether a value or a record id of the source decides."""
        return self.hashed is not None

    def decide(self, record: FilterRecord) -> Outcome:
        """Return what becomes of a record."""
        if self.hashed is None:
            return self._named(record)
        by = self.group(record.roles)
        # The source's value: a step before may have redacted every owner to one placeholder, and
        # that would put all records into one group. What only a step has made is read as it is.
        found = record.source if by in record.source else record.fields
        value = as_text(found.get(by)) if by else None
        if value is not None:
            return Keep(self.hashed.part_of("value", value))
        return Keep(self.hashed.part_of("record", record.source_id.hex))

    def _named(self, record: FilterRecord) -> Outcome:
        column = self.column or record.roles.split
        if not column:
            raise InvalidInputError(
                "no-split",
                "split/2 deals by a field, and no field says the part",
                hint="name it: column = FIELD, or commit --split FIELD",
            )
        value = record.value(column)
        if value is None:
            return Drop("no-part", f"no value in {column}")
        part = self.named.get(value)
        if part is None:
            return Drop("other-part", f"{column} is {value[:200]!r}")
        return Keep(part)


_LISTS = 'such as train = ["train"], validation = ["val", "dev"], test = ["test"]'


def _bad(message: str, hint: str) -> InvalidInputError:
    return InvalidInputError("bad-recipe", f"split/2: {message}", hint=hint)
