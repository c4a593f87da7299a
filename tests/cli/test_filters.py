"""Filters through the command line, on rows and on documents with a sheet."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def bench(publisher) -> "Bench":
    return Bench(publisher)


class Bench:
    """A publisher with rows, or with documents and a sheet."""

    def __init__(self, publisher: Any) -> None:
        self.publisher = publisher

    def rows(self, rows: Sequence[dict[str, Any]], name: str = "acme/rows", *more: str) -> None:
        file = self.publisher.folder / f"{name.replace('/', '-')}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        self.publisher.ok("commit", file.name, "-d", name, *more)

    def documents(self, documents: dict[str, tuple[str, dict[str, str]]]) -> None:
        folder: Path = self.publisher.folder / "documents"
        columns = sorted({name for _, meta in documents.values() for name in meta})
        folder.mkdir()
        with (self.publisher.folder / "sheet.csv").open("w", newline="", encoding="utf-8") as file:
            sheet = csv.writer(file)
            sheet.writerow(["path", *columns])
            for path, (text, meta) in documents.items():
                (folder / path).write_text(text, "utf-8")
                sheet.writerow([path, *(meta.get(name, "") for name in columns)])
        self.publisher.ok("commit", "documents", "-d", "acme/documents", "--metadata", "sheet.csv")

    def recipe(self, toml: str) -> None:
        (self.publisher.folder / "recipe.toml").write_text(f"recipe = 1\n{toml}", "utf-8")

    def filter(self, ref: str, toml: str, *more: str) -> Any:
        self.recipe(toml)
        arguments = ("--recipe", "recipe.toml", "--as", "acme/clean", "--json", *more)
        return self.publisher.ok("filter", ref, *arguments).json

    def refused(self, ref: str, toml: str, code: int) -> Any:
        self.recipe(toml)
        arguments = ("--recipe", "recipe.toml", "--as", "acme/clean", "--json")
        return self.publisher.fails(code, "filter", ref, *arguments).error

    def kept(self) -> list[dict[str, Any]]:
        """Return the rows that were made."""
        self.publisher.ok("checkout", "acme/clean", "out")
        found = sorted((self.publisher.folder / "out").rglob("*.jsonl"))
        return [json.loads(line) for file in found for line in file.read_text().splitlines()]

    def why(self, record: str, source: str = "") -> list[dict[str, Any]]:
        """Return the decisions about a document, or about a row by its place in the source."""
        if source:
            record = self.publisher.ok("why", source, record, "--json").json["record"]
        said = self.publisher.ok("why", "acme/clean", record, "--json").json
        found: list[dict[str, Any]] = said["stages"][0]["decisions"]
        return found


def test_duplicates_of_rows(bench: Bench) -> None:
    bench.rows(
        [
            {"id": 1, "text": "A lease", "label": ""},
            {"id": 2, "text": "a  lease", "label": "lease"},
            {"id": 3, "text": "A lease", "label": "sale"},
            {"id": 4, "text": "a  lease", "label": "lease"},
        ]
    )
    found = bench.filter("acme/rows", '[[step]]\nuse = "drop-duplicates/2"\n')
    assert found["droppedFor"] == {"duplicate-normalised": 1, "duplicate-exact": 1}
    assert found["reportedFor"] == {"label-conflict": 2}
    assert [row["id"] for row in bench.kept()] == [2, 3]
    (dropped,) = bench.why("acme-rows.jsonl:1", "acme/rows")
    assert (dropped["action"], dropped["reason"]) == ("dropped", "duplicate-normalised")
    assert dropped["other"] == {"fileNumber": 0, "position": 1, "item": None}
    reported, kept = bench.why("acme-rows.jsonl:3", "acme/rows")
    assert (reported["action"], reported["reason"]) == ("reported", "label-conflict")
    assert kept["action"] == "kept"
    toml = '[[step]]\nuse = "drop-duplicates/2"\nconflicts = "drop"\nby = ["text"]\n'
    assert bench.refused("acme/rows", toml, 17)["kind"] == "nothing-kept"
    toml = '[[step]]\nuse = "drop-duplicates/2"\nby = ["txt"]\n'
    assert bench.refused("acme/rows", toml, 16)["kind"] == "unknown-column"


def test_duplicates_of_documents(bench: Bench) -> None:
    bench.documents(
        {
            "a.txt": ("same text", {}),
            "b.txt": ("Same text", {"court": "BGH"}),
            "c.txt": ("same text", {"court": "OLG"}),
        }
    )
    found = bench.filter("acme/documents", '[[step]]\nuse = "drop-duplicates/2"\n')
    assert found["droppedFor"] == {"duplicate-normalised": 2}
    assert "b.txt" in bench.why("a.txt")[0]["detail"]
    bench.publisher.ok("checkout", "acme/clean", "out")
    assert [one.name for one in (bench.publisher.folder / "out").glob("*.txt")] == ["b.txt"]


MAP = """
[[step]]
use = "map/1"
trim = ["label"]
values.label = { "Lease" = "lease" }
combine = { text = "{q} {a}" }
rename = { no = "matter" }
set = { source = "intranet" }
drop = ["clerk"]
"""


def test_mapped_rows_keep_their_roles(bench: Bench) -> None:
    rows = [
        {"no": 1, "q": "Who?", "a": "We.", "label": " Lease", "clerk": "x", "text": "old"},
        {"no": 2, "q": "Why?", "a": None, "label": ["lease "], "clerk": "y", "text": "old"},
    ]
    bench.rows(rows, "acme/rows", "--id", "no", "--label", "label", "--text", "text")
    found = bench.filter("acme/rows", MAP)
    assert found["changedFor"] == {
        "mapped-trimmed": 2,
        "mapped-value": 1,
        "mapped-combined": 2,
        "mapped-renamed": 2,
        "mapped-set": 2,
        "mapped-dropped": 2,
    }
    assert bench.kept() == [
        {
            "matter": 1,
            "q": "Who?",
            "a": "We.",
            "label": "lease",
            "text": "Who? We.",
            "source": "intranet",
        },
        {
            "matter": 2,
            "q": "Why?",
            "a": None,
            "label": ["lease"],
            "text": "Why? ",
            "source": "intranet",
        },
    ]
    body = bench.publisher.ok("show", "acme/clean", "--json").json["manifest"]["body"]
    assert body["fields"] == {"id": "matter", "label": "label", "text": ["text"]}
    said = bench.why("acme-rows.jsonl:1", "acme/rows")
    assert "Lease" not in json.dumps(said)
    assert [one["field"] for one in said if one["reason"] == "mapped-renamed"] == ["no"]


def test_mapped_documents_have_other_columns(bench: Bench) -> None:
    bench.documents(
        {"a.txt": (" one", {"court": " BGH", "no": "1"}), "b.txt": ("two", {"court": "OLG"})}
    )
    toml = """
[[step]]
use = "map/1"
trim = ["court", "text"]
rename = { no = "matter" }
set = { source = "intranet" }
"""
    bench.filter("acme/documents", toml)
    body = bench.publisher.ok("show", "acme/clean", "--json").json["manifest"]["body"]
    assert body["metadata"]["columns"] == ["court", "matter", "source"]
    bench.publisher.ok("checkout", "acme/clean", "out")
    assert (bench.publisher.folder / "out" / "a.txt").read_text() == "one"
    bench.recipe('[[step]]\nuse = "allow/1"\ncolumn = "matter"\nvalues = ["1"]\n')
    arguments = ("--recipe", "recipe.toml", "--as", "acme/again", "--json")
    found = bench.publisher.ok("filter", "acme/clean", *arguments).json
    assert found["parts"][0]["counts"]["kept"] == 1
    toml = '[[step]]\nuse = "map/1"\nrename = { text = "body" }\n'
    assert bench.refused("acme/documents", toml, 16)["kind"] == "not-a-field"


def test_a_predicate_over_rows(bench: Bench) -> None:
    bench.rows(
        [
            {"text": "one", "pages": 4, "labels": ["lease"]},
            {"text": "two", "pages": 2, "labels": []},
            {"text": "three", "labels": ["lease", "sale"]},
        ]
    )
    toml = '[[step]]\nuse = "where/1"\nsql = "{}"\n'
    found = bench.filter("acme/rows", toml.format("pages > 3 AND 'lease' IN labels"))
    assert found["droppedFor"] == {"where-false": 1, "where-null": 1}
    assert [row["text"] for row in bench.kept()] == ["one"]
    assert bench.why("acme-rows.jsonl:3", "acme/rows")[0]["reason"] == "where-null"
    body = bench.publisher.ok("show", "filters/acme/clean", "--json").json["manifest"]["body"]
    assert "duckdb" in body["libraries"]
    for sql, kind in (
        ("pages > now()", "bad-recipe"),
        ("read_text('recipe.toml') = text", "bad-recipe"),
        ("page > 3", "unknown-column"),
        ("text > 3", "bad-value"),
    ):
        error = bench.refused("acme/rows", toml.format(sql), 16)
        assert error["kind"] == kind
        assert error["hint"]


def test_a_predicate_over_documents_after_a_rename(bench: Bench) -> None:
    bench.documents(
        {
            "a.txt": ("a long text", {"Case no": "7"}),
            "b.txt": ("short", {"Case no": "8"}),
            "c.txt": ("another long text", {}),
        }
    )
    toml = """
[[step]]
use = "map/1"
rename = { "Case no" = "matter" }
[[step]]
use = "where/1"
sql = "length(text) > 6 AND TRY_CAST(matter AS BIGINT) < 9"
"""
    found = bench.filter("acme/documents", toml)
    assert found["droppedFor"] == {"where-false": 1, "where-null": 1}
    assert found["parts"][0]["counts"]["kept"] == 1


def test_roles_follow_also_where_a_record_has_nothing_to_rename(bench: Bench) -> None:
    bench.rows(
        [{"q": "mail jo@example.org", "n": 1}, {"question": "mail jo@example.org", "n": 2}],
        "acme/rows",
        "--text",
        "q",
    )
    toml = '[[step]]\nuse = "map/1"\nrename = { q = "question" }\n[[step]]\nuse = "redact/1"\n'
    bench.filter("acme/rows", toml + "columns = []\n")
    assert [row["question"] for row in bench.kept()] == ["mail <EMAIL>"] * 2


CLAUSE = "the lessee shall return the premises in the state in which they were handed over"


def test_rows_that_a_test_set_has_are_dropped(bench: Bench) -> None:
    bench.rows([{"text": CLAUSE, "n": 1}, {"text": "Why?", "n": 2}], "acme/test")
    bench.rows(
        [
            {"text": "why?", "n": 1},
            {"text": f"7. {CLAUSE}.", "n": 2},
            {"text": "Why not?", "n": 3},
        ]
    )
    toml = '[[step]]\nuse = "decontaminate/1"\nagainst = "acme/test"\n'
    found = bench.filter("acme/rows", toml)
    assert found["droppedFor"] == {"overlap-normalised": 1, "overlap-13-gram": 1}
    assert [row["n"] for row in bench.kept()] == [3]
    (said,) = bench.why("acme-rows.jsonl:1", "acme/rows")
    assert said["other"] == {"fileNumber": 0, "position": 1, "item": None}
    assert said["detail"] == "acme-test.jsonl:2"
    lineage = json.dumps(bench.publisher.ok("lineage", "acme/clean", "--json").json)
    assert "against" in lineage
    assert "datasets/acme/test" in lineage
    reported = bench.filter("acme/rows", toml + "report = true\n", "-n")
    assert reported["reportedFor"] == {"overlap-normalised": 1, "overlap-13-gram": 1}
    publisher = bench.publisher
    terms = publisher.run("terms", "acme/clean", "--json")
    assert "datasets/acme/rows" in terms.out
    assert "datasets/acme/test" not in terms.out
    impact = json.dumps(publisher.ok("impact", "acme/test", "--json").json)
    assert "datasets/acme/clean" in impact
    assert '"against"' in impact
    publisher.ok("verify", "acme/clean", "--json")
    publisher.ok("issue", "acme/clean", "-o", "delivery", "--permit", "train")
    checks = publisher.run("verify", "delivery", "--json").json
    assert checks["verdict"] in {"valid", "trusted"}, checks["verdict"]
    assert not bench.filter("acme/rows", toml)["changed"]
    bad = '[[step]]\nuse = "decontaminate/1"\nagainst = "acme/none"\n'
    assert bench.refused("acme/rows", bad, 1)["hint"]


def test_documents_that_a_test_set_has_are_dropped(bench: Bench) -> None:
    bench.rows([{"text": CLAUSE}], "acme/test")
    bench.documents({"a.txt": (CLAUSE, {"n": "1"}), "b.txt": ("other", {"n": "2"})})
    toml = '[[step]]\nuse = "decontaminate/1"\nagainst = "acme/test"\n'
    found = bench.filter("acme/documents", toml)
    assert found["droppedFor"] == {"overlap-exact": 1}


def test_near_duplicates_of_rows_and_documents(bench: Bench) -> None:
    bench.rows(
        [
            {"text": CLAUSE + " to the lessee", "n": 1},
            {"text": "Why?", "n": 2},
            {"text": CLAUSE.title() + " to the lessee.", "n": 3, "label": "return"},
            {"text": CLAUSE + " to the tenant", "n": 4},
        ]
    )
    toml = '[[step]]\nuse = "near-duplicates/1"\nwords = 2\n'
    found = bench.filter("acme/rows", toml)
    assert found["droppedFor"] == {"near-duplicate": 2}
    assert [row["n"] for row in bench.kept()] == [2, 3]
    (said,) = bench.why("acme-rows.jsonl:4", "acme/rows")
    assert said["other"] == {"fileNumber": 0, "position": 2, "item": None}
    bench.documents({"a.txt": (CLAUSE, {"n": "1"}), "b.txt": (CLAUSE + " now", {"n": "2"})})
    found = bench.filter("acme/documents", toml)
    assert found["droppedFor"] == {"near-duplicate": 1}
