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

_NAME, _GAP, _DARKEST = 170, 6, 0.55
_MOST_SHOWN = 40


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
    named = [*labels, *(page_text("charts.others") for _ in counts[len(labels) :])]
    drawing = Drawing(parent, title)
    totals = [sum(line) for line in counts]
    numbers = [f"{at + 1}" for at in range(len(named))]
    names = [wrapped(name, _NAME) for name in named]
    index = widest(numbers) + _GAP
    left = max(widest(line for lines in names for line in lines), 40) + _GAP + index
    right = WIDTH - max(widest(map(number, totals)), width_of(page_text("charts.records"))) - _GAP
    wide = min((right - left) / max(1, len(named)), 64.0)
    heads = [wrapped(name, wide - 4) for name in named]
    is_named = all(len(lines) <= 3 for lines in heads) and wide > 30
    top = 2 * LINE + (max(map(len, heads), default=1) if is_named else 1) * LINE
    drawing.text(left, LINE - 2, page_text("charts.says"), kind="quiet")
    drawing.text(left - index, top - 4, page_text("charts.right"), anchor="end", kind="quiet")
    drawing.text(WIDTH, top - 4, page_text("charts.records"), anchor="end", kind="quiet")
    every = 1
    while every * wide < widest(numbers) + 3:
        every += 1 if every == 1 else 5 - every % 5
    for at, lines in enumerate(heads):
        middle = left + (at + 0.5) * wide
        if is_named:
            drawing.lines(middle, top - 4 - LINE * (len(lines) - 1), lines, anchor="middle")
        elif (at + 1) % every == 0 or every == 1:
            drawing.text(middle, top - 4, numbers[at], anchor="middle", kind="quiet")
    y = float(top)
    for row, (line, total) in enumerate(zip(counts, totals, strict=True)):
        high = max(len(names[row]) * LINE + 2, min(wide, 28.0))
        middle = y + high / 2
        first = middle - LINE * len(names[row]) / 2 + 11
        drawing.lines(left - index, first, names[row], anchor="end")
        if not is_named:
            drawing.text(left - 3, middle + 4, numbers[row], anchor="end", kind="quiet")
        drawing.text(WIDTH, middle + 4, number(total), anchor="end", kind="quiet")
        for column, count in enumerate(line):
            x = left + column * wide
            about = page_text(
                "charts.cell", count=number(count), right=named[row], said=named[column]
            )
            kind = "bar" if row == column else "bar two"
            cell = drawing.shape(
                "rect", kind, about, x=x, y=y, width=max(wide - 1, 1), height=high - 1
            )
            cell.set("fill-opacity", f"{0.05 + _DARKEST * count / (total or 1):.2f}")
            text = number(count)
            if count and width_of(text) + 2 <= wide:
                drawing.text(x + (wide - 1) / 2, middle + 4, text, anchor="middle")
        y += high
    drawing.close(
        y + 2,
        [page_text(f"charts.{one}") for one in ("right", "records", "correct", "taken")],
        [
            (name, number(total), _correct(row, line), _taken(named, row, line))
            for row, (name, line, total) in enumerate(zip(named, counts, totals, strict=True))
        ],
    )


def _correct(row: int, line: Sequence[int]) -> str:
    return f"{number(line[row])} ({share(line[row], sum(line)) or number(0)})"


def _taken(named: Sequence[str], row: int, line: Sequence[int]) -> str:
    found = sorted((-count, at) for at, count in enumerate(line) if count and at != row)
    return ", ".join(f"{named[at]} {number(-count)}" for count, at in found)
