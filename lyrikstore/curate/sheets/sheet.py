"""Metadata sheets: one table beside the files, as CSV or XLSX, joined to them by path.

Normative text: spec §12.3. The same table gives the same metadata in every format, so that a
dataset's id does not depend on the program that saved the sheet.
"""

import csv
import io
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from threading import Lock
from typing import BinaryIO, TextIO

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import EmptyResultError, InvalidInputError
from lyrikstore.canon.files import no_file, open_regular
from lyrikstore.canon.json import encode
from lyrikstore.canon.text import pluralize, unknown_word
from lyrikstore.curate.sheets.mistakes import Mistakes
from lyrikstore.history.trees.tree import Tree

KEY_COLUMNS = ("path", "file", "filename")
MAX_COLUMNS = 1_000
MAX_BYTES = 512 << 20
"""Largest size of a sheet in bytes; its table must fit in memory."""
MAX_ROW_BYTES = 1_000_000
"""Largest row in canonical form; with path and digest it must fit a line of a tree (spec/05)."""

_MAX_ROW_TEXT = 4 * MAX_ROW_BYTES  # as CSV: quotes, and characters that canonical JSON escapes
_CSV_LIMIT = Lock()

# Matches at the start of a cell, and after a character at which a program with decimal commas
# starts another cell; includes the wide forms, which Excel treats alike in East Asia. Numbers do
# not match.
_FORMULA = re.compile(
    r"(?:^\s*|[;\t])(?:[=@\uff1d\uff20]|[+\-\uff0b\uff0d](?![\d.,]*(?:$|[;\t])))|^[\t\r]"
)
_Rows = Iterator[tuple[int, list[str | None]]]


class Row(Struct, frozen=True):
    """One row of a sheet.

    Attributes:
        number: 1-based row number (XLSX) or line number of the row's end (CSV), for messages.
        key: The cell in the key column, NFC.
        meta: The other non-empty cells by column name.
    """

    number: int
    key: str
    meta: Mapping[str, str]


class Sheet(Struct, frozen=True):
    """A metadata table.

    Attributes:
        name: The file's name, for messages.
        key: Name of the join column.
        columns: The other columns, in sheet order.
        rows: In sheet order; keys are unique as written.
        digest: BLAKE3 of the canonical table (spec §12.3.4), equal for CSV and XLSX.
    """

    name: str
    key: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    digest: Digest


class Joined(Struct, frozen=True):
    """The result of joining a sheet to files.

    Attributes:
        meta: File path -> metadata, for each file that has a row, even an empty one.
        orphan_files: Paths without a row, in path order.
        orphan_rows: Rows without a file, in sheet order.
    """

    meta: Mapping[str, Mapping[str, str]]
    orphan_files: tuple[str, ...]
    orphan_rows: tuple[Row, ...]


def read_sheet(path: Path, key: str | None = None, mistakes: Mistakes | None = None) -> Sheet:
    """Return the table in a CSV, TSV or XLSX file.

    Args:
        path: The file; its suffix decides the format. CSV is UTF-8, with or without a byte-order
            mark.
        key: The join column; by default the first of ``path``, ``file``, ``filename``.
        mistakes: Collects mistakes after which reading can continue, so that the caller can add
            more; without it they are raised together.

    Raises:
        InvalidInputError: (``bad-sheet``) the file is unreadable, not a regular file, larger than
            :data:`MAX_BYTES`, or malformed, with the row; (``no-key-column``) it has no join
            column; (``duplicate-rows``) two rows have the same key; (``no-reader``) it has another
            format.

    Cost: one pass; the table is held in memory.
    """
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".tsv", ".xlsx"}:
        raise InvalidInputError(
            "no-reader",
            f"{path.name}: no reader for {suffix or 'a sheet without suffix'}",
            hint="save the sheet as .xlsx, .csv or .tsv",
        )
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                hint = "split the dataset, with a sheet for each part"
                raise _bad(path, f"larger than {MAX_BYTES >> 20} MiB", hint)
            found = Mistakes() if mistakes is None else mistakes
            if suffix != ".xlsx":
                sheet = _assemble(path, _csv_rows(path, file, found), key, found)
            else:
                from lyrikstore.curate.sheets.xlsx import xlsx_rows

                sheet = _assemble(path, xlsx_rows(path, file, found), key, found)
            if mistakes is None:
                found.check()
            return sheet
    except FileNotFoundError:
        raise no_file(path) from None
    except OSError as error:
        raise InvalidInputError(
            "bad-sheet",
            f"{path}: cannot be read ({error.strerror or error})",
            hint="check the file and its permissions",
        ) from None


def workbook_rows(path: Path, location: Path, sheet: str | None) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a workbook's table below its header: column → canonical text of the cell.

    Args:
        path: Its path in messages.
        location: Its location on disk.
        sheet: The name of the table; None: the only visible sheet with content.

    Raises:
        InvalidInputError: (``bad-sheet``) all mistakes of the table, after the last row;
            (``no-sheet``) the workbook has no sheet of that name.
        OSError: The file cannot be read.

    Cost: one pass; streamed.
    """
    from lyrikstore.curate.sheets.xlsx import xlsx_rows  # slow to load

    mistakes = Mistakes()
    with open_regular(location) as file:
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise _bad(path, f"larger than {MAX_BYTES >> 20} MiB", "split it, or save it as CSV")
        rows = xlsx_rows(path, file, mistakes, sheet)
        first = next(rows, None)
        if first is None:
            raise mistakes.fail(_bad(path, "the sheet is empty", "the first row names the columns"))
        header = _header(path, first[1], mistakes)
        for number, cells in rows:
            yield _named(path, header, number, cells, mistakes)
    mistakes.check()


def sheet_of(tree: Tree) -> tuple[bytes, str]:
    """Return the metadata of a tree as a CSV sheet, and the name of its join column.

    A commit of the same files with this sheet gives the same tree.

    Raises:
        EmptyResultError: (``no-metadata``) no file has metadata.
    """
    rows = [(entry.path, entry.meta) for entry in tree.entries if entry.meta]
    columns = sorted({name for _, meta in rows for name in meta})
    if not rows:
        raise EmptyResultError("no-metadata", "the version has no metadata for any of its files")
    taken = {name.casefold() for name in columns}
    key = next(name for name in chain(KEY_COLUMNS, map(str, count())) if name not in taken)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow([key, *columns])
    lines = csv.writer(text, lineterminator="\n")
    lines.writerows([path, *(meta.get(name, "") for name in columns)] for path, meta in rows)
    return text.getvalue().encode(), key


def formula_cells(cells: Iterable[str]) -> int:
    """Return the number of ``cells`` that a spreadsheet program could run as formulas."""
    return sum(_FORMULA.search(cell) is not None for cell in cells)


def defuse(cell: str) -> str:
    """Return a cell that spreadsheet programs do not run: an apostrophe precedes each formula.

    ATTACK A103: a file name or a text from another person begins with ``=``, and runs on the
    machine of the user who opens the table.
    """
    return _FORMULA.sub(_with_apostrophe, cell)


def _with_apostrophe(found: re.Match[str]) -> str:
    text = found[0]
    return f"{text[0]}'{text[1:]}" if found.start() and text[0] in ";\t" else f"'{text}"


def table_of(rows: Mapping[str, Mapping[str, str]], columns: Sequence[str]) -> Sheet:
    """Return the table with one row per file, of the values of ``rows`` in these columns."""
    key = KEY_COLUMNS[0]
    hasher = blake3(encode([key, *columns]) + b"\n")
    for path, meta in rows.items():
        hasher.update(encode([path, dict(meta)]) + b"\n")
    table = tuple(Row(at, path, meta) for at, (path, meta) in enumerate(rows.items(), start=2))
    return Sheet("", key, tuple(columns), table, Digest(hasher.digest()))


def join(
    paths: Iterable[str],
    sheet: Sheet,
    mistakes: Mistakes | None = None,
    originals: Mapping[str, str] | None = None,
) -> Joined:
    """Return the rows of the sheet joined to the files (spec §12.3.3).

    A key is an exact relative path; a bare file name counts only if exactly one file has it.

    Args:
        paths: The files.
        sheet: The table.
        mistakes: Collects the mistakes; without it they are raised together.
        originals: Path to the name in the folder, which the sheet uses, if the two differ.

    Raises:
        InvalidInputError: (``duplicate-rows``) two rows describe the same file;
            (``ambiguous-rows``) several files have the bare name. The messages name the rows.

    Cost: O(files + rows).
    """
    ordered = sorted(paths, key=lambda path: path.encode())
    by_path: dict[str, list[str]] = {}
    by_name: dict[str, list[str]] = {}
    for path in ordered:
        named = path if not originals else _composed(originals.get(path, path))
        by_path.setdefault(named, []).append(path)
        by_name.setdefault(named.rpartition("/")[2], []).append(path)
    taken: dict[str, Row] = {}
    orphans: list[Row] = []
    wrong = Mistakes() if mistakes is None else mistakes
    for row in sheet.rows:
        found = by_path.get(row.key) or by_name.get(row.key, [])
        if not found:
            orphans.append(row)
        elif len(found) > 1:
            wrong.add(_ambiguous(sheet.name, row, len(found)))
        elif found[0] in taken:
            wrong.add(_duplicate(sheet.name, found[0], taken[found[0]].number, row.number))
        else:
            taken[found[0]] = row
    if mistakes is None:
        wrong.check()
    return Joined(
        meta={path: taken[path].meta for path in ordered if path in taken},
        orphan_files=tuple(path for path in ordered if path not in taken),
        orphan_rows=tuple(orphans),
    )


def _composed(key: str) -> str:
    return unicodedata.normalize("NFC", key)


def _assemble(path: Path, rows: _Rows, key: str | None, mistakes: Mistakes) -> Sheet:
    first = next(rows, None)
    if first is None:
        raise mistakes.fail(_bad(path, "the sheet is empty", "the first row names the columns"))
    header = _header(path, first[1], mistakes)
    try:
        place = _key_place(path, header, key)
    except InvalidInputError as error:
        raise mistakes.fail(error) from None
    hasher = blake3()
    columns = [name for name in header if name is not None]
    hasher.update(encode([header[place], *(c for c in columns if c != header[place])]) + b"\n")
    seen: dict[str, int] = {}
    table: list[Row] = []
    for number, cells in rows:
        row = _row(path, header, place, number, cells, mistakes)
        if row is None:
            continue
        if row.key in seen:
            mistakes.add(_duplicate(path.name, row.key, seen[row.key], number))
            continue
        seen[row.key] = number
        table.append(row)
        line = encode([row.key, dict(row.meta)]) + b"\n"
        if len(line) > MAX_ROW_BYTES:
            mistakes.add(_too_long(path, f"row {number} has {pluralize(len(line), 'byte')}"))
        hasher.update(line)
    return Sheet(
        name=path.name,
        key=str(header[place]),
        columns=tuple(name for name in columns if name != header[place]),
        rows=tuple(table),
        digest=Digest(hasher.digest()),
    )


def _header(path: Path, cells: list[str | None], mistakes: Mistakes) -> list[str | None]:
    names = [cell.strip() or None if cell is not None else None for cell in cells]
    given = [name for name in names if name is not None]
    if len(given) > MAX_COLUMNS:
        raise mistakes.fail(_bad(path, f"more than {MAX_COLUMNS} columns", "split the sheet"))
    for name in dict.fromkeys(given):
        if given.count(name) > 1:
            mistakes.add(_bad(path, f"two columns are named {name!r}", "rename one of them"))
    return names


def _key_place(path: Path, header: list[str | None], key: str | None) -> int:
    if key is not None:
        if key not in header:
            known = [name for name in header if name is not None]
            error = unknown_word("no-key-column", f"column in {path.name}:", key, known)
            raise error
        return header.index(key)
    folded = [name.casefold() if name is not None else None for name in header]
    for name in KEY_COLUMNS:
        if name in folded:
            return folded.index(name)
    raise InvalidInputError(
        "no-key-column",
        f"{path.name}: no column named path, file or filename",
        hint="name the column that holds the file paths: --key COLUMN (columns: "
        + ", ".join(name for name in header if name is not None)[:200]
        + ")",
    )


def _row(
    path: Path,
    header: list[str | None],
    place: int,
    number: int,
    cells: list[str | None],
    mistakes: Mistakes,
) -> Row | None:
    key = cells[place] if place < len(cells) else None
    if key is None and number not in mistakes.rows:
        hint = "name the file the row describes, or delete the row"
        mistakes.add(_bad(path, f"row {number} has no {header[place]}", hint))
    meta = _named(path, header, number, cells, mistakes)
    meta.pop(str(header[place]), None)
    return None if key is None else Row(number, _composed(key), meta)


def _named(
    path: Path,
    header: list[str | None],
    number: int,
    cells: list[str | None],
    mistakes: Mistakes,
) -> dict[str, str]:
    """Return the cells of a row that have content, by the names of their columns."""
    found: dict[str, str] = {}
    for index, cell in enumerate(cells):
        if cell is None:
            continue
        name = header[index] if index < len(header) else None
        if name is None:
            reason = f"row {number} has a value in column {index + 1}, which has no name"
            mistakes.add(_bad(path, reason, "name the column in the first row, or empty the cell"))
            continue
        found[name] = cell
    return found


def _csv_rows(path: Path, file: BinaryIO, mistakes: Mistakes) -> _Rows:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(file)
    file.seek(0)
    with io.TextIOWrapper(file, "utf-8-sig", newline="") as decoded:
        text = _Lines(path, decoded)
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        width: int | None = None
        try:
            while (cells := _next_row(rows)) is not None:
                text.size = 0
                if not any(cells):
                    continue
                if width is None:
                    width = len(cells)
                if len(cells) != width:
                    count = pluralize(len(cells), "cell")
                    reason = f"line {rows.line_num} has {count}, the first row has {width}"
                    hint = "put cells that hold a separator or a line break in double quotes"
                    mistakes.add(_bad(path, reason, hint))
                    continue
                yield rows.line_num, [cell or None for cell in cells]
        except InvalidInputError as error:  # a row above the limit
            raise mistakes.fail(error) from None
        except UnicodeDecodeError:
            where = f" after line {rows.line_num}" if rows.line_num else ""
            hint = "save it as 'CSV UTF-8', if your spreadsheet program offers it, or as XLSX"
            raise mistakes.fail(_bad(path, f"not UTF-8{where}", hint)) from None
        except csv.Error as error:
            hint = "double quotes inside a quoted cell are written twice"
            raise mistakes.fail(_bad(path, f"line {rows.line_num}: {error}", hint)) from None


class _Lines:
    """The lines of a CSV file; raises when a row is longer than the limit, before holding it.

    Attributes:
        size: Characters read since the caller last set it to 0.
    """

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path, self._file = path, file
        self.size = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(_MAX_ROW_TEXT + 1)
        self.size += len(line)
        if self.size > _MAX_ROW_TEXT:
            raise _too_long(self._path, f"a row has more than {_MAX_ROW_TEXT} characters")
        if not line:
            raise StopIteration
        return line


def _next_row(rows: Iterator[list[str]]) -> list[str] | None:
    # The csv module has one limit on cells, 131,072 characters, for the whole process. It is raised
    # while this row is read, then restored for other code that reads CSV.
    with _CSV_LIMIT:
        limit = csv.field_size_limit(_MAX_ROW_TEXT)
        try:
            return next(rows, None)
        finally:
            csv.field_size_limit(limit)


def _too_long(path: Path, reason: str) -> InvalidInputError:
    most = f"one file can have at most {MAX_ROW_BYTES} bytes of metadata"
    return _bad(path, f"{reason}; {most}", "put long texts into separate files")


def _bad(path: Path, reason: str, hint: str) -> InvalidInputError:
    return InvalidInputError("bad-sheet", f"{path.name}: {reason}", hint=hint)


def _delimiter(file: BinaryIO) -> str:
    # European spreadsheet programs write semicolons in files that they call CSV.
    first = file.readline(1 << 20).decode("utf-8-sig", "replace")
    outside = "".join(first.split('"')[::2])
    return max((",", ";", "\t"), key=outside.count)


def _duplicate(sheet: str, key: str, first: int, second: int) -> InvalidInputError:
    return InvalidInputError(
        "duplicate-rows",
        f"{sheet}: rows {first} and {second} both describe {key!r}",
        hint="keep one row per file",
        details={"key": key, "rows": [first, second]},
    )


def _ambiguous(sheet: str, row: Row, files: int) -> InvalidInputError:
    return InvalidInputError(
        "ambiguous-rows",
        f"{sheet}: row {row.number}: {row.key!r} names {pluralize(files, 'file')}",
        hint="write the relative path instead of the bare file name",
    )
