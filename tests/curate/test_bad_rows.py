"""Malformed rows of a table that are left out: each costs its own row, or the file is refused."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.json import parse
from lyrikstore.curate.commit.rows.check import RowLayout, check_rows, copy_header
from lyrikstore.curate.readers import CSV, CSV_1, JSONL, BadRow, RawRow, cells
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.records import iter_rows


def rows(data: bytes, reader: str = CSV) -> list[RawRow | BadRow]:
    return list(iter_rows(reader, "t", io.BytesIO(data)))


def kept(data: bytes, reader: str = CSV) -> list[bytes]:
    return [row.data for row in rows(data, reader) if isinstance(row, RawRow)]


def bad(data: bytes, reader: str = CSV) -> list[tuple[int, bool]]:
    """Lines of what is no row, and whether the whole file is refused for it."""
    return [(row.line, row.remedy != "") for row in rows(data, reader) if isinstance(row, BadRow)]


GOOD = [f"{n},row {n}" for n in range(3000)]


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Read blocks of 16 KiB, so that a table of 3,000 rows has several."""
    monkeypatch.setattr(cells, "_BLOCK", 1 << 14)
    return 1 << 14


def table(*more: tuple[int, bytes]) -> bytes:
    """A table of many rows, with lines in place of some of them; the header is line 1."""
    lines = [b"a,b", *(row.encode() for row in GOOD)]
    for line, content in more:
        lines[line - 1] = content
    return b"\n".join(lines) + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        b"1,caf\xe9",
        b"1,caf\xe9" * 60_000,
        b"1",
        b"1,2,3",
        b'1,5" pipe,3',
        b'"x"y,2',
        b'"x"y,"z"',
        b'5",x"y","2,"z""w',
        b'1,"say ""x"" "now',
        b"1," + b"x" * 140_000,
        b'1,"' + b"x" * 140_000 + b'"',
        b'5","' + b"x" * 140_000 + b'"',
    ],
    ids=lambda content: str(content[:20]),
)
def test_a_malformed_line_costs_its_own_row(content: bytes, blocks: int) -> None:
    assert len(b"\n".join(table().split(b"\n")[202:2000])) > blocks  # two blocks apart
    data = table((202, content), (2000, content))
    assert bad(data) == [(202, False), (2000, False)]
    assert len(kept(data)) == len(GOOD) - 2


def test_a_byte_that_is_not_utf8_costs_the_row_it_is_in() -> None:
    data = b'a,b\n1,"x\ny\n\xff\nz"\n2,\xff\n3,\xc3\xa9\n4,"\xff"x\n5,y\n6,\xc3'
    assert bad(data) == [(2, False), (6, False), (8, False), (10, False)]
    reasons = [row.reason for row in rows(data) if isinstance(row, BadRow)]
    assert "(line 4)" in reasons[0]
    assert "line" not in reasons[1]
    assert kept(data) == [b'{"a":"3","b":"\xc3\xa9"}', b'{"a":"5","b":"y"}']
    assert bad(b"a\n\xff\nb\n", CSV_1) == [(2, False)]
    assert kept(b"a\n\xff\nb\n", CSV_1) == [b'["a"]', b'["b"]']


@pytest.mark.parametrize(
    "content",
    [
        b'1,"open',
        b'"x"y,"open',
        b'"x"y"z,2',
        b'5","open',
        b'5","' + b"x" * 140_000,
        b'1,"' + b"x\n" * 140_000 + b'"',
    ],
    ids=lambda content: str(content[:20]),
)
@pytest.mark.parametrize("later", [b"", b'9,"z"', b'9,",z', b'"",9'])
@pytest.mark.usefixtures("blocks")
def test_rows_that_end_nobody_knows_where_refuse_the_file(content: bytes, later: bytes) -> None:
    data = table((202, content), *([(2000, later)] if later else []))
    assert bad(data)[-1] == (202, True)
    assert kept(data) == kept(table())[:200]


def test_the_line_is_named_in_which_the_quote_opens() -> None:
    assert bad(b'a,b\r\n1,"x\r\ny"\r"p\rq","\n2,3\n4,5') == [(5, True)]
    assert bad(b'a,b\n1,"x\n2,y\n3,"z,4"\n') == [(2, True)]
    assert bad(b'a\n"x\n2"y\n', CSV_1) == [(2, True)]


def test_a_row_of_several_lines_with_other_cells_may_be_many_rows() -> None:
    data = b'a,b\n1,"x\n2,y\n3,",z\n4,5\n'
    assert bad(data) == [(2, True)]
    assert kept(b'a,b\n1,"x\n2,y\n3,z"\n4,5\n')[1:] == [b'{"a":"4","b":"5"}']


def test_a_row_that_is_too_long_refuses_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lyrikstore.curate.readers.cells.MAX_RECORD_BYTES", 20)
    assert bad(b'a\n"' + b"x\n" * 30) == [(2, True)]
    assert bad(b"a\n" + b"x" * 30 + b"\n" + b"y\n") == [(2, True)]
    assert bad(b"a" * 30 + b"\nb\n") == [(1, True)]


def test_what_is_wrong_with_the_header_refuses_the_file() -> None:
    for data in (b"a,a\n1,2\n", b"a,\xff\n1,2\n", b'a,"b"c\n1,2\n', b'a,"b\n1,2\n', b'"'):
        assert bad(data) == [(1, True)]


def test_a_column_without_a_name_is_reported_once() -> None:
    data = b"\n,text,label\n" + b"".join(b"%d,x,y\n" % n for n in range(1000))
    assert bad(data) == [(2, True)]
    (found,) = rows(data)
    assert isinstance(found, BadRow)
    assert "index=False" in found.remedy
    # Some cells beside the table are wrong in their rows.
    assert bad(b"a,\n1,\n2,x\n3,\n4,x\n") == [(3, False), (5, False)]


TEXT = st.text('ab",;\t\n\r\ufeffé', max_size=30)


@given(st.text('ab",\n\ré', max_size=40), st.integers(1, 5))
def test_rows_are_those_of_the_csv_module(text: str, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lyrikstore.curate.readers.cells._BLOCK", block)
        found = rows(text.encode(), CSV_1)
    wanted: list[list[str] | None] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        wanted.extend(row for row in reader if row)
    except csv.Error:
        wanted.append(None)
    read = [parse(row.data) if isinstance(row, RawRow) else None for row in found]
    assert read[: len(wanted)] == wanted
    assert None in wanted or len(read) == len(wanted)


CELLS = st.text("ab é'", max_size=3)
LINES = st.lists(CELLS, min_size=2, max_size=2)
NOISE = st.lists(
    st.sampled_from([b"a", b'"', b",", b";", b"\n", b"\r", b"\xff", b"\t"]), max_size=12
)


@given(st.lists(LINES, max_size=8), NOISE, st.integers(0, 8), st.sampled_from([",", ";", "\t"]))
def test_no_good_row_is_lost_whatever_stands_between(
    good: list[list[str]], noise: list[bytes], place: int, separator: str
) -> None:
    lines = [separator.join(row).encode() for row in good]
    head = separator.join("pq").encode()
    wanted = kept(b"\n".join([head, *lines]))
    lines.insert(place, b"".join(noise))
    data = b"\n".join([head, *lines, b""])
    if not any(refused for _, refused in bad(data)):
        left = iter(kept(data))
        assert all(row in left for row in wanted)


@given(st.lists(st.one_of(TEXT.map(str.encode), NOISE.map(b"".join)), max_size=6))
def test_a_copy_is_read_as_the_rows_that_were_kept(parts: list[bytes]) -> None:
    check_copy(b"".join(parts))


@given(
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.sampled_from([b"", b"\n", b",,\n", b"\r\n;;\r", b"\t\n"]),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.sampled_from([b",", b";", b"\t"]),
    st.lists(NOISE.map(b"".join), max_size=6),
)
def test_a_copy_of_a_table_is_too(
    mark: bytes, above: bytes, end: bytes, separator: bytes, more: list[bytes]
) -> None:
    lines = [separator.join((b"p", b"q")), *more, separator.join((b"1", b"2"))]
    check_copy(mark + above + end.join(lines))


def check_copy(data: bytes) -> None:
    if any(refused for _, refused in bad(data)):
        return
    layout, copy = RowLayout(CSV, FieldRoles()), io.BytesIO()
    stream = io.BytesIO(data)
    copy_header(CSV, stream, copy)
    check_rows("t", stream, layout, copy=copy)
    again = copy.getvalue()
    assert bad(again) == []
    assert kept(again) == kept(data)


def test_the_header_of_a_copy_is_that_of_the_file() -> None:
    data = b",,\na;b;c;d,e,f\n1,2,3\n1,2\n4,5,6\n"
    assert bad(data) == [(4, False)]
    assert len(kept(data)) == 2
    check_copy(data)
    check_copy(b"\xef\xbb\xbf\r\n;;\ra;b\r1;2\r3\r4;5")


def test_a_byte_order_mark_is_no_part_of_a_row_of_json() -> None:
    found = check_rows(
        "t",
        io.BytesIO(b'\xef\xbb\xbf{"a":1}\n{"a":2}\nno\n\xef\xbb\xbf{"a":3}\n'),
        RowLayout(JSONL, FieldRoles()),
    )
    assert [(item.line, item.remedy != "") for item in found.bad] == [
        (1, True),
        (3, False),
        (4, True),
    ]
