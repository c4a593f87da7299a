"""The shape of a credential (spec/10-credentials.md §2-4), before anybody believes a word of it.

JCS signs whatever it is given, so nothing here may be left to a JSON-LD processor: the schema is
closed, contexts are exactly the two we bundle, and what two members say twice must agree.
"""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256, sha384
from importlib.resources import files
from typing import Any, NoReturn

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.jsontext import JSON
from lyrikstore.canon.schemas import check_schema, schema_root
from lyrikstore.canon.timestamps import parse_timestamp

VC_CONTEXT = "https://www.w3.org/ns/credentials/v2"
DATASET_CONTEXT = "https://w3id.org/lyrikstore/v1"
CONTEXTS = [VC_CONTEXT, DATASET_CONTEXT]
CONTEXT_SHA256: Mapping[str, str] = {
    # The W3C file as published; a credential names it, nothing here ever reads it.
    VC_CONTEXT: "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    DATASET_CONTEXT: "6eb24277fd163986f7e13ff491771184a8543b3533abfa33294893f4d348bd31",
}
"""SHA-256 of every context that a lyrik credential may name. Published bytes never change."""

SCHEMA_NAME = "dataset-credential-1"
SCHEMA_ID = "https://w3id.org/lyrikstore/schemas/dataset-credential-1.json"
SCHEMA_SRI = "sha384-JOXc1IUZYkeEW1oV6XBevXhUVqMI5AqkPp/rZmQSX9GS9We/N+jr6WIt6Q/xrmXl"
"""``digestSRI`` of the schema's published bytes."""

TREE_PROFILE = "lyrikstore-tree-1"


def check_credential_shape(document: JSON, profile: str = "lyrik") -> None:
    """Return if ``document`` is a credential of ``profile``. Says nothing about its truth.

    Args:
        document: Parsed JSON, with or without ``proof``.
        profile: ``lyrik``: what lyrikstore issues, strict.

    Raises:
        FormatError: (``schema``, ``bad-credential``, ``bad-timestamp``, ``bad-digest``) it is not;
            the message names the place.
        InvalidInputError: (``unknown-profile``) no such profile.
    """
    check = _PROFILES.get(profile)
    if check is None:
        raise InvalidInputError("unknown-profile", f"no credential profile is called {profile!r}")
    check(document)


@cache
def context_bytes() -> bytes:
    """Return the bundled context behind :data:`DATASET_CONTEXT`, byte-exact."""
    return files("lyrikstore").joinpath("credentials", "contexts", "v1.jsonld").read_bytes()


@cache
def context_sri() -> str:
    """Return ``digestSRI`` of the bundled context."""
    return sri(context_bytes())


@cache
def schema_bytes() -> bytes:
    """Return the published bytes of the dataset credential's schema."""
    return schema_root().joinpath(f"{SCHEMA_NAME}.schema.json").read_bytes()


def sri(data: bytes) -> str:
    """Return ``sha384-…``, as ``digestSRI`` wants it."""
    return "sha384-" + b64encode(sha384(data).digest()).decode()


def sha256_multibase(data: bytes) -> str:
    """Return the base64url multibase SHA-256 multihash of ``data``, for ``relatedResource``."""
    return "u" + urlsafe_b64encode(b"\x12\x20" + sha256(data).digest()).decode().rstrip("=")


def issuer_of(document: Mapping[str, JSON]) -> str | None:
    """Return the issuer's id as text, unverified, or None where there is none."""
    issuer = document.get("issuer")
    if isinstance(issuer, dict):
        issuer = issuer.get("id")
    return issuer if isinstance(issuer, str) else None


def _check_lyrik(document: JSON) -> None:
    check_schema(document, SCHEMA_NAME)
    _check_member_names(document)
    valid_from = parse_timestamp(document["validFrom"])
    if "validUntil" in document and parse_timestamp(document["validUntil"]) < valid_from:
        _refuse("validUntil is before validFrom")
    if "proof" in document:
        parse_timestamp(document["proof"]["created"])
    if document["credentialSchema"]["digestSRI"] != SCHEMA_SRI:
        _refuse("credentialSchema pins another text than the published one")
    _check_subject(document["credentialSubject"])
    _check_related(document.get("relatedResource", []))


def _check_subject(subject: dict[str, Any]) -> None:
    root = Digest.parse_urn(subject["id"])
    content = subject["contentRoot"]
    # Two spellings of one root that differ are a lie by construction: software that reads one
    # would accept what software that reads the other refuses.
    if content["hashValue"] != root.hex or content["digestMultibase"] != root.multibase:
        _refuse("credentialSubject.id and contentRoot name different content")
    for member in ("files", "manifest", "store"):
        Digest.parse_urn(subject[member])
    records = subject.get("recordsRoot")
    if records is not None:
        Digest.parse_urn(records["manifest"])
        Digest.parse_hex(records["hashValue"])
    for source in subject.get("derivedFrom", []):
        Digest.parse_urn(source["id"])
    licence = subject["licence"]
    both = sorted(set(licence["permits"]) & set(licence["prohibits"]))
    if both:
        _refuse(f"the licence both permits and prohibits {both[0]!r}")
    named = [item["field"] for item in subject["descriptor"]]
    if len(set(named)) != len(named):
        _refuse("a descriptor field occurs twice")


def _check_related(resources: list[dict[str, Any]]) -> None:
    ids = [resource["id"] for resource in resources]
    if len(set(ids)) != len(ids):
        _refuse("a relatedResource occurs twice")
    for resource in resources:
        pinned = resource["id"] == DATASET_CONTEXT
        if pinned and resource.get("digestSRI", "") != context_sri():
            _refuse("relatedResource pins another text of the context than the published one")


def _check_member_names(document: JSON) -> None:
    # Names that JSON-LD software would read as keywords, or that look alike, below the top level:
    # JCS signs them unseen, an RDF reader acts on them.
    outermost = (document, document.get("proof"))
    pending: list[JSON] = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            for name in value:
                if not name.isascii():
                    _refuse(f"member name {name[:80]!a} is not ASCII")
                if name[:1] == "@" and not any(value is place for place in outermost):
                    _refuse(f"member {name[:80]!r} below the top level")
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _refuse(reason: str) -> NoReturn:
    raise FormatError("bad-credential", f"the credential is malformed: {reason}")


_PROFILES: Mapping[str, Callable[[JSON], None]] = {"lyrik": _check_lyrik}
