"""The decision table: what a filter did to every record, as Parquet (spec §12.6).

One row per change and one last row (kept, dropped, divided) per record, in storage order. What is
written is version 3: it names records by their place, and holds no value, no digest and no position
that depends on what a step took out. Versions 1 and 2 are read.
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
"""Of version 1: documents that stay documents."""

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
"""Of version 2: rows, and what is made of records."""

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
"""Of version 3: whatever is read and made."""

VERSION = 3
"""The version that is written."""

FILES_SINCE = 3
"""From this version on decisions name records by the place of their file, and by no digest."""

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
    """One row of the table; absent values are ``None``.

    Attributes:
        action: ``changed``, ``reported``, ``divided``, ``dropped`` or ``kept``.
        step: 1-based number of the recipe's step; ``None`` where no step acted on a kept record.
        filter: Such as ``redact/1``.
        reason: Stable code, such as ``duplicate`` or ``redacted-email``.
        field: ``text`` or ``meta:COLUMN`` of documents, the name of a field of rows.
        count: Places changed or found; of ``divided``, the records made.
        part: The part it went to.
        file: Which file of the source the record is in, from 0, in the order of their paths; of
            a union, of all its files. ``None`` in versions 1 and 2.
        path: The path of that file. Version 3 does not hold it; whoever has the tree fills it in.
        position: Place of the record in its file, from 0.
        item: Which of the records that were made of it, directly or through others, the row is
            about, from 0: step by step, within a step in storage order.
        other: The record that it was dropped for or found to be like: ``file``, ``position`` and
            ``item`` as above, in the source or in what the step compares with.
        new_path: Path of its file in the derived dataset; of documents only if it is another one.
        new_position: Its place there, if that is of rows.
        detail: For people: in examples of what a filter did, and in tables of versions 1 and 2.
        record: Record id in the source dataset, hex; of what was made, that of what it was made of.
            Versions 1 and 2 hold it.
        new_record: Record id in the derived dataset, hex, if it is another one; versions 1 and 2.
        before: Digest of the text before the step, ``blake3:…``; versions 1 and 2.
        after: JSON list of [start, end] UTF-8 byte offsets of the placeholders after the step;
            versions 1 and 2.
        place: Where in the record it was made of it comes from, as JSON; version 2.
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
        """Its columns in a table of version 3."""
        other = (None, None, None) if self.other is None else tuple(self.other)
        named = dict(zip(_OTHER, other, strict=True))
        return {name: named[name] if name in named else getattr(self, name) for name in COLUMNS_3}

    @classmethod
    def of_cells(cls, cells: dict[str, Any]) -> Self:
        """Return the row with the columns of a table of any version."""
        other = [cells.pop(name, None) for name in _OTHER]
        return cls(**cells, other=None if other[0] is None else OtherRecord(*other))


class DecisionWriter:
    """Writes a decision table; a context manager that closes it.

    Args:
        target: A path, or an open file.
        salt: 32 random bytes, so that nobody can try out against the table's digest, which may be
            handed on, what records the table is about.

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
        wanted: Only rows that fit; None: all.

    Raises:
        FormatError: (``bad-decisions``) not Parquet, or other columns or types.

    Cost: 20,000 rows in memory at a time.
    """
    for batch in decision_batches(stream):
        with _reading():
            some = batch if wanted is None else batch.filter(wanted.mask(batch))
            columns = [column.to_pylist() for column in some.columns]
        for values in zip(*columns, strict=True):
            yield Decision.of_cells(dict(zip(batch.schema.names, values, strict=True)))


def read_strange_decisions(stream: BinaryIO) -> tuple[int, Iterator[Decision]]:
    """Return version and rows of a decision table that may be hostile, in order.

    ATTACK A89: one long reason that some thousand rows share fills the memory of whoever verifies.

    Args:
        stream: The table, seekable.

    Raises:
        FormatError: (``bad-decisions``) as :func:`read_decisions`; or it asks for more memory or
            time than a file of rows gets.
        LyrikstoreError: As :func:`read_parquet`.

    Cost: that of :func:`~lyrikstore.curate.readers.parquet_process.read_parquet`.
    """
    version = decision_version(stream)
    return version, _in_process(stream, version)


def _in_process(stream: BinaryIO, version: int) -> Iterator[Decision]:
    # Loaded where somebody verifies: it starts a process.
    from lyrikstore.curate.readers.parquet_process import read_parquet

    names = (COLUMNS, COLUMNS_2, COLUMNS_3)[version - 1]
    kinds = {name: int if name in _INTEGERS else str for name in names}
    try:
        for row in read_parquet("the decision table", stream):
            if isinstance(row, BadRow):
                raise FormatError("bad-decisions", f"row {row.line} is none: {row.reason}")
            found: dict[str, Any] = dict.fromkeys(names) | parse_row(row.data)
            if found.keys() != kinds.keys() or not all(
                type(value) is kinds[name] or (value is None and name not in _REQUIRED)
                for name, value in found.items()
            ):
                raise FormatError("bad-decisions", f"row {row.line} is no decision")
            yield Decision.of_cells(found)
    except (InvalidInputError, RowError) as error:
        raise FormatError("bad-decisions", f"the decision table is damaged: {error}") from None


def read_salt(stream: BinaryIO) -> bytes | None:
    """Return the salt of a decision table; None of one that has none.

    Raises:
        FormatError: (``bad-decisions``) not Parquet.
    """
    import pyarrow.parquet as pq

    with _reading():
        stated = (pq.read_metadata(stream).metadata or {}).get(_SALT_KEY.encode(), b"")
    return bytes.fromhex(stated.decode()) if _SALT.fullmatch(stated) else None


def decision_schema(version: int) -> "pa.Schema":
    """Return the columns of a decision table of version 1, 2 or 3."""
    import pyarrow as pa

    return pa.schema(
        pa.field(name, getattr(pa, _INTEGERS.get(name, "string"))(), nullable=name not in _REQUIRED)
        for name in (COLUMNS, COLUMNS_2, COLUMNS_3)[version - 1]
    )


def decision_version(stream: BinaryIO) -> int:
    """Return the version of a decision table; raises as :func:`read_decisions`."""
    return _opened(stream)[1]


def decision_batches(stream: BinaryIO) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of a decision table, of any version, in order.

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
        found = [n for n in range(1, VERSION + 1) if file.schema_arrow.equals(decision_schema(n))]
        if not found:
            raise FormatError("bad-decisions", "the decision table has other columns")
        if found == [VERSION] and read_salt(stream) is None:
            raise FormatError("bad-decisions", "the decision table has no salt")
    return file, found[0]


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FormatError("bad-decisions", f"the decision table is damaged: {error}") from None


class DecisionQuery(Struct, frozen=True):
    """Which rows of a decision table are looked for; what is ``None`` does not matter.

    Attributes:
        file: Which file of the source the record is in; looked for in tables of version 3.
        path: Path of that file; looked for in tables of versions 1 and 2.
        position: Its place there.
        digits: What the record's id begins with, in the source or in the result; a table of
            version 3 has no row that fits.
        new_path: Path of its file in the result.
        new_position: Its place there.
    """

    file: int | None = None
    path: str | None = None
    position: int | None = None
    digits: str | None = None
    new_path: str | None = None
    new_position: int | None = None

    def mask(self, batch: Any) -> Any:
        """Return which rows of a batch of a table fit."""
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
            found = [
                pc.fill_null(pc.starts_with(batch.column(name), self.digits), False)
                for name in ("record", "new_record")
            ]
            mask = pc.and_(mask, pc.or_(*found))
        return mask
