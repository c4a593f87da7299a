"""``checkout --format``: no file replaces another, no field is lost, memory stays flat."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lyrikstore.curate.convert import new_names
from tests.conftest import Person
from tests.measured import Measured

MIB = 1 << 20


def test_files_of_one_name_both_stay(publisher: Person) -> None:
    folder = publisher.folder / "rows"
    folder.mkdir()
    (folder / "a.csv").write_text("text\ncommas\n")
    (folder / "a.tsv").write_text("text\ttabs\nno\tyes\n")
    (folder / "b.csv").write_text("text\nalone\n")
    (folder / "c.csv").write_text("text\nwith a companion\n")
    (folder / "c.jsonl").write_text("a companion\n")
    publisher.ok("commit", folder, "-d", "acme/rows", "--reader", "csv/2")
    publisher.ok("checkout", "acme/rows", "out", "--format", "jsonl")
    found = {one.name: one.read_text() for one in (publisher.folder / "out").iterdir()}
    assert found == {
        "a.csv.jsonl": '{"text":"commas"}\n',
        "a.tsv.jsonl": '{"tabs":"yes","text":"no"}\n',
        "b.jsonl": '{"text":"alone"}\n',
        "c.csv.jsonl": '{"text":"with a companion"}\n',
        "c.jsonl": "a companion\n",
    }


@pytest.mark.parametrize(
    ("shards", "companions", "names"),
    [
        ("a.csv b.tsv", "", "a.x b.x"),
        ("a.csv a.tsv a.ndjson", "", "a.csv.x a.ndjson.x a.tsv.x"),
        ("A.csv a.tsv", "", "A.csv.x a.tsv.x"),
        ("a.csv", "a.x", "a.csv.x"),
        ("a.csv", "a.x a.csv.x", "a.csv.x.x"),
        ("a.csv a.x/b.csv", "", "a.csv.x a.x/b.x"),
        ("d/a.csv e/a.csv", "", "d/a.x e/a.x"),
        ("a.csv a.tsv a.csv.csv", "", "a.csv.x.x a.csv.x a.tsv.x"),
    ],
)
def test_new_names(shards: str, companions: str, names: str) -> None:
    paths = sorted(shards.split())
    expected = dict(zip(paths, names.split(), strict=True))
    for given in (paths, paths[::-1]):
        assert new_names(given, companions.split(), "x") == expected


def test_a_field_without_a_name_is_kept(publisher: Person) -> None:
    (publisher.folder / "t.jsonl").write_text('{"":" secret","text":"x"}\n{"text":"y"}\n')
    publisher.ok("commit", "t.jsonl", "-d", "acme/rows")
    for form in ("jsonl", "csv", "parquet"):
        publisher.ok("checkout", "acme/rows", form, "--format", form)
    assert '"":" secret"' in (publisher.folder / "jsonl" / "t.jsonl").read_text()
    with (publisher.folder / "csv" / "t.csv").open(newline="") as file:
        assert next(csv.DictReader(file)) == {"": " secret", "text": "x"}
    rows = pq.read_table(publisher.folder / "parquet" / "t.parquet").to_pylist()
    assert rows == [{"": " secret", "text": "x"}, {"": None, "text": "y"}]
    query = "SELECT field_, text FROM records ORDER BY position"
    found = publisher.ok("query", query, "--records", "acme/rows", "--json").json
    assert found["rows"] == [[" secret", "x"], [None, "y"]]
    profile = publisher.ok("profile", "acme/rows", "--json").json
    assert {one["fieldName"] for one in profile["fieldFacts"]} == {"", "text"}
    assert profile["personalSearched"] == ["", "text"]
    (publisher.folder / "r.toml").write_text('recipe = 1\n[[step]]\nuse = "map/1"\ntrim = "*"\n')
    publisher.ok("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/trimmed")
    publisher.ok("checkout", "acme/trimmed", "trimmed", "--format", "jsonl")
    assert '"":"secret"' in (publisher.folder / "trimmed" / "t.jsonl").read_text()


def write_rows(path: Path, count: int, length: int) -> None:
    with path.open("w") as file:
        for number in range(count):
            row = {
                "text": f"{number:x} " * (length // 3),
                "label": "ab"[number % 2],
            }
            file.write(json.dumps(row) + "\n")


@pytest.mark.slow
def test_long_rows_do_not_fill_the_memory(publisher: Person) -> None:
    for name, count, length in (("small", 10, 30), ("large", 400, MIB)):
        write_rows(publisher.folder / f"{name}.jsonl", count, length)
    commands = (
        ("commit", "{}.jsonl", "-d", "acme/{}"),
        ("profile", "acme/{}"),
        ("checkout", "acme/{}", "{}", "--format", "parquet"),
        ("commit", "{}/{}.parquet", "-d", "acme/{}-again"),
    )
    measured = Measured(publisher.home, publisher.folder, publisher.environment)
    for command in commands:
        peaks = []
        for name in ("small", "large"):
            measured.ok(*(one.replace("{}", name) for one in command))
            peaks.append(measured.peak)
        small, large = peaks
        assert large < small + 300, (command, small, large)
