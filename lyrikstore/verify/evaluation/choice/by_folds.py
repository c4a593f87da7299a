"""The choice between candidates by cross-validation (spec §13.2.2).

Cheap candidates are compared over all records, each answered out of fold. A dear one is compared
with the best of them on the records that both answered, and taken only where it is shown better.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from lyrikstore.verify.evaluation.choice.candidates import (
    BLEND,
    BY_FOLDS,
    BY_VALIDATION,
    CHEAP,
    ORDER,
)
from lyrikstore.verify.evaluation.choice.choose import (
    GROUPS,
    Fitted,
    Tried,
    answer,
    compared_names,
    find_weight,
)
from lyrikstore.verify.evaluation.choice.folds import FoldedRecords, Rows
from lyrikstore.verify.evaluation.choice.task import (
    AnswerRule,
    Flags,
    LabellingRules,
    Scores,
    f1_of_counts,
)
from lyrikstore.verify.evaluation.choice.temperature import ONE, find_temperature, temperature_at

MARGIN_OF_DEAR = 1.0
"""Standard errors by which an expensive candidate must be better."""


def compare(
    task: LabellingRules, pool: FoldedRecords, scores: Mapping[str, tuple[Rows, Scores]]
) -> list[Tried]:
    """Return every candidate with its metric, and the blends of word counts with each other one.

    Args:
        task: The task.
        pool: The records.
        scores: Candidate → the rows that it has scores of, and these, each of a record that the
            model had not learned from.
    """
    fit = _CrossFit(task, pool, scores)
    return [fit.tried(names) for names in compared_names(scores)]


def choose_by_folds(
    task: LabellingRules, pool: FoldedRecords, tried: Sequence[Tried]
) -> tuple[list[Tried], Tried, str]:
    """Return the candidates with their distances, the chosen one, and the reason.

    Args:
        task: The task.
        pool: The records.
        tried: Of what :func:`compare` found those that may be taken; one at least.
    """
    cheap = [one for one in tried if _is_cheap(one)]
    dear = sorted(
        (one for one in tried if not _is_cheap(one)),
        key=lambda one: (ORDER.index(one.candidate), ORDER.index(_last(one))),
    )
    notes: list[str] = []
    taken, *others = [*_take_of_cheap(task, pool, cheap, notes), *dear]
    for one in others:
        value, moved = _difference(task, pool, one, taken)
        if value > MARGIN_OF_DEAR * moved:
            notes.append(
                f"{value:.4f} better than {taken.name} on the same records ({_error(moved)})"
            )
            taken = one
        elif value > 0:
            notes.append(
                f"{one.name} is {value:.4f} better on the same records, which is not more than "
                f"one standard error ({_error(moved)})"
            )
    said = []
    for one in tried:
        value, moved = _difference(task, pool, one, taken)
        said.append(one if one is taken else replace(one, difference=value, error=moved))
    by = "out of fold" if taken.by == BY_FOLDS else "on validation"
    reason = f"{taken.name}: {task.metric} {taken.score:.4f} {by}"
    return said, taken, "; ".join([reason, *notes])


def _take_of_cheap(
    task: LabellingRules, pool: FoldedRecords, cheap: Sequence[Tried], notes: list[str]
) -> list[Tried]:
    """Return the chosen one of the candidates that were compared over all rows, or None."""
    if not cheap:
        return []
    # Of equals the cheapest. No margin: on 60 to 400 records the cheapest within one standard error
    # is up to 0.03 macro-F1 worse on the mean of some draws (ADR 0030).
    taken, *others = sorted(cheap, key=lambda one: (-one.score, ORDER.index(one.candidate)))
    if others:
        value, moved = _difference(task, pool, taken, others[0])
        notes.append(f"{value:.4f} better than {others[0].name} ({_error(moved)})")
    return [taken]


def _error(moved: float) -> str:
    return f"standard error {moved:.4f}" if np.isfinite(moved) else "standard error not known"


def _is_cheap(one: Tried) -> bool:
    return _last(one) in CHEAP


def _last(one: Tried) -> str:
    """Return the most expensive model of a candidate."""
    return one.other or one.candidate


def _difference(
    task: LabellingRules, pool: FoldedRecords, one: Tried, other: Tried
) -> tuple[float, float]:
    """Return the difference of two candidates, and its standard error.

    On the rows that both have; by a delete-a-group jackknife over records, or over their groups.
    """
    rows = np.intersect1d(one.rows, other.rows)
    expected, places = _of(pool, rows)
    first, second = (each.answers[np.searchsorted(each.rows, rows)] for each in (one, other))
    value = task.score(expected, first) - task.score(expected, second)
    groups = _jackknife_groups(pool, places)
    count = int(groups.max()) + 1
    if count < 2:
        return value, float("inf")
    without = [_scores_without(task, expected, each, groups, count) for each in (first, second)]
    return value, float(np.sqrt((count - 1) * np.var(without[0] - without[1])))


def _jackknife_groups(pool: FoldedRecords, places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the group of each row, of at most :data:`GROUPS` groups numbered without gaps."""
    # All rows of a record go together, and all records of what belongs together.
    unit = places if pool.groups is None else np.asarray(pool.groups, np.intp)[places]
    return np.asarray(np.unique(unit % GROUPS, return_inverse=True)[1], np.intp)


def _scores_without(
    task: LabellingRules, expected: Flags, given: Flags, groups: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    """Return the metric without each group, one value for each group."""
    if task.metric not in {"macroF1", "microF1"}:  # of another package, which counts otherwise
        return np.array(
            [task.score(expected[groups != at], given[groups != at]) for at in range(count)]
        )
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(count))

    def counted(one: Flags) -> NDArray[np.int64]:
        held = np.add.reduceat(one[order], starts, axis=0, dtype=np.int64)
        return np.asarray(held.sum(0)[None, :] - held)

    hits, sizes = counted(expected & given), counted(expected) + counted(given)
    if task.metric == "microF1":
        hits, sizes = hits.sum(1, keepdims=True), sizes.sum(1, keepdims=True)
    return np.array([f1_of_counts(*one) for one in zip(hits, sizes, strict=True)])


def _of(pool: FoldedRecords, rows: Rows) -> tuple[Flags, NDArray[np.intp]]:
    places = rows % len(pool.expected)
    return pool.expected[places], places


class _CrossFit:
    """Answers of each candidate to each record, with decisions fitted on the other folds."""

    def __init__(
        self, task: LabellingRules, pool: FoldedRecords, scores: Mapping[str, tuple[Rows, Scores]]
    ) -> None:
        self._task, self._pool, self._scores = task, pool, scores
        self._places: dict[tuple[str, int, int], int] = {}

    def tried(self, names: tuple[str, ...]) -> Tried:
        """Return one model, or a blend of two, with its answers."""
        task, rows = self._task, self._scores[names[-1]][0]
        expected, _ = _of(self._pool, rows)
        parts = [self._part(name, rows) for name in names]
        whole = self._fit(names, parts, expected, rows, -1)
        answers = np.zeros_like(expected)
        if len(names) == 1 and not task.several:  # the likeliest, at any temperature
            answers = task.given(task.probabilities(parts[0]), AnswerRule())
        else:
            for number, out, others in self._splits(rows):
                fitted = whole
                if others.any():  # one record alone has no others that could decide of it
                    held = [one[others] for one in parts]
                    fitted = self._fit(names, held, expected[others], rows[others], number)
                answers[out] = answer(task, fitted, [one[out] for one in parts])
        by = BY_FOLDS if names[-1] in CHEAP or len(rows) >= len(self._pool.expected) else ""
        return Tried(
            candidate=BLEND if names[1:] else names[0],
            score=task.score(expected, answers),
            fitted=whole,
            answers=answers,
            other="".join(names[1:]),
            by=by or BY_VALIDATION,
            rows=rows,
        )

    def _part(self, name: str, rows: Rows) -> Scores:
        held, scores = self._scores[name]
        return scores if len(held) == len(rows) else scores[np.searchsorted(held, rows)]

    def _splits(self, rows: Rows) -> list[tuple[int, Flags, Flags]]:
        """Return each fold of each repeat: number, its rows, and the other rows of the repeat."""
        count = len(self._pool.expected)
        repeat, fold = rows // count, self._pool.folds.reshape(-1)[rows]
        found = []
        for number in np.unique(repeat * 256 + fold).tolist():
            in_repeat = repeat == number // 256
            out = in_repeat & (fold == number % 256)
            found.append((number, out, in_repeat & ~out))
        return found

    def _fit(
        self,
        names: tuple[str, ...],
        parts: Sequence[Scores],
        expected: Flags,
        rows: Rows,
        number: int,
    ) -> Fitted:
        """Return the decisions by all rows except those of fold ``number``; -1: by all rows."""
        task = self._task
        records = len(np.unique(rows % len(self._pool.expected)))
        size = len(self._scores[names[-1]][0])

        def temperature(name: str, logits: Scores) -> float:
            start = self._places.get((name, size, -1), ONE)
            known = self._places.get((name, size, number))
            if known is None:
                known = find_temperature(task, logits, expected, records, start)
                self._places[name, size, number] = known
            return temperature_at(known)

        if len(names) == 1:
            found = temperature(names[0], parts[0])
            return Fitted(task.rule_at(found, parts[0], expected))
        each = [temperature(*one) for one in zip(names, parts, strict=True)]
        stated = (f"{each[0]:.3f}", f"{each[1]:.3f}")
        weight, blended = find_weight(task, parts, stated, expected)
        if number >= 0 and not task.several:
            return Fitted(AnswerRule(), weight, stated)
        logits = task.logits(blended)
        found = temperature(f"{BLEND} {names[1]}", logits)
        return Fitted(task.rule_at(found, logits, expected), weight, stated)
