"""Verification of a delivery, sans-IO (spec §11.4).

All inputs are arguments: the credential's bytes, the sibling files, the data behind a small
protocol, the trust, the moment. So the same vectors test Python, the command line and the page.
Invalid input of an attacker never raises an exception: it becomes a failed check.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import printable_did, quote
from lyrikstore.credentials.did import KnownDocument
from lyrikstore.credentials.model.credential import (
    ATTESTATION,
    CARD_ATTESTATION,
    DATASET,
    GRANT,
    CredentialKind,
)
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.checkpoint import SignedCheckpoint
from lyrikstore.history.log.consistency import Consistency
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.trees.tree import TreeEntry
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.credential.attestation import (
    check_attestation,
    check_attestations,
)
from lyrikstore.verify.credential.card_attestation import check_card_attestation
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.credential.grant import (
    Holder,
    check_grant,
)
from lyrikstore.verify.credential.issuer_key import check_key, unless_lost
from lyrikstore.verify.credential.status import NO_STATUS_UPDATES, StatusUpdates
from lyrikstore.verify.credential.terms import check_age, check_partitions, check_texts
from lyrikstore.verify.delivery.compare_files import DataSource
from lyrikstore.verify.delivery.dataset import (
    check_data,
    check_figures,
    check_manifest,
    check_records,
)
from lyrikstore.verify.delivery.log import check_log, mark_damaged
from lyrikstore.verify.delivery.quality import (
    Measuring,
    check_quality,
    check_stated,
    recipes_of,
)
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.redistribution import Delivered, check_sources
from lyrikstore.verify.report import Check, CheckState, Report, Verdict, check_of

RecordReader = Callable[[str, TreeEntry, BinaryIO], Iterable[Digest]]
"""Function from reader id, version, entry and bytes to the record ids in storage order."""

Recompute = Callable[[Sequence[Mapping[str, JSON]], Mapping[str, Any] | None], Measuring]
"""Function from the recipes of claims and the manifest's body to an object that measures them."""

UNREADABLE = "unreadable credential"


def verify_credential(
    opened: OpenedCredential,
    *,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates = NO_STATUS_UPDATES,
) -> Report:
    """Return the report on a credential alone: its issuer, and whether it is still in force.

    No data is read: the checks that bind the credential to bytes are absent, and the report states
    this.

    Args:
        opened: The credential.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.
        status_updates: The status updates of its issuer.
    """
    outcome = check_credential(opened, trust=trust, at=at, status_updates=status_updates)
    return _report(
        outcome.claims.tree.urn if outcome.claims is not None else UNREADABLE,
        outcome.issuer,
        (*outcome.checks, outcome.check_key(status_updates)),
        "credential",
        at,
    )


def verify_alone(
    opened: OpenedCredential,
    *,
    siblings: SiblingFiles,
    trust: Trust,
    at: datetime,
    kind: CredentialKind | None = None,
    holder: Holder | None = None,
    status_updates: StatusUpdates | None = None,
    fetched: Iterable[KnownDocument] = (),
) -> Report:
    """Return the report on a credential of profile ``lyrik``, without any data.

    Args:
        opened: The credential.
        siblings: The files next to it: status lists, documents it names, the terms of a grant.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.
        kind: The required kind; by default the stated one.
        holder: The party that presented a grant, or None.
        status_updates: The status updates of issuers; by default those among ``siblings``.
        fetched: Further DID documents, fetched from the URLs of their DIDs.
    """
    status_updates = status_updates or StatusUpdates.among(siblings.all, fetched)
    kind = kind or opened.kind
    if kind in (ATTESTATION, CARD_ATTESTATION):
        if kind is ATTESTATION:
            said = check_attestation(
                opened, trust=trust, at=at, status_updates=status_updates, find=siblings.find
            )
        else:
            said = check_card_attestation(
                opened, trust=trust, at=at, status_updates=status_updates, find=siblings.find
            )
        document = said.envelope.document
        subject = document["credentialSubject"]["id"] if document is not None else UNREADABLE
        return _report(subject, said.envelope.issuer, said.checks, "attestation", at)
    if kind is GRANT:
        terms = siblings.terms_of(opened)
        is_missing = terms is None and opened.kind is GRANT
        granted = check_grant(
            opened,
            trust=trust,
            at=at,
            status_updates=status_updates,
            terms=terms,
            other_version=siblings.other_version(opened, DATASET) if is_missing else None,
            holder=holder,
        )
        subject = granted.grant.tree.urn if granted.grant is not None else UNREADABLE
        open_end = (not_proven("presenter"),) if holder is None else ()
        return _report(subject, granted.envelope.issuer, granted.checks, "grant", at, open_end)
    return verify_credential(opened, trust=trust, at=at, status_updates=status_updates)


def verify_delivery(
    credential: OpenedCredential,
    *,
    siblings: Mapping[str, bytes],
    data: DataSource | None,
    record_ids: RecordReader | None,
    trust: Trust,
    at: datetime,
    memory: LogMemory | None = None,
    status_files: Iterable[bytes] = (),
    fetched: Iterable[KnownDocument] = (),
    recompute: Recompute | None = None,
) -> Report:
    """Return the report on a delivery (spec §11.4). Never raises for bad input.

    (1) The credential: its form, signature, issuer, trust, period and status.
    (2) The log: whether the store's own log contains the manifest, and under which policies.
    (3) The key: whether the issuer still controlled it when the credential was logged.
    (4) The manifest: whether it agrees with the credential, and who signed it.
    (5) The data: every file, in one read, which also yields the records and the measurements.
    (6) The records: whether their root is the committed one, and whether the manifest's figures
    agree with them.
    (7) The terms: whether their texts are present, each file is in one partition, and they are
    within those of the first publishers.
    (8) The claims: age and quality, as far as they can be checked.
    (9) Attestations: the statements of others about the same dataset.

    The report lists the checks in the order of the procedure ``delivery``.

    Args:
        credential: The credential.
        siblings: The files next to it, name → bytes, size-capped by the caller; each is found by
            digest, so names do not matter.
        data: The data; None leaves ``data.files`` unchecked, hence the verdict incomplete.
        record_ids: Function from a file to its record ids; None leaves ``records.root`` unchecked.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.
        memory: Remembered log checkpoints. The one of this delivery is remembered if the verdict
            is ``trusted`` or ``valid``.
        fetched: DID documents, fetched from the URLs of their DIDs.
        status_files: Newer status lists than those among ``siblings``; the newest counts.
        recompute: Function that returns an object to measure claims and the manifest's figures of
        rows in the one read of the data; with None they stay claims, and the verdict is at best
        ``valid``.

    Raises:
        StorageError: The data or the memory cannot be read.
        NotFoundError: (``no-data``) the data does not exist.

    Cost: one read of the data; memory for the tree, the siblings and 32 bytes a record.
    """
    files = SiblingFiles(siblings)
    status_updates = StatusUpdates.among(
        (*files.all, *map(OpenedCredential, status_files)), fetched
    )

    # (1) The credential - spec §11.4.1.
    outcome = check_credential(credential, trust=trust, at=at, status_updates=status_updates)
    claims, document = outcome.claims, outcome.envelope.document
    if claims is None or document is None:
        return _report(UNREADABLE, outcome.issuer, outcome.checks, "delivery", at)
    made = [*outcome.checks]

    # (2) The log - spec §11.4.5.
    log = check_log(
        outcome, claims, files.find, status_updates.statements, trust=trust, at=at, memory=memory
    )
    rules = log.history
    made += mark_damaged(log.checks, files, claims.log_origin)

    # (3) The key - spec §11.4.5.
    key = check_key(outcome.signer, rules, outcome.id, log.proofs)
    head = None if log.signed is None else log.signed.head
    made.append(unless_lost(key, outcome.id, log.proofs, head, files.names))

    # (4) The manifest - spec §11.4.2.
    policy = None if rules is None else rules.in_force(claims.log_index)
    manifest = check_manifest(claims, document.get("relatedResource", ()), files.find, policy)
    made += manifest.checks

    # (5) The data - spec §11.4.3.
    measuring = None
    if recompute is not None and data is not None:
        measuring = recompute(recipes_of(claims.subject), manifest.body)
    content = check_data(claims, files.find, data, manifest, record_ids, measuring)
    made += content.checks

    # (6) The records - spec §11.4.4.
    made.append(check_records(claims, files.find, content, rules, log.credential))
    figures, unmeasured = check_figures(manifest, content, measuring)
    made.append(figures)

    # (7) The terms - spec §11.4.6.
    made += (
        check_texts(claims.terms, outcome.check("terms"), files.by_digest, files.names),
        check_partitions(claims.subject, claims.terms, content.tree, content.counts),
        check_sources(
            outcome,
            Delivered(files.by_digest, manifest.manifest, content.tree, trust, at, status_updates),
        ),
    )

    # (8) The claims - spec §11.4.6, §19.5.
    quality = check_quality(claims.subject, measuring, complete=content.records is not None)
    made += (check_age(claims.subject, log.checks[0]), quality, check_stated(claims.subject))

    # (9) Attestations - spec §20.3.
    made.append(
        check_attestations(
            files.all,
            claims,
            outcome.issuer,
            find=files.find,
            trust=trust,
            at=at,
            status_updates=status_updates,
        )
    )

    shallow = quality.detail.get("reason") == "not-recomputed"
    open_end = [not_proven("measurement")] if shallow else []
    if unmeasured:
        open_end.append(not_proven("unmeasured", ", ".join(map(quote, unmeasured)), claims.name))
    if (granted := files.other_version(credential, GRANT)) is not None:
        open_end.append(not_proven("other-version", granted.short))
    report = _report(claims.tree.urn, outcome.issuer, made, "delivery", at, open_end)
    if memory is not None and log.signed is not None and log.proofs is not None:
        _remember(memory, log.signed, claims.store, log.proofs.consistency, report)
    return report


def _report(
    subject: str,
    issuer: str | None,
    checks: Sequence[Check],
    procedure: str,
    at: datetime,
    more: Iterable[str] = (),
) -> Report:
    status = check_of(checks, "status")
    since = status.detail.get("asOf")
    standing: tuple[str, ...] = ()
    if status.state is CheckState.NOT_APPLICABLE:
        standing = (not_proven("revocation"),)
    elif isinstance(since, str):
        standing = (not_proven("since", since),)
    return Report.of(
        procedure,
        checks,
        subject=subject,
        issuer=printable_did(issuer),
        at=at,
        open_questions=(*standing, *more),
        profile="lyrik",
    )


def _remember(
    memory: LogMemory,
    signed: SignedCheckpoint,
    store: Digest,
    consistency: Consistency,
    report: Report,
) -> None:
    if report.verdict not in {Verdict.TRUSTED, Verdict.VALID}:
        return
    if report.check("log.memory").state is CheckState.PASS:
        # A full or read-only HOME, or a memory that is damaged there: the verdict stands.
        with contextlib.suppress(LyrikstoreError):
            memory.remember_head(signed.head, signed.signers, store)
            memory.remember_known(store, consistency.leading_to(signed.head))
