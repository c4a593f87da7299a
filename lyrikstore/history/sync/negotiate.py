"""Comparison of a remote's log with the log here (spec §15.4).

No data of a remote is trusted. Its log checkpoint must have the signature of a key that the genesis
names; its records must give the signed root, and must continue the records here.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from itertools import count
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.canon.files import real_path
from lyrikstore.canon.text import pluralize
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import LogCheckpoint, SignedCheckpoint
from lyrikstore.history.log.entries import (
    NO_RECORDS,
    Records,
    check_format,
    check_head,
    claimed_size,
    read_checkpoint,
    read_records,
)
from lyrikstore.history.log.memory import LogMemory, MemoryState
from lyrikstore.history.log.memory_files import LogName
from lyrikstore.history.policy.key_history import check_head as check_retired
from lyrikstore.history.repository.clone import MirrorMarker, read_mark
from lyrikstore.history.repository.log_keys import open_head
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import Backend, LocalBackend
from lyrikstore.objects.store.transactions import (
    Transaction,
    TransactionLog,
    parse_transaction,
    record_name,
)
from lyrikstore.objects.transfer import Overlay

MAX_ENTRIES = 1 << 24
"""Maximum number of log entries read from a remote; a hostile remote could send endlessly."""
_AHEAD = 8
_TRIES = 4
"""How often a growing log is read before it is reported as rolled back."""
Answer = TypeVar("Answer")


class LogRelation(Enum):
    """Relation of the log at a remote to the log here."""

    SAME = "same"
    AHEAD = "ahead"
    BEHIND = "behind"


class Negotiation(Struct, frozen=True):
    """The verified log of this store at a remote.

    Attributes:
        relation: Its relation to the log here.
        signed: Its verified log checkpoint.
        records: The records up to the longer of both log checkpoints, verified.
        mark: The mirror marker; None for the home.
    """

    relation: LogRelation
    signed: SignedCheckpoint
    records: Records
    mark: MirrorMarker | None


def negotiate(backend: Backend, repository: Repository, where: str) -> Negotiation:
    """Verify the log at a remote and return its relation to the log of this store.

    Args:
        backend: The remote.
        repository: This store.
        where: Name of the remote in messages.

    Raises:
        ConflictError: (``other-store``) the remote has another store.
        VerificationError: (``remote-rolled-back``) the home is older than the log checkpoints seen
            of it; (``remote-forked``) its history differs; (``retired-log-key``) it was extended
            with a retired key; (``log-mismatch`` …) its log does not verify.
        FormatError, RemoteError, StorageError: It cannot be read.
        LyrikstoreError: As :func:`refuse_itself` and :func:`check_format`.

    Cost: four small requests, and one per record that is not here.
    """
    refuse_itself(backend, repository.location)
    check_format(backend)
    mark = read_mark(backend)
    note = read_checkpoint(backend)
    try:
        signed, keys = open_head(backend, repository.genesis, note, repository.log_keys)
    except VerificationError:
        _check_same_store(backend, repository, where)
        raise
    policies = repository.home_table.policies
    here, ours = repository.checkpoint.head, repository.records
    if signed.size <= here.size:
        if merkle.root(ours.hashes[: signed.size]) != signed.root:
            raise forked(where, signed.head, here)
        check_retired(signed, policies)
        if signed.size == here.size:
            return Negotiation(LogRelation.SAME, signed, ours, mark)
        return Negotiation(LogRelation.BEHIND, signed, ours, mark)
    if signed.size > MAX_ENTRIES:
        raise FormatError("too-large", f"{where} claims a log of {pluralize(signed.size, 'entry')}")
    records = read_ahead(backend, ours, size=signed.size)
    records.covered(signed.size)
    if merkle.root(records.hashes[: signed.size]) != signed.root:
        # Either its records are damaged, or they are sound and other than ours.
        check_head(note, keys, read_ahead(backend, size=signed.size))
        raise forked(where, signed.head, here)
    check_retired(signed, policies)
    return Negotiation(LogRelation.AHEAD, signed, records, mark)


def while_it_grows(backend: Backend, ask: Callable[[], Answer]) -> Answer:
    """Return the result of ``ask`` on a remote; repeat it if the log is older than remembered.

    The memory is read after the remote: another process of this user may have extended the log
    meanwhile, and recorded that. A log that was rolled back is just as short on the next read.

    Raises:
        VerificationError: (``remote-rolled-back``) it is older. And the errors of ``ask``.
    """
    for _ in range(_TRIES - 1):
        try:
            return ask()
        except VerificationError as error:
            if error.kind != "remote-rolled-back":
                raise
            if claimed_size(read_checkpoint(backend)) <= error.details["there"]:
                raise
    return ask()


def check_memory(
    memory: LogMemory,
    logs: Sequence[LogName],
    signed: SignedCheckpoint,
    records: Records,
    where: str,
    *,
    lagging: bool,
) -> bool:
    """Check a log against the memory; return whether the log was seen before.

    Args:
        memory: The log checkpoints seen before.
        logs: The log's keys, and the id of its store: the names under which it is remembered.
        signed: The available log checkpoint.
        records: Its records.
        where: Name of the remote in messages.
        lagging: Whether it may be older: a mirror, which is filled by pushes.

    Raises:
        VerificationError: (``remote-rolled-back``, ``remote-forked``) it is older than, or
            contradicts, the log checkpoints seen before.
    """
    seen = False
    for log in logs:
        last = memory.last_seen(log)
        if last is None:
            continue
        seen = True
        state = memory.check_seen(
            log,
            signed.head,
            lambda old, new: merkle.consistency_proof(records.hashes[:new], old),
        )
        if state is MemoryState.FORK:
            raise forked(where, signed.head, last.head)
        if state is MemoryState.OLDER and not lagging:
            raise rolled_back(where, signed.head, last.head)
    return seen


def at_home(
    repository: Repository,
    backend: Backend,
    location: Path | str,
    name: str,
    *,
    memory: LogMemory,
    log_signer: Signer | None,
) -> Repository:
    """Return the store at a remote, the home of this one, opened to append.

    Args:
        repository: This store.
        backend: The remote's files.
        location: Its folder, or its URL without secrets.
        name: Name of the remote in messages.
        memory: The log checkpoints that the log key signed, and those seen of the log.
        log_signer: Holds a key that the genesis lists; None where none is available.

    Raises:
        InvalidInputError: (``not-home``) it is a mirror.
        LyrikstoreError: As :func:`negotiate`; (``two-homes``) this is a home as well.
    """
    contact = negotiate(backend, repository, name)
    if contact.mark is not None:
        raise InvalidInputError(
            "not-home",
            f"{name} is a mirror and not the home of the store",
            hint="name the home's remote",
        )
    if not repository.is_mirror:
        raise two_homes(name)
    if contact.relation is LogRelation.BEHIND:
        raise rolled_back(name, contact.signed.head, repository.checkpoint.head)
    return Repository.over(
        backend, location=location, memory=memory, log_signer=log_signer, known=repository
    )


def refuse_itself(backend: Backend, store: Path | str) -> None:
    """Raise `own-store` if a place is the store's own folder or inside it.

    A home that became its own mirror could no longer be extended anywhere.

    Raises:
        ConflictError: (``own-store``) it is.
    """
    if not isinstance(backend, LocalBackend) or not isinstance(store, Path):
        return
    own, there = real_path(store), real_path(backend.root)
    if there == own or own in there.parents:
        raise ConflictError(
            "own-store",
            f"{backend.root} is the store itself, or a folder inside it",
            hint="name a folder elsewhere",
        )


def two_homes(name: str) -> ConflictError:
    """Return the error for a remote and a store that are both homes."""
    return ConflictError(
        "two-homes",
        f"{name} and this store are both homes of one log: one is a copy of the other",
        hint="to make the remote a mirror: lyrikstore push --mirror; to keep the remote as home, "
        "move this store away and clone it",
    )


def rolled_back(where: str, there: LogCheckpoint, seen: LogCheckpoint) -> VerificationError:
    """Return the error for a remote that is older than a log checkpoint seen of it."""
    return VerificationError(
        "remote-rolled-back",
        f"{where} has a log of {pluralize(there.size, 'entry')}, "
        f"but one of {seen.size} was seen before: "
        "it was rolled back",
        hint="restore it from its newest backup, or push this store there with --mirror",
        details={"there": there.size, "seen": seen.size},
    )


def forked(where: str, there: LogCheckpoint, here: LogCheckpoint) -> VerificationError:
    """Return the error for two log checkpoints that cannot belong to one log."""
    return VerificationError(
        "remote-forked",
        f"{where} and the log seen here have "
        f"different histories: {pluralize(there.size, 'entry')} with root "
        f"{there.root.hex()[:16]} there, {pluralize(here.size, 'entry')} "
        f"with root {here.root.hex()[:16]} here",
        hint="the log key signed two histories: find out who signed them before you use either",
        details={
            "there": {"size": there.size, "root": there.root.hex()},
            "here": {"size": here.size, "root": here.root.hex()},
        },
    )


def _check_same_store(backend: Backend, repository: Repository, where: str) -> None:
    try:
        first = parse_transaction(TransactionLog(backend).read_bytes(0), 0)
    except LyrikstoreError:
        return
    if first.log and first.log[0].id != repository.store_id:
        raise other_store(where, first.log[0].id, repository.store_id)


def other_store(where: str, there: Digest, here: Digest) -> ConflictError:
    """Return the error for a remote that has another store."""
    return ConflictError(
        "other-store",
        f"{where} has store {there.short}, not {here.short}",
        hint="choose another place; lyrikstore remote list shows the names",
        details={"there": str(there), "here": str(here)},
    )


def read_ahead(backend: Backend, known: Records = NO_RECORDS, *, size: int) -> Records:
    """Return the records of a log, as ``read_records``; those of a remote are read in batches."""
    if isinstance(backend, LocalBackend):
        return read_records(backend, known, size=size)
    with ThreadPoolExecutor(_AHEAD) as pool:
        return read_records(_Ahead(backend, pool), known, size=size)


def each_record(backend: Backend) -> Iterator[Transaction]:
    """Yield the records of a log in order, up to the first missing one; none is kept in memory.

    Raises:
        FormatError, StorageError, RemoteError: A record cannot be read.
    """
    with ThreadPoolExecutor(_AHEAD) as pool:
        ahead = backend if isinstance(backend, LocalBackend) else _Ahead(backend, pool)
        for seq in count():
            # The first is mostly all that is asked for.
            try:
                record = TransactionLog(ahead if seq else backend).read(seq)
            except NotFoundError:
                return
            yield record


class _Ahead(Overlay):
    # Reads the next few records while one is looked at: each costs a round trip.
    def __init__(self, backend: Backend, pool: ThreadPoolExecutor) -> None:
        super().__init__(backend, backend)
        self._backend = backend
        self._pool = pool
        self._coming: dict[str, Future[bytes]] = {}

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        seq = int(name.removeprefix("tx/"))
        for number in range(seq, seq + _AHEAD):
            coming = record_name(number)
            if coming not in self._coming:
                self._coming[coming] = self._pool.submit(self._backend.read, coming, start, length)
        return self._coming.pop(name).result()
