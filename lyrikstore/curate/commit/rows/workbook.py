"""Workbooks of rows, committed as what their one table says, and the one table of a folder."""

import shlex
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.curate.readers.recognise import is_companion
from lyrikstore.curate.scan.scan import Scan
from lyrikstore.curate.sheets.sheet import workbook_rows
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.chunk.sources import unreadable

SUFFIX = ".xlsx"
_TABLES = (".csv", ".tsv", SUFFIX)


def is_workbook(path: str) -> bool:
    """Return whether the name of a file is that of a workbook."""
    return path.lower().endswith(SUFFIX)


def rows_path(path: str) -> str:
    """Return the path under which the rows of a workbook are committed."""
    return f"{path[: -len(SUFFIX)]}.jsonl"


def workbook_parts(path: str, location: str, sheet: str | None) -> Iterator[bytes]:
    """Yield the rows of a workbook as lines of JSON: column → cell as text.

    Raises:
        InvalidInputError: (``file-unreadable``, ``file-missing``); else as :func:`workbook_rows`.
    """
    try:
        for row in workbook_rows(Path(path), Path(location), sheet):
            yield encode(dict(row)) + b"\n"
    except OSError as error:
        raise unreadable(error, path) from None


def was_document(path: str, before: bytes) -> bool:
    """Return whether a file is one of the documents of the version before, given its tree."""
    return bool(before) and path in Tree.parse(before).by_path


def check_table(scan: Scan, folder: Path, name: str, before: bytes) -> None:
    """Refuse a folder with one table of which nobody said what it is.

    It may be the sheet about the other files, or rows, or one of the documents.

    Args:
        scan: The files of a folder.
        folder: What to call it.
        name: What the dataset is called, for the commands that say it.
        before: The tree of the version before, if it has documents: it may be one of them.

    Raises:
        InvalidInputError: (``which-table``) ``details`` has the table, as ``table``, the
            commands, as ``commands``, and whether there are other files, as ``othersBeside``.
    """
    tables = [path for path in scan.paths if path.lower().endswith(_TABLES)]
    if len(tables) != 1:
        return
    others = any(path != tables[0] and not is_companion(path) for path in scan.paths)
    if not (others or is_workbook(tables[0])):
        return
    if was_document(tables[0], before):
        return
    table = scan.spelled.get(tables[0], tables[0])
    start = f"lyrikstore commit {shlex.quote(str(folder))} -d {name}"
    place = shlex.quote(str(folder / PurePosixPath(table)))
    rows = f"lyrikstore commit {place} -d {name}"
    about = f"{start} --metadata {place}" if others else f"{start} --reader {DOCUMENT}"
    plain = f"; add --reader {DOCUMENT} where it is a document as they are" if others else ""
    raise InvalidInputError(
        "which-table",
        f"{table} is the one table in {folder}: are its rows the records, or is it "
        + ("the sheet about the other files?" if others else "a document?"),
        hint=f"rows: {rows}; {'sheet' if others else 'document'}: {about}{plain}",
        details={"table": tables[0], "commands": [rows, about], "othersBeside": others},
    )
