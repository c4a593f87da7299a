"""Format ``validation/1``: scores of each candidate for the validation data (§13.6.6).

JSON Lines: a head, then a line for each record in storage order, named by its place alone. Scores
are kept to the last bit, so that every program decides the same by them.
"""

from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, BinaryIO, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import replace

from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.verify.evaluation.choice.candidates import (
    FORMAT_IDS,
    formats_by_name,
    measured_metric,
    validation_metric,
)
from lyrikstore.verify.evaluation.choice.choose import Tried, choose, describe_choice, weigh
from lyrikstore.verify.evaluation.choice.task import (
    CONFIG,
    Flags,
    LabellingRules,
    Scores,
    labelling_rules,
    macro_f1,
)
from lyrikstore.verify.evaluation.lines import Lines

FORMAT = "validation/1"
MAX_BYTES, MAX_LINE = 16 << 20, 1 << 20
"""Longest attachment and line, in bytes; its recomputation takes a minute at most."""

MAX_LABELS, MAX_CANDIDATES = 1000, 6
_KIND = "bad-validation"


class ValidationScores(Struct, frozen=True):
    """The scores of the validation data.

    Attributes:
        task: What is learned.
        labels: The labels, in the order of the columns.
        logits: Candidate → its logits, records × labels, in the order of their training.
        expected: Which labels the records have.
    """

    task: str
    labels: tuple[str, ...]
    logits: Mapping[str, Scores]
    expected: Flags

    def decide(self, allowed: Collection[str], limit: str = "") -> "CandidateChoice":
        """Return the choice that follows from these scores (spec §13.2.2).

        Args:
            allowed: Formats of the candidates that may be taken.
            limit: The confidence below which nothing is answered, as the config of the run
                declares it; empty: it is fitted as well.

        Raises:
            FormatError: (``bad-validation``) none of them was trained.
        """
        task, formats = labelling_rules(self.task), formats_by_name(allowed)
        tried = those_allowed(weigh(self.task, self.logits, self.expected), formats)
        taken, reason = choose(self.task, tried, self.expected)
        tried, taken = with_declared_limit(tried, taken, limit)
        own = self.logits.get(taken.candidate)
        measured = {} if own is None else validation_metrics(self.task, own, self.expected)
        return CandidateChoice(task.metric, tuple(tried), taken, reason, formats, measured)

    def write(self) -> bytes | None:
        """Return the attachment; None if it would be too long."""
        columns = [np.ascontiguousarray(one, "<f8") for one in self.logits.values()]
        size = len(self.expected) * len(self.labels) * len(columns) * 11
        if size > MAX_BYTES:
            return None
        head = {
            "format": FORMAT,
            "task": self.task,
            "labels": list(self.labels),
            "candidates": list(self.logits),
        }
        lines = [encode(head)]
        for at, right in enumerate(self.expected):
            scores = [b64encode(one[at].tobytes()).decode() for one in columns]
            lines.append(
                encode({"expected": np.flatnonzero(right).tolist(), "logits": list(scores)})
            )
        data = b"".join(line + b"\n" for line in lines)
        return data if len(data) <= MAX_BYTES and max(map(len, lines)) < MAX_LINE else None


class CandidateChoice(Struct, frozen=True):
    """The decisions by validation.

    Attributes:
        metric: By what.
        tried: The candidates that might be taken.
        taken: The one that was.
        reason: Why.
        formats: Candidate → the format that its run says of it.
        measured: What else is measured of the one that was taken; of one that is a blend, and was
            chosen on validation, nothing.
        settings: Candidate → what its worker chose for it, as ``{"C": "1"}``; nobody computes it
            again.
    """

    metric: str
    tried: tuple[Tried, ...]
    taken: Tried
    reason: str
    formats: Mapping[str, str] = msgspec.field(default_factory=lambda: FORMAT_IDS)
    measured: Mapping[str, str] = msgspec.field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)

    def to_body(self) -> dict[str, Any]:
        """Return the members of a checkpoint's body that follow; ``metrics`` of validation only."""
        return {
            "chosen": describe_choice(
                self.metric, self.tried, self.taken, self.reason, self.formats, self.settings
            ),
            "decision": self.taken.fitted.decision.to_json(),
            "metrics": {
                **self.measured,
                measured_metric(self.metric, self.taken.by): f"{self.taken.score:.4f}",
            },
        }


def those_allowed(tried: Sequence[Tried], formats: Mapping[str, str]) -> list[Tried]:
    """Return the candidates that may be chosen.

    Raises:
        FormatError: (``bad-validation``) none of them was trained.
    """
    found = [one for one in tried if one.candidate in formats]
    if not found:
        raise FormatError(_KIND, "none of the candidates that may be chosen was trained")
    return found


def with_declared_limit(
    tried: Sequence[Tried], taken: Tried, limit: str
) -> tuple[list[Tried], Tried]:
    """Return the candidates and the chosen one, with an abstention limit of a config."""
    if not limit:
        return list(tried), taken
    # No answer rests on it, so that it chooses nothing.
    declared = replace(taken.fitted.decision, abstain_below=float(limit), limit_from=CONFIG)
    limited = replace(taken, fitted=replace(taken.fitted, decision=declared))
    return [limited if one is taken else one for one in tried], limited


def validation_metrics(task: str, logits: Scores, expected: Flags) -> dict[str, str]:
    """Return the metrics of the validation data, with the answer rule that fits it best.

    Args:
        task: What is learned.
        logits: What a model says of it.
        expected: Which labels its records have.
    """
    kind = labelling_rules(task)
    decision = kind.decide(logits, expected)
    given = kind.given(kind.probabilities(logits, decision.temperature), decision)
    found = {
        "validationAccuracy": float((given == expected).all(1).mean()),
        "validationMacroF1": macro_f1(expected, given),
        validation_metric(kind.metric): kind.score(expected, given),
    }
    return {name: f"{value:.4f}" for name, value in found.items()}


def read_validation(stream: BinaryIO) -> ValidationScores:
    """Parse an attachment.

    Raises:
        FormatError: (``bad-validation``) it is no such attachment.

    Cost: one line at a time; memory for the scores, which are less than the attachment.
    """
    lines = Lines(stream, _KIND, max_line=MAX_LINE, max_bytes=MAX_BYTES)
    head = lines.need(_Head)
    rules = rules_of_head(lines, head.task)
    width = len(head.labels)
    names = head.candidates
    if len(set(names)) != len(names) or len(set(head.labels)) != width:
        raise lines.bad("it names something twice")
    rows: list[list[bytes]] = [[] for _ in names]
    expected: list[list[int]] = []
    for line in lines.rest(_Line):
        scores = [decode_base64(one, _KIND) for one in line.logits]
        fine = [len(one) for one in scores] == [8 * width] * len(names) and are_labels(
            line.expected, head.labels, rules
        )
        if not fine:
            raise lines.bad("it cannot be")
        expected.append(line.expected)
        for some, one in zip(rows, scores, strict=True):
            some.append(one)
    if not expected:
        raise lines.bad("there are no records")
    right = flags_of(expected, width)
    logits: dict[str, Scores] = {
        name: np.frombuffer(b"".join(some), "<f8").reshape(len(expected), width)
        for name, some in zip(names, rows, strict=True)
    }
    if not all(np.isfinite(one).all() for one in logits.values()):
        raise lines.bad("a score is no number")
    return ValidationScores(head.task, tuple(head.labels), logits, right)


def rules_of_head(lines: Lines, task: str) -> LabellingRules:
    """Return the rules of the task that the head of an attachment names.

    Raises:
        FormatError: (``bad-validation``) no such task is known here.
    """
    try:
        return labelling_rules(task)
    except InvalidInputError as error:
        raise lines.bad(error.message) from None


def are_labels(numbers: Sequence[int], labels: Sequence[str], rules: LabellingRules) -> bool:
    """Return whether label numbers ascend, and a record may have these labels."""
    return (
        list(numbers) == sorted(set(numbers))
        and all(one < len(labels) for one in numbers)
        and not rules.problem([labels[one] for one in numbers])
    )


def flags_of(expected: Sequence[Sequence[int]], width: int) -> Flags:
    """Return the labels of records, as records × labels, from the numbers of the labels."""
    found = np.zeros((len(expected), width), bool)
    for at, numbers in enumerate(expected):
        found[at, numbers] = True
    return found


_Label = Annotated[str, Meta(min_length=1, max_length=65536)]
_Number = Annotated[int, Meta(ge=0, lt=MAX_LABELS)]


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["validation/1"]
    task: _Label
    labels: Annotated[list[_Label], Meta(min_length=1, max_length=MAX_LABELS)]
    candidates: Annotated[
        list[Literal["tfidf", "embeddings", "lora", "full"]],
        Meta(min_length=1, max_length=MAX_CANDIDATES),
    ]


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    expected: list[_Number]
    logits: Annotated[list[str], Meta(min_length=1, max_length=MAX_CANDIDATES)]
