"""Rows through the command line: what is recognised, what is refused, what filters make of it."""

import csv
import gzip
import json
import shlex
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

ROWS = [
    {"id": 1, "text": "One  text", "labels": ["a", "b"], "big": 12345678901234567890, "x": 1.50},
    {"id": 2, "text": "Mail me at jo@example.org", "labels": ["a"], "big": 2, "x": 2},
    {"id": 3, "text": "one text", "labels": [], "big": 3, "x": "three"},
    {"id": 4, "text": "Four", "labels": ["b"], "big": 4, "x": None},
]


def lines(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.fixture
def folder(publisher) -> Path:
    rows = publisher.folder / "rows"
    rows.mkdir()
    return rows


def commit(publisher, *more: object, code: int = 0) -> Any:
    arguments = ("commit", "rows", "-d", "acme/rows", *more, "--json")
    if code:
        return publisher.fails(code, *arguments).error
    return publisher.ok(*arguments).json


def show(publisher, ref: str) -> Any:
    return publisher.ok("show", ref, "--json").json


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


def test_a_byte_order_mark_before_rows_of_json_is_told(publisher, folder) -> None:
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


def test_one_file_is_enough(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(lines(ROWS))
    (folder / "other.pdf").write_bytes(b"%PDF-")
    result = publisher.ok("commit", "rows/t.jsonl", "-d", "acme/one", "--json").json
    assert result["added"] == ["t.jsonl"]
    assert publisher.ok("status", "--json").json["folders"][0]["clean"]


RECIPE = """
recipe = 1
[[step]]
use = "drop-duplicates/1"
[[step]]
use = "redact/1"
"""


def test_a_filter_keeps_lines_byte_for_byte(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(lines(ROWS))
    commit(publisher)
    (publisher.folder / "r.toml").write_text(RECIPE)
    arguments = ("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/clean", "--json")
    trial = publisher.ok(*arguments, "-n").json
    assert trial["dryRun"]
    assert {one["reason"] for one in trial["shown"]} >= {"duplicate", "redacted-email"}
    assert publisher.run("log", "acme/clean").code == 1
    result = publisher.ok(*arguments).json
    assert result["parts"][0]["counts"] == trial["parts"][0]["counts"]
    assert result["droppedFor"] == {"duplicate": 1}
    assert not publisher.ok(*arguments).json["changed"]
    publisher.ok("checkout", "acme/clean", "out")
    first, second, third = (publisher.folder / "out" / "t.jsonl").read_bytes().splitlines()
    assert first == lines(ROWS[:1]).strip()
    assert second == (b'{"big":2,"id":2,"labels":["a"],"text":"Mail me at <EMAIL>","x":2}')
    assert third == lines(ROWS[3:]).strip()

    def why(record: str) -> Any:
        return publisher.ok("why", "acme/clean", record, "--json").json

    changed = why("t.jsonl:2")
    assert changed["kept"]
    assert [one["action"] for one in changed["stages"][0]["decisions"]] == ["changed", "kept"]
    assert why(changed["current"][:12])["record"] == changed["record"]
    assert why(changed["record"])["current"] == changed["current"]
    moved = why("t.jsonl:3")  # in the result; in the source it is the fourth
    assert moved["stages"][0]["decisions"][-1]["position"] == 3
    dropped = why(publisher.ok("why", "acme/rows", "t.jsonl:3", "--json").json["record"])
    assert not dropped["kept"]
    assert dropped["stages"][0]["decisions"][-1]["reason"] == "duplicate"
    gone = publisher.fails(1, "why", "acme/clean", "t.jsonl:9", "--json")
    assert gone.kind == "no-record"


def test_rows_of_other_readers_become_lines(publisher, folder) -> None:
    (folder / "t.csv").write_text("id,text\n1,one\n2,two\n2b,One\n", "utf-8")
    commit(publisher)
    (publisher.folder / "r.toml").write_text(RECIPE)
    publisher.ok("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/clean")
    publisher.ok("checkout", "acme/clean", "out")
    assert (publisher.folder / "out" / "t.csv.jsonl").read_bytes() == (
        b'{"id":"1","text":"one"}\n{"id":"2","text":"two"}\n'
    )
    found = publisher.ok("why", "acme/clean", "t.csv.jsonl:2", "--json").json
    assert found["record"] != found["current"]


def test_a_text_filter_needs_a_text(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(lines([{"q": "a"}, {"q": "b"}]))
    commit(publisher)
    (publisher.folder / "r.toml").write_text(RECIPE)
    arguments = ("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/clean", "--json")
    assert publisher.fails(16, *arguments).error["kind"] == "no-text"
    commit(publisher, "--text", "q")
    publisher.ok(*arguments)


def derive(publisher, recipe: str, *more: object, code: int = 0) -> Any:
    (publisher.folder / "r.toml").write_text(f"recipe = 1\n{recipe}")
    arguments = ("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/x", "--json", *more)
    return publisher.fails(code, *arguments).error if code else publisher.ok(*arguments).json


def test_a_split_by_a_field(publisher, folder) -> None:
    rows = [{"n": n, "fold": fold} for n, fold in enumerate(["tr", "dev", "te", "tr", "x", ""])]
    (folder / "t.jsonl").write_bytes(lines(rows))
    commit(publisher, "--split", "fold")
    step = '[[step]]\nuse = "split/2"\ntrain = ["tr"]\nvalidation = ["dev"]\ntest = ["te"]\n'
    found = derive(publisher, step)
    kept = {part["part"]: part["counts"]["kept"] for part in found["parts"]}
    assert kept == {"train": 2, "validation": 1, "test": 1}
    assert found["droppedFor"] == {"other-part": 1, "no-part": 1}
    assert derive(publisher, step + 'column = "fold"\n')["parts"][0]["counts"]["kept"] == 2
    for wrong in (
        step.replace('["dev"]', '["tr"]'),
        step + 'by = "n"\n',
        '[[step]]\nuse = "split/2"\ncolumn = "fold"\n',
    ):
        assert derive(publisher, wrong, code=16)["kind"] == "bad-recipe"
    commit(publisher, "--yes")
    assert derive(publisher, step, code=16)["kind"] == "no-split"


def test_a_split_by_hash_keeps_groups_together(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(lines([{"n": n, "matter": n % 40} for n in range(400)]))
    commit(publisher, "--group", "matter")
    derive(publisher, '[[step]]\nuse = "split/2"\n')
    seen: dict[int, str] = {}
    for part in ("train", "validation", "test"):
        publisher.ok("checkout", f"acme/x.{part}", part)
        for line in (publisher.folder / part / "t.jsonl").read_text().splitlines():
            assert seen.setdefault(json.loads(line)["matter"], part) == part
    assert len(seen) == 40


def test_a_partition_has_a_folder_for_each_value(publisher, folder) -> None:
    values = ["MIT", "CC0-1.0", "MIT", "a/b ü", "", None]
    rows = [{"n": n, "licence": value} for n, value in enumerate(values)]
    (folder / "t.jsonl").write_bytes(lines(rows[:4]))
    (folder / "u.jsonl").write_bytes(lines(rows[4:]))
    commit(publisher)
    derive(publisher, '[[step]]\nuse = "partition/1"\n')
    publisher.ok("checkout", "acme/x", "out")
    out = publisher.folder / "out"
    files = sorted(str(path.relative_to(out)) for path in out.glob("*/*"))
    assert files == [
        "licence=CC0-1.0/part-00000.jsonl",
        "licence=MIT/part-00000.jsonl",
        "licence=a%2Fb%20%C3%BC/part-00000.jsonl",
        "licence=unknown/part-00000.jsonl",
    ]
    kept = (out / "licence=MIT/part-00000.jsonl").read_bytes()
    assert kept == lines([rows[0], rows[2]])
    found = publisher.ok("why", "acme/x", "licence=MIT/part-00000.jsonl:2", "--json").json
    assert found["stages"][0]["decisions"][-1]["position"] == 2
    (folder / "t.jsonl").write_bytes(lines([{"licence": f"L{n}"} for n in range(300)]))
    commit(publisher)
    error = derive(publisher, '[[step]]\nuse = "partition/1"\n', code=16)
    assert error["kind"] == "too-many-partitions"


def test_diff_tells_rows_apart(publisher, folder) -> None:
    rows = [{"id": n, "text": f"t{n}", "label": "a"} for n in range(10)]
    (folder / "t.jsonl").write_bytes(lines(rows))
    (folder / "same.jsonl").write_bytes(lines([{"id": 99, "text": "x", "label": "a"}]))
    commit(publisher)
    changed = [{**rows[1], "label": "b"}, {**rows[2], "label": "b"}, {**rows[3], "text": "new"}]
    (folder / "t.jsonl").write_bytes(lines([*changed, *rows[5:], {"id": 50, "text": "came"}]))
    (folder / "u.jsonl").write_bytes(lines([rows[4]]))
    commit(publisher)
    found = publisher.ok("diff", "acme/rows~1", "acme/rows", "--json").json["rowChanges"]
    assert found["shifts"] == [
        {"shift": "label", "oldValue": "a", "newValue": "b", "recordCount": 2}
    ]
    assert found["counts"] == {
        "added": 1,
        "removed": 1,
        "changed": 3,
        "moved": 1,
        "unchanged": 6,
    }
    assert {"change": "removed", "path": "t.jsonl", "line": 1} in found["rowsShown"]
    assert {"change": "moved", "path": "u.jsonl", "line": 1} in found["rowsShown"]
    back = publisher.ok("diff", "acme/rows", "acme/rows~1", "--json").json["rowChanges"]
    assert back["counts"]["removed"] == back["counts"]["added"] == 1
    assert back["shifts"] == [
        {"shift": "label", "oldValue": "b", "newValue": "a", "recordCount": 2}
    ]


def test_rows_are_converted(publisher, folder) -> None:
    rows = [
        {"id": 1, "text": 'a, "b"\nc', "labels": ["x", "y"], "n": 1, "m": 1, "big": 2**60},
        {"id": 2, "text": "=1+1", "labels": [], "n": 2.5, "m": "s", "o": {"k": [1]}},
        {"id": 3, "b": True, "text": None},
    ]
    (folder / "t.jsonl").write_bytes(lines(rows))
    (folder / "README.md").write_text("About.\n")
    commit(publisher)
    for form in ("jsonl", "csv", "parquet"):
        found = publisher.ok("checkout", "acme/rows", form, "--format", form, "--json").json
        assert found["files"] == 2
        assert (publisher.folder / form / "README.md").read_text() == "About.\n"
    assert (publisher.folder / "jsonl" / "t.jsonl").read_bytes() == lines(rows)
    with (publisher.folder / "csv" / "t.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert table[0]["text"] == 'a, "b"\nc'
    assert table[0]["labels"] == '["x","y"]'
    assert table[1]["o"] == '{"k":[1]}'
    assert table[2]["text"] == table[2]["n"] == ""
    found = pq.read_table(publisher.folder / "parquet" / "t.parquet").to_pylist()
    assert [row["n"] for row in found] == [1.0, 2.5, None]
    assert [row["m"] for row in found] == ["1", "s", None]
    assert found[0]["labels"] == ["x", "y"]
    assert found[0]["big"] == str(2**60)
    assert found[2]["b"] is True
    # What was converted can be committed again, and says the same.
    publisher.ok("commit", "csv", "-d", "acme/again")
    publisher.ok("commit", "parquet", "-d", "acme/again", "--yes")
    assert "formula" in publisher.ok("checkout", "acme/rows", "more", "--format", "csv").out


def test_documents_are_converted(publisher, folder) -> None:
    (folder / "a.txt").write_text("one")
    (publisher.folder / "sheet.csv").write_text("file,kind\na.txt,x\n")
    publisher.ok("commit", "rows", "-d", "acme/docs", "--metadata", "sheet.csv")
    publisher.ok("checkout", "acme/docs", "out", "--format", "jsonl")
    line = json.loads((publisher.folder / "out" / "records.jsonl").read_text())
    assert line == {"path": "a.txt", "kind": "x", "text": "one"}
    (folder / "b.txt").write_bytes(b"\xff")
    publisher.ok("commit", "rows", "-d", "acme/docs", "--metadata", "sheet.csv")
    error = publisher.fails(16, "checkout", "acme/docs", "o2", "--format", "csv", "--json").error
    assert error["kind"] == "undecodable-text"
    assert not (publisher.folder / "o2").exists()


def test_status_looks_into_packed_files(publisher, folder) -> None:
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines(ROWS), mtime=0))
    (folder / "README.md").write_text("About.\n")
    commit(publisher)

    def status() -> Any:
        return publisher.ok("status", "--json").json["folders"][0]

    assert status()["clean"]
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines(ROWS), 1, mtime=9))
    assert status()["clean"]  # packed otherwise, and the same
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines(ROWS[:2])))
    assert status()["modified"] == ["a.jsonl"]
    (folder / "b.csv").write_text("x")
    (folder / "a.jsonl.gz").unlink()
    found = status()
    assert (found["added"], found["removed"]) == (["b.csv"], ["a.jsonl"])


def test_status_knows_the_files_of_which_lines_were_left_out(publisher, folder) -> None:
    (folder / "a.csv").write_text("n,tag,q\n1,x,one\n2\n3,y,three\n")
    (folder / "b.csv.gz").write_bytes(gzip.compress(b"n,q\n1,one\n2\n"))
    (folder / "c.csv").write_text("n,q\n1,one\n")
    options = ("--text", "q", "--label", "tag", "--reader", "csv/2", "--measure", "tokens")

    def status() -> Any:
        return publisher.ok("status", "--json").json["folders"][0]

    assert len(commit(publisher, *options, "--skip-bad")["skipped"]) == 2
    assert status()["clean"]
    assert not commit(publisher, *options, "--skip-bad")["changed"]
    (folder / "b.csv.gz").unlink()
    commit(publisher, *options, "--skip-bad", "--yes")
    assert status()["clean"]  # none is packed: compared in another way
    assert status()["clean"]  # and remembered
    kept = "n,tag,q\n1,x,one\n3,y,three\n"
    (folder / "a.csv").write_text(kept)
    assert status()["clean"]  # a commit would find nothing new
    (folder / "a.csv").write_text("n,tag,q\n1,x,one\n2\n3,y,THREE\n")
    assert status()["modified"] == ["a.csv"]
    said = publisher.ok("status").err.splitlines()
    (hint,) = [line for line in said if "lyrikstore commit" in line]
    words = shlex.split(hint[hint.index("lyrikstore") :])
    assert "--skip-bad" in words
    publisher.ok(*words[1:])
    assert status()["clean"]
    body = show(publisher, "acme/rows")["manifest"]["body"]
    assert body["fields"] == {"text": ["q"], "label": "tag"}
    assert body["descriptor"]["stats"]["value"]["sample"]["tokens"]


def test_labels_in_cells(publisher, folder) -> None:
    (folder / "t.csv").write_text('id,text,label\n1,x,a; b\n2,y,"[""a"",""c""]"\n3,z,\n', "utf-8")
    commit(publisher, "--label", "label", "--label-separator", ";")
    body = show(publisher, "acme/rows")["manifest"]["body"]
    assert body["fields"]["labelSeparator"] == ";"
    stats = body["descriptor"]["stats"]["value"]
    assert stats["labels"] == [
        {"label": "a", "records": 2},
        {"label": "b", "records": 1},
        {"label": "c", "records": 1},
    ]
    assert stats["severalLabels"] == 2


def test_a_list_of_opt_outs_is_named_and_needs_no_right(publisher, folder) -> None:
    rows = [{"id": str(n), "text": f"t{n}", "label": "ab"[n % 2]} for n in range(6)]
    (folder / "t.jsonl").write_bytes(lines(rows))
    commit(publisher)
    listed = publisher.folder / "out.jsonl"
    listed.write_bytes(lines([{"id": "3"}]))
    publisher.ok("commit", listed, "-d", "acme/out")
    derive(publisher, '[[step]]\nuse = "opt-out/1"\nagainst = ["acme/out"]\n')
    inputs = show(publisher, "acme/x")["manifest"]["inputs"]
    assert [one["role"] for one in inputs] == ["source", "filter", "opt-out"]
    publisher.ok("permit", "acme/rows", "--permit", "train")
    answer = publisher.ok("terms", "acme/x", "--purpose", "train", "--json").json
    assert answer["schema"].startswith("lyrikstore/cli/terms")
