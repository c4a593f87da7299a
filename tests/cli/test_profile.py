"""``profile``: what a dataset holds, in figures and on a page that loads nothing."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

HOSTILE = '</title><script>alert(1)</script><img src="http://x.example/a">'


@pytest.fixture
def rows(publisher) -> Path:
    records = [
        {"id": n, "text": f"clause number {n} of some length", "label": "ab"[n % 2]}
        for n in range(20)
    ]
    records += [
        {"id": 20, "text": "Clause  number 1 of some length", "label": "a", "licence": "MIT"},
        {"id": 21, "text": "clause number 2 of some length", "label": "a"},
        {"id": 22, "text": "write to jo@example.org", "label": HOSTILE, HOSTILE: 1},
        {"id": 23, "text": "", "label": None},
    ]
    path = publisher.folder / "rows.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    publisher.ok("commit", path, "-d", "acme/rows")
    return path


def profile(publisher, *arguments: object) -> Any:
    return publisher.ok("profile", "acme/rows", *arguments, "--json").json


def test_the_figures(publisher, rows) -> None:
    found = profile(publisher)
    assert found["recordCount"] == 24
    labels = {one["valueText"]: one["recordCount"] for one in found["labelCounts"]}
    assert labels == {"a": 12, "b": 10, HOSTILE: 1}
    # Number 1 is b, and once, spelt otherwise, a.
    assert found["labelConflicts"] == 2
    assert found["conflictPlaces"] == [
        {"path": "rows.jsonl", "line": 2},
        {"path": "rows.jsonl", "line": 21},
    ]
    assert (found["exactDuplicates"], found["normalisedDuplicates"]) == (1, 2)
    assert found["sampled"] == 24
    personal = {one["valueText"]: one["recordCount"] for one in found["personalFound"]}
    assert personal["email"] == 1
    assert sum(one["recordCount"] for one in found["textLengths"]) == 24
    assert {"fromLength": 0, "recordCount": 1} in found["textLengths"]
    licences = {one["valueText"]: one["recordCount"] for one in found["licenceCounts"]}
    assert licences == {"": 23, "MIT": 1}
    facts = {one["fieldName"]: one for one in found["fieldFacts"]}
    assert facts["licence"]["missing"] == 23
    assert facts["id"]["distinct"] == 24
    assert found["previousVersion"] is None


def test_what_changed_since(publisher, rows) -> None:
    first = profile(publisher)["id"]
    rows.write_text(rows.read_text().replace('"label": "b"', '"label": "c"', 3))
    publisher.ok("commit", rows, "-d", "acme/rows")
    found = profile(publisher)
    assert found["previousVersion"] == first
    changes = {one["valueText"]: one["recordCount"] for one in found["previousChanges"]}
    assert changes["rows changed"] == 3


def test_the_page_runs_and_loads_nothing(publisher, rows) -> None:
    found = profile(publisher, "--html", "rows.html")
    assert found["pageFile"] == "rows.html"
    page = (publisher.folder / "rows.html").read_text("utf-8")
    assert page.count("<script") == 1  # its facts
    assert HOSTILE not in page
    assert "alert(1)" not in page.split("<h2>Fields</h2>")[0]  # labels are not named
    assert "<img" not in page
    assert "default-src 'none'" in page
    assert "prefers-color-scheme" in page
    loads: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, names: loads.extend(  # type: ignore[method-assign]
        name for name, _ in names if name in ("src", "href")
    )
    parser.feed(page)
    assert loads == []
    assert "clause number" not in page  # no text is quoted
    assert publisher.fails(15, "profile", "acme/rows", "--html", "rows.html", "--json").kind


def test_documents_have_a_profile(publisher) -> None:
    data = publisher.folder / "docs"
    data.mkdir()
    for name, text in (("a", "one"), ("b", "One"), ("c", "")):
        (data / f"{name}.txt").write_text(text)
    (publisher.folder / "sheet.csv").write_text("file,kind\na.txt,x\nb.txt,y\n")
    publisher.ok("commit", data, "-d", "acme/rows", "--metadata", "sheet.csv", "--label", "kind")
    found = profile(publisher)
    assert found["labelConflicts"] == 2
    assert [one["fieldName"] for one in found["fieldFacts"]] == ["kind"]
    assert publisher.fails(1, "profile", "acme/none", "--json").kind == "no-ref"


def test_records_without_a_text_are_not_alike(publisher) -> None:
    rows = ["amount,email,label"] + [f"{n},person{n}@example.org,{'ab'[n % 2]}" for n in range(40)]
    (publisher.folder / "t.csv").write_text("\n".join(rows))
    publisher.ok("commit", "t.csv", "-d", "acme/rows")
    found = profile(publisher, "--html", "t.html")
    assert (found["labelConflicts"], found["conflictPlaces"]) == (0, [])
    assert (found["exactDuplicates"], found["normalisedDuplicates"]) == (0, 0)
    personal = {one["valueText"]: one["recordCount"] for one in found["personalFound"]}
    assert personal["email"] == 40
    assert found["personalSearched"] == ["amount", "email", "label"]
    assert found["languagesUntold"]
    page = (publisher.folder / "t.html").read_text("utf-8")
    assert "40 records without text are not compared" in page
    assert "amount, email, label" in page


def test_personal_data_beside_the_text_is_found(publisher) -> None:
    row = {"text": "nobody", "who": {"mails": ["jo@example.org", 1, None]}}
    (publisher.folder / "t.jsonl").write_text(json.dumps(row) + "\n")
    publisher.ok("commit", "t.jsonl", "-d", "acme/rows")
    found = profile(publisher)
    assert [one["valueText"] for one in found["personalFound"]] == ["email"]
    assert found["personalSearched"] == ["text", "who"]


def test_labels_beyond_counting_are_not_counted(publisher) -> None:
    rows = [
        {"text": str(n), "label": str(n), "licence": "x" * 2000 + str(n)} for n in range(10_001)
    ]
    (publisher.folder / "t.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    publisher.ok("commit", "t.jsonl", "-d", "acme/rows")
    found = profile(publisher, "--html", "t.html")
    for name in ("label", "licence"):
        assert (found[f"{name}Counts"], found[f"{name}sAbove"]) == ([], 10_000)
    assert "More than 10,000" in (publisher.folder / "t.html").read_text("utf-8")
