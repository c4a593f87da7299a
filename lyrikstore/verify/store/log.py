"""Checks of a store's log, from a new read of its files (spec §11.6)."""

from contextlib import suppress
from datetime import datetime
from functools import partial

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.checkpoint import SignedCheckpoint
from lyrikstore.history.log.entries import (
    Records,
    check_format,
    check_head,
    claimed_size,
    read_checkpoint,
    read_records,
)
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.tiles import first_items, new_files, paths_at
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.store.transactions import TransactionLog, record_name
from lyrikstore.verify.credential.key_statements import statements_here
from lyrikstore.verify.delivery.founder import check_founder
from lyrikstore.verify.delivery.log import check_witness
from lyrikstore.verify.log_memory import check_remembered
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, CheckState, failed, passed, warned

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
"""Kind of an error of opening a store → the check that fails; others fail ``log.transactions``."""


_TRIES = 4
"""Number of times a growing log is read before it is reported as rolled back."""


class LogState(Struct, frozen=True):
    """The outcome of the log's own checks.

    Attributes:
        checks: ``store.format``, ``store.genesis``, ``log.checkpoint``, ``log.transactions``,
            ``log.witness``, ``log.memory``.
        signed: The log checkpoint, once it is verified.
        records: The transaction records, once they give its root; after them, those not published
            yet.
    """

    checks: tuple[Check, ...]
    signed: SignedCheckpoint | None
    records: Records | None


def check_log_state(
    repository: Repository, *, trust: Trust, at: datetime, memory: LogMemory | None
) -> LogState:
    """Return the checks whether the log is complete, signed, of a known founder, and remembered.

    Args:
        repository: The open store; its files are read again.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        memory: The log checkpoints that were signed and seen before, or None.

    Cost: one read of every transaction record, one hash per log entry; again where the log grows
        meanwhile.
    """
    for _ in range(_TRIES - 1):
        state = _judge(repository, trust, at, memory)
        # The memory is read after the log: another process of this user may have committed
        # meanwhile, and remembered that. One that was rolled back is as short when read again.
        if state.checks[-1].state in {CheckState.PASS, CheckState.NOT_APPLICABLE} or not _has_grown(
            repository.backend, state
        ):
            return state
    return _judge(repository, trust, at, memory)


def _has_grown(backend: Backend, state: LogState) -> bool:
    if state.signed is None or state.records is None:
        return False
    with suppress(LyrikstoreError):
        return claimed_size(read_checkpoint(backend)) > state.signed.size or TransactionLog(
            backend
        ).taken(len(state.records.transactions))
    return False


def _judge(
    repository: Repository, trust: Trust, at: datetime, memory: LogMemory | None
) -> LogState:
    history = None
    with suppress(LyrikstoreError):  # what is wrong with the policies, `refs` says
        history, _ = statements_here(repository)
    genesis = check_founder(
        *(repository.genesis, history, partial(_signed_here, repository)), trust=trust, at=at
    )
    try:
        check_format(repository.backend)
        note = read_checkpoint(repository.backend)
        records = read_records(repository.backend, size=claimed_size(note))
        signed = check_head(note, repository.log_keys, records)
        _check_retired(repository)
    except (FormatError, VerificationError) as error:
        return LogState((opening_failed(error), genesis, check_witness(trust)), None, None)
    records = read_records(repository.backend, records)  # also those nobody published yet
    published = records.covered(signed.size)
    waiting = TransactionLog(repository.backend).taken(published)
    transactions = passed(
        "log.transactions",
        f"{pluralize(published, 'transaction record gives', 'transaction records give')} "
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
            f"log checkpoint of {pluralize(signed.size, 'entry')} "
            f"of {quote(signed.origin)}, signature holds",
            origin=signed.origin,
            size=signed.size,
            root=signed.root.hex(),
        ),
        transactions,
        check_witness(trust),
        check_remembered(repository, signed, records, memory),
    )
    return LogState(checks, signed, records)


def check_tiles(repository: Repository, records: Records) -> Check:
    """Return ``log.tiles``: whether the files for readers follow from the records (A35).

    Args:
        repository: The open store; in a mirror its local log is checked as well.
        records: Its transaction records.
    """
    problems = Problems("log.tiles")
    size = repository.checkpoint.size
    _compare_tiles(repository.backend, records, size, "", problems)
    summary = "every tile and bundle is what the transaction records give"
    own = repository.own_log
    if repository.is_mirror and own.signed is not None:
        # Opening the store showed that its records give its signed root.
        _compare_tiles(own.backend, own.records, own.signed.size, "local/", problems)
        summary += f"; so are those of the local log of {pluralize(own.signed.size, 'entry')}"
    return problems.close(summary)


def _compare_tiles(
    backend: Backend, records: Records, size: int, prefix: str, problems: Problems
) -> None:
    # Attack case A35. Partial files of every size ever published stay, for somebody may still be
    # reading them, until the full one is there; a writer that died while publishing leaves files
    # of the next size. Each is the beginning of what takes its place once all is published.
    found = set(backend.list("log/tile/"))
    records = read_records(backend, records)  # of what others publish meanwhile: before its tiles
    published = [end for end in records.ends if end <= size]
    wanted = {f"log/{path}" for end in published for path in paths_at(end)}
    by_place: dict[str, set[str]] = {}
    for name in wanted | found:
        by_place.setdefault(name.partition(".p/")[0], set()).add(name)
    for path, data in new_files(records.leaves, records.hashes, 0):
        place, cut, _ = f"log/{path}".partition(".p/")
        for name in sorted(by_place.pop(place, ())):
            if name not in found and not cut and name != place:
                continue
            right = first_items(name.removeprefix("log/"), data)
            shown = prefix + name
            try:
                if right is None or backend.read(name, 0, len(right) + 1) != right:
                    problems.bad.append(f"{shown} differs from what the transaction records say")
            except NotFoundError:
                problems.lost.append(f"{shown} is missing")
            except StorageError as error:
                problems.note(shown, error)
    for names in by_place.values():
        problems.warnings += (f"{prefix}{name} belongs to no entry" for name in sorted(names))


def opening_failed(error: LyrikstoreError) -> Check:
    """Return the check of the log's own files that failed; the others are not made."""
    guilty = CHECK_FOR_KIND.get(error.kind, "log.transactions")
    return failed(guilty, error.kind, quote(error.message, 300))


def _signed_here(repository: Repository, key: str) -> bool:
    store = repository.store_id
    with suppress(LyrikstoreError):
        for entry in repository.entries():
            if entry.type == "credential":
                one = logged_credential(repository, entry.id)
                if store.urn.encode() in one.data and one.signer == key and _names(one, store):
                    return True
        return any(
            one.author == key and one.store == store for _, one in repository.all_manifests()
        )
    return False


def _names(opened: OpenedCredential, store: Digest) -> bool:
    # ATTACK: a store whose dataset somebody attests. They vouch for the data, not for the store,
    # and its founder can name them an owner of it.
    subject = (opened.document or {}).get("credentialSubject")
    named = isinstance(subject, dict) and subject.get("store") == store.urn
    return named and opened.kind is DATASET


def _check_retired(repository: Repository) -> None:
    try:
        _ = repository.home_table
    except LyrikstoreError as error:  # what else is wrong with the policies, `refs` says
        if error.kind == "retired-log-key":
            raise
