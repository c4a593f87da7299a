"""The source credentials that a dataset credential of redistributed data names (spec §19.9)."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError

CREDENTIAL_TYPE = "application/vc"
"""Media type of a source credential."""

MAX_SOURCES = 32
"""Most source credentials, with their own sources: each costs two signature checks."""


class LeftOut(Struct, frozen=True):
    """A source credential that is not delivered with the data.

    Attributes:
        credential: BLAKE3 of the credential.
        issuer: DID of its issuer, as the redistributor states it.
        name: Name of its dataset, as the redistributor states it.
    """

    credential: Digest
    issuer: str
    name: str


def credentials_pinned(document: Mapping[str, Any] | None) -> list[Digest]:
    """Return the digests of the source credentials that a credential names, in order, once each.

    Args:
        document: A credential; what is malformed names none.
    """
    found: dict[Digest, None] = {}
    for item in _items(document, "relatedResource"):
        if item.get("mediaType") == CREDENTIAL_TYPE:
            digest = _digest(item)
            found |= {} if digest is None else {digest: None}
    return list(found)


def credentials_left_out(document: Mapping[str, Any] | None) -> list[LeftOut]:
    """Return the source credentials that a credential names as not delivered with it.

    Args:
        document: A credential; what is malformed names none.
    """
    found: dict[Digest, LeftOut] = {}
    for item in _items(document, "evidence"):
        digest, name = _digest(item), item.get("name")
        if digest is not None and isinstance(name, str):
            issuer, _, called = name.partition(" ")
            found.setdefault(digest, LeftOut(digest, issuer, called))
    return list(found.values())


def rests_on_others(document: Mapping[str, Any] | None) -> bool:
    """Return whether a credential states that its data comes from other publishers."""
    return bool(credentials_pinned(document) or credentials_left_out(document))


def _items(document: Mapping[str, Any] | None, member: str) -> list[Mapping[str, Any]]:
    items = (document or {}).get(member, [])
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _digest(item: Mapping[str, Any]) -> Digest | None:
    try:
        return Digest.parse_urn(item["id"])
    except (FormatError, KeyError, TypeError):
        return None
