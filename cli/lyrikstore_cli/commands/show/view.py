"""What a view gives, and what views share."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.api import Manifest
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import pluralize

Called = Callable[[str], str]
"""What an object of the store is called, by its id."""

Rows = list[tuple[str, str]]
"""Lines of a section: what something is, and what is said of it."""

_LONGEST, _MOST = 200, 10


class PageText(Struct):
    """What is shown of a manifest besides who signed it, when, and from what it was made.

    Attributes:
        what: What it is.
        rights: By what right.
        unproven: What nothing here shows; ``REF`` stands for what the user named it by.
    """

    what: Rows
    rights: Rows = []
    unproven: list[str] = []


View = Callable[[Manifest, Called], PageText]


def value_words(value: object) -> str:
    """Return a value of a manifest in a line: lists by their items, tables by their members."""
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
    """Yield the members of a body that are there and say anything, each as it is."""
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
    """Yield a line for each number, and for each of the first fields and labels."""
    for name, one in value.items() if isinstance(value, dict) else ():
        if name in {"bytes", "files", "records"}:
            continue  # which are shown already
        if not isinstance(one, list):
            yield name, f"{value_words(one)} ({basis})"
            continue
        for item in one[:_MOST]:
            yield f"of {name}", f"{value_words(item)} ({basis})"
        if len(one) > _MOST:
            yield f"of {name}", f"{len(one) - _MOST} more"


def unknown_fields(body: Mapping[str, Any]) -> list[str]:
    """Return what a descriptor states nothing of, in a sentence."""
    fields = body.get("descriptor", {})
    unknown = [name for name, field in fields.items() if field["state"] == "unknown"]
    return [f"anything of {', '.join(unknown)}: its author states nothing"] if unknown else []


def right_rows(body: Mapping[str, Any], called: Called) -> Rows:
    """Return what a run or an evaluation was permitted by, as far as it recorded that."""
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
    """Return how many bytes."""
    return pluralize(count, "byte")
