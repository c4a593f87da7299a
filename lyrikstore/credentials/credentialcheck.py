"""The steps that need only a credential, a trust file and a moment (spec/11-verification.md §4.1).

Sans-IO. :mod:`lyrikstore.credentials.verify` adds what needs the rest of a delivery.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.jsontext import JSON
from lyrikstore.credentials.envelope import (
    ENVELOPE_CHECKS,
    ISSUER_CHECKS,
    check_issuer,
    keys_for,
    not_opened,
    open_envelope,
)
from lyrikstore.credentials.report import Check, CheckState, passed, quote
from lyrikstore.credentials.statuscheck import NO_NOTICES, Notices
from lyrikstore.credentials.trust import Trust
from lyrikstore.credentials.vcdm import DATASET, parse_blake3_multibase

CREDENTIAL_CHECKS = (*ENVELOPE_CHECKS, *ISSUER_CHECKS, "terms")
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
    data: bytes, *, trust: Trust, at: datetime, notices: Notices = NO_NOTICES
) -> CheckedCredential:
    """Return the outcome of the credential's own checks. Never raises for bad input.

    Args:
        data: The credential's bytes, as received.
        trust: Whom the verifier believes.
        at: The moment to judge for.
        notices: What its issuer has said about it since.

    Cost: one signature and one schema validation, about two milliseconds.
    """
    envelope = open_envelope(data, DATASET, keys_for(trust, notices, at))
    document = envelope.document
    if document is None:
        checks = not_opened(envelope, CREDENTIAL_CHECKS)
        return CheckedCredential(checks, None, envelope.issuer, genuine=False)
    claims = Claims.of(document["credentialSubject"])
    judged = check_issuer(
        envelope, trust=trust, name=claims.name, store=claims.store, at=at, notices=notices
    )
    checks = (*envelope.checks, *judged, _check_terms(claims))
    return CheckedCredential(checks, claims, envelope.issuer, envelope.genuine)


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
