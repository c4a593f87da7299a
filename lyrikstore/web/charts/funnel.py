"""A funnel: how many records each step saw, kept, and dropped for which reason."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from msgspec import Struct

from lyrikstore.web.charts.drawing import LINE, SERIES, WIDTH, Drawing, number, width_of, wrapped
from lyrikstore.web.texts import page_text

_HEIGHT, _SWATCH = 18, 14


class FunnelStep(Struct, frozen=True):
    """A step that keeps some records of those it sees.

    Attributes:
        name: Name of the step.
        seen: Records that came to it.
        kept: Records that it kept.
        dropped: Reasons, and the number of records that each dropped.
    """

    name: str
    seen: int
    kept: int
    dropped: Sequence[tuple[str, int]] = ()

    @property
    def unexplained(self) -> int:
        """Records that were neither kept nor dropped for a reason that is stated."""
        return max(0, self.seen - self.kept - sum(count for _, count in self.dropped))


def funnel(parent: Element, steps: Sequence[FunnelStep], *, title: str) -> None:
    """Add a bar for each step, as wide as its records, divided by what became of them.

    Args:
        parent: Where.
        steps: The steps in their order.
        title: What it shows.
    """
    drawing = Drawing(parent, title)
    most = max((max(step.seen, step.kept) for step in steps), default=0) or 1
    y = 0.0
    for step in steps:
        parts = _parts(step)
        name = wrapped(step.name, WIDTH)
        drawing.lines(0, y + LINE - 3, name)
        y += len(name) * LINE + 2
        x = 0.0
        for at, (reason, count) in enumerate(parts):
            width = count / most * WIDTH
            segment = drawing.shape(
                "rect", _kind(at), f"{reason}: {number(count)}",
                x=x, y=y, width=width, height=_HEIGHT,
            )  # fmt: skip
            _fade(segment, at)
            x += width
        y = _legend(drawing, parts, y + _HEIGHT + 4, step) + 10
    drawing.close(
        y,
        [page_text(f"charts.{one}") for one in ("step", "outcome", "records")],
        [
            (step.name, reason, number(count))
            for step in steps
            for reason, count in ((page_text("charts.seen"), step.seen), *_parts(step))
        ],
    )


def _parts(step: FunnelStep) -> list[tuple[str, int]]:
    rest = [(page_text("charts.unexplained"), step.unexplained)] if step.unexplained else []
    return [(page_text("charts.kept"), step.kept), *step.dropped, *rest]


def _legend(
    drawing: Drawing, parts: Sequence[tuple[str, int]], y: float, step: FunnelStep
) -> float:
    x = 0.0
    for at, (reason, count) in enumerate(parts):
        said = f"{reason} {number(count)}"
        if not at:
            said = page_text("charts.kept-of", kept=number(step.kept), seen=number(step.seen))
        lines = wrapped(said, WIDTH - _SWATCH)
        width = _SWATCH + max(map(width_of, lines)) + 12
        if x and x + width - 12 > WIDTH:
            x, y = 0.0, y + LINE
        swatch = drawing.shape("rect", _kind(at), x=x, y=y + 2, width=10, height=10)
        _fade(swatch, at)
        drawing.lines(x + _SWATCH, y + LINE - 4, lines)
        y += (len(lines) - 1) * LINE
        x += width
    return y + LINE


def _kind(at: int) -> str:
    return f"bar {SERIES[1 + (at - 1) % 3]}" if at else "bar"


def _fade(shape: Element, at: int) -> None:
    if at > 3:  # colours of reasons begin anew, paler
        shape.set("fill-opacity", f"{max(0.2, 0.75 ** ((at - 1) // 3)):.2f}")
