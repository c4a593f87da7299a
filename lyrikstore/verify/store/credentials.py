"""The check ``credentials``: whether the logged credentials of a store are valid (spec §11.6)."""

from contextlib import suppress
from datetime import datetime

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.did import documents_among
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_list import StatusList
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.multikey import parse_method_fragment
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.checks import PROCEDURES
from lyrikstore.verify.credential.any_kind import check_any
from lyrikstore.verify.credential.key_statements import is_statement, parse_statement
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, CheckState
from lyrikstore.verify.rights.sources import note_deletions
from lyrikstore.verify.store.statements.opinions import OpinionsHere


def check_logged_credentials(
    repository: Repository, lineage: Lineage, trust: Trust, at: datetime
) -> Check:
    """Return ``credentials``: whether every logged credential is genuine, whatever its issuer.

    Args:
        repository: The store.
        lineage: The manifests with effect, whose data is checked for deletions that are due.
        trust: Limits the age of status lists, and contains pinned documents.
        at: The moment for which the result holds.

    Cost: one read, one signature and the bytes of every logged credential in memory.
    """
    problems = Problems("credentials")
    read: dict[str, OpenedCredential] = {}
    count = 0
    for entry in repository.entries():
        if entry.type != "credential":
            continue
        count += 1
        label = f"credential {entry.id.short} at log entry {entry.index}"
        try:
            read[label] = logged_credential(repository, entry.id)
        except LyrikstoreError as error:
            problems.note(label, error)
            continue
        with suppress(LyrikstoreError):  # what is wrong with the policies, `refs` says
            if repository.is_suspect(read[label].data, entry.index):
                problems.warnings.append(
                    f"{label}: by a key that was compromised then, without effect"
                )
    # Newest first: only so many notices are looked at.
    status_updates = StatusUpdates.among(reversed(read.values()), documents=len(read))
    for label, one in read.items():
        _check_logged(
            repository, label, one, problems, trust=trust, at=at, status_updates=status_updates
        )
    note_deletions(repository, lineage, problems, trust=trust, at=at)
    return problems.close(f"{pluralize(count, 'credential')}, signatures hold", credentials=count)


def _check_logged(
    repository: Repository,
    label: str,
    opened: OpenedCredential,
    problems: Problems,
    *,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates,
) -> None:
    data = opened.data
    if opened.list_url is not None:
        try:
            StatusList.of(opened, parse_method_fragment)
        except LyrikstoreError as error:
            problems.bad.append(f"{label}: {error.message}")
        return
    if is_statement(data):  # what a store said of its keys, taken in with what they signed
        try:
            parse_statement(data)
        except LyrikstoreError as error:
            problems.bad.append(f"{label}: {error.message}")
        return
    if documents_among([data]):  # a DID document, as it was when something was issued
        return
    here = OpinionsHere(repository)
    checks, claims = check_any(opened, trust=trust, at=at, status_updates=status_updates, here=here)
    failing = [
        check.summary
        for check in checks
        if (check.id in PROCEDURES["opening"].checks and check.state is not CheckState.PASS)
        # ATTACK A190, A192: an opinion that is not about this store, taken in all the same.
        or (check.id == "attestation" and check.state in {CheckState.FAIL, CheckState.UNCHECKED})
    ]
    if failing:
        problems.bad.append(f"{label}: {failing[0]}")
        return
    if claims is not None and claims.store == repository.store_id:
        entries = repository.entries()
        if claims.log_index >= len(entries) or entries[claims.log_index].id != claims.manifest:
            problems.bad.append(
                f"{label}: log entry {claims.log_index} is not the manifest it names"
            )
    problems.warnings += (
        f"{label}: {check.summary}"
        for check in checks
        if check.id in {"period", "status"}
        and check.state not in {CheckState.PASS, CheckState.NOT_APPLICABLE}
    )
