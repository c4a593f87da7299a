"""A forest plot: figures with their intervals on one axis."""

from collections.abc import Mapping, Sequence
from typing import Self
from xml.etree.ElementTree import Element

from msgspec import Struct

from lyrikstore.web.charts.drawing import (
    LINE,
    WIDTH,
    Drawing,
    Scale,
    exact,
    interval,
    is_drawable,
    number,
    widest,
    wrapped,
)
from lyrikstore.web.texts import page_text

_NAME, _SAID, _GAP, _TOP = 150, 170, 9, 8
_LEAST = 0.2  # of the axis of shares


class ForestRow(Struct, frozen=True):
    """A figure with its interval.

    Attributes:
        name: What it is the figure of.
        value: The figure.
        low: Lower end; None: there is no interval.
        high: Upper end.
        note: What else is to be known, such as the number of records.
        series: 0 to 3: what is drawn alike; the model is 0, what it is compared with is 1.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""
    series: int = 0

    @classmethod
    def of(cls, name: str, figure: Mapping[str, str], note: str = "", *, series: int = 0) -> Self:
        """Return a figure of an evaluation."""
        low, high = (float(figure[end]) if end in figure else None for end in ("low", "high"))
        return cls(name, float(figure["value"]), low, high, note, series)


def forest(
    parent: Element, rows: Sequence[ForestRow], *, title: str, reference: float | None = None
) -> None:
    """Add a row for each figure: a mark, and a line from the lower to the upper end.

    Args:
        parent: Where.
        rows: The figures, in the order in which they are shown.
        title: What it shows.
        reference: A value that all are compared with: a line across all rows.
    """
    drawing = Drawing(parent, title)
    names = [wrapped(row.name, _NAME) for row in rows]
    notes = [wrapped(row.note, _NAME) if row.note else [] for row in rows]
    said = [_said(row) for row in rows]
    if widest(said) > _SAID:  # intervals of large figures are in the table
        said = [number(row.value) for row in rows]
    left = max(widest(line for lines in (*names, *notes) for line in lines), 40) + _GAP
    right = WIDTH - max(widest(said), 40) - _GAP
    drawn = [one for row in rows for one in (row.value, row.low, row.high)]
    values = [one for one in (*drawn, reference) if is_drawable(one)]
    scale = (
        Scale(values, left + 5, right - 5, least=_LEAST, bounds=(0, 1))
        if all(0 <= one <= 1 for one in values)
        else Scale(values, left + 5, right - 5)
    )
    heights = [max(len(a) + len(b), 1) * LINE + 6 for a, b in zip(names, notes, strict=True)]
    bottom = _TOP + sum(heights) + 2
    for tick, label in zip(scale.ticks, scale.labels(), strict=True):
        drawing.path([(scale(tick), _TOP), (scale(tick), bottom)], "grid")
        drawing.text(scale(tick), bottom + LINE, label, anchor="middle", kind="quiet")
    drawing.path([(left, bottom), (right, bottom)], "axis")
    if is_drawable(reference):
        line = drawing.path([(scale(reference), _TOP - 6), (scale(reference), bottom)], "axis")
        line.set("stroke-dasharray", "4 3")
    y = float(_TOP)
    for row, name, note, text, height in zip(rows, names, notes, said, heights, strict=True):
        drawing.lines(left - _GAP, y + LINE - 1, name, anchor="end")
        drawing.lines(left - _GAP, y + LINE * (len(name) + 1) - 1, note, anchor="end", kind="quiet")
        drawing.text(WIDTH, y + LINE - 1, text, anchor="end")
        middle = y + LINE / 2 + 2
        _draw(drawing, scale, row, middle)
        y += height
    drawing.close(
        bottom + LINE + 5,
        [page_text(f"charts.{one}") for one in ("name", "value", "low", "high", "note")],
        [
            (
                row.name,
                exact(row.value),
                exact(row.low),
                exact(row.high),
                row.note
                if row.low is not None
                else f"{row.note} {page_text('charts.alone')}".strip(),
            )
            for row in rows
        ],
    )


def _draw(drawing: Drawing, scale: Scale, row: ForestRow, y: float) -> None:
    has_ends = is_drawable(row.low) and is_drawable(row.high)
    if is_drawable(row.low) and is_drawable(row.high):
        kind = f"span {('', 'two', 'three', 'four')[row.series]}".strip()
        drawing.path([(scale(row.low), y), (scale(row.high), y)], kind)
    if is_drawable(row.value):
        drawing.mark(scale(row.value), y, row.series, hollow=not has_ends)


def _said(row: ForestRow) -> str:
    if row.low is None or row.high is None:
        return f"{number(row.value)} {page_text('charts.alone')}"
    return f"{number(row.value)} ({interval(row.low, row.high)})"
