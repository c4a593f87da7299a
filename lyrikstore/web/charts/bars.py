"""Bars: counts of values with their shares."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from lyrikstore.canon.text import pluralize
from lyrikstore.web.charts.drawing import LINE, WIDTH, Drawing, number, share, widest, wrapped
from lyrikstore.web.texts import page_text

MAX_BARS = 40
"""Most bars of a chart: further values are one bar together, and all are in the table."""

_NAME, _GAP = 170, 8


def bars(parent: Element, values: Sequence[tuple[str, float]], total: int, *, title: str) -> None:
    """Add a bar for each value: its name, its count, and its share of a total.

    Args:
        parent: Where.
        values: Names and counts, in the order in which they are shown.
        total: What shares are of; 0: no shares are shown.
        title: What it shows.
    """
    drawing = Drawing(parent, title)
    shown, rest = values[:MAX_BARS], values[MAX_BARS:]
    if rest:
        shown = [*shown, (pluralize(len(rest), "other"), sum(count for _, count in rest))]
    names = [wrapped(name, _NAME) for name, _ in shown]
    said = [_said(count, total) for _, count in shown]
    left = max(widest(line for lines in names for line in lines), 40) + _GAP
    room = max(1.0, WIDTH - widest(said) - _GAP - left)
    most = max((count for _, count in shown), default=0) or 1
    y = 2.0
    for (_, count), name, text in zip(shown, names, said, strict=True):
        height, width = len(name) * LINE + 5, count / most * room
        drawing.lines(left - _GAP, y + LINE - 1, name, anchor="end")
        drawing.shape("rect", "bar", x=left, y=y + 2, width=width, height=LINE)
        drawing.text(left + width + 6, y + LINE - 1, text)
        y += height
    drawing.path([(left, 0), (left, y)], "axis")
    titles = ("name", "count", "share") if total else ("name", "value")
    drawing.close(
        y + 2,
        [page_text(f"charts.{one}") for one in titles],
        [(name, number(one), share(one, total))[: len(titles)] for name, one in values],
    )


def _said(count: float, total: int) -> str:
    part = share(count, total)
    return f"{number(count)} ({part})" if part else number(count)
