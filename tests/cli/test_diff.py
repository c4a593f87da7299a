"""What differs between two versions, file by file, and in what the sheet and the publisher say."""

import pytest

SHEET = "path,kind,owner\na.txt,letter,Lind\nb.txt,memo,Berg\nc.txt,memo,\n"


@pytest.fixture
def two(publisher):
    folder = publisher.folder / "documents"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.txt").write_text(name)
    sheet = publisher.folder / "sheet.csv"
    sheet.write_text(SHEET)
    commit = ("commit", "documents", "-d", "acme/docs", "--metadata", "sheet.csv")
    publisher.ok(*commit, "--licence", "CC0-1.0")
    (folder / "a.txt").write_text("another")
    (folder / "c.txt").rename(folder / "d.txt")
    sheet.write_text(SHEET.replace("memo,Berg", "note,").replace("c.txt", "d.txt"))
    publisher.ok(*commit, "--licence", "CC-BY-4.0", "--yes")
    return publisher


def test_versions_of_one_name(two) -> None:
    found = two.ok("diff", "acme/docs~1", "acme/docs", "--json").json
    assert (found["added"], found["removed"]) == ([], [])
    assert found["movedFiles"] == [{"oldPath": "c.txt", "newPath": "d.txt", "cells": []}]
    assert found["differing"] == [
        {"path": "a.txt", "content": True, "cells": []},
        {
            "path": "b.txt",
            "content": False,
            "cells": [
                {"column": "kind", "was": "memo", "now": "note"},
                {"column": "owner", "was": "Berg", "now": None},
            ],
        },
    ]
    assert found["fields"] == []
    licence = {"of": "version", "column": None, "was": "CC0-1.0", "now": "CC-BY-4.0", "files": 3}
    assert found["licences"] == [licence]
    shown = two.ok("diff", "acme/docs~1", "acme/docs").out
    assert "~ b.txt  (sheet alone)" in shown
    assert "kind: 'memo' → 'note'" in shown
    assert "owner: 'Berg' → nothing" in shown
    lines = shown.splitlines()
    assert lines[2] == "! licence: CC0-1.0 → CC-BY-4.0  (3 files)"
    assert "moved c.txt → d.txt" in lines
    assert lines[-1] == "! differs  1 change of licence, +0 −0 ~2, 1 moved"


def test_licences_of_files_are_counted_and_statements_have_both_values(two) -> None:
    sheet, about = two.folder / "sheet.csv", two.folder / "about.toml"
    text = two.folder / "licence.txt"
    text.write_text("As you like.\n")
    commit = ("commit", "documents", "-d", "acme/docs", "--metadata", "sheet.csv", "--yes")
    commit = (*commit, "--licence", "CC-BY-4.0", "--describe", about)
    sheet.write_text("path,Licence\na.txt,MIT\nb.txt,MIT\nd.txt,ISC\n")
    about.write_text('confidentiality = "green"\nbiases = ["old"]\n')
    two.ok(*commit)
    sheet.write_text("path,Licence\na.txt,GPL-3.0-only\nb.txt,GPL-3.0-only\nd.txt,\n")
    about.write_text('confidentiality = "amber"\n')
    two.ok(*commit, "--licence-text", text)
    found = two.ok("diff", "acme/docs~1", "acme/docs", "--json").json
    assert [(one["of"], one["column"], one["files"]) for one in found["licences"]] == [
        ("text", None, 3),
        ("sheet", "Licence", 2),
        ("sheet", "Licence", 1),
    ]
    assert found["licences"][1]["was"] == "MIT"
    assert found["licences"][2] == {
        "of": "sheet",
        "column": "Licence",
        "was": "ISC",
        "now": None,
        "files": 1,
    }
    fields = {one["field"]: (one["oldState"], one["newState"]) for one in found["fields"]}
    assert fields.keys() == {"biases", "confidentiality"}
    assert [one["value"] for one in fields["confidentiality"]] == ["green", "amber"]
    assert fields["biases"][1]["state"] == "unknown"
    shown = two.ok("diff", "acme/docs~1", "acme/docs").out.splitlines()
    assert "! confidentiality: green → amber" in shown
    assert "! Licence in the sheet: MIT → GPL-3.0-only  (2 files)" in shown
    assert any(line.startswith('! biases: ["old"] → unknown (') for line in shown)


def test_what_moved(publisher) -> None:
    """The same bytes elsewhere: by file name first, each once, and never an empty file."""
    folder = publisher.folder / "documents"
    folder.mkdir()
    files = {"a.txt": "same", "b.txt": "same", "c.txt": "same", "empty.txt": "", "x.txt": "other"}
    for name, text in files.items():
        (folder / name).write_text(text)
    publisher.ok("commit", "documents", "-d", "acme/docs")
    for name in files:
        (folder / name).unlink()
    (folder / "new").mkdir()
    for name, text in {"b.txt": "same", "z.txt": "same", "none.txt": "", "x.txt": "else"}.items():
        (folder / "new" / name).write_text(text)
    publisher.ok("commit", "documents", "-d", "acme/docs", "--yes")
    found = publisher.ok("diff", "acme/docs~1", "acme/docs", "--json").json
    assert [(one["oldPath"], one["newPath"]) for one in found["movedFiles"]] == [
        ("b.txt", "new/b.txt"),
        ("a.txt", "new/z.txt"),
    ]
    assert found["removed"] == ["c.txt", "empty.txt", "x.txt"]
    assert found["added"] == ["new/none.txt", "new/x.txt"]
    back = publisher.ok("diff", "acme/docs", "acme/docs~1", "--json").json
    assert len(back["movedFiles"]) == 2


def test_rows_of_a_table_that_a_filter_kept_did_not_move(publisher) -> None:
    (publisher.folder / "t.csv").write_text("text,n\na,1\nb,2\nb,2\n")
    (publisher.folder / "r.toml").write_text('recipe = 1\n[[step]]\nuse = "drop-duplicates/2"\n')
    publisher.ok("commit", "t.csv", "-d", "acme/rows")
    publisher.ok("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/good")
    found = publisher.ok("diff", "acme/rows", "acme/good", "--json").json
    counts = {"added": 0, "removed": 1, "changed": 0, "moved": 0, "unchanged": 2}
    assert found["rowChanges"]["counts"] == counts


def test_a_dataset_and_what_a_filter_made_of_it(two) -> None:
    recipe = 'recipe = 1\n[[step]]\nuse = "allow/1"\ncolumn = "kind"\nvalues = ["letter"]\n'
    (two.folder / "clean.toml").write_text(recipe)
    two.ok("filter", "acme/docs", "--recipe", "clean.toml", "--as", "acme/letters")
    found = two.ok("diff", "acme/docs", "acme/letters", "--json").json
    assert (found["added"], found["differing"]) == ([], [])
    assert found["removed"] == ["b.txt", "d.txt"]
    assert found["new"]["name"] == "datasets/acme/letters"
    same = two.ok("diff", "acme/docs", "acme/docs").out
    assert same.splitlines()[-1] == "– files, sheet and statements are the same"


def test_what_has_no_files_and_what_is_not_there(two) -> None:
    assert two.fails(16, "diff", "policies/store/main", "acme/docs", "--json").kind == "no-files"
    assert two.fails(1, "diff", "acme/docs", "acme/doc", "--json").kind == "no-ref"


def test_show_names_what_is_unknown_and_json_has_it(two) -> None:
    shown = two.ok("show", "acme/docs").out
    assert "about, agreements" in shown
    assert "not stated by the publisher" not in shown
    fields = two.ok("show", "acme/docs", "--json").json["manifest"]["body"]["descriptor"]
    assert fields["about"]["state"] == "unknown"
