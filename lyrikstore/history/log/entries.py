"""The log entries of a store, from its transaction records (spec §7.6).

The records determine the entries, the leaves and the root. A published log checkpoint covers a
whole number of transactions: those are visible. Later records occupy slots whose writer has not
published yet; readers ignore them.
"""

from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.limits import MAX_NOTE_BYTES
from lyrikstore.canon.text import pluralize
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import (
    EntryType,
    Leaf,
    LogCheckpoint,
    SignedCheckpoint,
    TlogProof,
    open_checkpoint,
)
from lyrikstore.history.log.note import VerifierKey, split_note
from lyrikstore.history.log.tiles import new_files
from lyrikstore.objects.backends.base import NOT_A_FILE, Backend
from lyrikstore.objects.store.transactions import Transaction, TransactionLog, parse_transaction

CHECKPOINT = "log/checkpoint"
"""The one mutable file of a log."""


class LoggedEntry(Struct, frozen=True):
    """One entry of the log.

    Attributes:
        index: Its position, from 0.
        type: ``manifest``, ``credential`` or ``transaction``.
        id: BLAKE3 of the logged bytes.
        seq: The transaction that logged it.
    """

    index: int
    type: EntryType
    id: Digest
    seq: int


class Records(Struct, frozen=True):
    """Transaction records of a store from the first, and the log entries that follow from them.

    Attributes:
        transactions: The records, in order.
        entries: Every entry, in log order.
        leaves: The entries' bytes.
        hashes: Their leaf hashes.
        ends: Number of entries after each transaction.
    """

    transactions: tuple[Transaction, ...]
    entries: tuple[LoggedEntry, ...]
    leaves: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    ends: tuple[int, ...]

    def covered(self, size: int) -> int:
        """Return the number of transactions that a log of ``size`` entries covers.

        Raises:
            VerificationError: (``transaction-missing``) the records hold fewer entries;
                (``log-mismatch``) the log ends inside a transaction.
        """
        if size > len(self.entries):
            raise VerificationError(
                "transaction-missing",
                f"the log has {pluralize(size, 'entry')}, but the "
                f"transaction records hold {len(self.entries)}",
                hint="restore the folder tx from a clone or backup",
            )
        count = bisect_left(self.ends, size)
        if count == len(self.ends) or self.ends[count] != size:
            raise VerificationError(
                "log-mismatch",
                f"the log checkpoint of {pluralize(size, 'entry')} ends inside a transaction",
            )
        return count + 1


NO_RECORDS = Records((), (), (), (), ())


def read_records(
    backend: Backend, known: Records = NO_RECORDS, *, size: int | None = None
) -> Records:
    """Return the records of a store.

    Args:
        backend: The store's files.
        known: Records read before; only later ones are read again.
        size: How many entries the log checkpoint covers. Later records are not read: they have
            no effect yet, and anyone with write access may have put them there. None for every
            record, up to the first that is missing or not a transaction record.

    Raises:
        FormatError: A record that the log covers is not a transaction record.
        StorageError: Storage backend error: disk full, read-only, I/O error.

    Cost: one file per new transaction.
    """
    if size is not None and len(known.entries) > size:
        known = NO_RECORDS
    log = TransactionLog(backend)
    transactions = list(known.transactions)
    entries, leaves, hashes = list(known.entries), list(known.leaves), list(known.hashes)
    ends = list(known.ends)
    while size is None or len(entries) < size:
        seq = len(transactions)
        try:
            data = log.read_bytes(seq)
            transaction = parse_transaction(data, seq)
        except NotFoundError:
            break  # too few for the log checkpoint? `Records.covered` says so
        except (FormatError, StorageError) as error:
            if size is None and (isinstance(error, FormatError) or error.kind == NOT_A_FILE):
                break
            raise
        for leaf in leaves_of(transaction, Digest.of(data)):
            entries.append(LoggedEntry(len(entries), leaf.type, leaf.id, seq))
            leaves.append(leaf.encode())
            hashes.append(merkle.leaf_hash(leaves[-1]))
        transactions.append(transaction)
        ends.append(len(entries))
    return Records(tuple(transactions), tuple(entries), tuple(leaves), tuple(hashes), tuple(ends))


def leaves_of(transaction: Transaction, identity: Digest) -> list[Leaf]:
    """Return the leaves of one transaction: what it logs, then the record itself.

    Args:
        transaction: The record.
        identity: BLAKE3 of the record's bytes.
    """
    return [
        *(Leaf(item.type, item.id) for item in transaction.log),
        Leaf("transaction", identity),
    ]


def read_checkpoint(backend: Backend) -> bytes:
    """Return the published log checkpoint, unverified.

    Raises:
        VerificationError: (``no-checkpoint``) there is none: it was removed.
    """
    try:
        return backend.read(CHECKPOINT, 0, MAX_NOTE_BYTES + 1)
    except NotFoundError:
        raise VerificationError(
            "no-checkpoint",
            "the store has no log checkpoint",
            hint="restore log/checkpoint from a clone or backup",
        ) from None


def claimed_size(note: bytes) -> int:
    """Return the size that a log checkpoint claims, unverified.

    The key that verifies it stands in the genesis manifest, which is found in the records that this
    size covers. Nothing is trusted before :func:`check_head` has passed.

    Raises:
        FormatError: (``bad-note``, ``bad-checkpoint``) ``note`` is not a log checkpoint.
    """
    return LogCheckpoint.parse(split_note(note)[0]).size


def check_head(note: bytes, keys: Sequence[VerifierKey], records: Records) -> SignedCheckpoint:
    """Return the published log checkpoint, verified to be the head of these records.

    Args:
        note: The signed note.
        keys: The log's keys, from the policy.
        records: The store's records.

    Raises:
        FormatError: ``note`` is not a log checkpoint.
        VerificationError: No known key signed it, the records are too few, or (``log-mismatch``)
            they give another root (attack case A35).
    """
    signed = open_checkpoint(note, keys)
    check_root(signed, records)
    return signed


def check_root(signed: SignedCheckpoint, records: Records) -> None:
    """Raise `log-mismatch` unless a signed log checkpoint is the head of these records.

    Raises:
        VerificationError: As :func:`check_head`, but for the signature.
    """
    records.covered(signed.size)
    if merkle.root(records.hashes[: signed.size]) != signed.root:
        raise VerificationError(
            "log-mismatch",
            "the transaction records do not give the signed "
            f"log root of {pluralize(signed.size, 'entry')}",
            hint="a record was changed after it was logged; restore tx from a clone or backup",
        )


def prove(records: Records, signed: SignedCheckpoint, index: int) -> TlogProof:
    """Return the proof that the log checkpoint covers entry ``index``.

    Raises:
        InvalidInputError: (``bad-index``) the log checkpoint covers no such entry.

    Cost: O(n) hashes.
    """
    hashes = merkle.inclusion_proof(records.hashes[: signed.size], index)
    return TlogProof(index, tuple(hashes), signed.note)


def check_tiles(backend: Backend, records: Records, size: int) -> list[str]:
    """Return the errors in the log files of the first ``size`` entries, one line each.

    Every file is compared with the bytes that the records determine (attack case A35); a partial
    file may be absent once the full one exists.

    Cost: reads the whole log.
    """
    wrong: list[str] = []
    for path, data in new_files(records.leaves[:size], records.hashes[:size], 0):
        name = f"log/{path}"
        try:
            found = backend.read(name, 0, len(data) + 1)
        except NotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if found != data:
            wrong.append(f"{name} differs from the transaction records")
    return wrong


def check_format(backend: Backend) -> None:
    """Raise `no-store` or `newer-format` unless this is a store whose format this version knows.

    Raises:
        NotFoundError: (``no-store``) there is no store here.
        FormatError: (``newer-format``) a later version of lyrikstore made it; (``bad-store``) the
            file ``format`` is damaged.
    """
    try:
        text = backend.read("format", 0, 64)
    except NotFoundError:
        if _is_delivery(backend):
            raise NotFoundError(
                "no-store",
                "there is no store here, but a delivery",
                hint="its data are plain files, which other tools can read; to add it to a store: "
                "lyrikstore import DELIVERY",
            ) from None
        raise NotFoundError(
            "no-store", "there is no store here", hint="make one with lyrikstore init"
        ) from None
    if text == FORMAT:
        return
    word, _, number = text.rstrip(b"\n").partition(b" ")
    if word == b"lyrikstore" and number.isdigit() and text.endswith(b"\n"):
        raise FormatError(
            "newer-format",
            f"the store has format {number.decode()}; this version knows format 1",
            hint="upgrade lyrikstore",
        )
    raise FormatError(
        "bad-store",
        "the file format of the store is damaged",
        hint=f"it should contain {FORMAT!r}",
    )


def _is_delivery(backend: Backend) -> bool:
    with suppress(LyrikstoreError):  # for a better word only
        return backend.size("credential.json") is not None
    return False


FORMAT = b"lyrikstore 1\n"
