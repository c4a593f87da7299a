"""The answer of a checkpoint to one record (spec §13.11)."""

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
"""Number of labels that are listed with their probability, unless the answer has more."""

UNSURE, UNLIKE = "confidence", "unlike"
"""Why a model abstains: its confidence is below the limit; the text is unlike the training data."""

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
    """The answer of a checkpoint to a record.

    Attributes:
        asked: The record, without its text and fields.
        answer: The labels, for a task with one label at most one; empty if the model abstains.
        confidence: Confidence of the whole answer in millionths, calibrated on validation data.
        candidates: The most probable labels with their millionths, the most probable first.
        abstained_for: Why the model abstains, of :data:`UNSURE` and :data:`UNLIKE`, in this order;
            empty: it answers.
        tokens: Number of tokens that were read, special ones included.
        max_tokens: The most tokens the model reads; a longer text is truncated; 0: no limit.
        explanation: The evidence for the answer, one object for each label and model.
        similar: Similar training records; they are not the cause of the answer.
        is_text: Whether the answer is generated text, which has no confidence.
        is_whole: For generated text: whether it is complete.
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
        """Whether the model abstains."""
        return bool(self.abstained_for)

    @property
    def cut_off(self) -> bool:
        """Whether the text may have been truncated, or the generated answer was."""
        return not self.is_whole or 0 < self.max_tokens <= self.tokens

    @property
    def words(self) -> str:
        """The answer as text for users."""
        if self.asked.problem is not None:
            return f"no answer: {self.asked.problem.summary}"
        if self.abstained:
            unlike = " (unlike what it was trained on)" if UNLIKE in self.abstained_for else ""
            return f"I do not know{unlike}: {' or '.join(one for one, _ in self.candidates[:2])}"
        return ", ".join(self.answer) or "none of the labels"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object in the result of ``predict`` and in its output file."""
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
        """Return the values of the columns :data:`PREDICTION_COLUMNS`.

        Args:
            several: Whether a record may have several labels: then the answer is a JSON list, which
                a commit reads as several labels.
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
    """A model, and the records that it will answer.

    Attributes:
        checkpoint: The model.
        run: Its run.
        train: Its training data.
        records: The records that can be answered; read once, before the model runs.
        staging: The folder for the copies of model and records.
        decision: The rule by which scores become answers.
    """

    checkpoint: Manifest
    run: Manifest
    train: Sequence[Manifest]
    records: Iterator[InferenceInput]
    staging: Staging
    decision: Mapping[str, Any]


class ModelAnswers(Struct, frozen=True):
    """The answers of a model.

    Attributes:
        answers: Members of the prediction of each record.
        missing: Training data that explanations need and the store lacks, with the reason.
    """

    answers: Iterator[Mapping[str, Any]]
    missing: Sequence[tuple[str, str]] = ()


class AnsweredRecords(Struct, frozen=True):
    """The answers of a checkpoint; iterate once, inside the ``with`` block of the call.

    Attributes:
        checkpoint: The checkpoint.
        count: Number of records.
        unanswered: Reason without an answer → number of records.
        without_fields: Number of rows that lack a field that the model reads beside the text.
        missing: With ``explain``: training data that the store lacks, with the reason.
        records: The answers, in the order of the input.
        decision: The rule by which scores became answers: that of the checkpoint, with another
            limit
            if the caller gave one.
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
