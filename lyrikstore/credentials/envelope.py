"""What every credential of profile ``lyrik`` goes through, whatever it says (spec/11 §4.1).

Dataset credentials, attestations and grants are one envelope around different subjects: the same
bytes, the same proof, the same issuer binding, period and status. Sans-IO.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    InvalidInputError,
    LyrikstoreError,
    VerificationError,
)
from lyrikstore.canon.jsontext import JSON, encode, parse
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.credentials.did import KeysAt, ResolvedKey, Resolver, Source
from lyrikstore.credentials.report import (
    Check,
    CheckState,
    failed,
    listed,
    name_some,
    not_applicable,
    passed,
    quote,
    unchecked,
    warned,
)
from lyrikstore.credentials.statuscheck import Notices, check_status
from lyrikstore.credentials.statuslist import CLOCK_SKEW, MAX_CANDIDATES
from lyrikstore.credentials.trust import Allowed, Trust
from lyrikstore.credentials.vcdm import CredentialKind, check_credential_shape, issuer_of, kind_of
from lyrikstore.crypto.multikey import did_key
from lyrikstore.crypto.proof import CRYPTOSUITE, Verified, add_proof, verify_proof
from lyrikstore.crypto.signer import Signer

ENVELOPE_CHECKS = ("format", "schema", "proof", "issuer.binding")
"""Ids of the checks :func:`open_envelope` makes, in order."""

ISSUER_CHECKS = ("issuer.document", "trust.issuer", "trust.allowed", "period", "status")
"""Ids of the checks :func:`check_issuer` makes, in order."""

DID_KEYS = Resolver().at(datetime.max.replace(tzinfo=UTC))
"""Finds the keys of did:key issuers only, which know no time."""

_HASHES = ("blake3", "sha2-256")
"""What our credentials rest on: content by the first, signatures and the log by the second."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A credential of one kind, opened.

    Attributes:
        checks: One per id of :data:`ENVELOPE_CHECKS`, in that order.
        document: What was signed, or, where no signature holds, what it says: good for saying
            what else is wrong, and nothing more. None if it is not even well-formed.
        issuer: The issuer's DID as found, or None.
        signer: The key that signed, and what says that it is the issuer's; None where no
            signature holds.
        id: BLAKE3 of its canonical form, so that no respelling gives it another one.
    """

    checks: tuple[Check, ...]
    document: Mapping[str, JSON] | None
    issuer: str | None
    signer: ResolvedKey | None
    id: Digest | None

    @property
    def genuine(self) -> bool:
        """Whether every check passed: this issuer says this, whatever it is worth."""
        return all(check.state is CheckState.PASS for check in self.checks)


def keys_for(trust: Trust, notices: Notices, at: datetime) -> KeysAt:
    """Return what finds issuers' keys: in pinned documents, and those at hand.

    Args:
        trust: Has the pinned ones.
        notices: Has those fetched, and those beside the credential.
        at: The moment to judge for.
    """
    if not trust.documents and not notices.documents:
        return DID_KEYS.resolver.at(at)
    return Resolver((*trust.known_documents(), *notices.documents)).at(at)


def open_envelope(data: bytes, kind: CredentialKind, keys: KeysAt = DID_KEYS) -> Envelope:
    """Return the credential in ``data``. Never raises for bad input.

    Args:
        data: The credential's bytes, as received.
        kind: What it has to be. One of another kind fails ``schema``: a grant is no dataset
            credential, whatever its signature.
        keys: Finds the issuer's key, see :func:`keys_for`; by default that of a did:key only.

    Cost: one signature and one schema validation.
    """
    # (1) format - spec/10-credentials.md §2: bytes, before anything looks at them.
    try:
        document = parse(data)
    except FormatError as error:
        return _malformed([failed("format", error.kind, f"not a credential: {error.message}")])
    if not isinstance(document, dict):
        return _malformed([failed("format", "bad-json", "not a credential: not a JSON object")])
    checks = [passed("format", f"strict JSON, {len(data)} bytes")]
    issuer = issuer_of(document)

    # (2) schema - spec/10-credentials.md §3, §4: the closed shape of its kind.
    label = f"{kind.schema.removesuffix('-1').replace('-', ' ')}"
    try:
        check_credential_shape(document, kind)
    except FormatError as error:
        checks.append(failed("schema", error.kind, f"not a {label}: {quote(error.message, 300)}"))
        checks.append(_check_proof(document, keys)[0])
        return _malformed(checks, issuer)
    checks.append(passed("schema", f"{label}, profile lyrik 1"))

    identity = Digest.of(encode(document))

    # (3) proof, (4) issuer.binding - spec/10-credentials.md §5.
    proof, verified = _check_proof(document, keys)
    if verified is None:
        checks += [proof, _check_binding(issuer, None)]
        return Envelope(tuple(checks), document, issuer, None, identity)
    signer = keys.find(verified.verification_method)
    checks += [proof, _check_binding(issuer, signer)]
    # From here on only what was signed.
    return Envelope(tuple(checks), verified.document_without_proof, issuer, signer, identity)


def not_opened(envelope: Envelope, checks: tuple[str, ...]) -> tuple[Check, ...]:
    """Return all of ``checks``: those of a malformed envelope, and the rest as not made."""
    made = {check.id: check for check in envelope.checks}
    return tuple(
        made.get(check)
        or unchecked(check, "malformed", "not looked at: the credential is malformed")
        for check in checks
    )


def check_issuer(
    envelope: Envelope,
    *,
    trust: Trust,
    name: str,
    store: Digest | None,
    at: datetime,
    notices: Notices,
    claim: str | None = None,
    only_if_believed: bool = False,
) -> tuple[Check, ...]:
    """Return :data:`ISSUER_CHECKS`: who says it, whether he is believed, and stands by it.

    Args:
        envelope: A credential that is well-formed.
        trust: Whom the verifier believes.
        name: The dataset's name.
        store: Its store, where known.
        at: The moment to judge for.
        notices: What its issuer has said about it since.
        claim: The kind of attestation; None: he speaks as the dataset's publisher.
        only_if_believed: Leave his status lists unread if he is not believed: each may unpack to
            16 MiB, and anybody can lay things beside a delivery.
    """
    document, signer = envelope.document or {}, envelope.signer
    keys = None if signer is None else [did_key(signer.key)]
    believed = _check_trust(envelope, trust, name, store, at, claim)
    if (
        only_if_believed
        and believed.state is not CheckState.PASS
        and "credentialStatus" in document
    ):
        status = unchecked("status", "not-believed", "not looked at: you do not believe the issuer")
    else:
        status = check_standing(envelope, document, notices, trust, at)
    return (
        check_document(envelope.signer),
        believed,
        check_allowed(keys, [CRYPTOSUITE], trust),
        _check_period(document, at),
        status,
    )


def check_standing(
    envelope: Envelope, document: Mapping[str, JSON], notices: Notices, trust: Trust, at: datetime
) -> Check:
    """Return ``status``: whether the issuer still stands by it, and has put none in its place.

    Args:
        envelope: The credential.
        document: Its document.
        notices: What the issuer has said since.
        trust: How old a list may be.
        at: The moment to judge for.
    """
    if not envelope.genuine or envelope.issuer is None:
        return unchecked("status", "no-issuer", "whose status list counts is not established")
    keys = keys_for(trust, notices, at)
    if envelope.signer is not None and envelope.signer.source is not Source.SNAPSHOT:
        # ATTACK: a document of the issuer's DID laid beside the credential, with a key of the
        # attacker's, who signs a status list by it.
        keys = keys.resolver.without_snapshots().at(at)
    status = check_status(document, envelope.issuer, notices, at, trust.max_status_age, keys)
    known = notices.successors.get(envelope.id.urn, ()) if envelope.id is not None else ()
    for data in known[:MAX_CANDIDATES]:
        replaced = _replaced_by(data, envelope, document, at, keys)
        if replaced is not None:
            return failed("status", "superseded", f"superseded by {replaced}", by=replaced)
    return status


def issue(document: dict[str, JSON], signer: Signer, created: datetime) -> bytes:
    """Return the signed credential in canonical form, read back and verified.

    Args:
        document: An unsigned credential of one of our kinds.
        signer: Must be the issuer.
        created: Now; claimed time, never trusted.

    Raises:
        InvalidInputError: (``wrong-issuer``) the document names another issuer.
        FormatError: The document is not a credential of the kind it says it is.
        KeyMaterialError: The signer cannot sign.
    """
    if issuer_of(document) != signer.did:
        raise InvalidInputError(
            "wrong-issuer", f"the credential names another issuer than its signer {signer.did}"
        )
    signed = add_proof(document, signer, created=created)  # verified there
    kind = kind_of(signed)
    if kind is None:
        raise FormatError("bad-credential", "not a kind of credential that lyrikstore issues")
    check_credential_shape(signed, kind)
    data = encode(signed)
    # Read back before anybody else does: what verifies here must be what is read there.
    if parse(data) != signed:
        raise VerificationError("bad-signature", "the credential does not survive being written")
    return data


def reference_to(data: bytes) -> dict[str, JSON]:
    """Return the reference by which other credentials name the one in ``data``.

    Raises:
        FormatError: ``data`` is no credential.
    """
    document = parse(data)
    if kind_of(document) is None or not isinstance(document.get("id"), str):
        raise FormatError("bad-credential", "not a credential of lyrikstore's")
    digest = Digest.of(encode(document)).urn
    return {"type": "CredentialReference", "id": document["id"], "digest": digest}


def _replaced_by(
    data: bytes, envelope: Envelope, document: Mapping[str, JSON], at: datetime, keys: KeysAt
) -> str | None:
    # Only the issuer replaces what he issued, and only by a credential of the same kind that names
    # it by id and by digest: anybody can write "supersedes" into something of his own.
    kind = kind_of(document)
    successor = open_envelope(data, kind, keys) if kind is not None else None
    if successor is None or successor.document is None or not successor.genuine:
        return None
    begins = parse_timestamp(successor.document["validFrom"])
    if successor.issuer != envelope.issuer or begins - at > CLOCK_SKEW:
        return None
    if successor.document["supersedes"]["id"] != document["id"]:
        return None
    return str(successor.document["id"])


def check_document(signer: ResolvedKey | None) -> Check:
    """Return ``issuer.document``: whether the issuer's DID document speaks for its name."""
    if signer is None:
        return unchecked("issuer.document", "no-proof", "no sound signature by any issuer")
    did, digest = signer.did, "" if signer.digest is None else str(signer.digest)
    if signer.source is Source.DERIVED:
        return not_applicable("issuer.document", "the issuer's DID is its key")
    if signer.source is Source.SNAPSHOT:
        known = " and ".join(source.value for source in signer.missing_from)
        return warned(
            "issuer.document",
            "snapshot-only",
            f"that this key is {did}'s is said only by the document beside the credential, which "
            + (f"the {known} one does not confirm" if known else "anybody could have written"),
            document=digest,
        )
    if signer.missing_from:
        return warned(
            "issuer.document",
            "withdrawn",
            f"{did} does not list this key any more; the document you pinned does",
            document=digest,
        )
    return passed(
        "issuer.document", f"the {signer.source.value} document of {did} lists it", document=digest
    )


def check_allowed(keys: list[str] | None, cryptosuites: list[str], trust: Trust) -> Check:
    """Return ``trust.allowed``: whether only keys and algorithms were used that trust allows.

    Args:
        keys: did:keys of those who signed; None where no signature holds.
        cryptosuites: By which they did.
        trust: Whom and what the verifier believes.
    """
    if trust.allowed == Allowed():
        return not_applicable("trust.allowed", "your trust file limits no keys and algorithms")
    if keys is None:
        return unchecked("trust.allowed", "no-proof", "no sound signature by any key")
    wrong = trust.allowed.refusals(keys=keys, hashes=_HASHES, cryptosuites=cryptosuites)
    if wrong:
        summary = f"your trust file does not allow {name_some(wrong)}"
        return failed("trust.allowed", "not-allowed", summary, used=listed(wrong))
    return passed("trust.allowed", "your trust file allows the key and the algorithms")


def _check_trust(
    envelope: Envelope,
    trust: Trust,
    name: str,
    store: Digest | None,
    at: datetime,
    claim: str | None,
) -> Check:
    issuer = envelope.issuer
    if not envelope.genuine or issuer is None:
        return unchecked("trust.issuer", "no-issuer", "who issued it is not established")
    if claim is None:
        entry = trust.matches(issuer, role="publisher", name=name, store=store, at=at)
    else:
        entry = trust.believes(issuer, claim=claim, name=name, store=store, at=at)
    if entry is not None:
        return passed(
            "trust.issuer",
            f"you trust this issuer as {quote(entry.nickname)}",
            nickname=entry.nickname,
            issuer=issuer,
        )
    known = trust.knows(issuer)
    if known is not None:
        return warned(
            "trust.issuer",
            "out-of-scope",
            f"you trust {quote(known.nickname)}, but not for this claim, name, store and time",
            nickname=known.nickname,
            issuer=issuer,
        )
    return warned(
        "trust.issuer",
        "unknown-issuer",
        f"nobody you trust: anybody can make a key, and {issuer} is not in your trust file",
        issuer=issuer,
    )


def _check_period(document: Mapping[str, JSON], at: datetime) -> Check:
    """Return ``period``: whether the credential is valid at that moment, give or take the skew."""
    valid_from = parse_timestamp(document["validFrom"])
    until_text = document.get("validUntil")
    detail: dict[str, JSON] = {"validFrom": document["validFrom"], "at": format_timestamp(at)}
    if until_text is not None:
        detail["validUntil"] = until_text
    if valid_from - at > CLOCK_SKEW:
        summary = f"not yet valid: it begins at {document['validFrom']}"
        return failed("period", "not-yet-valid", summary, **detail)
    if until_text is not None and at - parse_timestamp(until_text) > CLOCK_SKEW:
        return failed("period", "expired", f"expired at {until_text}", **detail)
    end = f"valid until {until_text}" if until_text is not None else "valid without an end"
    return passed("period", end, **detail)


def _malformed(made: list[Check], issuer: str | None = None) -> Envelope:
    found = {check.id: check for check in made}
    checks = tuple(
        found.get(check)
        or unchecked(check, "malformed", "not looked at: the credential is malformed")
        for check in ENVELOPE_CHECKS
    )
    return Envelope(checks, None, issuer, None, None)


def _check_proof(document: dict[str, JSON], keys: KeysAt) -> tuple[Check, Verified | None]:
    try:
        verified = verify_proof(document, resolve=keys)
    except IncompleteError as error:  # nothing says which keys the issuer has
        return unchecked("proof", error.kind, quote(error.message, 300)), None
    except LyrikstoreError as error:
        if error.kind == "bad-signature":
            summary = "the signature does not fit: claims edited after signing, or another key"
            return failed("proof", "edited", summary), None
        return failed("proof", error.kind, quote(error.message, 300)), None
    signer = did_key(verified.key)
    return passed("proof", f"eddsa-jcs-2022 signature by {signer} holds", signer=signer), verified


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
    return passed("issuer.binding", "the signing key is the issuer's")
