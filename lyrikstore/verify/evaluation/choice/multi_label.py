"""Task ``multi-label``: a record has any number of labels."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lyrikstore.verify.evaluation.choice.classification import abstain_below
from lyrikstore.verify.evaluation.choice.task import (
    TEMPERATURES,
    AnswerRule,
    Flags,
    LabellingRules,
    Scores,
    best_temperature,
    f1_of_counts,
    micro_f1,
)


class MultiLabel(LabellingRules):
    """Rules for any number of labels, with one threshold; micro-F1 decides, then macro-F1.

    A threshold of its own for each label was worse on 1,054 clauses (micro-F1 0.771 beside 0.805).
    """

    name: ClassVar[str] = "multi-label"
    metric: ClassVar[str] = "microF1"
    metrics: ClassVar[tuple[str, ...]] = ("microF1", "macroF1", "subsetAccuracy")
    several: ClassVar[bool] = True
    answers: ClassVar[str] = "labels"

    def problem(self, _labels: Sequence[str]) -> str:
        """Return an empty text: a model can be trained on any labels."""
        return ""

    def probabilities(self, logits: Scores, temperature: float = 1.0) -> Scores:
        """Return the probabilities: the logistic function of each logit."""
        scaled = np.clip(logits / temperature, -60, 60)
        return np.asarray(1 / (1 + np.exp(-scaled)))

    def logits(self, probabilities: Scores) -> Scores:
        """Return logits: the log odds of the probabilities."""
        inside = np.clip(probabilities, 1e-12, 1 - 1e-12)
        return np.asarray(np.log(inside) - np.log1p(-inside))

    def loss(self, probabilities: Scores, expected: Flags) -> float:
        """Return the mean log loss over records and labels; no probability counts as 0 or 1."""
        likely = np.clip(probabilities, 1e-12, 1 - 1e-12)
        return float(-np.log(np.where(expected, likely, 1 - likely)).mean())

    def given(self, probabilities: Scores, decision: AnswerRule) -> Flags:
        """Return the labels that reach the threshold, or the likeliest one if one is required."""
        threshold = 0.5 if decision.threshold is None else decision.threshold
        found = np.asarray(probabilities >= threshold)
        if decision.at_least_one:
            bare = np.flatnonzero(~found.any(1))
            found[bare, probabilities[bare].argmax(1)] = True
        return found

    def decide(self, logits: Scores, expected: Flags) -> AnswerRule:
        """Return temperature (least log loss), threshold (best micro-F1) and abstention limit.

        The likeliest label is given where none reaches the threshold, unless validation has
        records without any.
        """
        losses = [self.loss(self.probabilities(logits, t), expected) for t in TEMPERATURES]
        wrong = self.wrong(logits, expected)
        temperature = best_temperature(losses, wrong=wrong, records=len(logits))
        return self.rule_at(temperature, logits, expected)

    def rule_at(self, temperature: float, logits: Scores, expected: Flags) -> AnswerRule:
        """Return the decision with this temperature."""
        probabilities = self.probabilities(logits, temperature)
        at_least_one = bool(expected.any(1).all())
        threshold = _best_threshold(probabilities, expected, at_least_one=at_least_one)
        given = self.given(probabilities, AnswerRule(temperature, 0.0, threshold, at_least_one))
        sure = np.where(given, probabilities, 1 - probabilities).min(1)
        below = abstain_below(sure, (given == expected).all(1))
        return AnswerRule(temperature, below, threshold, at_least_one)

    def wrong(self, logits: Scores, expected: Flags) -> int:
        """Return the number of records whose labels with a logit >= 0 are not the right ones."""
        return int(((logits >= 0) != expected).any(1).sum())

    def log_loss(self, logits: Scores, expected: Flags, temperature: float) -> tuple[float, float]:
        """Return the sum of the log loss, and its derivative by 1/temperature."""
        against = np.where(expected, -logits, logits)
        scaled = against / temperature
        likely = np.exp(-np.abs(scaled))
        loss = np.maximum(scaled, 0) + np.log1p(likely)
        missed = np.where(scaled > 0, 1.0, likely) / (1 + likely)
        return float(loss.sum()), float((against * missed).sum())

    def score(self, expected: Flags, given: Flags) -> float:
        """Return micro-F1."""
        return micro_f1(expected, given)


RULES = MultiLabel()

THRESHOLDS = tuple(round(float(one), 6) for one in np.arange(0.05, 0.96, 0.01))
"""The candidate thresholds."""


def _best_threshold(probabilities: Scores, expected: Flags, *, at_least_one: bool) -> float:
    """Return the smallest threshold with the best micro-F1, then macro-F1.

    One pass: how many thresholds a probability reaches says at which of them its label is given.
    """
    labels, count = expected.shape[1], len(THRESHOLDS)
    reached = np.searchsorted(THRESHOLDS, probabilities.ravel(), side="right")
    place = np.tile(np.arange(labels), len(expected)) * (count + 1) + reached
    size = labels * (count + 1)

    def counted(places: NDArray[np.intp]) -> NDArray[np.int64]:
        return np.bincount(places, minlength=size).reshape(labels, count + 1)

    def from_each_on(places: NDArray[np.intp]) -> NDArray[np.int64]:
        # Column n: how many reach more than n thresholds, so that they are given at that one.
        return np.asarray(counted(places)[:, ::-1].cumsum(1)[:, ::-1][:, 1:])

    given, hits = from_each_on(place), from_each_on(place[expected.ravel()])
    if at_least_one:  # records that nothing reaches get the likeliest
        rows, most_probable = np.arange(len(expected)), probabilities.argmax(1)
        bare = most_probable * (count + 1) + reached.reshape(expected.shape)[rows, most_probable]
        given = given + counted(bare).cumsum(1)[:, :-1]
        hits = hits + counted(bare[expected[rows, most_probable]]).cumsum(1)[:, :-1]
    sizes = given + expected.sum(0)[:, None]
    micro = [
        2 * int(hit) / int(all_) if all_ else 0.0
        for hit, all_ in zip(hits.sum(0), sizes.sum(0), strict=True)
    ]
    best = [at for at, value in enumerate(micro) if value == max(micro)]
    macro = [f1_of_counts(hits[:, at], sizes[:, at]) for at in best]
    return THRESHOLDS[best[macro.index(max(macro))]]
