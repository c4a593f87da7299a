"""Grammar of DIDs and the URLs of their keys, and the URL of a ``did:web`` (spec §18.1-18.2).

A ``did:web`` leads to a request to a machine that another person chose, so its grammar is strict: a
registered name, no address in any spelling, no user, no dot segment, one form for each DID.
"""

import re
from typing import NoReturn

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.limits import MAX_DID_CHARACTERS

MAX_URL = 4000
"""Most characters of a DID URL."""

_DID = re.compile(r"did:([a-z0-9]{1,32}):([A-Za-z0-9._:%-]+)", re.ASCII)
_FRAGMENT = re.compile(r"[A-Za-z0-9._~:=@!$&'()*+,;/?-]{1,300}", re.ASCII)
_URL_PART = r"[A-Za-z0-9._~:@!$&'()*+,;=/?%-]*"
_URL = re.compile(
    rf"(did:[^/?#]*)((?:/{_URL_PART.replace('?', '')})?)(?:\?({_URL_PART}))?(?:#({_URL_PART}))?",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", re.ASCII)


def parse_did(text: object) -> tuple[str, str]:
    """Return the method and the method-specific id of a DID without path, query and fragment.

    Raises:
        FormatError: (``bad-did``) the text is not a DID, or a ``did:web`` outside the grammar.
    """
    found = (
        _DID.fullmatch(text) if isinstance(text, str) and len(text) <= MAX_DID_CHARACTERS else None
    )
    if found is None:
        _refuse(text, "not a DID")
    method, rest = found.groups()
    if method == "web":
        _web_parts(str(text), rest)
    elif rest.endswith(":") or re.search(r"%(?![0-9A-F]{2})", rest):
        _refuse(text, "not a DID")
    return method, rest


def did_of(method_url: object) -> str:
    """Return the DID of a verification method's URL, ``DID#FRAGMENT``.

    Raises:
        FormatError: (``bad-did``) it has no fragment, has a path or query, or no DID before it.
    """
    did, separator, fragment = (
        method_url.partition("#") if isinstance(method_url, str) else ("", "", "")
    )
    if not separator or not _FRAGMENT.fullmatch(fragment):
        _refuse(method_url, "not a DID followed by # and a fragment")
    parse_did(did)
    return did


def parse_did_url(text: object) -> tuple[str, str, str | None, str | None]:
    """Return DID, path, query and fragment of a DID URL; the last two are None if absent.

    Raises:
        FormatError: (``bad-did``) it violates RFC 3986 or DID Core, or has no DID.
    """
    found = _URL.fullmatch(text) if isinstance(text, str) and len(text) <= MAX_URL else None
    if found is None or re.search(r"%(?![0-9A-Fa-f]{2})", found[0]):
        _refuse(text, "not a DID URL")
    did, path, query, fragment = found.groups()
    parse_did(did)
    return did, path, query, fragment


def web_url(did: str) -> str:
    """Return the https URL of the document of a ``did:web``.

    Raises:
        FormatError: (``bad-did``) it is not a ``did:web``, or is outside the grammar.
    """
    method, rest = parse_did(did)
    if method != "web":
        _refuse(did, "not a did:web")
    host, port, path = _web_parts(did, rest)
    place = "/".join(path) if path else ".well-known"
    return f"https://{host}{':' + port if port else ''}/{place}/did.json"


def is_registered_name(host: str) -> bool:
    """Return whether ``host`` is a name of at least two labels, and not an address.

    Resolvers of operating systems accept ``127.1``, ``0x7f.1`` and ``2130706433`` as addresses; a
    last label that begins with a letter excludes them all.
    """
    labels = host.split(".")
    return (
        len(host) <= 253
        and len(labels) >= 2
        and all(_LABEL.fullmatch(label) for label in labels)
        and labels[-1][0].isalpha()
    )


def _web_parts(did: str, rest: str) -> tuple[str, str, list[str]]:
    authority, *path = rest.split(":")
    host, encoded, port = authority.partition("%3A")
    if not is_registered_name(host):
        _refuse(did, "a did:web begins with a registered name in lower case")
    if encoded and (not _PORT.fullmatch(port) or int(port) > 65535):
        _refuse(did, "not a port")
    # Neither empty nor "..", and no percent sign, so that nothing decodes to one of them.
    if not all(_SEGMENT.fullmatch(segment) for segment in path):
        _refuse(did, "a did:web has a bad path")
    return host, port, path


def _refuse(text: object, reason: str) -> NoReturn:
    raise FormatError("bad-did", f"{reason}: {str(text)[:80]!a}")
