"""What every chart is drawn with: its figure, shapes, text of a known width, scales, numbers."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeGuard
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.text import escape_control
from lyrikstore.web import stylesheet
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

WIDTH = 440
"""Units across a chart: a letter of 12 is 8 pixels high on a phone of 360."""

LINE = 15
"""Height of a line of text."""

MAX_TEXT = 200
"""Most characters of a text in a drawing; the table beside it has all of them."""

SERIES = ("", "two", "three", "four")
"""Classes of the series of a chart."""

_ENLARGED = 1.25  # on a screen with room: letters of 15 pixels beside text of 16
_SEPARATORS = re.compile(r"(?<=[ /_.:,;@+-])")
# Advance widths of DejaVu Sans, the widest sans-serif that browsers commonly use, at 12 px.
_WIDTHS = dict.fromkeys("ijl.,:;'|!I ()[]/-ftr\"", 4.9) | dict.fromkeys("mwMWO@%&Q", 11.0)
_LETTER, _CAPITAL, _OTHER = 7.5, 8.6, 12.0


class Drawing:
    """A figure with its caption and an SVG to draw on; :meth:`close` adds the table behind it.

    Args:
        parent: The element to add it to.
        title: Says what the chart shows, to readers and to screen readers.
    """

    def __init__(self, parent: Element, title: str) -> None:
        self._figure = SubElement(parent, "figure")
        add(self._figure, "figcaption", title)
        self._svg = SubElement(
            self._figure, "svg", {"role": "img"}, xmlns="http://www.w3.org/2000/svg"
        )
        SubElement(self._svg, "title").text = shortened(title)

    def close(
        self,
        height: float,
        titles: Iterable[str],
        rows: Iterable[Sequence[str]],
        width: int = WIDTH,
    ) -> None:
        """Set the size of the drawing, and add the table with the values that it shows."""
        self._svg.set("viewBox", f"0 0 {width} {_units(height)}")
        self._svg.set("width", _units(width * _ENLARGED))
        behind = SubElement(self._figure, "details", {"class": "values"})
        add(behind, "summary", page_text("charts.values"))
        table = SubElement(behind, "table")
        head = SubElement(SubElement(table, "thead"), "tr")
        for at, title in enumerate(titles):
            add(head, "th", title, {"scope": "col"} | ({"class": "number"} if at else {}))
        body = SubElement(table, "tbody")
        for first, *others in rows:
            row = SubElement(body, "tr")
            add(row, "th", first, scope="row")
            for cell in others:
                add(row, "td", cell, {"class": "number"})

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "start",
        kind: str = "",
        link: str = "",
    ) -> Element:
        """Draw one line of text; `anchor` says which of its ends `x` is."""
        place = {"x": _units(x), "y": _units(y)}
        parent = SubElement(self._svg, "a", href=link) if link else self._svg
        found = SubElement(parent, "text", place | _class(kind))
        if anchor != "start":
            found.set("text-anchor", anchor)
        found.text = escape_control(text)
        return found

    def lines(
        self, x: float, y: float, lines: Sequence[str], *, anchor: str = "start", kind: str = ""
    ) -> None:
        """Draw lines of text below each other, the baseline of the first at `y`."""
        for at, line in enumerate(lines):
            self.text(x, y + at * LINE, line, anchor=anchor, kind=kind)

    def shape(self, tag: str, kind: str, about: str = "", **at: float) -> Element:
        """Draw a shape with a class; `about` is shown when a pointer rests on it."""
        placed = {name: _units(value) for name, value in at.items()}
        found = SubElement(self._svg, tag, placed | _class(kind))
        if about:
            SubElement(found, "title").text = shortened(about)
        return found

    def path(self, points: Iterable[tuple[float, float]], kind: str) -> Element:
        """Draw a line through points."""
        line = "L".join(f"{_units(x)} {_units(y)}" for x, y in points)
        return SubElement(self._svg, "path", {"d": f"M{line}"} | _class(kind))

    def mark(self, x: float, y: float, series: int, *, hollow: bool = False) -> None:
        """Draw the mark of a value: each series has a shape of its own, not only a colour."""
        kind = f"{'span' if hollow else 'dot'} {SERIES[series]}".strip()
        if series == 0:
            self.shape("circle", kind, cx=x, cy=y, r=4)
            return
        around = {1: (-4, -4, 4, -4, 4, 4, -4, 4), 2: (0, -5, 5, 4, -5, 4)}
        ends = around.get(series, (0, -5, 5, 0, 0, 5, -5, 0))
        corners = [(x + dx, y + dy) for dx, dy in zip(ends[::2], ends[1::2], strict=True)]
        self.path([*corners, corners[0]], kind)


class Scale:
    """Places of values on an axis.

    Args:
        values: The values that it has room for; those that are not finite do not count.
        start: Place of its lower end.
        end: Place of its upper end.
        is_across: Whether it is horizontal, where labels of ticks need their width.
        least: Its least extent, so that noise does not look like a difference.
        bounds: Ends that it does not pass, unless values do.
    """

    def __init__(
        self,
        values: Iterable[float],
        start: float,
        end: float,
        *,
        is_across: bool = True,
        least: float = 0,
        bounds: tuple[float, float] = (-math.inf, math.inf),
    ) -> None:
        found = [one for one in values if is_drawable(one)] or [0.0]
        low, high = min(found), max(found)
        extent = max(high - low, least)
        if extent < max(1e-100, 1e-9 * abs(high)):  # all values are the same
            extent = max(abs(high) / 2, 1e-9) if high else 1.0
        middle = (low + high) / 2
        if extent > high - low:
            below, above = min(bounds[0], low), max(bounds[1], high)
            low = min(max(middle - extent / 2, below), max(above - extent, below))
            high = low + extent
        self._start, self._extent = start, end - start
        for step in _steps(high - low):
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            last = max(last, first + 1)
            self.low, self.high = first * step, last * step
            self.ticks = [number * step for number in range(first, last + 1)]
            wanted = widest(self.labels()) + 6 if is_across else 2 * LINE
            if last - first == 1 or abs(self._extent) / (last - first) >= wanted:
                break

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        share = (value - self.low) / (self.high - self.low)
        return round(self._start + share * self._extent, 1)

    def labels(self) -> list[str]:
        """Return the text of each tick, all with the same number of decimals."""
        if max(map(abs, self.ticks)) >= 1e7:
            return [f"{one:.3g}" for one in self.ticks]
        decimals = max(map(_decimals, self.ticks))
        return [f"{one or 0.0:,.{decimals}f}" for one in self.ticks]


class Taken:
    """Stretches of a line that texts take, so that none is written over another."""

    def __init__(self) -> None:
        self._stretches: list[tuple[float, float]] = []

    def take(self, start: float, end: float) -> bool:
        """Return whether a stretch was free; if so, it no longer is."""
        if any(start < other + 4 and one - 4 < end for one, other in self._stretches):
            return False
        self._stretches.append((start, end))
        return True


def number(value: float, digits: int = 3) -> str:
    """Return a figure for people; a whole number in full.

    Args:
        value: The figure.
        digits: Decimals of a figure below 10; larger figures have fewer.
    """
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return page_text("charts.none")
    size = abs(value)
    if size >= 1e12 or 0 < size < 10.0**-digits:
        return f"{value:.2g}"
    return f"{value:,.{max(0, digits + 1 - len(f'{int(size)}'))}f}"


def exact(value: float | None) -> str:
    """Return a figure as the table has it, without zeros at its end; empty if there is none."""
    if value is None:
        return ""
    text = number(value, 6)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def interval(low: float, high: float) -> str:
    """Return an interval in words."""
    return page_text("charts.interval", low=number(low), high=number(high))


def share(part: float, whole: int) -> str:
    """Return a share in percent, never 0 % of some or 100 % of not all; empty without a whole."""
    if not 0 <= part <= whole or not whole:
        return ""
    if 0 < part < whole * 0.0005:
        return "<0.1%"
    return ">99.9%" if whole * 0.9995 <= part < whole else f"{part / whole:.1%}"


def is_drawable(value: float | None) -> TypeGuard[float]:
    """Return whether a value has a place on an axis."""
    return value is not None and abs(value) < 1e150  # of NaN that is false


def width_of(text: str) -> float:
    """Return the width of a text, not less than that in common fonts."""
    return sum(_width(one) for one in text)


def shortened(text: str, most: int = MAX_TEXT) -> str:
    """Return a text on one line, of at most so many characters."""
    whole = escape_control(text[: most + 1])
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def wrapped(text: str, room: float, most: int = MAX_TEXT) -> list[str]:
    """Return a text in lines that fit into a width; it breaks behind separators if it can."""
    lines, line = [], ""
    for part in _SEPARATORS.split(shortened(text, most)):
        if line and width_of(line + part.rstrip()) > room:
            lines.append(line.rstrip())
            line = ""
        for letter in part if width_of(part.rstrip()) > room else (part,):
            if line and width_of(line + letter.rstrip()) > room:
                lines.append(line)
                line = ""
            line += letter
    return [*lines, line.rstrip()]


def widest(lines: Iterable[str]) -> float:
    """Return the width of the widest of some lines."""
    return max(map(width_of, lines), default=0.0)


def ink() -> str:
    """Return the style of charts on paper, for a drawing outside of a page.

    It has the rules of ``design.css`` for shapes, with the colours of print.
    """
    design = stylesheet()
    colours: Mapping[str, str] = dict(re.findall(r"(--[a-z]+): ([^;]+);", design))
    rules = re.findall(r"^svg ([.t][^{]*) \{ (.*) \}$", design, re.MULTILINE)
    style = "\n".join(f"{name.replace('svg ', '')}{{{rule}}}" for name, rule in rules)
    style = re.sub(r"font: (\w+) [^;]*;", r"font-size: \1;", style)
    return re.sub(r"var\((--[a-z]+)\)", lambda found: colours[found[1]], style)


def _width(letter: str) -> float:
    if letter in _WIDTHS:
        return _WIDTHS[letter]
    if letter.isascii():
        return _CAPITAL if letter.isupper() else _LETTER
    return _LETTER if letter < "\u0250" or letter == "–" else _OTHER


def _steps(extent: float) -> Iterator[float]:
    """Yield distances of ticks, ascending: 1, 2 and 5 times powers of ten."""
    power = Decimal(repr(extent)).adjusted() - 1
    for factor in (1, 2, 5, 10, 20, 50, 100, 200, 500):
        step = float(Decimal(factor).scaleb(power))
        if extent / step <= 6:
            yield step


def _decimals(value: float) -> int:
    exponent = Decimal(f"{value:.6g}").normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _units(value: float) -> str:
    return f"{round(value, 1):g}"


def _class(kind: str) -> dict[str, str]:
    return {"class": kind} if kind else {}
