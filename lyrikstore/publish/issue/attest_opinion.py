"""Opinions: auditors sign findings on a model, a card or a whole store (spec §20.10)."""

from datetime import timedelta

from lyrikstore.canon.errors import IncompleteError, InvalidInputError, VerificationError
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.credential import CARD_ATTESTATION
from lyrikstore.credentials.model.opinion import (
    OPINION_KINDS,
    STORE_NAME,
    SUBJECTS,
    SeenLog,
    build_opinion,
)
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.identity.issuer import Issuance, Issuer
from lyrikstore.publish.issue.attest import MAX_VALIDITY, Findings
from lyrikstore.publish.issue.issue import IssuedCredential, issue_alone
from lyrikstore.verify.report import CheckState, Report, Verdict, first_in


def attest_opinion(
    context: StoreContext,
    subject: Manifest | None,
    report: Report,
    findings: Findings,
    issuance: Issuance | None = None,
    *,
    valid_for: timedelta | None,
    unchecked: bool = False,
) -> IssuedCredential:
    """Return a signed opinion, which the store logs when it imports it.

    Args:
        context: The store, or the attester's clone of it, and the signer: the attester, or a
            person who signs for the organisation that attests. Nothing is logged.
        subject: The model or card; None: the whole store.
        report: The report of ``verify`` about it, made just now.
        findings: What is attested.
        issuance: The issuer's name; None: the signer issues.
        valid_for: Validity from now; None for no end.
        unchecked: Attest although something could not be checked; the opinion states that.

    Raises:
        InvalidInputError: (``wrong-object``) it is neither a model nor a card; (``wrong-kind``)
            there is no opinion of this kind; (``not-pushed``) the object is in the local log only;
            (``bad-validity``) the validity is not positive, or more than ten years.
        VerificationError: (``does-not-verify``) a check failed.
        IncompleteError: (``not-checked``) something could not be checked.
        FormatError: (``schema``, ``bad-credential``) the statement lacks a member, or has an
            unknown one.
    """
    if findings.kind not in OPINION_KINDS:
        raise InvalidInputError(
            "wrong-kind",
            f"there is no {findings.kind} opinion on a model, a card or a store",
            hint=f"kinds: {', '.join(OPINION_KINDS)}",
        )
    if valid_for is not None and not timedelta(0) < valid_for <= MAX_VALIDITY:
        raise InvalidInputError(
            "bad-validity", "the validity of an attestation must be above zero, at most ten years"
        )
    failed = first_in(report.checks, CheckState.FAIL)
    if failed is not None:
        raise VerificationError(
            "does-not-verify",
            f"it does not verify and cannot be attested: {failed.id}: {failed.summary}",
            hint="see the whole report: lyrikstore verify",
        )
    checked = report.verdict in {Verdict.TRUSTED, Verdict.VALID}
    if not checked and not unchecked:
        raise IncompleteError(
            "not-checked",
            "something could not be checked here, such as data that was not fetched",
            hint="see what: lyrikstore verify; or attest with --unchecked, which the attestation "
            "then states",
        )
    repository, signer, clock = context.repository, context.signer(away=True), context.clock
    members, signed = _subject(repository, subject), repository.checkpoint
    start, issuance = clock(), issuance or Issuance()
    issuer = Issuer.of(signer, issuance.organisation, issuance.did_document, start)
    until = None if valid_for is None else start + valid_for
    document = build_opinion(
        issuer.metadata(issuance, CARD_ATTESTATION, start, until),
        members,
        kind=findings.kind,
        statement=findings.statement,
        documents=findings.documents,
        log=SeenLog(repository.origin, signed.size, signed.root.hex()),
        content_checked=checked,
    )
    return issue_alone(document, issuer, clock)


def _subject(repository: Repository, subject: Manifest | None) -> dict[str, str]:
    store = {"store": repository.store_id.urn}
    if subject is None:
        return {**store, "type": "Store", "id": store["store"], "name": STORE_NAME}
    if subject.kind not in SUBJECTS:
        hint = "attest about its delivery: lyrikstore attest DELIVERY"
        raise InvalidInputError(
            "wrong-object",
            f"{subject.name} is a {subject.kind}: there are opinions on models, cards and stores",
            hint=hint if subject.kind == "dataset" else "lyrikstore attest checkpoints/NAME",
        )
    if repository.index_of(subject.id) >= repository.checkpoint.size:
        raise InvalidInputError(
            "not-pushed", f"{subject.name} is only in the local log", hint="lyrikstore push"
        )
    found = {**store, "type": SUBJECTS[subject.kind], "name": subject.name}
    found |= {"id": subject.id.urn, "manifest": subject.id.urn}
    if subject.tree is not None and subject.files is not None:
        found |= {"id": subject.tree.urn, "files": subject.files.urn}
    return found
