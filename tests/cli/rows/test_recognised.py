"""Rows on the command line: what is recognised in files, and what is refused."""

import gzip
import json

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.cli.rows.tables import ROWS, commit, lines, show


def test_what_is_recognised_is_said(publisher, folder) -> None:
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(lines(ROWS[2:])))
    (folder / "a.JSONL.zst").write_bytes(zstandard.compress(lines(ROWS[:2])))
    (folder / "README.md").write_text("About.\n")
    (folder / "LICENSE").write_text("Free.\n")
    found = commit(publisher)
    assert found["reader"] == "jsonl/1"
    assert found["recordCount"] == 4
    assert found["fieldRoles"] == {"text": ["text"], "label": "labels", "id": "id"}
    assert found["companions"] == ["LICENSE", "README.md"]
    assert found["added"] == ["LICENSE", "README.md", "a.JSONL", "b.jsonl"]
    assert [note for note in found["notes"] if "'x'" in note]  # its type changes
    assert not commit(publisher)["changed"]
    publisher.ok("checkout", "acme/rows", "out")
    assert (publisher.folder / "out" / "a.JSONL").read_bytes() == lines(ROWS[:2])
    assert (publisher.folder / "out" / "LICENSE").read_text() == "Free.\n"


def test_csv_and_parquet_are_the_same_records_as_text(publisher, folder) -> None:
    (folder / "t.csv").write_text('\ufeffid;text;n\n1;"a;b\nc";2\n2;;\n', "utf-8")
    assert commit(publisher)["reader"] == "csv/2"
    assert commit(publisher)["recordCount"] == 2
    (folder / "t.csv").unlink()
    table = pa.table({"id": [1, 2], "text": ["a;b\nc", None], "n": [2.5, None]})
    pq.write_table(table, folder / "t.parquet")
    found = commit(publisher, "--yes")
    assert (found["reader"], found["recordCount"]) == ("parquet/1", 2)
    assert found["fieldRoles"]["id"] == "id"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[1]\n", "a list"),
        (b"{\n", "no JSON"),
        (b'{"a":NaN}\n', "NaN"),
        (b'{"a":"\\ud800"}\n', "surrogate"),
        (b'{"a":1,"a":2}\n', "stands twice"),
        (b'{"a":"\xff"}\n', "UTF-8"),
        (b"\n", "empty"),
        (b"[" * 5000 + b"]" * 5000 + b"\n", "nested"),
        (b'{"a":' * 70 + b"1" + b"}" * 70 + b"\n", "nested"),
        (b'{"a":1e999}\n', "range"),
        (b'{"text":3}\n', "integer"),
    ],
)
def test_a_malformed_line_is_named_with_its_file(publisher, folder, content, reason) -> None:
    (folder / "t.jsonl").write_bytes(b'{"text":"good"}\n' + content + b'{"text":"too"}\n')
    error = commit(publisher, "--text", "text", code=16)
    assert error["kind"] == "bad-rows"
    assert error["message"].startswith("t.jsonl: line 2: ")
    assert reason in error["message"]
    found = commit(publisher, "--text", "text", "--skip-bad")
    assert found["recordCount"] == 2
    assert [(one["path"], one["line"]) for one in found["skipped"]] == [("t.jsonl", 2)]
    publisher.ok("checkout", "acme/rows", "out")
    kept = (publisher.folder / "out" / "t.jsonl").read_bytes()
    assert kept == b'{"text":"good"}\n{"text":"too"}\n'
    body = show(publisher, "acme/rows")["manifest"]["body"]
    assert body["skipped"] == 1


def test_all_malformed_lines_come_in_one_run(publisher, folder) -> None:
    for name in "ab":
        (folder / f"{name}.jsonl").write_bytes(b'{"text":"x"}\n' + b"no\n" * 30)
    error = commit(publisher, code=16)
    assert error["details"]["mistakesCount"] == 60
    said = publisher.fails(16, "commit", "rows", "-d", "acme/rows").err.splitlines()
    assert sum("no JSON" in line for line in said) == 20
    assert publisher.run("log", "acme/rows").code == 1


def test_tables_that_are_none(publisher, folder) -> None:
    for content, reason in (
        (b'a,b\n1,"open\n2,3\n', "end of data"),
        (b"a,b\n1\n", "cells"),
        (b"a,a\n1,2\n", "twice"),
        (b"a,b\n1,\xff\n", "UTF-8"),
        (b'a,b\n"x"y,2\n', "expected"),
    ):
        (folder / "t.csv").write_bytes(content)
        error = commit(publisher, code=16)
        assert error["kind"] == "bad-rows"
        assert reason in error["message"]
    (folder / "t.csv").unlink()
    (folder / "t.parquet").write_bytes(b"PAR1 and no more PAR1")
    assert commit(publisher, code=16)["kind"] == "bad-record"
    nested = pa.table({"m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))})
    pq.write_table(nested, folder / "t.parquet")
    assert "map" in commit(publisher, code=16)["message"]
    pq.write_table(pa.table({"f": [1.0, float("nan")]}), folder / "t.parquet")
    error = commit(publisher, "--skip-bad", code=16)
    assert error["kind"] == "bad-rows"
    assert "row 2" in error["message"]


def test_skip_bad_loses_no_good_row(publisher, folder) -> None:
    good = [b"%d,row %d" % (n, n) for n in range(5000)]
    file = folder / "t.csv"

    def write(*lines: bytes) -> None:
        file.write_bytes(b"\n".join([b",,", b"id,text", *good[:2000], *lines, *good[2000:]]))

    write(b"1,caf\xe9", b"1", b'"x"y,2')
    found = commit(publisher, "--skip-bad")
    assert found["recordCount"] == 5000
    assert [one["line"] for one in found["skipped"]] == [2003, 2004, 2005]
    publisher.ok("checkout", "acme/rows", "out")
    kept = (publisher.folder / "out" / "t.csv").read_bytes()
    assert kept == b"\n".join([b",,", b"id,text", *good, b""])
    for line in (b'1,"open', b'1,"x\n2,y\n3,",z', b'"x"y"z,1'):
        write(line)
        for more in ((), ("--skip-bad",)):
            error = commit(publisher, *more, code=16)
            assert error["kind"] == "bad-rows"
            assert "t.csv: line 2003: " in error["message"]
            assert "--skip-bad" not in error["hint"]
    write(b"1", b'1,"open')
    assert commit(publisher, code=16)["details"]["mistakesCount"] == 2
    assert "line 2004: " in commit(publisher, "--skip-bad", code=16)["message"]


def test_the_copy_of_a_table_has_the_separator_of_the_table(publisher, folder) -> None:
    (folder / "t.csv").write_bytes(b",,\na;b;c;d,e,f\n1,2,3\n1,2\n4,5,6\n")
    assert commit(publisher, "--skip-bad")["recordCount"] == 2
    publisher.ok("checkout", "acme/rows", "out", "--format", "jsonl")
    written = (publisher.folder / "out" / "t.jsonl").read_text().splitlines()
    assert [json.loads(line)["e"] for line in written] == ["2", "5"]


def test_an_index_without_a_name_is_one_mistake(publisher, folder) -> None:
    rows = "".join(f"{n},x,a\n" for n in range(50))
    (folder / "t.csv").write_text(f",text,label\n{rows}")
    for more in ((), ("--skip-bad",)):
        error = commit(publisher, *more, code=16)
        assert error["kind"] == "bad-rows"
        assert error["message"].startswith("t.csv: line 1: ")
        assert error["details"]["mistakesCount"] == 1
        assert "index=False" in error["hint"]


def test_a_byte_order_mark_before_rows_of_json_is_reported(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(b"\xef\xbb\xbf" + lines(ROWS))
    for more in ((), ("--skip-bad",)):
        error = commit(publisher, *more, code=16)
        assert error["kind"] == "bad-rows"
        assert "byte order mark" in error["message"]
        assert "BOM" in error["hint"]
    assert publisher.run("log", "acme/rows").code == 1


def test_packed_files_that_are_hostile(publisher, folder, monkeypatch) -> None:
    (folder / "t.jsonl.gz").write_bytes(gzip.compress(lines(ROWS))[:-9])
    assert commit(publisher, code=16)["kind"] == "bad-record"
    (folder / "t.jsonl.gz").write_bytes(gzip.compress(lines(ROWS)))
    (folder / "t.jsonl").write_bytes(lines(ROWS))
    assert commit(publisher, code=16)["kind"] == "bad-files"


def test_what_was_cut_off_is_not_a_packed_file(publisher, folder) -> None:
    rows = lines([{"id": n, "text": f"row {n}"} for n in range(2000)])
    frames = zstandard.compress(rows[:999]) + zstandard.compress(rows[999:])
    unknown = zstandard.ZstdCompressor().compressobj()  # the frame does not tell its size
    cases = {
        "gz": gzip.compress(rows),
        "zst": frames,
        "ZST": unknown.compress(rows) + unknown.flush(),
    }
    for suffix, packed in cases.items():
        file = folder / f"t.jsonl.{suffix}"
        for left in (0, 1, 3, len(packed) // 2, len(packed) - 10, len(packed) - 1):
            file.write_bytes(packed[:left])
            assert commit(publisher, code=16)["kind"] == "bad-record", (suffix, left)
            assert commit(publisher, "--skip-bad", code=16)["kind"] == "bad-record"
        file.write_bytes(packed)
        assert commit(publisher, "-n")["recordCount"] == 2000
        file.unlink()
    file = folder / "t.jsonl.zst"
    file.write_bytes(b"\x50\x2a\x4d\x18\x03\0\0\0abc" + frames)  # a frame to be skipped
    assert commit(publisher, "-n")["recordCount"] == 2000
    file.write_bytes(frames + b"more")
    assert commit(publisher, code=16)["kind"] == "bad-record"
    wide = zstandard.ZstdCompressionParameters(window_log=28)
    compressor = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    file.write_bytes(compressor.compress(rows) + compressor.flush())
    assert commit(publisher, code=16)["kind"] == "bad-record"


def test_ids_are_unique_if_they_are_ids(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(lines([*ROWS, {"id": 2, "text": "again"}]))
    error = commit(publisher, "--id", "id", code=16)
    assert error["kind"] == "duplicate-ids"
    assert "line 5" in error["message"]
    assert "t.jsonl line 2" in error["message"]
    found = commit(publisher)
    assert "id" not in found["fieldRoles"]
    assert any("'id'" in note for note in found["notes"])
    assert commit(publisher, "--id", "id", "--skip-bad")["recordCount"] == 4


def test_roles_name_fields_that_exist(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(lines(ROWS))
    error = commit(publisher, "--label", "lables", code=16)
    assert error["kind"] == "unknown-column"
    assert "labels" in error["hint"]
    (folder / "notes.bin").write_bytes(b"\0")
    error = commit(publisher, "--label", "labels", code=16)
    assert error["kind"] == "no-rows"
    found = commit(publisher, "--label", "labels", "--reader", "jsonl/1")
    assert found["companions"] == ["notes.bin"]
    assert commit(publisher, "--yes")["reader"] == "document/1"


def test_a_workbook_and_the_one_table_of_a_folder(publisher, folder) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.title = "Tickets"
    workbook.active.append(["id", "text"])
    workbook.active.append(["T-1", "hello"])
    workbook.create_sheet("Codes").append(["code"])
    workbook.save(folder / "t.xlsx")
    (folder / "letter.txt").write_text("Dear")
    said = publisher.fails(16, "commit", "rows", "-d", "acme/rows", "--no-input", "--json")
    assert said.kind == "which-table"
    found = publisher.ok(
        "commit", "rows/t.xlsx", "-d", "acme/t", "--sheet", "Tickets", "--json"
    ).json
    assert (found["added"], found["fieldRoles"]["id"]) == (["t.jsonl"], "id")
    assert publisher.ok("why", "acme/t", "T-1", "--json").json["line"] == 1


def test_one_file_is_enough(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(lines(ROWS))
    (folder / "other.pdf").write_bytes(b"%PDF-")
    result = publisher.ok("commit", "rows/t.jsonl", "-d", "acme/one", "--json").json
    assert result["added"] == ["t.jsonl"]
    assert publisher.ok("status", "--json").json["folders"][0]["clean"]
