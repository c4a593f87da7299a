"""What the query's process asks for is answered only if it can be: it may be an attacker's."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from lyrikstore.canon.errors import FormatError, InvalidInputError, LyrikstoreError
from lyrikstore.index.build import ensure_index
from lyrikstore.index.query import query
from lyrikstore.index.query_tables import LENGTH_BYTES, MAX_SCANS, TableServer


class Numbers:
    """Two batches; counts how often it is begun and how often it is ended."""

    schema = pa.schema([("n", pa.int64())])

    def __init__(self, problem: LyrikstoreError | None = None) -> None:
        self.begun = self.ended = 0
        self.problem = problem

    def batches(self) -> Iterator[pa.RecordBatch]:
        self.begun += 1
        try:
            yield pa.record_batch({"n": [1, 2]}, schema=self.schema)
            if self.problem is not None:
                raise self.problem
            yield pa.record_batch({"n": [3]}, schema=self.schema)
        finally:
            self.ended += 1


def values(reply: bytes) -> list[int]:
    assert int.from_bytes(reply[:LENGTH_BYTES], "big") == len(reply) - LENGTH_BYTES
    if len(reply) == LENGTH_BYTES:
        return []
    batch = pa.ipc.read_record_batch(pa.py_buffer(reply[LENGTH_BYTES:]), Numbers.schema)
    return batch.column("n").to_pylist()


def test_each_scan_begins_at_the_first_row() -> None:
    numbers = Numbers()
    with TableServer({"numbers": numbers}) as server:
        asked = [0, 1, 0, 1, 0, 0, 1]
        found = [values(server.answer(b'{"next": [%d, "numbers"]}\n' % scan)) for scan in asked]
        assert found == [[1, 2], [1, 2], [3], [3], [], [], []]
        server.answer(b'{"next": [2, "numbers"]}\n')
        assert (numbers.begun, numbers.ended) == (3, 2)
    assert numbers.ended == 3


@pytest.mark.parametrize(
    "line",
    [
        b'{"next": [0, "others"]}\n',
        b'{"next": [1, "numbers"]}\n',
        b'{"next": [-1, "numbers"]}\n',
        b'{"next": [1e9, "numbers"]}\n',
        b'{"next": [[], "numbers"]}\n',
        b'{"next": [0, ["numbers"]]}\n',
        b'{"next": 0}\n',
        b'{"next": [0, "numbers"\n',
        b'{"next": ' + b"[" * 100_000 + b"\n",
    ],
    ids=range(9),
)
def test_what_cannot_be_asked_for_is_refused(line: bytes) -> None:
    numbers = Numbers()
    with TableServer({"numbers": numbers}) as server, pytest.raises(InvalidInputError) as caught:
        server.answer(line)
    assert caught.value.kind == "query-crashed"
    assert not numbers.begun


def test_scans_are_counted() -> None:
    with TableServer({"numbers": Numbers()}) as server:
        for scan in range(MAX_SCANS):
            server.answer(b'{"next": [%d, "numbers"]}\n' % scan)
        with pytest.raises(InvalidInputError) as caught:
            server.answer(b'{"next": [%d, "numbers"]}\n' % MAX_SCANS)
    assert caught.value.kind == "too-many-scans"


def test_what_cannot_be_read_is_the_answer_of_the_query(full_chain) -> None:
    path = ensure_index(full_chain.repository).path
    assert query(path, "select sum(n) from numbers", tables={"numbers": Numbers()}).rows == ((6,),)
    numbers = Numbers(FormatError("bad-statistics", "it is damaged"))
    with pytest.raises(FormatError, match="damaged"):
        query(path, "select sum(n) from numbers", tables={"numbers": numbers})
    assert numbers.ended == numbers.begun == 1
