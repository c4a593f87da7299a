"""Types of values in the VC Data Model 2.0."""

import re
from typing import Any, NoReturn

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import MAX_ITEMS
from lyrikstore.canon.text import WHITE_SPACE

_URL = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f{WHITE_SPACE}<>\"{{}}|\\^`]+")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
LANGUAGE_VALUE = frozenset({"@value", "@language", "@direction"})
"""The members of text with a language or a direction."""


def is_url(text: object) -> bool:
    """Return whether ``text`` is an absolute URL (any scheme; DIDs and URNs too)."""
    return isinstance(text, str) and _URL.fullmatch(text) is not None


def is_language_value(value: dict[str, JSON]) -> bool:
    """Return whether ``value`` is a text with a language, without any other members."""
    language = value.get("@language", "en")
    return (
        isinstance(value.get("@value"), str)
        and value.keys() <= LANGUAGE_VALUE
        and isinstance(language, str)
        and _LANGUAGE.fullmatch(language) is not None
        and value.get("@direction", "ltr") in ("ltr", "rtl")
    )


def items_of(value: JSON) -> list[JSON]:
    """Return the members of a set that is written as one value or as a list."""
    return value if isinstance(value, list) else [value]


def objects_of(value: JSON, where: str) -> list[dict[str, Any]]:
    """Return the members of a set of objects, at least one.

    Raises:
        FormatError: (``bad-credential``) no object, too many, or another type among them.
    """
    items = items_of(value)
    if not items or len(items) > MAX_ITEMS:
        refuse(where, f"missing, empty, or more than {MAX_ITEMS}")
    if not all(isinstance(item, dict) for item in items):
        refuse(where, "not an object or a list of objects")
    return items


def types_of(document: dict[str, JSON]) -> tuple[str, ...]:
    """Return the strings in the ``type`` of an object; other values are ignored."""
    return tuple(name for name in items_of(document.get("type", [])) if isinstance(name, str))


def id_of(value: JSON) -> str | None:
    """Return the identifier of an issuer, holder or subject: a URL, or an object with ``id``."""
    identifier = value.get("id") if isinstance(value, dict) else value
    return identifier if isinstance(identifier, str) else None


def refuse(where: str, reason: str) -> NoReturn:
    """Raise ``bad-credential`` for a document that violates the data model."""
    raise FormatError("bad-credential", f"{where}: {reason}")
