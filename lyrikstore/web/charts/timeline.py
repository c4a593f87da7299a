"""A timeline: figures in their order, such as losses of a training or drift of months."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from lyrikstore.web.charts.drawing import (
    LINE,
    WIDTH,
    Drawing,
    Scale,
    Taken,
    exact,
    is_drawable,
    number,
    widest,
    width_of,
    wrapped,
)
from lyrikstore.web.texts import page_text

_TOP, _BOTTOM, _NAME, _LEAST = 20.0, 150.0, 90.0, 0.3


def timeline(
    parent: Element,
    points: Sequence[tuple[str, float]],
    *,
    title: str,
    limit: float | None = None,
) -> None:
    """Add a line chart of figures in their order, each with a name below it.

    Args:
        parent: Where.
        points: Name and figure.
        title: What it shows.
        limit: The greatest acceptable value, in either direction; drawn where the axis reaches.
    """
    drawing = Drawing(parent, title)
    values = [value for _, value in points if is_drawable(value)]
    up = Scale((0.0, *values), _BOTTOM, _TOP, is_across=False, least=_LEAST, bounds=(0.0, 0.0))
    left = widest(up.labels()) + 10
    right = WIDTH - 12.0
    inset = max(12.0, widest(map(number, values)) / 2)
    step = (right - left - inset) / max(1, len(points) - 1)
    for tick, label in zip(up.ticks, up.labels(), strict=True):
        drawing.path([(left, up(tick)), (right, up(tick))], "grid" if tick else "axis")
        drawing.text(left - 6, up(tick) + 4, label, anchor="end", kind="quiet")
    for bound in () if limit is None else (limit, -limit):
        if up.low <= bound <= up.high:
            drawing.path([(left, up(bound)), (right, up(bound))], "axis").set(
                "stroke-dasharray", "4 3"
            )
            text, ends = page_text("charts.limit", limit=exact(bound)), (values or [0.0])
            far = abs(ends[0] - bound) > abs(ends[-1] - bound)  # where the figures are not
            x, anchor = (left + 4, "start") if far else (right, "end")
            drawing.text(x, up(bound) - 4, text, anchor=anchor, kind="quiet haloed")
    placed = [
        (left + inset + at * step, up(value), name, value)
        for at, (name, value) in enumerate(points)
        if is_drawable(value)
    ]
    if placed:
        drawing.path([(x, y) for x, y, _, _ in placed], "curve")
    for x, y, _, _ in placed:
        drawing.mark(x, y, 0)
    bottom = _name_points(drawing, placed)
    drawing.close(
        bottom,
        [page_text(f"charts.{one}") for one in ("name", "value")],
        [(name, exact(value)) for name, value in points],
    )


def _name_points(drawing: Drawing, placed: Sequence[tuple[float, float, str, float]]) -> float:
    """Write figures of the outermost points, and names as they find room; return where it ends."""
    if not placed:
        return _BOTTOM + 2 * LINE
    values, most = [value for _, _, _, value in placed], 1
    outermost = (len(values) - 1, 0, values.index(max(values)), values.index(min(values)))
    figures, names = Taken(), Taken()
    for at in outermost:
        x, y, _, value = placed[at]
        half = width_of(number(value)) / 2
        x = min(x, WIDTH - half)
        if figures.take(x - half, x + half):
            drawing.text(x, y - 8, number(value), anchor="middle", kind="haloed")
    for at in (len(placed) - 1, *range(len(placed) - 1)):
        lines = wrapped(placed[at][2], _NAME)
        half = widest(lines) / 2
        middle = min(max(placed[at][0], half), WIDTH - half)
        if names.take(middle - half, middle + half):
            drawing.lines(middle, _BOTTOM + LINE + 3, lines, anchor="middle", kind="quiet")
            most = max(most, len(lines))
    return _BOTTOM + LINE * (most + 1)
