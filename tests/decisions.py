"""Decision tables as bytes, for tests."""

import io
from collections.abc import Iterable

from lyrikstore.curate.recipes.decisions import Decision, DecisionWriter, read_decisions


def encode_decisions(rows: Iterable[Decision], version: int = 1) -> bytes:
    stream = io.BytesIO()
    with DecisionWriter(stream, version) as writer:
        for row in rows:
            writer.add(row)
    return stream.getvalue()


def decode_decisions(data: bytes) -> list[Decision]:
    return list(read_decisions(io.BytesIO(data)))
