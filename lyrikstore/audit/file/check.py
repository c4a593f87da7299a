"""Verification of an audit file (spec §22.4): procedure ``audit``, without data and network."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from lyrikstore.audit.file.container import Container, read_container
from lyrikstore.audit.file.evidence import AuditEvidence
from lyrikstore.audit.file.opened import OpenedEvidence
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.did import documents_among
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import SignedCheckpoint, open_checkpoint
from lyrikstore.history.log.memory import LogMemory, MemoryState
from lyrikstore.history.log.memory_files import LogName
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.key_history import KeyHistory, Ruled, check_head
from lyrikstore.history.repository.refs import REASONS
from lyrikstore.objects.chunk.stream import NOT_FETCHED
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.credential.key_statements import is_statement
from lyrikstore.verify.delivery.founder import check_founder
from lyrikstore.verify.delivery.log import check_witness
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import (
    Check,
    Report,
    failed,
    not_applicable,
    passed,
    unchecked,
    warned,
)
from lyrikstore.verify.store.events import note_events
from lyrikstore.verify.times.check import check_timestamps
from lyrikstore.verify.times.outside import OutsideTimes


def verify_audit_file(
    path: Path, *, trust: Trust, at: datetime, memory: LogMemory | None
) -> tuple[Report, OpenedEvidence | None]:
    """Return the report on an audit file, and its evidence if that can be read.

    Args:
        path: The file, a page or an archive.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        memory: The log checkpoints that were signed and seen before, or None.

    Raises:
        NotFoundError, InvalidInputError: There is no such file, or it cannot be read.

    Cost: one signature for each manifest and credential; memory for the evidence, at most 64 MiB.
    """
    try:
        container = read_container(path)
        opened = OpenedEvidence(AuditEvidence.parse(container.evidence))
    except LyrikstoreError as error:
        if error.kind != "bad-audit":
            raise
        bad = failed("audit.file", error.kind, quote(error.message, 300))
        return _report([bad], str(path), None, at), None
    return verify_evidence(opened, container, trust=trust, at=at, memory=memory), opened


def verify_evidence(
    opened: OpenedEvidence,
    container: Container,
    *,
    trust: Trust,
    at: datetime,
    memory: LogMemory | None,
) -> Report:
    """Return the report on opened evidence.

    Args:
        opened: The evidence.
        container: The file that it was read from.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        memory: The log checkpoints that were signed and seen before, or None.
    """
    genesis = _genesis(opened)
    signed, checkpoint = _check_log(opened, genesis)
    checks = [
        container.judge(opened),
        _check_genesis(opened, genesis, trust, at),
        checkpoint,
        check_witness(trust),
        _check_memory(opened, signed, memory),
        *_check_manifests(opened, genesis),
        _check_credentials(opened),
        _check_times(opened, signed, trust),
        unchecked("blobs", NOT_FETCHED, "an audit file holds no data, no tree and no attachment"),
        unchecked("datasets", NOT_FETCHED, "no record was counted: an audit file holds no data"),
    ]
    issuer = None if genesis is None else genesis.author
    report = _report(checks, _subject(opened.evidence), issuer, at)
    if not opened.left_out:
        return report
    return report.leaving_open(not_proven("left-out-of-audit", pluralize(opened.left_out, "entry")))


def _report(checks: Sequence[Check], subject: str, issuer: str | None, at: datetime) -> Report:
    return Report.of("audit", checks, subject=subject, issuer=issuer, at=at, without_data=True)


def _subject(evidence: AuditEvidence) -> str:
    [(word, stated)] = evidence.about.items()
    return f"{word} {stated}"


def _genesis(opened: OpenedEvidence) -> Manifest | None:
    """Return the genesis manifest, if entry 0 names it and it founds the store."""
    leaves = opened.evidence.leaves
    if not leaves or leaves[0].id != opened.evidence.store or opened.table.store is None:
        return None
    return opened.manifests.get(leaves[0].id)


def _check_genesis(
    opened: OpenedEvidence, genesis: Manifest | None, trust: Trust, at: datetime
) -> Check:
    if genesis is None:
        text = "the first entry of the log is no genesis manifest that founds this store"
        return failed("store.genesis", "bad-genesis", text)
    ids = [one.id for one in opened.effective if one.kind in {"genesis", "policy"}]
    rules = zip(opened.table.policies, opened.table.authors, ids, strict=True)
    history = KeyHistory(
        tuple(Ruled(index, policy, author, one) for (index, policy), author, one in rules)
    )
    return check_founder(genesis, history, partial(_names_store, opened), trust=trust, at=at)


def _names_store(opened: OpenedEvidence, key: str) -> bool:
    """Return whether a key signed something that names the store: a manifest, or a credential."""
    store = opened.evidence.store
    if any(one.author == key and one.store == store for one in opened.manifests.values()):
        return True
    for one in opened.credentials.values():
        subject = (one.document or {}).get("credentialSubject")
        named = isinstance(subject, dict) and subject.get("store") == store.urn
        if named and one.kind is DATASET and one.signer == key:
            return True
    return False


def _check_log(
    opened: OpenedEvidence, genesis: Manifest | None
) -> tuple[SignedCheckpoint | None, Check]:
    evidence = opened.evidence
    if genesis is None or opened.table.policy is None:
        return None, unchecked("log.checkpoint", "no-checkpoint", "no log key is established")
    keys = opened.table.policy.logs
    try:
        signed = open_checkpoint(evidence.checkpoint.encode(), keys)
        older = None if evidence.since is None else open_checkpoint(evidence.since.encode(), keys)
        for one in (signed, older):
            if one is not None:  # ATTACK A29: by a log key that was stolen, and retired since
                check_head(one, opened.table.policies)
    except LyrikstoreError as error:
        return None, failed("log.checkpoint", error.kind, quote(error.message, 300))
    hashes = [one.hash for one in evidence.leaves]
    if len(hashes) != signed.size or merkle.root(hashes) != signed.root:
        text = "the entries in the file do not give the root that the log checkpoint states"
        return None, failed("log.checkpoint", "log-mismatch", text)
    detail = {"origin": signed.origin, "size": signed.size, "root": signed.root.hex()}
    if older is not None:
        # ATTACK: with the owner's keys, a history is written anew. The kept note tells.
        root = merkle.root(hashes[: older.size])
        if older.size > signed.size or older.origin != signed.origin or root != older.root:
            text = (
                f"the log checkpoint of {pluralize(older.size, 'entry')} that was kept is no "
                f"beginning of this log: its history was rewritten by whoever has the log key"
            )
            return None, failed("log.checkpoint", "fork", text, keptSize=older.size, **detail)
        detail["keptSize"] = older.size
    text = f"log checkpoint of {pluralize(signed.size, 'entry')} of {quote(signed.origin)}"
    since = "" if older is None else f"; it extends the one kept at {older.size}"
    return signed, passed("log.checkpoint", f"{text}, signature holds{since}", **detail)


def _check_memory(
    opened: OpenedEvidence, signed: SignedCheckpoint | None, memory: LogMemory | None
) -> Check:
    if memory is None:
        return not_applicable("log.memory", "no memory of earlier log checkpoints is kept")
    if signed is None:
        text = "the log in the file is not established"
        return unchecked("log.memory", "no-consistency", text)
    hashes = [one.hash for one in opened.evidence.leaves]

    def prove(old: int, new: int) -> list[bytes]:
        return merkle.consistency_proof(hashes[:new], old)

    states: set[MemoryState] = set()
    try:
        logs: list[LogName] = [*opened.policy.logs, opened.evidence.store]
        for log in logs:
            state = memory.check_seen(log, signed.head, prove)
            last = memory.last_seen(log)
            if state is MemoryState.OLDER and last is not None:
                # An older file is no rollback of the store; it may be of another history.
                seen = merkle.root(hashes) if last.head.size == signed.size else None
                state = MemoryState.FORK if seen not in {None, last.head.root} else state
            states.add(state)
    except LyrikstoreError as error:
        return unchecked("log.memory", error.kind, quote(error.message, 300))
    if MemoryState.FORK in states:
        text = "contradicts a log checkpoint seen before: this log was forked"
        return failed("log.memory", "fork", text)
    if MemoryState.OLDER in states:
        text = "older than a log checkpoint seen before: entries since then are not in it"
        return warned("log.memory", "behind", text)
    first = states == {MemoryState.FIRST}
    seen_text = "the first log checkpoint seen of this log" if first else "extends all seen before"
    return passed("log.memory", seen_text)


def _check_manifests(opened: OpenedEvidence, genesis: Manifest | None) -> tuple[Check, ...]:
    manifests, refs, lineage = Problems("manifests"), Problems("refs"), Problems("lineage")
    manifests.lost += (f"{one.short} has a newer format" for one in opened.newer)
    count = len(opened.manifests)
    if genesis is None:
        unknown = "what has effect cannot be known without the genesis manifest"
        refs.lost.append(unknown)
        lineage.lost.append(unknown)
    for flag in opened.table.flagged:
        refs.warnings.append(f"log entry {flag.index} ({flag.id.short}): {REASONS[flag.reason]}")
    for problem in opened.lineage.problems:
        absent = problem.kind == "missing"
        (lineage.lost if absent else lineage.bad).append(problem.summary)
    names = pluralize(len(opened.table.refs), "name")
    links = f"{pluralize(len(opened.lineage), 'manifest')}, each logged after what it was made from"
    return (
        manifests.close(f"{pluralize(count, 'manifest')}, signatures hold", manifests=count),
        refs.close(f"{names}, each derived from the log", refs=len(opened.table.refs)),
        lineage.close(links, manifests=len(opened.lineage)),
    )


def _check_credentials(opened: OpenedEvidence) -> Check:
    problems = Problems("credentials")
    for identity, one in opened.credentials.items():
        label = (
            f"credential {identity.short} at log entry {opened.index_of(identity, 'credential')}"
        )
        fault = _fault(one)
        if fault:
            problems.bad.append(f"{label}: {fault}")
    with suppress(LyrikstoreError):
        note_events(opened, opened.effective, problems)
    count = len(opened.credentials)
    return problems.close(f"{pluralize(count, 'credential')}, signatures hold", credentials=count)


def _check_times(opened: OpenedEvidence, signed: SignedCheckpoint | None, trust: Trust) -> Check:
    if signed is None:
        return unchecked("timestamps", "lost", "the log in the file is not established")
    return check_timestamps(OutsideTimes(opened, signed.origin, trust), opened.effective)


def _fault(one: OpenedCredential) -> str:
    """Return what is wrong with the signature of a credential; empty: nothing."""
    if is_statement(one.data) or documents_among([one.data]):
        return ""  # the words of other stores about their keys, and DID documents, have no issuer
    if one.signer is None:
        return "no signature on it holds by the key that it names"
    issuer = one.issuer or ""
    if issuer.startswith("did:key:") and issuer != one.signer:
        return "it is not signed by its issuer"
    return ""
