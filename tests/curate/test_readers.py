"""Readers: exact record bytes, exact ids, clear refusals."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers import READERS, iter_records
from lyrikstore.curate.text import foreign_format
from lyrikstore.history.records.order_root import document_id, record_id

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


def spelt(parts: list[tuple[str, int]]) -> bytes:
    return b"".join(bytes.fromhex(part) * times for part, times in parts)


@pytest.mark.parametrize(
    "case",
    json.loads((VECTORS / "records" / "readers.json").read_text("utf-8"))["cases"],
    ids=lambda case: case["id"],
)
def test_readers_answer_the_vectors(case: Any) -> None:
    if case["reader"] not in READERS:
        pytest.skip("there is no such reader yet")

    def ids() -> list[Digest]:
        stream = io.BytesIO(spelt(case["file"]))
        return [record.id for record in iter_records(case["reader"], "f", stream)]

    if "records" in case:
        assert ids() == [record_id(case["reader"], spelt(one)) for one in case["records"]]
    else:
        with pytest.raises(InvalidInputError):
            ids()


def read(reader: str, data: bytes) -> list[bytes]:
    return [record.data for record in iter_records(reader, "f", io.BytesIO(data))]


def test_readers_give_exact_bytes() -> None:
    assert read("document/1", b"a\nb") == [b"a\nb"]
    assert read("document/1", b"") == [b""]
    assert read("jsonl/1", b'{"a":1}\r\n {"b":2}\n{"c":3}') == [b'{"a":1}', b' {"b":2}', b'{"c":3}']
    assert read("csv/1", b'\xef\xbb\xbfa,b\n\n"x, ""y""",\n') == [
        b'["a","b"]',
        b'["x, \\"y\\"",""]',
    ]


def test_ids_are_bound_to_the_reader() -> None:
    ids = {record_id(reader, b"x") for reader in READERS}
    assert len(ids) == len(READERS) == 5
    context = "lyrikstore 2026-11 record id document/1"
    assert record_id("document/1", b"x").raw == blake3(b"x", derive_key_context=context).digest()


@given(st.binary(max_size=9))
def test_the_id_of_a_document_follows_from_the_digest_of_its_file(data: bytes) -> None:
    (record,) = iter_records("document/1", "f", io.BytesIO(data))
    assert (
        record.id == document_id(Digest.of(data)) == record_id("document/1", blake3(data).digest())
    )


def test_positions_and_counts() -> None:
    stream = io.BytesIO(b"1\n2\n3\n")
    assert [record.position for record in iter_records("jsonl/1", "f", stream)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("reader", "data", "words"),
    [
        ("jsonl/1", b"1\n\n2\n", "line 2: empty"),
        ("csv/1", b'a,"b\n', "line 1"),
        ("csv/1", b"a,\xff\n", "not UTF-8"),
        ("parquet/2", b"", "no reader"),
        ("parquet/1", b"", "no Parquet"),
    ],
)
def test_bad_records_are_named(reader: str, data: bytes, words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(reader, data)
    assert words in caught.value.message
    assert caught.value.hint


def test_foreign_formats() -> None:
    assert foreign_format("a.PDF", b"") == "PDF"
    assert foreign_format("a.txt", b"%PDF-1.4") == "PDF"
    assert foreign_format("a", b"\x89PNG\r\n\x1a\n") == "PNG picture"
    assert foreign_format("a.txt", b"text") is None
    assert foreign_format("a.md", b"") is None


@pytest.mark.parametrize("data", [b"12345678\n", b"1234,5678", b'"12\n\n\n\n\n\n"\n'])
@pytest.mark.parametrize("reader", ["jsonl/1", "csv/1"])
def test_no_record_is_longer_than_the_limit(monkeypatch, reader: str, data: bytes) -> None:
    for module in ("history.records.rows", "curate.readers.cells"):
        monkeypatch.setattr(f"lyrikstore.{module}.MAX_RECORD_BYTES", 8)
    if reader == "jsonl/1":
        data = data[:8].replace(b"\n", b" ")
        assert read(reader, data + b"\r\n") == [data]
        data += b"9"
    with pytest.raises(InvalidInputError, match="longer than"):
        read(reader, data)
