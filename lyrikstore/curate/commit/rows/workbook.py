"""Workbooks of rows, committed as lines of JSON, and the check of a folder with one table."""

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
    """Return whether a file has the suffix of a workbook."""
    return path.lower().endswith(SUFFIX)


def rows_path(path: str) -> str:
    """Return the path under which the rows of a workbook are committed."""
    return f"{path[: -len(SUFFIX)]}.jsonl"


def workbook_parts(path: str, location: str, sheet: str | None) -> Iterator[bytes]:
    """Yield the rows of a workbook as lines of JSON: column → cell as text.

    Raises:
        InvalidInputError: (``file-unreadable``, ``file-missing``) the file cannot be read; else see
            :func:`workbook_rows`.
    """
    try:
        for row in workbook_rows(Path(path), Path(location), sheet):
            yield encode(dict(row)) + b"\n"
    except OSError as error:
        raise unreadable(error, path) from None


def was_document(path: str, before: bytes) -> bool:
    """Return whether a file is a document of the previous version, whose tree is ``before``."""
    return bool(before) and path in Tree.parse(before).by_path


def check_table(scan: Scan, folder: Path, name: str, before: bytes) -> None:
    """Raise `which-table` if a folder has exactly one table and its role is not clear.

    It may be the sheet about the other files, or rows, or one of the documents.

    Args:
        scan: The files of a folder.
        folder: The path of the folder, for messages.
        name: The dataset's name, for the suggested commands.
        before: The tree of the previous version, if that has documents: a table that is already
            one of them is accepted.

    Raises:
        InvalidInputError: (``which-table``) ``details`` has the path of the table, as ``table``,
            the suggested commands, as ``commands``, and whether the folder has other files, as
            ``othersBeside``.
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
