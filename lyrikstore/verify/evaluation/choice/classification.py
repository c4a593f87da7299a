"""Task ``text-classification``: each record has exactly one of several labels."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from lyrikstore.verify.evaluation.choice.task import (
    TEMPERATURES,
    AnswerRule,
    Flags,
    LabellingRules,
    Scores,
    best_temperature,
    macro_f1,
)

LEAST_ACCURACY = 0.9
"""Accuracy that answers should have, if the abstention limit can be chosen so."""

MOST_UNANSWERED = 0.3


class TextClassification(LabellingRules):
    """Rules for one label a record; macro-F1 decides."""

    name: ClassVar[str] = "text-classification"
    metric: ClassVar[str] = "macroF1"
    metrics: ClassVar[tuple[str, ...]] = ("macroF1", "accuracy")
    several: ClassVar[bool] = False

    def problem(self, labels: Sequence[str]) -> str:
        """Return why a model cannot be trained on a record with these labels."""
        return "" if len(labels) == 1 else "more than one label" if labels else "no label"

    def probabilities(self, logits: Scores, temperature: float = 1.0) -> Scores:
        """Return the probabilities: the softmax of the logits."""
        scaled = logits / temperature
        scaled = np.exp(scaled - scaled.max(1, keepdims=True))
        return np.asarray(scaled / scaled.sum(1, keepdims=True))

    def logits(self, probabilities: Scores) -> Scores:
        """Return logits: the logarithms of the probabilities."""
        return np.log(np.maximum(probabilities, 1e-12))

    def loss(self, probabilities: Scores, expected: Flags) -> float:
        """Return the mean log loss of the right labels; probabilities count as at least 1e-12."""
        return float(-np.log(np.maximum(probabilities[expected], 1e-12)).mean())

    def given(self, probabilities: Scores, _decision: AnswerRule) -> Flags:
        """Return the most probable label of each record."""
        found = np.zeros(probabilities.shape, bool)
        found[np.arange(len(found)), probabilities.argmax(1)] = True
        return found

    def decide(self, logits: Scores, expected: Flags) -> AnswerRule:
        """Return temperature (least log loss) and the confidence below which to abstain.

        That is the least one from which on :data:`LEAST_ACCURACY` of the answers are right, if at
        most :data:`MOST_UNANSWERED` of the records stay without an answer; else the one that
        leaves so many.
        """
        losses = [self.loss(self.probabilities(logits, t), expected) for t in TEMPERATURES]
        wrong = self.wrong(logits, expected)
        temperature = best_temperature(losses, wrong=wrong, records=len(expected))
        return self.rule_at(temperature, logits, expected)

    def rule_at(self, temperature: float, logits: Scores, expected: Flags) -> AnswerRule:
        """Return the decision with this temperature."""
        probabilities = self.probabilities(logits, temperature)
        hit = probabilities.argmax(1) == expected.argmax(1)
        return AnswerRule(temperature, abstain_below(probabilities.max(1), hit))

    def wrong(self, logits: Scores, expected: Flags) -> int:
        """Return the number of records whose greatest logit is not that of their label."""
        return int((logits.argmax(1) != expected.argmax(1)).sum())

    def log_loss(self, logits: Scores, expected: Flags, temperature: float) -> tuple[float, float]:
        """Return the sum of the log loss, and its derivative by 1/temperature."""
        right = logits[np.arange(len(logits)), expected.argmax(1)]
        highest = logits.max(1)
        above = logits - highest[:, None]
        likely = np.exp(above / temperature)
        sums = likely.sum(1)
        loss = np.log(sums) - (right - highest) / temperature
        slope = np.einsum("ij,ij->i", likely, above) / sums - (right - highest)
        return float(loss.sum()), float(slope.sum())

    def score(self, expected: Flags, given: Flags) -> float:
        """Return macro-F1."""
        return macro_f1(expected, given)


RULES = TextClassification()


def abstain_below(confidence: Scores, right: Flags) -> float:
    """Return the abstention limit; 0 if all records may be answered."""
    order = np.argsort(-confidence, kind="stable")
    sure, hit = confidence[order], right[order]
    if not len(hit) or hit.mean() >= LEAST_ACCURACY:
        return 0.0
    shares = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    fine = np.flatnonzero(shares >= LEAST_ACCURACY)
    least = int(np.ceil((1 - MOST_UNANSWERED) * len(hit))) - 1
    last = max(least, int(fine[-1]) if len(fine) else -1)
    # Rounded down to what is signed, so that the record at the border is answered.
    return float(np.floor(sure[last] * 1e6) / 1e6)
