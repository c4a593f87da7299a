"""The decision table: the decisions of a filter on every record, as Parquet (spec §12.6).

The table has a row for each change and report, and a last row (kept, dropped, divided) for each
record, in storage order. Version 3 is written: it names records by position, and contains no value,
digest or position that depends on what a step removed. Versions 1 and 2 can be read.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.curate.readers.rows import RowError, parse_row
from lyrikstore.curate.recipes.filters.contract import OtherRecord
from lyrikstore.curate.work_folder import storing
from lyrikstore.history.records.rows import BadRow

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

COLUMNS = (
    "record",
    "path",
    "action",
    "step",
    "filter",
    "reason",
    "field",
    "count",
    "before",
    "after",
    "new_record",
    "part",
    "detail",
)
"""The columns of version 1, for filters from documents to documents."""

COLUMNS_2 = (
    "record",
    "path",
    "position",
    "item",
    "action",
    "step",
    "filter",
    "reason",
    "field",
    "count",
    "before",
    "after",
    "new_record",
    "new_path",
    "new_position",
    "place",
    "part",
    "detail",
)
"""The columns of version 2, which added rows and records made by steps."""

COLUMNS_3 = (
    "file",
    "position",
    "item",
    "action",
    "step",
    "filter",
    "reason",
    "field",
    "count",
    "other_file",
    "other_position",
    "other_item",
    "new_path",
    "new_position",
    "part",
)
"""The columns of version 3, for all filters."""

VERSION = 3
"""The version that is written."""

FILES_SINCE = 3
"""First version whose rows name records by the number of their file instead of a digest."""

SALT_BYTES = 32
_SALT_KEY = "salt"
_SALT = re.compile(rb"[0-9a-f]{64}")

_INTEGERS = {
    **dict.fromkeys(("step", "item", "file", "other_file", "other_item"), "int32"),
    **dict.fromkeys(("count", "position", "other_position", "new_position"), "int64"),
}
_REQUIRED = frozenset({"record", "path", "file", "position", "action"})
_OTHER = ("other_file", "other_position", "other_item")
_BATCH = 20_000


class Decision(Struct, frozen=True):
    """A row of the decision table; absent values are ``None``.

    Attributes:
        action: ``changed``, ``reported``, ``divided``, ``dropped`` or ``kept``.
        step: 1-based number of the recipe's step; ``None`` where no step acted on a kept record.
        filter: Such as ``redact/1``.
        reason: Stable code, such as ``duplicate`` or ``redacted-email``.
        field: ``text`` or ``meta:COLUMN`` of documents, the name of a field of rows.
        count: Number of places changed or found; for ``divided``, of records made.
        part: The part that the record is in.
        file: The number of the record's file in the source, from 0, in order of paths; in a union,
            among all files. ``None`` in versions 1 and 2.
        path: The path of that file. Version 3 does not contain it; callers with the tree fill it
            in.
        position: Position of the record in its file, from 0.
        item: For a record that steps made from this one, directly or indirectly: its number, from
            0; step by step, in storage order within a step.
        other: The record that was kept in its place, or that it resembles: ``file``, ``position``
            and ``item`` as above, in the source or in the dataset that the step compares with.
        new_path: Path of its file in the derived dataset; for documents only if it changed.
        new_position: Its position in that file, for rows.
        detail: An explanation for the user; only in examples, and in tables of versions 1 and 2.
        record: Record id in the source dataset, hex; for a record that a step made, the id of the
            source record. Only in versions 1 and 2.
        new_record: Record id in the derived dataset, hex, if it changed; versions 1 and 2.
        before: Digest of the text before the step, ``blake3:…``; versions 1 and 2.
        after: JSON list of [start, end] UTF-8 byte offsets of the placeholders after the step;
            versions 1 and 2.
        place: Position of a made record within the record that it was made from, as JSON; version
            2.
    """

    action: str
    step: int | None = None
    filter: str | None = None
    reason: str | None = None
    field: str | None = None
    count: int | None = None
    part: str | None = None
    file: int | None = None
    path: str | None = None
    position: int = 0
    item: int | None = None
    other: OtherRecord | None = None
    new_path: str | None = None
    new_position: int | None = None
    detail: str | None = None
    record: str | None = None
    new_record: str | None = None
    before: str | None = None
    after: str | None = None
    place: str | None = None

    @property
    def cells(self) -> dict[str, Any]:
        """The values of the row by column of version 3."""
        other = (None, None, None) if self.other is None else tuple(self.other)
        named = dict(zip(_OTHER, other, strict=True))
        return {name: named[name] if name in named else getattr(self, name) for name in COLUMNS_3}

    @classmethod
    def of_cells(cls, cells: dict[str, Any]) -> Self:
        """Return the row with these values by column, of a table of any version."""
        other = [cells.pop(name, None) for name in _OTHER]
        return cls(**cells, other=None if other[0] is None else OtherRecord(*other))


class DecisionWriter:
    """Writer of a decision table; a context manager that closes the table.

    Args:
        target: A path, or an open file.
        salt: 32 random bytes. Without them, guesses at the records could be verified against the
            digest of the table, which may be published.

    Cost: 20,000 rows in memory at a time.
    """

    def __init__(self, target: "Path | BinaryIO", salt: bytes) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._pa, self._schema = pa, decision_schema(VERSION)
        with storing("writing the decisions"):
            self._writer = pq.ParquetWriter(
                target, self._schema, compression="zstd", version="2.6", store_schema=False
            )
            self._writer.add_key_value_metadata({_SALT_KEY: salt.hex()})
        self._rows: list[Decision] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._flush()
        with storing("writing the decisions"):
            self._writer.close()

    def add(self, row: Decision) -> None:
        """Append a row.

        Raises:
            StorageError: The disk is full.
        """
        self._rows.append(row)
        if len(self._rows) == _BATCH:
            self._flush()

    def _flush(self) -> None:
        pa = self._pa
        cells = [row.cells for row in self._rows]
        columns = [
            pa.array([row[field.name] for row in cells], field.type) for field in self._schema
        ]
        self._rows.clear()
        with storing("writing the decisions"):
            self._writer.write_table(pa.table(columns, schema=self._schema))


def read_decisions(stream: BinaryIO, wanted: "DecisionQuery | None" = None) -> Iterator[Decision]:
    """Yield the rows of a decision table, of any version, in order.

    Args:
        stream: The table, seekable.
        wanted: Only rows that match; None: all.

    Raises:
        FormatError: (``bad-decisions``) the file is not Parquet, or has other columns or types.

    Cost: 20,000 rows in memory at a time.
    """
    for batch in decision_batches(stream):
        with _reading():
            some = batch if wanted is None else batch.filter(wanted.mask(batch))
            columns = [column.to_pylist() for column in some.columns]
        for values in zip(*columns, strict=True):
            yield Decision.of_cells(dict(zip(batch.schema.names, values, strict=True)))


def read_strange_decisions(stream: BinaryIO) -> tuple[int, Iterator[Decision]]:
    """Return the version and the rows, in order, of a decision table that may be hostile.

    ATTACK A89: one long reason, shared by thousands of rows, fills the memory of the verifier.

    Args:
        stream: The table, seekable.

    Raises:
        FormatError: (``bad-decisions``) as :func:`read_decisions`; or reading it takes more memory
            or time than a file of rows may use.
        LyrikstoreError: As :func:`read_parquet`.

    Cost: that of :func:`~lyrikstore.curate.readers.parquet_process.read_parquet`.
    """
    version = decision_version(stream)
    return version, _in_process(stream, version)


def _in_process(stream: BinaryIO, version: int) -> Iterator[Decision]:
    # Imported only when verifying, because it starts a process.
    from lyrikstore.curate.readers.parquet_process import read_parquet

    names = (COLUMNS, COLUMNS_2, COLUMNS_3)[version - 1]
    kinds = {name: int if name in _INTEGERS else str for name in names}
    try:
        for row in read_parquet("the decision table", stream):
            if isinstance(row, BadRow):
                raise FormatError("bad-decisions", f"row {row.line} cannot be read: {row.reason}")
            cells: dict[str, Any] = dict.fromkeys(names) | parse_row(row.data)
            if cells.keys() != kinds.keys() or not all(
                type(value) is kinds[name] or (value is None and name not in _REQUIRED)
                for name, value in cells.items()
            ):
                raise FormatError("bad-decisions", f"row {row.line} is not a decision")
            yield Decision.of_cells(cells)
    except (InvalidInputError, RowError) as error:
        raise FormatError("bad-decisions", f"the decision table is damaged: {error}") from None


def read_salt(stream: BinaryIO) -> bytes | None:
    """Return the salt of a decision table, or None.

    Raises:
        FormatError: (``bad-decisions``) the file is not Parquet.
    """
    import pyarrow.parquet as pq

    with _reading():
        stated = (pq.read_metadata(stream).metadata or {}).get(_SALT_KEY.encode(), b"")
    return bytes.fromhex(stated.decode()) if _SALT.fullmatch(stated) else None


def decision_schema(version: int) -> "pa.Schema":
    """Return the Parquet schema of a decision table of version 1, 2 or 3."""
    import pyarrow as pa

    return pa.schema(
        pa.field(name, getattr(pa, _INTEGERS.get(name, "string"))(), nullable=name not in _REQUIRED)
        for name in (COLUMNS, COLUMNS_2, COLUMNS_3)[version - 1]
    )


def decision_version(stream: BinaryIO) -> int:
    """Return the version of a decision table; raise as :func:`read_decisions`."""
    return _opened(stream)[1]


def decision_batches(stream: BinaryIO) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of a decision table, of any version, in order, as Arrow batches.

    Raises, Cost: As :func:`read_decisions`.
    """
    with _reading():
        batches = _opened(stream)[0].iter_batches(batch_size=_BATCH)
    while True:
        with _reading():
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def _opened(stream: BinaryIO) -> "tuple[pq.ParquetFile, int]":
    import pyarrow.parquet as pq

    with _reading():
        file = pq.ParquetFile(stream)
        versions = [
            n for n in range(1, VERSION + 1) if file.schema_arrow.equals(decision_schema(n))
        ]
        if not versions:
            raise FormatError("bad-decisions", "the decision table has unknown columns")
        if versions == [VERSION] and read_salt(stream) is None:
            raise FormatError("bad-decisions", "the decision table has no salt")
    return file, versions[0]


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FormatError("bad-decisions", f"the decision table is damaged: {error}") from None


class DecisionQuery(Struct, frozen=True):
    """A condition on rows of a decision table; ``None`` matches any value.

    Attributes:
        file: The number of the record's file in the source; ignored in versions 1 and 2.
        path: The path of that file; ignored in version 3.
        position: The position of the record in that file.
        digits: The first hex digits of the record id, in the source or in the result; no row of
            version 3 matches.
        new_path: The path of the record's file in the result.
        new_position: The position of the record in that file.
    """

    file: int | None = None
    path: str | None = None
    position: int | None = None
    digits: str | None = None
    new_path: str | None = None
    new_position: int | None = None

    def mask(self, batch: Any) -> Any:
        """Return the Arrow mask of the matching rows of a batch."""
        import pyarrow as pa
        import pyarrow.compute as pc

        mask = pa.array([True] * batch.num_rows)
        names = batch.schema.names
        for name in ("file", "path", "position", "new_path", "new_position"):
            value = getattr(self, name)
            if value is not None and name in names:
                mask = pc.and_(mask, pc.fill_null(pc.equal(batch.column(name), value), False))
        if self.digits is not None and "record" not in names:
            mask = pc.and_(mask, False)
        elif self.digits is not None:
            matches = [
                pc.fill_null(pc.starts_with(batch.column(name), self.digits), False)
                for name in ("record", "new_record")
            ]
            mask = pc.and_(mask, pc.or_(*matches))
        return mask
