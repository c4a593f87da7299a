"""The content of a trust file as values, with queries."""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.limits import DEFAULT_STATUS_DAYS
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.did import DocumentSource, KnownDocument
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.history.log.note import VerifierKey, is_name
from lyrikstore.history.policy.policy import matches

CLAIMS = ("quality", "legal", "deidentification", "regulatory", "answers", "challenge")
"""Subjects of attestations, for which an issuer can be believed."""

ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "publisher": (),
        "trainer": (),
        "reviewer": (),
        "auditor": ("quality", "regulatory"),
        "lawyer": ("legal", "regulatory"),
        "expert": ("deidentification", "answers", "challenge"),
    }
)
"""Role of an issuer → the claims for which it is believed by default.

``publisher``: dataset credentials, grants and stores.
"""

DEFAULT_STATUS_AGE = timedelta(days=DEFAULT_STATUS_DAYS)


class TrustedIssuer(Struct, frozen=True):
    """One issuer the verifier believes.

    Attributes:
        did: Its ``did:key`` or ``did:web``.
        nickname: The verifier's own name for it, which reports print; never a name from a
        credential.
        roles: Words of :data:`ROLES`.
        claims: Words of :data:`CLAIMS`; None: the defaults of its roles.
        names: Patterns over manifest names; ``*`` stands for any run of characters.
        stores: Ids of the stores for which it is believed; empty: every store.
        since: First moment of the trust.
        until: Last moment of the trust.
    """

    did: str
    nickname: str
    roles: tuple[str, ...] = ("publisher",)
    names: tuple[str, ...] = ("*",)
    stores: tuple[Digest, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    claims: tuple[str, ...] | None = None

    @property
    def believed_about(self) -> frozenset[str]:
        """The kinds of claim that the verifier accepts from this issuer."""
        if self.claims is not None:
            return frozenset(self.claims)
        return frozenset(claim for role in self.roles for claim in ROLES.get(role, ()))

    def is_for(self, store: Digest | None, at: datetime) -> bool:
        """Return whether this entry applies to a store at a moment."""
        return (
            (not self.stores or store in self.stores)
            and (self.since is None or self.since <= at)
            and (self.until is None or at <= self.until)
        )

    def covers(
        self, *, name: str, store: Digest | None, at: datetime, role: str = "", claim: str = ""
    ) -> bool:
        """Return whether this entry applies to a role or claim, a name, a store and a moment."""
        return (
            (role in self.roles if role else claim in self.believed_about)
            and any(matches(pattern, name) for pattern in self.names)
            and self.is_for(store, at)
        )


class TrustedLog(Struct, frozen=True):
    """One log that the verifier believes, of any founder.

    Attributes:
        origin: The log's origin line.
        key: The verifier key (``vkey``) that signs its log checkpoints.
    """

    origin: str
    key: VerifierKey


class TrustedWitness(Struct, frozen=True):
    """One witness whose cosignatures on log checkpoints the verifier believes.

    Attributes:
        name: Its name.
        key: Its verifier key as written, of the type for cosignatures.
    """

    name: str
    key: str

    @classmethod
    def parse(cls, name: str, text: str) -> Self:
        """Parse the ``NAME+KEYID+BASE64`` of a witness.

        Raises:
            FormatError: (``bad-vkey``) wrong spelling, type, key id or name.
            KeyMaterialError: The key is weak.
        """
        parts = text.split("+", 2)
        raw = decode_base64(parts[2], "bad-vkey") if len(parts) == 3 else b""
        if len(raw) != 33 or raw[:1] != b"\x04" or parts[0] != name or not is_name(name):
            raise FormatError("bad-vkey", f"not a key of the witness {name[:80]!a}")
        PublicKey(raw[1:])
        if sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != parts[1]:
            raise FormatError("bad-vkey", "the key id is not the one of this name and key")
        return cls(name, text)

    @property
    def public(self) -> PublicKey:
        """The public key."""
        return PublicKey(b64decode(self.key.split("+", 2)[2])[1:])


class TrustedAuthority(Struct, frozen=True):
    """One time stamp authority (RFC 3161) whose dates the verifier believes.

    Attributes:
        name: The verifier's own name for it.
        certificate: Its certificate, or the root of its chain, as PEM.
    """

    name: str
    certificate: str


class PinnedDocument(Struct, frozen=True):
    """A DID document that the verifier accepts as the DID's own.

    Attributes:
        did: The DID.
        data: The document's bytes.
        path: Its path, relative to the trust file; empty if the trust file contains it.
    """

    did: str
    data: bytes
    path: str = ""

    @property
    def digest(self) -> Digest:
        """BLAKE3 of the document."""
        return Digest.of(self.data)


@lru_cache(maxsize=256)
def _known(data: bytes) -> KnownDocument:
    return KnownDocument.of(data, DocumentSource.PINNED)


class AllowedKeys(Struct, frozen=True):
    """Restrictions of keys and algorithms, for every issuer.

    Attributes:
        keys: did:key of the allowed keys; None for any.
        hashes: Allowed hash functions; None for all that lyrikstore supports.
        cryptosuites: Allowed Data Integrity cryptosuites; None for all that lyrikstore supports.
    """

    keys: frozenset[str] | None = None
    hashes: frozenset[str] | None = None
    cryptosuites: frozenset[str] | None = None

    def refusals(
        self, *, keys: Iterable[str], hashes: Iterable[str], cryptosuites: Iterable[str]
    ) -> list[str]:
        """Return the used keys and algorithms that are not allowed."""
        pairs = (
            (self.keys, keys),
            (self.hashes, hashes),
            (self.cryptosuites, cryptosuites),
        )
        return [
            item
            for allowed, used in pairs
            if allowed is not None
            for item in dict.fromkeys(used)
            if item not in allowed
        ]


class Trust(Struct, frozen=True):
    """A parsed trust file.

    Attributes:
        issuers: In file order.
        logs: In file order.
        max_status_age: Largest age of a status list that shows "not revoked".
        max_log_age: Largest age of a log checkpoint, by its witnesses' clocks; None for any age.
        witnesses: In file order.
        witnesses_required: Number of witnesses that must have countersigned a log checkpoint.
        documents: Pinned DID documents, in file order.
        authorities: Time stamp authorities, in file order.
        allowed: The allowed keys and algorithms.
    """

    issuers: tuple[TrustedIssuer, ...] = ()
    logs: tuple[TrustedLog, ...] = ()
    max_status_age: timedelta = DEFAULT_STATUS_AGE
    max_log_age: timedelta | None = None
    witnesses: tuple[TrustedWitness, ...] = ()
    witnesses_required: int = 0
    documents: tuple[PinnedDocument, ...] = ()
    authorities: tuple[TrustedAuthority, ...] = ()
    allowed: AllowedKeys = AllowedKeys()

    def matches(
        self, did: str, *, role: str, name: str, store: Digest | None, at: datetime
    ) -> TrustedIssuer | None:
        """Return the first entry that believes ``did`` in this role, or None.

        Args:
            did: Compared exactly.
            role: One of :data:`ROLES`.
            name: The manifest name in question, such as ``datasets/acme/contracts``.
            store: Id of its store, if known.
            at: The moment of verification, never a date from a document.
        """
        for issuer in self.issuers:
            if issuer.did == did and issuer.covers(role=role, name=name, store=store, at=at):
                return issuer
        return None

    def believes(
        self, did: str, *, claim: str, name: str, store: Digest | None, at: datetime
    ) -> TrustedIssuer | None:
        """Return the first entry that believes ``did`` for this claim, or None.

        Args:
            did: Compared exactly.
            claim: One of :data:`CLAIMS`.
            name: As for :meth:`matches`.
            store: As for :meth:`matches`.
            at: As for :meth:`matches`.
        """
        for issuer in self.issuers:
            if issuer.did == did and issuer.covers(claim=claim, name=name, store=store, at=at):
                return issuer
        return None

    def vouches_for(self, founder: str, *, store: Digest, at: datetime) -> TrustedIssuer | None:
        """Return the first publisher entry of ``founder`` for a store, or None.

        Names do not count here: a store may have datasets with names for which its owner is not
        believed, and each credential from it is checked by its own name.
        """
        for issuer in self.issuers:
            if issuer.did == founder and any(
                issuer.covers(role="publisher", name=name, store=store, at=at)
                for name in issuer.names
            ):
                return issuer
        return None

    def nicknames(self, did: str) -> tuple[str, ...]:
        """Return the nicknames of ``did``, each once; more than one may be a mistake."""
        return tuple(dict.fromkeys(one.nickname for one in self.issuers if one.did == did))

    def knows(self, did: str) -> TrustedIssuer | None:
        """Return the first entry of ``did`` in any role, or None."""
        for issuer in self.issuers:
            if issuer.did == did:
                return issuer
        return None

    def nickname_for(self, did: str, *, store: Digest | None, at: datetime) -> str | None:
        """Return the nickname in the first entry of ``did`` for a store and moment, or None.

        The role does not matter: a nickname only identifies the owner of the key.
        """
        named = (one for one in self.issuers if one.did == did and one.is_for(store, at))
        return next((one.nickname for one in named), None)

    def known_documents(self) -> list[KnownDocument]:
        """Return the pinned DID documents, for a resolver."""
        return [_known(pinned.data) for pinned in self.documents]

    def to_json(self) -> dict[str, Any]:
        """Return the trust in the form of ``schemas/cli/trust-list.schema.json``."""
        return {
            "issuers": [
                {
                    "did": issuer.did,
                    "nickname": issuer.nickname,
                    "roles": list(issuer.roles),
                    "claims": sorted(issuer.believed_about),
                    "names": list(issuer.names),
                    "stores": [str(store) for store in issuer.stores],
                    "since": format_timestamp(issuer.since) if issuer.since else None,
                    "until": format_timestamp(issuer.until) if issuer.until else None,
                }
                for issuer in self.issuers
            ],
            "documents": [
                {"did": one.did, "digest": str(one.digest), "path": one.path or None}
                for one in self.documents
            ],
            "logs": [str(log.key) for log in self.logs],
            "witnesses": [witness.key for witness in self.witnesses],
            "authorities": [authority.name for authority in self.authorities],
        }


NOBODY = Trust()
"""Trust in nobody: the meaning of an absent trust file."""
