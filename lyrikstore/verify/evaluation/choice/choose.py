"""The choice between candidates by validation, and blends of two of them (spec §13.2.2).

numpy alone, over what each candidate said of the validation data.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.verify.evaluation.choice.candidates import (
    BLEND,
    BY_FOLDS,
    BY_VALIDATION,
    ORDER,
    WEIGHTS,
)
from lyrikstore.verify.evaluation.choice.task import (
    AnswerRule,
    Flags,
    LabellingRules,
    Scores,
    labelling_rules,
)

FOLDS = 5
"""Number of folds. A validation record in fold place modulo 5 is answered by the other folds."""

MARGIN = 1.96
"""Standard errors of a difference that chance exceeds in one of twenty cases."""

GROUPS = 100
"""Number of groups of the jackknife that estimates the standard error."""


class Fitted(Struct, frozen=True):
    """The decisions for one candidate, fitted to validation records.

    Attributes:
        decision: How its scores become answers.
        weight: Of a blend, the weight of the other.
        temperatures: Of a blend, those of both.
    """

    decision: AnswerRule
    weight: str = ""
    temperatures: tuple[str, str] = ("1.000", "1.000")


class Tried(Struct, frozen=True):
    """A candidate after its training.

    Attributes:
        candidate: Its name; of a blend ``blend``.
        score: The task's metric of :attr:`answers`.
        fitted: What the whole validation data decide of it.
        answers: Its answers to the validation data, each by what other records decided.
        other: Of a blend, the name of the other model.
        by: What it was measured by: ``folds`` or ``validation``.
        rows: By folds, what its answers are about (:meth:`FoldedRecords.rows` of ``folds``).
        difference: By folds, how much better it is than the one that was taken; less than 0: worse.
        error: How far chance moves that; infinity: nothing is known of it.
    """

    candidate: str
    score: float
    fitted: Fitted
    answers: Flags
    other: str = ""
    by: str = BY_VALIDATION
    rows: NDArray[np.intp] = msgspec.field(default_factory=lambda: np.zeros(0, np.intp))
    difference: float | None = None
    error: float = float("inf")

    @property
    def name(self) -> str:
        """Its name for people."""
        return f"{self.candidate} with {self.other}" if self.other else self.candidate


def weigh(task_name: str, logits: Mapping[str, Scores], expected: Flags) -> list[Tried]:
    """Return every candidate with its metric, and the blends of word counts with each other one.

    Args:
        task_name: The task.
        logits: Candidate → its logits of the validation data.
        expected: Which labels its records have.
    """
    task = labelling_rules(task_name)
    return [
        _try(task, names, [logits[name] for name in names], expected)
        for names in compared_names(logits)
    ]


def compared_names(trained: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the models of each candidate: each alone, then word counts with each other one.

    Args:
        trained: Names of the models, in their order.
    """
    each = list(trained)
    found: list[tuple[str, ...]] = [(name,) for name in each]
    if "tfidf" in each:
        found += [("tfidf", name) for name in each if name != "tfidf"]
    return found


def choose(task_name: str, tried: Sequence[Tried], expected: Flags) -> tuple[Tried, str]:
    """Return the cheapest candidate that is not shown to be worse than the best, and the reason.

    It is shown where the difference is more than :data:`MARGIN` of its standard errors. Both
    answered the same records, so chance moves the difference less than either metric.

    Args:
        task_name: The task.
        tried: What :func:`weigh` found.
        expected: Which labels the records of the validation data have.
    """
    task = labelling_rules(task_name)
    ranked = sorted(tried, key=lambda one: (-one.score, ORDER.index(one.candidate)))
    best = ranked[0]
    chance = [MARGIN * standard_error(task, expected, best.answers, one.answers) for one in ranked]
    fine = [
        (one, moved)
        for one, moved in zip(ranked, chance, strict=True)
        if one is best or best.score - one.score <= moved
    ]
    taken, moved = min(fine, key=lambda one: (ORDER.index(one[0].candidate), -one[0].score))
    reason = f"{taken.name}: {task.metric} {taken.score:.4f} on validation"
    if taken is not best:
        reason += (
            f"; {best.name} reached {best.score:.4f}, but chance alone moves their difference "
            f"by {moved:.4f}, so the cheaper one is taken"
        )
    elif len(ranked) > 1:
        reason += f"; next is {ranked[1].name} at {ranked[1].score:.4f}"
    return taken, reason


def describe_choice(
    metric: str,
    tried: Sequence[Tried],
    taken: Tried,
    reason: str,
    formats: Mapping[str, str],
    settings: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """Return the member ``chosen`` of a checkpoint.

    Args:
        metric: The metric that decided.
        tried: What was tried.
        taken: What was taken.
        reason: Why.
        formats: Candidate → the format that its run says of it.
        settings: Candidate → what its worker chose, and nobody can compute again.
    """
    by_folds = any(one.by == BY_FOLDS for one in tried)
    return {
        "metric": metric,
        "reason": reason,
        **({"method": BY_FOLDS} if by_folds else {}),
        "candidates": [
            {
                "format": formats[one.candidate],
                "metrics": {metric: f"{one.score:.4f}"},
                "taken": one is taken,
                **(_of_folds(one) if by_folds else {}),
                **({"settings": dict(held)} if (held := settings.get(one.candidate)) else {}),
            }
            for one in tried
        ],
    }


def _of_folds(one: Tried) -> dict[str, Any]:
    """Return the statement about a candidate when some candidates were compared by folds."""
    found: dict[str, Any] = {"by": one.by}
    if one.other:
        found["other"] = one.other
    if one.difference is not None:
        found["difference"] = {"value": f"{round(one.difference, 4) + 0.0:.4f}"}  # never -0
        if np.isfinite(one.error):  # else nothing is known of chance
            found["difference"]["standardError"] = f"{one.error:.4f}"
    return found


def standard_error(task: LabellingRules, expected: Flags, first: Flags, second: Flags) -> float:
    """Return the standard error of the difference of two metrics by a delete-a-group jackknife.

    Groups are the records of the same place modulo :data:`GROUPS`. Without a second record nothing
    is known of chance, and the answer is infinity.

    Args:
        task: Whose metric it is.
        expected: Which labels records have: records × labels.
        first: What one model answers.
        second: What the other answers.
    """
    count = min(GROUPS, len(expected))
    if count < 2:
        return float("inf")
    group = np.arange(len(expected)) % count
    without = []
    for number in range(count):
        kept = group != number
        without.append(
            task.score(expected[kept], first[kept]) - task.score(expected[kept], second[kept])
        )
    return float(np.sqrt((count - 1) * np.var(without)))


def _try(
    task: LabellingRules, names: tuple[str, ...], parts: Sequence[Scores], expected: Flags
) -> Tried:
    fold = np.arange(len(expected)) % FOLDS
    answers = np.zeros_like(expected)
    whole = _fit(task, parts, expected)
    for number in range(min(FOLDS, len(expected))):
        out = fold == number
        # One record alone has no others that could decide of it.
        fitted = whole if out.all() else _fit(task, [one[~out] for one in parts], expected[~out])
        answers[out] = answer(task, fitted, [one[out] for one in parts])
    name, other = BLEND if names[1:] else names[0], "".join(names[1:])
    return Tried(name, task.score(expected, answers), whole, answers, other)


def _fit(task: LabellingRules, parts: Sequence[Scores], expected: Flags) -> Fitted:
    """Return the decisions for one model, or a blend of two, fitted to some records."""
    if len(parts) == 1:
        return Fitted(task.decide(parts[0], expected))
    rules = [task.decide(one, expected).to_json()["temperature"] for one in parts]
    temperatures = (rules[0], rules[1])
    weight, blended = find_weight(task, parts, temperatures, expected)
    return Fitted(task.decide(task.logits(blended), expected), weight, temperatures)


def answer(task: LabellingRules, fitted: Fitted, parts: Sequence[Scores]) -> Flags:
    """Return the labels that a model, or the blend of two, gives.

    Args:
        task: The task.
        fitted: What other records decided of it.
        parts: The logits of the one, or of word counts and the other.
    """
    logits = parts[0]
    if fitted.weight:
        likely = _likely(task, parts, fitted.temperatures)
        logits = task.logits(_blend(likely, fitted.weight))
    return task.given(task.probabilities(logits, fitted.decision.temperature), fitted.decision)


def find_weight(
    task: LabellingRules, parts: Sequence[Scores], temperatures: tuple[str, str], expected: Flags
) -> tuple[str, Scores]:
    """Return the weight with the least log loss, the smallest of equal ones, and the probabilities.

    Args:
        task: The task.
        parts: The logits of word counts, and of the other model.
        temperatures: Of both.
        expected: Which labels the records have.
    """
    likely = _likely(task, parts, temperatures)
    weight = min(WEIGHTS, key=lambda one: task.loss(_blend(likely, one), expected))
    return weight, _blend(likely, weight)


def _likely(
    task: LabellingRules, parts: Sequence[Scores], temperatures: tuple[str, str]
) -> list[Scores]:
    return [
        task.probabilities(one, float(temperature))
        for one, temperature in zip(parts, temperatures, strict=True)
    ]


def _blend(likely: Sequence[Scores], weight: str) -> Scores:
    return (1 - float(weight)) * likely[0] + float(weight) * likely[1]
