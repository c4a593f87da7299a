"""The records of one version in a file of the user's cache, paged and searched quickly.

The file is derived: it is built from verified bytes, and can be deleted at any time. A stamp next
to it has its BLAKE3, so that a file that somebody else changed is built again and never opened. It
holds the data itself: it is readable by this user alone, and :func:`forget_rows` removes it when
the version is retired or purged (attack row A212).
"""

import contextlib
import json
import os
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, StorageError, storage_errors
from lyrikstore.canon.files import open_own, open_private
from lyrikstore.canon.json import encode, parse_canonical
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.curate.recipes.source import RecordSource, parse_rows
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import record_id
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.objects.io.safe_folder import refuse_link

CUT = 300
"""Characters of a value that a page of rows has; the row itself has all."""

MAX_FIELDS = 1000
"""Most different fields that are listed; those of a row are all in the row."""

MAX_VALUES = 1000
"""Most different values that are counted."""

_LONG = 200
_FORM = 1
_WINDOW = 122_880  # rows of a row group of DuckDB: the unit of a scan, and of its threads
_ENDING = ".rows.duckdb"
_SETTINGS: Mapping[str, str | int] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "192MB",
    "python_enable_replacements": "false",
    "threads": 2,
}
Counts = tuple[tuple[str, int], ...] | None

_checked: dict[Path, tuple[int, int, int]] = {}
"""Path → inode, size and time of files whose digest this process compared with their stamp."""


class IndexedRow(Struct, frozen=True):
    """A row of an index.

    Attributes:
        number: Its number in the version, from 0, in storage order.
        path: Its file.
        position: Its position in that file, from 0.
        record: Its id, 64 hex digits.
        values: Field → text of the value, cut in pages of rows.
        is_cut: Whether a value is cut.
    """

    number: int
    path: str
    position: int
    record: str
    values: Mapping[str, str]
    is_cut: bool


class FoundRows(Struct, frozen=True):
    """The rows that a search found.

    Attributes:
        rows: The rows, in storage order.
        after: The number of the row from which to go on; None if all rows were searched.
        searched: The number of rows from the start that were searched.
    """

    rows: tuple[IndexedRow, ...]
    after: int | None
    searched: int


class RowIndex(Struct, frozen=True):
    """The index of one version.

    Attributes:
        path: The file.
        rows: Number of rows.
        fields: Fields in the order in which they first occur, at most :data:`MAX_FIELDS`.
        licences: Value of the licence field → number of rows, the most frequent first; None if
            there is no such field, or more than :data:`MAX_VALUES` values.
    """

    path: Path
    rows: int
    fields: tuple[str, ...]
    licences: tuple[tuple[str, int], ...] | None

    @classmethod
    def open(cls, folder: Path, version: Digest) -> "RowIndex | None":
        """Return the index of a version, or None if there is none that matches its stamp."""
        path = _path(folder, version)
        try:
            return cls(path, *_read_stamp(path))
        except (OSError, FormatError, KeyError, TypeError):
            return None

    def page(self, first: int, count: int) -> tuple[IndexedRow, ...]:
        """Return consecutive rows.

        Raises:
            StorageError: The file cannot be read.
        """
        return self._rows("number >= ? AND number < ?", first, first + count)

    def whole(self, number: int) -> IndexedRow | None:
        """Return one row with its whole values, or None; raises as :meth:`page`."""
        with self._connection() as connection:
            found = connection.execute(
                "SELECT number, path, position, record, coalesce(whole, shown) "
                "FROM rows WHERE number = ?",
                [number],
            ).fetchone()
        return None if found is None else _row((*found, False))

    def at(self, places: Collection[tuple[str, int]]) -> tuple[IndexedRow, ...]:
        """Return the rows at some places: file, and position in it from 0; raises as :meth:`page`.

        Cost: one pass over the places of all rows.
        """
        if not places:
            return ()
        asked = ", ".join(["(?, ?)"] * len(places))
        values = [value for place in places for value in place]
        return self._rows(f"(path, position) IN ({asked})", *values)

    def with_keys(self, keys: Collection[str]) -> tuple[IndexedRow, ...]:
        """Return the rows whose id, the field of that role, is one of some; costs as :meth:`at`."""
        asked = ", ".join("?" * len(keys))
        return self._rows(f"key IN ({asked})", *keys) if keys else ()

    def search(self, text: str, start: int, most: int, seconds: float) -> FoundRows:
        """Return the rows in which a value contains a text, whatever its case.

        Args:
            text: What is looked for.
            start: The number of the first row to look at.
            most: Most rows to return.
            seconds: Time after which the search stops where it is.

        Raises:
            StorageError: The file cannot be read.
        """
        until, wanted = time.monotonic() + seconds, text.casefold()
        numbers: list[int] = []
        at, window = start, _WINDOW
        with self._connection() as connection:
            while at < self.rows and len(numbers) <= most:
                began = time.monotonic()
                end = min((at // _WINDOW) * _WINDOW + window, self.rows)
                numbers += (
                    number
                    for (number,) in connection.execute(
                        "SELECT number FROM rows WHERE number >= ? AND number < ? "
                        "AND contains(folded, ?) ORDER BY number LIMIT ?",
                        [at, end, wanted, most + 1 - len(numbers)],
                    ).fetchall()
                )
                at = end
                taken = time.monotonic() - began
                if time.monotonic() + taken > until:  # as much again would be too late
                    break
                if time.monotonic() + 3 * taken < until:
                    window *= 2
        if len(numbers) > most:
            at = numbers[most]
        shown = numbers[:most]
        listed = ", ".join(map(str, shown))
        rows = self._rows(f"number IN ({listed})") if shown else ()
        return FoundRows(rows, None if at >= self.rows else at, at)

    def _rows(self, where: str, *values: int | str) -> tuple[IndexedRow, ...]:
        with self._connection() as connection:
            found = connection.execute(
                "SELECT number, path, position, record, shown, whole IS NOT NULL "  # noqa: S608 - own words
                f"FROM rows WHERE {where} ORDER BY number",
                list(values),
            ).fetchall()
        return tuple(map(_row, found))

    @contextlib.contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        # Opened for each use: a purge may remove the file at any time.
        with _database_errors("read"):
            connection = duckdb.connect(str(self.path), read_only=True, config=dict(_SETTINGS))
            try:
                yield connection
            finally:
                connection.close()


def build_rows(
    repository: Repository, manifest: Manifest, folder: Path, progress: OnProgress = silent
) -> RowIndex:
    """Write the index of a version's rows, and return it.

    Args:
        repository: The store.
        manifest: A version of a dataset of rows.
        folder: The folder of the indexes, in the user's cache of the store.
        progress: Progress callback, in rows.

    Raises:
        IncompleteError: (``retired``) the version is retired, also while the index is built.
        LyrikstoreError: Its data is damaged or missing, or a row cannot be read.
        StorageError: The file cannot be written, or rows do not fit into its memory.

    Cost: one read of the data; some 50,000 rows a second; memory for one batch of rows.
    """
    path = _path(folder, manifest.id)
    source = RecordSource.of(manifest, present_tree(repository, manifest))
    with storage_errors(f"writing {path}"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_link(folder)
        work = folder / f"{path.name}.{secrets.token_hex(8)}.new"
        work.mkdir(mode=0o700)
        try:
            building = work / path.name
            with _database_errors("kept"):
                rows, fields, licences = _fill(building, source, repository, manifest, progress)
            building.chmod(0o600)
            stamp: dict[str, Any] = {
                "form": _FORM,
                "duckdb": duckdb.__version__,
                "rows": rows,
                "fields": list(fields),
                "database": str(Digest.of_file(building)),
            }
            if licences is not None:
                stamp["licences"] = [list(one) for one in licences]
            with open_private(work / "stamp", "xb") as file:
                file.write(encode(stamp))
            # ATTACK A212: a purge that ran meanwhile did not see this file.
            repository.refresh()
            present_tree(repository, manifest)
            building.replace(path)
            (work / "stamp").replace(_stamp(path))
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return RowIndex(path, rows, fields, licences)


def forget_rows(folder: Path, versions: Collection[Digest] | None = None) -> int:
    """Remove indexes of rows; return their size in bytes.

    Args:
        folder: The folder of the indexes.
        versions: The versions whose indexes are removed; None: all, also unfinished ones.

    Raises:
        StorageError: A file cannot be removed; (``linked-folder``) the folder is a link.
    """
    if not os.path.lexists(folder):
        return 0
    refuse_link(folder)
    if versions is None:
        found = sorted(folder.glob(f"*{_ENDING}*"))
    else:
        paths = [_path(folder, version) for version in versions]
        found = [one for path in paths for one in (path, _stamp(path)) if os.path.lexists(one)]
    freed = 0
    with storage_errors(f"removing the rows in {folder}"):
        for path in found:
            freed += path.lstat().st_size
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    return freed


@contextlib.contextmanager
def _database_errors(done: str) -> Iterator[None]:
    """Raise StorageError (``io``) for an error of the database, such as rows beyond its memory."""
    try:
        yield
    except duckdb.Error as error:
        reason = " ".join(str(error).split())[:200]
        raise StorageError("io", f"the rows could not be {done}: {reason}") from error


def _path(folder: Path, version: Digest) -> Path:
    return folder / f"{version.hex}{_ENDING}"


def _stamp(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _read_stamp(path: Path) -> tuple[int, tuple[str, ...], Counts]:
    with open_own(_stamp(path)) as file:
        stamp: Any = parse_canonical(file.read(MAX_JSON_BYTES + 1))
    if stamp["form"] != _FORM or stamp["duckdb"] != duckdb.__version__ or path.is_symlink():
        raise FormatError("bad-index", "the rows are of another version")
    with open_own(path) as file:
        found = os.fstat(file.fileno())
    mark = found.st_ino, found.st_size, found.st_mtime_ns
    if _checked.get(path) != mark:
        if str(Digest.of_file(path)) != stamp["database"]:
            raise FormatError("bad-index", "the rows do not match their stamp")
        _checked[path] = mark
    licences = stamp.get("licences")
    counts = None if licences is None else tuple((name, count) for name, count in licences)
    return int(stamp["rows"]), tuple(stamp["fields"]), counts


def _fill(
    building: Path,
    source: RecordSource,
    repository: Repository,
    manifest: Manifest,
    progress: OnProgress,
) -> tuple[int, tuple[str, ...], Counts]:
    """Write the rows into a new database; return their number, their fields and licences."""
    import pyarrow as pa

    fields: dict[str, None] = {}
    licences: Counter[str] = Counter()
    roles, number = source.roles, 0
    connection = duckdb.connect(str(building), config=dict(_SETTINGS))
    try:
        connection.execute(
            "CREATE TABLE rows (number BIGINT, path VARCHAR, position BIGINT, record VARCHAR, "
            "key VARCHAR, shown VARCHAR, whole VARCHAR, folded VARCHAR)"
        )
        for batch in source.batches(repository.blobs.open):
            keys, shown, whole, folded = [], [], [], []
            for row in parse_rows(batch, source.reader):
                texts = {name: _text(value) for name, value in row.items()}
                cut = {name: text[:CUT] for name, text in texts.items()}
                keys.append(texts.get(roles.id) if roles.id else None)
                shown.append(_packed(cut))
                whole.append(_packed(texts) if cut != texts else None)
                folded.append("\x1f".join(texts.values()).casefold().replace("\0", "\ufffd"))
                if roles.licence and len(licences) <= MAX_VALUES:
                    licences[texts.get(roles.licence, "")[:_LONG]] += 1
                if len(fields) < MAX_FIELDS:
                    fields.update(dict.fromkeys(name for name in texts if len(name) <= _LONG))
            count = len(batch.rows)
            columns: dict[str, Any] = {
                "number": pa.array(range(number, number + count), pa.int64()),
                "path": pa.array([batch.path] * count, pa.string()),
                "position": pa.array(range(batch.position, batch.position + count), pa.int64()),
                "record": pa.array([record_id(source.reader, one).hex for one in batch.rows]),
                "key": pa.array(keys, pa.string()),
                "shown": pa.array(shown, pa.string()),
                "whole": pa.array(whole, pa.string()),
                "folded": pa.array(folded, pa.string()),
            }
            connection.register("batch", pa.table(columns))
            connection.execute("INSERT INTO rows SELECT * FROM batch")
            connection.unregister("batch")
            number += count
            progress(Progress(number, manifest.body["records"], phase="reading rows"))
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
    listed = roles.licence and len(licences) <= MAX_VALUES
    counts = tuple(licences.most_common()) if listed else None
    return number, tuple(fields)[:MAX_FIELDS], counts


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _packed(texts: Mapping[str, str]) -> str:
    return msgspec.json.encode(texts).decode()


def _row(found: Sequence[Any]) -> IndexedRow:
    number, path, position, record, values, is_cut = found
    return IndexedRow(number, path, position, record, json.loads(values), bool(is_cut))
