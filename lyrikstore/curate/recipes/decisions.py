"""The decision table: what a filter did to every record, as Parquet (spec §12.6).

One row per change and one last row (kept, dropped, divided) per record, in storage order. It never
holds text that was redacted: only categories, counts, places of the placeholders, and digests.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from msgspec import Struct

from lyrikstore.canon.errors import FormatError
from lyrikstore.curate.work import storing

if TYPE_CHECKING:
    import pyarrow as pa

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

_INTEGERS = {"step": "int32", "count": "int64", "position": "int64", "item": "int32"}
_INTEGERS["new_position"] = "int64"
_REQUIRED = frozenset({"record", "path", "position", "action"})
_BATCH = 20_000


class Decision(Struct, frozen=True):
    """One row of the table; absent values are ``None``.

    Attributes:
        record: Record id in the source dataset, hex; of what was made, that of what it was made of.
        path: The path of the record's file.
        action: ``changed``, ``reported``, ``divided``, ``dropped`` or ``kept``.
        step: 1-based number of the recipe's step; ``None`` where no step acted on a kept record.
        filter: Such as ``redact/1``.
        reason: Stable code, such as ``duplicate`` or ``redacted-email``.
        field: ``text`` or ``meta:COLUMN`` of documents, the name of a field of rows.
        count: Places changed or found; of ``divided``, the records made.
        before: Digest of the text before the step, ``blake3:…``.
        after: JSON list of [start, end] UTF-8 byte offsets of the placeholders after the step.
        new_record: Record id in the derived dataset, hex, if it is another one.
        part: The part it went to.
        detail: For people.
        position: Place of the record in its file, from 0.
        item: Which of the records that were made of it, directly or through others, the row is
            about, from 0: step by step, within a step in storage order.
        new_path: Path of its file in the derived dataset, if that is of rows.
        new_position: Its place there.
        place: Where in the record it was made of it comes from, as JSON.
    """

    record: str
    path: str
    action: str
    step: int | None = None
    filter: str | None = None
    reason: str | None = None
    field: str | None = None
    count: int | None = None
    before: str | None = None
    after: str | None = None
    new_record: str | None = None
    part: str | None = None
    detail: str | None = None
    position: int = 0
    item: int | None = None
    new_path: str | None = None
    new_position: int | None = None
    place: str | None = None


class DecisionWriter:
    """Writes a decision table; a context manager that closes it.

    Args:
        target: A path, or an open file.
        version: 1 or 2: which columns it has.

    Cost: 20,000 rows in memory at a time.
    """

    def __init__(self, target: "Path | BinaryIO", version: int) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._pa, self._schema = pa, decision_schema(version)
        with storing("writing the decisions"):
            self._writer = pq.ParquetWriter(
                target, self._schema, compression="zstd", version="2.6", store_schema=False
            )
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
        columns = [
            pa.array([getattr(row, field.name) for row in self._rows], field.type)
            for field in self._schema
        ]
        self._rows.clear()
        with storing("writing the decisions"):
            self._writer.write_table(pa.table(columns, schema=self._schema))


def read_decisions(stream: BinaryIO, wanted: "DecisionQuery | None" = None) -> Iterator[Decision]:
    """Yield the rows of a decision table, of either version, in order.

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
            yield Decision(**dict(zip(batch.schema.names, values, strict=True)))


def decision_schema(version: int) -> "pa.Schema":
    """Return the columns of a decision table of version 1 or 2."""
    import pyarrow as pa

    return pa.schema(
        pa.field(name, getattr(pa, _INTEGERS.get(name, "string"))(), nullable=name not in _REQUIRED)
        for name in (COLUMNS if version == 1 else COLUMNS_2)
    )


def decision_batches(stream: BinaryIO) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of a decision table, of either version, in order.

    Raises, Cost: As :func:`read_decisions`.
    """
    import pyarrow.parquet as pq

    with _reading():
        file = pq.ParquetFile(stream)
        if not any(file.schema_arrow.equals(decision_schema(version)) for version in (1, 2)):
            raise FormatError("bad-decisions", "the decision table has other columns")
        batches = file.iter_batches(batch_size=_BATCH)
    while True:
        with _reading():
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


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
        path: Path of the record's file in the source.
        position: Its place there.
        digits: What the record's id begins with, in the source or in the result.
        new_path: Path of its file in the result.
        new_position: Its place there.
    """

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
        for name in ("path", "position", "new_path", "new_position"):
            value = getattr(self, name)
            if value is not None and name in names:
                mask = pc.and_(mask, pc.fill_null(pc.equal(batch.column(name), value), False))
        if self.digits is not None:
            found = [
                pc.fill_null(pc.starts_with(batch.column(name), self.digits), False)
                for name in ("record", "new_record")
            ]
            mask = pc.and_(mask, pc.or_(*found))
        return mask
