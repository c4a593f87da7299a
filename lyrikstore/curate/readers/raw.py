"""What a reader of rows yields: rows, and what is none."""

from msgspec import Struct


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
    """

    line: int
    reason: str

    def place(self, reader: str) -> str:
        """Return where it is, as messages say it."""
        return f"{'row' if reader.startswith('parquet/') else 'line'} {self.line}"
