"""Dereferencing of DID URLs: to a key, another part of a document, or the document (spec §18.5).

This is W3C DID Resolution 1.0 for documents at hand: fragments, and the verification relationship
that the caller expects of a key. Verification does not use it: it calls
:meth:`~lyrikstore.credentials.did.resolver.Resolver.find`, which also checks the key.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON
from lyrikstore.credentials.did.document import PURPOSES
from lyrikstore.credentials.did.names import parse_did_url
from lyrikstore.credentials.did.resolver import KEY_FORMAT, MEDIA_TYPE, RESULT_CONTEXT, Resolver

KEY_FORMATS = (
    KEY_FORMAT,
    "JsonWebKey2020",
    "Ed25519VerificationKey2020",
    "X25519KeyAgreementKey2020",
)
"""Key formats of did:key that are not experimental; the first one is the default."""

RELATIONSHIPS = frozenset({*PURPOSES, "keyAgreement"})
"""Verification relationships that a caller can require of a key."""

DID_PARAMETERS = frozenset(
    {"hl", "relativeRef", "service", "serviceType", "versionId", "versionTime"}
)
"""Options of DID Resolution that are not supported."""

_DID_ERRORS = "https://www.w3.org/ns/did#"
_CID_ERRORS = "https://w3id.org/security#"
_OF_KEYS = ("invalidVerificationMethod", "invalidRelationshipForVerificationMethod")


class Dereferenced(Struct, frozen=True):
    """The result of dereferencing a DID URL.

    Attributes:
        content: The document, or the object in it with this ``id``; None if there is none.
        error: An error of :class:`~lyrikstore.credentials.did.resolver.Resolution`, or
            ``invalidDidUrl``, ``invalidPublicKeyType``, ``featureNotSupported``,
            ``invalidVerificationMethod``, ``invalidRelationshipForVerificationMethod``; empty
            without an error.
        whole: Whether the content is a DID document.
        metadata: The content metadata.
    """

    content: Mapping[str, JSON] | None
    error: str = ""
    whole: bool = False
    metadata: Mapping[str, JSON] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def _media_type(self) -> str:
        return MEDIA_TYPE if self.whole else "application/json"  # a part has no @context

    def to_json(self) -> dict[str, Any]:
        """Return the result in the JSON form of DID Resolution 1.0."""
        place = _CID_ERRORS if self.error in _OF_KEYS else _DID_ERRORS
        name = re.sub(r"(?=[A-Z])", "_", self.error).upper()
        about: dict[str, Any] = {"contentType": self._media_type}
        if self.error:
            about = {"error": {"type": f"{place}{name}", "title": self.error}}
        return {
            "dereferencingMetadata": about,
            "content": None if self.content is None else dict(self.content),
            "contentMetadata": dict(self.metadata),
        }

    def as_resolution(self) -> dict[str, Any]:
        """Return the result in the form of a DID resolution result, as older resolvers do."""
        about = {"error": self.error} if self.error else {"contentType": self._media_type}
        return {
            "@context": RESULT_CONTEXT,
            "didDocument": None if self.content is None else dict(self.content),
            "didDereferencingMetadata": about,
            "didDocumentMetadata": dict(self.metadata),
        }


def dereference(
    resolver: Resolver, url: str, options: Mapping[str, str] = MappingProxyType({})
) -> Dereferenced:
    """Dereference a DID URL; errors of the URL or document are in the result, never raised.

    Args:
        resolver: The resolver with the documents at hand.
        url: The DID URL.
        options: ``publicKeyFormat`` and ``enableExperimentalPublicKeyTypes`` of did:key;
            ``verificationRelationship``: the relationship that must list the key.
    """
    try:
        did, path, query, fragment = parse_did_url(url)
    except FormatError:
        return Dereferenced(None, "invalidDidUrl")
    if query is not None or not DID_PARAMETERS.isdisjoint(options):
        return Dereferenced(None, "featureNotSupported")
    form = options.get("publicKeyFormat", KEY_FORMAT)
    experimental = options.get("enableExperimentalPublicKeyTypes") == "true"
    of_a_key = did.startswith("did:key:") and fragment is not None
    if of_a_key and form not in KEY_FORMATS and not experimental:
        return Dereferenced(None, "invalidPublicKeyType")
    found = resolver.resolve(did, form)
    if found.document is None:
        return Dereferenced(None, found.error)
    if path:
        return Dereferenced(None, "notFound")
    wanted = options.get("verificationRelationship")
    if fragment is None and wanted is None:
        return Dereferenced(found.document, whole=True, metadata=found.metadata)
    absolute = f"{did}#{fragment}"
    parts = (item for name in found.document for item in _listed(found.document, name))
    part = next(
        (one for one in parts if isinstance(one, dict) and _name(one, did) == absolute), None
    )
    if wanted is not None:
        if part is None or "controller" not in part:
            return Dereferenced(None, "invalidVerificationMethod")
        under = _listed(found.document, wanted) if wanted in RELATIONSHIPS else []
        if absolute not in [_name(one, did) for one in under]:
            return Dereferenced(None, "invalidRelationshipForVerificationMethod")
    return Dereferenced(None, "notFound") if part is None else Dereferenced(part)


def _listed(document: Mapping[str, JSON], name: str) -> list[JSON]:
    found = document.get(name)
    return found if isinstance(found, list) else []


def _name(item: JSON, did: str) -> JSON:
    """Return the absolute ``id`` of a method or service, given as an object or as a text."""
    identity = item.get("id") if isinstance(item, dict) else item
    return did + identity if isinstance(identity, str) and identity.startswith("#") else identity
