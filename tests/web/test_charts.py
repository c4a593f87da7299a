"""Charts: the same bytes for the same values, every value in the table, no text over another."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lyrikstore.canon.text import escape_control
from lyrikstore.web.charts import (
    ForestRow,
    FunnelStep,
    LineageEdge,
    LineageNode,
    bars,
    coverage,
    forest,
    funnel,
    ink,
    lineage,
    matrix,
    reliability,
    timeline,
)
from lyrikstore.web.charts.drawing import Scale, exact, number, share, width_of, wrapped

HOSTILE = "</title></svg><script>alert(1)</script>\u202e\x00 " * 250
LABELS = [f"{word}-{number} of the archive" for number in range(19) for word in ("Lease", "Audit")]


def drifting(parent: Element, points: list[tuple[str, float]], *, title: str) -> None:
    timeline(parent, points, title=title, limit=0.25)


def drawn(chart: Callable[..., None], *values: object, **more: object) -> Element:
    main = Element("main")
    chart(main, *values, title="Title", **more)
    (figure,) = fromstring(tostring(main))  # it is XML
    return figure


def local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def texts(figure: Element) -> list[Element]:
    return [one for one in figure.iter() if local(one) == "text"]


def cells(figure: Element) -> list[list[str]]:
    return [["".join(cell.itertext()) for cell in row] for row in figure.iterfind(".//tbody/tr")]


def size(figure: Element) -> tuple[float, float]:
    (svg,) = (one for one in figure.iter() if local(one) == "svg")
    _, _, wide, high = map(float, svg.attrib["viewBox"].split())
    return wide, high


def boxes(figure: Element) -> list[tuple[float, float, float, float, str]]:
    found = []
    for one in texts(figure):
        if "transform" in one.attrib:
            continue
        x, y, text = float(one.attrib["x"]), float(one.attrib["y"]), one.text or ""
        wide = width_of(text)
        x -= {"start": 0.0, "middle": wide / 2, "end": wide}[one.get("text-anchor", "start")]
        found.append((x, y - 9, x + wide, y + 2, text))
    return found


def check(figure: Element) -> None:
    """Every text is inside the drawing, and none over another."""
    wide, high = size(figure)
    found = boxes(figure)
    for left, top, right, bottom, text in found:
        assert -1 <= left <= right <= wide + 1, text
        assert -1 <= top <= bottom <= high + 1, text
    for at, (left, top, right, bottom, text) in enumerate(found):
        for one, above, end, below, other in found[:at]:
            apart = right <= one + 0.2 or end <= left + 0.2 or bottom <= above or below <= top
            assert apart, (text, other)
    for shape in figure.iter():
        for name, value in shape.attrib.items():
            if name in {"x", "y", "cx", "cy", "width", "height", "r"}:
                assert math.isfinite(float(value)), (shape.tag, name)
            if name in {"width", "height"}:
                assert float(value) >= 0
        assert not re.search("nan|inf", shape.get("d", ""))


def row(
    name: str, value: float, ends: tuple[float, float] | None = None, note: str = ""
) -> ForestRow:
    low, high = ends or (None, None)
    return ForestRow(name, value, low, high, note)


FOREST = [
    row("model", 0.8312, (0.7921, 0.8674)),
    row("a baseline of a long name that needs/more-than-one_line.of-text", 0.6, note="4 records"),
    *(row(f"slice {at}", 0.4 + at / 120, (0.3 + at / 150, 0.5 + at / 110)) for at in range(58)),
]
CHAIN = [
    LineageNode(f"{at}", f"acme/contracts-{at}-of-the-old-archive", "dataset") for at in range(7)
]
CHAINED = [LineageEdge(f"{at}", f"{at + 1}", f"{at},204 of 9,300 records") for at in range(6)]
SHORT = [LineageEdge("0", "6", "12 of 12 records"), LineageEdge("2", "5", "7 records")]
WIDE = [*CHAIN, *(LineageNode(f"s{at}", f"source/{at}", "delivery") for at in range(40))]
WIDELY = [*CHAINED, *(LineageEdge(f"s{at}", "3", f"{at} records") for at in range(40))]
STEPS = [
    FunnelStep("scan", 1562, 1500, [("cannot be read", 62)]),
    FunnelStep("filters", 1500, 1204, [(f"reason {at}", at * 5) for at in range(9)]),
]
CASES: dict[str, tuple[Callable[..., None], Sequence[Any]]] = {
    "forest": (forest, [FOREST]),
    "one row": (forest, [FOREST[:1]]),
    "equal": (forest, [[row("a", 3.5), row("b", 3.5)]]),
    "large": (forest, [[row("a", -123456789.5, (-223456789.5, 2e11)), row("b", 9.0)]]),
    "two labels": (matrix, [["yes", "no"], [[12, 3], [0, 99]]]),
    "others": (matrix, [["lease", "sale"], [[12, 3, 1], [0, 99, 0], [1, 1, 1]]]),
    "38 labels": (matrix, [LABELS, [[(a * b) % 7 for b in range(38)] for a in range(38)]]),
    "reliability": (reliability, [[(at / 10, at / 11, 3**at) for at in range(11)]]),
    "coverage": (coverage, [[(1 - at / 10, 0.8 + at / 60, at / 10) for at in range(11)]]),
    "bars": (bars, [[(label, 999 - at) for at, label in enumerate([*LABELS, *LABELS])], 70000]),
    "no total": (bars, [[("a", 0), ("b", 0)], 0]),
    "funnel": (funnel, [STEPS]),
    "timeline": (timeline, [[(f"2026-{at:02d}", at / 40) for at in range(1, 25)]]),
    "limit": (drifting, [[("2026-01", 0.02), ("2026-02", 0.22), ("2026-03", 0.26)]]),
    "above the limit": (drifting, [[("2026-01", 0.27), ("2026-02", 0.1)]]),
    "lineage": (lineage, [CHAIN, [*CHAINED, *SHORT]]),
    "wide lineage": (lineage, [WIDE, WIDELY]),
    **{
        f"nothing: {chart.__name__}": (chart, values)
        for chart, values in (
            (forest, [[]]), (matrix, [[], []]), (reliability, [[]]), (coverage, [[]]),
            (bars, [[], 0]), (funnel, [[]]), (timeline, [[]]), (lineage, [[], []]),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_no_text_stands_over_another(name: str) -> None:
    chart, values = CASES[name]
    figure = drawn(chart, *values)
    check(figure)
    assert tostring(figure) == tostring(drawn(chart, *values))
    assert [local(one) for one in figure] == ["figcaption", "svg", "details"]


def test_every_value_is_in_the_table() -> None:
    assert cells(drawn(forest, FOREST[:2])) == [
        ["model", "0.8312", "0.7921", "0.8674", ""],
        [FOREST[1].name, "0.6", "", "", "4 records no interval"],
    ]
    assert cells(drawn(matrix, ["a", "b"], [[9, 1], [4, 0]])) == [
        ["a", "10", "9 (90.0%)", "b 1"],
        ["b", "4", "0 (0.0%)", "a 4"],
    ]
    assert len(cells(drawn(bars, [(f"{at}", at) for at in range(100)], 9))) == 100
    assert ["filters", "no reason stated", "116"] in cells(drawn(funnel, STEPS))
    assert (
        cells(drawn(lineage, CHAIN[:2], CHAINED))[1][3]
        == f"{CHAIN[0].name} (0,204 of 9,300 records)"
    )


def test_an_interval_ends_where_its_axis_says() -> None:
    figure = drawn(forest, [row("a", 0.5, (0.2, 0.8)), row("b", 0.0, (0.0, 1.0))])
    spans = [one for one in figure.iter() if one.get("class") == "span"]
    (short, long) = (
        [float(x) for x in re.findall(r"[ML]([\d.]+)", one.attrib["d"])] for one in spans
    )
    extent = long[1] - long[0]
    assert [(x - long[0]) / extent for x in short] == pytest.approx([0.2, 0.8], abs=0.002)
    marks = [float(one.attrib["cx"]) for one in figure.iter() if one.get("class") == "dot"]
    assert (marks[0] - long[0]) / extent == pytest.approx(0.5, abs=0.002)


def test_a_funnel_is_as_wide_as_its_counts() -> None:
    figure = drawn(funnel, STEPS)
    widths = [float(one.attrib["width"]) for one in figure.iter() if one.get("height") == "18"]
    assert widths[0] / widths[2] == pytest.approx(1500 / 1204, abs=0.002)
    assert sum(widths[:2]) == pytest.approx(size(figure)[0], abs=0.2)


def test_whole_names_are_drawn() -> None:
    figure = drawn(lineage, WIDE, WIDELY)
    whole = "".join(one.text or "" for one in texts(figure)).replace(" ", "")
    for node in WIDE:
        assert node.name in whole
    assert "…" not in whole


def test_edges_of_a_circle_end() -> None:
    circle = [
        LineageEdge("0", "1"),
        LineageEdge("1", "0"),
        LineageEdge("1", "2"),
        LineageEdge("9", "0"),
    ]
    check(drawn(lineage, CHAIN[:3], circle))


@pytest.mark.parametrize(
    ("chart", "values"),
    [
        (forest, [[ForestRow(HOSTILE, 0.5, 0.4, 0.6, HOSTILE)]]),
        (matrix, [[HOSTILE, "b"], [[1, 2], [3, 4]]]),
        (bars, [[(HOSTILE, 3)], 3]),
        (funnel, [[FunnelStep(HOSTILE, 3, 1, [(HOSTILE, 1)])]]),
        (timeline, [[(HOSTILE, 3.0), ("b", 2.0)]]),
        (
            lineage,
            [
                [LineageNode("a", HOSTILE, HOSTILE, badge=HOSTILE), LineageNode("b", HOSTILE)],
                [LineageEdge("a", "b", HOSTILE)],
            ],
        ),
    ],
)
def test_hostile_text_stays_text_and_small(chart: Callable[..., None], values: Any) -> None:
    main = Element("main")
    chart(main, *values, title=HOSTILE)
    data = tostring(main).decode()
    assert "<script" not in data
    assert not {"\u202e", "\x00"} & set(data)
    (figure,) = fromstring(data)
    check(figure)
    assert size(figure)[1] < 2000
    assert any(escape_control(HOSTILE) in cell for line in cells(figure) for cell in line)


FIGURES = some.floats() | some.integers(-(10**20), 10**20)
COUNTS = some.integers(0, 2**63)
NAMES = some.text(max_size=30)
ENDS = some.none() | FIGURES
DROPPED = some.lists(some.tuples(NAMES, COUNTS), max_size=5)


@given(some.lists(some.builds(ForestRow, NAMES, FIGURES, ENDS, ENDS, NAMES, some.integers(0, 3)),
                  max_size=6), ENDS)  # fmt: skip
def test_a_forest_of_whatever_values(rows: list[ForestRow], reference: float | None) -> None:
    check(drawn(forest, rows, reference=reference))


@given(some.lists(some.tuples(NAMES, COUNTS), max_size=6), COUNTS)
def test_bars_of_whatever_counts(values: list[tuple[str, int]], total: int) -> None:
    check(drawn(bars, values, total))


@given(some.integers(0, 5).flatmap(lambda size: some.lists(
    some.lists(COUNTS, min_size=size, max_size=size), min_size=size, max_size=size)))  # fmt: skip
def test_a_matrix_of_whatever_counts(counts: list[list[int]]) -> None:
    check(drawn(matrix, [f"label {at}" for at in range(len(counts))], counts))


@given(some.lists(some.tuples(some.floats(0, 1), some.floats(0, 1), COUNTS), max_size=6))
def test_calibration_of_whatever_bins(bins: list[tuple[float, float, int]]) -> None:
    check(drawn(reliability, bins))
    check(drawn(coverage, [(one, other, other) for one, other, _ in bins]))


@given(some.lists(some.tuples(NAMES, some.floats()), max_size=6))
def test_a_timeline_of_whatever_values(points: list[tuple[str, float]]) -> None:
    check(drawn(timeline, points))


@given(some.lists(some.builds(FunnelStep, NAMES, COUNTS, COUNTS, DROPPED), max_size=4))
def test_a_funnel_of_whatever_counts(steps: list[FunnelStep]) -> None:
    check(drawn(funnel, steps))


@given(
    some.integers(0, 9),
    some.lists(some.tuples(some.integers(0, 9), some.integers(0, 9)), max_size=20),
)
def test_a_lineage_of_whatever_edges(count: int, ends: list[tuple[int, int]]) -> None:
    nodes = [LineageNode(f"{at}", f"acme/name-{at}", "dataset") for at in range(count)]
    check(drawn(lineage, nodes, [LineageEdge(f"{a}", f"{b}", "9 of 9 records") for a, b in ends]))


@given(
    some.floats(allow_nan=False, allow_infinity=False),
    some.floats(allow_nan=False, allow_infinity=False),
)
def test_a_scale_holds_its_values(one: float, other: float) -> None:
    scale = Scale((one, other), 100, 300)
    assert 2 <= len(scale.ticks) <= 9
    for value in (one, other):
        if abs(value) < 1e150:
            assert 99 <= scale(value) <= 301


def test_numbers() -> None:
    said = [number(one) for one in (0.83125, 1204, 12.3456, 123.456, 98765.4, 0.00002, -0.5, 0.0)]
    assert said == ["0.831", "1,204", "12.35", "123.5", "98,765", "2e-05", "-0.500", "0.000"]
    assert [exact(one) for one in (0.83125, 0.5, None, 1204)] == ["0.83125", "0.5", "", "1,204"]
    assert [share(one, 10000) for one in (0, 1, 5000, 9999, 10000)] == [
        "0.0%", "<0.1%", "50.0%", ">99.9%", "100.0%",
    ]  # fmt: skip


@given(some.text(), some.integers(20, 300))
def test_wrapped_text_fits_and_is_whole(text: str, room: int) -> None:
    lines = wrapped(text, room, 10_000)
    assert max(map(width_of, lines)) <= room
    assert "".join(lines).replace(" ", "") == escape_control(text).replace(" ", "")


def test_ink_names_no_variable() -> None:
    assert "var(" not in ink()
    assert ".dot{" in ink().replace(" ", "")
