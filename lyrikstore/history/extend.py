"""Publishing: how a won transaction becomes visible (spec/07-log.md §6).

Everything published is a pure function of the records, so a writer that dies half-way leaves
nothing but files that are written again, the same. Order: entry bundles, hash tiles, memory, log
checkpoint. Nothing is ever written or signed for a slot that was not won, or was won by others.
"""

import os
from pathlib import Path

from lyrikstore.canon.errors import ConflictError, KeyMaterialError, LyrikstoreError
from lyrikstore.crypto.signer import Signer
from lyrikstore.history import merkle
from lyrikstore.history.log import LogCheckpoint, SignedCheckpoint
from lyrikstore.history.logview import CHECKPOINT, Records, read_checkpoint
from lyrikstore.history.memory import LogMemory
from lyrikstore.history.note import VerifierKey
from lyrikstore.history.policy import Policy
from lyrikstore.history.tiles import new_files
from lyrikstore.objects.backend import Backend, LocalBackend
from lyrikstore.objects.transactions import TransactionLog, record_name


class Publisher:
    """Extends one log with one key.

    Args:
        backend: The store's files.
        location: The store's folder, as the memory and messages name it.
        key: The log key; its name is the log's origin.
        signer: Holds that key.
        memory: What it signed before; None only for a store being made, which nobody has seen.
    """

    def __init__(
        self,
        backend: Backend,
        location: Path,
        key: VerifierKey,
        signer: Signer,
        memory: LogMemory | None,
    ) -> None:
        self._backend = backend
        self._location = location_text(location)
        self._key = key
        self._signer = signer
        self._memory = memory

    @property
    def key(self) -> VerifierKey:
        """The log key."""
        return self._key

    def check_original(self, records: Records) -> None:
        """Return if this store is the one whose log the key signs.

        Args:
            records: All records of the store, published or not.

        Raises:
            ConflictError: (``copied-store``) it is older than, or at odds with, what the key
                signed; or it is a copy of a store that still stands where the key last signed.
        """
        if self._memory is None:
            return
        # A copy is called a copy, also when it is older: that names what to do about it.
        last = self._memory.last_signed(self._key)
        if last is not None and last.location not in {"", self._location}:
            self._check_moved(Path(last.location))
        self._memory.check_signed(self._key, records.hashes, self._location)

    def publish(self, records: Records, signed: SignedCheckpoint | None) -> bytes | None:
        """Publish every record that the log checkpoint does not cover, one after another.

        Also finishes what another process of this user began. Call it with the store's lock and
        the memory held, once :meth:`check_original` has passed for these records.

        Args:
            records: All records.
            signed: The published log checkpoint; None in a new store.

        Returns:
            The new log checkpoint's bytes; None if nothing was left to publish.

        Raises:
            ConflictError: (``copied-store``) signing would fork the log; (``foreign-record``) the
                next slot holds something this user did not set out to commit.
            StorageError: The disk said no; whatever was written is right and will be used.
        """
        note: bytes | None = None
        old_size = signed.size if signed is not None else 0
        first = records.covered(old_size) if old_size else 0
        for size in records.ends[first:]:
            self._check_own(records, size)
            leaves, hashes = records.leaves[:size], records.hashes[:size]
            for path, data in new_files(leaves, hashes, old_size):
                self._put(f"log/{path}", data)
            head = LogCheckpoint(self._key.name, size, merkle.root(hashes))
            # Remembered before it is signed: a crash in between leaves a memory that the records
            # bear out, while the other order would leave a signature that nobody remembers.
            if self._memory is not None:
                self._memory.remember_signed(self._key, head, self._location)
            note = head.sign(self._signer)
            self._backend.replace(CHECKPOINT, note)
            old_size = size
        seq = len(records.transactions)
        if self._memory is not None and TransactionLog(self._backend).taken(seq):
            raise _foreign(seq)
        return note

    def _check_own(self, records: Records, size: int) -> None:
        # ATTACK: whoever can write to the store can win a slot. Signed is only what was signed
        # before, and what this user remembers having been about to commit.
        if self._memory is None:
            return
        last = self._memory.last_signed(self._key)
        if last is not None and size <= last.head.size:
            return
        record = records.entries[size - 1]
        if self._memory.intended(self._key) != record.id:
            raise _foreign(record.seq)

    def _put(self, name: str, data: bytes) -> None:
        if self._backend.create(name, data):
            return
        # Left by a writer that died, and then the same; or damaged, and then never signed for.
        if self._backend.read(name, 0, len(data) + 1) != data:
            self._backend.replace(name, data)

    def _check_moved(self, remembered: Path) -> None:
        try:
            if os.path.samefile(remembered, self._location):  # noqa: PTH121 - a text location
                return
            note = read_checkpoint(LocalBackend(remembered))
        except (OSError, LyrikstoreError):
            return  # nothing stands there any more: the store was moved
        if note.startswith(f"{self._key.name}\n".encode()):
            raise ConflictError(
                "copied-store",
                f"this store is a copy or an old backup of the one at {remembered}",
                hint="use the original; a log has one home (to keep this one, move that one away)",
                details={"remembered": str(remembered), "path": self._location},
            )


def _foreign(seq: int) -> ConflictError:
    return ConflictError(
        "foreign-record",
        f"{record_name(seq)} waits to be published, but was not made here",
        hint="whoever made it publishes it with their next command that writes; if nobody did, "
        "remove that file: nothing that is visible needs it",
        details={"file": record_name(seq)},
    )


def log_key(policy: Policy, origin: str, signer: Signer) -> VerifierKey:
    """Return the verifier key of ``signer`` in the log ``origin``.

    Raises:
        KeyMaterialError: (``wrong-log-key``) the policy names no such key for this log.
    """
    key = VerifierKey(origin, signer.public)
    if key not in policy.logs:
        raise KeyMaterialError(
            "wrong-log-key",
            f"this key does not sign the log {origin}",
            hint="use the log key that was made with the store",
        )
    return key


def location_text(path: Path) -> str:
    """Return an absolute path as text that JSON can hold; bytes that are not UTF-8 are escaped."""
    return os.fsencode(path.resolve()).decode("utf-8", "backslashreplace")
