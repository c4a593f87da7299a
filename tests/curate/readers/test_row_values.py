"""Rows read many at once: what is measured of them is what is measured of each alone."""

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import MAX_JSON_DEPTH
from lyrikstore.curate.commit.rows.check import RowLayout, check_rows
from lyrikstore.curate.readers import row_values
from lyrikstore.curate.readers.fields import FieldRoles, fits
from lyrikstore.curate.readers.row_values import FieldValues, RowValues, RowValuesReader
from lyrikstore.curate.readers.rows import RowError, as_text, as_texts, parse_row
from lyrikstore.curate.readers.statistics import MAX_DISTINCT, RowStatistics
from lyrikstore.history.records import rows as lines_of
from lyrikstore.history.records.order_root import record_id, record_ids
from lyrikstore.history.records.rows import JSONL, BadRow, RawRow, read_lines


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_of, "_BLOCK_BYTES", 64)
    monkeypatch.setattr(row_values, "FEW_BYTES", 1)


def by_value(values: RowValues) -> dict[str, tuple[list[JSON], dict[type, int]]]:
    return {name: (one.values, dict(one.kinds)) for name, one in values.fields.items()}


NAMES = st.sampled_from(["a", "text", "é", 'q"', "a b", "type", "\\", ""])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text('a"\\{}[]\n😀é', max_size=6)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=12)


@given(ROWS, st.booleans(), st.integers(0, 12))
def test_what_is_measured_is_what_spec_says_of_each_value(
    rows: list[dict[str, JSON]], in_ascii: bool, cut: int
) -> None:
    lines = [json.dumps(row, ensure_ascii=in_ascii).encode() for row in rows]
    rows = [parse_row(line) for line in lines]
    statistics, reader = RowStatistics(named=("text",)), RowValuesReader()
    for some in (lines[:cut], lines[cut:]):
        found = reader.read(some) if some else RowValues.of([])
        assert found is not None
        statistics.add(found, ("text",), "|")
    assert statistics.to_json(FieldRoles(label="text")) == measured(rows, "text", "|")


def measured(rows: Sequence[dict[str, JSON]], label: str, separator: str) -> dict[str, Any]:
    """What spec 12.4.2 says of rows, value by value."""
    found: dict[str, Any] = {"fields": []}
    for name in sorted({name for row in rows for name in row}):
        values = [row[name] for row in rows if row.get(name) is not None]
        kinds = Counter(kind(value) for value in values)
        one = {
            "field": name,
            "types": [{"type": what, "records": kinds[what]} for what in sorted(kinds)],
            "missing": len(rows) - len(values),
            "distinct": len({(type(one) is str, as_text(one) or one == "") for one in values}),
        }
        if lengths := sorted(len(value) for value in values if isinstance(value, str | list)):
            median = lengths[(len(lengths) - 1) // 2]
            one["lengths"] = {"least": lengths[0], "median": median, "most": lengths[-1]}
        found["fields"].append(one)
    if any(label in row for row in rows):
        labels = [as_texts(row.get(label), separator) for row in rows]
        counts = Counter(text for some in labels for text in some)
        if counts:
            found["labels"] = [{"label": one, "records": counts[one]} for one in sorted(counts)]
        found["severalLabels"] = sum(len(some) > 1 for some in labels)
    return found


def kind(value: JSON) -> str:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "list"}
    return names.get(type(value), "object")


TEXTS = [
    b'{"a":1}', b'{"a":"x"}', b'{"a":1,"a":1}', b'{"a":[{"a":1}', b'{"a":2}]}', b'{"a":', b"1}",
    b'{"a":1}{"a":2}', b'{"a":1} {"a":2}', b'[{"a":1}]', b' {"a":1}', b'{"a":1} ', b"{}", b"3",
    b'{"a":"\\\\"}', b'{"a":"\\""}', b'{"a":"\\ud83d"}', b'{"a":"\\ud83d\\ude00"}',
    b'{"a":"\xff"}', b'{"a":"', b'"}', b'{"b":{"b":1,"b":2}}', b'{"a":NaN}', b'{"a":1e999}',
    b'{"a":"\\\\\\"\\\\","b":"\\\\","b":"\\\\"}', b'{"a":"\\\\\\"\\\\","b":"\\\\"}',
    b'{"a":' + b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH + b"}",
    b'{"a":' + b"[" * (MAX_JSON_DEPTH - 1) + b"]" * (MAX_JSON_DEPTH - 1) + b"}",
    b'\xef\xbb\xbf{"a":1}', b'{"a":1}x', b'{"a":"{","\\u0061":"}"}', b'{"a":1}\n{"a":1}',
]  # fmt: skip


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=5))
@example([b'{"a":[{"a":1}', b'{"a":2}]}'])
@example([b'{"a":', b"1}", b'{"a":1}{"a":2}'])
@example([b'{"a":"', b'"}', b'{"a":1}{"a":2}'])
@example([b'{"a":1,"a":1}', b'{"a":1}'])
def test_no_rows_are_read_together_that_are_none_alone(rows: list[bytes]) -> None:
    reader = RowValuesReader()
    reader.read([b'{"a":1}'])
    for _ in range(2):  # whatever the fields that it knows
        found = reader.read(rows)
        try:
            expected = RowValues.of([parse_row(row) for row in rows])
        except RowError:
            assert found is None
        else:
            assert found is None or by_value(found) == by_value(expected)


def test_what_most_files_hold_is_read_at_once() -> None:
    reader = RowValuesReader()
    for rows in (
        [b'{"a":1,"b":"x"}', b'{"b":"\\\\ \\" \\ud83d\\ude00","a":null}'],
        [b'{"c":[{"d":"e"}]}', b"{}", b'{"b":"x"}'],
        [b'{"%d":1}' % number for number in range(300)],
        [b'{"a":1}', b'{"a \\"b":"x"}'],
    ):
        found = reader.read(rows)
        assert found is not None
        assert by_value(found) == by_value(RowValues.of([parse_row(row) for row in rows]))


LINES = st.lists(
    st.sampled_from(
        [b"", b"\r", b"x", b"y" * 9, b"z\r", b"a\rb", b"z\r\r", b"y" * 100, b"y" * 201]
    ),
    max_size=12,
)


def naive_lines(data: bytes) -> Iterator[tuple[int, bytes | None]]:
    lines = data.split(b"\n")
    for number, line in enumerate(lines[: len(lines) - (not lines[-1])], start=1):
        row = line.removesuffix(b"\r")
        yield number, row if 0 < len(row) <= 100 else None


@given(LINES, st.booleans(), st.sampled_from([1, 3, 64, 1000]))
def test_lines_are_the_same_in_blocks_of_any_size(
    lines: list[bytes], ends: bool, block: int
) -> None:
    data = b"\n".join(lines) + b"\n" * (ends and bool(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_of, "_BLOCK_BYTES", block)
        patch.setattr(lines_of, "MAX_RECORD_BYTES", 100)
        found = list(read_lines(io.BytesIO(data)))
    seen = [(one.line, None if isinstance(one, BadRow) else one.data) for one in found]
    assert seen == list(naive_lines(data))
    assert all(one.raw.startswith(one.data) for one in found if isinstance(one, RawRow))


def test_a_line_that_never_ends_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_of, "MAX_RECORD_BYTES", 1000)
    longest = 0

    class Endless(io.RawIOBase):
        left = 10_000

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            return b"x" * size if self.left else b""

    real = lines_of._batch

    def watched(first: int, whole: bytes, **options: bool) -> Any:
        nonlocal longest
        longest = max(longest, len(whole))
        return real(first, whole, **options)

    monkeypatch.setattr(lines_of, "_batch", watched)
    (found,) = read_lines(Endless())  # type: ignore[arg-type]
    assert (type(found), found.line) == (BadRow, 1)
    assert longest < 1000


def test_a_file_with_some_bad_rows_is_measured_without_them() -> None:
    rows = [b'{"text":"%d","label":["a","b"],"id":%d}' % (n, n) for n in range(400)]
    rows[7], rows[300], rows[399] = b'{"text":1', b'{"text":3,"label":"a","id":9}', b""
    roles = FieldRoles(text=("text",), label="label", id="id")
    found = check_rows("f", io.BytesIO(b"\n".join(rows) + b"\n"), RowLayout(JSONL, roles))
    assert [one.line for one in found.bad] == [8, 301, 400]
    alone = RowStatistics(named=roles.names)
    good = [row for at, row in enumerate(rows) if at not in (7, 300, 399)]
    alone.add(RowValues.of([parse_row(row) for row in good]), ("label",))
    assert found.statistics.to_json(roles) == alone.to_json(roles)
    assert len(found.ids) == 8 * len(good)


@given(st.sampled_from(["text", "label", "id", "group"]), st.lists(VALUES, min_size=1, max_size=4))
def test_values_fit_a_role_where_no_row_has_a_problem(role: str, values: list[JSON]) -> None:
    roles = FieldRoles(text=("f",)) if role == "text" else FieldRoles(**{role: "f"})  # type: ignore[arg-type]
    good = not any(roles.problem({"f": value}) for value in values)
    assert fits(role, FieldValues(values)) == good
    assert roles.fit(RowValues.of([{"f": value} for value in values])) == good
    assert roles.fit(RowValues.of([{"f": "x"}, {}])) == (role != "id")


def test_too_many_values_are_not_counted_and_few_stay_exact() -> None:
    statistics, reader = RowStatistics(), RowValuesReader()
    for start in range(0, MAX_DISTINCT + 1, 1000):
        rows = [
            b'{"many":%d,"few":"%s"}' % (at, b"x" * (at % 7)) for at in range(start, start + 1000)
        ]
        found = reader.read(rows)
        assert found is not None
        statistics.add(found)
    few, many = statistics.to_json(FieldRoles())["fields"]
    assert (few["distinct"], many["distinctAbove"]) == (7, MAX_DISTINCT)
    assert few["lengths"] == {"least": 0, "median": 3, "most": 6}


def test_ids_of_many_rows_are_those_of_each() -> None:
    rows = [b"x", b"", b"y" * 5000]
    assert record_ids(JSONL, rows) == [record_id(JSONL, row).raw for row in rows]
