"""Transaction records: the commit point and the list of live packs (spec §4.6).

Record ``tx/<seq>`` is created exclusively; the writer that creates it has won the slot and
committed. This package does not read logged documents: a log item is a type and a digest.
"""

import re
from collections.abc import Iterable
from typing import Any, Literal, cast

from msgspec import Struct

from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    NotFoundError,
    StorageError,
    VerificationError,
)
from lyrikstore.objects.backends.base import NOT_A_FILE, Backend
from lyrikstore.objects.pack.format import PACK_MAX, ROLES, PackRef

RECORD_MAX = 16 << 20
"""Bytes of the largest transaction record: some 125,000 packs, 8 TB."""

_OBJECT, _BRACKETS = 64, 100
"""Minimum length of an object in a list of a record; maximum brackets of a short text."""

LogType = Literal["manifest", "credential"]
_FILE = re.compile(r"tx/([0-9]{20})")
_MEMBERS = {"v", "seq", "log", "packs", "chunkLists"}


class LogItem(Struct, frozen=True):
    """A document that a transaction adds to the log.

    Attributes:
        type: ``manifest`` or ``credential``.
        id: The BLAKE3 of its bytes.
    """

    type: LogType
    id: Digest


class PackChanges(Struct, frozen=True):
    """The packs and chunk lists of a finished :class:`~lyrikstore.objects.store.writer.BlobWriter`.

    Attributes:
        added: Packs, complete and durable, that no record names yet.
        chunk_lists: Pairs of a large blob and the blob that lists its chunks.
    """

    added: tuple[PackRef, ...] = ()
    chunk_lists: tuple[tuple[Digest, Digest], ...] = ()


class Transaction(Struct, frozen=True):
    """One transaction record.

    Attributes:
        seq: Its number, from 0.
        log: The documents to log, in order.
        added: Packs that are live from this record on.
        dropped: Packs that are no longer live.
        chunk_lists: Pairs of a large blob and the blob that lists its chunks.
    """

    seq: int
    log: tuple[LogItem, ...] = ()
    added: tuple[PackRef, ...] = ()
    dropped: tuple[Digest, ...] = ()
    chunk_lists: tuple[tuple[Digest, Digest], ...] = ()

    def encode(self) -> bytes:
        """Return the bytes of the record; its digest is that of its own log leaf."""
        return json.encode(
            {
                "v": 1,
                "seq": self.seq,
                "log": [{"type": item.type, "id": str(item.id)} for item in self.log],
                "packs": {
                    "add": [
                        {"id": str(pack.id), "bytes": pack.bytes, "role": pack.role}
                        for pack in self.added
                    ],
                    "drop": [str(pack) for pack in self.dropped],
                },
                "chunkLists": [
                    {"blob": str(blob), "list": str(chunks)} for blob, chunks in self.chunk_lists
                ],
            }
        )

    @property
    def id(self) -> Digest:
        """The BLAKE3 of the record."""
        return Digest.of(self.encode())

    @property
    def name(self) -> str:
        """The name of the file in a backend."""
        return record_name(self.seq)


class LiveObjects(Struct, frozen=True):
    """The live packs and chunk lists after a sequence of transactions.

    Attributes:
        packs: The live packs, oldest first.
        chunk_lists: Large blob → its chunk list.
    """

    packs: tuple[PackRef, ...]
    chunk_lists: dict[Digest, Digest]


def record_name(seq: int) -> str:
    """Return the file name of record ``seq``."""
    return f"tx/{seq:020d}"


def parse_transaction(data: bytes, seq: int) -> Transaction:
    """Return the transaction record in ``data``.

    Args:
        data: The file.
        seq: The number in its name.

    Raises:
        FormatError: (``bad-json``, ``not-canonical``, ``bad-record``, ``bad-digest``) the record
            deviates from the format; (``newer-format``) a record of a later format.
    """
    # ATTACK A07: millions of empty lists and objects take 30 times their text.
    if data.count(b"{") + data.count(b"[") > _BRACKETS + len(data) // _OBJECT:
        raise FormatError("bad-record", f"transaction {seq}: not a transaction record")
    try:
        record = json.parse_canonical(data, max_bytes=RECORD_MAX)
    except FormatError as error:
        raise FormatError(error.kind, f"transaction {seq}: {error.message}") from None
    if not isinstance(record, dict) or type(record.get("v")) is not int:
        raise FormatError("bad-record", f"transaction {seq}: not a transaction record")
    if record["v"] != 1:
        raise FormatError(
            "newer-format",
            f"transaction {seq} has format {record['v']}",
            hint="upgrade lyrikstore",
        )
    _members(record, _MEMBERS, seq)
    if type(record["seq"]) is not int or record["seq"] != seq:
        raise FormatError("bad-record", f"transaction {seq}: the record has another number")
    packs = _members(record["packs"], {"add", "drop"}, seq)
    return Transaction(
        seq=seq,
        log=tuple(_log_item(item, seq) for item in _list(record["log"], seq)),
        added=tuple(_pack(item, seq) for item in _list(packs["add"], seq)),
        dropped=tuple(Digest.parse(item) for item in _list(packs["drop"], seq)),
        chunk_lists=tuple(_pair(item, seq) for item in _list(record["chunkLists"], seq)),
    )


def fold(transactions: Iterable[Transaction]) -> LiveObjects:
    """Return the live packs and lists after ``transactions``, which are in order from 0.

    Raises:
        FormatError: (``bad-record``) a record drops a pack that is not live.
    """
    packs: dict[Digest, PackRef] = {}
    lists: dict[Digest, Digest] = {}
    for transaction in transactions:
        for dropped in transaction.dropped:
            if packs.pop(dropped, None) is None:
                raise FormatError(
                    "bad-record",
                    f"transaction {transaction.seq} drops pack {dropped.short}, which is not live",
                )
        for pack in transaction.added:
            packs[pack.id] = pack
        lists.update(transaction.chunk_lists)
    return LiveObjects(tuple(packs.values()), lists)


class TransactionLog:
    """The transaction records of a store, in order, without gaps.

    Args:
        backend: The store's files.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def read(self, seq: int) -> Transaction:
        """Return record ``seq``.

        Raises:
            FormatError: See :func:`parse_transaction`.
            LyrikstoreError: As :meth:`TransactionLog.read_bytes`.
        """
        return parse_transaction(self.read_bytes(seq), seq)

    def read_bytes(self, seq: int) -> bytes:
        """Return the bytes of record ``seq``, at most :data:`RECORD_MAX` + 1.

        Raises:
            NotFoundError: (``no-transaction``) no such record.
        """
        try:
            return self._backend.read(record_name(seq), 0, RECORD_MAX + 1)
        except NotFoundError:
            raise NotFoundError("no-transaction", f"there is no transaction {seq}") from None

    def taken(self, seq: int) -> bool:
        """Return whether there is a file at slot ``seq``; its content is not read."""
        try:
            self._backend.read(record_name(seq), 0, 1)
        except NotFoundError:
            return False
        except StorageError as error:
            if error.kind != NOT_A_FILE:
                raise
        return True

    def count(self) -> int:
        """Return the number of records; it is also the number of the next slot.

        Raises:
            VerificationError: (``transaction-missing``) a record before the last one is missing.
        """
        count = 0
        for name in self._backend.list("tx/"):
            if not (found := _FILE.fullmatch(name)):
                continue  # an editor's backup copy is not a record
            if int(found[1]) != count:
                raise VerificationError(
                    "transaction-missing",
                    f"transaction {count} is missing, but later ones exist",
                    hint="restore the file from a clone or backup",
                )
            count += 1
        return count

    def append(self, transaction: Transaction) -> bool:
        """Try to create the record of ``transaction``; return whether its slot was won.

        True: the transaction is committed and survives a power failure. False: another writer
        won the slot; nothing changed. After a :class:`StorageError` the outcome is unknown: read
        the slot and compare before trying again.

        Raises:
            InvalidInputError: (``bad-record``) the record would not parse, or it would leave a
                gap.
            StorageError: The medium failed.
        """
        data = transaction.encode()
        try:
            same = parse_transaction(data, transaction.seq) == transaction
        except FormatError as error:
            raise InvalidInputError("bad-record", f"cannot be recorded: {error}") from None
        if not same:
            raise InvalidInputError(
                "bad-record", "the record does not survive encoding and decoding"
            )
        if transaction.seq and not self.taken(transaction.seq - 1):
            raise InvalidInputError("bad-record", f"slot {transaction.seq} would leave a gap")
        return self._backend.create(transaction.name, data)

    def live(self, up_to: int | None = None) -> LiveObjects:
        """Return the live packs and chunk lists after the first ``up_to`` transactions.

        Args:
            up_to: Number of transactions to include; None for all that exist.

        Raises:
            NotFoundError, FormatError, VerificationError: See :meth:`read`, :meth:`count`,
                :func:`fold`.
        """
        return fold(self.read(seq) for seq in range(self.count() if up_to is None else up_to))


def _members(value: Any, names: set[str], seq: int) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != names:
        raise FormatError("bad-record", f"transaction {seq}: an object with other members")
    return cast("dict[str, Any]", value)


def _list(value: Any, seq: int) -> list[Any]:
    if not isinstance(value, list):
        raise FormatError("bad-record", f"transaction {seq}: not a list")
    return value


def _log_item(value: Any, seq: int) -> LogItem:
    item = _members(value, {"type", "id"}, seq)
    if item["type"] not in ("manifest", "credential"):  # a list: hostile JSON may not be hashable
        raise FormatError("bad-record", f"transaction {seq}: a log item of an unknown type")
    return LogItem(item["type"], Digest.parse(item["id"]))


def _pack(value: Any, seq: int) -> PackRef:
    item = _members(value, {"id", "bytes", "role"}, seq)
    if type(item["bytes"]) is not int or not 0 < item["bytes"] <= PACK_MAX:
        raise FormatError("bad-record", f"transaction {seq}: a pack with an impossible size")
    if item["role"] not in ROLES:  # a tuple: hostile JSON may not be hashable
        raise FormatError("bad-record", f"transaction {seq}: a pack with an unknown role")
    return PackRef(Digest.parse(item["id"]), item["bytes"], item["role"])


def _pair(value: Any, seq: int) -> tuple[Digest, Digest]:
    item = _members(value, {"blob", "list"}, seq)
    return Digest.parse(item["blob"]), Digest.parse(item["list"])
