"""What a reader of rows yields, rows and what is none; and ``jsonl/1``, which needs no library."""

from collections.abc import Iterator, Sequence
from heapq import merge
from typing import BinaryIO

from msgspec import Struct

from lyrikstore.canon.limits import MAX_RECORD_BYTES

JSONL = "jsonl/1"
"""The reader to which a line is a record: of all rows that filters make."""

_BLOCK_BYTES = 256 << 10
"""Read at once: what is done to some rows after the other stays in the processor's caches."""


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
        code: What is signed of it where it is left out (spec §12.8.3); empty where it cannot be.
    """

    line: int
    reason: str
    remedy: str = ""
    code: str = ""

    def place(self, reader: str) -> str:
        """Return where it is, as messages say it."""
        return f"{'row' if reader.startswith('parquet/') else 'line'} {self.line}"


class RowBatch(Struct, frozen=True):
    """Rows of a file that follow each other, and what stands between them and is none.

    Attributes:
        lines: Of each row the 1-based line it begins at, as :class:`RawRow` has it.
        rows: The records' bytes.
        bad: What is no row.
        raw: Of each row what stands in the file, with its end; empty where that is the row and a
            line feed, and for Parquet.
    """

    lines: Sequence[int]
    rows: list[bytes]
    bad: Sequence[BadRow] = ()
    raw: Sequence[bytes] = ()

    @property
    def count(self) -> int:
        """How many rows, with what is none."""
        return len(self.rows) + len(self.bad)

    def each(self) -> Iterator[RawRow | BadRow]:
        """Yield the rows, and what is none, in the order of the file."""
        raw = self.raw or (row + b"\n" for row in self.rows)
        found = map(RawRow, self.lines, self.rows, raw)
        return merge(found, self.bad, key=lambda one: one.line) if self.bad else found


def read_lines(stream: BinaryIO) -> Iterator[RawRow | BadRow]:
    """Yield the rows of a file of ``jsonl/1``, and what is none: reading goes on after it.

    Cost: as :func:`read_line_batches`.
    """
    for batch in read_line_batches(stream):
        yield from batch.each()


def read_line_batches(stream: BinaryIO) -> Iterator[RowBatch]:
    """Yield the lines of a file of ``jsonl/1``, some hundred kilobytes of them at once.

    Cost: some 1.5 GB/s; a line in memory, and the batch.
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
    """Return what some lines are.

    Args:
        first: Number of the first.
        whole: The lines, without the line feed at the end.
        cut: The first has more before it, and is too long.
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
