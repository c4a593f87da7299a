"""What a checkpoint says of one record (spec §13.11)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.train.predict.inputs import InferenceInput
from lyrikstore.train.worker.staging import Staging
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.tasks import find_rules

MOST_CANDIDATES = 5
"""Labels that are named with their probability, if no more are given."""

UNSURE, UNLIKE = "confidence", "unlike"
"""Why nothing is answered: it is less sure than a limit; the text is unlike the training data."""

PREDICTION_COLUMNS = (
    "path",
    "line",
    "called",
    "record",
    "answer",
    "confidence",
    "abstained",
    "abstainedFor",
    "first",
    "firstProbability",
    "second",
    "secondProbability",
    "cutOff",
    "refusal",
)
"""The header of predictions as a table."""


class Prediction(Struct, frozen=True):
    """What a checkpoint says of a record.

    Attributes:
        asked: The record, without its text and fields.
        answer: The labels given: of a task with one label at most one; none if it abstains.
        confidence: How sure the answer is as a whole, in millionths, calibrated on validation.
        candidates: The likeliest labels with their millionths, the likeliest first.
        abstained_for: Why nothing is answered, of :data:`UNSURE` and :data:`UNLIKE`, in this order;
            empty: it answers.
        tokens: How many tokens were read, special ones included.
        max_tokens: The most the model reads; a text with more is cut off there; 0: all are read.
        explanation: What speaks for the answer, one object for each label and model.
        similar: Training records that are like it, which are not why it answers so.
        is_text: Whether the answer is a text that the model wrote, of which nothing is sure.
        is_whole: Of such a text, whether it came to its end.
    """

    asked: InferenceInput
    answer: tuple[str, ...] = ()
    confidence: int = 0
    candidates: tuple[tuple[str, int], ...] = ()
    abstained_for: tuple[str, ...] = ()
    tokens: int = 0
    max_tokens: int = 0
    explanation: tuple[Mapping[str, Any], ...] | None = None
    similar: tuple[Mapping[str, Any], ...] | None = None
    is_text: bool = False
    is_whole: bool = True

    @property
    def abstained(self) -> bool:
        """Whether the answer is that it is not known."""
        return bool(self.abstained_for)

    @property
    def cut_off(self) -> bool:
        """Whether the text may have been longer than the model reads, or its answer was."""
        return not self.is_whole or 0 < self.max_tokens <= self.tokens

    @property
    def words(self) -> str:
        """The answer for people."""
        if self.asked.problem is not None:
            return f"no answer: {self.asked.problem.summary}"
        if self.abstained:
            unlike = " (unlike what it was trained on)" if UNLIKE in self.abstained_for else ""
            return f"I do not know{unlike}: {' or '.join(one for one, _ in self.candidates[:2])}"
        return ", ".join(self.answer) or "none of the labels"

    def to_json(self) -> dict[str, Any]:
        """Return it as the result of ``predict``, and a line of its output, has it."""
        asked, problem = self.asked, self.asked.problem
        return {
            "path": asked.path,
            "line": asked.line,
            "called": asked.id or None,
            "record": asked.record.hex if asked.record else None,
            "abstained": self.abstained,
            "abstainedFor": list(self.abstained_for),
            "answer": list(self.answer),
            "confidence": None if problem or self.is_text else decimal(self.confidence),
            "candidates": [
                {"label": label, "probability": decimal(score)} for label, score in self.candidates
            ],
            "tokens": self.tokens,
            "cutOff": self.cut_off,
            "notes": list(asked.notes),
            "refusal": None
            if problem is None
            else {"reason": problem.reason, "summary": problem.summary},
            "explanation": self.explanation and [dict(one) for one in self.explanation],
            "similarNotCause": self.similar and [dict(one) for one in self.similar],
        }

    def to_row(self, *, several: bool) -> list[str]:
        """Return it as a row below :data:`PREDICTION_COLUMNS`.

        Args:
            several: Whether a record may have several labels: then the answer is a JSON list, which
                a commit reads as several.
        """
        asked, problem = self.asked, self.asked.problem
        answer = "".join(self.answer)
        if several:
            answer = json.dumps(list(self.answer), ensure_ascii=False) if self.answer else ""
        ranked = [(label, decimal(score)) for label, score in self.candidates[:2]]
        (first, firsts), (second, seconds) = [*ranked, ("", ""), ("", "")][:2]
        return [
            asked.path,
            "" if asked.line is None else str(asked.line),
            asked.id,
            asked.record.hex if asked.record else "",
            answer,
            "" if problem or self.is_text else decimal(self.confidence),
            "" if problem else str(self.abstained).lower(),
            " ".join(self.abstained_for),
            *(first, firsts, second, seconds),
            "" if problem else str(self.cut_off).lower(),
            problem.summary if problem else "",
        ]


class AnsweringModel(Struct, frozen=True):
    """A model that is asked about some records.

    Attributes:
        checkpoint: The model.
        run: Its run.
        train: What it learned from.
        records: The records that can be answered; read once, before the model is asked.
        staging: Where model and records are copied.
        decision: How scores become answers.
    """

    checkpoint: Manifest
    run: Manifest
    train: Sequence[Manifest]
    records: Iterator[InferenceInput]
    staging: Staging
    decision: Mapping[str, Any]


class ModelAnswers(Struct, frozen=True):
    """What a model answers.

    Attributes:
        answers: Members of the prediction of each record that was asked.
        missing: Training data that is not here for explanations, and why.
    """

    answers: Iterator[Mapping[str, Any]]
    missing: Sequence[tuple[str, str]] = ()


class AnsweredRecords(Struct, frozen=True):
    """The answers of a checkpoint; iterate once, while the call that gives them is open.

    Attributes:
        checkpoint: What answered.
        count: How many records there are.
        unanswered: Why some got no answer: reason → how many.
        without_fields: How many rows lack a field that the model reads beside the text.
        missing: With ``explain``: training data that is not here, and why.
        records: The answers, in the order of the input.
        decision: How scores became answers: as the checkpoint says it, but for another limit where
            one was given.
    """

    checkpoint: Manifest
    count: int
    unanswered: Mapping[str, int]
    without_fields: int
    missing: Sequence[tuple[str, str]]
    records: Iterator[Prediction]
    decision: Mapping[str, Any]

    @property
    def several(self) -> bool:
        """Whether a record may have several labels."""
        return bool((rules := find_rules(self.checkpoint.body["task"])) and rules.several)

    def __iter__(self) -> Iterator[Prediction]:
        return self.records


def decimal(millionths: int) -> str:
    """Return millionths as decimal text."""
    return f"{millionths // WHOLE}.{millionths % WHOLE:06d}"
