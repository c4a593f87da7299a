"""``ordinal-classification``: labels are numbers, and the farther an answer lies the worse it is.

One module outside the package, as somebody else would write it: tests find it by an entry point.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median_low
from typing import Any, ClassVar

import numpy as np

from lyrikstore.train.tasks.labelling import LabellingTask
from lyrikstore.train.worker.baselines import FittedBaseline
from lyrikstore.train.worker.examples import Example
from lyrikstore.verify.evaluation.choice.classification import TextClassification
from lyrikstore.verify.evaluation.choice.task import AnswerRule, Flags
from lyrikstore.verify.evaluation.figures.measures import BILLION, Counts, ratio
from lyrikstore.verify.evaluation.figures.resample import Weights

MEDIAN = "median of the training labels"


class OrdinalRules(TextClassification):
    """The score is 1 less the mean distance, as a share of the farthest."""

    name: ClassVar[str] = "ordinal-classification"
    metric: ClassVar[str] = "ordinalScore"
    metrics: ClassVar[tuple[str, ...]] = ("ordinalScore", "accuracy")

    def score(self, expected: Flags, given: Flags) -> float:
        """Return the score of validation data, whose labels are in the order of their numbers."""
        farthest = max(1, expected.shape[1] - 1)
        return 1 - float(np.abs(expected.argmax(1) - given.argmax(1)).mean()) / farthest

    def figures(self, counts: Counts, weights: Weights) -> Sequence[int]:
        """Return the score, and the share of answers that are right."""
        numbers = np.array([int(name) for name in counts.names])
        right, said = np.zeros(len(weights), int), np.zeros(len(weights), int)
        right[counts.expected.records] = numbers[counts.expected.numbers]
        said[counts.given.records] = numbers[counts.given.numbers]
        farthest = max(1, int(numbers.max() - numbers.min()))
        total = int(weights.sum())
        distance = int((weights * np.abs(right - said)).sum())
        accuracy = ratio(int(weights[counts.right].sum()), total)
        return BILLION - ratio(distance, total * farthest), accuracy


class OrdinalClassification(LabellingTask):
    """Of several numbers a record has exactly one."""

    name: ClassVar[str] = "ordinal-classification"
    rules: ClassVar[OrdinalRules] = OrdinalRules()  # type: ignore[assignment]

    def fit_baselines(
        self, job: Mapping[str, Any], files: Any, train: Sequence[Example], report: Any
    ) -> Iterator[FittedBaseline]:
        """Yield what always answers the median of the training labels."""
        del files, report
        median = str(median_low(int(one.labels[0]) for one in train))
        row = np.array([float(label == median) for label in job["labels"]])
        settings = {"median": median}
        yield FittedBaseline(
            MEDIAN, settings, AnswerRule(), lambda some: np.tile(row, (len(some), 1))
        )


TASK = OrdinalClassification()
