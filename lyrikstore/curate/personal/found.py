"""What a detector found, and how overlapping finds become one."""

from collections.abc import Iterable

from msgspec import Struct

from lyrikstore.curate.personal.kinds import KINDS


class Found(Struct, frozen=True):
    """One place that holds personal data.

    Attributes:
        start: First code point.
        end: One past the last.
        kind: Key of :data:`~lyrikstore.curate.personal.kinds.KINDS`.
        detector: Key of :data:`~lyrikstore.curate.personal.detectors.DETECTORS`.
        score: How sure a model was, from 0 to 1; ``None`` for patterns.
    """

    start: int
    end: int
    kind: str
    detector: str
    score: float | None = None


_RANK = {name: place for place, name in enumerate(KINDS)}


def join_overlapping(found: Iterable[Found]) -> list[Found]:
    """Return the finds in text order, none overlapping.

    Overlapping finds become one that covers all of them, so that no rest of a find stays. Its kind,
    detector and score are those of the longest; of equals, of the kind that is first in ``KINDS``.

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
