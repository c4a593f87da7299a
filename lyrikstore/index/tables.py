"""The tables with an index's facts, and the writer that fills them.

They live in the schema ``facts`` and may change at any time; the views over them are documented
(docs/index-views.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

_TEXT, _COUNT, _FLAG, _WORDS = pa.string(), pa.int64(), pa.bool_(), pa.list_(pa.string())
_SQL_TYPE = {_TEXT: "VARCHAR", _COUNT: "BIGINT", _FLAG: "BOOLEAN", _WORDS: "VARCHAR[]"}

TABLES: Mapping[str, Mapping[str, pa.DataType]] = {
    "store": {"store": _TEXT, "origin": _TEXT, "log_size": _COUNT, "log_root": _TEXT},
    "log": {"log_index": _COUNT, "type": _TEXT, "id": _TEXT, "seq": _COUNT, "flagged": _TEXT},
    "refs": {"name": _TEXT, "id": _TEXT, "log_index": _COUNT, "versions": _COUNT},
    "manifests": {
        "id": _TEXT,
        "kind": _TEXT,
        "name": _TEXT,
        "version": _COUNT,
        "is_current": _FLAG,
        "retired": _FLAG,
        "log_index": _COUNT,
        "store": _TEXT,
        "author": _TEXT,
        "created": _TEXT,
        "message": _TEXT,
        "tree": _TEXT,
        "files": _TEXT,
        "body": _TEXT,
    },
    "parents": {"manifest": _TEXT, "position": _COUNT, "parent": _TEXT},
    "inputs": {
        "manifest": _TEXT,
        "position": _COUNT,
        "role": _TEXT,
        "kind": _TEXT,
        "input": _TEXT,
    },
    "attachments": {
        "manifest": _TEXT,
        "position": _COUNT,
        "role": _TEXT,
        "blob": _TEXT,
        "bytes": _COUNT,
    },
    "entries": {
        "tree": _TEXT,
        "position": _COUNT,
        "path": _TEXT,
        "bytes": _COUNT,
        "blake3": _TEXT,
    },
    "metadata": {"tree": _TEXT, "path": _TEXT, "key": _TEXT, "value": _TEXT},
    "decisions": {
        "manifest": _TEXT,
        "position": _COUNT,
        "path": _TEXT,
        "file": _COUNT,
        "record": _TEXT,
        "action": _TEXT,
        "step": _COUNT,
        "filter": _TEXT,
        "reason": _TEXT,
        "field": _TEXT,
        "count": _COUNT,
        "before": _TEXT,
        "after": _TEXT,
        "new_record": _TEXT,
        "new_path": _TEXT,
        "part": _TEXT,
        "detail": _TEXT,
    },
    "descriptor": {
        "manifest": _TEXT,
        "field": _TEXT,
        "state": _TEXT,
        "value": _TEXT,
        "reason": _TEXT,
        "basis": _TEXT,
    },
    "scores": {
        "evaluation": _TEXT,
        "system": _TEXT,
        "label": _TEXT,
        "metric": _TEXT,
        "value": _TEXT,
        "low": _TEXT,
        "high": _TEXT,
        "support": _COUNT,
    },
    "credentials": {
        "id": _TEXT,
        "log_index": _COUNT,
        "credential": _TEXT,
        "issuer": _TEXT,
        "issuer_name": _TEXT,
        "name": _TEXT,
        "manifest": _TEXT,
        "tree": _TEXT,
        "valid_from": _TEXT,
        "valid_until": _TEXT,
        "licence": _TEXT,
        "permits": _WORDS,
        "prohibits": _WORDS,
        "requires": _WORDS,
    },
    "review_outcomes": {
        "review": _TEXT,
        "place": _COUNT,
        "item": _COUNT,
        "outcome": _TEXT,
        "was": _WORDS,
        "value": _WORDS,
        "reasons": _WORDS,
        "agree": _COUNT,
        "decisions": _COUNT,
    },
    "gaps": {"id": _TEXT, "what": _TEXT, "reason": _TEXT},
}
"""Table → column → type."""

DECISION_COLUMNS = dict(tuple(TABLES["decisions"].items())[2:])
"""Columns that are copied from a decision table: column → type, in order; the path comes first."""

_BATCH = 100_000


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty tables in a new database."""
    connection.execute("CREATE SCHEMA facts")
    for table, columns in TABLES.items():
        listed = ", ".join(f'"{name}" {_SQL_TYPE[kind]}' for name, kind in columns.items())
        connection.execute(f'CREATE TABLE facts."{table}" ({listed})')


@dataclass(slots=True)
class Writer:
    """Collects rows and stores them in batches, in the order in which they were added.

    Attributes:
        connection: An open database with the tables in it.
    """

    connection: duckdb.DuckDBPyConnection
    _rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def add(self, table: str, *row: Any) -> None:
        """Add one row, values in the order of the table's columns."""
        rows = self._rows.setdefault(table, [])
        rows.append(row)
        if len(rows) >= _BATCH:
            self._store(table)

    def flush(self) -> None:
        """Store the rows that are not stored yet."""
        for table in self._rows:
            self._store(table)

    def _store(self, table: str) -> None:
        rows = self._rows[table]
        if not rows:
            return
        columns = TABLES[table]
        arrays = [
            pa.array(values, kind)
            for values, kind in zip(zip(*rows, strict=True), columns.values(), strict=True)
        ]
        batch = pa.Table.from_arrays(arrays, names=list(columns))
        self.connection.register("batch", batch)
        self.connection.execute(f'INSERT INTO facts."{table}" SELECT * FROM batch')  # noqa: S608 - own names
        self.connection.unregister("batch")
        rows.clear()
