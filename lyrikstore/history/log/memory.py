"""The log memory, outside the store: log checkpoints signed and seen (spec §7.7).

The files of a store that was rolled back, copied or forked do not show it. Only a later log
checkpoint, remembered elsewhere, does. So the signer keeps the last head it signed next to its
log key, and refuses to sign a head that does not extend it, or a transaction that it did not
intend to commit; a verifier keeps the last head it saw of each log (attack cases A30, A33).
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    VerificationError,
)
from lyrikstore.canon.text import pluralize
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import LogCheckpoint
from lyrikstore.history.log.consistency import Consistency, Relation
from lyrikstore.history.log.memory_files import LogName, MemoryFiles, Shelf
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.objects.store.lock import StoreLock

ConsistencyProver = Callable[[int, int], Sequence[bytes]]
"""Returns the consistency proof between two sizes of the log, older size first."""

MAX_KNOWN = 1000
"""Maximum number of log checkpoints of one log that are remembered, besides the newest."""


class MemoryState(Enum):
    """Relation of a log checkpoint to the remembered one of the same log."""

    FIRST = "first"
    """Nothing was remembered."""
    SAME = "same"
    """It is the remembered one."""
    GROWN = "grown"
    """It is larger, and proven to extend the remembered one."""
    UNPROVEN = "unproven"
    """It is larger; without a consistency proof it may be a fork."""
    EARLIER = "earlier"
    """It is smaller, and shown to lead to the remembered one."""
    OLDER = "older"
    """It is smaller. For a store this is a rollback; a delivery may be older, or from a fork."""
    FORK = "fork"
    """They belong to two histories: same size and different root, or no extension."""


class Remembered(Struct, frozen=True):
    """A log checkpoint in memory.

    Attributes:
        head: Origin, size and root.
        location: Path of the log at that time, for messages; may be empty.
    """

    head: LogCheckpoint
    location: str


class LogMemory:
    """Remembered log checkpoints, one file per log key or store, in a private folder of the user.

    Args:
        directory: Private to the user and outside every store; made (0700) when first written.
    """

    def __init__(self, directory: Path) -> None:
        self._files = MemoryFiles(directory)

    def last_signed(self, key: VerifierKey) -> Remembered | None:
        """Return the newest head that ``key`` signed here, or None.

        Raises:
            FormatError: (``bad-memory``) the memory cannot be read; signing on without it could
                fork the log.
        """
        return self._load("signed", key)

    def last_seen(self, log: LogName) -> Remembered | None:
        """Return the newest head of a log that a verifier here accepted, or None.

        Args:
            log: A key that signed it, or the id of the store with this log.

        Raises:
            FormatError: (``bad-memory``) the memory cannot be read.
        """
        return self._load("seen", log)

    def signed_anywhere(self) -> Iterator[tuple[VerifierKey, Remembered]]:
        """Yield each log key of this user, with the newest log head that it signed.

        Raises:
            StorageError: Storage backend error: disk full, read-only, I/O error.
            LyrikstoreError: As :meth:`LogMemory.last_signed`.

        Cost: one small file for every log key of this user.
        """
        for key in self._files.keys("signed"):
            found = self.last_signed(key)
            if found is not None:
                yield key, found

    def signed_at(self, location: str) -> Iterator[tuple[VerifierKey, Remembered]]:
        """Yield the entries of :meth:`signed_anywhere` last signed at ``location``.

        Raises:
            FormatError, StorageError: As :meth:`signed_anywhere`.
        """
        return (pair for pair in self.signed_anywhere() if pair[1].location == location)

    def forget_place(self, location: str, origin: str) -> None:
        """Forget ``location`` for logs whose names start with ``origin``; their heads stay.

        Args:
            location: Where a new clone is being made.
            origin: Prefix of the names of the logs of clones of its store.

        Raises:
            FormatError, StorageError: As :meth:`signed_anywhere`.
        """
        for key, last in list(self.signed_at(location)):
            if key.name.startswith(origin):
                self._save("signed", key, Remembered(last.head, ""))

    @contextlib.contextmanager
    def signing(self) -> Iterator[None]:
        """Lock the memory for one check-and-sign, so that no copy of the store does the same.

        Raises:
            LockedError: Another process holds it for more than 30 s.
            StorageError: The folder cannot be used.
        """
        self._files.make()
        with StoreLock(self._files.directory / "lock"):
            yield

    def check_signed(self, key: VerifierKey, leaves: Sequence[bytes], location: str) -> None:
        """Raise `copied-store` unless the log of ``leaves`` extends everything ``key`` signed here.

        Args:
            key: The log key.
            leaves: Leaf hashes of every entry the store has or is about to publish.
            location: The store's path.

        Raises:
            ConflictError: (``copied-store``) it does not: this store is an older copy, or its
                history differs from the signed one.
            LyrikstoreError: As :meth:`LogMemory.last_signed`.
        """
        last = self.last_signed(key)
        if last is None:
            return
        size = last.head.size
        if size <= len(leaves) and merkle.root(leaves[:size]) == last.head.root:
            return
        state = "older than" if size > len(leaves) else "at odds with"
        raise ConflictError(
            "copied-store",
            f"this store is {state} the log checkpoint of "
            f"{pluralize(size, 'entry')} signed at {last.location}",
            hint=f"work in {last.location}, or restore the newest backup; a log has one home",
            details={"remembered": last.location, "path": location, "size": size},
        )

    def remember_signed(self, key: VerifierKey, head: LogCheckpoint, location: str) -> None:
        """Remember durably that ``key`` is about to sign ``head``; call it before signing.

        Raises:
            ConflictError: (``copied-store``) a larger head, or a different one of this size, was
                signed meanwhile.
            StorageError: The memory cannot be written.
        """
        last = self.last_signed(key)
        if last is not None and (
            last.head.size > head.size or (last.head.size == head.size and last.head != head)
        ):
            raise ConflictError(
                "copied-store",
                f"a log checkpoint of {pluralize(last.head.size, 'entry')} "
                f"was signed at {last.location}",
                hint=f"work in {last.location}; two stores cannot share a log",
                details={"remembered": last.location, "path": location, "size": last.head.size},
            )
        self._save("signed", key, Remembered(head, location))

    def intend(self, key: VerifierKey, record: Digest) -> None:
        """Record durably which transaction this user is about to commit to the log of ``key``.

        Call it before creating the record. Anyone with write access to a store can put a record
        there; only a record that is remembered here is published.

        Args:
            key: The log key.
            record: BLAKE3 of the transaction record.

        Raises:
            StorageError: The memory cannot be written.
        """
        self._files.write("intended", key, {"record": str(record)})

    def intended(self, key: VerifierKey) -> Digest | None:
        """Return the transaction this user last intended to commit to the log of ``key``, or None.

        Raises:
            FormatError: (``bad-memory``) the memory cannot be read.
        """
        document = self._files.read("intended", key, {"record"})
        if document is None:
            return None
        try:
            return Digest.parse(document["record"])
        except FormatError as error:
            raise self._files.unusable("intended", key, error) from None

    def check_seen(
        self, log: LogName, head: LogCheckpoint, prove: ConsistencyProver | None = None
    ) -> MemoryState:
        """Return the relation of a verified log checkpoint to the remembered one; writes nothing.

        Args:
            log: A key of its log, or the id of the store with this log.
            head: The verified head.
            prove: Returns consistency proofs; None where the whole log is not available.

        Raises:
            LyrikstoreError: As :meth:`LogMemory.last_seen`.
        """
        last = self.last_seen(log)
        if last is None:
            return MemoryState.FIRST
        old = last.head
        if head.size == old.size:
            return MemoryState.SAME if head == old else MemoryState.FORK
        if head.size < old.size:
            return MemoryState.OLDER
        if prove is None:
            return MemoryState.UNPROVEN
        try:
            proof = prove(old.size, head.size)
            merkle.verify_consistency(old.size, head.size, proof, old.root, head.root)
        except VerificationError:
            return MemoryState.FORK
        return MemoryState.GROWN

    def check_delivered(
        self, log: LogName, head: LogCheckpoint, consistency: Consistency
    ) -> MemoryState:
        """Return the relation of a delivery's verified log checkpoint to the remembered one.

        Writes nothing. A delivery may be older than the head that was seen, if it is shown to
        belong to the same log.

        Args:
            log: A key of its log, or the id of the store with this log.
            head: The verified head.
            consistency: Known relations of the log's checkpoints; see :meth:`seen_of`.

        Raises:
            LyrikstoreError: As :meth:`LogMemory.last_seen`.
        """
        last = self.last_seen(log)
        if last is None:
            return MemoryState.FIRST
        if last.head == head:
            return MemoryState.SAME
        relation = consistency.relation(last.head, head)
        if relation is Relation.FORK:
            return MemoryState.FORK
        if relation is Relation.SAME:
            return MemoryState.GROWN if head.size > last.head.size else MemoryState.EARLIER
        return MemoryState.UNPROVEN if head.size > last.head.size else MemoryState.OLDER

    def seen_of(self, store: Digest, origin: str) -> list[LogCheckpoint]:
        """Return the remembered log checkpoints of a store; each leads to the largest.

        Raises:
            LyrikstoreError: As :meth:`LogMemory.last_seen`.
        """
        last = self.last_seen(store)
        if last is None or last.head.origin != origin:
            return []
        known = {head.size: head for head in self._known(store, origin)}
        known = {size: head for size, head in known.items() if size < last.head.size}
        return [*known.values(), last.head]

    def remember_known(self, store: Digest, heads: Iterable[LogCheckpoint]) -> None:
        """Remember log checkpoints that lead to a remembered one; the newest are kept.

        Call it only for log checkpoints that were shown to lead to a verified one.

        Raises:
            FormatError: (``bad-memory``) the memory cannot be read.
            StorageError: The memory cannot be written.
        """
        new = {head.size: head for head in heads}
        for origin in {head.origin for head in new.values()}:
            known = {head.size: head for head in self._known(store, origin)}
            if new.keys() <= known.keys():
                continue
            kept = [(known | new)[size] for size in sorted(known | new)[-MAX_KNOWN:]]
            text = "".join(f"{one.size} {one.root.hex()}\n" for one in kept)
            self._files.write("known", store, {"origin": origin, "heads": text})

    def _known(self, store: Digest, origin: str) -> list[LogCheckpoint]:
        document = self._files.read("known", store, {"origin", "heads"})
        if document is None or document["origin"] != origin:
            return []
        try:
            pairs = [line.split(" ") for line in document["heads"].splitlines()]
            return [LogCheckpoint(origin, int(size), bytes.fromhex(root)) for size, root in pairs]
        except (FormatError, ValueError) as error:
            raise self._files.unusable("known", store, error) from None

    def remember_seen(self, log: LogName, head: LogCheckpoint, location: str = "") -> None:
        """Remember a head that was verified, unless a larger one is remembered.

        Call it only after :meth:`check_seen` gave ``FIRST``, ``SAME`` or ``GROWN``.

        Raises:
            StorageError: The memory cannot be written.
        """
        last = self.last_seen(log)
        if last is None or last.head.size < head.size:
            self._save("seen", log, Remembered(head, location))

    def remember_head(
        self, head: LogCheckpoint, signers: Iterable[VerifierKey], store: Digest
    ) -> None:
        """Remember a verified head under the keys that signed it, and under its store.

        As :meth:`remember_seen`. Under its store, because a log that forks from this one before
        a key was added or retired is signed by other keys (attack cases A30, A33). Under no other
        key.

        ATTACK: an attacker founds a store that also names the log key of another store, signs its
        log with their own key, and delivers it. Remembered under the other store's key, that head
        would from then on make the other store's log a fork: its later entries would be refused.

        Args:
            head: The verified head.
            signers: The keys whose signatures on it hold.
            store: The store with this log.
        """
        logs: list[LogName] = [*dict.fromkeys(signers), store]
        for log in logs:
            self.remember_seen(log, head)

    def _load(self, shelf: Shelf, key: LogName) -> Remembered | None:
        document = self._files.read(shelf, key, {"checkpoint", "location"})
        if document is None:
            return None
        try:
            head = LogCheckpoint.parse(document["checkpoint"])
        except FormatError as error:
            raise self._files.unusable(shelf, key, error) from None
        return Remembered(head, document["location"])

    def _save(self, shelf: Shelf, key: LogName, item: Remembered) -> None:
        self._files.write(shelf, key, {"checkpoint": item.head.text, "location": item.location})
