"""Publishing: making a committed transaction visible (spec §7.6).

Everything published is a pure function of the records, so a writer that crashes leaves only files
that the next writer writes again with the same bytes. Order: entry bundles and tiles, memory, log
checkpoint. Nothing is ever written or signed for a slot that was not won; and for a slot that
another writer won only after :mod:`lyrikstore.history.commit.appender` has checked its content.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lyrikstore.canon.errors import ConflictError, LyrikstoreError
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import LogCheckpoint, SignedCheckpoint
from lyrikstore.history.log.entries import CHECKPOINT, Records, read_checkpoint
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.log.tiles import first_items, new_files, paths_at
from lyrikstore.history.repository.clone import SubBackend, read_mark
from lyrikstore.objects.backends.base import Backend, LocalBackend, create_all
from lyrikstore.objects.store.transactions import TransactionLog, record_name


class Publisher:
    """Publisher of one log with one key.

    Args:
        backend: The store's files.
        location: The store's folder, or the URL of a remote, as the memory and messages name it.
        key: The log key; its name is the log's origin.
        signer: Holds that key.
        memory: The log checkpoints it signed before; None only while a store is being created.
        folder: Folder of the log inside the store: empty, or ``local``.
    """

    def __init__(
        self,
        backend: Backend,
        location: Path | str,
        key: VerifierKey,
        signer: Signer,
        memory: LogMemory | None,
        folder: str = "",
    ) -> None:
        self._backend = backend
        self._location = location if isinstance(location, str) else location_text(location)
        self._folder = folder
        self._key = key
        self._signer = signer
        self._memory = memory

    @property
    def key(self) -> VerifierKey:
        """The log key."""
        return self._key

    def check_original(self, records: Records) -> None:
        """Raise `copied-store` unless this store is the one whose log the key signs.

        Args:
            records: All records of the store, published or not.

        Raises:
            ConflictError: (``copied-store``) the store is older than the signed log checkpoints, or
                contradicts them; or it is a copy of a store that still exists where the key last
                signed.
        """
        if self._memory is None:
            return
        # A copy is called a copy, also when it is older: that names what to do about it.
        last = self._memory.last_signed(self._key)
        if last is not None and last.location not in {"", self._location}:
            self._check_moved(Path(last.location))
        self._memory.check_signed(self._key, records.hashes, self._location)

    def publish(
        self,
        records: Records,
        signed: SignedCheckpoint | None,
        accept: Callable[[int], bool] | None = None,
    ) -> bool:
        """Publish the first record that the log checkpoint does not cover.

        Also completes the work of another process of this user. Call it while holding the store's
        lock and the memory, after :meth:`check_original` has passed for these records.

        Args:
            records: All records.
            signed: The published log checkpoint; None in a new log.
            accept: Returns whether a record (by its number) that this user did not intend to commit
                may be published.

        Returns:
            Whether there was such a record. Another writer may have replaced the log checkpoint
            meanwhile: read it again.

        Raises:
            ConflictError: (``foreign-record``) the next slot contains a record that this user did
                not intend to commit.
            StorageError: Storage backend error; the files written so far are correct and will be
                used.
            LyrikstoreError: As :meth:`LogMemory.remember_signed`.
        """
        old_size = signed.size if signed is not None else 0
        first = records.covered(old_size) if old_size else 0
        if first == len(records.ends):
            if self._memory is not None and TransactionLog(self._backend).taken(first):
                raise foreign_record(first)
            return False
        size = records.ends[-1 if self._memory is None else first]
        self._check_own(records, size, accept)
        leaves, hashes = records.leaves[:size], records.hashes[:size]
        files = {f"log/{path}": data for path, data in new_files(leaves, hashes, old_size)}
        for name in create_files(self._backend, files):
            # A writer that died leaves what is right; this is damaged, and was never signed for.
            self._backend.replace(name, files[name])
        head = LogCheckpoint(self._key.name, size, merkle.root(hashes))
        # Remembered before it is signed: a crash in between leaves a memory that the records
        # bear out, while the other order would leave a signature that nobody remembers.
        if self._memory is not None:
            self._memory.remember_signed(self._key, head, self._location)
        note = head.sign(self._signer)
        if signed is None:
            self._backend.replace(CHECKPOINT, note)
        else:
            # Where no lock reaches, another may have published more meanwhile; then theirs stays.
            self._backend.swap(CHECKPOINT, signed.note, note)
        return True

    def _check_own(self, records: Records, size: int, accept: Callable[[int], bool] | None) -> None:
        # ATTACK: whoever can write to the store can win a slot. Signed is only what was signed
        # before, what this user remembers having been about to commit, and what anybody may see
        # signed because its authors and the policy say so.
        if self._memory is None:
            return
        last = self._memory.last_signed(self._key)
        if last is not None and size <= last.head.size:
            return
        record = records.entries[size - 1]
        if self._memory.intended(self._key) == record.id:
            return
        if accept is None or not accept(record.seq):
            raise foreign_record(record.seq)

    def _check_moved(self, remembered: Path) -> None:
        try:
            if os.path.samefile(remembered, self._location):  # noqa: PTH121 - a text location
                return
            there: Backend = LocalBackend(remembered)
            if self._folder:
                there = SubBackend(there, self._folder)
            elif read_mark(there) is not None:
                return  # what stands there became a mirror: its home was moved
            note = read_checkpoint(there)
        except (OSError, LyrikstoreError):
            return  # nothing stands there any more: the store was moved
        if note.startswith(f"{self._key.name}\n".encode()):
            raise ConflictError(
                "copied-store",
                f"this store is a copy or an old backup of the one at {remembered}",
                hint="use the original; a log has one home (to keep this one, move the other away)",
                details={"remembered": str(remembered), "path": self._location},
            )


def create_files(backend: Backend, files: Mapping[str, bytes]) -> list[str]:
    """Create files by name; return the names that already exist with other bytes.

    Raises:
        StorageError, RemoteError: Storage backend error; the files written so far are correct and
            will be used.
    """
    created = create_all(backend, list(files.items()))
    return [
        name
        for (name, data), new in zip(files.items(), created, strict=True)
        if not new and backend.read(name, 0, len(data) + 1) != data
    ]


def log_files(records: Records, size: int, old_size: int) -> dict[str, bytes]:
    """Return the log files of ``size`` entries that a copy of ``old_size`` entries lacks.

    Includes the files of every size in between, as if each transaction had been published there:
    readers may have any of those log checkpoints. Cost: at most 256 partial files per level.
    """
    files = dict(new_files(records.leaves[:size], records.hashes[:size], old_size))
    growing = {path.partition(".p/")[0]: data for path, data in files.items() if ".p/" in path}
    for end in records.ends:
        for path in paths_at(end) if old_size < end < size else ():
            data = growing.get(path.partition(".p/")[0])
            part = None if data is None or path in files else first_items(path, data)
            if part is not None:
                files[path] = part
    return {f"log/{path}": data for path, data in files.items()}


def foreign_record(seq: int) -> ConflictError:
    """Return the error for a record of another writer that blocks the next slot."""
    return ConflictError(
        "foreign-record",
        f"{record_name(seq)} is not published yet, and was not made here",
        hint="its writer publishes it with their next command that writes; if it has no writer, "
        "remove that file: no visible data needs it",
        details={"file": record_name(seq)},
    )


def location_text(path: Path) -> str:
    """Return an absolute path as text that JSON can hold; bytes that are not UTF-8 are escaped."""
    return os.fsencode(path.resolve()).decode("utf-8", "backslashreplace")
