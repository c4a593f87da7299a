"""``split/2``: splits records into parts by hash, or by the values of a field (spec §12.5.8)."""

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
    """Filter that splits records into parts.

    All records of a group, and all that were made from one source record, get into the same part.

    Attributes:
        hashed: The split by hash; None: split by a field.
        column: That field; empty: the field with the role ``split``.
        named: Value of the field → part.
    """

    USE: ClassVar[str] = "split/2"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "by",
            "string",
            "field of the groups: records with equal values get into the same part; default: the "
            "field with the role group, or each record alone",
            optional=True,
        ),
        Parameter("seed", "seed", "another seed gives another split", default="0"),
        Parameter(
            "column",
            "string",
            "field that names the part, instead of a hash; default: the field with the role split",
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
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) the recipe mixes shares and values of a field, the
                shares do not add up to 1, or two parts list the same value.
        """
        shares = {part: values[part] for part in PARTS}
        lists = [part for part in PARTS if isinstance(shares[part], list)]
        if not lists:
            if "column" in values:
                raise _bad("column requires lists of values for the parts", _LISTS)
            return cls(Split.configure(values), "", {})
        if "by" in values:
            raise _bad(
                "the parameter `by` works only with shares, and these parts are lists of values",
                "omit `by`",
            )
        named: dict[str, str] = {}
        for part in lists:
            for value in shares[part]:
                if named.setdefault(value, part) != part:
                    raise _bad(f"two parts list the value {value[:80]!r}", _LISTS)
        return cls(None, values.get("column", ""), named)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that can receive records, in order."""
        if self.hashed is not None:
            return self.hashed.parts
        return tuple(part for part in PARTS if part in self.named.values())

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: its field, if the recipe names one."""
        if self.hashed is not None:
            return self.hashed.reads()
        return (f"meta:{self.column}",) if self.column else ()

    def group(self, roles: FieldRoles) -> str | None:
        """Return the field of the groups; None if a field names the part."""
        return None if self.hashed is None else self.hashed.by or roles.group

    @property
    def draws_by_source(self) -> bool:
        """Whether a value or a record id of the source decides."""
        return self.hashed is not None

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        if self.hashed is None:
            return self._named(record)
        by = self.group(record.roles)
        # The value in the source: an earlier step may have redacted all values to one placeholder,
        # which would put all records into one group. A field that a step made is read as it is.
        fields = record.source if by in record.source else record.fields
        value = as_text(fields.get(by)) if by else None
        if value is not None:
            return Keep(self.hashed.part_of("value", value))
        return Keep(self.hashed.part_of("record", record.source_id.hex))

    def _named(self, record: FilterRecord) -> Outcome:
        column = self.column or record.roles.split
        if not column:
            raise InvalidInputError(
                "no-split",
                "split/2 splits by a field, but names none, and no field has the role split",
                hint="name the field: column = FIELD, or commit --split FIELD",
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
