"""Resources that a credential names and pins: schemas, contexts, reports (spec §17.6).

Nothing is ever fetched. The caller passes the available resources, which are found by their digest,
under any file name, or by their URL.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha3_256, sha3_384, sha256, sha384, sha512
from types import MappingProxyType
from typing import Any, NoReturn

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.base64 import decode_base64, decode_base64url
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.limits import (
    MAX_BASE64URL_DIGEST,
    MAX_RESOURCE_BYTES,
    MAX_RESOURCE_DIGESTS,
    MAX_SRI_CHARACTERS,
)
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.crypto.multikey import decode_base58
from lyrikstore.verify.report import Check, failed, not_applicable, passed, unchecked
from lyrikstore.w3c.contexts import CONTEXTS, context_bytes
from lyrikstore.w3c.problems import MODEL, problem_detail
from lyrikstore.w3c.values import is_url, items_of

_Hash = Callable[[bytes], bytes]

_SRI: Mapping[str, _Hash] = {
    "sha256": lambda data: sha256(data).digest(),
    "sha384": lambda data: sha384(data).digest(),
    "sha512": lambda data: sha512(data).digest(),
}
_MULTIHASH: Mapping[int, _Hash] = {
    0x12: _SRI["sha256"],
    0x13: _SRI["sha512"],
    0x15: lambda data: sha3_384(data).digest(),
    0x16: lambda data: sha3_256(data).digest(),
    0x1E: lambda data: blake3(data).digest(),
    0x20: _SRI["sha384"],
}
_SRI_ITEM = re.compile(r"(sha256|sha384|sha512)-([A-Za-z0-9+/]{40,90}={0,2})(?:\?[\x21-\x7e]*)?")


class Pinned(Struct, frozen=True):
    """The digests by which one resource is pinned.

    Attributes:
        digests: Pairs of hash function and digest; all must match.
    """

    digests: tuple[tuple[_Hash, bytes], ...]

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "Pinned":
        """Read ``digestSRI`` and ``digestMultibase`` of an object: one value or a list each.

        Raises:
            FormatError: (``bad-digest``) malformed, or of an unknown hash function.
        """
        strong = [_parse_sri(text) for text in _texts(item.get("digestSRI", []))]
        named = [_parse_multihash(text) for text in _texts(item.get("digestMultibase", []))]
        return cls((*strong, *named))

    def fits(self, data: bytes) -> bool:
        """Return whether ``data`` has all of these digests."""
        return all(function(data) == digest for function, digest in self.digests)


class Resources:
    """The available resources.

    Args:
        named: Name → bytes, from the verifier. Each is found by its name, if that is a URL, by the
            URL that it claims (``$id`` or ``id``), and by its digest.
        siblings: Files next to the credential, from the person who handed it over: found by their
            digest only, as an attacker's schema may claim any URL.
    """

    def __init__(
        self, named: Mapping[str, bytes] = MappingProxyType({}), siblings: Iterable[bytes] = ()
    ) -> None:
        self._by_url = {name: data for name, data in named.items() if is_url(name)}
        for name, data in named.items():
            url = None if is_url(name) else _claimed_url(data)
            if url is not None:
                self._by_url.setdefault(url, data)
        everything = (*named.values(), *siblings)
        self._all = tuple(data for data in everything if len(data) <= MAX_RESOURCE_BYTES)
        self._by_digest: dict[_Hash, dict[bytes, bytes]] = {}

    @property
    def files(self) -> tuple[bytes, ...]:
        """The bytes of all available resources."""
        return self._all

    def find(self, url: str, pinned: Pinned) -> bytes | None:
        """Return the resource of a URL, or None if it is not available.

        Raises:
            FormatError: (``digest-mismatch``) the resource with that URL has another digest than
                the pinned one.

        Cost: hashes all available resources once for each hash function used.
        """
        own = context_bytes(url) if url in CONTEXTS else None
        named = own or self._by_url.get(url)
        if not pinned.digests:
            return named
        if named is not None:
            if not pinned.fits(named):
                raise FormatError("digest-mismatch", f"{url[:200]!a} is not the text pinned")
            return named
        function, digest = pinned.digests[0]
        found = self._index(function).get(digest)
        return found if found is not None and pinned.fits(found) else None

    def _index(self, function: _Hash) -> dict[bytes, bytes]:
        if function not in self._by_digest:
            self._by_digest[function] = {function(data): data for data in self._all}
        return self._by_digest[function]


NO_RESOURCES = Resources()


def check_related(document: Mapping[str, JSON], resources: Resources) -> Check:
    """Return the check ``related``: the resources that ``relatedResource`` pins match (M12).

    Args:
        document: A credential that conforms to the data model.
        resources: The available resources; the bundled contexts always are available.
    """
    stated = items_of(document.get("relatedResource", []))
    if not stated:
        return not_applicable("related", "pins no other resource")
    absent: list[JSON] = []
    for item in stated:
        try:
            if resources.find(item["id"], Pinned.of(item)) is None:
                absent.append(item["id"])
        except FormatError as error:
            summary = f"relatedResource {quote(item['id'])}: {quote(error.message, 200)}"
            problem = problem_detail(MODEL + "MALFORMED_VALUE_ERROR")
            return failed("related", error.kind, summary, **problem)
    count = len(stated) - len(absent)
    if absent:
        summary = f"{count} of {len(stated)} were at hand, as pinned; not {quote(absent[0])}"
        return unchecked("related", "not-at-hand", summary, absent=absent[:100])
    return passed("related", f"{pluralize(count, 'pinned resource')} at hand and as pinned")


def _claimed_url(data: bytes) -> str | None:
    if data[:64].lstrip()[:1] != b"{":
        return None
    try:
        document = parse(data, floats=True, nulls=True)
    except FormatError:
        return None
    url = document.get("$id", document.get("id"))
    return url if is_url(url) else None


def _texts(value: JSON) -> list[str]:
    texts = items_of(value)
    if len(texts) > MAX_RESOURCE_DIGESTS or not all(isinstance(text, str) for text in texts):
        _refuse(value)
    return texts


def _parse_sri(text: str) -> tuple[_Hash, bytes]:
    # Several alternatives in one string: the strongest function counts, as in a browser.
    parts = re.split(r"[ \t\n\f\r]+", text)
    found = [match for part in parts if (match := _SRI_ITEM.fullmatch(part))]
    if not found or len(text) > MAX_SRI_CHARACTERS:
        _refuse(text)
    best = max(found, key=lambda match: match[1])
    function = _SRI[best[1]]
    try:
        digest = decode_base64(best[2], "bad-digest")
    except FormatError:
        _refuse(text)
    if len(digest) != len(function(b"")):
        _refuse(text)
    return function, digest


def _parse_multihash(text: str) -> tuple[_Hash, bytes]:
    raw = b""
    try:
        if text[:1] == "u" and len(text) <= MAX_BASE64URL_DIGEST:
            raw = decode_base64url(text[1:], "bad-digest")
        elif text[:1] == "z":
            raw = decode_base58(text[1:])
    except LyrikstoreError:
        _refuse(text)
    function = _MULTIHASH.get(raw[0]) if len(raw) > 2 else None
    if function is None or raw[1] != len(raw) - 2 or raw[1] != len(function(b"")):
        _refuse(text)  # a bare digest without its header says nothing of its hash function
    return function, raw[2:]


def _refuse(text: JSON) -> NoReturn:
    raise FormatError("bad-digest", f"not a digest known here: {str(text)[:80]!a}")
