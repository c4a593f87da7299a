"""An auditor, a lawyer or an expert signs what they found about a delivery (spec §20.2)."""

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
"""Bytes of a document; whoever verifies reads no larger one."""


class Findings(Struct, frozen=True):
    """What an attester found about a dataset.

    Attributes:
        kind: A word of :data:`lyrikstore.credentials.model.attestation.ATTESTATION_KINDS`.
        statement: What is attested, as ``parse_statement`` gives it.
        documents: File name → reports and opinions with the reasons, named by digest.
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
    """Attest something about the dataset of a delivery, and log it here, to be able to revoke it.

    Args:
        context: The attester's own store, and who attests, or signs for the organisation that does.
        credential: The delivery's credential.
        report: What :func:`lyrikstore.verify.delivery.delivery.verify_delivery` said about it just
            now.
        findings: What is attested.
        issuance: In whose name, and how it may end; None: the signer's, for good.
        valid_for: How long; None for no end.
        unchecked: Attest although the bytes were not checked; the attestation says so.

    Raises:
        VerificationError: (``does-not-verify``) the delivery is not what it says.
        IncompleteError: (``not-checked``) some of its bytes were not there to check.
        InvalidInputError: (``bad-validity``) more than ten years; (``not-listed``,
            ``not-an-organisation``) as :meth:`lyrikstore.publish.identity.issuer.Issuer.of`.
        FormatError: (``schema``) the statement lacks something, or has too much.
        PolicyError: (``retired-key``) that store's policy took the signer's key out of every role;
            (``too-many-policies``) it says more of its keys than verifiers read;
            (``not-the-issuer``) another one issued what this is to replace.
    """
    repository, signer = context.repository, context.signer()
    attested = (credential, report, findings, issuance or Issuance())
    build, metadata, issuer = _drafted(
        *attested, signer, context.clock, valid_for, unchecked=unchecked
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
    """Return an attestation that no store knows and nobody can revoke.

    Args:
        credential: As for :func:`attest`, and so are the next three.
        report: What was verified.
        findings: What is attested.
        issuance: In whose name.
        signer: Who attests, or signs for the organisation that does.
        clock: Start of validity.
        valid_for: As for :func:`attest`.
        unchecked: Likewise.

    Raises:
        LyrikstoreError: As :func:`attest`.
    """
    attested = (credential, report, findings, issuance or Issuance())
    build, metadata, issuer = _drafted(*attested, signer, clock, valid_for, unchecked=unchecked)
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
    broken = first_in(report.checks, CheckState.FAIL)
    if broken is not None:
        raise VerificationError(
            "does-not-verify",
            f"nothing is attested about what does not verify: {broken.id}: {broken.summary}",
            hint="lyrikstore verify FILE shows the whole report, and says what else it may be",
        )
    checked = _content_checked(report)
    if not checked and not unchecked:
        raise IncompleteError(
            "not-checked",
            "not all bytes of the data were here to check",
            hint="give the whole delivery or --data DIR; or --unchecked, and it says so",
        )
    if valid_for is not None and not timedelta(0) < valid_for <= MAX_VALIDITY:
        raise InvalidInputError("bad-validity", "an attestation is valid for at most ten years")
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
        InvalidInputError: (``unreadable``, ``too-large``) one cannot be read; (``two-of-a-name``)
            two have one name.
    """
    found: dict[str, bytes] = {}
    for path in paths:
        if path.name in found:
            raise InvalidInputError("two-of-a-name", f"two documents are called {path.name}")
        data = read_at_most(path, MAX_DOCUMENT + 1)
        if len(data) > MAX_DOCUMENT:
            raise InvalidInputError("too-large", f"{path} has more than {MAX_DOCUMENT} bytes")
        found[path.name] = data
    return found


def _content_checked(report: Report) -> bool:
    # The signature of the credential, the list of files, and every file against it.
    sound = {CheckState.PASS, CheckState.WARN}
    return all(
        report.check(check).state in sound
        for check in ("proof", "issuer.binding", "data.tree", "data.files")
    )
