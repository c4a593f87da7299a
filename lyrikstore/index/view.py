"""What a documented view is: a name, columns with a meaning, a query behind them."""

from msgspec import Struct


class Column(Struct, frozen=True):
    """One column of a view.

    Attributes:
        name: As SQL spells it.
        type: DuckDB's type.
        about: What it holds, in a few words.
    """

    name: str
    type: str
    about: str


class View(Struct, frozen=True):
    """One documented view.

    Attributes:
        name: As SQL spells it.
        about: What one row is.
        columns: In order.
        sql: The query behind it, over the tables of :mod:`lyrikstore.index.tables`.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    sql: str


def columns(text: str) -> tuple[Column, ...]:
    """Return the columns written one a line: name, type, meaning."""
    rows = (line.split(None, 2) for line in text.strip().splitlines())
    return tuple(Column(name, kind, about) for name, kind, about in rows)
