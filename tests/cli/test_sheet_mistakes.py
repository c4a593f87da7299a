"""``commit`` names every mistake in a metadata sheet: twenty to people, all to programs."""

import pytest


@pytest.fixture
def folder(publisher):
    texts = publisher.folder / "texts"
    texts.mkdir()
    for name in ("one", "two"):
        (texts / f"{name}.txt").write_text(f"{name}\n")
    return publisher.folder


def commit(publisher, code, *more):
    sheet = publisher.folder / "sheet.csv"
    return publisher.fails(code, "commit", "texts", "-d", "acme/texts", "--metadata", sheet, *more)


def test_mistakes_of_every_kind_come_together(publisher, folder) -> None:
    (folder / "sheet.csv").write_text(
        "path,topic\none.txt,a\none.txt,b\n,c\nthree.txt,d\ntwo.txt\nfour.txt,e\n"
    )
    error = commit(publisher, 16, "--json").error
    found = [(one["kind"], one["message"]) for one in error["details"]["mistakes"]]
    assert [kind for kind, _ in found] == [
        *("duplicate-rows", "bad-sheet", "bad-sheet", "orphan-rows", "orphan-rows"),
    ]
    assert error["details"]["mistakesCount"] == 5
    assert [one["row"] for one in error["details"]["orphanRows"]] == [5, 7]
    said = commit(publisher, 16).err
    assert all(message in said for _, message in found)
    assert "more:" not in said
    assert publisher.run("log", "acme/texts").code == 1  # nothing was committed
    # Rows without a file can be left out, and are no mistakes then; the others are.
    error = commit(publisher, 16, "--allow-orphans", "--json").error
    assert error["details"]["mistakesCount"] == 3


def test_twenty_are_shown_and_the_rest_is_counted(publisher, folder) -> None:
    rows = "".join(f"{n}.txt,x\n" for n in range(50))
    (folder / "sheet.csv").write_text("path,topic\n" + rows)
    lines = commit(publisher, 16).err.splitlines()
    assert sum("is not a file of the folder" in line for line in lines) == 20
    assert any("30 more" in line for line in lines)
    assert lines[-1].startswith("hint: ")
    assert len(commit(publisher, 16, "--json").error["details"]["mistakes"]) == 50


def test_one_mistake_reads_as_one(publisher, folder) -> None:
    (folder / "sheet.csv").write_text("path,topic\none.txt,a\nthree.txt,d\n")
    said = commit(publisher, 16).err
    assert "more" not in said
    assert len(said.splitlines()) == 2
