"""Readers: how the bytes of a dataset become records, and what a record's id is (spec §9.1)."""

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
