"""The verification page, a second verifier in one file, and the HTML reports.

* page: one HTML document that verifies deliveries in a browser, without network;
* carried file: a credential or sibling file that the page contains as data;
* design: the one stylesheet of all pages, and the elements that they are made of;
* pages: a report, profile, evaluation, run … as one HTML file, made of its facts;
* fingerprint: the SHA-256 of the page, by which a recipient recognises it;
* fetcher: bounded HTTPS requests to public addresses, for status lists and DID documents.

The source of the page is in page/. Imports ``verify`` and what lies below it.

Example:
    >>> from lyrikstore.web import Carried, carried_by, verification_page
    >>> page = verification_page(Carried({"credential.json": b"{}"}))
    >>> dict(carried_by(page).files)
    {'credential.json': b'{}'}
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import PACKAGE, read_packaged
from lyrikstore.canon.text import pluralize

MAX_CARRIED = 64 << 20
"""Most bytes of files that a page carries; a browser needs a multiple of that memory."""

_BEGIN = b'<script id="with" type="application/json">'
_NOTHING = b"null"


class Carried(Struct, frozen=True):
    """The data that a page carries.

    Attributes:
        files: Name → bytes: a credential as ``credential.json``, and the sibling files.
        trust: A trust file, or None. The page says that it came with the page.
    """

    files: Mapping[str, bytes]
    trust: bytes | None = None


def verification_page(carried: Carried | None = None) -> bytes:
    """Return the page: one HTML document that needs no network and sends nothing anywhere.

    Args:
        carried: Files to put into it as data; it then opens with their report.

    Raises:
        InvalidInputError: (``too-large``) more than :data:`MAX_CARRIED`.
    """
    bare = read_packaged(PACKAGE / "web" / "verify.html")
    if carried is None:
        return bare
    size = sum(map(len, carried.files.values())) + len(carried.trust or b"")
    if size > MAX_CARRIED:
        raise InvalidInputError(
            "too-large",
            f"{pluralize(size, 'byte is', 'bytes are')} more "
            f"than the {MAX_CARRIED} that a page carries",
            hint="send the delivery folder and the page separately",
        )
    before, after = _around(bare)
    return before + _spell(carried) + after


def stylesheet() -> str:
    """Return the stylesheet of every page: ``design.css``."""
    return read_packaged(PACKAGE / "web" / "design.css").decode("utf-8").strip()


def page_fingerprint() -> str:
    """Return the SHA-256 of the page in hexadecimal, to compare with another copy of it."""
    return sha256(verification_page()).hexdigest()


def carried_by(found: bytes) -> Carried | None:
    """Return the data that a copy of this page carries; None if ``found`` is not a copy.

    A copy differs only in its data, which is encoded so that no byte of it can end the element
    early.
    """
    before, after = _around(verification_page())
    inside = found[len(before) : len(found) - len(after)]
    if found != before + inside + after:
        return None
    if inside == _NOTHING:
        return Carried({})
    try:
        stated = json.loads(inside)
        trust = stated.get("trust")
        carried = Carried(
            {name: b64decode(text) for name, text in stated["files"].items()},
            None if trust is None else b64decode(trust),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return carried if _spell(carried) == inside else None


def _around(bare: bytes) -> tuple[bytes, bytes]:
    at = bare.index(_BEGIN + _NOTHING) + len(_BEGIN)
    return bare[:at], bare[at + len(_NOTHING) :]


def _spell(carried: Carried) -> bytes:
    stated: dict[str, object] = {
        "files": {name: b64encode(data).decode() for name, data in sorted(carried.files.items())}
    }
    if carried.trust is not None:
        stated["trust"] = b64encode(carried.trust).decode()
    # Contents are base64; a file's name could still end the element, or open a comment in it.
    return json.dumps(stated, separators=(",", ":")).replace("<", "\\u003c").encode("ascii")
