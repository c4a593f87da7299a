"""Checks of a single attestation about a card (spec §20.9)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.card_attestation import CARD_ATTESTATION_KINDS
from lyrikstore.credentials.model.credential import CARD_ATTESTATION
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.credential.attestation import CheckedAttestation
from lyrikstore.verify.credential.envelope import keys_for, open_envelope
from lyrikstore.verify.credential.issuer import check_issuer
from lyrikstore.verify.credential.issuer_key import check_available_key
from lyrikstore.verify.credential.status import NO_STATUS_UPDATES, StatusUpdates
from lyrikstore.verify.report import Check, complete, not_applicable, stated


def check_card_attestation(
    opened: OpenedCredential,
    *,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates = NO_STATUS_UPDATES,
) -> CheckedAttestation:
    """Return the outcome of the checks of an attestation about a card. Never raises for bad input.

    Its statement is ``stated``: no check can show that the answers are true.

    Args:
        opened: The attestation.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        status_updates: What its issuer has published about it since.

    Cost: one signature and one schema validation.
    """
    envelope = open_envelope(opened, CARD_ATTESTATION, keys_for(trust, status_updates, at))
    document = envelope.document
    if document is None:
        return CheckedAttestation(complete("attestation", envelope.checks), envelope)
    subject = document["credentialSubject"]
    kind, name = subject["attestation"]["kind"], subject["name"]
    store = Digest.parse_urn(subject["store"])
    judged, successor = check_issuer(
        envelope, name, store, kind, trust=trust, at=at, status_updates=status_updates
    )
    checks = (
        *envelope.checks,
        *judged,
        check_available_key(envelope, status_updates.statements, store, successor),
        _check_statement(subject),
        not_applicable("evidence", "names no document"),
    )
    return CheckedAttestation(checks, envelope)


def _check_statement(subject: Mapping[str, Any]) -> Check:
    statement = subject["attestation"]
    detail: dict[str, JSON] = {"statement": dict(statement)}
    about = f"about {quote(subject['name'])} ({Digest.parse_urn(subject['manifest']).short})"
    liable = f"liable: {quote(statement['liability'])}"
    if statement["kind"] == "challenge":
        count = pluralize(len(statement["challenges"]), "statement")
        summary = f"disputes {count} {about}: {quote(statement['grounds'], 200)}; {liable}"
    else:
        count = pluralize(len(statement["answers"]), "answer")
        summary = f"{count} {about}; {liable}"
    kind = CARD_ATTESTATION_KINDS[statement["kind"]]
    return stated("attestation", f"{kind}: {summary}", **detail)
