"""Cross-validation: predict each record with a model not trained on it (spec §13.2.2)."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.train.worker.models.model import Logits, Saved
from lyrikstore.train.worker.models.unlike import ClassDistances, Values
from lyrikstore.verify.evaluation.choice.folds import FOLDS
from lyrikstore.verify.evaluation.choice.task import Flags, LabellingRules

Rows = NDArray[np.int64]
"""Positions of records in the pool."""

ENOUGH = 1000
"""Predictions after which the strength is chosen; more folds rarely change the choice."""


class FittedFold(Protocol):
    """Protocol of a model fitted to the other folds."""

    def logits(self, strength: float, rows: Rows) -> Logits:
        """Return the logits of some records, by the model with a regularisation strength."""

    def unlike(self, rows: Rows) -> Values | None:
        """Return the distance of some records to the training records; None: not measured."""


class FittedModel(Struct, frozen=True):
    """A fitted model.

    Attributes:
        model: The model.
        distances: The distances to the classes of its training records; None: it has none.
        rare: Whether it has words of a single record.
    """

    model: Saved
    distances: ClassDistances | None = None
    rare: bool = False


class Cheap(Protocol):
    """Protocol of a candidate that is fitted without steps, with its pool of records."""

    @property
    def strength(self) -> float:
        """C of the linear model if no folds choose it."""

    @property
    def grid(self) -> Sequence[float]:
        """The values of C that folds choose from, ascending."""

    def fold(self, rows: Rows) -> FittedFold:
        """Return the fold that fits some records, for each requested strength."""

    def fit(self, rows: Rows, strength: float) -> FittedModel:
        """Return a model fitted to some records."""

    def measure(self, fitted: FittedModel, rows: Rows) -> tuple[Logits, Values | None]:
        """Return the logits of other records, and their distance to the training records."""


class FoldResult(Struct, frozen=True):
    """The result of cross-validation.

    Attributes:
        logits: Out-of-fold logits, float32: repeats × records × labels.
        strength: The strength of these logits: the best one, the smallest of equals.
        unlike: The distance of each record to the training records of its fold; None: some
        fold does not measure it.
    """

    logits: NDArray[np.float32]
    strength: float
    unlike: Values | None


def write_folds(folds: NDArray[np.uint8]) -> list[str]:
    """Return the folds for a job: one text for each repeat, with one digit for each record."""
    return ["".join(map(str, one.tolist())) for one in folds]


def read_folds(written: Sequence[str]) -> NDArray[np.uint8]:
    """Return the folds from the result of :func:`write_folds`: repeats × records."""
    return np.stack([np.frombuffer(one.encode("ascii"), np.uint8) - ord("0") for one in written])


def count_fits(records: float, repeats: int, strengths: int) -> int:
    """Return the number of fits of :func:`cross_validate`, plus one for the final model.

    Args:
        records: Number of records.
        repeats: Number of repeats of the folds; 0: there are no folds.
        strengths: Number of strengths to choose from.
    """
    folds = FOLDS * repeats
    choosing = min(folds, math.ceil(ENOUGH * FOLDS / max(1.0, records)))
    return choosing * strengths + (folds - choosing) + 1


def cross_validate(
    fit: Callable[[Rows], FittedFold],
    rules: LabellingRules,
    expected: Flags,
    folds: NDArray[np.uint8],
    grid: Sequence[float],
    done: Callable[[int, int], None] = lambda *_: None,
) -> FoldResult:
    """Predict each fold with a model of the other folds; return the result of the best strength.

    Args:
        fit: Function from training records to a fitted fold, which is evaluated for each strength
        of ``grid`` until the folds so far have :data:`ENOUGH` records, and then for the best
        strength alone.
        rules: The rules of the task, whose metric decides the best strength.
        expected: The labels of the records: records × labels.
        folds: The fold of each record: repeats × records.
        grid: Strengths, ascending.
        done: Called per predicted fold.
    """
    found = np.zeros((*folds.shape, expected.shape[1]), np.float32)
    held: dict[float, list[NDArray[np.float32]]] = {one: [] for one in grid}
    places: list[tuple[int, Rows]] = []
    unlike: Values | None = np.zeros(folds.shape[1])
    numbers = [(repeat, fold) for repeat, one in enumerate(folds) for fold in np.unique(one)]
    for at, (repeat, fold) in enumerate(numbers):
        out = np.flatnonzero(folds[repeat] == fold)
        model = fit(np.flatnonzero(folds[repeat] != fold))
        places.append((repeat, out))
        for strength, some in held.items():
            some.append(model.logits(strength, out).astype(np.float32))
        if repeat == 0 and unlike is not None:
            values = model.unlike(out)
            if values is None:
                unlike = None
            else:
                unlike[out] = values
        if sum(len(one) for _, one in places) >= ENOUGH or at + 1 == len(numbers):
            wanted = expected[np.concatenate([one for _, one in places])]
            scores = {one: _score(rules, np.concatenate(held[one]), wanted) for one in held}
            best = max(held, key=lambda one: scores[one])  # of equals the first
            for (of, rows), answers in zip(places, held[best], strict=True):
                found[of, rows] = answers
            places, held = [], {best: []}
        done(at + 1, len(numbers))
    return FoldResult(found, next(iter(held)), unlike)


def _score(rules: LabellingRules, logits: NDArray[np.float32], expected: Flags) -> float:
    """Return the metric of out-of-fold predictions, with the thresholds that fit them best."""
    rows = logits.astype(np.float64)
    if not rules.several:  # the surest label is that at every temperature
        predicted = np.zeros_like(expected)
        predicted[np.arange(len(rows)), rows.argmax(1)] = True
        return rules.score(expected, predicted)
    # At any temperature some threshold gives the same labels.
    decision = rules.rule_at(1.0, rows, expected)
    return rules.score(expected, rules.given(rules.probabilities(rows), decision))
