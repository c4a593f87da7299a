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
    publisher.ok(*commit, "--license", "CC0-1.0")
    (folder / "a.txt").write_text("another")
    (folder / "c.txt").rename(folder / "d.txt")
    sheet.write_text(SHEET.replace("memo,Berg", "note,").replace("c.txt", "d.txt"))
    publisher.ok(*commit, "--license", "CC-BY-4.0", "--yes")
    return publisher


def test_versions_of_one_name(two) -> None:
    found = two.ok("diff", "acme/docs~1", "acme/docs", "--json").json
    assert (found["added"], found["removed"]) == (["d.txt"], ["c.txt"])
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
    assert found["fields"] == ["licence"]
    shown = two.ok("diff", "acme/docs~1", "acme/docs").out
    assert "~ b.txt  (sheet alone)" in shown
    assert "kind: 'memo' → 'note'" in shown
    assert "owner: 'Berg' → nothing" in shown
    assert "! states otherwise: licence" in shown
    assert shown.splitlines()[-1] == "! differs  +1 −1 ~2"


def test_a_dataset_and_what_a_filter_made_of_it(two) -> None:
    recipe = 'recipe = 1\n[[step]]\nuse = "allow/1"\ncolumn = "kind"\nvalues = ["letter"]\n'
    (two.folder / "clean.toml").write_text(recipe)
    two.ok("filter", "acme/docs", "--recipe", "clean.toml", "--as", "acme/letters")
    found = two.ok("diff", "acme/docs", "acme/letters", "--json").json
    assert (found["added"], found["differing"]) == ([], [])
    assert found["removed"] == ["b.txt", "d.txt"]
    assert found["new"]["name"] == "datasets/acme/letters"
    same = two.ok("diff", "acme/docs", "acme/docs").out
    assert same.splitlines()[-1] == "– files, sheet and statements are alike"


def test_what_has_no_files_and_what_is_not_there(two) -> None:
    assert two.fails(16, "diff", "policies/store/main", "acme/docs", "--json").kind == "no-files"
    assert two.fails(1, "diff", "acme/docs", "acme/doc", "--json").kind == "no-ref"


def test_show_names_what_is_unknown_and_json_has_it(two) -> None:
    shown = two.ok("show", "acme/docs").out
    assert "– states nothing of about, agreements" in shown
    assert "not stated by the publisher" not in shown
    assert '"stats"' in shown
    fields = two.ok("show", "acme/docs", "--json").json["manifest"]["body"]["descriptor"]
    assert fields["about"]["state"] == "unknown"
