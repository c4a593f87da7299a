"""Costs of mistakes, as declared before training (spec §13.9.7)."""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lyrikstore.verify.evaluation.answers import Answers, Predictions
from lyrikstore.verify.evaluation.figures.measures import BILLION, Counts, decimal


class Costs:
    """Costs of mistakes.

    Args:
        document: ``costs`` of an evaluation, which its schema accepts.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._otherwise = Fraction(document["otherwise"])
        self._mistakes = {
            (one["expected"], one.get("predicted")): Fraction(one["cost"])
            for one in document.get("mistakes", ())
        }

    def per_1000(self, predictions: Predictions, answers: Answers, counts: Counts) -> str:
        """Return the expected cost of 1,000 records."""
        names = predictions.head.labels
        total = Fraction(0)
        if predictions.several:
            hits, expected, given = (
                Counter(pairs.numbers.tolist())
                for pairs in (counts.hits, predictions.expected, answers.given)
            )
            for label, name in enumerate(names):
                total += (expected[label] - hits[label]) * self._of(name)
                total += (given[label] - hits[label]) * self._otherwise
        else:
            mistakes = Counter(
                zip(
                    predictions.expected.numbers[~counts.right].tolist(),
                    answers.given.numbers[~counts.right].tolist(),
                    strict=True,
                )
            )
            for (right, said), times in mistakes.items():
                total += times * self._of(names[right], names[said])
        return decimal(total * 1000 * BILLION // len(predictions))

    def _of(self, expected: str, predicted: str | None = None) -> Fraction:
        found = self._mistakes.get((expected, predicted))
        return self._mistakes.get((expected, None), self._otherwise) if found is None else found
