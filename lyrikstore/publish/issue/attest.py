"""Attestations: auditors, lawyers and experts sign findings about a delivery (spec §20.2)."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import IncompleteError, InvalidInputError, VerificationError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.timestamps import Clock
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.attestation import build_attestation
from lyrikstore.credentials.model.credential import ATTESTATION, Claims, CredentialMetadata
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.publish.identity.issuer import Issuance, Issuer, check_current
from lyrikstore.publish.identity.key_statements import check_few_statements
from lyrikstore.publish.issue.issue import Build, IssuedCredential, issue_alone, issue_logged
from lyrikstore.verify.report import CheckState, Report, first_in

MAX_VALIDITY = timedelta(days=3660)

MAX_DOCUMENT = 1 << 28
"""Bytes of a document at most; verifiers read no larger one."""


class Findings(Struct, frozen=True):
    """The findings of an attester about a dataset.

    Attributes:
        kind: A word of :data:`lyrikstore.credentials.model.attestation.ATTESTATION_KINDS`.
        statement: The attested statement, as ``parse_statement`` returns it.
        documents: File name → a report or opinion with the reasons; the attestation names it by
            digest.
    """

    kind: str
    statement: Mapping[str, Any]
    documents: Mapping[str, bytes]


def attest(
    context: StoreContext,
    credential: bytes,
    report: Report,
    findings: Findings,
    issuance: Issuance | None = None,
    *,
    valid_for: timedelta | None,
    unchecked: bool = False,
) -> IssuedCredential:
    """Issue an attestation about the dataset of a delivery, and log it so that it can be revoked.

    Args:
        context: The attester's own store, and the signer: the attester, or a person who signs for
            the organisation that attests.
        credential: The delivery's credential.
        report: The report of :func:`lyrikstore.verify.delivery.delivery.verify_delivery` about it,
            made just now.
        findings: What is attested.
        issuance: The issuer's name, and where its status lists are published; None: the signer
            issues, without status lists.
        valid_for: Validity from now; None for no end.
        unchecked: Attest although the bytes were not checked; the attestation states that.

    Raises:
        VerificationError: (``does-not-verify``) the delivery does not verify.
        IncompleteError: (``not-checked``) some of its bytes were not there to check.
        InvalidInputError: (``bad-validity``) more than ten years; (``not-listed``,
            ``not-an-organisation``) as :meth:`lyrikstore.publish.identity.issuer.Issuer.of`.
        FormatError: (``schema``) the statement lacks a member, or has an unknown one.
        PolicyError: (``retired-key``) the policy of the attester's store retired the signer's key;
            (``too-many-policies``) that store has more policies than verifiers read;
            (``not-the-issuer``) another issuer issued the credential that this one replaces.
    """
    repository, signer = context.repository, context.signer()
    inputs = (credential, report, findings, issuance or Issuance())
    build, metadata, issuer = _drafted(
        *inputs, signer, context.clock, valid_for, unchecked=unchecked
    )
    check_current(repository.policy, signer)
    check_few_statements(repository)
    status_url = None if issuance is None else issuance.status_url
    return issue_logged(context, build, metadata, status_url=status_url, issuer=issuer)


def attest_alone(
    credential: bytes,
    report: Report,
    findings: Findings,
    issuance: Issuance | None = None,
    *,
    signer: Signer,
    clock: Clock,
    valid_for: timedelta | None,
    unchecked: bool = False,
) -> IssuedCredential:
    """Return an attestation that no store has logged and that cannot be revoked.

    Args:
        credential: As for :func:`attest`.
        report: As for :func:`attest`.
        findings: As for :func:`attest`.
        issuance: The issuer's name; None: the signer issues.
        signer: The attester, or a person who signs for the organisation that attests.
        clock: The current time, which is the start of validity.
        valid_for: As for :func:`attest`.
        unchecked: As for :func:`attest`.

    Raises:
        LyrikstoreError: As :func:`attest`.
    """
    inputs = (credential, report, findings, issuance or Issuance())
    build, metadata, issuer = _drafted(*inputs, signer, clock, valid_for, unchecked=unchecked)
    return issue_alone(build(metadata), issuer, clock)


def _drafted(
    credential: bytes,
    report: Report,
    findings: Findings,
    issuance: Issuance,
    signer: Signer,
    clock: Clock,
    valid_for: timedelta | None,
    *,
    unchecked: bool,
) -> tuple[Build, CredentialMetadata, Issuer]:
    failed = first_in(report.checks, CheckState.FAIL)
    if failed is not None:
        raise VerificationError(
            "does-not-verify",
            f"the delivery does not verify and cannot be attested: {failed.id}: {failed.summary}",
            hint="see the whole report: lyrikstore verify FILE",
        )
    checked = _content_checked(report)
    if not checked and not unchecked:
        raise IncompleteError(
            "not-checked",
            "some bytes of the data are missing and could not be checked",
            hint="give the whole delivery, or its data by --data DIR; or attest with --unchecked, "
            "which the attestation then states",
        )
    if valid_for is not None and not timedelta(0) < valid_for <= MAX_VALIDITY:
        raise InvalidInputError(
            "bad-validity", "the validity of an attestation must be above zero, at most ten years"
        )
    start = clock()
    issuer = Issuer.of(signer, issuance.organisation, issuance.did_document, start)
    about = Claims.of(parse(credential)["credentialSubject"])
    until = None if valid_for is None else start + valid_for
    metadata = issuer.metadata(issuance, ATTESTATION, start, until)

    def build(metadata: CredentialMetadata) -> dict[str, JSON]:
        return build_attestation(
            metadata,
            about,
            kind=findings.kind,
            statement=findings.statement,
            documents=findings.documents,
            content_checked=checked,
        )

    return build, metadata, issuer


def read_documents(paths: tuple[Path, ...]) -> dict[str, bytes]:
    """Return the documents at ``paths`` by file name.

    Raises:
        InvalidInputError: (``unreadable``, ``too-large``) a document cannot be read, or is too
            large; (``two-of-a-name``) two documents have the same file name.
    """
    documents: dict[str, bytes] = {}
    for path in paths:
        if path.name in documents:
            raise InvalidInputError(
                "two-of-a-name",
                f"two documents have the file name {path.name}",
                hint="rename one of them",
            )
        data = read_at_most(path, MAX_DOCUMENT + 1)
        if len(data) > MAX_DOCUMENT:
            raise InvalidInputError("too-large", f"{path} has more than {MAX_DOCUMENT} bytes")
        documents[path.name] = data
    return documents


def _content_checked(report: Report) -> bool:
    # The signature of the credential, the list of files, and every file compared with the list.
    sound = {CheckState.PASS, CheckState.WARN}
    return all(
        report.check(check).state in sound
        for check in ("proof", "issuer.binding", "data.tree", "data.files")
    )
