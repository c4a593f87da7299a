"""Recipes by name: on rows and on documents, beside files that are called so, and slips."""

import json
import re

import pytest

from lyrikstore.curate.recipes.recipe import BUILT_IN
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "lyrikstore" / "curate" / "recipes" / "builtin"
NOTES = {
    "legal": "Mr. John Smith of 12 Main Street, Boston, MA 02115 signs for matter no. 2231-7.",
    "health": "MRN 00123456, seen on 3 March 2024, a 93-year-old, call (617) 555-0131.",
    "finance": "Card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00.",
}


def rows(name: str) -> list[dict[str, str]]:
    some = [{"text": f"Text number {n} of all.", "label": "a"} for n in range(60)]
    return [*some, {"text": NOTES[name], "label": "b"}, {"text": " ", "label": "a"}, some[0]]


def derive(publisher, name: str, *more: str):
    return publisher.ok(
        "filter", "acme/x", "--recipe", name, "--as", "acme/clean", "--json", *more
    ).json


@pytest.mark.parametrize("name", BUILT_IN)
def test_rows_and_documents(publisher, name) -> None:
    given = [*rows(name), {"text": "text  number 1 of all.", "label": "b"}]
    folder = publisher.folder / "x"
    folder.mkdir()
    for n, row in enumerate(given):
        (folder / f"{n:02}.txt").write_text(row["text"])
    publisher.ok("commit", "x", "-d", "acme/x")
    documents = derive(publisher, name)
    assert documents["droppedFor"] == {
        "blank": 1,
        "duplicate-exact": 1,
        "duplicate-normalised": 1,
    }
    (publisher.folder / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    publisher.ok("commit", "x.jsonl", "-d", "acme/x", "--yes")
    found = derive(publisher, name)
    assert found["droppedFor"] == {"blank": 1, "duplicate-exact": 1}
    assert found["reportedFor"]["label-conflict"] == 2
    kinds = {reason for reason in found["reportedFor"] if reason.startswith("found-")}
    assert (
        kinds
        >= {
            "legal": {"found-person", "found-address", "found-matter"},
            "health": {"found-mrn", "found-date", "found-age", "found-phone"},
            "finance": {"found-card", "found-iban"},
        }[name]
    )
    assert found["changedFor"] == {}
    parts = {part["part"]: part["counts"] for part in found["parts"]}
    assert sum(one["kept"] for one in parts.values()) == len(given) - 2
    body = publisher.ok("show", found["filter"], "--json").json["manifest"]["body"]
    assert [step["use"] for step in body["recipe"]["step"]] == [
        "drop-empty/1",
        "drop-duplicates/2",
        "scan/1",
        "split/3",
    ]
    assert not body.get("models")


def test_a_file_of_that_name_needs_a_path(publisher) -> None:
    (publisher.folder / "x.jsonl").write_text('{"text":"a"}\n{"text":"b"}\n')
    publisher.ok("commit", "x.jsonl", "-d", "acme/x")
    for name in ("legal", "mine"):
        (publisher.folder / name).write_text('recipe = 1\n[[step]]\nuse = "drop-empty/1"\n')
        assert [part["part"] for part in derive(publisher, f"./{name}")["parts"]] == [""]
    assert [part["part"] for part in derive(publisher, "mine")["parts"]] == [""]
    arguments = ("filter", "acme/x", "--as", "acme/y", "--json", "--recipe")
    assert publisher.fails(17, *arguments, "legal").kind == "nothing-kept"
    error = publisher.fails(16, *arguments, "leagl").error
    assert error["kind"] == "no-recipe"
    assert all(name in error["hint"] for name in BUILT_IN)
    assert publisher.fails(1, *arguments, "legal.toml").kind == "no-file"


def test_the_names_are_those_of_the_files_and_one_is_shown() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.toml")) == list(BUILT_IN)
    text = (REPOSITORY / "docs" / "recipes.md").read_text("utf-8")
    (shown,) = re.findall(r"<!-- legal -->\n```toml\n(.*?)```\n<!-- /legal -->", text, re.DOTALL)
    assert shown == (FOLDER / "legal.toml").read_text("utf-8")
