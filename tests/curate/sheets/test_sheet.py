"""Sheets: one table, one metadata, whatever the format; cells, CSV, joins and limits of rows."""

import csv
import io
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.curate.readers import iter_records
from lyrikstore.curate.sheets.cells import cell_text
from lyrikstore.curate.sheets.sheet import (
    MAX_COLUMNS,
    defuse,
    formula_cells,
    join,
    read_sheet,
    sheet_of,
)
from lyrikstore.history.trees.tree import Tree, TreeEntry
from tests.kinds import refused


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


def test_a_sheet_is_the_lines_of_its_rows(tmp_path: Path) -> None:
    sheet = read_sheet(_csv(tmp_path, 'a,path\n"1\r\n2",x\n,y\n'))
    assert sheet.digest == Digest.of(b'["path","a"]\n["x",{"a":"1\\r\\n2"}]\n["y",{}]\n')


def test_a_thousand_columns_are_read_and_no_more(tmp_path: Path) -> None:
    names = ["path", *(f"c{at}" for at in range(1, MAX_COLUMNS))]
    cells = ",".join("x" for _ in names)
    assert (
        len(read_sheet(_csv(tmp_path, f"{','.join(names)}\n{cells}\n")).columns) == len(names) - 1
    )
    with pytest.raises(InvalidInputError) as caught:
        read_sheet(_csv(tmp_path, f"{','.join([*names, 'more'])}\n{cells},x\n"))
    assert caught.value.kind == "bad-sheet"


def test_a_tab_separates_by_the_name_of_the_file(tmp_path: Path) -> None:
    sheet = read_sheet(_csv(tmp_path, "path\ta,b,c;d\nx\t1\n", "s.tsv"))
    assert sheet.columns == ("a,b,c;d",)


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
    with pytest.raises(InvalidInputError) as caught:
        read_sheet(_csv(tmp_path, "x", "s.ods"))
    assert caught.value.kind == "no-reader"
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
    assert caught.value.details["key"] == "d/y.txt"
    assert caught.value.details["rows"] == [2, 3]


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
    assert "separate files" in caught.value.hint


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
        ("\tx", True),
        ("\rx", True),
        ("", False),
    ],
)
def test_what_a_spreadsheet_program_could_run(cell: str, runs: bool) -> None:
    """ATTACK A103: what is defused is run by none, and everything else stays as it is."""
    assert formula_cells([cell]) == int(runs)
    assert (defuse(cell) != cell) is runs
    assert formula_cells([defuse(cell)]) == 0
    assert defuse(cell).replace("'", "") == cell.replace("'", "")


def test_a_tree_without_metadata_gives_no_sheet() -> None:
    with refused("no-metadata"):
        sheet_of(Tree.of([TreeEntry("a.txt", 1, Digest.of(b"a"))]))
