"""Quoting of foreign text in messages and reports, so that it cannot look like our own text."""

from collections.abc import Sequence

from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import MAX_NAMED
from lyrikstore.canon.text import escape_control


def quote(text: object, limit: int = 80) -> str:
    """Return foreign text in quotes, safe for one line of a terminal, cut at ``limit`` characters.

    A name inside a credential must not be able to repaint the verdict above it.
    """
    whole = str(text)
    return f"'{escape_control(whole[:limit])}{'…' if len(whole) > limit else ''}'"


def printable(text: object) -> str | None:
    """Return ``text`` if a report can show it unchanged, else None."""
    good = isinstance(text, str) and 0 < len(text) <= 300 and text.isascii() and text.isprintable()
    return text if good else None  # type: ignore[return-value]


def printable_did(text: object) -> str | None:
    """Return ``text`` if it is a DID that a report can show, else None."""
    shown = printable(text)
    return shown if shown is not None and shown.startswith("did:") else None


def name_some(names: Sequence[str]) -> str:
    """Return a quoted list for a summary line: three of the names, and the number of others."""
    shown = ", ".join(quote(name) for name in names[:3])
    more = len(names) - 3
    return f"{shown} and {more} more" if more > 0 else shown


def listed(names: Sequence[JSON]) -> list[JSON]:
    """Return at most :data:`MAX_NAMED` items for a detail, in a form that JSON allows.

    File names that are not UTF-8 hold lone surrogates, which no JSON text may.
    """
    return [_plain(name) for name in names[:MAX_NAMED]]


def _plain(value: JSON) -> JSON:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
