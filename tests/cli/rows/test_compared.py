"""Rows told apart by diff and status, converted, and labelled in cells."""

import csv
import gzip
import json
import shlex
from typing import Any

import pyarrow.parquet as pq

from tests.cli.rows.tables import ROWS, commit, lines, show


def test_diff_distinguishes_rows(publisher, folder) -> None:
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
    options = ("--text", "q", "--label", "tag", "--reader", "csv/2", "--statistic", "tokens")

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
