"""Candidates fitted without steps: word counts, and linear models over vectors (spec §13.2.2)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lyrikstore.train.formats.word_counts import STRENGTH, STRENGTHS
from lyrikstore.train.worker.examples import Example
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.model import Logits
from lyrikstore.train.worker.models.terms import words_of
from lyrikstore.train.worker.models.unlike import Values
from lyrikstore.train.worker.models.word_counts import CountedWords, WordCounts
from lyrikstore.train.worker.training.checkpoint_writer import Report
from lyrikstore.train.worker.training.folds import Cheap, FittedFold, FittedModel, Rows


def open_cheap(
    job: Mapping[str, Any],
    files: StagedFiles,
    parts: tuple[Sequence[Example], Sequence[Example]],
    report: Report,
) -> Cheap:
    """Return a candidate that is fitted without steps.

    Args:
        job: As for :func:`lyrikstore.train.worker.training.fit.train`.
        files: The staging folder.
        parts: Training and validation records, which form its pool in this order.
        report: Called during encoding.
    """
    task, labels = str(job["task"]), list(job["labels"])
    if job["candidate"] == "tfidf":
        report("start", 0, 1, candidate="tfidf")
        names = job["config"]["data"].get("fields", ())
        return _Words(task, labels, [one for some in parts for one in some], names)
    from lyrikstore.train.worker.training.vectors import open_vectors

    return open_vectors(job, files, parts, report)


class _Words:
    """The candidate of word counts."""

    strength, grid = STRENGTH, STRENGTHS

    def __init__(
        self, task: str, labels: Sequence[str], pool: Sequence[Example], names: Sequence[str]
    ) -> None:
        self._task, self._labels, self._pool, self._names = task, labels, pool, names

    def fold(self, rows: Rows) -> FittedFold:
        # Of texts that hardly have words some fold may learn from none of them.
        if not any(words_of(one.text) for one in self.pick(rows)):
            return _WordlessFold(len(self._labels))
        return _WordFold(self._learn(rows), self.pick)

    def fit(self, rows: Rows, strength: float) -> FittedModel:
        model = self._learn(rows)(strength)
        return FittedModel(model, rare=model.rare)

    def measure(self, fitted: FittedModel, rows: Rows) -> tuple[Logits, Values | None]:
        model: Any = fitted.model
        logits, values = model.measured(self.pick(rows), None)
        return logits, values

    def pick(self, rows: Rows) -> list[Example]:
        return [self._pool[at] for at in rows]

    def _learn(self, rows: Rows) -> Callable[[float], WordCounts]:
        return CountedWords(self._task, self._labels, self.pick(rows), self._names).fit


class _WordlessFold:
    """A fold whose training texts have no word: all labels are equally likely.

    Args:
        labels: Number of labels.
    """

    def __init__(self, labels: int) -> None:
        self._labels = labels

    def logits(self, strength: float, rows: Rows) -> Logits:
        del strength
        return np.zeros((len(rows), self._labels))

    def unlike(self, rows: Rows) -> Values | None:
        return np.ones(len(rows))


class _WordFold:
    """Word counts fitted to the other folds."""

    def __init__(
        self, fit: Callable[[float], WordCounts], pick: Callable[[Rows], list[Example]]
    ) -> None:
        self._fit, self._pick = fit, pick
        self._last: WordCounts | None = None

    def logits(self, strength: float, rows: Rows) -> Logits:
        self._last = self._fit(strength)
        return self._last.logits(self._pick(rows))

    def unlike(self, rows: Rows) -> Values | None:
        # Which words are known does not depend on the strength.
        found = self._last or self._fit(STRENGTH)
        return found.terms.unknown_shares([one.text for one in self._pick(rows)])
