"""Workbooks: broken, hostile, with formulas; parsed once, and found wherever their sheet is."""

import contextlib
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.sheets.mistakes import Mistakes
from lyrikstore.curate.sheets.sheet import read_sheet


def test_broken_workbooks(tmp_path: Path, write_xlsx: Callable[..., Path]) -> None:
    good = write_xlsx([["path", "a"], ["x", 1]]).read_bytes()
    cases = [b"", b"no zip", good[: len(good) // 2], good[:-30]]
    for flip in range(0, len(good), 97):
        data = bytearray(good)
        data[flip] ^= 0xFF
        cases.append(bytes(data))
    path = tmp_path / "broken.xlsx"
    expected = read_sheet(write_xlsx([["path", "a"], ["x", 1]])).digest
    for data in cases:
        path.write_bytes(data)
        with contextlib.suppress(InvalidInputError):
            # Where a flip goes unnoticed it hit a time stamp or a style: never the table.
            assert read_sheet(path).digest == expected


def test_zip_bomb_and_entities_are_refused(tmp_path: Path, write_xlsx: Callable[..., Path]) -> None:
    good = zipfile.ZipFile(io.BytesIO(write_xlsx([["path"], ["x"]]).read_bytes()))

    def rebuilt(name: str, extra: bytes) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for item in good.namelist():
                data = good.read(item)
                archive.writestr(item, extra + data if item.endswith("sheet1.xml") else data)
        return path

    with pytest.raises(InvalidInputError, match="times its size"):
        read_sheet(rebuilt("bomb.xlsx", b" " * (40 << 20)))
    with pytest.raises(InvalidInputError, match="document type"):
        read_sheet(rebuilt("entity.xlsx", b'<!DOCTYPE a [<!ENTITY b "c">]>'))


@pytest.mark.parametrize("disguise", ["plain", "behind a comment", "utf-16", "other name"])
def test_a_document_type_is_found_wherever_it_stands(
    tmp_path: Path, write_xlsx: Callable[..., Path], disguise: str
) -> None:
    good = zipfile.ZipFile(io.BytesIO(write_xlsx([["path", "a"], ["x", 7]]).read_bytes()))
    parts = {name: good.read(name) for name in good.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    text = parts.pop(sheet).decode()
    body = text[text.index("<worksheet") :].replace("<v>7</v>", "<v>&b;</v>")
    assert "&b;" in body
    encoding = "utf-16" if disguise == "utf-16" else "utf-8"
    comment = f"<!--{'x' * 5000}-->" if disguise == "behind a comment" else ""
    prolog = f'<?xml version="1.0" encoding="{encoding}"?>{comment}<!DOCTYPE a [<!ENTITY b "8">]>'
    name = "xl/worksheets/sheet1.dat" if disguise == "other name" else sheet
    parts[name] = (prolog + body).encode(encoding)
    path = tmp_path / "entity.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, data in parts.items():
            archive.writestr(part, data.replace(sheet.encode(), name.encode()))
    with pytest.raises(InvalidInputError, match="declares a document type"):
        read_sheet(path)


def test_workbook_traps(write_xlsx: Callable[..., Path], tmp_path: Path) -> None:
    import openpyxl

    with pytest.raises(InvalidInputError, match="formula in B2"):
        read_sheet(write_xlsx([["path", "a"], ["x", "=1+1"]]))
    with pytest.raises(InvalidInputError, match="in error"):
        read_sheet(write_xlsx([["path", "a"], ["x", "#N/A"]]))
    workbook = openpyxl.Workbook()
    for sheet in (workbook.active, workbook.create_sheet("second")):
        sheet.append(["path"])
        sheet.append(["x"])
    workbook.save(tmp_path / "two.xlsx")
    with pytest.raises(InvalidInputError, match="more than one sheet") as caught:
        read_sheet(tmp_path / "two.xlsx")
    assert "hide the other" in caught.value.hint
    workbook["second"].sheet_state = "hidden"
    workbook.save(tmp_path / "two.xlsx")
    assert [row.key for row in read_sheet(tmp_path / "two.xlsx").rows] == ["x"]


def test_an_unchanged_workbook_is_parsed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lyrikstore.curate.sheets import sheet_cache
    from lyrikstore.curate.sheets.sheet_cache import sheet_digest

    workbook = openpyxl.Workbook()
    workbook.active.append(["path", "größe", "other"])
    workbook.active.append(["a.txt", 1.5, "x"])
    workbook.active.append(["b.txt", None, "y"])
    sheet, cache = tmp_path / "s.xlsx", tmp_path / "cache"
    workbook.save(sheet)
    read = read_sheet(sheet)
    parsed: list[Path] = []

    def count(path: Path, key: str | None, mistakes: Mistakes) -> object:
        parsed.append(path)
        return read_sheet(path, key, mistakes)

    def ask(key: str | None = None, directory: Path | None = cache) -> object:
        return sheet_cache.recalled_sheet(sheet, key, sheet_digest(sheet), directory, Mistakes())

    monkeypatch.setattr(sheet_cache, "read_sheet", count)
    assert ask() == ask() == read
    assert len(parsed) == 1
    assert ask(key="other") != read  # another question
    assert ask() == read
    assert ask(directory=None) == read
    assert len(parsed) == 4
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    for at in range(0, len(whole), 7):  # a damaged memory is none
        kept.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert ask() == read
    assert len(parsed) == 4 + len(range(0, len(whole), 7))
    workbook.active.append(["c.txt", None, "z"])
    workbook.save(sheet)
    assert ask() == read_sheet(sheet) != read


def test_a_sheet_that_changes_while_it_is_read_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lyrikstore.curate.sheets import sheet_cache
    from lyrikstore.curate.sheets.sheet_cache import sheet_digest

    sheet = tmp_path / "s.csv"
    sheet.write_text("path,k\na,1\n")

    def meddle(path: Path, key: str | None, mistakes: Mistakes) -> object:
        path.write_text("path,k\na,2\n")
        return read_sheet(path, key, mistakes)

    monkeypatch.setattr(sheet_cache, "read_sheet", meddle)
    sheet_cache.recalled_sheet(sheet, None, sheet_digest(sheet), tmp_path / "cache", Mistakes())
    assert not (tmp_path / "cache").exists()


# --- where a workbook keeps its sheet -----------------------------------------------------------


def _moved(good: Path, target: Path, place: str, encoding: str = "", prefix: str = "") -> Path:
    """Return the workbook with its sheet in a part of another name, encoding or prefix."""
    with zipfile.ZipFile(good) as workbook, zipfile.ZipFile(target, "w") as moved:
        for name in workbook.namelist():
            data = workbook.read(name)
            if name in {"xl/_rels/workbook.xml.rels", "[Content_Types].xml"}:
                data = data.replace(b"/xl/worksheets/sheet1.xml", f"/{place}".encode())
            if name != "xl/worksheets/sheet1.xml":
                moved.writestr(name, data)
                continue
            if prefix:
                data = re.sub(rb"<(/?)(?=\w)", rb"<\1" + prefix.encode() + b":", data)
                data = data.replace(b" xmlns=", f" xmlns:{prefix}=".encode())
            if encoding:
                head = f'<?xml version="1.0" encoding="{encoding}"?>'
                data = (head + data.decode()).encode(encoding)
            moved.writestr(place, data)
    return target


@pytest.mark.parametrize(
    ("place", "encoding", "prefix"),
    [
        ("xl/worksheets/sheet1.xml", "", ""),
        ("data/table.part", "", ""),
        ("xl/worksheets/deeper/sheet1.xml", "", ""),
        ("sheet", "utf-16", ""),
        ("xl/worksheets/sheet1.xml", "utf-16-le", ""),
        ("xl/worksheets/sheet1.xml", "", "x"),
        ("xl/worksheets/sheet1.xml", "", "a-ü." + "b" * 300),
    ],
)
def test_a_formula_without_a_value_is_found_wherever_the_sheet_is(
    tmp_path: Path, write_xlsx: Callable[..., Path], place: str, encoding: str, prefix: str
) -> None:
    rows = [["path", "a"], *([f"f{number}", "text " * 9] for number in range(500)), ["x", "=1+1"]]
    moved = _moved(write_xlsx(rows), tmp_path / "moved.xlsx", place, encoding, prefix)
    if encoding == "utf-16-le":  # without a mark, which no parser takes
        with pytest.raises(InvalidInputError):
            read_sheet(moved)
        return
    with pytest.raises(InvalidInputError, match="formula in B502 has no value"):
        read_sheet(moved)
    plain = write_xlsx([["path", "a"], ["x", 7]])
    found = read_sheet(_moved(plain, tmp_path / "plain.xlsx", place, encoding, prefix))
    assert found.digest == read_sheet(plain).digest


@pytest.mark.parametrize("encoding", ["cp037", "latin-1", "cp1252", "utf-7"])
def test_another_encoding_is_refused(
    tmp_path: Path, write_xlsx: Callable[..., Path], encoding: str
) -> None:
    good = write_xlsx([["path", "a"], ["x", "=1+1"]])
    with pytest.raises(InvalidInputError) as caught:
        read_sheet(_moved(good, tmp_path / "moved.xlsx", "sheet", encoding))
    assert caught.value.kind == "bad-sheet"
