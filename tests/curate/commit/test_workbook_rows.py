"""Workbooks of rows, and folders with one table of which nobody said what it is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.commit.commit import commit_folder
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.commit.status import folder_statuses
from lyrikstore.curate.readers.fields import FieldRoles

TABLE = [["id", " text ", "label"], [1, "one", True], [None, None, None], [2, "two", None]]
BY_ID = CommitMetadata(roles=FieldRoles(id="id", text=("text",)))


def test_a_workbook_is_rows(bench: Any, write_xlsx: Callable[..., Path], tmp_path: Path) -> None:
    context, workbook = bench.with_cache(tmp_path / "cache"), write_xlsx(TABLE)
    found = commit_folder(context, workbook, "acme/rows", BY_ID)
    assert found.manifest is not None
    assert found.manifest.body["reader"] == "jsonl/1"
    (entry,) = bench.repo.tree(found.manifest).entries
    assert entry.path == f"{workbook.stem}.jsonl"
    data = bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20)
    assert [json.loads(line) for line in data.splitlines()] == [
        {"id": "1", "text": "one", "label": "true"},
        {"id": "2", "text": "two"},
    ]
    assert commit_folder(context, workbook, "acme/rows", BY_ID).manifest is None
    assert folder_statuses(context)[0].clean
    write_xlsx([*TABLE, [3, "three", None]])
    assert folder_statuses(context)[0].changed == (entry.path,)
    write_xlsx([*TABLE, [2, "again", None]])
    with pytest.raises(InvalidInputError) as caught:
        commit_folder(context, workbook, "acme/rows", BY_ID)
    assert caught.value.kind == "duplicate-ids"
    whole = commit_folder(context, workbook, "acme/book", CommitMetadata(reader="document/1"))
    assert whole.added == (workbook.name,)
    assert (
        commit_folder(context, workbook, "acme/book").manifest is None
    )  # it was one, and stays so


def test_one_table_is_named_or_alone(bench: Any, tmp_path: Path) -> None:
    # ATTACK A147: rows that nobody is to look at stand in another sheet.
    workbook = openpyxl.Workbook()
    workbook.active.title = "First"
    workbook.create_sheet("Second").append(["text"])
    workbook["First"].append(["text"])
    workbook["First"].append(["shown"])
    workbook["Second"].append(["other"])
    place = tmp_path / "two.xlsx"

    def texts(table: str | None = None) -> list[str]:
        workbook.save(place)
        found = commit_folder(bench.context, place, "acme/rows", CommitMetadata(table=table))
        (entry,) = bench.repo.tree(found.current).entries
        data = bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20)
        return [json.loads(line)["text"] for line in data.splitlines()]

    for table, kind in ((None, "bad-sheet"), ("Third", "no-sheet")):
        with pytest.raises(InvalidInputError) as caught:
            texts(table)
        assert caught.value.kind == kind
    assert texts("Second") == ["other"]
    workbook["First"].sheet_state = "hidden"
    assert texts() == ["other"]
    assert texts("First") == ["shown"]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([["a", "a"], [1, 2]], "two columns"),
        ([["a"], [1, 2]], "no name"),
        ([["a"], ["=1+1"]], "no value"),
        ([], "empty"),
    ],
)
def test_what_is_wrong_with_a_table_refuses_it(
    bench: Any, write_xlsx: Callable[..., Path], cells: Any, reason: str
) -> None:
    with pytest.raises(InvalidInputError, match=reason) as caught:
        commit_folder(bench.context, write_xlsx(cells), "acme/rows")
    assert caught.value.kind == "bad-sheet"


def test_the_one_table_of_a_folder_is_asked_about(
    bench: Any, write_xlsx: Callable[..., Path]
) -> None:
    workbook = write_xlsx([["path", "kind"], ["a.txt", "x"]]).read_bytes()
    for name, data in (("t.csv", b"path,kind\na.txt,x\n"), ("t.xlsx", workbook)):
        bench.write({"a.txt": "one", name: data})
        with pytest.raises(InvalidInputError) as caught:
            bench.commit()
        assert (caught.value.kind, caught.value.details["table"]) == ("which-table", name)
        rows, about = caught.value.details["commands"]
        assert rows.endswith(f"{name} -d acme/docs")
        assert about.endswith(f"--metadata {bench.data / name}")
        (bench.data / name).unlink()
    bench.write({"t.xlsx": workbook})
    sheet = CommitMetadata(sheet=bench.data / "t.xlsx")
    assert bench.commit(stated=sheet).added == ("a.txt",)
    assert bench.commit("acme/all", stated=CommitMetadata(reader="document/1")).files == 2
    assert bench.commit("acme/all").files == 2  # it is one of the documents, which was said
    (bench.data / "a.txt").unlink()
    with pytest.raises(InvalidInputError) as caught:
        bench.commit()
    assert caught.value.details["commands"][1].endswith("--reader document/1")
    bench.write({"u.xlsx": workbook})
    assert bench.commit("acme/books").files == 2


def test_a_sheet_is_named_of_a_workbook_of_rows(bench: Any) -> None:
    bench.write({"a.txt": "one"})
    with pytest.raises(InvalidInputError) as caught:
        bench.commit(stated=CommitMetadata(table="First"))
    assert caught.value.kind == "no-sheet"
