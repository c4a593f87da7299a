"""Resolution of the URL of a key to the key (spec §18.4).

Sans-IO: a resolver uses the documents that it gets, and opens nothing. The source of a document
decides its authority: a document that the user pinned or fetched is authoritative for its DID; one
that lies next to a credential was put there by the sender.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    KeyMaterialError,
    LyrikstoreError,
)
from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import MAX_DID_DOCUMENTS
from lyrikstore.credentials.did.document import (
    PURPOSES,
    DidDocument,
    Method,
    build_document,
    parse_document,
)
from lyrikstore.credentials.did.names import did_of, parse_did
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import decode_base58, parse_did_key, parse_verification_method

RESULT_CONTEXT = "https://w3id.org/did-resolution/v1"
MEDIA_TYPE = "application/did+ld+json"
KEY_FORMAT = "Multikey"
"""The only format of a key in the document of a did:key."""

# A credential names one method in its proof, a document lists some: credentials must not use up
# the tries.
_LISTS_METHODS = re.compile(rb'"verificationMethod"\s*:\s*\[')


class DocumentSource(Enum):
    """The source of a document, the most authoritative first."""

    FETCHED = "fetched"
    """Fetched now from the URL of the DID, on the user's request."""
    PINNED = "pinned"
    """Pinned in the verifier's trust file."""
    DERIVED = "derived"
    """Derived from the DID itself: did:key."""
    SNAPSHOT = "snapshot"
    """Next to the credential: it shows the intended keys, not that they are the DID's."""


class KnownDocument(Struct, frozen=True):
    """A DID document with its source.

    Attributes:
        document: The parsed document.
        source: Its source.
        data: Its bytes.
    """

    document: DidDocument
    source: DocumentSource
    data: bytes

    @classmethod
    def of(cls, data: bytes, source: DocumentSource) -> "KnownDocument":
        """Parse a document; raises as :func:`parse_document`."""
        return cls(parse_document(data), source, data)

    @property
    def digest(self) -> Digest:
        """BLAKE3 of the document's bytes."""
        return Digest.of(self.data)


class ResolvedKey(Struct, frozen=True):
    """A key of a DID, with the document that lists it.

    Attributes:
        did: The DID.
        key: The key.
        source: Source of the document that lists it.
        missing_from: More authoritative documents of the DID that do not list it.
        digest: BLAKE3 of that document's bytes, or None.
    """

    did: str
    key: PublicKey
    source: DocumentSource
    missing_from: tuple[DocumentSource, ...] = ()
    digest: Digest | None = None


class Resolution(Struct, frozen=True):
    """A DID resolution result.

    Attributes:
        document: The DID document, or None.
        error: ``invalidDid``, ``invalidPublicKey``, ``invalidPublicKeyLength``,
            ``unsupportedPublicKeyType``, ``methodNotSupported``, ``notFound``; empty if there is a
            document.
        metadata: ``didDocumentMetadata``.
    """

    document: Mapping[str, JSON] | None
    error: str = ""
    metadata: Mapping[str, JSON] = field(default_factory=lambda: MappingProxyType({}))

    def to_json(self) -> dict[str, Any]:
        """Return the result in the JSON form of W3C DID Resolution."""
        about = {"error": self.error} if self.error else {"contentType": MEDIA_TYPE}
        return {
            "@context": RESULT_CONTEXT,
            "didDocument": None if self.document is None else dict(self.document),
            "didResolutionMetadata": about,
            "didDocumentMetadata": dict(self.metadata),
        }


@lru_cache(maxsize=1024)
def _derived(method_url: str) -> ResolvedKey:
    key = parse_verification_method(method_url)
    return ResolvedKey(method_url.partition("#")[0], key, DocumentSource.DERIVED)


class Resolver:
    """Finds keys of did:key by itself, and of other DIDs in its documents.

    Args:
        documents: DID documents. One DID may have several: the newest, and earlier ones with the
        keys of older credentials.
    """

    def __init__(self, documents: Iterable[KnownDocument] = ()) -> None:
        self._documents: dict[str, list[KnownDocument]] = {}
        order = list(DocumentSource)
        for known in sorted(documents, key=lambda known: order.index(known.source)):
            self._documents.setdefault(known.document.id, []).append(known)

    def key(self, method_url: str, purpose: str, at: datetime) -> PublicKey:
        """Return the key at the URL of a verification method.

        Arguments and errors are those of :meth:`find`.
        """
        return self.find(method_url, purpose, at).key

    def find(self, method_url: str, purpose: str, at: datetime) -> ResolvedKey:
        """Return the key at the URL of a verification method, with its source.

        The document is that of the DID, lists the method under the purpose, the method's controller
        is the DID itself, and the method is neither expired nor revoked at that moment.

        Args:
            method_url: ``DID#FRAGMENT``.
            purpose: The proof's purpose, such as ``assertionMethod``.
            at: The moment of the check.

        Raises:
            KeyMaterialError: (``no-method``, ``wrong-purpose``, ``foreign-controller``,
                ``unsupported-method``, ``method-expired``, ``method-revoked``) the documents do
                not allow this use of it; (``unsupported-did``) another DID method.
                IncompleteError: (``no-document``) no document of that DID is available.
            LyrikstoreError: As :func:`parse_verification_method` and :func:`parse_did`.
        """
        if purpose not in PURPOSES:
            raise KeyMaterialError("wrong-purpose", f"nothing is signed for {purpose[:80]!a}")
        if method_url.startswith("did:key:") and method_url.count("#") == 1:
            # Its document lists its key under every purpose, and no other.
            return _derived(method_url)
        try:
            did = did_of(method_url)
        except FormatError as error:
            raise KeyMaterialError(error.kind, error.message) from None
        method, _ = parse_did(did)
        if method not in DOCUMENTED:
            raise KeyMaterialError("unsupported-did", f"keys of did:{method} cannot be looked up")
        known = self._documents.get(did, [])
        if not known:
            raise IncompleteError(
                "no-document", f"no DID document of {did[:200]!a} is pinned or beside it"
            )
        missing: list[DocumentSource] = []
        for one in known:
            found = one.document.methods.get(method_url)
            if found is not None:
                key = _usable(found, one.document, purpose, at)
                better = tuple(source for source in missing if source is not one.source)
                return ResolvedKey(did, key, one.source, better, one.digest)
            if one.source not in missing:
                missing.append(one.source)
        raise KeyMaterialError(
            "no-method", f"no document of {did[:200]!a} lists {method_url[:300]!a}"
        )

    def without_snapshots(self) -> "Resolver":
        """Return a resolver with only the documents that are authoritative for their DID."""
        known = (one for documents in self._documents.values() for one in documents)
        return Resolver(one for one in known if one.source is not DocumentSource.SNAPSHOT)

    def at(self, moment: datetime) -> "KeysAt":
        """Return a resolver of assertion keys for one moment."""
        return KeysAt(self, moment)

    def resolve(self, did: str, key_format: str = KEY_FORMAT) -> Resolution:
        """Resolve a DID; errors are in the result, never raised.

        Args:
            did: The DID.
            key_format: ``publicKeyFormat`` of did:key: the format of the key.
        """
        try:
            method, rest = parse_did(did)
        except FormatError:
            return Resolution(None, "invalidDid")
        if method == "key":
            error = _key_error(rest)
            if not error and key_format != KEY_FORMAT:
                error = "unsupportedPublicKeyType"
            return (
                Resolution(None, error) if error else Resolution(build_document(did, {rest: rest}))
            )
        if method not in DOCUMENTED:
            return Resolution(None, "methodNotSupported")
        known = self._documents.get(did)
        if not known:
            return Resolution(None, "notFound")
        return Resolution(known[0].document.value, metadata={"source": known[0].source.value})


class KeysAt(Struct, frozen=True):
    """A resolver of assertion keys for one moment.

    Attributes:
        resolver: The resolver.
        moment: The moment for expiry and revocation of keys.
    """

    resolver: Resolver
    moment: datetime

    def find(self, method_url: str) -> ResolvedKey:
        """Return the key and its source; raises as :meth:`Resolver.find`."""
        return self.resolver.find(method_url, "assertionMethod", self.moment)

    def __call__(self, method_url: str) -> PublicKey:
        """Return the key; raises as :meth:`Resolver.find`."""
        return self.find(method_url).key


def documents_among(
    files: Iterable[bytes],
    did: str | None = None,
    source: DocumentSource = DocumentSource.SNAPSHOT,
    *,
    most: int = MAX_DID_DOCUMENTS,
) -> list[KnownDocument]:
    """Return the DID documents among files next to a credential, without verification.

    Args:
        files: Size-capped by the caller.
        did: Only the documents of this DID.
        source: The source to record for them.
        most: Most files that are parsed, the first ones that look like a DID document.

    Cost: one search through each file; parses ``most`` of them.
    """
    found: list[KnownDocument] = []
    tries = 0
    wanted = (did or "did:").encode()
    for data in files:
        if tries == most:
            break
        if wanted not in data or not _LISTS_METHODS.search(data):
            continue
        tries += 1
        try:
            known = KnownDocument.of(data, source)
        except FormatError:
            continue
        if did is None or known.document.id == did:
            found.append(known)
    return found


def _usable(method: Method, document: DidDocument, purpose: str, at: datetime) -> PublicKey:
    shown = f"{method.id[:300]!a}"
    if method.controller != document.id:
        raise KeyMaterialError(
            "foreign-controller", f"{shown} is controlled by {method.controller[:200]!a}"
        )
    if method.id not in document.purposes[purpose]:
        raise KeyMaterialError("wrong-purpose", f"{shown} is not listed under {purpose[:80]!a}")
    if method.key is None:
        raise KeyMaterialError("unsupported-method", f"{shown} is not an Ed25519 Multikey")
    if method.revoked is not None and method.revoked <= at:
        raise KeyMaterialError("method-revoked", f"{shown} is revoked since {method.revoked}")
    if method.expires is not None and method.expires <= at:
        raise KeyMaterialError("method-expired", f"{shown} expired at {method.expires}")
    return method.key


def _key_error(body: str) -> str:
    # The did:key method's own names for what can be wrong.
    if not body.startswith("z"):
        return "invalidDid"
    try:
        data = decode_base58(body[1:], max_length=2000)
    except FormatError:
        return "invalidDid"
    ours = data[:2] == b"\xed\x01"
    if len(data) != 34 and (ours or body.startswith("z6Mk")):  # cut off, base58 changes throughout
        return "invalidPublicKeyLength"
    if not ours:
        return "unsupportedPublicKeyType"
    try:
        parse_did_key(f"did:key:{body}")
    except LyrikstoreError:
        return "invalidPublicKey"
    return ""


DOCUMENTED = frozenset({"web"})
"""DID methods whose documents are passed to the resolver; did:webvh could be added."""
