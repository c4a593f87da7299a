"""Rules of tasks with labels: valid records, and how scores become answers.

numpy alone, so that the parent process chooses between candidates without a library that trains.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, ClassVar, Protocol, cast

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import unknown_word
from lyrikstore.verify.evaluation.answers import FORMAT, FORMAT_BY_ID, WHOLE, Answerer, Predictions
from lyrikstore.verify.evaluation.choice.baselines import baseline_fault
from lyrikstore.verify.evaluation.choice.candidates import FEW_RECORDS
from lyrikstore.verify.evaluation.evidence import Evidence, Fault
from lyrikstore.verify.evaluation.figures.measures import Counts
from lyrikstore.verify.evaluation.figures.paired import pairing_fault
from lyrikstore.verify.evaluation.figures.resample import Weights
from lyrikstore.verify.evaluation.predictions import read_predictions
from lyrikstore.verify.evaluation.recompute import compare_test_set, figures_fault, undeclared
from lyrikstore.verify.evaluation.tasks import TEXT, UNKNOWN_TASK, rules_of

Scores = NDArray[np.float64]
"""Records × labels."""

Flags = NDArray[np.bool_]
"""Records × labels."""

CONFIG, DEPLOYMENT = "config", "deployment"
"""Origin of the abstention limit, if it was not fitted on validation data."""


class AnswerRule(Struct, frozen=True):
    """How scores become answers; fitted on validation, signed with the checkpoint.

    Attributes:
        temperature: What logits are divided by.
        abstain_below: Probability below which the answer is that it is not known; 0: never.
        threshold: Where there may be several labels, the probability from which one is given.
        at_least_one: Whether the likeliest is given where none reaches it.
        limit_from: Who set ``abstain_below``: :data:`CONFIG`, :data:`DEPLOYMENT`; empty: it was
            fitted on validation.
    """

    temperature: float = 1.0
    abstain_below: float = 0.0
    threshold: float | None = None
    at_least_one: bool = False
    limit_from: str = ""

    @classmethod
    def of_body(cls, body: Mapping[str, Any]) -> "AnswerRule":
        """Return the answer rule in a checkpoint's body; the default one if absent."""
        stated = body.get("decision", {})
        threshold = stated.get("threshold")
        return cls(
            float(stated.get("temperature", 1)),
            float(stated.get("abstainBelow", 0)),
            None if threshold is None else float(threshold),
            bool(stated.get("atLeastOne", False)),
            stated.get("limitFrom", ""),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the answer rule as JSON for the body of a checkpoint's manifest."""
        found: dict[str, Any] = {
            "temperature": f"{self.temperature:.3f}",
            "abstainBelow": f"{self.abstain_below:.6f}",
        }
        if self.threshold is not None:
            found |= {"threshold": f"{self.threshold:.6f}", "atLeastOne": self.at_least_one}
        if self.limit_from:
            found["limitFrom"] = self.limit_from
        return found


class LabellingRules(Protocol):
    """The rules of a task whose models give probabilities of labels.

    Attributes:
        several: Whether a record may have several labels.
    """

    name: ClassVar[str]
    metric: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    several: ClassVar[bool]
    formats: ClassVar[Collection[str]] = (FORMAT, FORMAT_BY_ID)
    order: ClassVar[tuple[str, str | None]] = ("blake3-order/2", None)
    text: ClassVar[tuple[str, ...]] = ("maxTokens", "pooling")
    names_tolerances: ClassVar[bool] = False
    answers: ClassVar[str] = "label"

    def answerer(self, name: str, decision: Mapping[str, Any]) -> Answerer:
        """Return the rule by which scores become answers, in millionths.

        Args:
            name: Who answers.
            decision: As the body of a checkpoint has it; without a word it always answers.
        """
        threshold = decision.get("threshold", 0.5) if self.several else None
        return Answerer(
            name,
            _millionths(threshold),
            self.several and bool(decision.get("atLeastOne", False)),
            _millionths(decision.get("abstainBelow")),
        )

    def problem(self, labels: Sequence[str], /) -> str:
        """Return why a model cannot be trained on a record with these labels; empty if it can."""

    def probabilities(self, logits: Scores, temperature: float = 1.0) -> Scores:
        """Return the probabilities of labels."""

    def logits(self, probabilities: Scores) -> Scores:
        """Return logits with these probabilities."""

    def loss(self, probabilities: Scores, expected: Flags, /) -> float:
        """Return the mean log loss of probabilities; no probability counts as 0 or 1."""

    def given(self, probabilities: Scores, decision: AnswerRule, /) -> Flags:
        """Return the labels that these probabilities give as an answer."""

    def decide(self, logits: Scores, expected: Flags) -> AnswerRule:
        """Return the decision that fits validation best."""

    def rule_at(self, temperature: float, logits: Scores, expected: Flags, /) -> AnswerRule:
        """Return the answer rule that fits best at the given temperature."""

    def wrong(self, logits: Scores, expected: Flags, /) -> int:
        """Return the number of records that the logits alone answer wrongly."""

    def log_loss(
        self, logits: Scores, expected: Flags, temperature: float, /
    ) -> tuple[float, float]:
        """Return the sum of the log loss, which is convex in 1/temperature, and its derivative."""

    def score(self, expected: Flags, given: Flags) -> float:
        """Return the deciding metric of the validation data."""

    def figures(self, counts: Counts, weights: Weights) -> Sequence[int]:
        """Return :attr:`metrics` of drawn records, in billionths."""
        accuracy, macro, micro = counts.figures(weights)
        known = {"subsetAccuracy": accuracy, "macroF1": macro, "microF1": micro}
        return [known.get(name, accuracy) for name in self.metrics]

    def read(self, stream: BinaryIO) -> Predictions:
        """Parse an attachment of predictions."""
        return read_predictions(stream)

    def undeclared(self, found: Evidence) -> str:
        """Return the part of an evaluation that was not declared before it."""
        test = found.tests[0] if found.tests else None
        fault = undeclared(found.body, found.predictions, found.checkpoint, found.run, test)
        return fault or baseline_fault(found.body, found.checkpoint, found.run)

    def compare(self, found: Evidence) -> Fault:
        """Return how predictions do not match the test set."""
        return compare_test_set(found)

    def pairing_fault(self, own: Predictions, other: Predictions) -> str:
        """Return why two attachments are not about the same records; empty if they are."""
        return pairing_fault(own, other)

    def input_records(self, found: Evidence) -> Iterable[Digest]:
        """Return the ids of the records that were answered: all of the test set."""
        predictions: Predictions = found.predictions
        if predictions.ids is None:  # the data alone tells which records they are about
            return (one.id for one in found.read("", ()))
        return (Digest(predictions.ids[at : at + 32]) for at in range(0, len(predictions.ids), 32))

    def differences(self, found: Evidence, *, compared: bool) -> Iterator[Fault]:
        """Yield each figure that does not follow from the predictions."""
        del compared
        if difference := figures_fault(found):
            yield "differs", difference


def with_limit(decision: Mapping[str, Any], below: float, by: str) -> dict[str, Any]:
    """Return a decision with another abstention limit.

    Args:
        decision: As the body of a checkpoint has it.
        below: The confidence, from 0 to 1.
        by: Who set it.

    Raises:
        InvalidInputError: (``bad-confidence``) it is none.
    """
    return {**decision, "abstainBelow": limit_text(below), "limitFrom": by}


def limit_text(below: float) -> str:
    """Return an abstention limit in the form that is signed.

    Raises:
        InvalidInputError: (``bad-confidence``) it is not from 0 to 1.
    """
    if not 0 <= below <= 1:  # nor is NaN
        raise InvalidInputError(
            "bad-confidence",
            f"{below} is not a valid abstention limit",
            hint="use a number from 0 to 1, such as 0.6",
        )
    return f"{below:.6f}"


def labelling_rules(name: str) -> LabellingRules:
    """Return the rules of a task whose models give labels.

    Raises:
        InvalidInputError: (``unknown-task``) no such task is installed here.
    """
    found = rules_of(name)
    if found.answers == TEXT:
        raise unknown_word(UNKNOWN_TASK, "task with labels", name, ())
    return cast("LabellingRules", found)


def _millionths(value: Any) -> int | None:
    return None if value is None else round(float(value) * WHOLE)


def macro_f1(expected: Flags, given: Flags) -> float:
    """Return the mean F1 over the labels that occur as right or given; 0/0 counts as 0."""
    hits = (expected & given).sum(0)
    sizes = expected.sum(0) + given.sum(0)
    return f1_of_counts(hits, sizes)


def f1_of_counts(hits: NDArray[np.int64], sizes: NDArray[np.int64]) -> float:
    """Return the mean F1 over the labels that occur.

    Args:
        hits: How often each label is right and given.
        sizes: How often it is right, and how often it is given, together.
    """
    present = sizes > 0
    return float((2 * hits[present] / sizes[present]).mean()) if present.any() else 0.0


def micro_f1(expected: Flags, given: Flags) -> float:
    """Return the F1 over all labels together."""
    size = int(expected.sum() + given.sum())
    return 2 * int((expected & given).sum()) / size if size else 0.0


TEMPERATURES = np.geomspace(0.05, 20, 121)
"""The candidate temperatures, about 5 % apart."""


def best_temperature(losses: Sequence[float], *, wrong: int, records: int) -> float:
    """Return the temperature with the least loss; of equal ones, the one nearest to 1.

    Where few records were answered, or all of them rightly, it is 1 at least: there the loss falls
    for ever as answers get surer, whatever they are worth.

    Args:
        losses: Mean loss at each of :data:`TEMPERATURES`.
        wrong: How many records get a wrong answer.
        records: How many there are.
    """
    surer = wrong > 0 and records >= FEW_RECORDS
    tried = [
        (float(t), loss)
        for t, loss in zip(TEMPERATURES, losses, strict=True)
        if surer or round(float(t), 3) >= 1
    ]
    least = min(loss for _, loss in tried)
    fine = [t for t, loss in tried if loss <= least + 1e-12]
    nearest = min(fine, key=lambda t: abs(math.log(t)))
    return round(nearest, 3)
