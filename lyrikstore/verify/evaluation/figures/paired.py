"""Paired comparison of two evaluations of the same records (spec §13.16.3)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec.structs import replace

from lyrikstore.verify.evaluation.answers import Answers, Pairs, Predictions
from lyrikstore.verify.evaluation.evidence import OtherEvaluation
from lyrikstore.verify.evaluation.figures.measures import measure, metrics_of, verdict


def pairing_fault(own: Predictions, other: Predictions) -> str:
    """Return why two evaluations are not of the same records, or an empty text if they are."""
    if own.head.task != other.head.task:
        return "their tasks are not the same"
    if not (own.head.labelled and other.head.labelled):
        return "of one nobody knows what is right"
    if len(own) != len(other):
        return "they are of other records"
    names = own.head.labels, other.head.labels
    sides = (
        [(int(at), labels[number]) for at, number in zip(one.records, one.numbers, strict=True)]
        for one, labels in zip((own.expected, other.expected), names, strict=True)
    )
    mine, theirs = map(sorted, sides)
    return "" if mine == theirs else "their records have other labels"


def against_body(own: Predictions, other: OtherEvaluation, *, seed: int) -> Mapping[str, Any]:
    """Return the member ``against`` of an evaluation.

    Args:
        own: Its answers.
        other: The evaluation to compare with; see :func:`pairing_fault`.
        seed: Seed of the resampling.

    Cost: 1,000 resamples of all records.
    """
    labels = [*own.head.labels]
    labels += [one for one in other.predictions.head.labels if one not in set(labels)]
    numbers = {label: number for number, label in enumerate(labels)}
    known = np.asarray([numbers[one] for one in other.predictions.head.labels], np.int64)
    joined = replace(own, head=replace(own.head, labels=tuple(labels)))
    answers = [own.answers[0], _renumbered(other.predictions.answers[0], known)]
    measured = measure(joined, answers, seed=seed)
    found = []
    for name, column in list(metrics_of(joined).items())[:2]:
        difference = measured.difference(1, column)
        found.append(
            {
                "metric": name,
                "other": measured.interval(1, column),
                "difference": difference,
                "verdict": verdict(difference),
            }
        )
    return {"name": other.name, "given": other.given, "comparisons": found}


def _renumbered(answers: Answers, numbers: Any) -> Answers:
    """Return the given labels with the label numbers of the other evaluation."""
    records, given = answers.given.records, numbers[answers.given.numbers]
    order = np.lexsort((given, records))
    return replace(answers, given=Pairs(records[order], given[order]), scores=answers.scores[order])
