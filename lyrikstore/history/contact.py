"""Meeting a remote: whether it holds this log, and how it relates to what is here (spec §15.4).

Nothing a remote says is believed. Its log checkpoint must carry the signature of a key that the
genesis names; its records must give the signed root, and must continue those that are here.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
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
from lyrikstore.canon.grammar import counted
from lyrikstore.crypto.signer import Signer
from lyrikstore.history import merkle
from lyrikstore.history.keyhistory import check_head as check_retired
from lyrikstore.history.local import Mark, read_mark
from lyrikstore.history.log import LogCheckpoint, SignedCheckpoint
from lyrikstore.history.logkeys import open_head
from lyrikstore.history.logview import (
    NO_RECORDS,
    Records,
    check_format,
    check_head,
    claimed_size,
    read_checkpoint,
    read_records,
)
from lyrikstore.history.manifest import Manifest, parse_manifest
from lyrikstore.history.memory import LogMemory, LogName, MemoryState
from lyrikstore.history.refs import check_genesis
from lyrikstore.history.repository import Repository
from lyrikstore.history.view import MAX_READ
from lyrikstore.objects.backend import Backend, LocalBackend
from lyrikstore.objects.blobs import open_blobs
from lyrikstore.objects.sync import Overlay
from lyrikstore.objects.transactions import TransactionLog, fold, parse_transaction, record_name

MAX_ENTRIES = 1 << 24
"""Entries of the longest log taken from a remote; a hostile one could go on for ever."""
_AHEAD = 8
_TRIES = 4
"""How often a log is read before it is called rolled back, while it grows."""
Answer = TypeVar("Answer")


class Relation(Enum):
    """How the log at a remote relates to the one here."""

    SAME = "same"
    AHEAD = "ahead"
    BEHIND = "behind"


class Contact(Struct, frozen=True):
    """A remote that holds the log of this store.

    Attributes:
        relation: How its log relates to the one here.
        signed: Its verified log checkpoint.
        records: The records up to the longer of both log checkpoints, verified.
        mark: What makes it a mirror; None for the home.
    """

    relation: Relation
    signed: SignedCheckpoint
    records: Records
    mark: Mark | None


def meet(backend: Backend, repository: Repository, where: str) -> Contact:
    """Return how the store at a remote relates to this one.

    Args:
        backend: The remote.
        repository: This store.
        where: What to call the remote in messages.

    Raises:
        NotFoundError: (``no-store``) there is no store.
        ConflictError: (``other-store``) there is another one; (``own-store``) it is this one.
        VerificationError: (``remote-rolled-back``) a home that is older than what was seen of it;
            (``remote-forked``) it went another way; (``retired-log-key``) somebody extended it
            whose key was retired; (``log-mismatch`` …) its log does not hold.
        FormatError, RemoteError, StorageError: It cannot be read.

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
            return Contact(Relation.SAME, signed, ours, mark)
        return Contact(Relation.BEHIND, signed, ours, mark)
    if signed.size > MAX_ENTRIES:
        raise FormatError("too-large", f"{where} claims a log of {counted(signed.size, 'entry')}")
    records = _read_ahead(backend, ours, size=signed.size)
    records.covered(signed.size)
    if merkle.root(records.hashes[: signed.size]) != signed.root:
        # Either its records are damaged, or they are sound and other than ours.
        check_head(note, keys, _read_ahead(backend, size=signed.size))
        raise forked(where, signed.head, here)
    check_retired(signed, policies)
    return Contact(Relation.AHEAD, signed, records, mark)


class Found(Struct, frozen=True):
    """A store seen for the first time.

    Attributes:
        genesis: Its verified genesis.
        signed: Its verified log checkpoint.
        records: Its covered records.
        known: Whether the user said, or the memory knew, that this is the store to expect.
    """

    genesis: Manifest
    signed: SignedCheckpoint
    records: Records
    known: bool


def first_contact(
    backend: Backend, where: str, *, memory: LogMemory, expected: Digest | None = None
) -> Found:
    """Return the verified log of a store that is not here yet.

    Args:
        backend: The remote.
        where: What to call it in messages.
        memory: The log checkpoints seen before.
        expected: The store's id, if the user knows it; else it is trusted on first use.

    Raises:
        ConflictError: (``other-store``) it is another store than expected.
        NotFoundError, VerificationError, FormatError, RemoteError, StorageError: See :func:`meet`.
    """
    try:
        check_format(backend)
    except NotFoundError as error:
        if not is_missing(error):
            raise
        raise NotFoundError(
            error.kind,
            f"there is no store at {where}",
            hint="check the path or the URL: it is the folder in which the file format lies",
        ) from None
    except FormatError as error:
        if error.kind != "bad-store":
            raise
        raise FormatError(
            error.kind,
            f"what is at {where} is no store: its file format is something else",
            hint="check the URL; many web servers answer with a page whatever is asked for",
        ) from None
    return while_it_grows(backend, lambda: _found(backend, where, memory=memory, expected=expected))


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


def _found(backend: Backend, where: str, *, memory: LogMemory, expected: Digest | None) -> Found:
    marked = read_mark(backend) is not None
    note = read_checkpoint(backend)
    size = claimed_size(note)
    if size > MAX_ENTRIES:
        raise FormatError("too-large", f"{where} claims a log of {counted(size, 'entry')}")
    genesis = _genesis(backend, read_records(backend, size=1), expected, where)
    if genesis is not None:
        # The signature before the rest: a hostile remote must not make us read for ever.
        open_head(backend, genesis, note, ())
    records = _read_ahead(backend, size=size)
    genesis = genesis or _genesis(backend, records, expected, where)
    if genesis is None:
        raise VerificationError("bad-genesis", "the genesis of the store is not there")
    founded = check_genesis(genesis)
    _, keys = open_head(backend, genesis, note, ())
    signed = check_head(note, keys, records)
    if signed.origin != founded.origin:
        raise VerificationError("bad-genesis", "the log has another name than its genesis says")
    logs: list[LogName] = [*keys, genesis.id]
    known = check_memory(memory, logs, signed, records, where, lagging=marked)
    return Found(genesis, signed, records, known or expected is not None)


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
        signed: The log checkpoint at hand.
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

    Raises:
        InvalidInputError: (``not-home``) it is a mirror.
        LyrikstoreError: As :func:`meet`; (``two-homes``) this is a home as well.
    """
    contact = meet(backend, repository, name)
    if contact.mark is not None:
        raise InvalidInputError(
            "not-home", f"{name} is a mirror; its home is elsewhere", hint="name the home's remote"
        )
    if not repository.is_mirror:
        raise two_homes(name)
    if contact.relation is Relation.BEHIND:
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
        f"{where} has a log of {counted(there.size, 'entry')}, "
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
        f"ways: {counted(there.size, 'entry')} with root "
        f"{there.root.hex()[:16]} there, {counted(here.size, 'entry')} "
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
        raise _other(where, first.log[0].id, repository.store_id)


def _other(where: str, there: Digest, here: Digest) -> ConflictError:
    return ConflictError(
        "other-store",
        f"{where} holds store {there.short}, not {here.short}",
        hint="choose another place; lyrikstore remote list shows the names",
        details={"there": str(there), "here": str(here)},
    )


def _genesis(
    backend: Backend, records: Records, expected: Digest | None, where: str
) -> Manifest | None:
    if not records.entries or records.entries[0].type != "manifest":
        raise VerificationError("bad-genesis", "the log does not begin with a manifest")
    first = records.entries[0].id
    if expected is not None and first != expected:
        raise _other(where, first, expected)
    try:
        data = open_blobs(backend, fold(records.transactions)).read(first, max_bytes=MAX_READ)
    except LyrikstoreError as error:
        if error.kind in {"no-blob", "blob-lost"}:  # its first pack may have been dropped since
            return None
        raise
    return parse_manifest(data)


def _read_ahead(backend: Backend, known: Records = NO_RECORDS, *, size: int) -> Records:
    if isinstance(backend, LocalBackend):
        return read_records(backend, known, size=size)
    with ThreadPoolExecutor(_AHEAD) as pool:
        return read_records(_Ahead(backend, pool), known, size=size)


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


def is_missing(error: NotFoundError) -> bool:
    """Return whether an error says that there is no store at a remote at all."""
    return error.kind == "no-store"
