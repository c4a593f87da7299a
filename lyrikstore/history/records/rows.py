"""What a reader of rows yields, rows and what is none; and ``jsonl/1``, which needs no library."""

from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

from lyrikstore.canon.limits import MAX_RECORD_BYTES

JSONL = "jsonl/1"
"""The reader to which a line is a record: of all rows that filters make."""


class RawRow(Struct, frozen=True):
    """One row of a file.

    Attributes:
        line: 1-based line it begins at; of Parquet the 1-based row.
        data: The record's bytes.
        raw: What stands in the file, with its end; empty for Parquet.
    """

    line: int
    data: bytes
    raw: bytes = b""


class BadRow(Struct, frozen=True):
    """What stands where a row should be.

    Attributes:
        line: As for :class:`RawRow`.
        reason: Why it is none, for people.
        remedy: What to do about the file, for people, if leaving out this line does not mend it:
            the header is wrong, or where the rows below end is unknown. Else empty.
    """

    line: int
    reason: str
    remedy: str = ""

    def place(self, reader: str) -> str:
        """Return where it is, as messages say it."""
        return f"{'row' if reader.startswith('parquet/') else 'line'} {self.line}"


def read_lines(stream: BinaryIO) -> Iterator[RawRow | BadRow]:
    """Yield the rows of a file of ``jsonl/1``, and what is none: reading goes on after it.

    Cost: one line in memory.
    """
    number = 0
    while line := stream.readline(MAX_RECORD_BYTES + 3):  # with its end, which is no part of it
        number += 1
        data = line.removesuffix(b"\n").removesuffix(b"\r")
        if len(data) > MAX_RECORD_BYTES:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_RECORD_BYTES)
            yield BadRow(number, f"longer than {MAX_RECORD_BYTES} bytes")
        elif not data:
            yield BadRow(number, "empty")
        else:
            yield RawRow(number, data, line)
