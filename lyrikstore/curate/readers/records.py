"""Records of a file, for every reader: bytes, position, line, id.

Normative text: spec §9.1. A record id is a BLAKE3 derive-key hash. Its context names the reader, so
the same bytes have different ids under different readers. The id of a document is derived from the
digest of its file alone, so that nothing is hashed twice.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.batches import batched
from lyrikstore.curate.readers.cells import read_cells, read_table
from lyrikstore.history.records.order_root import DOCUMENT, document_id, record_id
from lyrikstore.history.records.rows import (
    JSONL,
    BadRow,
    RawRow,
    RowBatch,
    read_line_batches,
    read_lines,
)

CSV_1 = "csv/1"
"""Reader of version 0.1.0: a record is an array of cells; the header is a record, too."""

CSV = "csv/2"
PARQUET = "parquet/1"
ROWS = (JSONL, CSV, PARQUET)
"""Readers whose records are JSON objects, called rows in filters, runs and queries."""

READERS = (DOCUMENT, JSONL, CSV_1, CSV, PARQUET)


class Record(Struct, frozen=True):
    """One record of a dataset file.

    Attributes:
        id: Its id.
        position: 0-based place of the record in its file.
        data: Its bytes: the file (documents), the line without its end (JSONL), the JCS array of
            cell strings (``csv/1``), the JCS object of the row (``csv/2``, Parquet).
    """

    id: Digest
    position: int
    data: bytes


def iter_records(reader: str, path: str, stream: BinaryIO) -> Iterator[Record]:
    """Yield the records of one file in order.

    Args:
        reader: One of :data:`READERS`.
        path: Its path, for messages.
        stream: The file's bytes from the start; read to the end, never closed. Parquet: seekable.

    Raises:
        InvalidInputError: (``bad-record``) a malformed line or row, with its number.
        LyrikstoreError: See :func:`check_reader`.

    Cost: one record in memory at a time: a whole document, a row, or a batch of Parquet rows.
    """
    check_reader(reader)
    if reader == DOCUMENT:
        data = stream.read()
        yield Record(document_id(Digest.of(data)), 0, data)
        return
    for position, row in enumerate(iter_rows(reader, path, stream)):
        if isinstance(row, BadRow):
            raise InvalidInputError(
                "bad-record",
                f"{path}: {row.place(reader)}: {row.reason}",
                hint=row.remedy
                or "correct the file, or leave malformed rows out: commit --skip-bad",
            )
        yield Record(record_id(reader, row.data), position, row.data)


def iter_rows(reader: str, path: str, stream: BinaryIO) -> Iterator[RawRow | BadRow]:
    """Yield rows and malformed rows of one file in order; reading continues after malformed ones.

    Args, Cost: See :func:`iter_records`; not for documents.

    Raises:
        InvalidInputError: (``bad-record``) the whole file cannot be read: it is not Parquet, or is
            encrypted.
        LyrikstoreError: See :func:`check_reader`.
    """
    check_reader(reader)
    return _ROWS[reader](path, stream)


def iter_batches(reader: str, path: str, stream: BinaryIO) -> Iterator[RowBatch]:
    """Yield the rows that :func:`iter_rows` yields, in batches."""
    check_reader(reader)
    if reader == JSONL:
        yield from read_line_batches(stream)
        return
    found = iter_rows(reader, path, stream)
    for some in batched((one, len(one.data) if isinstance(one, RawRow) else 0) for one in found):
        rows = [one for one in some if isinstance(one, RawRow)]
        yield RowBatch(
            [one.line for one in rows],
            [one.data for one in rows],
            [one for one in some if isinstance(one, BadRow)],
            [one.raw for one in rows],
        )


def check_reader(reader: str) -> None:
    """Raise `no-reader` unless ``reader`` is one of :data:`READERS`.

    Raises:
        InvalidInputError: (``no-reader``) there is no such reader.
    """
    if reader not in READERS:
        raise InvalidInputError(
            "no-reader",
            f"there is no reader {reader[:40]!r}",
            hint=f"use one of: {', '.join(READERS)}",
        )


def _read_parquet(path: str, stream: BinaryIO) -> Iterator[RawRow | BadRow]:
    from lyrikstore.curate.readers.parquet_process import read_parquet  # loaded only if needed

    return read_parquet(path, stream)


_ROWS: Mapping[str, Callable[[str, BinaryIO], Iterator[RawRow | BadRow]]] = {
    JSONL: lambda _, stream: read_lines(stream),
    CSV_1: read_cells,
    CSV: read_table,
    PARQUET: _read_parquet,
}
