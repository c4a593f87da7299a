"""Every mistake of a sheet is named in one run, so that it is corrected once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.limits import MAX_NAMED
from lyrikstore.curate.sheets.sheet import join, read_sheet


def mistakes_of(work: Callable[[], object]) -> list[tuple[str, str]]:
    """Return kind and message of each mistake, without the file's name."""
    with pytest.raises(InvalidInputError) as caught:
        work()
    error = caught.value
    found = error.details["mistakes"]
    assert error.details["mistakesCount"] == len(found)
    assert error.kind == found[0]["kind"]
    assert error.message.startswith(found[0]["message"])
    assert all(one["hint"] for one in found)
    return [(one["kind"], one["message"].partition(": ")[2]) for one in found]


def test_of_a_text(tmp_path: Path) -> None:
    sheet = tmp_path / "s.csv"
    sheet.write_text(
        "path,a,a,b,b,\n"  # two names twice, one column without
        "x,1,2,3,4,5\n"  # a value in that column
        "y,1,2\n"  # too few cells
        ",1,2,3,4,\n"  # no path
        "x,1,2,3,4,\n"  # again
        "z,1,2,3,4,\n"
    )
    assert mistakes_of(lambda: read_sheet(sheet)) == [
        ("bad-sheet", "two columns are named 'a'"),
        ("bad-sheet", "two columns are named 'b'"),
        ("bad-sheet", "row 2 has a value in column 6, which has no name"),
        ("bad-sheet", "line 3 has 3 cells, the first row has 6"),
        ("bad-sheet", "row 4 has no path"),
        ("duplicate-rows", "rows 2 and 5 both describe 'x'"),
    ]


def test_up_to_what_nothing_can_be_read_after(tmp_path: Path) -> None:
    sheet = tmp_path / "s.csv"
    sheet.write_bytes(b"path,a\n,1\n\xff,2\n,3\n")
    kinds = mistakes_of(lambda: read_sheet(sheet))
    assert [kind for kind, _ in kinds] in (["bad-sheet"], ["bad-sheet"] * 2)
    assert "not UTF-8" in kinds[-1][1]
    sheet.write_text("name,name\nx,1\n")
    assert [kind for kind, _ in mistakes_of(lambda: read_sheet(sheet))] == [
        "bad-sheet",
        "no-key-column",
    ]


def test_of_a_workbook(write_xlsx: Callable[..., Path]) -> None:
    rows: list[list[Any]] = [
        ["path", "a", "b"],
        ["#N/A", "x", 1],
        ["y", "=1+1", "#DIV/0!"],
        [None, "z", 1],
    ]
    found = mistakes_of(lambda: read_sheet(write_xlsx(rows)))
    assert [kind for kind, _ in found] == ["bad-sheet"] * 4
    assert [words.partition(":")[0] for _, words in found] == [
        "the formula in B3 has no value",
        "cell A2",
        "cell C3",
        "row 4 has no path",
    ]


def test_of_the_join(tmp_path: Path) -> None:
    sheet = tmp_path / "s.csv"
    sheet.write_text("path,k\na.txt,1\nd/x.txt,2\nx.txt,3\nb.txt,4\n")
    read = read_sheet(sheet)
    assert mistakes_of(lambda: join(["d/a.txt", "e/a.txt", "d/x.txt", "e/b.txt"], read)) == [
        ("ambiguous-rows", "row 2: 'a.txt' names 2 files"),
        ("duplicate-rows", "rows 3 and 4 both describe 'd/x.txt'"),
    ]


def test_of_millions_some_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    sheet = tmp_path / "s.csv"
    sheet.write_text("path,a\n" + ",1\n" * (MAX_NAMED + 5))
    with pytest.raises(InvalidInputError) as caught:
        read_sheet(sheet)
    assert len(caught.value.details["mistakes"]) == MAX_NAMED
    assert caught.value.details["mistakesCount"] == MAX_NAMED + 5
