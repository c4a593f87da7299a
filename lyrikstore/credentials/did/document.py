"""DID documents: the keys of a DID, and their purposes (spec §18.3).

Documents come from other people, so unneeded members are ignored. Needed members are read strictly:
with a method that names another controller, or occurs twice, an attacker shows one key and uses
another.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.limits import MAX_DID_DOCUMENT_BYTES, MAX_DID_METHODS
from lyrikstore.credentials.did.names import did_of, parse_did
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import parse_multikey

PURPOSES = (
    "assertionMethod",
    "authentication",
    "capabilityInvocation",
    "capabilityDelegation",
)
"""Verification relationships for signatures."""

DID_CONTEXT = "https://www.w3.org/ns/did/v1"
MULTIKEY_CONTEXT = "https://w3id.org/security/multikey/v1"

_CONTEXTS = ("https://www.w3.org/ns/did/v1", "https://www.w3.org/ns/cid/v1")
_SECRET = ("secretKeyMultibase", "privateKeyMultibase", "privateKeyJwk", "secretKeyJwk")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class Method(Struct, frozen=True):
    """One verification method.

    Attributes:
        id: Its URL, absolute.
        controller: The DID that controls it.
        key: The Ed25519 key, or None if the method has another type.
        expires: The moment from which on the key must not be used.
        revoked: The moment of revocation, from which on the key must not be used.
    """

    id: str
    controller: str
    key: PublicKey | None
    expires: datetime | None = None
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True)
class DidDocument:
    """The parts of a DID document that signatures need.

    Attributes:
        id: The DID of the document.
        methods: Method URL → method.
        purposes: Verification relationship → URLs of the methods listed under it.
        value: The whole document; treat it as read-only.
    """

    id: str
    methods: Mapping[str, Method]
    purposes: Mapping[str, frozenset[str]]
    value: Mapping[str, JSON] = field(repr=False, compare=False)


def parse_document(data: bytes) -> DidDocument:
    """Parse a DID document.

    Raises:
        FormatError: (``bad-did-document``) not strict JSON, too large, too many methods, a method
            twice or without its members, a bad key, a private key, a bad date; a ``@context`` that
            is not one of DIDs or controlled identifiers.

    Cost: at most 64 KiB and 64 methods.
    """
    try:
        value = parse(data, max_bytes=MAX_DID_DOCUMENT_BYTES, floats=True, nulls=True)
    except FormatError as error:
        raise FormatError("bad-did-document", f"not a DID document: {error.message}") from None
    return read_document(value)


def read_document(value: JSON) -> DidDocument:
    """Return the DID document in parsed JSON; raises as :func:`parse_document`."""
    if not isinstance(value, dict):
        _refuse("not an object")
    did = _did(value.get("id"), "id")
    _check_context(value.get("@context"))
    _check_controller(value.get("controller"))
    methods: dict[str, Method] = {}
    listed = _list(value, "verificationMethod")
    for item in listed:
        _add(methods, _method(item, did))
    purposes: dict[str, frozenset[str]] = {}
    for purpose in PURPOSES:
        names: list[str] = []
        for item in _list(value, purpose):
            if isinstance(item, dict):  # embedded: for this relationship alone
                method = _method(item, did)
                _add(methods, method)
                names.append(method.id)
            else:
                names.append(_absolute(item, did))
        if len(set(names)) != len(names):
            _refuse(f"{purpose} lists a method twice")
        purposes[purpose] = frozenset(names)
    return DidDocument(did, methods, purposes, value)


def build_document(did: str, keys: Mapping[str, str]) -> dict[str, JSON]:
    """Return the DID document that lists ``keys`` for every purpose.

    Args:
        did: The DID.
        keys: Fragment → Multikey.
    """
    urls = [f"{did}#{fragment}" for fragment in keys]
    return {
        "@context": [DID_CONTEXT, MULTIKEY_CONTEXT],
        "id": did,
        "verificationMethod": [
            {
                "id": f"{did}#{fragment}",
                "type": "Multikey",
                "controller": did,
                "publicKeyMultibase": multikey,
            }
            for fragment, multikey in keys.items()
        ],
        **{purpose: list(urls) for purpose in PURPOSES},
    }


def _add(methods: dict[str, Method], method: Method) -> None:
    if method.id in methods:
        _refuse(f"the method {method.id[:200]!a} occurs twice")
    if len(methods) == MAX_DID_METHODS:
        _refuse(f"more than {MAX_DID_METHODS} methods")
    methods[method.id] = method


def _method(item: JSON, did: str) -> Method:
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        _refuse("a verification method is not an object with a type")
    if any(name in item for name in _SECRET):
        _refuse("a verification method shows a private key")
    return Method(
        id=_absolute(item.get("id"), did),
        controller=_did(item.get("controller"), "controller of a verification method"),
        key=_key(item),
        expires=_moment(item, "expires"),
        revoked=_moment(item, "revoked"),
    )


def _key(item: dict[str, JSON]) -> PublicKey | None:
    text = item.get("publicKeyMultibase")
    # Multikeys of other kinds (P-256, X25519) are somebody's business, not ours; an Ed25519 one
    # has to be sound (attack case A24).
    if item["type"] != "Multikey" or not isinstance(text, str) or not text.startswith("z6Mk"):
        return None
    try:
        return parse_multikey(text)
    except LyrikstoreError as error:
        _refuse(error.message)


def _absolute(text: JSON, did: str) -> str:
    url = did + text if isinstance(text, str) and text.startswith("#") else text
    try:
        did_of(url)
    except FormatError as error:
        _refuse(error.message)
    return str(url)


def _did(text: Any, what: str) -> str:
    try:
        parse_did(text)
    except FormatError as error:
        _refuse(f"{what}: {error.message}")
    return str(text)


def _check_context(context: JSON) -> None:
    first = context[0] if isinstance(context, list) and context else context
    if context is not None and first not in _CONTEXTS:
        _refuse("its @context does not begin with the one of DIDs")


def _check_controller(controller: JSON) -> None:
    if controller is None:
        return
    for item in controller if isinstance(controller, list) else [controller]:
        _did(item, "controller")


def _list(value: dict[str, JSON], member: str) -> list[JSON]:
    found = value.get(member, [])
    if not isinstance(found, list) or len(found) > MAX_DID_METHODS:
        _refuse(f"{member} is not a list of at most {MAX_DID_METHODS}")
    return found


def _moment(item: dict[str, JSON], member: str) -> datetime | None:
    if member not in item:
        return None
    text = item[member]
    found = _MOMENT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        _refuse(f"{member} is no date and time with an offset")
    try:
        return datetime.fromisoformat(found[1] + found[2]).astimezone(UTC)
    except (ValueError, OverflowError):
        _refuse(f"{member} is no such date or time")


def _refuse(reason: str) -> NoReturn:
    raise FormatError("bad-did-document", f"not a DID document: {reason}")
