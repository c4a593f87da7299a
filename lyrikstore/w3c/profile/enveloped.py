"""Credentials and presentations in an envelope of another securing mechanism (spec §17.11).

An envelope has its content in a ``data:`` URL. The content is not read, so nothing in it counts;
only the form of the envelope is checked.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import printable, quote
from lyrikstore.credentials.model.credential import VC_CONTEXT
from lyrikstore.verify.report import Check, Report, unchecked
from lyrikstore.w3c.problems import malformed
from lyrikstore.w3c.values import items_of, refuse, types_of

CREDENTIAL = "EnvelopedVerifiableCredential"
PRESENTATION = "EnvelopedVerifiablePresentation"
# RFC 2397: a media type, parameters, a comma, data. Without a media type it would be plain text.
_NAME = r"[A-Za-z0-9!#$&^_.+-]{1,127}"
_DATA_URL = re.compile(rf"data:({_NAME}/{_NAME})(?:;[\x21-\x2b\x2d-\x7e]{{1,200}})?,[\x21-\x7e]+")


def is_enveloped(document: Mapping[str, JSON], kind: str) -> bool:
    """Return whether a document claims to be an envelope of that kind."""
    return kind in types_of(dict(document))


def check_envelope(document: Mapping[str, JSON], kind: str) -> str:
    """Return the media type of the content of an envelope.

    Args:
        document: A document that claims to be an envelope.
        kind: :data:`CREDENTIAL` or :data:`PRESENTATION`.

    Raises:
        FormatError: (``bad-credential``) it lacks the credentials context, has another type too, or
            its ``id`` is not a ``data:`` URL with a media type (M11).
    """
    if VC_CONTEXT not in items_of(document.get("@context")):
        refuse("@context", "an envelope without the credentials context")
    if items_of(document["type"]) != [kind]:
        refuse("type", f"an envelope is of type {kind} and no other")
    name = document.get("id")
    found = _DATA_URL.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        refuse("id", "not a data: URL with a media type")
    return found[1]


def judge_envelope(document: dict[str, Any], kind: str, read: Check, at: datetime) -> Report:
    """Return the report on an envelope: invalid if it is malformed, else incomplete.

    Args:
        document: A document that claims to be an envelope.
        kind: :data:`CREDENTIAL` or :data:`PRESENTATION`.
        read: The check ``format``.
        at: The moment of verification.
    """
    try:
        media = check_envelope(document, kind)
        check = unchecked(
            "envelope",
            "not-read",
            f"holds {quote(media)}, which is not read here: only Data Integrity proofs are",
            mediaType=media,
        )
    except FormatError as error:
        check = malformed("envelope", error)
    return Report.of(
        "envelope",
        (read, check),
        subject=printable(document.get("id")) or "an envelope",
        issuer=None,
        at=at,
        profile="w3c",
    )
