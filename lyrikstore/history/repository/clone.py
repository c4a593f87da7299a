"""Clones: a mirror of the home log, and a local log of pending commits (spec/15-remotes.md).

A log is extended in one place, its home. Every other folder that contains it is a *mirror*, marked
by a file of that name; no writer appends to a mirror's copy of the home log. Commits in a mirror go
to a separate log below ``local/``, with its own origin and key, until ``push`` sends them home.
"""

import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.canon.text import pluralize
from lyrikstore.history.log.checkpoint import EntryType, SignedCheckpoint
from lyrikstore.history.log.entries import (
    CHECKPOINT,
    NO_RECORDS,
    LoggedEntry,
    Records,
    check_head,
    claimed_size,
    read_checkpoint,
    read_records,
)
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.store.transactions import Transaction, TransactionLog

MARK = "mirror"
"""Name of the file that makes a store a mirror."""
LOCAL = "local"
"""The folder of a mirror's local log."""
_KEY = f"{LOCAL}/key"
_MAX = 1 << 16
_IDENTITY = re.compile(r"[0-9a-f]{16}")


class MirrorMarker(Struct, frozen=True):
    """The content of the file ``mirror``.

    Attributes:
        moving: While the home is being moved: the BLAKE3 of the new home's URL, else empty.
    """

    moving: str = ""

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        return json.encode({"moving": self.moving, "v": 1})


def read_small(backend: Backend, name: str) -> Any:
    """Return the value of a small canonical JSON file of a store; None if it is damaged.

    Raises:
        NotFoundError: (``no-file``) there is no such file.
    """
    data = backend.read(name, 0, _MAX + 1)
    if len(data) > _MAX:
        return None
    try:
        return json.parse_canonical(data)
    except FormatError:
        return None


def read_mark(backend: Backend) -> MirrorMarker | None:
    """Return the mirror marker of this store; None for a home.

    Raises:
        FormatError: (``bad-mirror``) the file is damaged: it is not known where the home is.
    """
    try:
        value = read_small(backend, MARK)
    except NotFoundError:
        return None
    if (
        not isinstance(value, dict)
        or value.keys() != {"moving", "v"}
        or value["v"] != 1
        or not isinstance(value["moving"], str)
    ):
        raise _damaged("damaged")
    return MirrorMarker(value["moving"])


def read_own_mark(backend: Backend) -> MirrorMarker | None:
    """Return the mirror marker of a store that will be committed to; None for a home.

    Raises:
        FormatError: (``bad-mirror``) the file is damaged, or it is missing although the store has
            a local log, as only a mirror has: as a home it would hide commits to be pushed.
    """
    mark = read_mark(backend)
    if mark is None and backend.size(_KEY) is not None:
        raise _damaged("missing")
    return mark


def _damaged(how: str) -> FormatError:
    return FormatError(
        "bad-mirror",
        f"the file mirror of the store is {how}",
        hint=f"it should contain {MirrorMarker().encode().decode()}",
    )


class SubBackend:
    """A backend over one folder of another backend.

    Args:
        inner: The other backend.
        folder: The folder, without a slash at its end.
    """

    def __init__(self, inner: Backend, folder: str) -> None:
        self._inner = inner
        self._folder = folder

    @property
    def scratch(self) -> Path:
        """The scratch folder of the inner backend."""
        return self._inner.scratch

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file; see :meth:`Backend.read`."""
        return self._inner.read(self._below(name), start, length)

    def size(self, name: str) -> int | None:
        """Return a file's size; see :meth:`Backend.size`."""
        return self._inner.size(self._below(name))

    def create(self, name: str, source: bytes | Path) -> bool:
        """Create a file; see :meth:`Backend.create`."""
        return self._inner.create(self._below(name), source)

    def replace(self, name: str, source: bytes | Path) -> None:
        """Replace a file; see :meth:`Backend.replace`."""
        self._inner.replace(self._below(name), source)

    def swap(self, name: str, expected: bytes | None, new: bytes) -> bool:
        """Replace a file if it is unchanged; see :meth:`Backend.swap`."""
        return self._inner.swap(self._below(name), expected, new)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield names in order; see :meth:`Backend.list`."""
        cut = len(self._folder) + 1
        return (name[cut:] for name in self._inner.list(self._below(prefix)))

    def remove(self, name: str) -> None:
        """Remove a file; see :meth:`Backend.remove`."""
        self._inner.remove(self._below(name))

    def _below(self, name: str) -> str:
        return f"{self._folder}/{name}"


class OwnLog(Struct, frozen=True):
    """The log that commits in a store folder extend.

    Attributes:
        backend: Its files.
        records: Its covered records.
        signed: Its log checkpoint; None before a local log has begun.
    """

    backend: Backend
    records: Records
    signed: SignedCheckpoint | None


class LocalLog(Struct, frozen=True):
    """The verified local log of a mirror.

    Attributes:
        records: Its covered records.
        signed: Its log checkpoint.
    """

    records: Records
    signed: SignedCheckpoint

    @classmethod
    def open(cls, backend: Backend, genesis: Digest, known: Self | None = None) -> Self | None:
        """Return the local log of a mirror, or None if it has none.

        Args:
            backend: The files of the mirror.
            genesis: The store's id, which the first entry must name.
            known: The local log as read before.

        Raises:
            FormatError: A file of it is damaged.
            VerificationError: It does not verify, or (``bad-local-log``) belongs to another store.
        """
        key = read_local_key(backend)
        if key is None:
            return None
        own = SubBackend(backend, LOCAL)
        try:
            note = read_checkpoint(own)
        except VerificationError:
            if TransactionLog(own).taken(1):
                raise
            return None  # its writer died while beginning it, and nothing is in it
        records = read_records(own, known.records if known else NO_RECORDS, size=claimed_size(note))
        signed = check_head(note, [key], records)
        first = records.entries[0]
        if first.type != "manifest" or first.id != genesis:
            raise VerificationError("bad-local-log", "the local log belongs to another store")
        return cls(records, signed)

    def pending(
        self, home: Set[tuple[EntryType, Digest]], size: int, transactions: int
    ) -> tuple[tuple[LoggedEntry, ...], tuple[Transaction, ...]]:
        """Return the pending entries, which the home log does not have yet.

        Args:
            home: Type and id of every entry of the home log.
            size: How many entries the home log has; pending ones are numbered from there.
            transactions: How many records the home log has; likewise.

        Returns:
            The pending entries, and the local records that contain any.
        """
        entries: list[LoggedEntry] = []
        holders: dict[int, Transaction] = {}
        for entry in self.records.entries[: self.signed.size]:
            if entry.seq == 0 or entry.type == "transaction" or (entry.type, entry.id) in home:
                continue
            holders[entry.seq] = self.records.transactions[entry.seq]
            number = transactions + entry.seq - 1
            entries.append(LoggedEntry(size + len(entries), entry.type, entry.id, number))
        return tuple(entries), tuple(holders.values())


def read_local_key(backend: Backend) -> VerifierKey | None:
    """Return the key of a mirror's local log; None if it has no local log.

    Raises:
        FormatError: (``bad-vkey``) the file is damaged.
        VerificationError: (``bad-local-log``) the key is missing, but the log exists.
    """
    try:
        data = backend.read(_KEY, 0, _MAX)
    except NotFoundError:
        if backend.size(f"{LOCAL}/{CHECKPOINT}") is not None:
            raise VerificationError(
                "bad-local-log", "the key of the local log is missing"
            ) from None
        return None
    return VerifierKey.parse(data.decode("utf-8", "replace").removesuffix("\n"))


def local_origin(origin: str, identity: str = "") -> str:
    """Return the name of the local log of a clone of the store whose log is ``origin``.

    Args:
        origin: The name of the home log.
        identity: 16 hex digits; if empty, the prefix of all such names is returned.
    """
    return f"{origin}/{LOCAL}/{identity}"


def check_local_key(key: VerifierKey, origin: str) -> None:
    """Raise `bad-local-log` unless ``key`` may sign a local log of clones of ``origin``.

    ATTACK: a clone made by an attacker, whose file names the reader's own log key, with a log of
    that key. The reader's commits there would be signed as the head of that log.

    Raises:
        VerificationError: (``bad-local-log``) its name is that of another log.
    """
    start = local_origin(origin)
    if not key.name.startswith(start) or not _IDENTITY.fullmatch(key.name[len(start) :]):
        raise VerificationError("bad-local-log", "the key of the local log belongs to another log")


def check_none_lost(memory: LogMemory, location: str, origin: str, key: VerifierKey | None) -> None:
    """Raise `copied-store` if a local log other than that of ``key`` was signed at this place.

    ATTACK: an attacker with access to a clone removes its local log. The commits that were not
    pushed disappear without a trace, and every name returns to its previous version (attack case
    A30).

    Args:
        memory: The log checkpoints that were signed.
        location: The clone's folder, as the memory names it.
        origin: The name of the home log.
        key: The key of the existing local log, or None.

    Raises:
        ConflictError: (``copied-store``) a local log was signed here, and it is missing.
        FormatError, StorageError: The memory cannot be read.
    """
    for other, last in memory.signed_at(location):
        if other != key and other.name.startswith(local_origin(origin)):
            raise ConflictError(
                "copied-store",
                f"the local log of {pluralize(last.head.size, 'entry')} "
                "that was signed here is missing",
                hint="restore the folder local of this store from a backup; or make a new clone "
                "here, which will lack the commits of this one that were not pushed",
                details={"path": location, "size": last.head.size},
            )


def write_local_key(backend: Backend, key: VerifierKey) -> VerifierKey:
    """Set the key of a new local log; return the key it has, perhaps set by another process."""
    backend.create(_KEY, f"{key}\n".encode())
    return read_local_key(backend) or key
