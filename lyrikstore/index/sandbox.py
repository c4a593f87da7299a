"""The child process that runs one foreign query: ``python -m lyrikstore.index.sandbox``.

Reads one JSON request, a line, from standard input, writes JSON Lines to standard output:
``ready``, then ``columns``, one ``row`` each, then ``end``; or ``error``. In between it may ask for
batches of tables (:mod:`lyrikstore.index.query_tables`). Not for people:
:func:`lyrikstore.index.query.query` starts it.
"""

import gc
import itertools
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from lyrikstore.index.confine import close_inherited, confine, limit, probe
from lyrikstore.index.duckdb_errors import system_error
from lyrikstore.index.query_tables import LENGTH_BYTES

_BATCH = 64
_PLAIN = {
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "HUGEINT", "UHUGEINT", "FLOAT", "DOUBLE", "VARCHAR",
}  # fmt: skip
_SWITCHES = (
    "SET max_temp_directory_size = '0KB'",
    "SET allow_extension_repositories = 'forbidden'",
    "SET enable_external_access = false",
    "SET lock_configuration = true",  # last: nothing can be set after it
)


def main() -> None:
    """Run the query of the request on standard input, confined; exit status 0 unless killed."""
    request = json.loads(sys.stdin.buffer.readline())
    close_inherited()
    tables = _remote_tables(request["tables"])
    index = Path(request["path"])
    limit(
        memory_bytes=2 * request["memory_bytes"] + (512 << 20),
        cpu_seconds=request["cpu_seconds"],
        open_files=16,
    )
    connection = _start_engine(request["memory_bytes"])
    for name, table in tables.items():
        connection.register(name, table)
    _say({"ready": True})  # whatever ends it from here on, it is not that it could not be loaded
    boundaries = confine(index)
    boundaries |= probe(index)
    try:
        _answer(connection, index, request, boundaries)
    except MemoryError:
        gc.collect()
        _say({"error": "query-too-large", "message": "the query needs more memory than allowed"})
    except duckdb.OutOfMemoryException as error:
        _say({"error": "query-too-large", "message": str(error)})
    except duckdb.Error as error:
        _say(_error_record(error, "bad-query"))


def _answer(
    connection: duckdb.DuckDBPyConnection,
    index: Path,
    request: dict[str, Any],
    boundaries: dict[str, str],
) -> None:
    try:
        _attach(connection, index)
    except duckdb.Error as error:
        _say(_error_record(error, "bad-index"))
        return
    statements = connection.extract_statements(request["sql"])
    if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
        what = ", ".join(statement.type.name for statement in statements) or "nothing"
        _say({"error": "not-a-select", "message": f"not one SELECT statement: {what}"})
        return
    relation = connection.sql(statements[0], params=request["parameters"] or None)
    columns, types = list(relation.columns), [str(kind) for kind in relation.types]
    _say({"columns": columns, "types": types})
    # Values leave as JSON scalars and lists of them; what JSON has no word for leaves as DuckDB's
    # text for it.
    picks = ", ".join(
        f"#{place}" if kind.removesuffix("[]") in _PLAIN else f"CAST(#{place} AS VARCHAR)"
        for place, kind in enumerate(types, 1)
    )
    wanted: int = request["max_rows"]
    capped = relation.limit(wanted + 1).project(picks)
    size = 0
    for place, row in enumerate(capped.iter_rows(_BATCH)):
        line = _line({"row": [_scalar(value) for value in row]})
        size += len(line)
        if place == wanted or size > request["max_bytes"]:
            _say({"end": {"truncated": True, "boundaries": boundaries}})
            return
        sys.stdout.buffer.write(line)
    _say({"end": {"truncated": False, "boundaries": boundaries}})


def _error_record(error: duckdb.Error, otherwise: str) -> dict[str, Any]:
    refused = system_error(error)
    if refused is None:
        return {"error": otherwise, "message": str(error)}
    return {"error": "io", "message": str(error), "errno": refused.errno}


def _start_engine(memory_bytes: int) -> duckdb.DuckDBPyConnection:
    # Before the process is confined: DuckDB reads the container's limits from /proc and
    # /sys/fs/cgroup when it starts, and gives up where it may not. Nothing foreign is opened yet.
    return duckdb.connect(
        ":memory:",
        config={
            "threads": "1",
            "async_threads": "0",  # a second thread would escape Landlock
            "memory_limit": f"{memory_bytes}B",
            "temp_directory": "",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "enable_external_file_cache": "false",
            "python_enable_replacements": "false",  # else a query reads this program's variables
        },
    )


class _RemoteTable:
    """A table that DuckDB scans, and whose rows the parent sends."""

    def __init__(self, name: str, schema: Any, numbers: Iterator[int]) -> None:
        self._name, self._schema, self._numbers = name, schema, numbers

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        import pyarrow as pa

        # DuckDB also asks for a stream to see the columns alone: one begins at its first batch.
        reader = pa.RecordBatchReader.from_batches(self._schema, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[Any]:
        import pyarrow as pa

        scan = next(self._numbers)
        while True:
            _say({"next": [scan, self._name]})
            if not (size := int.from_bytes(_receive(LENGTH_BYTES), "big")):
                return
            yield pa.ipc.read_record_batch(pa.py_buffer(_receive(size)), self._schema)


def _remote_tables(schemas: Mapping[str, str]) -> dict[str, _RemoteTable]:
    if not schemas:
        return {}
    # What it opens, it has to before the process is confined.
    import pyarrow as pa
    import pyarrow.dataset  # DuckDB reads streams through it

    pa.set_memory_pool(pa.system_memory_pool())  # others reserve more than may be had
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    numbers = itertools.count()
    return {
        name: _RemoteTable(name, pa.ipc.read_schema(pa.py_buffer(bytes.fromhex(schema))), numbers)
        for name, schema in schemas.items()
    }


def _receive(size: int) -> bytes:
    data = sys.stdin.buffer.read(size)
    if len(data) != size:
        raise EOFError("the table ended in the middle")
    return data


def _attach(connection: duckdb.DuckDBPyConnection, index: Path) -> None:
    # A database file can attack the engine that opens it: hence only after the process is confined.
    name = str(index).replace("'", "''")
    connection.execute(f"ATTACH '{name}' AS store (READ_ONLY)")
    connection.execute("USE store")
    for switch in _SWITCHES:
        connection.execute(switch)


def _scalar(value: Any) -> Any:
    if isinstance(value, list):
        return [_scalar(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=True).encode("ascii") + b"\n"


def _say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(_line(message))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
