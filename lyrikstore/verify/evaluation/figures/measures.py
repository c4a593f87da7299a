"""Accuracy and F1 in whole billionths, with intervals over resamples (spec §13.9.3, §13.9.4).

No floating-point number is used: a ratio is rounded down to billionths, so that every program on
every machine writes the same four decimals.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Protocol, cast

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.verify.evaluation.answers import Answers, Flags, Pairs, Predictions
from lyrikstore.verify.evaluation.figures.resample import RESAMPLES, Weights, draws, ends
from lyrikstore.verify.evaluation.limits import FEWEST_GROUPS, FEWEST_RECORDS
from lyrikstore.verify.evaluation.tasks import find_rules

BILLION = 1_000_000_000
"""Billionths: the ratio 1."""

BETTER, NO_DIFFERENCE, WORSE = "better", "no-difference-shown", "worse"


class LabelFigures(Protocol):
    """The measures that the rules of a task with labels define."""

    metrics: ClassVar[tuple[str, ...]]

    def figures(self, counts: "Counts", weights: Weights) -> Sequence[int]:
        """Return the metrics of drawn records, in billionths."""


def measuring(predictions: Predictions) -> LabelFigures:
    """Return the measures of the task of some predictions."""
    return cast("LabelFigures", find_rules(predictions.head.task))


def metrics_of(predictions: Predictions) -> Mapping[str, int]:
    """Return metric of a task → its column, the deciding metric first."""
    return {name: at for at, name in enumerate(measuring(predictions).metrics)}


def ratio(part: int, whole: int) -> int:
    """Return a ratio in billionths, rounded down; 0/0 is 0."""
    return part * BILLION // whole if whole else 0


def decimal(billionths: int) -> str:
    """Return a figure with four decimals; half a unit is rounded to the even neighbour."""
    units, rest = divmod(abs(billionths), 100_000)
    units += rest > 50_000 or (rest == 50_000 and units % 2)
    sign = "-" if billionths < 0 and units else ""
    return f"{sign}{units // 10_000}.{units % 10_000:04d}"


def verdict(difference: Mapping[str, str]) -> str:
    """Return the conclusion from the written interval of a difference; empty without one."""
    low, high = (Decimal(difference.get(end, "0")) for end in ("low", "high"))
    return BETTER if low > 0 else WORSE if high < 0 else NO_DIFFERENCE


class Counts:
    """Counts for one answerer, so that a resample only needs sums.

    Args:
        expected: The right labels.
        given: The given labels.
        records: Number of records.
        names: The labels.
        macro: The labels over which macro-F1 is the mean; None: the expected or given ones.
    """

    def __init__(
        self,
        expected: Pairs,
        given: Pairs,
        records: int,
        names: Sequence[str],
        macro: Flags | None = None,
    ) -> None:
        labels = len(names)
        right, said = expected.keys(labels), given.keys(labels)
        self.hits = _pairs(np.intersect1d(right, said, assume_unique=True), labels)
        self.expected, self.given = expected, given
        self.right: Flags = np.ones(records, bool)
        self.right[np.setxor1d(right, said, assume_unique=True) // labels] = False
        self.labels, self.names = labels, names
        # Only labels that occur are summed: of a thousand labels a small slice has a few.
        occurring = np.union1d(expected.numbers, given.numbers)
        self._dense = [
            Pairs(pairs.records, np.searchsorted(occurring, pairs.numbers))
            for pairs in (self.hits, expected, given)
        ]
        self._occurring = len(occurring)
        self._macro: Flags = np.ones(len(occurring), bool) if macro is None else macro[occurring]

    def figures(self, weights: Weights) -> tuple[int, int, int]:
        """Return accuracy, macro-F1 and micro-F1 of some records."""
        hits, expected, given = (_sums(one, weights, self._occurring) for one in self._dense)
        sizes = expected + given
        there = (sizes > 0) & self._macro
        each = 2 * hits[there] * BILLION // sizes[there]
        return (
            ratio(int(weights[self.right].sum()), int(weights.sum())),
            int(each.sum()) // max(1, len(each)),
            ratio(2 * int(hits.sum()), int(sizes.sum())),
        )

    def label(self, number: int, sums: "Sequence[NDArray[np.int64]]") -> dict[str, Any]:
        """Return the figures of one label; ``sums`` are those of hits, expected and given."""
        hits, support, given = (int(one[number]) for one in sums)
        return {
            "precision": decimal(ratio(hits, given)),
            "recall": decimal(ratio(hits, support)),
            "f1": decimal(ratio(2 * hits, support + given)),
            "support": support,
        }

    def per_label(self) -> dict[str, dict[str, Any]]:
        """Return label → its figures over all records."""
        once = np.ones(len(self.right), np.int64)
        pairs = (self.hits, self.expected, self.given)
        sums = [_sums(one, once, self.labels) for one in pairs]
        return {name: self.label(number, sums) for number, name in enumerate(self.names)}


def _sums(pairs: Pairs, weights: Weights, labels: int) -> NDArray[np.int64]:
    """Return, for each label, how often records with that pair were drawn."""
    # Whole numbers below 2^53, which a double adds without loss.
    sums = np.bincount(pairs.numbers, weights[pairs.records], minlength=labels)
    return sums.astype(np.int64)


class Resampled(Struct, frozen=True):
    """Figures of several answerers over the same records and resamples.

    Attributes:
        counts: The counts of each answerer.
        values: Answerer → the metrics of the task, in billionths.
        resampled: Resample, answerer → these metrics; None: there are too few records.
    """

    counts: Sequence[Counts]
    values: Sequence[Sequence[int]]
    resampled: NDArray[np.int64] | None

    def interval(self, answerer: int, column: int) -> dict[str, str]:
        """Return a figure with its interval in the form of a manifest."""
        value = self.values[answerer][column]
        return self._written(value, lambda of: of[:, answerer, column])

    def difference(self, answerer: int, column: int) -> dict[str, str]:
        """Return the difference of a figure between the first answerer and another one."""
        value = self.values[0][column] - self.values[answerer][column]
        return self._written(value, lambda of: of[:, 0, column] - of[:, answerer, column])

    def _written(self, value: int, pick: Any) -> dict[str, str]:
        written = {"value": decimal(value)}
        if self.resampled is not None:
            low, high = ends(pick(self.resampled))
            written |= {"low": decimal(low), "high": decimal(high)}
        return written


def expected_labels(predictions: Predictions, chosen: Flags | None = None) -> Flags:
    """Return the labels of records: of all records, or of those chosen."""
    found = np.zeros(len(predictions.head.labels), bool)
    expected = predictions.expected if chosen is None else predictions.expected.within(chosen)
    found[expected.numbers] = True
    return found


def measure(
    predictions: Predictions,
    answers: Sequence[Answers],
    *,
    seed: int,
    chosen: Flags | None = None,
    macro: Flags | None = None,
) -> Resampled:
    """Return the figures of answerers over all records, or over those that are chosen.

    Args:
        predictions: The answers.
        answers: The answers to measure, of one or more answerers.
        seed: Seed of the resampling.
        chosen: The records to use; None: all.
        macro: As for :class:`Counts`.

    Cost: 1,000 resamples, each with some sums over records and over the expected and given labels.
    """
    chosen = np.ones(len(predictions), bool) if chosen is None else chosen
    count, rules = int(chosen.sum()), measuring(predictions)
    expected = predictions.expected.within(chosen)
    names = predictions.head.labels
    counted = [Counts(expected, one.given.within(chosen), count, names, macro) for one in answers]
    once = np.ones(count, np.int64)
    values = [rules.figures(one, once) for one in counted]
    groups = None if predictions.groups is None else _dense(predictions.groups[chosen])
    few_groups = groups is not None and int(groups.max(initial=-1)) + 1 < FEWEST_GROUPS
    if count < FEWEST_RECORDS or few_groups:
        return Resampled(counted, values, None)
    resampled = np.empty((RESAMPLES, len(answers), len(rules.metrics)), np.int64)
    for number, weights in enumerate(draws(count, seed=seed, groups=groups)):
        resampled[number] = [rules.figures(one, weights) for one in counted]
    return Resampled(counted, values, resampled)


def _dense(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def _pairs(keys: NDArray[np.int64], width: int) -> Pairs:
    return Pairs(keys // width, keys % width)
