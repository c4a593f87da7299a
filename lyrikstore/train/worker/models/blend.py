"""``blend/1``: the weighted probabilities of word counts and another model (spec §13.6.4)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lyrikstore.train.worker.examples import Example
from lyrikstore.train.worker.models.model import Logits, Model, Part, Summands
from lyrikstore.train.worker.models.unlike import ClassDistances, Values
from lyrikstore.verify.evaluation.choice.task import labelling_rules


class Blend:
    """A blend of word counts and another model, each with its temperature.

    Args:
        task: Name of the task.
        words: The model of word counts.
        other: The other model.
        temperatures: The temperatures of both.
        weight: The weight of the other model, from 0.1 to 0.9.
    """

    def __init__(
        self,
        task: str,
        words: Model,
        other: Model,
        temperatures: tuple[float, float],
        weight: float,
    ) -> None:
        self.task, self.labels = task, list(words.labels)
        self._words, self._other = words, other
        self._temperatures, self._weight = temperatures, weight

    def logits(self, examples: Sequence[Example]) -> Logits:
        """Return the logits of some records."""
        return self._joined(self._words.logits(examples), self._other.logits(examples))

    def _joined(self, *logits: Logits) -> Logits:
        task = labelling_rules(self.task)
        first, second = map(task.probabilities, logits, self._temperatures)
        return task.logits(blended(first, second, self._weight))

    def measured(
        self, examples: Sequence[Example], distances: ClassDistances | None
    ) -> tuple[Logits, Values]:
        """Return the logits of some records, and their distance to the other model's classes."""
        other, values = self._other.measured(examples, distances)
        return self._joined(self._words.logits(examples), other), values

    def tokens(self, example: Example) -> tuple[int, int]:
        """Return the number of tokens that the other model reads, and its limit."""
        return self._other.tokens(example)

    def vectors(self, examples: Sequence[Example]) -> Any:
        """Return the vectors of the other model."""
        return self._other.vectors(examples)

    def contributions(self, _example: Example, _label: int) -> tuple[Summands, float] | None:
        """Return None: a blend of probabilities is not a sum of terms."""
        return None

    def parts(self, _temperature: float) -> list[Part]:
        """Return both models."""
        first, second = self._temperatures
        return [
            Part(self._words, first, 1 - self._weight),
            Part(self._other, second, self._weight),
        ]


def blended(words: Logits, other: Logits, weight: float) -> Logits:
    """Return the mean of two models' probabilities, ``weight`` of which is the other model's."""
    return np.asarray((1 - weight) * words + weight * other)
