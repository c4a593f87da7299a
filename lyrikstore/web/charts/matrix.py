"""A confusion matrix: what is right against what the model says."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from lyrikstore.web.charts.drawing import (
    LINE,
    WIDTH,
    Drawing,
    number,
    share,
    widest,
    width_of,
    wrapped,
)
from lyrikstore.web.texts import page_text

_NAME, _GAP, _DARKEST = 170, 8, 0.35  # text on the darkest cell has contrast AA


def matrix(
    parent: Element, labels: Sequence[str], counts: Sequence[Sequence[int]], *, title: str
) -> None:
    """Add a square of cells, each darker the larger its share of the row.

    Args:
        parent: Where.
        labels: Names of rows and columns, in order; a further row and column is of all others.
        counts: Records by right label, then by the label that the model says.
        title: What it shows.
    """
    named = [*labels, page_text("charts.others")][: len(counts)]
    drawing = Drawing(parent, title)
    totals = [sum(line) for line in counts]
    numbers = [f"{at + 1}" for at in range(len(named))]
    names = [wrapped(name, _NAME) for name in named]
    head = width_of(page_text("charts.right"))
    left = max(widest(line for lines in names for line in lines), head) + _GAP
    last = max(widest(map(number, totals)), width_of(page_text("charts.records"))) + _GAP
    wide = min((WIDTH - left - last) / max(1, len(named)), 64.0)
    heads = [wrapped(name, wide - 4) for name in named]
    is_named = all(len(lines) <= 3 for lines in heads) and wide > 30
    if not is_named:  # columns have the numbers of rows
        left += widest(numbers) + _GAP
        wide = min((WIDTH - left - last) / max(1, len(named)), 40.0)
    right = left + wide * len(named)
    top = LINE + 6 + LINE * (max(map(len, heads), default=1) if is_named else 1)
    drawing.text(left, LINE - 3, page_text("charts.says"), kind="quiet")
    drawing.text(0, top - 5, page_text("charts.right"), kind="quiet")
    drawing.text(right + last, top - 5, page_text("charts.records"), anchor="end", kind="quiet")
    every = next(one for one in (1, 5, 10, 50, 10**9) if one * wide >= widest(numbers) + 2)
    for at, lines in enumerate(heads):
        middle = left + (at + 0.5) * wide
        if is_named:
            drawing.lines(middle, top - 5 - LINE * (len(lines) - 1), lines, anchor="middle")
        elif (at + 1) % every == 0 or not at:
            drawing.text(middle, top - 5, numbers[at], anchor="middle", kind="quiet")
    y = float(top)
    for row, (line, total) in enumerate(zip(counts, totals, strict=True)):
        high = max(len(names[row]) * LINE + 2, min(wide, 28.0))
        middle = y + high / 2
        indent = 0 if is_named else widest(numbers) + _GAP
        first = middle - LINE * len(names[row]) / 2 + 11
        drawing.lines(left - indent - _GAP, first, names[row], anchor="end")
        if not is_named:
            drawing.text(left - 4, middle + 4, numbers[row], anchor="end", kind="quiet")
        drawing.text(right + last, middle + 4, number(total), anchor="end", kind="quiet")
        drawing.path([(left, y), (right, y)], "grid")
        for column, count in enumerate(line):
            if not count:
                continue
            about = page_text(
                "charts.cell", count=number(count), right=named[row], said=named[column]
            )
            kind, x = "bar" if row == column else "bar two", left + column * wide
            cell = drawing.shape("rect", kind, about, x=x, y=y, width=wide, height=high)
            cell.set("fill-opacity", f"{0.08 + _DARKEST * count / total:.2f}")
            if width_of(number(count)) + 2 <= wide:
                drawing.text(x + wide / 2, middle + 4, number(count), anchor="middle")
        y += high
    for at in range(len(named) + 1):
        if at % every == 0 or at == len(named):
            drawing.path([(left + at * wide, top), (left + at * wide, y)], "grid")
    drawing.path([(left, y), (right, y)], "grid")
    drawing.close(
        y + 2,
        [page_text(f"charts.{one}") for one in ("right", "records", "correct", "taken")],
        [
            (name, number(total), _correct(row, line), _taken(named, row, line))
            for row, (name, line, total) in enumerate(zip(named, counts, totals, strict=True))
        ],
    )


def _correct(row: int, line: Sequence[int]) -> str:
    return f"{number(line[row])} ({share(line[row], sum(line))})"


def _taken(named: Sequence[str], row: int, line: Sequence[int]) -> str:
    found = sorted((-count, at) for at, count in enumerate(line) if count and at != row)
    return ", ".join(f"{named[at]} {number(-count)}" for count, at in found)
