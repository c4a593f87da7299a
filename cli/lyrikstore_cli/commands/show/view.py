"""The result of a view, and functions that views share."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.api import Manifest
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import pluralize

Called = Callable[[str], str]
"""Function from an id to the name of the object."""

Rows = list[tuple[str, str]]
"""Rows of a section: a name and a value."""

_LONGEST, _MOST = 200, 10


class PageText(Struct):
    """The view of a manifest, without signer, date and inputs.

    Attributes:
        what: The rows about what it is.
        rights: The rows about the rights to use its data.
        unproven: What it does not prove; ``REF`` stands for the name that the user typed.
    """

    what: Rows
    rights: Rows = []
    unproven: list[str] = []


View = Callable[[Manifest, Called], PageText]


def value_words(value: object) -> str:
    """Return a value of a manifest as one line: lists by items, objects by members."""
    match value:
        case str():
            said = value
        case bool():
            said = "yes" if value else "no"
        case list():
            said = ", ".join(map(value_words, value))
        case dict():
            said = ", ".join(f"{name} {value_words(one)}" for name, one in value.items())
        case _:
            said = json.dumps(value)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def member_rows(body: Mapping[str, Any], *names: str) -> Iterator[tuple[str, str]]:
    """Yield a row for each member of a body that is present and not empty."""
    for name in names:
        if body.get(name) not in (None, 0, [], {}):
            yield name, value_words(body[name])


def descriptor_rows(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields of a descriptor that are known, with the basis of each."""
    for name, field in body.get("descriptor", {}).items():
        if field["state"] == "value" and name == "stats":
            yield from _statistics(field["value"], field["basis"])
        elif field["state"] == "value":
            yield name, f"{value_words(field['value'])} ({field['basis']})"
        elif field["state"] != "unknown":
            yield name, f"{field['state']}: {field.get('reason', '')}"


def _statistics(value: object, basis: str) -> Iterator[tuple[str, str]]:
    """Yield a row for each number, and for each of the first fields and labels."""
    for name, one in value.items() if isinstance(value, dict) else ():
        if name in {"bytes", "files", "records"}:
            continue  # shown already
        if not isinstance(one, list):
            yield name, f"{value_words(one)} ({basis})"
            continue
        for item in one[:_MOST]:
            yield f"of {name}", f"{value_words(item)} ({basis})"
        if len(one) > _MOST:
            yield f"of {name}", f"{len(one) - _MOST} more"


def unknown_fields(body: Mapping[str, Any]) -> list[str]:
    """Return a sentence that lists the unknown fields of a descriptor; empty without any."""
    fields = body.get("descriptor", {})
    unknown = [name for name, field in fields.items() if field["state"] == "unknown"]
    return [f"anything about {', '.join(unknown)}: its author states nothing"] if unknown else []


def right_rows(body: Mapping[str, Any], called: Called) -> Rows:
    """Return the rights that a run or an evaluation recorded."""
    return [
        (
            ", ".join(right["permits"]),
            f"{called(right['dataset'])}, by credential {Digest.parse(right['credential']).short}"
            + (f" and grant {Digest.parse(right['grant']).short}" if "grant" in right else "")
            + f" of {right['issuer']}, to {right.get('validUntil', 'no end')}",
        )
        for right in body.get("rights", ())
    ] or [("none", "records no right to use the data")]


def count_words(counts: Mapping[str, int]) -> str:
    """Return counts by name, without those that are 0."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)


def bytes_words(count: int) -> str:
    """Return a byte count as text."""
    return pluralize(count, "byte")
