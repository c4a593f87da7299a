"""Charts of a page as inline SVG, made of shapes and text only."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct

from lyrikstore.canon.text import escape_control, pluralize

MAX_BARS = 40
"""Most values of a bar chart; the number of the others is shown."""

_BAR, _WIDTH, _NAME = 22, 640, 220
_SIDE, _EDGE = 300, 44
_MAX_BOXES, _LETTER = 8, 7.2  # the width of a letter, about


class Span(Struct, frozen=True):
    """A figure with its interval.

    Attributes:
        name: Name of the figure.
        value: The figure.
        low: Lower end; None: there is no interval.
        high: Upper end.
        said: Text beside the figure.
        other: Whether it is about another system than the rest, and drawn differently.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    said: str
    other: bool = False

    @classmethod
    def of(cls, name: str, figure: Mapping[str, str], said: str, *, other: bool = False) -> Self:
        """Return a figure of an evaluation."""
        low, high = (float(figure[end]) if end in figure else None for end in ("low", "high"))
        return cls(name, float(figure["value"]), low, high, said, other)


def bars(parent: Element, values: Sequence[tuple[str, int]], total: int) -> None:
    """Add a bar for each value: name and count, and its share of ``total``."""
    shown, rest = values[:MAX_BARS], values[MAX_BARS:]
    if rest:
        others = pluralize(len(rest), "other")
        shown = [*shown, (others, sum(count for _, count in rest))]
    most = max((count for _, count in shown), default=0) or 1
    chart = _chart(parent, _WIDTH, _BAR * len(shown) + 4, "")
    total = total or 1
    for at, (name, count) in enumerate(shown):
        _name(chart, at, name)
        width = max(1, round(count / most * (_WIDTH - _NAME - 110)))
        box = {"x": _NAME, "y": at * _BAR + 4, "width": width, "height": _BAR - 8}
        _shape(chart, "rect", box)
        _text(chart, _NAME + width + 6, at * _BAR + 15, f"{count:,} ({count / total:.1%})")


def spans(parent: Element, rows: Sequence[Span], title: str) -> None:
    """Add a row for each figure: a point, and a line from the lower to the upper end."""
    ends = [x for row in rows for x in (row.low, row.high, row.value) if x is not None]
    least, most = min([*ends, 0.0]), max([*ends, 1.0]) if min(ends, default=0) >= 0 else max(ends)
    room = _WIDTH - _NAME - 180
    scale = room / ((most - least) or 1)
    chart = _chart(parent, _WIDTH, _BAR * len(rows) + 4, title)

    def place(value: float) -> float:
        return round(_NAME + (value - least) * scale, 1)

    if least < 0:
        zero = {"x1": place(0), "x2": place(0), "y1": 0, "y2": _BAR * len(rows)}
        _shape(chart, "line", zero, "axis")
    for at, row in enumerate(rows):
        y = at * _BAR + 11
        _name(chart, at, row.name)
        kind = "other" if row.other else ""
        if row.low is not None and row.high is not None:
            _path(chart, [(place(row.low), y), (place(row.high), y)], kind)
        _shape(chart, "circle", {"cx": place(row.value), "cy": y, "r": 4}, kind)
        _text(chart, _NAME + room + 10, y + 4, row.said)


def curve(
    parent: Element,
    points: Sequence[tuple[float, float, float]],
    *,
    title: str,
    axes: tuple[str, str],
    diagonal: bool = False,
    joined: bool = False,
) -> None:
    """Add a chart of points in a square from 0 to 1.

    Args:
        parent: Where.
        points: x, y, and the share that determines the size of the point.
        title: What it shows, for people who hear it.
        axes: Names of the horizontal and the vertical axis.
        diagonal: Whether the diagonal is drawn, where both values are equal.
        joined: Whether the points are joined by a line.
    """
    chart = _chart(parent, _SIDE + _EDGE + 16, _SIDE + _EDGE + 8, title, "square")
    across, up = axes
    _axes(chart, across, up)

    def place(x: float, y: float) -> tuple[float, float]:
        return round(_EDGE + x * _SIDE, 1), round(8 + (1 - y) * _SIDE, 1)

    if diagonal:
        (x1, y1), (x2, y2) = place(0, 0), place(1, 1)
        _shape(chart, "line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2}, "axis")
    if joined and points:
        _path(chart, [place(x, y) for x, y, _ in points])
    for x, y, share in points:
        at, height = place(x, y)
        point = _shape(chart, "circle", {"cx": at, "cy": height, "r": round(3 + 9 * share, 1)})
        SubElement(point, "title").text = f"{across} {x:.2f}, {up} {y:.2f}"


def timeline(
    parent: Element, points: Sequence[tuple[str, float]], title: str, *, limit: float | None
) -> None:
    """Add a line chart of figures in their order, each with a name below it.

    Args:
        parent: Where.
        points: Name and figure.
        title: What it shows, for people who hear it.
        limit: The greatest acceptable value, in either direction; drawn if figures come near it.
    """
    height, bottom = 120, 134
    values = [value for _, value in points]
    least, most = min(0.0, *values), max(0.0, *values)
    if most - least < 0.3:  # so that noise is not drawn as if it was something
        most = least + 0.3 if least >= 0 else most + 0.15
        least = least if least >= 0 else most - 0.3
    chart = _chart(parent, _WIDTH, bottom + 26, title)
    step = (_WIDTH - 140) / max(1, len(points) - 1)

    def place(at: int, value: float) -> tuple[float, float]:
        return round(60 + at * step, 1), round(10 + (most - value) / (most - least) * height, 1)

    zero = place(0, 0)[1]
    _shape(chart, "line", {"x1": 50, "x2": _WIDTH - 60, "y1": zero, "y2": zero}, "axis")
    _text(chart, 44, zero + 4, "0", end=True)
    for bound in () if limit is None else (limit, -limit):
        if least <= bound <= most:
            y = place(0, bound)[1]
            line = _shape(chart, "line", {"x1": 50, "x2": _WIDTH - 60, "y1": y, "y2": y}, "axis")
            line.set("stroke-dasharray", "4 4")
            _text(chart, 44, y + 4, f"{bound:g}", end=True)
    _path(chart, [place(at, value) for at, value in enumerate(values)])
    every = -(-len(points) // 6)
    for at, (name, value) in enumerate(points):
        x, y = place(at, value)
        point = _shape(chart, "circle", {"cx": x, "cy": y, "r": 4})
        SubElement(point, "title").text = escape_control(f"{name}: {value:.4f}")
        if at % every == 0 or at == len(points) - 1:
            _text(chart, x, y - 8 if y > 24 else y + 18, f"{value:.4f}")
            _text(chart, x - 24, bottom + 18, name)


def matrix(parent: Element, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
    """Add a table of counts, darker the larger their share of the row."""
    size, first = len(counts), 170
    cell = 36
    title = "rows: what is right; columns: what the model says"
    chart = _chart(parent, first + cell * size + 4, cell * size + 132, title)
    named = [*labels, *(["all others"] if size > len(labels) else [])]
    for at, name in enumerate(named):
        _text(chart, first - 6, 18 + at * cell + 5, name, end=True, most=24)
        below = _text(chart, 0, 0, name, end=True, most=18)
        across, down = first + at * cell + 20, cell * size + 12
        below.set("transform", f"translate({across} {down}) rotate(-50)")
    for row, line in enumerate(counts):
        whole = sum(line) or 1
        for column, count in enumerate(line):
            x, y = first + column * cell, row * cell
            box = {"x": x, "y": y, "width": cell - 2, "height": cell - 2}
            kind = "" if row == column else "other"
            shape = _shape(chart, "rect", box, kind)
            shape.set("fill-opacity", f"{0.06 + 0.6 * count / whole:.2f}")
            said = f"{pluralize(count, 'record')} of {named[row]} called {named[column]}"
            SubElement(shape, "title").text = escape_control(said)
            if count:
                _text(chart, x + cell / 2 - 1, y + 21, f"{count}").set("text-anchor", "middle")


def flow(
    parent: Element,
    steps: Sequence[tuple[str, Sequence[str]]],
    edges: Iterable[tuple[str, str]],
    title: str,
) -> None:
    """Add boxes from left to right, one column a step, with lines between some of them.

    Args:
        parent: Where.
        steps: Name and boxes of each step; steps without boxes are omitted.
        edges: The two boxes that each line joins; lines of omitted boxes are omitted.
        title: What it shows, for people who hear it.
    """
    shown = [(name, boxes[:_MAX_BOXES]) for name, boxes in steps if boxes]
    tall = max((len(boxes) for _, boxes in shown), default=0)
    wide, high = _WIDTH / max(1, len(shown)), 34
    room = max(4, int((wide - 32) / _LETTER))
    chart = _chart(parent, _WIDTH, 28 + tall * high, title)
    places = [
        [(column * wide, 24 + row * high) for row in range(len(boxes))]
        for column, (_, boxes) in enumerate(shown)
    ]
    place = {
        box: where
        for (_, boxes), column in zip(shown, places, strict=True)
        for box, where in zip(boxes, column, strict=True)
    }
    for start, end in dict.fromkeys(edges):
        if start in place and end in place:
            (x, y), (to_x, to_y) = place[start], place[end]
            ends = {"x1": x + wide - 22, "y1": y + 13, "x2": to_x, "y2": to_y + 13}
            _shape(chart, "line", ends, "axis")
    for (name, boxes), column in zip(shown, places, strict=True):
        _text(chart, column[0][0], 14, name)
        for box, (x, y) in zip(boxes, column, strict=True):
            frame = _shape(chart, "rect", {"x": x, "y": y, "width": wide - 22, "height": 26})
            frame.set("fill-opacity", "0.15")
            # The end of a name tells more than its beginning.
            said = box if len(box) <= room else f"…{box[1 - room :]}"
            _text(chart, x + 5, y + 17, said)
            SubElement(frame, "title").text = escape_control(box)


def _chart(parent: Element, wide: int, high: int, title: str, kind: str = "") -> Element:
    attributes = {"class": kind} if kind else {}
    attributes |= {"viewBox": f"0 0 {wide} {high}", "role": "img"}
    chart = SubElement(parent, "svg", attributes, xmlns="http://www.w3.org/2000/svg")
    if title:
        SubElement(chart, "title").text = escape_control(title)
    return chart


def _axes(chart: Element, across: str, up: str) -> None:
    bottom, right = 8 + _SIDE, _EDGE + _SIDE
    _shape(chart, "line", {"x1": _EDGE, "y1": bottom, "x2": right, "y2": bottom}, "axis")
    _shape(chart, "line", {"x1": _EDGE, "y1": 8, "x2": _EDGE, "y2": bottom}, "axis")
    for tenth in (0, 5, 10):
        _text(chart, _EDGE + tenth / 10 * _SIDE - 8, bottom + 16, f"{tenth / 10:.1f}")
        _text(chart, _EDGE - 6, bottom - tenth / 10 * _SIDE + 4, f"{tenth / 10:.1f}", end=True)
    _text(chart, _EDGE + _SIDE / 2, bottom + 32, across).set("text-anchor", "middle")
    side = _text(chart, 0, 0, up)
    side.set("text-anchor", "middle")
    side.set("transform", f"translate(13 {8 + _SIDE / 2}) rotate(-90)")


def _name(chart: Element, at: int, name: str) -> None:
    _text(chart, _NAME - 8, at * _BAR + 15, name, end=True, most=32)


def _text(
    chart: Element, x: float, y: float, text: str, *, end: bool = False, most: int = 1000
) -> Element:
    found = SubElement(chart, "text", {"x": f"{x:g}", "y": f"{y:g}"})
    if end:
        found.set("text-anchor", "end")
    found.text = escape_control(text if len(text) <= most else text[: most - 1] + "…")
    if len(text) > most:
        SubElement(found, "title").text = escape_control(text)
    return found


def _path(chart: Element, points: Sequence[tuple[float, float]], kind: str = "") -> None:
    line = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
    SubElement(chart, "path", {"d": line} | ({"class": kind} if kind else {}))


def _shape(chart: Element, tag: str, at: Mapping[str, float], kind: str = "") -> Element:
    attributes = {name: f"{value:g}" for name, value in at.items()}
    return SubElement(chart, tag, attributes | ({"class": kind} if kind else {}))
