"""Checks of a single attestation about a card, a model or a store (spec §20.9, §20.10)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.attestation import ATTESTATION_KINDS
from lyrikstore.credentials.model.card_attestation import CARD_ATTESTATION_KINDS
from lyrikstore.credentials.model.credential import CARD_ATTESTATION
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.opinion import OPINION_KINDS
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.credential.attestation import CheckedAttestation, Find, check_evidence
from lyrikstore.verify.credential.envelope import keys_for, open_envelope
from lyrikstore.verify.credential.issuer import check_issuer
from lyrikstore.verify.credential.issuer_key import check_available_key
from lyrikstore.verify.credential.status import NO_STATUS_UPDATES, StatusUpdates
from lyrikstore.verify.report import Check, complete, not_applicable, stated, warned

Here = Callable[[OpenedCredential, Mapping[str, Any], str], Check | None]
"""Function that holds an opinion against the store at hand; see
:class:`lyrikstore.verify.store.statements.opinions.OpinionsHere`."""


def check_card_attestation(
    opened: OpenedCredential,
    *,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates = NO_STATUS_UPDATES,
    find: Find | None = None,
    here: Here | None = None,
) -> CheckedAttestation:
    """Return the outcome of the checks of an attestation of version 2. Never raises for bad input.

    Its statement is ``stated``: no check can show that answers or opinions are true.

    Args:
        opened: The attestation.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        status_updates: What its issuer has published about it since.
        find: Gives an available file by digest: the documents that an opinion names.
        here: Holds an opinion against the store at hand; None: it is judged alone.

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
        *(
            (_check_opinion(opened, subject, here), check_evidence(document.get("evidence"), find))
            if kind in OPINION_KINDS
            else (_check_statement(subject), not_applicable("evidence", "names no document"))
        ),
    )
    return CheckedAttestation(checks, envelope)


def _check_opinion(
    opened: OpenedCredential, subject: Mapping[str, Any], here: Here | None
) -> Check:
    statement = subject["attestation"]
    examined, log, period = statement["examined"], statement["log"], statement.get("period")
    extent = {"all": "all of it", "sample": "a sample", "documents": "documents only"}
    about = quote(subject["name"])
    if subject["type"] != "Store":
        about += f" ({Digest.parse_urn(subject['manifest']).short})"
    during = f", {period['from']} to {period['until']}" if period else ""
    summary = (
        f"{ATTESTATION_KINDS[statement['kind']]} of {about}{during}, {statement['opinion']}: "
        f"{quote(statement['conclusion'], 200)}; examined: {extent[examined['extent']]}, by "
        f"{quote(statement['standard'])}; limitations: {quote(statement['limitations'][0], 120)}; "
        f"log of {quote(log['origin'])} to entry {log['size'] - 1}; "
        f"liable: {quote(statement['liability'])}"
    )
    detail: dict[str, JSON] = {"statement": dict(statement)}
    found = None if here is None else here(opened, subject, summary)
    if found is not None:
        return Check(found.id, found.state, (found.summary, {**found.detail, **detail}))
    if examined["content"] == "unchecked":
        text = f"the attester did not check that the bytes are these; {summary}"
        return warned("attestation", "content-unchecked", text, **detail)
    return stated("attestation", summary, **detail)


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
