"""``csv/1`` and ``csv/2``: rows of a table of comma-, semicolon- or tab-separated text (spec §9.1).

``csv/1`` is the reader of version 0.1.0: every row, including the header, is an array of its cells.
``csv/2`` reads tables: the header names the columns, a row is an object, empty cells are left out.
"""

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from lyrikstore.canon.json import encode
from lyrikstore.canon.limits import MAX_CELL, MAX_RECORD_BYTES
from lyrikstore.canon.text import WHITE_SPACE
from lyrikstore.history.records.rows import BadRow, RawRow

SEPARATORS = (",", ";", "\t")

_BLOCK = 1 << 18
_MANY_LINES = 1 << 20
_NOT_UTF8 = "not UTF-8: save it as CSV UTF-8"
_TOO_LONG = f"a row is longer than {MAX_RECORD_BYTES} bytes"
_NO_TEXT, _LONG, _BAD_CELL = "not-utf-8", "too-long", "bad-cell"
_MEND_QUOTES = "correct the quotes in this line: the ends of the rows after it are unknown"
_MEND_HEADER = "correct the header: no row can be read without it"


def read_cells(path: str, stream: BinaryIO) -> Iterator[RawRow | BadRow]:  # noqa: ARG001
    """Yield the rows that are not empty, each as the JCS array of its cells."""
    rows = _Rows(stream)
    for row in rows.read(","):
        if isinstance(row, BadRow):
            yield row
        elif rows.problem:
            yield BadRow(rows.line, rows.problem, code=_NO_TEXT)
        elif row:
            yield _record(rows, row)


def read_table(path: str, stream: BinaryIO) -> Iterator[RawRow | BadRow]:  # noqa: ARG001
    """Yield the rows below the header, each as the JCS object column → cell.

    After a malformed header, or a malformed row whose end is unknown, no further rows are yielded.
    """
    rows = _Rows(stream)
    table: _Table | None = None
    for row in rows.read(None):
        if table is None:
            if isinstance(row, BadRow):
                yield BadRow(row.line, row.reason, row.remedy or _MEND_HEADER)
                return
            if any(row):
                table = _Table(row, rows.line)
                if problem := rows.problem or table.problem:
                    yield BadRow(rows.line, problem, _MEND_HEADER)
                    return
        elif isinstance(row, BadRow):
            yield row
        elif any(row):
            bad = table.fault(row, rows)
            yield bad or _record(rows, table.named(row))
            if bad and bad.remedy:
                return


def header_end(stream: BinaryIO) -> int:
    """Return the length of a table's header in bytes, with all lines before it."""
    rows = _Rows(stream)
    for row in rows.read(None):
        if isinstance(row, BadRow) or any(row):
            break
    return rows.end


class _Table:
    """The columns of a table, which its header names."""

    def __init__(self, header: list[str], line: int) -> None:
        self._names = [cell.strip(WHITE_SPACE) for cell in header]
        self._line = line
        self._nameless = [at for at, name in enumerate(self._names) if not name]
        self._first = True
        given = [name for name in self._names if name]
        self.problem = ""
        if len(set(given)) < len(given):
            twice = next(name for name in given if given.count(name) > 1)
            self.problem = f"the header names {twice[:80]!r} twice"

    def named(self, row: list[str]) -> dict[str, str]:
        """Return the cells of a row that have content, by their columns."""
        return {name: cell for name, cell in zip(self._names, row, strict=True) if cell}

    def fault(self, row: list[str], rows: "_Rows") -> BadRow | None:
        """Return the row as malformed, with the reason, or None if it is well-formed."""
        if len(row) != len(self._names):
            reason = f"{len(row)} cells where the header has {len(self._names)}"
            if rows.lines == 1:
                return BadRow(rows.line, reason, code="other-cells")
            # A superfluous quote joins rows into one, up to the next quote.
            reason += f", in a row of {rows.lines} lines: is a quote missing, or one too many?"
            return BadRow(rows.line, reason, _MEND_QUOTES)
        if rows.problem:
            return BadRow(rows.line, rows.problem, code=_NO_TEXT)
        first, self._first = self._first, False
        for at in self._nameless:
            if row[at] and first:
                return BadRow(
                    self._line,
                    f"the header gives column {at + 1} no name, and its cells have content",
                    "name the column, or leave it out (pandas: to_csv(..., index=False))",
                )
            if row[at]:
                reason = "a cell with content in a column without a name"
                return BadRow(rows.line, reason, code="unnamed-column")
        return None


def _record(rows: "_Rows", value: list[str] | dict[str, str]) -> RawRow | BadRow:
    data = encode(value)
    if len(data) > MAX_RECORD_BYTES:
        return BadRow(rows.line, _TOO_LONG, code=_LONG)
    return RawRow(rows.line, data, rows.raw)


class _Rows:
    """The rows of one file, with the first line and the bytes of each.

    Attributes:
        line: 1-based number of the first line of the last row that was yielded.
        lines: Number of lines of this row.
        raw: Its bytes, including the line end.
        end: The position of its end, in bytes from the start of the file.
        problem: Why it is malformed although its cells and its end are known; usually empty.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._source = _lines(stream)
        self._taken: list[bytes] = []
        self._size = 0
        self.line = self.lines = 1
        self.raw = b""
        self.end = 0
        self.problem = ""

    def read(self, separator: str | None) -> Iterator[list[str] | BadRow]:
        """Yield the cells of each row, or the malformed row; None: detect the separator."""
        first, above = next(self._source, b""), 0
        if first.startswith(BOM_UTF8):
            self.end = len(BOM_UTF8)
            first = first[self.end :]
        if separator is None:
            while first in {b"\n", b"\r\n", b"\r"}:
                above += 1
                self.end += len(first)
                first = next(self._source, b"")
            separator = separator_of(first.decode(errors="replace"))
        lines = chain([first], self._source) if first else self._source
        rows = csv.reader(self._feed(lines, above + 1), strict=True, delimiter=separator)
        while True:
            self._taken, self._size, self.problem = [], 0, ""
            self.line = above + rows.line_num + 1
            reason = ""
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                row, reason = [], str(error)
            except _TooLongError:
                yield self._fault(_TOO_LONG, separator, known=False)
                return
            self.lines = above + rows.line_num + 1 - self.line
            self.raw = self._taken[0] if self.lines == 1 else b"".join(self._taken)
            self.end += len(self.raw)
            # The csv module has a limit of this size, but any code in the process may change it.
            if len(self.raw) > MAX_CELL and max(map(len, row), default=0) > MAX_CELL:
                reason = f"a cell is longer than {MAX_CELL} characters"
            if reason:
                bad = self._fault(reason, separator, known=self.lines == 1)
                yield bad
                if bad.remedy:
                    return
            else:
                yield row

    def _feed(self, lines: Iterable[bytes], start: int) -> Iterator[str]:
        for number, line in enumerate(lines, start):
            self._size += len(line)
            if self._size > MAX_RECORD_BYTES + 2:  # a record has at least the bytes of its row
                raise _TooLongError
            if len(self._taken) == _MANY_LINES:  # ATTACK: each costs more than its bytes
                self._taken = [b"".join(self._taken)]
            self._taken.append(line)
            try:
                text = line.decode()
            except UnicodeDecodeError:
                where = "" if number == self.line else f" (line {number})"
                self.problem = self.problem or _NOT_UTF8 + where
                text = line.decode(errors="replace")  # quotes, separators and ends are ASCII
            yield text

    def _fault(self, reason: str, separator: str, *, known: bool) -> BadRow:
        # Return a row that could not be read to its end. The end is known if the row began in this
        # line and the line does not end within quotes, as far as quotes can be paired.
        raw = b"".join(self._taken)
        at = _open_cell(raw, separator)
        if at is None:
            return BadRow(self.line, reason, "" if known else _MEND_QUOTES, _BAD_CELL)
        if known and raw.count(b'"', at) % 2 == 0:
            return BadRow(self.line, reason, code=_BAD_CELL)
        before = raw[:at]
        above = before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
        reason = f"the quote that opens a cell here: {reason}"
        return BadRow(self.line + above, reason, _MEND_QUOTES)


class _TooLongError(Exception):
    pass


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    # Yield lines with their ends: a line feed, a carriage return, or both. A line longer than the
    # largest row is not read to its end.
    parts: list[bytes] = []
    size = 0
    while block := stream.read(_BLOCK):
        if parts and parts[-1].endswith(b"\r") and not block.startswith(b"\n"):
            yield b"".join(parts)
            parts, size = [], 0
        lines = block.splitlines(keepends=True)
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        if lines:
            lines[0] = b"".join([*parts, lines[0]])
            parts, size = [], 0
            yield from lines
        if rest:
            parts.append(rest)
            size += len(rest)
            if size > MAX_RECORD_BYTES + 2:
                break
    if parts:
        yield b"".join(parts)


_CELLS = {
    separator: re.compile(
        rb'(?:"[^"]*+(?:""[^"]*+)*+"|[^"%b\r\n][^%b\r\n]*+|)(?:(%b)|\r\n?|\n|\Z)'
        % ((separator.encode(),) * 3)
    )
    for separator in SEPARATORS
}


def _open_cell(raw: bytes, separator: str) -> int | None:
    """Return the position of the first quoted cell that is not closed correctly, or None."""
    cell, at = _CELLS[separator], 0
    while found := cell.match(raw, at):
        if not found[1]:
            return None
        at = found.end()
    return at


def separator_of(header: str) -> str:
    """Return the separator of the cells of a table, found in its first line."""
    outside = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=outside.count)
