"""Rows as typed columns, which Parquet and SQL need (docs/rows.md).

A column whose values are of several types is text, as :func:`as_text` writes it; whole numbers and
fractions together are numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON, MAX_INTEGER
from lyrikstore.curate.readers.rows import Fields, as_text

if TYPE_CHECKING:
    import pyarrow as pa

MAX_COLUMNS = 10_000
"""Largest number of columns of a table; rows with more different fields can only be JSONL."""

STRING, INTEGER, NUMBER, BOOLEAN = "string", "integer", "number", "boolean"
STRINGS = "strings"
"""A kind of column: lists of strings."""

TEXT = "text"
"""A kind of column: values of several types, or of one that has no column, written as text."""


class ColumnKinds:
    """The kinds of the columns of some rows, found by reading all rows."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def add(self, fields: Fields) -> None:
        """Add the kinds of one row's values.

        Raises:
            InvalidInputError: (``too-many-columns``) the rows have more than :data:`MAX_COLUMNS`
                different fields.
        """
        for name, value in fields.items():
            self.join(name, _kind(value))

    def join(self, name: str, kind: str) -> None:
        """Add the known kind of a column; an empty kind means that it has no values.

        Raises:
            InvalidInputError: See :meth:`add`.
        """
        known = self._found.get(name)
        if known is None:
            self._found[name] = kind
            if len(self._found) > MAX_COLUMNS:
                raise InvalidInputError(
                    "too-many-columns",
                    f"the rows have more than {MAX_COLUMNS} different fields",
                    hint="check them out as jsonl, which has no such limit",
                )
        elif kind not in ("", known):
            both = {kind, known}
            self._found[name] = kind if not known else NUMBER if both == _NUMBERS else TEXT

    def to_dict(self) -> dict[str, str]:
        """Return name → kind, in the order in which the fields first occurred."""
        return {name: kind or STRING for name, kind in self._found.items()}


def measured_kind(types: Iterable[str]) -> str | None:
    """Return the kind of a column whose values have these JSON types (spec §12.4.2).

    The result is None if the types do not determine it: they do not show whether lists have only
    texts, or whether a whole number is too large for a column of numbers.
    """
    found = frozenset(types)
    if len(found) > 1:
        return None if found == _NUMBERS else TEXT
    return {"string": STRING, "boolean": BOOLEAN, "number": NUMBER, "object": TEXT}.get(
        next(iter(found), "string")
    )


def arrow_type(kind: str) -> "pa.DataType":
    """Return the Arrow type of a kind of column."""
    import pyarrow as pa

    types: Mapping[str, Any] = {
        INTEGER: pa.int64(),
        NUMBER: pa.float64(),
        BOOLEAN: pa.bool_(),
        STRINGS: pa.list_(pa.string()),
    }
    return types.get(kind, pa.string())


def arrow_column(kind: str, values: Sequence[JSON]) -> "pa.Array":
    """Return values as a column of their kind."""
    import pyarrow as pa

    written = [as_text(value) for value in values] if kind == TEXT else values
    return pa.array(written, arrow_type(kind))


_NUMBERS = frozenset({INTEGER, NUMBER})


def _kind(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER if abs(value) <= MAX_INTEGER else TEXT
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return STRINGS
    return {str: STRING, float: NUMBER}.get(type(value), TEXT)
