"""The decision table: what a filter did to every record, as Parquet (spec §12.6).

One row per change and one last row (kept or dropped) per record, in path order. It never holds
text that was redacted: only categories, counts, places of the placeholders, and digests.
"""

import io
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import FormatError

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
MAX_BYTES = 1 << 30
_BATCH = 20_000


class Decision(Struct, frozen=True):
    """One row of the table; absent values are ``None``.

    Attributes:
        record: Record id in the source dataset, hex.
        path: The record's path.
        action: ``changed``, ``dropped`` or ``kept``.
        step: 1-based number of the recipe's step; ``None`` where no step acted on a kept record.
        filter: Such as ``redact/1``.
        reason: Stable code, such as ``duplicate`` or ``redacted-email``.
        field: ``text`` or ``meta:COLUMN``, for changes.
        count: Places changed.
        before: Digest of the text before the step, ``blake3:…``.
        after: JSON list of [start, end] UTF-8 byte offsets of the placeholders after the step.
        new_record: Record id in the derived dataset, hex, for kept records whose text changed.
        part: The part it went to.
        detail: For people.
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


def encode_decisions(rows: Iterable[Decision]) -> bytes:
    """Return the Parquet file of ``rows``.

    Cost: 20,000 rows in memory at a time, and the compressed file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    schema = pa.schema(_fields(pa))
    with pq.ParquetWriter(
        buffer, schema, compression="zstd", version="2.6", store_schema=False
    ) as writer:
        batch: list[Decision] = []
        for row in rows:
            batch.append(row)
            if len(batch) == _BATCH:
                writer.write_table(_table(pa, schema, batch))
                batch.clear()
        writer.write_table(_table(pa, schema, batch))
    return buffer.getvalue()


def decode_decisions(data: bytes) -> Iterator[Decision]:
    """Yield the rows of a decision table, in order.

    Raises:
        FormatError: (``bad-decisions``) not Parquet, or other columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        if tuple(file.schema_arrow.names) != COLUMNS:
            raise FormatError("bad-decisions", "the decision table has other columns")
        for batch in file.iter_batches(batch_size=_BATCH):
            columns = [column.to_pylist() for column in batch.columns]
            for values in zip(*columns, strict=True):
                yield Decision(*values)
    except (pa.ArrowException, OSError) as error:
        raise FormatError("bad-decisions", f"the decision table is damaged: {error}") from None


def _fields(pa: Any) -> list[Any]:
    integers = {"step": pa.int32(), "count": pa.int64()}
    required = {"record", "path", "action"}
    return [
        pa.field(name, integers.get(name, pa.string()), nullable=name not in required)
        for name in COLUMNS
    ]


def _table(pa: Any, schema: Any, rows: list[Decision]) -> Any:
    columns = [[getattr(row, name) for row in rows] for name in COLUMNS]
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)],
        schema=schema,
    )
