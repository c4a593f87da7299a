"""Negotiating with a remote: its log head compared with the one here (spec §15.4).

Nothing a remote says is believed. Its log checkpoint must carry the signature of a key that the
genesis names; its records must give the signed root, and must continue those that are here.
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
"""Entries of the longest log taken from a remote; a hostile one could go on for ever."""
_AHEAD = 8
_TRIES = 4
"""How often a log is read before it is called rolled back, while it grows."""
Answer = TypeVar("Answer")


class LogRelation(Enum):
    """How the log at a remote relates to the one here."""

    SAME = "same"
    AHEAD = "ahead"
    BEHIND = "behind"


class Negotiation(Struct, frozen=True):
    """A remote that holds the log of this store.

    Attributes:
        relation: How its log relates to the one here.
        signed: Its verified log checkpoint.
        records: The records up to the longer of both log checkpoints, verified.
        mark: What makes it a mirror; None for the home.
    """

    relation: LogRelation
    signed: SignedCheckpoint
    records: Records
    mark: MirrorMarker | None


def negotiate(backend: Backend, repository: Repository, where: str) -> Negotiation:
    """Return how the store at a remote relates to this one.

    Args:
        backend: The remote.
        repository: This store.
        where: What to call the remote in messages.

    Raises:
        ConflictError: (``other-store``) there is another one.
        VerificationError: (``remote-rolled-back``) a home that is older than what was seen of it;
            (``remote-forked``) it went another way; (``retired-log-key``) somebody extended it
            whose key was retired; (``log-mismatch`` …) its log does not hold.
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
    """Return what ``ask`` says of a remote; asked again where that is older than remembered.

    The memory is read after the remote: another process of this user may have extended the log
    meanwhile, and remembered that. One that was rolled back is as short when it is read again.

    Raises:
        VerificationError: (``remote-rolled-back``) it is older. And whatever ``ask`` raises.
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
    """Return whether this log was seen before, once it fits what was seen of it under any name.

    Args:
        memory: The log checkpoints seen before.
        logs: The log's keys, and its store.
        signed: The available log checkpoint.
        records: Its records.
        where: What to call the remote.
        lagging: Whether it may be older: a mirror, that somebody has to fill.

    Raises:
        VerificationError: (``remote-rolled-back``, ``remote-forked``)
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
    """Return the store at a remote, which is the home of this one, opened to append.

    Args:
        repository: This store.
        backend: The remote's files.
        location: Its folder, or its URL without secrets.
        name: What to call it in messages.
        memory: What the log key signed before, and what was seen of the log.
        log_signer: Holds a key that the genesis lists; None where none is available.

    Raises:
        InvalidInputError: (``not-home``) it is a mirror.
        LyrikstoreError: As :func:`negotiate`; (``two-homes``) this is a home as well.
    """
    contact = negotiate(backend, repository, name)
    if contact.mark is not None:
        raise InvalidInputError(
            "not-home", f"{name} is a mirror; its home is elsewhere", hint="name the home's remote"
        )
    if not repository.is_mirror:
        raise two_homes(name)
    if contact.relation is LogRelation.BEHIND:
        raise rolled_back(name, contact.signed.head, repository.checkpoint.head)
    return Repository.over(
        backend, location=location, memory=memory, log_signer=log_signer, known=repository
    )


def refuse_itself(backend: Backend, store: Path | str) -> None:
    """Return if a place is neither a store's own folder nor in it.

    A home that was made its own mirror could be extended nowhere any more.

    Raises:
        ConflictError: (``own-store``) it is.
    """
    if not isinstance(backend, LocalBackend) or not isinstance(store, Path):
        return
    own, there = real_path(store), real_path(backend.root)
    if there == own or own in there.parents:
        raise ConflictError(
            "own-store",
            f"{backend.root} is the store itself, or lies in it",
            hint="name a folder elsewhere",
        )


def two_homes(name: str) -> ConflictError:
    """Return the error that says that a remote and this store are both homes."""
    return ConflictError(
        "two-homes",
        f"{name} and this store are both homes of one log: one is a copy of the other",
        hint="to make that one a mirror: lyrikstore push --mirror; to go on with that one, move "
        "this store away and clone it",
    )


def rolled_back(where: str, there: LogCheckpoint, seen: LogCheckpoint) -> VerificationError:
    """Return the error that says that a remote is older than what was seen of it."""
    return VerificationError(
        "remote-rolled-back",
        f"{where} has a log of {pluralize(there.size, 'entry')}, "
        f"but one of {seen.size} was seen before: "
        "it was rolled back",
        hint="restore it from its newest backup, or push this store there with --mirror",
        details={"there": there.size, "seen": seen.size},
    )


def forked(where: str, there: LogCheckpoint, here: LogCheckpoint) -> VerificationError:
    """Return the error that says that two log checkpoints cannot be of one log."""
    return VerificationError(
        "remote-forked",
        f"{where} and what was seen here went different "
        f"ways: {pluralize(there.size, 'entry')} with root "
        f"{there.root.hex()[:16]} there, {pluralize(here.size, 'entry')} "
        f"with root {here.root.hex()[:16]} here",
        hint="the log key signed two histories: find out who did, before you go on with either",
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
    """Return the error that says that a remote holds another store."""
    return ConflictError(
        "other-store",
        f"{where} holds store {there.short}, not {here.short}",
        hint="choose another place; lyrikstore remote list shows the names",
        details={"there": str(there), "here": str(here)},
    )


def read_ahead(backend: Backend, known: Records = NO_RECORDS, *, size: int) -> Records:
    """Return the records of a log as ``read_records`` does; of a remote, some at a time."""
    if isinstance(backend, LocalBackend):
        return read_records(backend, known, size=size)
    with ThreadPoolExecutor(_AHEAD) as pool:
        return read_records(_Ahead(backend, pool), known, size=size)


def each_record(backend: Backend) -> Iterator[Transaction]:
    """Yield the records of a log in order, up to the first that is missing; none is kept.

    Raises:
        FormatError, StorageError, RemoteError: One cannot be read.
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
