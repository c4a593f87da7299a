"""Whether the confidence of a model can be believed: reliability diagram, risk and coverage."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from lyrikstore.verify.evaluation.limits import JUDGED_RECORDS
from lyrikstore.web.charts.drawing import (
    LINE,
    WIDTH,
    Drawing,
    Scale,
    Taken,
    exact,
    is_drawable,
    number,
    width_of,
)
from lyrikstore.web.texts import page_text

_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 410.0, 8.0, 248.0
_COUNTS = 60.0


def reliability(parent: Element, bins: Sequence[tuple[float, float, int]], *, title: str) -> None:
    """Add a reliability diagram: how often answers of about one confidence are right.

    Args:
        parent: Where.
        bins: Mean confidence, share that is right, number of records; empty ones are omitted.
        title: What it shows.
    """
    drawing = Drawing(parent, title)
    found = [one for one in bins if one[2] and is_drawable(one[0]) and is_drawable(one[1])]
    across = Scale((0, 1, *(one[0] for one in found)), _LEFT, _RIGHT)
    up = Scale((0, 1, *(one[1] for one in found)), _BOTTOM, _TOP, is_across=False)
    _axes(drawing, across, up, _BOTTOM, page_text("charts.correct-share"))
    diagonal = drawing.path([(across(0), up(0)), (across(1), up(1))], "axis")
    diagonal.set("stroke-dasharray", "4 3")
    for confidence, correct, count in found:
        is_few = count < JUDGED_RECORDS
        ends = [(across(confidence), up(confidence)), (across(confidence), up(correct))]
        drawing.path(ends, "edge" if is_few else "span two")
        drawing.mark(across(confidence), up(correct), 0, hollow=is_few)
    base = _BOTTOM + LINE + 14 + _COUNTS
    most, taken = max((one[2] for one in found), default=1), Taken()
    taken.take(0, _LEFT - 8)
    for confidence, _, count in sorted(found, key=lambda one: (-one[2], one[0])):
        height, x = count / most * (_COUNTS - LINE), across(confidence)
        drawing.shape("rect", "bar", x=x - 5, y=base - height, width=10, height=height)
        half = width_of(number(count)) / 2
        x = min(x, WIDTH - half)
        if taken.take(x - half, x + half):
            drawing.text(x, base - height - 3, number(count), anchor="middle", kind="quiet haloed")
    drawing.path([(_LEFT, base), (_RIGHT, base)], "axis")
    drawing.text(_LEFT - 8, base - 2, page_text("charts.records"), anchor="end", kind="quiet")
    drawing.text(_RIGHT, base + LINE, page_text("charts.confidence"), anchor="end")
    if any(count < JUDGED_RECORDS for _, _, count in found):
        few = page_text("charts.few", count=JUDGED_RECORDS)
        drawing.text(_LEFT, base + LINE, few, kind="quiet")
    drawing.close(
        base + LINE + 5,
        [page_text(f"charts.{one}") for one in ("confidence", "correct-share", "records")],
        [(exact(one), exact(correct), number(count)) for one, correct, count in bins],
    )


def coverage(parent: Element, points: Sequence[tuple[float, float, float]], *, title: str) -> None:
    """Add how often a model is right, by the share of records that it answers.

    Args:
        parent: Where.
        points: Share answered, share of those that is right, confidence below which it abstains.
        title: What it shows.
    """
    drawing = Drawing(parent, title)
    found = sorted(one for one in points if all(map(is_drawable, one)))
    across = Scale((0, 1, *(one[0] for one in found)), _LEFT, _RIGHT)
    up = Scale((one[1] for one in found), _BOTTOM, _TOP, is_across=False, least=0.2, bounds=(0, 1))
    _axes(drawing, across, up, _BOTTOM, page_text("charts.correct-share"))
    if found:
        drawing.path([(across(x), up(y)) for x, y, _ in found], "curve")
    taken = Taken()
    taken.take(0, _LEFT - 6)
    for x, y, below in found:
        drawing.mark(across(x), up(y), 0)
        half = width_of(exact(below)) / 2
        if taken.take(across(x) - half, across(x) + half):
            place = up(y) - 8 if up(y) > _TOP + LINE else up(y) + 16
            drawing.text(across(x), place, exact(below), anchor="middle", kind="quiet haloed")
    drawing.text(_RIGHT, _BOTTOM + 2 * LINE, page_text("charts.answered"), anchor="end")
    meaning = page_text("charts.below")
    drawing.text(_RIGHT, _BOTTOM + 3 * LINE, meaning, anchor="end", kind="quiet")
    drawing.close(
        _BOTTOM + 3 * LINE + 5,
        [page_text(f"charts.{one}") for one in ("abstains", "answered", "correct-share")],
        [(exact(below), exact(x), exact(y)) for x, y, below in points],
    )


def _axes(drawing: Drawing, across: Scale, up: Scale, bottom: float, title: str) -> None:
    for tick, label in zip(across.ticks, across.labels(), strict=True):
        drawing.path([(across(tick), _TOP), (across(tick), bottom)], "grid")
        drawing.text(across(tick), bottom + LINE, label, anchor="middle", kind="quiet")
    for tick, label in zip(up.ticks, up.labels(), strict=True):
        drawing.path([(_LEFT, up(tick)), (_RIGHT, up(tick))], "grid")
        drawing.text(_LEFT - 6, up(tick) + 4, label, anchor="end", kind="quiet")
    drawing.path([(_LEFT, _TOP), (_LEFT, bottom), (_RIGHT, bottom)], "axis")
    side = drawing.text(0, 0, title, anchor="middle")
    side.set("transform", f"translate(14 {(bottom + _TOP) / 2:g}) rotate(-90)")
