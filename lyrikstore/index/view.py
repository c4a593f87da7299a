"""Documented views: name, columns with a description, and query."""

from msgspec import Struct


class Column(Struct, frozen=True):
    """One column of a view.

    Attributes:
        name: Its name in SQL.
        type: DuckDB's type.
        about: A short description.
    """

    name: str
    type: str
    about: str


class View(Struct, frozen=True):
    """One documented view.

    Attributes:
        name: As SQL spells it.
        about: Description of one row.
        columns: In order.
        sql: The query behind it, over the tables of :mod:`lyrikstore.index.tables`.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    sql: str


def columns(text: str) -> tuple[Column, ...]:
    """Return the columns in a text with one column a line: name, type, description."""
    rows = (line.split(None, 2) for line in text.strip().splitlines())
    return tuple(Column(name, kind, about) for name, kind, about in rows)
