"""Answers in columns, with only those parts of the scores that figures need (spec §13.9.2)."""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.canon.digest import Digest

FORMAT, FORMAT_BY_ID = "predictions/2", "predictions/1"
"""The version that is written, and the earlier version, which names records by their ids."""

MODEL, MAJORITY = "model", "majority"
"""Name of the first answerer, and of the baseline that always gives the commonest label."""

WHOLE = 1_000_000
"""Millionths: the probability 1."""

MAX_GIVEN, MAX_GIVEN_OF_RECORD = 100_000, 250
"""Most labels given in all, and further ones for each record: by answerers, and in slices."""

_ID_BYTES = 32

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Answerer(Struct, frozen=True):
    """An answerer, and the rule by which its scores become answers.

    Attributes:
        name: ``model``, or the method of a baseline.
        threshold: If records may have several labels: millionths from which a label is given.
        at_least_one: Whether the likeliest label is given if none reaches the threshold.
        abstain_below: Millionths of confidence below which the answerer abstains.
    """

    name: str
    threshold: int | None = None
    at_least_one: bool = False
    abstain_below: int | None = None

    def abstains(self, confidence: int) -> bool:
        """Return whether the answerer abstains at this confidence."""
        return self.abstain_below is not None and confidence < self.abstain_below

    def to_json(self) -> dict[str, Any]:
        """Return the answerer as JSON for the head of the attachment."""
        found: dict[str, Any] = {"name": self.name}
        if self.threshold is not None:
            found |= {"threshold": self.threshold, "atLeastOne": self.at_least_one}
        if self.abstain_below is not None:
            found["abstainBelow"] = self.abstain_below
        return found


class Head(Struct, frozen=True):
    """Facts that apply to all records.

    Attributes:
        task: A task with labels.
        labels: Labels, those of the model first.
        answerers: The answerers: the model, its baseline, further baselines.
        slices: Field and value of each slice.
        labelled: Whether the right labels are known; else no record expects any label.
        format: ``predictions/2``, or the earlier format.
    """

    task: str
    labels: tuple[str, ...]
    answerers: tuple[Answerer, ...]
    slices: tuple[tuple[str, str], ...] = ()
    labelled: bool = True
    format: str = FORMAT

    @property
    def several(self) -> bool:
        """Whether records may have several labels: then each answerer has a threshold."""
        return self.answerers[0].threshold is not None

    def to_json(self) -> dict[str, Any]:
        """Return the head as JSON, the first line of the attachment."""
        found: dict[str, Any] = {
            "format": self.format,
            "task": self.task,
            "labels": list(self.labels),
            "answerers": [one.to_json() for one in self.answerers],
            "slices": [list(one) for one in self.slices],
        }
        return found if self.labelled else found | {"labelled": False}


def named(record: Digest | int) -> dict[str, str | int]:
    """Return the name of a test record in signed bytes (spec §13.9.1).

    Args:
        record: Its place in storage order, from 0; or its id, as version 1 of the formats has it.
    """
    # Attack case A73: whoever guesses a text can tell by an id whether it is in the test set.
    return {"place": record} if isinstance(record, int) else {"record": record.hex}


class Pairs(Struct, frozen=True):
    """Records and numbers of labels or slices, in order of both.

    Attributes:
        records: Position of the record of each pair.
        numbers: The number of each pair.
    """

    records: Numbers
    numbers: Numbers

    def keys(self, width: int) -> Numbers:
        """Return one number for each pair, ascending; ``width`` is above every number."""
        return self.records * width + self.numbers

    def within(self, chosen: Flags) -> "Pairs":
        """Return the pairs of the chosen records, numbered among these."""
        kept = chosen[self.records]
        places = np.cumsum(chosen) - 1
        return Pairs(places[self.records[kept]], self.numbers[kept])

    def of(self, record: int) -> list[int]:
        """Return the numbers of one record."""
        first, end = np.searchsorted(self.records, (record, record + 1))
        return [int(one) for one in self.numbers[first:end]]


class Answers(Struct, frozen=True):
    """The answers of one answerer.

    Attributes:
        answerer: The answerer.
        given: The labels given.
        scores: The millionths of each given label.
        confidence: For each record, the millionths of the whole answer.
        squares: Squared distance of all scores from the right answer, in square millionths.
    """

    answerer: Answerer
    given: Pairs
    scores: Numbers
    confidence: Numbers
    squares: int


class Predictions(Struct, frozen=True):
    """All answers, in columns.

    Attributes:
        head: Facts that apply to all records.
        ids: Record ids, 32 bytes each, of ``predictions/1``; later formats have none.
        expected: The right labels.
        answers: The answers of each answerer.
        groups: Number of each record's group, from 0 without gaps; None: groups are not drawn.
        slices: The slices of the records.
        near: Whether the training data has a near duplicate of each record.
    """

    head: Head
    ids: bytes | None
    expected: Pairs
    answers: tuple[Answers, ...]
    groups: Numbers | None
    slices: Pairs
    near: Flags

    def __len__(self) -> int:
        return len(self.near)

    @property
    def several(self) -> bool:
        """Whether records may have several labels."""
        return self.head.several

    @property
    def unused_slice(self) -> int | None:
        """The first slice without records, or None."""
        used = np.bincount(self.slices.numbers, minlength=len(self.head.slices))
        bare = np.flatnonzero(used == 0)
        return int(bare[0]) if len(bare) else None

    def record(self, at: int) -> Digest | int:
        """Return the name of a record, its place or id; see :func:`named`."""
        if self.ids is None:
            return at
        return Digest(self.ids[at * _ID_BYTES : (at + 1) * _ID_BYTES])

    def always(self, label: int) -> Answers:
        """Return answers that always give one label, with probability 1."""
        everything, whole = np.arange(len(self)), np.full(len(self), WHOLE, np.int64)
        given = Pairs(everything, np.full(len(self), label, np.int64))
        return Answers(Answerer(MAJORITY), given, whole, whole, 0)


class Reading:
    """Reads records one by one, and keeps the parts of their scores that figures need.

    Args:
        head: Facts that apply to all records.

    Cost: memory for the expected and given labels, which :attr:`gives_too_much` limits.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        self._ids = bytearray()
        self._expected, self._slices = _Growing(), _Growing()
        self._answers = [_GrowingAnswers(one) for one in head.answerers]
        self._groups, self._group_count = array("q"), 0
        self._near = array("b")
        self._given = 0

    @property
    def gives_too_much(self) -> bool:
        """Whether more labels are given than the limit for figures (spec §13.9.1)."""
        return self._given > MAX_GIVEN + MAX_GIVEN_OF_RECORD * self.count

    @property
    def count(self) -> int:
        """Number of records read so far."""
        return len(self._near)

    def group_problem(self, group: int | None) -> str:
        """Set the next record's group; return ``group`` if it is not a possible one, else empty.

        Either all records have a group or none has; groups are numbered in order of occurrence.
        """
        if (group is None) != (self.count > 0 and not self._groups) and self.count:
            return "group"
        if group is None:
            return ""
        if group > self._group_count:
            return "group"
        self._group_count = max(self._group_count, group + 1)
        self._groups.append(group)
        return ""

    def add(
        self,
        expected: Sequence[int],
        scores: Sequence[Sequence[int]],
        slices: Sequence[int],
        *,
        near: bool,
        record: bytes = b"",
    ) -> None:
        """Add a record whose group is set; see :class:`Predictions`."""
        at = self.count
        self._ids += record
        self._expected.add(at, expected)
        self._slices.add(at, slices)
        self._near.append(near)
        table = np.asarray(scores, np.int64)
        right = np.zeros(table.shape[1], np.int64)
        right[list(expected)] = WHOLE
        squares = ((table - right) ** 2).sum(1)
        given = [
            answers.add(at, row, int(square))
            for answers, row, square in zip(self._answers, table, squares, strict=True)
        ]
        self._given += sum(given) + given[0] * len(slices)

    def finish(self) -> Predictions:
        """Return all records as predictions."""
        return Predictions(
            self._head,
            bytes(self._ids) or None,
            self._expected.pairs(),
            tuple(one.answers() for one in self._answers),
            _numbers(self._groups) if self._groups else None,
            self._slices.pairs(),
            np.frombuffer(self._near, np.int8).astype(bool),
        )


class _Growing:
    def __init__(self) -> None:
        self._records, self._numbers = array("q"), array("q")

    def add(self, record: int, numbers: Sequence[int]) -> None:
        self._records.extend([record] * len(numbers))
        self._numbers.extend(numbers)

    def pairs(self) -> Pairs:
        return Pairs(_numbers(self._records), _numbers(self._numbers))


class _GrowingAnswers:
    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self._given, self._scores, self._confidence = _Growing(), array("q"), array("q")
        self._squares = 0

    def add(self, record: int, scores: Numbers, squares: int) -> int:
        """Add the answers to a record; return the number of labels given."""
        given, confidence = decide(self._answerer, scores)
        self._given.add(record, given)
        self._scores.extend(scores[given].tolist())
        self._confidence.append(confidence)
        self._squares += squares
        return len(given)

    def answers(self) -> Answers:
        return Answers(
            self._answerer,
            self._given.pairs(),
            _numbers(self._scores),
            _numbers(self._confidence),
            self._squares,
        )


def decide(answerer: Answerer, scores: Numbers) -> tuple[list[int], int]:
    """Return the labels that scores give, and the confidence of the whole answer.

    Args:
        answerer: The answerer, with its rule.
        scores: Millionths for each label.
    """
    best = int(scores.argmax())  # of equal ones the first
    if answerer.threshold is None:
        return [best], int(scores[best])
    reached = scores >= answerer.threshold
    if answerer.at_least_one and not reached[best]:
        reached[best] = True
    sure = np.where(reached, scores, WHOLE - scores)
    return np.flatnonzero(reached).tolist(), int(sure.min())


def _numbers(values: "array[int]") -> Numbers:
    return np.frombuffer(values, np.int64)
