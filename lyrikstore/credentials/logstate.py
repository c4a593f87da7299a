"""The log of a store, judged from its own files anew (spec §11.6)."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from lyrikstore.canon.errors import FormatError, LyrikstoreError, VerificationError
from lyrikstore.canon.grammar import counted
from lyrikstore.credentials.logcheck import check_witness
from lyrikstore.credentials.report import (
    Check,
    failed,
    not_applicable,
    passed,
    quote,
    unchecked,
    warned,
)
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log import SignedCheckpoint
from lyrikstore.history.logview import (
    Records,
    check_format,
    check_head,
    claimed_size,
    read_checkpoint,
    read_records,
)
from lyrikstore.history.manifest import Manifest
from lyrikstore.history.memory import LogMemory, MemoryState
from lyrikstore.history.merkle import consistency_proof
from lyrikstore.history.note import VerifierKey
from lyrikstore.history.repository import Repository
from lyrikstore.objects.transactions import TransactionLog, record_name

CHECK_FOR_KIND = {
    "bad-store": "store.format",
    "bad-genesis": "store.genesis",
    "bad-policy": "store.genesis",
    "no-checkpoint": "log.checkpoint",
    "bad-note": "log.checkpoint",
    "bad-checkpoint": "log.checkpoint",
    "bad-log-signature": "log.checkpoint",
    "unknown-log-key": "log.checkpoint",
    "retired-log-key": "log.checkpoint",
}
"""Which check an error while opening a store fails; any other fails ``log.transactions``."""


@dataclass(frozen=True, slots=True)
class LogState:
    """What the log's own checks gave.

    Attributes:
        checks: ``store.format``, ``store.genesis``, ``log.checkpoint``, ``log.transactions``,
            ``log.witness``, ``log.memory``.
        signed: The log checkpoint, once it holds.
        records: The transaction records, once they give its root; then those not published yet.
    """

    checks: tuple[Check, ...]
    signed: SignedCheckpoint | None
    records: Records | None


def check_log_state(
    repository: Repository, *, trust: Trust, at: datetime, memory: LogMemory | None
) -> LogState:
    """Return whether the log is whole, signed, founded by somebody known, and the one seen before.

    Args:
        repository: The open store; its files are read again.
        trust: Whom the verifier believes.
        at: The moment to judge for.
        memory: What was signed and seen before, or None.

    Cost: one read of every transaction record, one hash per log entry.
    """
    genesis = check_founder(repository.genesis, trust=trust, at=at)
    try:
        check_format(repository.backend)
        note = read_checkpoint(repository.backend)
        records = read_records(repository.backend, size=claimed_size(note))
        signed = check_head(note, repository.log_keys, records)
        _check_retired(repository)
    except (FormatError, VerificationError) as error:
        return LogState(
            (
                *opening_failed(error)[:1],
                genesis,
                *opening_failed(error)[1:],
                check_witness(trust),
            ),
            None,
            None,
        )
    records = read_records(repository.backend, records)  # also those nobody published yet
    published = records.covered(signed.size)
    waiting = TransactionLog(repository.backend).taken(published)
    transactions = passed(
        "log.transactions",
        f"{counted(published, 'transaction record gives', 'transaction records give')} "
        "the signed root",
        transactions=published,
        entries=signed.size,
    )
    if waiting:
        transactions = warned(
            "log.transactions",
            "unpublished",
            f"{record_name(published)} is not published: the next commit of its author does so",
            transactions=published,
            entries=signed.size,
        )
    checks = (
        passed("store.format", "lyrikstore format 1"),
        genesis,
        passed(
            "log.checkpoint",
            f"log checkpoint of {counted(signed.size, 'entry')} "
            f"of {quote(signed.origin)}, signature holds",
            origin=signed.origin,
            size=signed.size,
            root=signed.root.hex(),
        ),
        transactions,
        check_witness(trust),
        _check_memory(signed, records, _keys(repository), memory),
    )
    return LogState(checks, signed, records)


def opening_failed(error: LyrikstoreError) -> tuple[Check, Check, Check, Check]:
    """Return the four checks of the log's own files after one of them failed."""
    guilty = CHECK_FOR_KIND.get(error.kind, "log.transactions")
    format_, checkpoint, transactions, memory = (
        failed(check, error.kind, quote(error.message, 300))
        if check == guilty
        else unchecked(check, "log-broken", "not looked at: the log does not hold")
        for check in ("store.format", "log.checkpoint", "log.transactions", "log.memory")
    )
    return format_, checkpoint, transactions, memory


def check_founder(genesis: Manifest, *, trust: Trust, at: datetime) -> Check:
    """Return ``store.genesis``: who founded the store, and whether the verifier believes them.

    Args:
        genesis: The verified genesis manifest; its id is the store's id.
        trust: Whom the verifier believes.
        at: The moment to judge for.
    """
    detail = {"store": str(genesis.id), "founder": genesis.author}
    entry = trust.vouches_for(genesis.author, store=genesis.id, at=at)
    if entry is not None:
        summary = f"store {genesis.id.short} was founded by {quote(entry.nickname)}, whom you trust"
        return passed("store.genesis", summary, **detail)
    return warned(
        "store.genesis",
        "unknown-founder",
        f"store {genesis.id.short} was founded by {genesis.author}, whom you do not trust",
        **detail,
    )


def _check_retired(repository: Repository) -> None:
    try:
        _ = repository.home_table
    except LyrikstoreError as error:  # what else is wrong with the policies, `refs` says
        if error.kind == "retired-log-key":
            raise


def _keys(repository: Repository) -> Sequence[VerifierKey]:
    added: Sequence[VerifierKey] = ()
    with suppress(LyrikstoreError):  # what is wrong with the policies, `refs` says
        added = repository.policy.logs
    return tuple(dict.fromkeys((*repository.log_keys, *added)))


def _check_memory(
    signed: SignedCheckpoint,
    records: Records,
    keys: Sequence[VerifierKey],
    memory: LogMemory | None,
) -> Check:
    if memory is None:
        return not_applicable("log.memory", "no memory of earlier log checkpoints is kept")

    def prove(old: int, new: int) -> list[bytes]:
        return consistency_proof(records.hashes[:new], old)

    try:
        for key in keys:  # one that was added must not begin with an empty memory
            memory.check_signed(key, records.hashes, "")
        states = {memory.check_seen(key, signed.head, prove) for key in keys}
    except LyrikstoreError as error:
        if error.kind == "copied-store":
            return failed("log.memory", "rollback", quote(error.message, 300))
        return unchecked("log.memory", error.kind, quote(error.message, 300))
    if MemoryState.OLDER in states:
        summary = "older than a log checkpoint seen before: this store was rolled back"
        return failed("log.memory", "rollback", summary)
    if MemoryState.FORK in states:
        summary = "contradicts a log checkpoint seen before: this log was forked"
        return failed("log.memory", "fork", summary)
    first = states == {MemoryState.FIRST}
    summary = "first log checkpoint seen of this log" if first else "extends what was seen before"
    return passed("log.memory", summary)
