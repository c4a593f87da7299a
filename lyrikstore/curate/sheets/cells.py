"""Conversion of a spreadsheet cell to the string in a tree (spec §12.3.2)."""

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from lyrikstore.canon.errors import InvalidInputError


def cell_text(value: object) -> str | None:
    """Return the canonical text of one typed cell, ``None`` for an empty one.

    Strings stay verbatim; numbers become the shortest decimal digits of the same double, without
    exponent, and integral ones without ``.0``; dates become ISO 8601, and a midnight a date;
    booleans become ``true`` and ``false``. So the same table gives the same tree from every format.

    Raises:
        InvalidInputError: (``bad-sheet``) the cell is a number that is not finite, or has an
            unknown type.
    """
    match value:
        case None | "":
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _decimal(value)
        case datetime():
            return _moment(value)
        case date():
            return value.isoformat()
        case time():
            return _trim(value.isoformat())
        case timedelta():
            return f"PT{_decimal(value.total_seconds())}S"
        case _:
            raise InvalidInputError(
                "bad-sheet",
                f"a cell holds a {type(value).__name__}, which has no text form",
                hint="store the column as text",
            )


def _decimal(number: float) -> str:
    if not math.isfinite(number):
        raise InvalidInputError(
            "bad-sheet", f"a cell holds {number}, which is not a number", hint="correct the cell"
        )
    if number == int(number):
        return str(int(Decimal(repr(number))))
    return format(Decimal(repr(number)), "f")


def _moment(value: datetime) -> str:
    if value.time() == time.min and value.tzinfo is None:
        return value.date().isoformat()
    return _trim(value.isoformat())


def _trim(text: str) -> str:
    whole, dot, fraction = text.partition(".")
    if not dot or "+" in fraction or "-" in fraction:
        return text
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
