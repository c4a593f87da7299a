"""Decision tables as bytes, for tests."""

import io
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

from lyrikstore.curate.recipes.decisions import (
    VERSION,
    Decision,
    DecisionWriter,
    decision_schema,
    read_decisions,
)

SALT = bytes(range(32))


def encode_decisions(rows: Iterable[Decision], version: int = VERSION) -> bytes:
    stream = io.BytesIO()
    if version < VERSION:  # as earlier programs wrote them
        schema, given = decision_schema(version), list(rows)
        columns = [pa.array([getattr(row, f.name) for row in given], f.type) for f in schema]
        pq.write_table(pa.table(columns, schema=schema), stream, store_schema=False)
        return stream.getvalue()
    with DecisionWriter(stream, SALT) as writer:
        for row in rows:
            writer.add(row)
    return stream.getvalue()


def decode_decisions(data: bytes) -> list[Decision]:
    return list(read_decisions(io.BytesIO(data)))
