"""Parquet that says it is small, or whole: what asks for more than a file gets is refused.

Commands run with an address space of 2 GiB, which a reader without limits would fill.
"""

import io
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lyrikstore.curate.readers import PARQUET, parquet_process
from lyrikstore.curate.readers.records import iter_rows
from tests.conftest import Person
from tests.parquet_files import BYTE_ARRAY, SNAPPY, data_page, dictionary_page, parquet_file, run

MANY = 2**31 - 1
SEVEN = (7).to_bytes(4, "little")
SMALL = """import resource, runpy
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
"""
FORGED = """import runpy
from lyrikstore.curate.readers import records
from lyrikstore.history.records.rows import RawRow
records._ROWS["parquet/1"] = lambda path, stream: iter([RawRow(1, b'{"a":7}')])
"""


class Modified(Person):
    """Somebody whose command runs ``first`` before."""

    first = ""

    def command(self, *arguments: object) -> list[str]:
        main = "runpy.run_module('lyrikstore_cli', run_name='__main__', alter_sys=True)"
        return [sys.executable, "-c", self.first + main, *map(str, arguments)]


class Small(Modified):
    """Somebody with little memory."""

    first = SMALL


class Forger(Modified):
    """Somebody who signs files that no reader reads."""

    first = FORGED


def shared_text(length: int, rows: int) -> bytes:
    """Return a small file of so many rows with one long text."""
    places = pa.array([0] * rows, pa.int32())
    column = pa.DictionaryArray.from_arrays(places, pa.array(["a" * length]))
    out = io.BytesIO()
    pq.write_table(
        pa.table({"a": column}),
        out,
        compression="zstd",
        dictionary_pagesize_limit=1 << 30,
        store_schema=False,
        write_statistics=False,
    )
    return out.getvalue()


def lying_pages(kind: int, data: bytes) -> bytes:
    pages = [
        dictionary_page(data, 1, unpacked=MANY),
        *(data_page(run(1), 1, unpacked=MANY) for _ in range(5)),
    ]
    return parquet_file(pages, rows=5, kind=kind, codec=SNAPPY)


HOSTILE = {
    "pages of 2 GiB": (lambda: lying_pages(1, SEVEN), "bad-record"),
    "texts of 2 GiB": (lambda: lying_pages(BYTE_ARRAY, b"\x01\0\0\0a"), "bad-record"),
    "a text of 2 GiB": (
        lambda: parquet_file(
            [dictionary_page(MANY.to_bytes(4, "little") + b"a", 1), data_page(run(5), 5)],
            rows=5,
            kind=BYTE_ARRAY,
        ),
        "bad-record",
    ),
    "a long text in every row": (lambda: shared_text(60_000_000, 1024), "too-large"),
    "rows without end": (
        lambda: parquet_file([dictionary_page(SEVEN, 1), data_page(run(MANY), MANY)], rows=MANY),
        "too-large",
    ),
    "more rows than there are": (
        lambda: parquet_file([dictionary_page(SEVEN, 1), data_page(run(5), 5)], rows=9),
        "bad-record",
    ),
    "fewer than none": (
        lambda: parquet_file([dictionary_page(SEVEN, 1), data_page(run(5), 5)], rows=-5),
        "bad-record",
    ),
}


LONG = pytest.param("a long text in every row", marks=pytest.mark.ci)


@pytest.mark.parametrize("name", [LONG if name in LONG.values else name for name in HOSTILE])
def test_a_commit_refuses_it(publisher: Person, name: str) -> None:
    make, kind = HOSTILE[name]
    (publisher.folder / "t.parquet").write_bytes(make())
    small = Small(publisher.home, publisher.folder)
    error = small.fails(16, "commit", "t.parquet", "-d", "acme/rows", "--json").error
    assert error["kind"] == kind
    assert "t.parquet" in error["message"]
    assert error["hint"]


@pytest.mark.parametrize("name", ["pages of 2 GiB", LONG, "rows without end"])
def test_a_verification_survives_it(publisher: Person, name: str) -> None:
    make, _ = HOSTILE[name]
    delivery = publisher.folder / "delivery"
    (publisher.folder / "t.parquet").write_bytes(make())
    forger = Forger(publisher.home, publisher.folder)
    forger.ok("commit", "t.parquet", "-d", "acme/rows")
    forger.ok("issue", "acme/rows", "-o", delivery, "--permit", "train")
    small = Small(publisher.home, publisher.folder)
    for more in ((), ("--no-recompute",)):
        result = small.run("verify", delivery, *more, "--json")
        assert result.code in (3, 5)
        assert result.check("records.root")["state"] != "pass"
        assert "t.parquet" in str(result.check("records.root"))


def test_a_delivery_of_parquet_is_verified(publisher: Person) -> None:
    delivery = publisher.folder / "delivery"
    pq.write_table(pa.table({"a": list(range(5000))}), publisher.folder / "t.parquet")
    publisher.ok("commit", "t.parquet", "-d", "acme/rows")
    publisher.ok("issue", "acme/rows", "-o", delivery, "--permit", "train")
    small = Small(publisher.home, publisher.folder)
    assert small.run("verify", delivery, "--json").check("records.root")["state"] == "pass"


def test_long_texts_that_rows_share_are_read(tmp_path: Path) -> None:
    data = shared_text(2_000_000, 500)  # 1 GB as one batch: the second try takes them singly
    rows = iter_rows(PARQUET, "t.parquet", io.BytesIO(data))
    assert [(row.line, len(row.data)) for row in rows] == [
        (number, 2_000_008) for number in range(1, 501)
    ]


def test_a_process_reads_many_files_and_a_read_may_end_early() -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(100_000))}), out)
    for _ in range(2):
        assert sum(1 for _ in iter_rows(PARQUET, "t", out)) == 100_000
    (_, kept) = parquet_process._idle[-1]
    reading = iter_rows(PARQUET, "t", out)
    assert next(reading).line == 1
    assert all(process is not kept for _, process in parquet_process._idle)
    reading.close()
    assert [row.data for row in iter_rows(PARQUET, "t", out)][-1] == b'{"a":99999}'
    with pytest.raises(ZeroDivisionError):
        list(iter_rows(PARQUET, "t", _Failing(out.getvalue())))


class _Failing(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise ZeroDivisionError
