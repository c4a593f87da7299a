"""What was signed and what was seen: a memory outside the store (spec §7.7).

A store that is rolled back, copied or forked looks perfectly sound from within. Only somebody who
remembers a later log checkpoint can tell. So the signer keeps the last head it signed beside its
log key, and refuses to sign anything that does not extend it or that it did not set out to commit;
and a verifier keeps the last head it saw of each log (attack cases A30, A33).
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Literal

from msgspec import Struct

from lyrikstore.canon import jsontext
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    VerificationError,
    storage_error,
)
from lyrikstore.canon.grammar import counted
from lyrikstore.history import merkle
from lyrikstore.history.log import LogCheckpoint
from lyrikstore.history.note import VerifierKey
from lyrikstore.objects.backend import NOT_A_FILE, LocalBackend
from lyrikstore.objects.lock import StoreLock

ConsistencyProver = Callable[[int, int], Sequence[bytes]]
"""Returns the consistency proof between two sizes of the log, older size first."""

_Shelf = Literal["signed", "seen", "intended"]

LogName = VerifierKey | Digest
"""What a head is remembered under: a key of the log, or the id of the store whose log it is."""


class MemoryState(Enum):
    """How a log checkpoint relates to the remembered one of the same log."""

    FIRST = "first"
    """Nothing was remembered."""
    SAME = "same"
    """It is the remembered one."""
    GROWN = "grown"
    """It is larger, and proven to extend the remembered one."""
    UNPROVEN = "unproven"
    """It is larger; without a consistency proof it may be a fork."""
    OLDER = "older"
    """It is smaller. For a store this is a rollback; for an older delivery it is normal."""
    FORK = "fork"
    """Both cannot be true of one log: same size and other root, or no extension."""


class Remembered(Struct, frozen=True):
    """A log checkpoint in memory.

    Attributes:
        head: Origin, size and root.
        location: Where the log was then, for messages: a path or an empty string.
    """

    head: LogCheckpoint
    location: str


class LogMemory:
    """Remembered log checkpoints, one file per log key or store, in a folder of the user's own.

    Args:
        directory: Private to the user and outside every store; made (0700) when first written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files = LocalBackend(directory)

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
            log: A key that signed it, or the store whose log it is.

        Raises:
            FormatError: (``bad-memory``) the memory cannot be read.
        """
        return self._load("seen", log)

    def signed_anywhere(self) -> Iterator[tuple[VerifierKey, Remembered]]:
        """Yield the keys that signed logs for this user, each with the newest head it signed.

        Raises:
            FormatError: (``bad-memory``) the memory cannot be read.
            StorageError: The disk said no.

        Cost: one small file for every log key of this user.
        """
        for name in self._files.list("signed/"):
            try:
                document = jsontext.parse_canonical(self._files.read(name))
                key = VerifierKey.parse(document["key"])
            except NotFoundError:
                continue
            except (LyrikstoreError, KeyError, TypeError) as error:
                raise FormatError(
                    "bad-memory",
                    f"what is remembered in {self._directory / name} is unusable: {error}",
                    hint="restore that file",
                ) from None
            found = self.last_signed(key)
            if found is not None:
                yield key, found

    def signed_at(self, location: str) -> Iterator[tuple[VerifierKey, Remembered]]:
        """Yield those of :meth:`signed_anywhere` that last signed at ``location``; raises so."""
        return (pair for pair in self.signed_anywhere() if pair[1].location == location)

    def forget_place(self, location: str, origin: str) -> None:
        """Forget that anything was signed there for logs whose names start so; the heads stay.

        Args:
            location: Where a new clone is being made.
            origin: How the names of the logs of clones of its store start.

        Raises:
            FormatError, StorageError: As :meth:`signed_anywhere`.
        """
        for key, last in list(self.signed_at(location)):
            if key.name.startswith(origin):
                self._save("signed", key, Remembered(last.head, ""))

    @contextlib.contextmanager
    def signing(self) -> Iterator[None]:
        """Hold the memory for one check-and-sign, against a copy of the store doing the same.

        Raises:
            LockedError: Another process holds it for more than 30 s.
            StorageError: The folder cannot be used.
        """
        self._make()
        with StoreLock(self._directory / "lock"):
            yield

    def check_signed(self, key: VerifierKey, leaves: Sequence[bytes], location: str) -> None:
        """Return if the log made of ``leaves`` extends everything ``key`` signed here.

        Args:
            key: The log key.
            leaves: Leaf hashes of every entry the store has or is about to publish.
            location: The store's path.

        Raises:
            ConflictError: (``copied-store``) it does not: this store is an older copy, or went
                another way than the one that was signed.
            FormatError: (``bad-memory``) the memory cannot be read.
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
            f"{counted(size, 'entry')} signed at {last.location}",
            hint=f"work in {last.location}, or restore the newest backup; a log has one home",
            details={"remembered": last.location, "path": location, "size": size},
        )

    def remember_signed(self, key: VerifierKey, head: LogCheckpoint, location: str) -> None:
        """Remember durably that ``key`` is about to sign ``head``; call it before signing.

        Raises:
            ConflictError: (``copied-store``) a larger head, or another one of this size, was
                signed meanwhile.
            StorageError: The memory cannot be written.
        """
        last = self.last_signed(key)
        if last is not None and (
            last.head.size > head.size or (last.head.size == head.size and last.head != head)
        ):
            raise ConflictError(
                "copied-store",
                f"a log checkpoint of {counted(last.head.size, 'entry')} "
                f"was signed at {last.location}",
                hint=f"work in {last.location}; two stores cannot share a log",
                details={"remembered": last.location, "path": location, "size": last.head.size},
            )
        self._save("signed", key, Remembered(head, location))

    def intend(self, key: VerifierKey, record: Digest) -> None:
        """Remember durably which transaction this user is about to commit to the log of ``key``.

        Call it before creating the record. Whoever can write to a store can put a record there;
        only one remembered here is published.

        Args:
            key: The log key.
            record: BLAKE3 of the transaction record.

        Raises:
            StorageError: The memory cannot be written.
        """
        self._write("intended", key, {"record": str(record)})

    def intended(self, key: VerifierKey) -> Digest | None:
        """Return the transaction this user last set out to commit to the log of ``key``, or None.

        Raises:
            FormatError: (``bad-memory``) the memory cannot be read.
        """
        document = self._read("intended", key, {"record"})
        if document is None:
            return None
        try:
            return Digest.parse(document["record"])
        except FormatError as error:
            raise self._unusable("intended", key, error) from None

    def check_seen(
        self, log: LogName, head: LogCheckpoint, prove: ConsistencyProver | None = None
    ) -> MemoryState:
        """Return how a verified log checkpoint relates to the one remembered. Remembers nothing.

        Args:
            log: A key of its log, or the store whose log it is.
            head: The verified head.
            prove: Gives consistency proofs; None where the whole log is not at hand.

        Raises:
            FormatError: (``bad-memory``) the memory cannot be read.
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
        """As :meth:`remember_seen`, under the keys that signed it, and under its store.

        Under its store, because whoever is shown a log that parts from this one before a key was
        added or retired is shown one by other keys (attack cases A30, A33). Under no other key.

        ATTACK: somebody founds a store that names the log key of another store as well, signs its
        log by a key of their own, and hands it over. Remembered under the other's key, that head
        would make the other's log a fork from then on, and whatever it says later unheard.

        Args:
            head: The verified head.
            signers: The keys whose signatures on it hold.
            store: The store whose log it is.
        """
        logs: list[LogName] = [*dict.fromkeys(signers), store]
        for log in logs:
            self.remember_seen(log, head)

    def _load(self, shelf: _Shelf, key: LogName) -> Remembered | None:
        document = self._read(shelf, key, {"checkpoint", "location"})
        if document is None:
            return None
        try:
            head = LogCheckpoint.parse(document["checkpoint"])
        except FormatError as error:
            raise self._unusable(shelf, key, error) from None
        return Remembered(head, document["location"])

    def _save(self, shelf: _Shelf, key: LogName, item: Remembered) -> None:
        self._write(shelf, key, {"checkpoint": item.head.text, "location": item.location})

    def _read(self, shelf: _Shelf, key: LogName, members: set[str]) -> dict[str, str] | None:
        try:
            data = self._files.read(_file_name(shelf, key))
        except NotFoundError:
            return None
        except StorageError as error:
            if error.kind != NOT_A_FILE:
                raise
            raise self._unusable(shelf, key, error) from None
        try:
            return _decode(data, key, members)
        except FormatError as error:
            raise self._unusable(shelf, key, error) from None

    def _write(self, shelf: _Shelf, key: LogName, members: dict[str, str]) -> None:
        self._make()
        document = {**members, "key": str(key), "v": 1}
        self._files.replace(_file_name(shelf, key), jsontext.encode(document))

    def _unusable(self, shelf: _Shelf, key: LogName, error: LyrikstoreError) -> FormatError:
        path = self._directory / _file_name(shelf, key)
        return FormatError(
            "bad-memory",
            f"what is remembered in {path} is unusable: {error}",
            hint="restore that file; remove it only once you know this is the newest store",
        )

    def _make(self) -> None:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, f"making {self._directory}") from error


def _file_name(shelf: _Shelf, key: LogName) -> str:
    return f"{shelf}/{sha256(str(key).encode()).hexdigest()}.json"


def _decode(data: bytes, key: LogName, members: set[str]) -> dict[str, str]:
    document = jsontext.parse_canonical(data)
    if (
        not isinstance(document, dict)
        or document.keys() != {*members, "key", "v"}
        or document["v"] != 1
        or document["key"] != str(key)
    ):
        raise FormatError("bad-memory", "it has other members")
    texts = {member: value for member in members if isinstance(value := document[member], str)}
    if len(texts) != len(members):
        raise FormatError("bad-memory", "it has other members")
    return texts
