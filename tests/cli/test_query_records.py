"""`query --records`: rows and documents as a table that is read in place."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS: list[dict[str, Any]] = [
    {"id": 1, "text": "Ünï", "labels": ["a", "b"], "x": 1.5, "mixed": 1, "ok": True, "Path": "p"},
    {"id": 2, "text": "two", "labels": [], "x": 2, "mixed": "one", "ok": False, "o": {"k": [1]}},
    {"id": 3, "text": "three", "labels": None, "x": None, "mixed": None, "big": 2**60},
]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.fixture
def rows(publisher) -> Any:
    folder = publisher.folder / "rows"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(lines(ROWS[:2]))
    (folder / "b.jsonl").write_bytes(lines(ROWS[2:]))
    (folder / "README.md").write_text("About.\n")
    publisher.ok("commit", "rows", "-d", "acme/rows", "--licence", "CC0-1.0")
    return publisher


def ask(person, sql: str, *refs: str) -> Any:
    named = [part for ref in refs or ("acme/rows",) for part in ("--records", ref)]
    return person.ok("query", sql, *named, "--json").json


def test_every_field_is_a_column_of_its_type(rows) -> None:
    described = ask(rows, "describe records")["rows"]
    assert [row[:2] for row in described] == [
        ["manifest", "VARCHAR"],
        ["dataset", "VARCHAR"],
        ["path", "VARCHAR"],
        ["position", "BIGINT"],
        ["record", "VARCHAR"],
        ["field_Path", "VARCHAR"],
        ["big", "VARCHAR"],
        ["id", "BIGINT"],
        ["labels", "VARCHAR[]"],
        ["mixed", "VARCHAR"],
        ["o", "VARCHAR"],
        ["ok", "BOOLEAN"],
        ["text", "VARCHAR"],
        ["x", "DOUBLE"],
    ]
    found = ask(rows, "select * exclude (manifest, record) from records")
    assert [row[:3] for row in found["rows"]] == [
        ["datasets/acme/rows", "a.jsonl", 0],
        ["datasets/acme/rows", "a.jsonl", 1],
        ["datasets/acme/rows", "b.jsonl", 0],
    ]
    assert [row[3:] for row in found["rows"]] == [
        ["p", None, 1, ["a", "b"], "1", None, True, "Ünï", 1.5],
        [None, None, 2, [], "one", '{"k":[1]}', False, "two", 2.0],
        [None, str(2**60), 3, None, None, None, None, "three", None],
    ]
    whole = rows.ok("show", "acme/rows", "--json").json
    ((version, record),) = ask(rows, "select manifest, record from records limit 1")["rows"]
    assert version == whole["id"]
    assert rows.ok("why", "acme/rows", record[:12], "--json").json


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel boundaries are Linux's")
def test_the_boundaries_hold_with_records_too(rows) -> None:
    boundaries = ask(rows, "select count(*) from records")["boundaries"]
    names = ("files", "writes", "network", "processes")
    assert {boundaries[name] for name in names} == {"held"}
    assert boundaries["seccomp"] == "on"


def test_a_table_that_is_scanned_twice_is_whole_both_times(rows) -> None:
    joins = {
        "select count(*) from records a, records b": 9,
        "select count(*) from records a join records b using (record)": 3,
        "select count(*) from records where id > (select min(id) from records)": 2,
        "select sum(n) from (select count(*) n from records union all "
        "select count(*) from records where id = 3)": 4,
        "select count(*) from records a positional join records b where a.id = b.id": 3,
        "with r as (select * from records limit 1) select count(*) from r a, records b": 3,
    }
    for sql, expected in joins.items():
        assert ask(rows, sql)["rows"] == [[expected]], sql


def test_too_many_scans_are_an_error_and_not_an_empty_table(rows) -> None:
    scans = " union all ".join(["select count(*) c from records"] * 65)
    failed = rows.fails(
        16, "query", f"select min(c) from ({scans})", "--records", "acme/rows", "--json"
    )
    assert failed.error["kind"] == "too-many-scans"
    assert "MATERIALIZED" in failed.error["hint"]
    once = scans.replace("from records", "from r")
    sql = f"with r as materialized (select * from records) select min(c), max(c) from ({once})"
    assert ask(rows, sql)["rows"] == [[3, 3]]


def test_it_is_not_copied_to_disk(rows) -> None:
    def seen() -> set[Path]:
        return {path for path in rows.folder.parent.rglob("*") if path.is_file()}

    ask(rows, "select count(*) from records")
    before = seen()
    ask(rows, "select count(*) from records")
    assert seen() == before
    for path in before:
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as index:
                names = {row[0] for row in index.execute("show all tables").fetchall()}
                assert "records" not in names


@pytest.mark.parametrize(
    "sql",
    [
        "create table t as select * from records",
        "copy records to 'out.parquet'",
        "insert into records select * from records",
        "drop view records",
        "select * from records, read_text('/etc/passwd')",
        "select * from records; select 1",
        "select * from python_arrow_scan(1, 2, 3)",
        "select * from arrow_scan(1, 2, 3)",
        "select * from _batches",
    ],
)
def test_hostile_sql_gets_no_further_than_without_records(rows, sql: str) -> None:
    failed = rows.fails(16, "query", sql, "--records", "acme/rows", "--json")
    assert failed.error["kind"] in {"bad-query", "not-a-select"}
    assert not list(rows.folder.glob("*.parquet"))


def test_documents_are_records_with_their_sheet_and_text(publisher) -> None:
    folder = publisher.folder / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("text of a")
    (folder / "b.pdf").write_bytes(b"%PDF-\xff\xfe")
    (publisher.folder / "sheet.csv").write_text("file,owner,text\na.txt,Acme,1\nb.pdf,,2\n")
    publisher.ok("commit", "docs", "-d", "acme/docs", "--metadata", "sheet.csv")
    sql = "select path, position, owner, field_text, text from records order by path"
    assert ask(publisher, sql, "acme/docs")["rows"] == [
        ["a.txt", 0, "Acme", "1", "text of a"],
        ["b.pdf", 0, None, "2", None],
    ]


def test_several_versions_are_one_table(rows) -> None:
    (rows.folder / "more.csv").write_text("ID,text,mixed\nx,four,5\n")
    rows.ok("commit", "more.csv", "-d", "acme/more")
    sql = "select dataset, id, text, mixed, x from records order by text"
    assert ask(rows, sql, "acme/rows", "acme/more", "acme/rows")["rows"] == [
        ["datasets/acme/more", "x", "four", "5", None],
        ["datasets/acme/rows", "3", "three", None, None],
        ["datasets/acme/rows", "2", "two", "one", 2.0],
        ["datasets/acme/rows", "1", "Ünï", "1", 1.5],
    ]
    (rows.folder / "rows" / "b.jsonl").write_bytes(lines(ROWS[2:] * 2))
    rows.ok("commit", "rows", "-d", "acme/rows", "--yes")
    counts = "select count(distinct manifest), count(*) from records"
    assert ask(rows, counts, "acme/rows", "acme/rows~1")["rows"] == [[2, 7]]


def test_decisions_can_be_asked_in_place(rows) -> None:
    (rows.folder / "r.toml").write_text('recipe = 1\n[[step]]\nuse = "drop-empty/1"\n')
    (rows.folder / "rows" / "b.jsonl").write_bytes(lines([ROWS[2], {"id": 4, "text": " "}]))
    rows.ok("commit", "rows", "-d", "acme/rows", "--yes")
    rows.ok("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/clean")
    sql = "select path, position, action, reason, new_position from record_decisions"
    found = ask(rows, sql + " where action = 'dropped'", "acme/clean")["rows"]
    assert found == [["b.jsonl", 1, "dropped", "blank", None]]
    both = """select count(*) from record_decisions d join records r
        on r.path = d.new_path and r.position = d.new_position"""
    assert ask(rows, both, "acme/clean")["rows"] == [[3]]
    assert ask(rows, "select * from record_decisions", "acme/rows")["rows"] == []


def test_parquet_and_empty_versions(publisher) -> None:
    pq.write_table(pa.table({"n": [1, 2], "f": [0.5, None]}), publisher.folder / "t.parquet")
    publisher.ok("commit", "t.parquet", "-d", "acme/table")
    assert ask(publisher, "select n, f from records", "acme/table")["rows"] == [
        [1, "0.5"],
        [2, None],
    ]


def test_what_has_no_records_is_reported(rows) -> None:
    (rows.folder / "r.toml").write_text('recipe = 1\n[[step]]\nuse = "drop-empty/1"\n')
    made = rows.ok("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/clean", "--json").json
    no_rows = made["recipe"] if isinstance(made.get("recipe"), str) else "filters/acme/clean"
    for ref, code, kind in (("acme/none", 1, "no-ref"), (no_rows, 16, "not-a-dataset")):
        failed = rows.fails(code, "query", "select 1", "--records", ref, "--json")
        assert failed.error["kind"] == kind


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_killed_parent_leaves_no_process_behind(rows) -> None:
    endless = "select sum(a.id * b.position) from range(100000000) t, records a, records b, records"
    asking = subprocess.Popen(
        rows.command("query", endless, "--records", "acme/rows"),
        cwd=rows.folder,
        env=rows.variables(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        children: list[int] = []
        deadline = time.monotonic() + 60
        while not children and time.monotonic() < deadline:
            time.sleep(0.05)
            children = [
                int(entry.name)
                for entry in Path("/proc").iterdir()
                if entry.name.isdigit() and _is_child(entry, asking.pid)
            ]
        assert children
        time.sleep(1.5)  # until it is confined, and reads
    finally:
        asking.send_signal(signal.SIGKILL)
        asking.wait()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{one}").exists() for one in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [one for one in children if _state(one) not in ("", "Z")]


def _is_child(entry: Path, parent: int) -> bool:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
        return int(fields[1]) == parent and b"index.sandbox" in (entry / "cmdline").read_bytes()
    except OSError:
        return False


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
