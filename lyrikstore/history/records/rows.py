"""Rows and malformed lines, as readers of rows yield them; and the reader ``jsonl/1``."""

from collections.abc import Iterator, Sequence
from heapq import merge
from typing import BinaryIO

from msgspec import Struct

from lyrikstore.canon.limits import MAX_RECORD_BYTES

JSONL = "jsonl/1"
"""The reader that treats each line as a record; all filters write this format."""

_BLOCK_BYTES = 256 << 10
"""Bytes read at once, so few that several passes over a batch stay in the processor's caches."""


class RawRow(Struct, frozen=True):
    """One row of a file.

    Attributes:
        line: 1-based line it begins at; of Parquet the 1-based row.
        data: The record's bytes.
        raw: Its bytes in the file, with the line ending; empty for Parquet.
    """

    line: int
    data: bytes
    raw: bytes = b""


class BadRow(Struct, frozen=True):
    """A line that is not a valid row.

    Attributes:
        line: As for :class:`RawRow`.
        reason: Why it is not a row, for people.
        remedy: How to repair the file, for people, if leaving out this line is not enough: the
            header is wrong, or the ends of the rows below are unknown. Else empty.
        code: The code that is signed if the line is left out (spec §12.8.3); empty if the line
            cannot be left out.
    """

    line: int
    reason: str
    remedy: str = ""
    code: str = ""

    def place(self, reader: str) -> str:
        """Return its position for messages, such as ``line 3``."""
        return f"{'row' if reader.startswith('parquet/') else 'line'} {self.line}"


class RowBatch(Struct, frozen=True):
    """Consecutive rows of a file, with the malformed lines between them.

    Attributes:
        lines: For each row the 1-based line at which it begins, as in :class:`RawRow`.
        rows: The records' bytes.
        bad: The malformed lines.
        raw: For each row its bytes in the file, with the line ending; empty where these are the
            row and a line feed, and for Parquet.
    """

    lines: Sequence[int]
    rows: list[bytes]
    bad: Sequence[BadRow] = ()
    raw: Sequence[bytes] = ()

    @property
    def count(self) -> int:
        """The number of rows and malformed lines."""
        return len(self.rows) + len(self.bad)

    def each(self) -> Iterator[RawRow | BadRow]:
        """Yield rows and malformed lines in file order."""
        raw = self.raw or (row + b"\n" for row in self.rows)
        found = map(RawRow, self.lines, self.rows, raw)
        return merge(found, self.bad, key=lambda one: one.line) if self.bad else found


def read_lines(stream: BinaryIO) -> Iterator[RawRow | BadRow]:
    """Yield rows and malformed lines of a ``jsonl/1`` file; reading continues after an error.

    Cost: as :func:`read_line_batches`.
    """
    for batch in read_line_batches(stream):
        yield from batch.each()


def read_line_batches(stream: BinaryIO) -> Iterator[RowBatch]:
    """Yield the lines of a ``jsonl/1`` file in batches of some hundred kilobytes.

    Cost: some 1.5 GB/s; one line and one batch in memory.
    """
    line, too_long = 1, False
    held: list[bytes | memoryview] = []
    size = 0
    while block := stream.read(_BLOCK_BYTES):
        end = block.rfind(b"\n") + 1
        if end:
            held.append(memoryview(block)[: end - 1])
            batch = _batch(line, b"".join(held), cut=too_long)
            line, too_long, size = line + batch.count, False, 0
            held.clear()
            yield batch
        if end < len(block) and not too_long:
            held.append(block[end:])
            size += len(block) - end
            # ATTACK: a line that never ends is not kept. It may have a carriage return at its end.
            if size > MAX_RECORD_BYTES + 1:
                too_long = True
                held.clear()
    if held or too_long:
        yield _batch(line, b"".join(held), cut=too_long, ends=False)


def _batch(first: int, whole: bytes, *, cut: bool, ends: bool = True) -> RowBatch:
    """Return the batch of some whole lines.

    Args:
        first: Number of the first.
        whole: The lines, without the line feed at the end.
        cut: Whether the first line began earlier, and is too long.
        ends: Whether there is a line feed at the end.
    """
    texts = whole.split(b"\n")
    rows, raw = texts, list[bytes]()
    if b"\r" in whole:
        rows = [text.removesuffix(b"\r") for text in texts]
        raw = [text + b"\n" for text in texts]
        if not ends:
            raw[-1] = texts[-1] if texts[-1].endswith(b"\r") else raw[-1]
    too_long = len(whole) > MAX_RECORD_BYTES and max(map(len, rows)) > MAX_RECORD_BYTES
    if all(rows) and not too_long and not cut:
        return RowBatch(range(first, first + len(rows)), rows, raw=raw)
    good, bad = list[int](), list[BadRow]()
    for at, row in enumerate(rows):
        if len(row) > MAX_RECORD_BYTES or (cut and at == 0):
            reason = f"longer than {MAX_RECORD_BYTES} bytes"
            bad.append(BadRow(first + at, reason, code="too-long"))
        elif not row:
            bad.append(BadRow(first + at, "empty", code="empty"))
        else:
            good.append(at)
    return RowBatch(
        [first + at for at in good],
        [rows[at] for at in good],
        bad,
        [raw[at] for at in good] if raw else (),
    )
