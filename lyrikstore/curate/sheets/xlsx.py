"""The rows of a table in an XLSX workbook, read without trusting the file.

A workbook is a ZIP of XML. Sizes are checked against limits before anything is unpacked, document
type declarations are refused (entity bombs), and the dimensions that a sheet states are ignored (a
stated A1:XFD1048576 would make the reader pad 17 billion cells).
"""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import pluralize, unknown_word
from lyrikstore.curate.sheets.cells import cell_text
from lyrikstore.curate.sheets.mistakes import Mistakes

MAX_UNPACKED_BYTES = 512 << 20
MAX_PARTS = 10_000
MAX_RATIO = 200
MAX_ROWS = 1_048_576

# The exceptions that openpyxl raises for unexpected XML.
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
_FORMULA = re.compile(rb"<(?:[^<>\s/!?:]+:)?f[\s>/]")
_ENCODINGS = frozenset({"utf-8", "utf-16", "us-ascii", "ascii"})
_MAX_TAG = 1 << 16


def xlsx_rows(
    path: Path, file: BinaryIO, mistakes: Mistakes, wanted: str | None = None
) -> Iterator[tuple[int, list[str | None]]]:
    """Yield (1-based row number, canonical cell texts) of one sheet, blank rows left out.

    Args:
        path: Its name, for messages.
        file: An XLSX file.
        mistakes: Collects cells with errors (``#N/A``), and formulas that were never calculated.
        wanted: The name of the sheet; None: the first visible one.

    Raises:
        InvalidInputError: (``bad-sheet``) the file is not a workbook, is broken, exceeds a limit,
            or has several visible sheets with content and none is named; (``no-sheet``) it has no
            sheet of that name.
        OSError: The file cannot be read.

    Cost: O(cells); streamed.
    """
    _check_archive(path, file, mistakes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that openpyxl does not model
            with _opened(file, values=True) as workbook:
                yield from _rows(path, workbook, mistakes, wanted)
    except InvalidInputError:
        raise
    except _BROKEN as error:
        raise _bad(path, f"not a readable workbook ({type(error).__name__})") from None


def _rows(
    path: Path, workbook: Any, mistakes: Mistakes, wanted: str | None
) -> Iterator[tuple[int, list[str | None]]]:
    sheet = _sheet(path, workbook, wanted)
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if number > MAX_ROWS:
            raise _bad(path, f"more than {MAX_ROWS} rows")
        texts: list[str | None] = []
        for cell in cells:
            try:
                texts.append(_text(cell))
            except InvalidInputError as error:
                message = f"{path.name}: cell {cell.coordinate}: {error.message}"
                mistakes.add(InvalidInputError(error.kind, message, hint=error.hint), number)
                texts.append(None)
        if any(text is not None for text in texts):
            yield number, texts


def _sheet(path: Path, workbook: Any, wanted: str | None) -> Any:
    if wanted is not None:
        titles = [sheet.title for sheet in workbook.worksheets]
        if wanted not in titles:
            raise unknown_word("no-sheet", f"sheet in {path.name}:", wanted, titles)
        return workbook.worksheets[titles.index(wanted)]
    sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    if not sheets:
        raise _bad(path, "no visible sheet")
    for other in sheets[1:]:
        other.reset_dimensions()
        if next(iter(other.iter_rows(max_row=1)), ()):
            raise InvalidInputError(
                "bad-sheet",
                f"{path.name}: holds more than one sheet ({sheets[0].title!r}, {other.title!r})",
                hint="save the table as a separate file, or hide the other sheets; in a workbook "
                "of rows, name the sheet with --sheet",
            )
    return sheets[0]


def _text(cell: Any) -> str | None:
    if cell.value is not None and cell.data_type == "e":
        raise InvalidInputError(
            "bad-sheet", f"in error ({cell.value})", hint="correct or empty the cell"
        )
    return cell_text(cell.value)


def _check_archive(path: Path, file: BinaryIO, mistakes: Mistakes) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            _check_sizes(path, parts)
            for part in parts:
                with archive.open(part) as stream:
                    _check_prolog(path, part.filename, stream)
            _check_formulas(path, file, archive, mistakes)
    except InvalidInputError:
        raise
    except _BROKEN:
        raise _bad(path, "not an XLSX workbook, or a broken or encrypted one") from None


def _check_prolog(path: Path, name: str, stream: IO[bytes]) -> None:
    # A parser reads up to the root element: a declaration may follow a comment of any length, be in
    # UTF-16, or be in a part of any name that the workbook refers to.
    from xml.parsers import expat

    rooted = False

    def refuse(*_: object) -> None:
        raise _bad(path, f"{name} declares a document type")

    def declare(_version: str, encoding: str | None, _standalone: int) -> None:
        # In another encoding the markup would have other bytes than those searched for.
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise _bad(path, f"{name} is neither UTF-8 nor UTF-16")

    def end(*_: object) -> None:
        nonlocal rooted
        rooted = True

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.XmlDeclHandler = declare
    parser.StartElementHandler = end
    try:
        while not rooted and (read := stream.read(1 << 12)):
            parser.Parse(read)
    except expat.ExpatError:
        if not rooted and name.endswith((".xml", ".rels")):
            raise _bad(path, f"{name} is not XML") from None


def _check_sizes(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    # zipfile never unpacks a part beyond its declared size, so declared sizes bound the work.
    if len(parts) > MAX_PARTS:
        raise _bad(path, f"more than {MAX_PARTS} parts")
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if unpacked > MAX_UNPACKED_BYTES:
        raise _bad(
            path,
            f"unpacks to {pluralize(unpacked, 'byte')}, more than the {MAX_UNPACKED_BYTES} allowed",
        )
    if unpacked > (16 << 20) and unpacked > MAX_RATIO * max(packed, 1):
        raise _bad(path, f"unpacks to {unpacked // max(packed, 1)} times its size")
    names = {part.filename for part in parts}
    if "[Content_Types].xml" not in names:
        raise _bad(path, "a ZIP file, but not a workbook")
    if len(names) != len(parts):
        raise _bad(path, "two parts of one name")


def _check_formulas(
    path: Path, file: BinaryIO, archive: zipfile.ZipFile, mistakes: Mistakes
) -> None:
    # A formula that was never calculated is read as an empty cell, so a value would be lost
    # silently. A sheet may be in a part of any name, which only the workbook's relations state. So
    # all parts are searched for possible formulas, and openpyxl decides.
    for part in archive.infolist():
        with archive.open(part) as stream:
            tail = b""
            while read := stream.read(1 << 20):
                found = tail + read.replace(b"\0", b"")  # UTF-16: the markup is ASCII
                if _FORMULA.search(found):
                    _find_uncalculated(path, file, mistakes)
                    return
                tail = found[max(found.rfind(b"<"), 0) :]
                if len(tail) > _MAX_TAG:  # text, not a tag that continues in the next block
                    tail = b""


def _find_uncalculated(path: Path, file: BinaryIO, mistakes: Mistakes) -> None:
    with _opened(file, values=False) as formulas, _opened(file, values=True) as values:
        for left, right in zip(formulas.worksheets, values.worksheets, strict=True):
            left.reset_dimensions()
            right.reset_dimensions()
            for wanted, found in zip(left.iter_rows(), right.iter_rows(), strict=True):
                for cell, value in zip(wanted, found, strict=True):
                    if cell.data_type == "f" and value.value is None:
                        error = InvalidInputError(
                            "bad-sheet",
                            f"{path.name}: the formula in {cell.coordinate} has no value",
                            hint="open the file in a spreadsheet program and save it, "
                            "or paste values",
                        )
                        mistakes.add(error, cell.row)


@contextmanager
def _opened(file: BinaryIO, *, values: bool) -> Iterator[Any]:
    import openpyxl  # slow to load: only when a workbook is read

    workbook = openpyxl.load_workbook(file, read_only=True, data_only=values, keep_links=False)
    try:
        yield workbook
    finally:
        workbook.close()


def _bad(path: Path, reason: str) -> InvalidInputError:
    return InvalidInputError(
        "bad-sheet",
        f"{path.name}: {reason}",
        hint="save the table again as XLSX, or as CSV (UTF-8)",
    )
