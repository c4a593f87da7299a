"""Cross-validation: every record answered by a model that did not learn from it (spec §13.2.2)."""

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
"""Places of records in the pool."""

ENOUGH = 1000
"""Answers by which a strength is chosen: more folds would choose no other, and take as long."""


class FittedFold(Protocol):
    """What learned from the other folds."""

    def logits(self, strength: float, rows: Rows) -> Logits:
        """Return the logits of some records of the model with a strength of regularisation."""

    def unlike(self, rows: Rows) -> Values | None:
        """Return how unlike what was learned from some records are; None: that is not known."""


class FittedModel(Struct, frozen=True):
    """A model that was fitted.

    Attributes:
        model: It.
        distances: Where the classes that it learned from lie; None: it has none.
        rare: Whether it holds words of one record alone.
    """

    model: Saved
    distances: ClassDistances | None = None
    rare: bool = False


class Cheap(Protocol):
    """A candidate that takes no steps, with the records that it may learn from."""

    @property
    def strength(self) -> float:
        """C of the linear model where no folds choose one."""

    @property
    def grid(self) -> Sequence[float]:
        """Those that folds choose among, ascending."""

    def fold(self, rows: Rows) -> FittedFold:
        """Return what learns from some records, for each strength that it is asked for."""

    def fit(self, rows: Rows, strength: float) -> FittedModel:
        """Return the model that fits some records."""

    def measure(self, fitted: FittedModel, rows: Rows) -> tuple[Logits, Values | None]:
        """Return the logits of other records, and how unlike what was learned from they are."""


class FoldResult(Struct, frozen=True):
    """What came of the folds.

    Attributes:
        logits: Out-of-fold logits, float32: repeats × records × labels.
        strength: The one that they are of: the best, the least of equals.
        unlike: How unlike what the model of its fold learned from each record is; None: some
            fold cannot say it.
    """

    logits: NDArray[np.float32]
    strength: float
    unlike: Values | None


def write_folds(folds: NDArray[np.uint8]) -> list[str]:
    """Return the fold of each record as a job has it: a text a repeat, a digit a record."""
    return ["".join(map(str, one.tolist())) for one in folds]


def read_folds(written: Sequence[str]) -> NDArray[np.uint8]:
    """Return what :func:`write_folds` took: repeats × records."""
    return np.stack([np.frombuffer(one.encode("ascii"), np.uint8) - ord("0") for one in written])


def count_fits(records: float, repeats: int, strengths: int) -> int:
    """Return how many models are fitted by :func:`cross_validate`, and then the one that stays.

    Args:
        records: How many there are.
        repeats: How often their folds are dealt; 0: there are none.
        strengths: Among how many the folds choose.
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
    """Let each fold be answered by a model of the others, and return what came of the best.

    Args:
        fit: Takes the records to learn from; what it gives is asked for each of ``grid`` once,
            until the folds so far have :data:`ENOUGH` records, and then for the best alone.
        rules: Those of the task, whose metric says which strength is best.
        expected: Which labels the records have: records × labels.
        folds: The fold of each record: repeats × records.
        grid: Strengths, ascending.
        done: Called as folds are answered.
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
    """Return the metric of out-of-fold answers; thresholds are those that fit them best."""
    rows = logits.astype(np.float64)
    if not rules.several:  # the surest label is that at every temperature
        given = np.zeros_like(expected)
        given[np.arange(len(rows)), rows.argmax(1)] = True
        return rules.score(expected, given)
    # At any temperature some threshold gives the same labels.
    decision = rules.rule_at(1.0, rows, expected)
    return rules.score(expected, rules.given(rules.probabilities(rows), decision))
