"""The temperature with the least log loss, found by its derivative (spec §13.2.2)."""

import numpy as np

from lyrikstore.verify.evaluation.choice.candidates import FEW_RECORDS
from lyrikstore.verify.evaluation.choice.task import TEMPERATURES, Flags, LabellingRules, Scores

_LAST = len(TEMPERATURES) - 1
ONE = _LAST // 2
"""Place of the temperature 1 among :data:`TEMPERATURES`."""

_CELLS = 1 << 17
"""Number of scores whose loss is computed at a time, so that they fit into a cache."""


class Losses:
    """The mean log loss of scores at each temperature, computed on demand.

    Args:
        task: Whose scores they are.
        logits: Records × labels.
        expected: Which labels the records have.
    """

    def __init__(self, task: LabellingRules, logits: Scores, expected: Flags) -> None:
        self._task, self._logits, self._expected = task, logits, expected
        self._known: dict[int, tuple[float, float]] = {}

    def at(self, place: int) -> tuple[float, float]:
        """Return the loss at a temperature, and whether it falls toward more certain answers.

        Cost: one pass over the scores, once a place.
        """
        if place not in self._known:
            temperature, rows = float(TEMPERATURES[place]), len(self._expected)
            step = max(1, _CELLS // max(1, self._expected.shape[1]))
            loss, slope = 0.0, 0.0
            for at in range(0, rows, step):
                some = np.asarray(self._logits[at : at + step], np.float64)
                found = self._task.log_loss(some, self._expected[at : at + step], temperature)
                loss, slope = loss + found[0], slope + found[1]
            self._known[place] = loss / max(1, rows), slope
        return self._known[place]


def find_temperature(
    task: LabellingRules, logits: Scores, expected: Flags, records: int, start: int = ONE
) -> int:
    """Return the place of the temperature with the least loss; of equal ones, the nearest to 1.

    Where few records were answered, or all of them rightly, it is 1 at least: there the loss falls
    for ever as answers get surer, whatever they are worth.

    Args:
        task: Whose scores they are.
        logits: Rows × labels.
        expected: Which labels the rows have.
        records: How many records the rows are of.
        start: Where to begin to look: the nearer to the answer, the fewer passes.

    Cost: some three passes over the scores from a start that is near, ten from any other.
    """
    surer = records >= FEW_RECORDS and task.wrong(logits, expected) > 0
    least = 0 if surer else ONE
    losses = Losses(task, logits, expected)

    def is_past(place: int) -> bool:
        # The loss is convex in 1/T: where it falls with 1/T, greater temperatures only lose.
        return losses.at(place)[1] <= 0

    first, last = least, _LAST  # the first place that is past is one of these, or there is none
    at, step, found = min(max(start, first), last), 1, set[bool]()
    while first < last:
        past = is_past(at)
        first, last = (first, at) if past else (at + 1, last)
        found.add(past)
        # Ever farther to one side, until it lies between two places; then by halves.
        at = (at - step if past else at + step) if len(found) == 1 else (first + last) // 2
        at, step = min(max(at, first), last), 2 * step
    near = [one for one in (first - 1, first) if least <= one <= _LAST]
    best = min(near, key=lambda one: (losses.at(one)[0], abs(one - ONE)))
    floor = losses.at(best)[0] + 1e-12
    while best != ONE and losses.at(best + (1 if best < ONE else -1))[0] <= floor:
        best += 1 if best < ONE else -1
    return best


def temperature_at(place: int) -> float:
    """Return the temperature at a place, in the form that is signed."""
    return round(float(TEMPERATURES[place]), 3)
