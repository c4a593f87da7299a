"""Finds of detectors, and the rule that joins overlapping ones."""

from collections.abc import Iterable

from msgspec import Struct

from lyrikstore.curate.personal.kinds import KINDS


class Found(Struct, frozen=True):
    """A place in a text that has personal data.

    Attributes:
        start: Position of the first code point.
        end: Position after the last code point.
        kind: Key of :data:`~lyrikstore.curate.personal.kinds.KINDS`.
        detector: Key of :data:`~lyrikstore.curate.personal.detectors.DETECTORS`.
        score: The model's confidence, from 0 to 1; ``None`` for patterns.
    """

    start: int
    end: int
    kind: str
    detector: str
    score: float | None = None


_RANK = {name: place for place, name in enumerate(KINDS)}


def join_overlapping(found: Iterable[Found]) -> list[Found]:
    """Return the finds in text order, none overlapping.

    Overlapping finds become one find that covers all of them, so that no part of a find remains.
    Its kind, detector and score are those of the longest; if several are equally long, those of the
    kind that is first in ``KINDS``.

    Cost: O(n log n) for n finds.
    """
    joined: list[Found] = []
    best: Found | None = None
    for item in sorted(found, key=lambda item: (item.start, -item.end, _RANK[item.kind])):
        if item.end <= item.start:
            continue
        if best is None or item.start >= joined[-1].end:
            joined.append(item)
            best = item
            continue
        if _weight(item) > _weight(best):
            best = item
        last = joined[-1]
        joined[-1] = Found(
            last.start, max(last.end, item.end), best.kind, best.detector, best.score
        )
    return joined


def _weight(item: Found) -> tuple[int, int]:
    return item.end - item.start, -_RANK[item.kind]
