"""From a DID URL to what it names: a key, another part of a document, or the document (spec §18.5).

W3C DID Resolution 1.0, as far as a document that is available can answer: fragments, and the
relationship that the caller expects of a key. Verification does not come here: it asks
:meth:`~lyrikstore.credentials.did.resolver.Resolver.find`, which also judges the key.
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
"""What may be asked for of a did:key without asking for experimental types; the first is shown."""

RELATIONSHIPS = frozenset({*PURPOSES, "keyAgreement"})
"""Verification relationships that a caller may expect of a key."""

DID_PARAMETERS = frozenset(
    {"hl", "relativeRef", "service", "serviceType", "versionId", "versionTime"}
)
"""What DID Resolution gives a meaning that is not served here."""

_DID_ERRORS = "https://www.w3.org/ns/did#"
_CID_ERRORS = "https://w3id.org/security#"
_OF_KEYS = ("invalidVerificationMethod", "invalidRelationshipForVerificationMethod")


class Dereferenced(Struct, frozen=True):
    """What a DID URL names.

    Attributes:
        content: The document, or the object in it that has this ``id``; None if nothing has.
        error: One of those of :class:`~lyrikstore.credentials.did.resolver.Resolution`, or
            ``invalidDidUrl``, ``invalidPublicKeyType``, ``featureNotSupported``,
            ``invalidVerificationMethod``, ``invalidRelationshipForVerificationMethod``; else empty.
        whole: Whether the content is a DID document.
        metadata: About the content.
    """

    content: Mapping[str, JSON] | None
    error: str = ""
    whole: bool = False
    metadata: Mapping[str, JSON] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def _media_type(self) -> str:
        return MEDIA_TYPE if self.whole else "application/json"  # a part has no @context

    def to_json(self) -> dict[str, Any]:
        """Return it as DID Resolution 1.0 writes it."""
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
        """Return it in the form of a DID resolution result, which older resolvers give it."""
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
    """Return what a DID URL names. Never raises for what it says.

    Args:
        resolver: Knows documents.
        url: The DID URL.
        options: ``publicKeyFormat`` and ``enableExperimentalPublicKeyTypes`` of did:key;
            ``verificationRelationship``: what the key has to be listed under.
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
    """Return the absolute ``id`` of a method or service, or of the one that a text names."""
    identity = item.get("id") if isinstance(item, dict) else item
    return did + identity if isinstance(identity, str) and identity.startswith("#") else identity
