"""Statistics that a commit measures: of several files, of wide tables, of numbers as labels."""

import json
from typing import Any

import pytest


@pytest.fixture
def commit(publisher) -> Any:
    def do(files: dict[str, str], *more: object) -> Any:
        folder = publisher.folder / "rows"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        found = publisher.ok("commit", "rows", "-d", "acme/rows", *more, "--json").json
        manifest = publisher.ok("show", "acme/rows", "--json").json["manifest"]
        return found, manifest["body"]["descriptor"]["stats"]["value"]

    return do


def test_files_are_added_up_once(publisher, commit) -> None:
    rows = [{"text": f"t{n}", "label": "a" if n % 2 else None} for n in range(9)]
    files = {
        f"{part}.jsonl": "".join(json.dumps(row) + "\n" for row in rows[part::3])
        for part in range(3)
    }
    found, stats = commit(files)
    of_text, of_label = (
        next(one for one in stats["fields"] if one["field"] == name) for name in ("text", "label")
    )
    assert stats["records"] == 9
    assert of_text["types"] == [{"type": "string", "records": 9}]
    assert (of_text["missing"], of_text["distinct"]) == (0, 9)
    assert (of_label["missing"], of_label["distinct"]) == (5, 1)
    assert stats["labels"] == [{"label": "a", "records": 4}]
    assert any("5 of 9" in note for note in found["notes"])
    again, _ = commit({})
    assert not again["changed"]
    assert again["fieldRoles"] == found["fieldRoles"] == {"text": ["text"], "label": "label"}


def test_a_role_may_be_beyond_the_fields_that_are_measured(commit) -> None:
    names = [f"c{number:03}" for number in range(300)]
    header, row = ",".join([*names, "target", "text"]), ",".join(["1"] * 300 + ["yes", "a text"])
    found, stats = commit({"wide.csv": f"{header}\n{row}\n"}, "--label", "target")
    assert found["fieldRoles"] == {"text": ["text"], "label": "target"}
    assert [one["field"] for one in stats["fields"]] == [*names[:250], "target", "text"]
    assert stats["fieldsAbove"] == 250
    assert stats["labels"] == [{"label": "yes", "records": 1}]


def test_labels_may_be_numbers_and_lists_with_nothing_in_them(commit) -> None:
    rows = [{"label": 1.0}, {"label": 0.5}, {"label": 1}, {"label": ["x", "", 2.5]}]
    _, stats = commit({"a.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    assert [(one["label"], one["records"]) for one in stats["labels"]] == [
        ("0.5", 1),
        ("1", 2),
        ("2.5", 1),
        ("x", 1),
    ]
