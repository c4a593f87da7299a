r"""Readers: from the bytes of a dataset's files to records and their ids (spec §9.1).

- reader: ``document/1``, ``jsonl/1``, ``csv/2``, ``parquet/1``; named in each dataset's manifest
- record: a document, or a row; its id is a hash of its bytes and the reader (``records.py``)
- row: a record that is a JSON object, parsed strictly (``rows.py``)
- role: the use of a field: text, label, id, group, split, licence (``fields.py``)
- malformed row: a line that is not a record, with a reason and a code (``BadRow``)

Example:
    >>> from io import BytesIO
    >>> from lyrikstore.curate.readers import CSV, iter_rows
    >>> file = BytesIO(b"text,label\nhello,greeting\n,\nbye\n")
    >>> for row in iter_rows(CSV, "a.csv", file):
    ...     print(row.line, getattr(row, "data", None) or row.reason)
    2 b'{"label":"greeting","text":"hello"}'
    4 1 cells where the header has 2
"""

from lyrikstore.curate.readers.records import (
    CSV,
    CSV_1,
    PARQUET,
    READERS,
    ROWS,
    Record,
    iter_records,
    iter_rows,
)
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.records.rows import JSONL, BadRow, RawRow

__all__ = [
    "CSV",
    "CSV_1",
    "DOCUMENT",
    "JSONL",
    "PARQUET",
    "READERS",
    "ROWS",
    "BadRow",
    "RawRow",
    "Record",
    "iter_records",
    "iter_rows",
]
