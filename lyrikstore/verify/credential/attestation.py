"""Checks of attestations, alone and next to a dataset credential (spec §20.3).

Each attestation is judged by itself: who attests, whether the verifier trusts them for that kind of
claim, whether it is in force, and whether it is about this very dataset. An attestation never
improves the verdict on a dataset credential, and that of an unknown attester never worsens it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import MAX_ATTESTATIONS
from lyrikstore.canon.quoting import printable_did, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.attestation import ATTESTATION_KINDS, examines_too_much
from lyrikstore.credentials.model.credential import ATTESTATION, Claims, is_pinned
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.checks import PROCEDURES
from lyrikstore.verify.credential.envelope import (
    Envelope,
    keys_for,
    open_envelope,
)
from lyrikstore.verify.credential.issuer import check_issuer
from lyrikstore.verify.credential.issuer_key import check_available_key
from lyrikstore.verify.credential.status import NO_STATUS_UPDATES, StatusUpdates
from lyrikstore.verify.report import (
    ACCEPTED,
    Check,
    CheckState,
    Verdict,
    check_of,
    complete,
    decide,
    failed,
    not_applicable,
    passed,
    stated,
    unchecked,
    warned,
)

Find = Callable[[Digest], bytes | None]

_HINT = re.compile(rb"[Aa]ttestation")


class CheckedAttestation(Struct, frozen=True):
    """The outcome of one attestation's checks.

    Attributes:
        checks: The checks of the procedure ``attestation``.
        envelope: The credential.
    """

    checks: tuple[Check, ...]
    envelope: Envelope

    @property
    def verdict(self) -> Verdict:
        """The verdict on this attestation alone."""
        return decide(self.checks, PROCEDURES["attestation"].required)

    @property
    def statement(self) -> Mapping[str, Any]:
        """The attested statement; empty if the attestation is malformed."""
        document = self.envelope.document
        return {} if document is None else document["credentialSubject"]["attestation"]

    def state(self, check_id: str) -> CheckState:
        """Return the state of one of its checks."""
        return check_of(self.checks, check_id).state

    def to_json(self) -> dict[str, JSON]:
        """Return the attestation as the report on a dataset credential shows it."""
        document = self.envelope.document or {}
        members: dict[str, JSON] = {"verdict": str(self.verdict)}
        if self.envelope.id is not None:
            members["id"] = self.envelope.id.urn
        if self.statement:
            members["kind"] = self.statement["kind"]
            members["conclusion"] = self.statement["conclusion"]
        if (issuer := printable_did(self.envelope.issuer)) is not None:
            members["issuer"] = issuer
        if "validUntil" in document:
            members["validUntil"] = document["validUntil"]
        members["trusted"] = self.state("trust.issuer") is CheckState.PASS
        members["checks"] = [check.to_json() for check in self.checks]
        return members


def check_attestation(
    opened: OpenedCredential,
    *,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates = NO_STATUS_UPDATES,
    find: Find | None = None,
    about: Claims | None = None,
    publisher: str | None = None,
    only_if_believed: bool = False,
) -> CheckedAttestation:
    """Return the outcome of one attestation's checks. Never raises for bad input.

    Args:
        opened: The attestation.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        status_updates: What its issuer has published about it since.
        find: Gives an available file by digest: the documents that the attestation names.
        about: The dataset credential next to it, or None if it is judged alone.
        publisher: Issuer of the dataset credential.
        only_if_believed: As for :func:`lyrikstore.verify.credential.issuer.check_issuer`.

    Cost: one signature and one schema validation.
    """
    envelope = open_envelope(opened, ATTESTATION, keys_for(trust, status_updates, at))
    document = envelope.document
    if document is None:
        return CheckedAttestation(complete("attestation", envelope.checks), envelope)
    subject = document["credentialSubject"]
    kind = subject["attestation"]["kind"]
    name, store = (about.name, about.store) if about is not None else _place(subject)
    judged, successor = check_issuer(
        envelope,
        name,
        store,
        kind,
        trust=trust,
        at=at,
        status_updates=status_updates,
        only_if_believed=only_if_believed,
    )
    checks = (
        *envelope.checks,
        *judged,
        check_available_key(envelope, status_updates.statements, store, successor),
        _check_statement(subject, envelope.issuer, about, publisher),
        check_evidence(document.get("evidence"), find),
    )
    return CheckedAttestation(checks, envelope)


def check_attestations(
    files: Iterable[OpenedCredential],
    about: Claims,
    publisher: str | None,
    *,
    find: Find,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates,
) -> Check:
    """Return the check ``attestations``: the attestations about the dataset, each with its trust.

    It fails for an attestation that is forged, about another dataset, or revoked by a trusted
    attester. It is unchecked if a trusted attester may have revoked one. It warns of every
    attestation that the verifier has no reason to trust.

    Args:
        files: The sibling files of the dataset credential.
        about: Claims of the dataset credential.
        publisher: Its issuer.
        find: Function that returns a sibling file by digest.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        status_updates: What issuers have published since.

    Cost: as :func:`check_attestation`, for at most :data:`MAX_ATTESTATIONS`.
    """
    found = [one for one in files if looks_like_attestation(one)]
    if not found:
        return not_applicable("attestations", "nobody else attests anything about this dataset")
    if len(found) > MAX_ATTESTATIONS:
        summary = (
            f"{pluralize(len(found), 'attestation')}; at most {MAX_ATTESTATIONS} are looked at"
        )
        return unchecked("attestations", "too-many", summary)
    several = [
        check_attestation(
            one,
            trust=trust,
            at=at,
            status_updates=status_updates,
            find=find,
            about=about,
            publisher=publisher,
            only_if_believed=True,
        )
        for one in found
    ]
    # ATTACK: one attestation in many spellings, each of which costs status lists.
    judged = list({one.envelope.id or object(): one for one in several}.values())
    detail: dict[str, JSON] = {"attestations": [one.to_json() for one in judged]}
    troubles = [(one, *_trouble(one)) for one in judged]
    for state in (CheckState.FAIL, CheckState.UNCHECKED, CheckState.WARN):
        for one, how, check in troubles:
            if how is state and check is not None:
                summary = f"{_described(one)}: {check.summary}{_others(judged)}"
                reason = str(check.detail["reason"])
                return Check("attestations", state, (summary, {"reason": reason, **detail}))
    summary = ", ".join(_described(one) for one in judged[:3])
    return stated(
        "attestations", f"{summary}: you trust who attests; signed, and in force", **detail
    )


def looks_like_attestation(opened: OpenedCredential) -> bool:
    """Return whether a file must be verified as an attestation.

    If any one byte of an attestation is changed, it is still judged as one and fails, rather than
    being skipped: the word occurs in it more than once.
    """
    data = opened.data
    if data[:64].lstrip(b" \t\r\n")[:1] != b"{" or not _HINT.search(data):
        return False
    if opened.list_url is not None:  # a foreign one may hold fractions
        return False
    document = opened.document
    if document is None:
        return True
    if "lyrikstore" in document:
        return False  # a manifest, which has no context
    return opened.kind is ATTESTATION or (
        opened.kind is None and not document.keys().isdisjoint({"credentialSubject", "proof"})
    )


def _place(subject: Mapping[str, Any]) -> tuple[str, Digest | None]:
    store = subject.get("store")
    return subject["name"], None if store is None else Digest.parse_urn(store)


def _check_statement(
    subject: Mapping[str, Any], issuer: str | None, about: Claims | None, publisher: str | None
) -> Check:
    statement = subject["attestation"]
    examined = statement["examined"]
    kind = ATTESTATION_KINDS[statement["kind"]]
    if about is not None and (subject["id"], subject["files"]) != (about.tree.urn, about.files.urn):
        summary = f"a {kind} about other content: {subject['id']}"  # attack case A44
        return failed("attestation", "other-root", summary)
    same = about is not None and subject.get("manifest") == about.manifest.urn
    if about is not None and same and examines_too_much(examined, about):
        summary = (
            f"a {kind} that examined "
            f"{pluralize(examined['records'], 'record')}, of a dataset that has "
            f"{about.subject['recordCount']}"
        )
        return failed("attestation", "too-many-records", summary)
    extent = {
        "all": "all records",
        "sample": f"a sample of {pluralize(examined.get('records'), 'record')}",
        "documents": "documents only",
    }[examined["extent"]]
    summary = (
        f"{kind}: {quote(statement['conclusion'], 200)}; examined: {extent}, by "
        f"{quote(statement['standard'])}; limitations: {quote(statement['limitations'][0], 120)}; "
        f"liable: {quote(statement['liability'])}"
    )
    detail: dict[str, JSON] = {"statement": dict(statement)}
    if publisher is not None and issuer == publisher:
        text = f"by the publisher of the dataset, so by nobody independent; {summary}"
        return warned("attestation", "by-the-publisher", text, **detail)
    if about is not None and subject.get("manifest", about.manifest.urn) != about.manifest.urn:
        text = f"about the same content in another version, so not about these terms; {summary}"
        return warned("attestation", "other-manifest", text, **detail)
    if examined["content"] == "unchecked":
        text = f"the attester did not check that the bytes are these; {summary}"
        return warned("attestation", "content-unchecked", text, **detail)
    return stated("attestation", summary, **detail)


def check_evidence(evidence: Iterable[Mapping[str, Any]] | None, find: Find | None) -> Check:
    """Return ``evidence``: whether the documents that an attestation names are at hand.

    Args:
        evidence: Its member ``evidence``, if it has one.
        find: Gives an available file by digest.
    """
    named = list(evidence or ())
    if not named:
        return not_applicable("evidence", "names no document")
    absent = 0
    for item in named:
        data = find(Digest.parse_urn(item["id"])) if find is not None else None
        if data is None:
            absent += 1
        elif not is_pinned(item, data):  # attack case A49
            return failed("evidence", "disagrees", "its two digests name different documents")
    if absent:
        summary = f"not at hand: {absent} of the {pluralize(len(named), 'document')} it names"
        return unchecked("evidence", "missing-file", summary)
    return passed("evidence", f"at hand: {pluralize(len(named), 'document')}, all that it names")


def _trouble(one: CheckedAttestation) -> tuple[CheckState, Check | None]:
    """Return the state that one attestation gives ``attestations``, and the check that decides."""
    by_id = {check.id: check for check in one.checks}
    for check_id in (*PROCEDURES["opening"].checks, "trust.allowed", "attestation", "evidence"):
        if by_id[check_id].state is CheckState.FAIL:
            return CheckState.FAIL, by_id[check_id]
    trusted = one.state("trust.issuer") is CheckState.PASS
    for check_id in ("issuer.key", "period", "status"):
        check = by_id[check_id]
        if check.state in {CheckState.FAIL, CheckState.UNCHECKED}:
            if check.detail["reason"] == "not-believed":
                continue
            # A superseded one is not revoked: the one that counts is available, and judged as well.
            replaced = check.detail["reason"] == "superseded"
            return (check.state if trusted and not replaced else CheckState.WARN), check
    for check_id in ("proof", "issuer.document", "trust.issuer", "attestation"):
        if by_id[check_id].state not in ACCEPTED:
            return CheckState.WARN, by_id[check_id]
    return CheckState.PASS, None


def _described(one: CheckedAttestation) -> str:
    kind = ATTESTATION_KINDS.get(str(one.statement.get("kind")), "attestation")
    trust = check_of(one.checks, "trust.issuer")
    who = trust.detail.get("nickname")
    return f"{kind} by {quote(who)}" if who else kind


def _others(judged: list[CheckedAttestation]) -> str:
    return f" ({pluralize(len(judged), 'attestation')} in all)" if len(judged) > 1 else ""
