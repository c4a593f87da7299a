"""The steps that need only a credential, a trust file and a moment (spec/11-verification.md §4.1).

Sans-IO. :mod:`lyrikstore.credentials.verify` adds what needs the rest of a delivery.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.jsontext import JSON, parse
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.credentials.report import (
    Check,
    CheckState,
    failed,
    passed,
    quote,
    unchecked,
    warned,
)
from lyrikstore.credentials.statuscheck import CLOCK_SKEW, NO_LISTS, StatusLists, check_status
from lyrikstore.credentials.trust import Trust
from lyrikstore.credentials.vcdm import check_credential_shape, issuer_of
from lyrikstore.crypto.multikey import did_key
from lyrikstore.crypto.proof import Verified, verify_proof

CREDENTIAL_CHECKS = (
    "format",
    "schema",
    "proof",
    "issuer.binding",
    "trust.issuer",
    "period",
    "status",
    "terms",
)
"""Ids of the checks :func:`check_credential` makes, in order."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a well-formed dataset credential says of its dataset, as values.

    Attributes:
        name: The manifest's name.
        tree: Content identity, with metadata.
        files: Identity of the files alone.
        manifest: Id of the dataset manifest.
        store: Id of the store that logged it.
        log_origin: Name of the log.
        log_index: Where in it the manifest stands.
        records: ``(records manifest, order root as hex, count)``, or None.
        permits: What the issuer allows.
        prohibits: What the issuer forbids.
        requires: Duties.
        licence_text: Digest of the licence text, or None.
        subject: All of ``credentialSubject``; treat as read-only.
    """

    name: str
    tree: Digest
    files: Digest
    manifest: Digest
    store: Digest
    log_origin: str
    log_index: int
    records: tuple[Digest, str, int] | None
    permits: tuple[str, ...]
    prohibits: tuple[str, ...]
    requires: tuple[str, ...]
    licence_text: Digest | None
    subject: Mapping[str, Any]

    def allows(self, purpose: str) -> bool:
        """Return whether these terms permit ``purpose``. What is not permitted is not."""
        return purpose in self.permits and purpose not in self.prohibits

    @classmethod
    def of(cls, subject: Mapping[str, Any]) -> Self:
        """Read the subject of a credential that passed ``check_credential_shape``."""
        licence, records = subject["licence"], subject.get("recordsRoot")
        text = licence.get("digestMultibase")
        return cls(
            name=subject["name"],
            tree=Digest.parse_urn(subject["id"]),
            files=Digest.parse_urn(subject["files"]),
            manifest=Digest.parse_urn(subject["manifest"]),
            store=Digest.parse_urn(subject["store"]),
            log_origin=subject["log"]["origin"],
            log_index=subject["log"]["index"],
            records=None
            if records is None
            else (
                Digest.parse_urn(records["manifest"]),
                records["hashValue"],
                int(records["count"]),
            ),
            permits=tuple(licence["permits"]),
            prohibits=tuple(licence["prohibits"]),
            requires=tuple(licence["requires"]),
            licence_text=None if text is None else parse_blake3_multibase(text),
            subject=subject,
        )


@dataclass(frozen=True, slots=True)
class CheckedCredential:
    """What the credential's own checks gave.

    Attributes:
        checks: One per id of :data:`CREDENTIAL_CHECKS`, in that order.
        claims: What it says, or None if it is not even well-formed. Established only if
            ``genuine``; otherwise good for saying what else is wrong, and nothing more.
        issuer: The issuer's DID as found, or None.
        genuine: Whether format, schema, proof and issuer binding all passed.
    """

    checks: tuple[Check, ...]
    claims: Claims | None
    issuer: str | None
    genuine: bool

    @property
    def passed(self) -> bool:
        """Whether every check passed or had nothing to look at: genuine, believed, in force."""
        return all(
            check.state in {CheckState.PASS, CheckState.NOT_APPLICABLE} for check in self.checks
        )


def check_credential(
    data: bytes, *, trust: Trust, at: datetime, lists: StatusLists = NO_LISTS
) -> CheckedCredential:
    """Return the outcome of the credential's own checks. Never raises for bad input.

    Args:
        data: The credential's bytes, as received.
        trust: Whom the verifier believes.
        at: The moment to judge for.
        lists: Status lists at hand.

    Cost: one signature and one schema validation, about two milliseconds.
    """
    # (1) format - spec/10-credentials.md §2: bytes, before anything looks at them.
    try:
        document = parse(data)
    except FormatError as error:
        return _stop([failed("format", error.kind, f"not a credential: {error.message}")], None)
    if not isinstance(document, dict):
        return _stop([failed("format", "bad-json", "not a credential: not a JSON object")], None)
    checks = [passed("format", f"strict JSON, {len(data)} bytes")]
    issuer = issuer_of(document)

    # (2) schema - spec/10-credentials.md §3, §4: the closed shape of profile lyrik.
    try:
        check_credential_shape(document)
        claims = Claims.of(document["credentialSubject"])
    except FormatError as error:
        checks.append(
            failed("schema", error.kind, f"not a dataset credential: {quote(error.message, 300)}")
        )
        checks.append(_check_proof(document)[0])
        return _stop(checks, issuer)
    checks.append(passed("schema", "dataset credential, profile lyrik 1"))

    # (3) proof, (4) issuer.binding - spec/10-credentials.md §5.
    proof, verified = _check_proof(document)
    binding = _check_binding(issuer, verified)
    genuine = proof.state is CheckState.PASS and binding.state is CheckState.PASS
    checks += [proof, binding]
    if verified is not None:  # from here on only what was signed
        document = verified.document_without_proof
        claims = Claims.of(document["credentialSubject"])

    # (5) trust.issuer - spec/11-verification.md §3.
    checks.append(_check_trust(issuer, claims, trust, at, genuine=genuine))
    # (6) period.
    checks.append(_check_period(document, at))
    # (7) status.
    checks.append(_check_status(document, issuer, lists, trust, at, genuine=genuine))
    # (8) terms.
    checks.append(_check_terms(claims))
    return CheckedCredential(tuple(checks), claims, issuer, genuine)


def parse_blake3_multibase(text: str) -> Digest:
    """Read a base64url multibase BLAKE3-256 multihash.

    Raises:
        FormatError: (``bad-digest``) another spelling, or another hash function.
    """
    if not text.startswith("u") or len(text) != 47:
        raise FormatError("bad-digest", f"not a BLAKE3 multihash: {text[:80]!r}")
    try:
        raw = urlsafe_b64decode(text[1:] + "==")
    except ValueError:
        raise FormatError("bad-digest", f"not base64url: {text[:80]!r}") from None
    digest = Digest(raw[2:]) if len(raw) == 34 else None
    if digest is None or digest.multibase != text:
        raise FormatError("bad-digest", f"not a BLAKE3 multihash: {text[:80]!r}")
    return digest


def _stop(checks: list[Check], issuer: str | None) -> CheckedCredential:
    made = {check.id for check in checks}
    rest = [
        unchecked(check, "malformed", "not looked at: the credential is malformed")
        for check in CREDENTIAL_CHECKS
        if check not in made
    ]
    order = {check: i for i, check in enumerate(CREDENTIAL_CHECKS)}
    ordered = sorted([*checks, *rest], key=lambda check: order[check.id])
    return CheckedCredential(tuple(ordered), None, issuer, genuine=False)


def _check_proof(document: dict[str, JSON]) -> tuple[Check, Verified | None]:
    try:
        verified = verify_proof(document)
    except LyrikstoreError as error:
        if error.kind == "bad-signature":
            summary = "the signature does not fit: claims edited after signing, or another key"
            return failed("proof", "edited", summary), None
        return failed("proof", error.kind, quote(error.message, 300)), None
    signer = did_key(verified.key)
    return passed("proof", f"eddsa-jcs-2022 signature by {signer} holds", signer=signer), verified


def _check_binding(issuer: str | None, verified: Verified | None) -> Check:
    if verified is None:
        return unchecked("issuer.binding", "no-proof", "no sound signature to bind the issuer to")
    signer = did_key(verified.key)
    if issuer != signer:
        return failed(
            "issuer.binding",
            "foreign-key",
            f"it names {quote(issuer)} as issuer but is signed by {signer}",
            issuer=issuer or "",
            signer=signer,
        )
    return passed("issuer.binding", "the signing key is the issuer's")


def _check_trust(
    issuer: str | None, claims: Claims, trust: Trust, at: datetime, *, genuine: bool
) -> Check:
    if not genuine or issuer is None:
        return unchecked("trust.issuer", "no-issuer", "who issued it is not established")
    entry = trust.matches(issuer, role="publisher", name=claims.name, store=claims.store, at=at)
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
            f"you trust {quote(known.nickname)}, but not for this name, store and time",
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


def _check_status(
    document: Mapping[str, JSON],
    issuer: str | None,
    lists: StatusLists,
    trust: Trust,
    at: datetime,
    *,
    genuine: bool,
) -> Check:
    if not genuine or issuer is None:
        return unchecked("status", "no-issuer", "whose status list counts is not established")
    return check_status(document, issuer, lists, at, trust.max_status_age)


def _check_terms(claims: Claims) -> Check:
    parts = [
        f"{verb} {', '.join(quote(word) for word in words)}" if words else f"{verb} nothing"
        for verb, words in (
            ("permits", claims.permits),
            ("prohibits", claims.prohibits),
            ("requires", claims.requires),
        )
        if words or verb == "permits"
    ]
    detail: dict[str, JSON] = {
        "permits": list(claims.permits),
        "prohibits": list(claims.prohibits),
        "requires": list(claims.requires),
    }
    if "spdxExpression" in claims.subject["licence"]:
        detail["licence"] = claims.subject["licence"]["spdxExpression"]
    return passed("terms", "; ".join(parts), **detail)
