"""Readers: how the bytes of a dataset become records, and what a record's id is.

Normative text: spec §9.1. A record id is a BLAKE3 derive-key hash whose context
names the reader, so that the same bytes read in two ways can never pass for one record. The id of
a document follows from the digest of its file alone, so that nothing is hashed twice.
"""

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.canon.limits import MAX_CELL, MAX_RECORD_BYTES
from lyrikstore.history.records.order_root import DOCUMENT, document_id, record_id

__all__ = ["CSV", "DOCUMENT", "JSONL", "READERS"]

JSONL = "jsonl/1"
CSV = "csv/1"
READERS = (DOCUMENT, JSONL, CSV)


class Record(Struct, frozen=True):
    """One record of a dataset file.

    Attributes:
        id: Its id.
        position: 0-based place of the record in its file.
        data: What it says: the file (documents), the line without its end (JSONL), the JCS array
            of cell strings (CSV).
    """

    id: Digest
    position: int
    data: bytes


def iter_records(reader: str, path: str, stream: BinaryIO) -> Iterator[Record]:
    """Yield the records of one file in order.

    Args:
        reader: One of :data:`READERS`.
        path: Named in errors only.
        stream: The file's bytes from the start; read to the end, never closed.

    Raises:
        InvalidInputError: (``no-reader``) no such reader; (``bad-record``) a line or row that the
            reader cannot take, with its number.

    Cost: one record in memory at a time; documents whole.
    """
    _check_reader(reader)
    if reader == DOCUMENT:
        data = stream.read()
        yield Record(document_id(Digest.of(data)), 0, data)
        return
    rows = _lines(path, stream) if reader == JSONL else _cells(path, stream)
    for position, data in enumerate(rows):
        yield Record(record_id(reader, data), position, data)


def count_records(reader: str, path: str, stream: BinaryIO) -> int:
    """Return how many records one file holds; 1 for every document, without reading it."""
    if reader == DOCUMENT:
        return 1
    return sum(1 for _ in iter_records(reader, path, stream))


def _check_reader(reader: str) -> None:
    if reader not in READERS:
        raise InvalidInputError(
            "no-reader", f"no reader {reader[:40]!r}", hint=f"readers: {', '.join(READERS)}"
        )


def _lines(path: str, stream: BinaryIO) -> Iterator[bytes]:
    number = 0
    while line := stream.readline(MAX_RECORD_BYTES + 3):  # with its end, which is no part of it
        number += 1
        data = line.removesuffix(b"\n").removesuffix(b"\r")
        if len(data) > MAX_RECORD_BYTES:
            raise _bad(path, f"line {number} is longer than {MAX_RECORD_BYTES} bytes")
        if not data:
            raise _bad(path, f"line {number} is empty")
        yield data


def _cells(path: str, stream: BinaryIO) -> Iterator[bytes]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    size = 0

    def lines() -> Iterator[str]:
        nonlocal size
        while line := text.readline(MAX_RECORD_BYTES + 3):
            size += len(line)
            if size > MAX_RECORD_BYTES + 2:  # a record has at least as many bytes as its row
                raise too_long()
            yield line

    def too_long() -> InvalidInputError:
        return _bad(path, f"line {rows.line_num}: a row is longer than {MAX_RECORD_BYTES} bytes")

    rows = csv.reader(lines(), strict=True)
    try:
        for row in rows:
            size = 0
            data = encode(row)
            if len(data) > MAX_RECORD_BYTES:
                raise too_long()
            # The csv module has a limit of that size, which anybody in the process may change.
            if len(data) > MAX_CELL and max(map(len, row)) > MAX_CELL:
                raise _bad(path, f"line {rows.line_num}: a cell is longer than {MAX_CELL}")
            if row:
                yield data
    except UnicodeDecodeError:
        raise _bad(path, f"not UTF-8 after line {rows.line_num}") from None
    except csv.Error as error:
        raise _bad(path, f"line {rows.line_num}: {error}") from None
    finally:
        text.detach()


def _bad(path: str, reason: str) -> InvalidInputError:
    return InvalidInputError(
        "bad-record", f"{path}: {reason}", hint="correct the file, or commit it as documents"
    )
