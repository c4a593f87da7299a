"""Sheets: one table, one metadata, whatever the format; everything odd is named."""

import contextlib
import csv
import io
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.curate.readers import iter_records
from lyrikstore.curate.sheets.cells import cell_text
from lyrikstore.curate.sheets.mistakes import Mistakes
from lyrikstore.curate.sheets.sheet import formula_cells, join, read_sheet
from lyrikstore.history.trees.tree import Tree, TreeEntry


def _csv(tmp_path: Path, text: str | bytes, name: str = "s.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", None),
        (" x ", " x "),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (1234567.125, "1234567.125"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        (datetime(2026, 1, 2, 3, 4, 5, 120000), "2026-01-02T03:04:05.12"),
        (time(3, 4), "03:04:00"),
        (timedelta(hours=36), "PT129600S"),
    ],
)
def test_cells_have_one_text(value: object, text: str | None) -> None:
    assert cell_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_text_gives_the_same_double_back(number: float) -> None:
    text = cell_text(number)
    assert text is not None
    assert float(text) == number
    assert "e" not in text.lower()
    assert not text.endswith(".0")


def test_not_a_number_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="not a number"):
        cell_text(float("nan"))


def test_csv_and_xlsx_of_one_table_are_equal(
    tmp_path: Path, write_xlsx: Callable[..., Path]
) -> None:
    text = (
        'path,pages,share,when,ok,note\na.txt,3,0.1,2026-01-02,true,"x, ""y"""\nb.txt,,,,false,\n'
    )
    rows: list[list[Any]] = [
        ["path", "pages", "share", "when", "ok", "note"],
        ["a.txt", 3, 0.1, datetime(2026, 1, 2), True, 'x, "y"'],
        ["b.txt", None, None, None, False, None],
    ]
    left = read_sheet(_csv(tmp_path, text))
    right = read_sheet(write_xlsx(rows))
    assert left.digest == right.digest
    assert [row.meta for row in left.rows] == [row.meta for row in right.rows]
    assert left.columns == right.columns == ("pages", "share", "when", "ok", "note")
    assert left.key == "path"


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8),
            min_size=2,
            max_size=2,
        ),
        max_size=6,
    )
)
def test_csv_cells_are_verbatim(cells: list[list[str]]) -> None:
    import csv
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "a", "b"])
            for number, row in enumerate(cells):
                writer.writerow([f"{number}.txt", *row])
        sheet = read_sheet(path)
    for (a, b), row in zip(cells, sheet.rows, strict=True):
        assert row.meta == {name: cell for name, cell in (("a", a), ("b", b)) if cell}


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        ("", "bad-sheet", "empty"),
        ("a,b\n1,2\n", "no-key-column", "no column named path"),
        ("path,a\nx,1\nx,2\n", "duplicate-rows", "rows 2 and 3"),
        ("path,a,a\nx,1,2\n", "bad-sheet", "two columns"),
        ("path,a\nx,1,2\n", "bad-sheet", "line 2 has 3 cells"),
        ("path,a\nx\n", "bad-sheet", "line 2 has 1 cell,"),
        ("path,a\n,1\n", "bad-sheet", "row 2 has no path"),
        ("path,\nx,1\n", "bad-sheet", "no name"),
        (b"path,a\nx,\xff\n", "bad-sheet", "not UTF-8"),
        ('path,a\nx,"1\n', "bad-sheet", "line"),
    ],
)
def test_bad_csv_is_named(tmp_path: Path, content: str | bytes, kind: str, words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_sheet(_csv(tmp_path, content))
    assert caught.value.kind == kind
    assert words in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_semicolons_tabs_and_byte_order_marks(tmp_path: Path) -> None:
    comma = read_sheet(_csv(tmp_path, "path,a\nx,1\n"))
    assert read_sheet(_csv(tmp_path, "\ufeffpath;a\r\nx;1\r\n")).digest == comma.digest
    assert read_sheet(_csv(tmp_path, "path\ta\nx\t1\n", "s.tsv")).digest == comma.digest


def test_key_column_by_name_and_near_miss(tmp_path: Path) -> None:
    path = _csv(tmp_path, "document,a\nx,1\n")
    assert read_sheet(path, "document").key == "document"
    with pytest.raises(InvalidInputError) as caught:
        read_sheet(path, "documnet")
    assert caught.value.kind == "no-key-column"
    assert "document" in caught.value.hint
    assert read_sheet(_csv(tmp_path, "Filename,a\nx,1\n")).key == "Filename"


def test_other_formats_and_absent_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"no reader for \.ods"):
        read_sheet(_csv(tmp_path, "x", "s.ods"))
    with pytest.raises(NotFoundError, match="there is no file"):
        read_sheet(tmp_path / "absent.csv")


def test_join_names_orphans_on_both_sides(tmp_path: Path) -> None:
    sheet = read_sheet(_csv(tmp_path, "path,a\nd/x.txt,1\ny.txt,2\nz.txt,3\n"))
    joined = join(["d/x.txt", "e/y.txt", "w.txt"], sheet)
    assert joined.meta == {"d/x.txt": {"a": "1"}, "e/y.txt": {"a": "2"}}
    assert joined.orphan_files == ("w.txt",)
    assert [row.key for row in joined.orphan_rows] == ["z.txt"]


def test_join_refuses_ambiguity_and_double_claims(tmp_path: Path) -> None:
    sheet = read_sheet(_csv(tmp_path, "path,a\ny.txt,2\n"))
    with pytest.raises(InvalidInputError) as caught:
        join(["d/y.txt", "e/y.txt"], sheet)
    assert caught.value.kind == "ambiguous-rows"
    sheet = read_sheet(_csv(tmp_path, "path,a\ny.txt,2\nd/y.txt,3\n"))
    with pytest.raises(InvalidInputError) as caught:
        join(["d/y.txt"], sheet)
    assert caught.value.kind == "duplicate-rows"


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
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("second")):
        sheet.append(["path"])
        sheet.append(["x"])
    book.save(tmp_path / "two.xlsx")
    with pytest.raises(InvalidInputError, match="more than one sheet") as caught:
        read_sheet(tmp_path / "two.xlsx")
    assert "hide the other" in caught.value.hint
    book["second"].sheet_state = "hidden"
    book.save(tmp_path / "two.xlsx")
    assert [row.key for row in read_sheet(tmp_path / "two.xlsx").rows] == ["x"]


def test_an_unchanged_workbook_is_parsed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lyrikstore.curate.sheets import sheet_cache
    from lyrikstore.curate.sheets.sheet_cache import sheet_digest

    book = openpyxl.Workbook()
    book.active.append(["path", "größe", "other"])
    book.active.append(["a.txt", 1.5, "x"])
    book.active.append(["b.txt", None, "y"])
    sheet, cache = tmp_path / "s.xlsx", tmp_path / "cache"
    book.save(sheet)
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
    book.active.append(["c.txt", None, "z"])
    book.save(sheet)
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


# --- how much a row may say ---------------------------------------------------------------------


def test_a_cell_may_be_as_long_as_a_tree_can_hold(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    path = tmp_path / "long.csv"
    text = 'a "quoted" line\n' * 50_000  # 800,000 characters, 850,000 bytes with its escapes
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["path", "note"], ["a.txt", text], ["b.txt", "y"]])
    rows = read_sheet(path).rows
    assert rows[0].meta["note"] == text
    tree = Tree.of([TreeEntry("a.txt", 1, Digest.of(b"a"), rows[0].meta)])
    assert Tree.parse(io.BytesIO(tree.encode())).by_path["a.txt"].meta == rows[0].meta
    # The module's own limit is the process's, and whoever else reads CSV still has it.
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("content", ["x" * 1_000_001, "ü" * 500_001, '""' * 500_001])
def test_a_row_that_no_tree_can_hold_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f'path,note\na.txt,y\nb.txt,"{content}"\n', "utf-8")
    with pytest.raises(InvalidInputError, match="row 3 has 100") as caught:
        read_sheet(path)
    assert "files of their own" in caught.value.hint


@pytest.mark.parametrize("line", ["x" * 99, "x" * 99 + "\n"])
def test_a_row_without_an_end_is_not_held(tmp_path: Path, line: str) -> None:
    path = tmp_path / "endless.csv"
    with path.open("w") as file:
        file.write('path,note\na.txt,"')
        for _ in range(320):
            file.write(line * (100_000 // len(line)))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInputError, match="more than 4000000 characters"):
            read_sheet(path)
        assert tracemalloc.get_traced_memory()[1] < 24 << 20  # of 32 MB in the file
    finally:
        tracemalloc.stop()


def test_a_cell_of_a_record_has_its_own_limit_whoever_changed_the_modules(tmp_path: Path) -> None:
    data = ("a,b\nx," + "y" * 131_073 + "\n").encode()
    limit = csv.field_size_limit(1 << 24)
    try:
        with pytest.raises(InvalidInputError, match="131072"):
            list(iter_records("csv/1", "rows.csv", io.BytesIO(data)))
        fits = data.replace(b"y\n", b"\n")
        assert len(list(iter_records("csv/1", "rows.csv", io.BytesIO(fits)))) == 2
    finally:
        csv.field_size_limit(limit)


# --- where a workbook keeps its sheet -----------------------------------------------------------


def _moved(good: Path, target: Path, place: str, encoding: str = "", prefix: str = "") -> Path:
    """Return the workbook with its sheet in a part of another name, encoding or prefix."""
    with zipfile.ZipFile(good) as book, zipfile.ZipFile(target, "w") as moved:
        for name in book.namelist():
            data = book.read(name)
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


@pytest.mark.parametrize(
    ("cell", "runs"),
    [
        ("=1+1", True),
        (" =1+1", True),
        ("@SUM(1)", True),
        ("+cmd|' /C calc'!A0", True),
        ("-1.5+cmd|' /C calc'!A0", True),
        # Excel in Japan, and in China, takes the wide ones for the same.
        ("\uff1d1+1", True),
        ("\uff20SUM(1)", True),
        # ATTACK: where the comma is for decimals, Excel divides cells at the semicolon.
        ("GmbH;=1+1", True),
        ('"GmbH";@SUM(1)', True),
        ("GmbH\t=1+1", True),
        ("1;-2+cmd|' /C calc'!A0", True),
        ("-1,5", False),
        ("+3", False),
        ("1;-2", False),
        ("1;-2;+3", False),
        ("a = b; c = d", False),
        ("me@data.example", False),
        ("", False),
    ],
)
def test_what_a_spreadsheet_program_could_run(cell: str, runs: bool) -> None:
    assert formula_cells([cell]) == int(runs)
