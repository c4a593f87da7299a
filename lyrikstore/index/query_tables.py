"""Tables for a confined query process, which the parent process reads and sends.

The process that runs the SQL can open nothing. For each batch of rows it writes a line on its
standard output, ``{"next": [SCAN, TABLE]}``, and gets 8 bytes of length and an Arrow IPC message
on its standard input; length 0 is the end of the table. Each scan has a number of its own and
begins at the first row: a table that is read twice is whole both times.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, Self

from lyrikstore.canon.errors import InvalidInputError

if TYPE_CHECKING:  # the confined process loads this module before it may load pyarrow
    import pyarrow as pa

ASKS = b'{"next": '
"""Prefix of a line that requests a batch."""

LENGTH_BYTES = 8
MAX_SCANS = 64
"""Most scans of tables by one query: each scan reads the data and keeps a batch in memory."""


class ServedTable(Protocol):
    """Protocol of a table that a query can read.

    Attributes:
        schema: Its columns.
    """

    @property
    def schema(self) -> "pa.Schema":
        """Its columns."""

    def batches(self) -> "Iterator[pa.RecordBatch]":
        """Yield its rows from the first one on, the same every time.

        Raises:
            LyrikstoreError: The rows cannot be read.
        """


class TableServer:
    """Serves the scans of one query; a context manager that ends them.

    Args:
        tables: Name → table.

    Cost: memory for a batch of each scan.
    """

    def __init__(self, tables: Mapping[str, ServedTable]) -> None:
        self._tables = tables
        self._scans: list[Iterator[bytes]] = []
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def schemas(self) -> dict[str, str]:
        """Return name → schema for the query's process: an Arrow IPC message in hex."""
        return {
            name: table.schema.serialize().to_pybytes().hex()
            for name, table in self._tables.items()
        }

    def answer(self, line: bytes) -> bytes:
        """Return the response to a line that begins with :data:`ASKS`.

        Raises:
            InvalidInputError: (``too-many-scans``) the query reads tables too often;
                (``query-crashed``) the line is malformed.
            LyrikstoreError: The data cannot be read.
        """
        # ATTACK: whoever took over the process that ran the SQL writes these lines.
        try:
            scan, name = json.loads(line)["next"]
            table = self._tables[name]
            known = range(len(self._scans) + 1).index(scan) == scan
        except (ValueError, KeyError, TypeError, RecursionError):
            known = False
        if not known:
            raise InvalidInputError(
                "query-crashed", "the query process sent an invalid request for a batch"
            )
        if scan == MAX_SCANS:
            raise InvalidInputError(
                "too-many-scans",
                f"the query reads {name} more than {MAX_SCANS} times",
                hint="read it once, in WITH r AS MATERIALIZED (…), and query r",
            )
        if scan == len(self._scans):
            batches = table.batches()
            if close := getattr(batches, "close", None):
                self._ends.callback(close)
            self._scans.append(batch.serialize().to_pybytes() for batch in batches)
        data = next(self._scans[scan], b"")
        return len(data).to_bytes(LENGTH_BYTES, "big") + data
