"""Appending to a log with optimistic concurrency: the steps that every writer takes (spec §7.6).

Commits to a home, commits to a local log and pushes to a home on another machine all append here.
On one machine, writers wait for a lock; elsewhere the exclusive creation of the record decides, and
the writer that lost reads the log again.
"""

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    KeyMaterialError,
    PolicyError,
)
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.admission import acceptable
from lyrikstore.history.commit.publisher import Publisher, location_text
from lyrikstore.history.log.entries import read_records
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.clock_floor import (
    date_of_credential,
    date_of_manifest,
    latest_date,
)
from lyrikstore.history.repository.clone import (
    LOCAL,
    check_local_key,
    check_none_lost,
    local_origin,
    read_local_key,
    write_local_key,
)
from lyrikstore.history.repository.refs import REASONS, RefTable
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.lock import StoreLock
from lyrikstore.objects.store.transactions import (
    LogItem,
    PackChanges,
    Transaction,
    TransactionLog,
)

_TRIES = 64
_PATIENCE = 4.0
"""Seconds that another writer has to publish the slot it won, before this one publishes it."""
_POLICY_REASONS = frozenset({"unauthorised"})
_MOVED = frozenset({"not-a-successor", "already-logged"})


class Appender:
    """Writer of the log that commits in a store extend: the home log, in a mirror the local log.

    Args:
        repository: The store, here or on another machine.
        log_signer: Holds the log's key.
        memory: The log checkpoints that the key signed before.

    Raises:
        KeyMaterialError: (``wrong-log-key``) it is not this log's key.
    """

    def __init__(self, repository: Repository, *, log_signer: Signer, memory: LogMemory) -> None:
        self._repository = repository
        self._memory = memory
        own = repository.own_log
        if repository.is_mirror:
            self._key = _local_key(repository, log_signer)
        else:
            self._key = _home_key(repository, log_signer)
        self._publisher = Publisher(
            own.backend,
            repository.location,
            self._key,
            log_signer,
            memory,
            LOCAL if repository.is_mirror else "",
        )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store's lock, if it has one, and the memory; publish unfinished transactions.

        Raises:
            ConflictError: (``copied-store``, ``foreign-record``) see :class:`Publisher`.
            LockedError: (``locked``) another process holds them for more than 30 s.
        """
        # Both locks: the store's against other writers of this folder, the memory's against
        # writers of a copy of it.
        with self._lock(), self._memory.signing():
            self._publish()
            yield

    def check_original(self) -> None:
        """Raise `copied-store` unless the key signs this store's log; takes no lock.

        Raises:
            ConflictError: (``copied-store``) see :meth:`Publisher.check_original`.
        """
        own = self._repository.own_log
        self._publisher.check_original(read_records(own.backend, own.records))

    def append(
        self,
        items: Sequence[LogItem],
        manifests: Sequence[Manifest],
        changes: Callable[[], PackChanges],
        *,
        credentials: Sequence[bytes] = (),
        overtaken: Set[Digest] = frozenset(),
        check: Callable[[PackChanges], None] | None = None,
        won: Callable[[Transaction], None] | None = None,
        dropped: Sequence[Digest] = (),
        every_time: bool = False,
    ) -> int:
        """Log ``items`` in the next slot; return the index of the first.

        Args:
            items: What to log, in order.
            manifests: The manifests among them.
            credentials: The credentials among them.
            changes: Makes the packs durable and returns them; called once, after all checks.
            overtaken: Manifests that may stay without effect.
            check: Called with the packs, before the record that names them is created; called
                again after another writer won the slot, if its result may have changed.
            won: Called with the record once its slot is won, before it is published.
            dropped: Packs that are no longer live from this record on.
            every_time: Whether any entry of another writer may change the result of ``check``.

        Raises:
            ConflictError: (``ref-moved``, ``copied-store``, ``foreign-record``, ``busy``);
                (``dated-ahead``) as :meth:`check_dates`.
            InvalidInputError: (``bad-manifest``) a manifest can have no effect in this store;
                (``date-gap``) as :meth:`check_dates`.
            PolicyError: (``unauthorised``) the policy does not allow an author to sign this.
            LockedError, StorageError, RemoteError: Storage backend error; others as ``check``.
        """
        repository = self._repository
        stored: PackChanges | None = None
        relied: Set[PackRef] | None = None
        for attempt in range(_TRIES):
            with self.locked():
                table = self._check_refs(manifests, overtaken)
                # By a policy among them, too: no date locks a store.
                self.check_dates(manifests, credentials, table)
                if stored is None:
                    self._check_inputs(manifests)
                    stored = changes()
                live = frozenset(repository.live.packs)
                again = every_time or bool(dropped) or relied is None or not relied <= live
                if check is not None and again:
                    check(stored)  # spec §16.3
                relied = live
                if repository.is_mirror and repository.own_log.signed is None:
                    self._begin()
                own = repository.own_log
                seq = len(own.records.transactions)
                record = Transaction(
                    seq, tuple(items), stored.added, tuple(dropped), stored.chunk_lists
                )
                self._memory.intend(self._key, record.id)
                start = len(repository.entries())
                if TransactionLog(own.backend).append(record):
                    if won is not None:
                        won(record)
                    self._publish()
                    return start
            time.sleep(random.uniform(0, min(1.0, 0.02 * 2**attempt)))  # noqa: S311 - jitter
        raise ConflictError("busy", "other writers keep the store busy", hint="run it again")

    def _lock(self) -> contextlib.AbstractContextManager[object]:
        location = self._repository.location
        if isinstance(location, Path):
            return StoreLock(location / "lock")
        return contextlib.nullcontext()

    def _publish(self) -> None:
        repository = self._repository
        waited = time.monotonic()
        while True:
            repository.refresh()
            own = repository.own_log
            records = read_records(own.backend, own.records)
            self._publisher.check_original(records)
            try:
                if not self._publisher.publish(records, own.signed, self._accept):
                    return
            except ConflictError as error:
                # Where no lock reaches, its winner is most likely about to publish it.
                at_work = not isinstance(repository.location, Path) and not repository.is_mirror
                if error.kind != "foreign-record" or not at_work:
                    raise
                if time.monotonic() - waited > _PATIENCE:
                    raise
                time.sleep(0.1)
            else:
                waited = time.monotonic()

    def _accept(self, seq: int) -> bool:
        if self._repository.is_mirror:
            return False
        table = acceptable(self._repository, seq)
        if table is None:
            return False
        self._check_key(table)
        return True

    def _check_key(self, table: RefTable) -> None:
        # A log checkpoint that covers the retirement of its own key is refused by everybody.
        if table.policy is not None and self._key in table.policy.retired_logs:
            raise KeyMaterialError(
                "wrong-log-key",
                "this log key is retired, or would be retired by this transaction",
                hint="use another log key of this store",
            )

    def _begin(self) -> None:
        repository = self._repository
        here = location_text(repository.root)
        check_none_lost(self._memory, here, repository.origin, self._key)
        if write_local_key(repository.backend, self._key) != self._key:
            raise ConflictError(
                "busy", "another process created the local log", hint="run it again"
            )
        own = repository.own_log
        first = Transaction(0, (LogItem("manifest", repository.store_id),))
        self._memory.intend(self._key, first.id)
        TransactionLog(own.backend).append(first)
        self._publish()

    def _check_refs(self, manifests: Sequence[Manifest], overtaken: Set[Digest]) -> RefTable:
        table = self._repository.table.copy()
        index = len(self._repository.entries())
        for manifest in manifests:
            current = table.refs.get(manifest.name)
            reason = table.apply(index, manifest)
            index += 1
            if reason is None or (reason == "not-a-successor" and manifest.id in overtaken):
                continue
            if reason in _MOVED:
                raise ref_moved(manifest, current.id if current else None)
            if reason in _POLICY_REASONS:
                successor = self._repository.policy.successor(manifest.author)
                raise PolicyError(
                    "unauthorised",
                    f"the store's policy does not let {manifest.author} change {manifest.name}",
                    hint=f"sign with {successor or 'a key that the policy names'}: --signer NAME",
                )
            raise InvalidInputError("bad-manifest", f"{manifest.name}: {REASONS[reason]}")
        self._check_key(table)
        return table

    def check_dates(
        self,
        manifests: Sequence[Manifest],
        credentials: Sequence[bytes],
        table: RefTable | None = None,
    ) -> None:
        """Raise `dated-ahead` or `date-gap` unless entries may claim their dates (spec §7.9).

        Args:
            manifests: The manifests.
            credentials: The credentials.
            table: The refs, with the policies that apply; by default those of the log.

        Raises:
            InvalidInputError: (``date-gap``) as :meth:`Repository.check_gap`.
            LyrikstoreError: As :func:`latest_date`.
        """
        repository = self._repository
        if repository.clock is None:
            return
        dates = [date_of_manifest(manifest) for manifest in manifests]
        for data in credentials:
            dated = date_of_credential(repository, data)
            if dated is not None and dated[0] in repository.policy.keys:
                dates.append(dated[1])
        floors, now = repository.known_floors(table), repository.clock()
        repository.clock_behind = floors.behind(now) or repository.clock_behind
        repository.check_gap(latest_date(floors, now, dates), floors)

    def _check_inputs(self, manifests: Sequence[Manifest]) -> None:
        # What a statement rests on is logged before it (A36, A39), with the kind it claims.
        own: dict[Digest, str] = {}
        for manifest in manifests:
            for item in manifest.inputs:
                kind = own.get(item.id)
                if kind is None:
                    kind = self._repository.manifest(item.id).kind
                if kind != item.kind:
                    raise InvalidInputError(
                        "bad-manifest",
                        f"{manifest.name}: input {item.id.short} is a {kind}, not a {item.kind}",
                    )
            own[manifest.id] = manifest.kind


def ref_moved(
    manifest: Manifest,
    current: Digest | None,
    hint: str = "run the command again: it will start from the new version",
) -> ConflictError:
    """Return the error for a manifest that succeeds a version which is no longer current."""
    return ConflictError(
        "ref-moved",
        f"{manifest.name} changed meanwhile; its current version is "
        f"{current.short if current else 'unknown'}",
        hint=hint,
        details={"name": manifest.name, "current": str(current) if current else ""},
    )


def _home_key(repository: Repository, signer: Signer) -> VerifierKey:
    key = VerifierKey(repository.origin, signer.public)
    # The policy, which may have added keys, is asked only about one that is none of the first.
    if key not in repository.log_keys and key not in repository.policy.logs:
        raise KeyMaterialError(
            "wrong-log-key",
            f"this key does not sign the log {repository.origin}",
            hint="use the log key that was created with the store",
        )
    return key


def _local_key(repository: Repository, signer: Signer) -> VerifierKey:
    known = read_local_key(repository.backend)
    if known is None:
        identity = Digest.of(signer.public.raw).hex[:16]
        return VerifierKey(local_origin(repository.origin, identity), signer.public)
    check_local_key(known, repository.origin)
    if known.key != signer.public:
        raise KeyMaterialError(
            "wrong-log-key",
            "this key does not sign the local log of this clone",
            hint="use the key that was created with the clone, or make your own clone",
        )
    return known
