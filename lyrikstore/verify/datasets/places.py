"""Which records of its source a generated record was made from (spec §26.12)."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lyrikstore.canon.json import JSON

MAX_PLACES: Final = 1000
"""Most records of the source that one record names."""

_TEXT: Final = re.compile(r"[0-9]{1,15}(?:, ?[0-9]{1,15})*")
"""Places in a cell of a sheet."""


def source_field(body: Mapping[str, Any]) -> str:
    """Return the field of a generated dataset that has places in its source; empty if none has."""
    return next(
        (str(one["sourceField"]) for one in body.get("generators", ()) if "sourceField" in one), ""
    )


def place_fault(row: bytes, field: str, records: int) -> str:
    """Return why a record does not name records of its source; empty if it does.

    A place is a number from 0, below the number of the source's records. The field has one, or a
    list of 1 to 1,000, each once; as a text, such as a cell, they are separated by commas.

    Args:
        row: The bytes of the record.
        field: The field with the places.
        records: How many records the source has.
    """
    try:
        found = _places(msgspec.json.decode(row, type=dict[str, Any]).get(field))
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return "it is no object"
    if not found or len(found) > MAX_PLACES:
        return f"{field} is no place, or a list of 1 to {MAX_PLACES}"
    if len(set(found)) != len(found):
        return f"{field} has a place twice"
    if not all(0 <= one < records for one in found):
        return f"{field} names a place that is not from 0 to {records - 1}, as those of the source"
    return ""


def _places(value: JSON) -> list[int]:
    if isinstance(value, str):
        return [int(one) for one in value.split(",")] if _TEXT.fullmatch(value) else []
    values = value if isinstance(value, list) else [value]
    numbers = [one for one in values if type(one) is int]
    return numbers if len(numbers) == len(values) else []
