"""Cache of parsed metadata sheets, so that an unchanged workbook is not parsed again.

It lies in the user's cache folder, like all data that decides what is signed (spec/adr/0003). It is
derived and can be deleted; a damaged entry is ignored.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, NotFoundError, StorageError, storage_errors
from lyrikstore.canon.files import open_regular, real_path, remember
from lyrikstore.curate.sheets.mistakes import Mistakes
from lyrikstore.curate.sheets.sheet import Row, Sheet, read_sheet

MAX_BYTES = 64 << 20
"""Largest table that is cached."""


def sheet_digest(sheet: Path | None) -> str:
    """Return the digest of the sheet's bytes; empty if there is no sheet or it cannot be read."""
    if sheet is not None:
        with suppress(NotFoundError, StorageError):
            return Digest.of_file(sheet).hex
    return ""


def recalled_sheet(
    path: Path, key: str | None, digest: str, directory: Path | None, mistakes: Mistakes
) -> Sheet:
    """Return the table in a sheet, from the cache if its bytes and ``key`` are unchanged.

    It raises the errors of :func:`lyrikstore.curate.sheets.sheet.read_sheet`.

    Args:
        path: The sheet.
        key: The join column, if one was named.
        digest: The digest from :func:`sheet_digest`.
        directory: The user's cache folder for this store; ``None``: nothing is cached.
        mistakes: Collects mistakes after which reading can continue; a sheet with mistakes is not
            cached.
    """
    if directory is None or not digest:
        return read_sheet(path, key, mistakes)
    request = {"sheet": digest, "key": key, "suffix": path.suffix.lower()}
    place = directory / f"sheet-{Digest.of(str(real_path(path)).encode(errors='replace')).short}"
    found = _load(place, request, path.name)
    if found is None:
        found = read_sheet(path, key, mistakes)
        if not mistakes and sheet_digest(path) == digest:  # not changed while it was read
            _save(place, request, found)
    return found


def forget_sheets(directory: Path) -> int:
    """Delete all cached tables in ``directory``, and return their total size in bytes.

    Raises:
        StorageError: A file cannot be deleted.
    """
    freed = 0
    with storage_errors(f"forgetting the sheets in {directory}"):
        for place in directory.glob("sheet-*"):
            freed += place.lstat().st_size
            place.unlink(missing_ok=True)
    return freed


def _save(place: Path, request: dict[str, Any], sheet: Sheet) -> None:
    rows = [(row.number, row.key, dict(row.meta)) for row in sheet.rows]
    table = {"key": sheet.key, "columns": sheet.columns, "digest": str(sheet.digest), "rows": rows}
    data = json.dumps({**request, "table": table}, ensure_ascii=False).encode()
    if len(data) <= MAX_BYTES:
        remember(place, blake3(data).digest() + data)


def _load(place: Path, request: dict[str, Any], name: str) -> Sheet | None:
    with suppress(OSError, ValueError, KeyError, TypeError, FormatError):
        if place.stat().st_size > MAX_BYTES + 32:
            return None
        with open_regular(place) as file:
            os.fchmod(file.fileno(), 0o600)  # earlier versions left it readable for other users
            data = file.read(MAX_BYTES + 32)
        if data[:32] != blake3(data[32:]).digest():
            return None
        found = json.loads(data[32:])
        table = found.pop("table")
        if found == request:
            return Sheet(
                name=name,
                key=table["key"],
                columns=tuple(table["columns"]),
                rows=tuple(Row(number, key, meta) for number, key, meta in table["rows"]),
                digest=Digest.parse(table["digest"]),
            )
    return None
