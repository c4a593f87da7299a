"""The checks that are common to all credentials of profile ``lyrik`` (spec §11.4.1).

Dataset credentials, attestations and grants are one envelope around different subjects: the same
bytes, the same proof, the same issuer binding, period and status. Sans-IO.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    LyrikstoreError,
)
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.did import KeysAt, ResolvedKey, Resolver
from lyrikstore.credentials.model.credential import (
    Claims,
    CredentialKind,
    issuer_of,
)
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import did_key
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.report import Check, CheckState, complete, failed, passed, unchecked

_PASS = CheckState.PASS
_BOUND = passed("issuer.binding", "the signing key is the issuer's")

DID_KEYS = Resolver().at(datetime.max.replace(tzinfo=UTC))
"""A finder of keys for did:key issuers only, which have no key history."""


class Envelope(Struct, frozen=True):
    """An opened credential, judged as a credential of one kind, by the available keys.

    Attributes:
        opened: The credential.
        checks: The checks of the procedure ``opening``.
        document: The signed document. If no signature is valid, the unverified document, which
            serves only to report what else is wrong. None if the credential is malformed.
        issuer: The DID that the credential names as its issuer, or None.
        signer: The key that signed, and the evidence that it is the issuer's; None if no signature
            is valid.
        claims: The claims about a dataset, if it is a dataset credential.
    """

    opened: OpenedCredential
    checks: tuple[Check, ...]
    document: Mapping[str, JSON] | None = None
    issuer: str | None = None
    signer: ResolvedKey | None = None
    claims: Claims | None = None

    @property
    def id(self) -> Digest | None:
        """The credential's id in a log; None if it is malformed."""
        return None if self.document is None else self.opened.id

    @property
    def signature_valid(self) -> bool:
        """Whether every check passed: this issuer signed this, whether trusted or not."""
        # The last is the binding of the issuer, which is made only where all before it passed.
        return self.checks[-1].state is _PASS


def keys_for(trust: Trust, status_updates: StatusUpdates, at: datetime) -> KeysAt:
    """Return a finder of issuers' keys in pinned and in available DID documents.

    Args:
        trust: Contains the pinned documents.
        status_updates: Contains the fetched documents, and those next to the credential.
        at: The moment for which the result holds.
    """
    if not trust.documents and not status_updates.documents:
        return DID_KEYS.resolver.at(at)
    return Resolver((*trust.known_documents(), *status_updates.documents)).at(at)


def open_envelope(
    opened: OpenedCredential, kind: CredentialKind, keys: KeysAt = DID_KEYS
) -> Envelope:
    """Return the envelope of a credential that must be of ``kind``. Never raises for bad input.

    Args:
        opened: The credential.
        kind: The expected kind. A credential of another kind fails ``schema``: a grant is not a
            dataset credential, whatever its signature.
        keys: Finds the issuer's key, see :func:`keys_for`; by default only that of a did:key.

    Cost: one signature, one schema validation and one canonical encoding on the first call for a
    credential.
    """
    # (1) format - spec §10.2: bytes, before anything looks at them.
    try:
        document = opened.parsed().members
    except FormatError as error:
        made = [failed("format", error.kind, f"not a credential: {error.message}")]
        return _malformed(opened, made)
    issuer = issuer_of(document)
    checks = [passed("format", f"strict JSON, {pluralize(len(opened.data), 'byte')}")]

    # (2) schema - spec §10.3, §10.4: the closed shape of its kind.
    try:
        claims = opened.claims_as(kind)
    except FormatError as error:
        summary = f"not a {kind.words}: {quote(error.message, 300)}"
        checks += [failed("schema", error.kind, summary), _check_proof(opened, keys)[0]]
        return _malformed(opened, checks, issuer)
    checks.append(_shaped(kind.words))

    # (3) proof, (4) issuer.binding - spec §10.5.
    proof, signed, signer = _check_proof(opened, keys)
    checks += [proof, _check_binding(issuer, signer)]
    # From here on only what was signed.
    return Envelope(opened, tuple(checks), signed or document, issuer, signer, claims)


@cache
def _shaped(words: str) -> Check:
    return passed("schema", f"{words}, profile lyrik 1")


def _malformed(opened: OpenedCredential, made: list[Check], issuer: str | None = None) -> Envelope:
    return Envelope(opened, complete("opening", made), None, issuer)


def _check_proof(
    opened: OpenedCredential, keys: KeysAt
) -> tuple[Check, dict[str, JSON] | None, ResolvedKey | None]:
    found: list[ResolvedKey] = []

    def resolve(method: str) -> PublicKey:
        found.append(keys.find(method))
        return found[0].key

    try:
        verified = opened.verify(resolve)
    except LyrikstoreError as error:
        return refused_proof(error), None, None
    signer = did_key(verified.key)
    check = passed("proof", f"eddsa-jcs-2022 signature by {signer} holds", signer=signer)
    return check, verified.document_without_proof, found[0]


def refused_proof(error: LyrikstoreError, **problem: JSON) -> Check:
    """Return the check ``proof`` for a proof that could not be verified, or is not valid.

    Args:
        error: The error that says why.
        problem: The profile's text for a proof that is not valid.
    """
    if isinstance(error, IncompleteError):  # nothing says which keys the issuer has
        return unchecked("proof", error.kind, quote(error.message, 300))
    if error.kind == "bad-signature":
        summary = "the signature does not fit: claims edited after signing, or another key"
        return failed("proof", "edited", summary, **problem)
    return failed("proof", error.kind, quote(error.message, 300), **problem)


def _check_binding(issuer: str | None, signed_by: ResolvedKey | None) -> Check:
    if signed_by is None:
        return unchecked("issuer.binding", "no-proof", "no sound signature to bind the issuer to")
    signer = signed_by.did
    if issuer != signer:
        return failed(
            "issuer.binding",
            "foreign-key",
            f"it names {quote(issuer)} as issuer but is signed by {signer}",
            issuer=issuer or "",
            signer=signer,
        )
    return _BOUND
