"""``csv/1`` and ``csv/2``: rows of a table of comma-, semicolon- or tab-separated text (spec §9.1).

``csv/1`` is that of 0.1.0: every row an array of its cells, the header too. ``csv/2`` is a table:
the header names the columns, a row is an object, an empty cell is absent.
"""

import csv
import io
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from lyrikstore.canon.json import encode
from lyrikstore.canon.limits import MAX_CELL, MAX_RECORD_BYTES
from lyrikstore.canon.text import WHITE_SPACE
from lyrikstore.history.records.rows import BadRow, RawRow

SEPARATORS = (",", ";", "\t")


def read_cells(path: str, stream: BinaryIO) -> Iterator[RawRow | BadRow]:  # noqa: ARG001
    """Yield the rows that are not empty, each as the JCS array of its cells."""
    rows = _Rows(stream)
    try:
        for row in rows.read(","):
            if isinstance(row, BadRow):
                yield row
            elif row:
                data = encode(row)
                if len(data) > MAX_RECORD_BYTES:
                    yield BadRow(rows.line, _TOO_LONG)
                else:
                    yield RawRow(rows.line, data, rows.raw)
    finally:
        rows.close()


def read_table(path: str, stream: BinaryIO) -> Iterator[RawRow | BadRow]:  # noqa: ARG001
    """Yield the rows below the header, each as the JCS object column → cell.

    What is wrong with the header is wrong with the whole file: it is the last that is yielded.
    """
    rows = _Rows(stream)
    names: list[str] | None = None
    try:
        for row in rows.read(None):
            if isinstance(row, BadRow):
                yield row
                if names is None:
                    return
            elif not any(row):
                continue
            elif names is None:
                names = [cell.strip(WHITE_SPACE) for cell in row]
                if problem := _header_problem(names):
                    yield BadRow(rows.line, problem)
                    return
            elif len(row) != len(names):
                yield BadRow(rows.line, f"{len(row)} cells where the header has {len(names)}")
            elif any(cell and not name for name, cell in zip(names, row, strict=True)):
                yield BadRow(rows.line, "a cell with content in a column without a name")
            else:
                data = encode({name: cell for name, cell in zip(names, row, strict=True) if cell})
                if len(data) > MAX_RECORD_BYTES:
                    yield BadRow(rows.line, _TOO_LONG)
                else:
                    yield RawRow(rows.line, data, rows.raw)
    finally:
        rows.close()


def table_header(stream: BinaryIO) -> bytes:
    """Return the bytes of a table up to its first row: what a copy of some rows begins with."""
    rows = _Rows(stream)
    try:
        for row in rows.read(None):
            if isinstance(row, BadRow) or any(row):
                return rows.raw
        return b""
    finally:
        rows.close()


_NOT_UTF8 = "not UTF-8: save it as CSV UTF-8"
_TOO_LONG = f"a row is longer than {MAX_RECORD_BYTES} bytes"


def _header_problem(names: list[str]) -> str:
    given = [name for name in names if name]
    twice = next((name for name in given if given.count(name) > 1), None)
    return "" if twice is None else f"the header names {twice[:80]!r} twice"


class _Rows:
    """The rows of one file, with the line that each begins at and its text.

    Attributes:
        line: 1-based line at which the row yielded last begins.
        raw: Its bytes, its end included.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        self._lines: list[str] = []
        self._size = self._above = 0
        self.line = 1
        self.raw = b""

    def close(self) -> None:
        """Leave the stream as it is."""
        self._text.detach()

    def read(self, separator: str | None) -> Iterator[list[str] | BadRow]:
        """Yield the cells of each row, or why it is none; None: find the separator."""
        try:
            first = "" if separator else self._first_line()
        except UnicodeDecodeError:
            yield BadRow(1, _NOT_UTF8)
            return
        separator = separator or _separator(first)
        rows = csv.reader(self._feed(first), strict=True, delimiter=separator)
        done, above = 0, self._above
        while True:
            self._lines, self._size = [], 0
            self.line = above + done + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except UnicodeDecodeError:
                yield BadRow(above + rows.line_num + 1, _NOT_UTF8)
                return
            except csv.Error as error:
                done = rows.line_num
                yield BadRow(self.line, str(error))
                continue
            except _TooLongError:
                yield BadRow(self.line, _TOO_LONG)
                return
            done = rows.line_num
            self.raw = "".join(self._lines).encode()
            # The csv module has a limit of that size, which anybody in the process may change.
            if len(self.raw) > MAX_CELL and max(map(len, row), default=0) > MAX_CELL:
                yield BadRow(self.line, f"a cell is longer than {MAX_CELL} characters")
            else:
                yield row

    def _first_line(self) -> str:
        """Return the first line that is not empty; those above are counted and left out."""
        while line := self._text.readline(MAX_RECORD_BYTES + 3):
            if line.strip("\r\n"):
                return line
            self._above += 1
        return ""

    def _feed(self, first: str) -> Iterator[str]:
        rest = iter(lambda: self._text.readline(MAX_RECORD_BYTES + 3), "")
        for line in chain([first] if first else [], rest):
            self._size += len(line)
            if self._size > MAX_RECORD_BYTES + 2:  # a record has at least the bytes of its row
                raise _TooLongError
            self._lines.append(line)
            yield line


class _TooLongError(Exception):
    pass


def _separator(header: str) -> str:
    outside = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=outside.count)
