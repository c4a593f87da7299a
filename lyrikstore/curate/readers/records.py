"""Records of a file, whatever its reader: bytes, position, line, id.

Normative text: spec §9.1. A record id is a BLAKE3 derive-key hash whose context names the reader,
so that the same bytes read in two ways can never pass for one record. The id of a document follows
from the digest of its file alone, so that nothing is hashed twice.
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
"""Of 0.1.0: a record is an array of cells, and the header is one."""

CSV = "csv/2"
PARQUET = "parquet/1"
ROWS = (JSONL, CSV, PARQUET)
"""Readers whose records are JSON objects: what a filter, a run or a query calls rows."""

READERS = (DOCUMENT, JSONL, CSV_1, CSV, PARQUET)


class Record(Struct, frozen=True):
    """One record of a dataset file.

    Attributes:
        id: Its id.
        position: 0-based place of the record in its file.
        data: What it says: the file (documents), the line without its end (JSONL), the JCS array
            of cell strings (``csv/1``), the JCS object of the row (``csv/2``, Parquet).
    """

    id: Digest
    position: int
    data: bytes


def iter_records(reader: str, path: str, stream: BinaryIO) -> Iterator[Record]:
    """Yield the records of one file in order.

    Args:
        reader: One of :data:`READERS`.
        path: Named in errors only.
        stream: The file's bytes from the start; read to the end, never closed. Parquet: seekable.

    Raises:
        InvalidInputError: (``bad-record``) a line or row that the reader cannot take, with its
            number.
        LyrikstoreError: As :func:`check_reader`.

    Cost: one record in memory at a time; documents whole; of Parquet a batch.
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
                or "correct the file, or leave such rows out with commit --skip-bad",
            )
        yield Record(record_id(reader, row.data), position, row.data)


def iter_rows(reader: str, path: str, stream: BinaryIO) -> Iterator[RawRow | BadRow]:
    """Yield the rows of one file in order, and what is no row: reading goes on after it.

    Args, Cost: As :func:`iter_records`; not for documents.

    Raises:
        InvalidInputError: (``bad-record``) the whole file cannot be read: no Parquet, or one that
            is encrypted.
        LyrikstoreError: As :func:`check_reader`.
    """
    check_reader(reader)
    return _ROWS[reader](path, stream)


def iter_batches(reader: str, path: str, stream: BinaryIO) -> Iterator[RowBatch]:
    """Yield the rows of one file in order, many at once, as :func:`iter_rows` does one by one."""
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
    """Return if there is such a reader.

    Raises:
        InvalidInputError: (``no-reader``) there is none.
    """
    if reader not in READERS:
        raise InvalidInputError(
            "no-reader", f"no reader {reader[:40]!r}", hint=f"readers: {', '.join(READERS)}"
        )


def _read_parquet(path: str, stream: BinaryIO) -> Iterator[RawRow | BadRow]:
    from lyrikstore.curate.readers.parquet_process import read_parquet  # who reads none loads none

    return read_parquet(path, stream)


_ROWS: Mapping[str, Callable[[str, BinaryIO], Iterator[RawRow | BadRow]]] = {
    JSONL: lambda _, stream: read_lines(stream),
    CSV_1: read_cells,
    CSV: read_table,
    PARQUET: _read_parquet,
}
