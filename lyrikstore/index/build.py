"""Building of the index on demand, with a stamp by which it is checked (docs/index-views.md).

The database is derived and can be deleted at any time. A stamp next to it has the log checkpoint
that it was built from, the version, and the BLAKE3 of the file. A database that does not match its
stamp, or whose stamp does not match the store, is built again, and a damaged database is set aside
unopened (attack case A38). An attacker who can write both files can forge them: keep them in a
folder that only this user can write.
"""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    StorageError,
    storage_error,
    storage_errors,
)
from lyrikstore.canon.files import open_private, open_regular, real_path
from lyrikstore.canon.json import encode, parse_canonical
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.history.repository.repository import Repository
from lyrikstore.index.collect import collect
from lyrikstore.index.duckdb_errors import system_error
from lyrikstore.index.query import QueryLimits, QueryResult, Scalar, query
from lyrikstore.index.query_tables import ServedTable
from lyrikstore.index.tables import Writer, create_tables
from lyrikstore.index.views import VERSION, VIEWS
from lyrikstore.objects.io.safe_folder import refuse_link

INDEX_NAME = "index.duckdb"
"""File name of the database in a store's ``cache`` folder."""


class IndexState(Struct, frozen=True):
    """An index that matches its store.

    Attributes:
        path: The database.
        built: Whether this call built it.
        reason: Why it was built: ``absent``, ``stale``, ``wrong``, ``asked``; empty if it was not.
        bytes: Size of the database.
        seconds: Time this call took.
    """

    path: Path
    built: bool
    reason: str
    bytes: int
    seconds: float


def index_path(repository: Repository, cache: Path | None = None) -> Path:
    """Return the path of the index of a local store.

    Args:
        repository: The store.
        cache: This user's cache folder for it, which no other user can write. An index in the
        store's own ``cache`` folder can be forged, with a matching stamp, by anyone who can
        write to the store.
    """
    if cache is None:
        return repository.root / "cache" / INDEX_NAME
    place = Digest.of(os.fsencode(real_path(repository.root)))
    return cache / f"index-{place.short}.duckdb"


def ensure_index(
    repository: Repository,
    path: Path | None = None,
    *,
    rebuild: bool = False,
    progress: OnProgress = silent,
) -> IndexState:
    """Return an index that matches ``repository`` now; build it if needed.

    Args:
        repository: The store, with the log checkpoint that the index must match.
        path: Path of the database; by default in the store's ``cache`` folder.
        rebuild: Build the index even if the present one matches.
        progress: Progress callback, called per log entry of a build.

    Raises:
        StorageError: (``read-only``, ``disk-full``, ``io``) the index cannot be written.
        IncompleteError, VerificationError: The store itself cannot be read.

    Cost: one read of the database file if it matches; else one read of all manifests, trees and
    decision tables, about 50,000 rows a second.
    """
    started = time.monotonic()
    if path is None:
        path = index_path(repository)
        refuse_link(path.parent)  # it is the store's, where others may have laid one
    reason = "asked" if rebuild else _misfit(repository, path)
    if reason:
        with _storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if reason == "wrong":
                _set_aside(path)
            _build(repository, path, progress)
    else:
        with contextlib.suppress(OSError):  # of an earlier version, which others could read
            path.chmod(0o600)
    return IndexState(
        path=path,
        built=bool(reason),
        reason=reason,
        bytes=path.stat().st_size,
        seconds=time.monotonic() - started,
    )


def drop_indexes(cache: Path) -> int:
    """Remove all indexes in a cache folder, also damaged and unfinished ones.

    Args:
        cache: The folder; the next query builds a new index in it.

    Returns:
        Their size in bytes.

    Raises:
        StorageError: An index cannot be removed; (``linked-folder``) the folder is a link.
    """
    refuse_link(cache)
    freed = 0
    with storage_errors(f"removing the indexes in {cache}"):
        for path in cache.glob(f"{INDEX_NAME.partition('.')[0]}*.duckdb*"):
            freed += path.lstat().st_size
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    return freed


def ask(
    repository: Repository,
    sql: str,
    parameters: Sequence[Scalar] = (),
    *,
    path: Path | None = None,
    limits: QueryLimits | None = None,
    tables: Mapping[str, ServedTable] | None = None,
    progress: OnProgress = silent,
) -> QueryResult:
    """Return the result of one ``SELECT`` about the current store.

    Args:
        repository: The store.
        sql: The query, untrusted; see :func:`lyrikstore.index.query.query`.
        parameters: Values for ``?``.
        path: Path of the index; by default in the store's ``cache`` folder.
        limits: Limits of the query.
        tables: Name → table that is read in place.
        progress: Progress callback of a build.

    Raises:
        InvalidInputError, FormatError, NotFoundError, StorageError: See
            :func:`lyrikstore.index.query.query` and :func:`ensure_index`.
    """
    state = ensure_index(repository, path, progress=progress)
    try:
        return query(state.path, sql, parameters, limits=limits, tables=tables)
    except FormatError as error:
        if error.kind != "bad-index" or state.built:
            raise
    # Its bytes are those that were written, yet this DuckDB cannot read them: another version's.
    state = ensure_index(repository, path, rebuild=True, progress=progress)
    return query(state.path, sql, parameters, limits=limits, tables=tables)


def _misfit(repository: Repository, path: Path) -> str:
    """Return why the index at ``path`` does not match the store, or an empty string."""
    if not os.path.lexists(path):
        return "absent"
    if path.is_symlink() or not path.is_file():
        return "wrong"  # and whatever it is, it is not written through
    try:
        with open_regular(_stamp_path(path)) as file:
            stamp = parse_canonical(file.read(MAX_JSON_BYTES + 1))
        found = str(Digest.of_file(path))
    except (OSError, FormatError):
        return "wrong"
    if not isinstance(stamp, dict) or stamp.get("database") != found:
        return "wrong"
    return "" if stamp == _stamp(repository, found) else "stale"


def _set_aside(path: Path) -> None:
    aside = path.with_name(path.name + ".set-aside")
    for place in (aside, _stamp_path(path)):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    if os.path.lexists(path):
        path.rename(aside)


def _stamp(repository: Repository, database: str) -> dict[str, Any]:
    head = repository.checkpoint
    own = repository.own_log.signed
    pending = {"pending": own.root.hex()} if repository.pending and own else {}
    return {
        **pending,
        "database": database,
        "duckdb": duckdb.__version__,
        "logRoot": head.root.hex(),
        "logSize": head.size,
        "store": str(repository.store_id),
        "views": VERSION,
    }


def _stamp_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _build(repository: Repository, path: Path, progress: OnProgress) -> None:
    # What DuckDB makes beside a database, to write ahead or where memory is short, holds rows too.
    folder = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    folder.mkdir(mode=0o700)
    building, stamp = folder / path.name, folder / _stamp_path(path).name
    try:
        _fill(repository, building, progress)
        building.chmod(0o600)
        _sync(building)
        with open_private(stamp, "xb") as file:
            file.write(encode(_stamp(repository, str(Digest.of_file(building)))))
        # Between the two renames the stamp does not fit: whoever looks then builds one, too.
        building.replace(path)
        stamp.replace(_stamp_path(path))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(repository: Repository, building: Path, progress: OnProgress) -> None:
    connection = duckdb.connect(
        str(building),
        config={
            "threads": "1",  # equal answers also where a query names no order
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "python_enable_replacements": "false",
        },
    )
    try:
        connection.execute("BEGIN")
        create_tables(connection)
        collect(repository, Writer(connection), progress)
        for view in VIEWS:
            listed = ", ".join(f'"{column.name}"' for column in view.columns)
            connection.execute(f'CREATE VIEW "{view.name}" ({listed}) AS {view.sql}')
        connection.execute("COMMIT")
        connection.execute("CHECKPOINT")
    finally:
        connection.close()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except LyrikstoreError:  # StorageError is an OSError too, and says it better already
        raise
    except OSError as error:
        raise storage_error(error, f"writing the index {path}") from error
    except duckdb.Error as error:
        if (refused := system_error(error)) is not None:
            raise storage_error(refused, f"writing the index {path}") from error
        reason = " ".join(str(error).split())[:200]
        raise StorageError(
            "io", f"the index could not be built: {reason}", hint="check disk space and permissions"
        ) from error
