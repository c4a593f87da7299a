"""The members of an evaluation that follow from its predictions (spec §13.9).

Signing an evaluation, and computing it again, use this one function.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.canon.text import unknown_word
from lyrikstore.verify.evaluation.answers import WHOLE, Answers, Flags, Predictions, named
from lyrikstore.verify.evaluation.evidence import OtherEvaluation
from lyrikstore.verify.evaluation.figures.confidence import calibration, coverage
from lyrikstore.verify.evaluation.figures.costs import Costs
from lyrikstore.verify.evaluation.figures.measures import (
    BILLION,
    Resampled,
    decimal,
    expected_labels,
    measure,
    metrics_of,
    verdict,
)
from lyrikstore.verify.evaluation.figures.paired import against_body
from lyrikstore.verify.evaluation.figures.resample import LEVEL, RESAMPLES
from lyrikstore.verify.evaluation.limits import MEMBERS

WORST = 20
"""Most failures that an evaluation names."""


def evaluation_body(
    predictions: Predictions,
    *,
    seed: int,
    costs: Mapping[str, Any] | None = None,
    thresholds: Sequence[Mapping[str, Any]] = (),
    field_of_groups: str | None = None,
    majority: str | None = None,
    near: str | None = None,
    occurring: bool = False,
    floors: Sequence[str] = (),
    scored: bool = True,
    against: OtherEvaluation | None = None,
) -> dict[str, Any]:
    """Return every member of an evaluation's body that follows from the predictions.

    Args:
        predictions: The answers.
        seed: The seed of the run, used for the resampling.
        costs: The costs of mistakes, as ``costs`` of an evaluation.
        thresholds: ``thresholds`` of the run.
        field_of_groups: The field of the groups that the predictions number, or None.
        majority: The commonest label of the training data; None: it is not a baseline.
        near: The method that searched near duplicates; None: they were not searched.
        occurring: Whether macro-F1 is the mean over the labels that records have, as in monitoring:
        the data of a month has only some labels, and wrongly given labels do not count.
        floors: Further abstention limits for the coverage.
        scored: Whether the model's answers have confidences; else figures of confidence are
            omitted.
        against: The evaluation to compare with.

    Returns:
        ``count``, ``task``, ``predictions``, ``model``, ``confidence``, ``worst``, and if they are
        not empty ``baseline``, ``baselines``, ``majority``, ``comparisons``, ``slices``,
        ``thresholds``, ``costs``, ``coverageAt``, ``against`` and ``overlap`` with only ``near``.
        The signer adds the measured members.

    Raises:
        InvalidInputError: (``unknown-metric``, ``unknown-label``) a threshold is for a metric or
        label that these predictions lack, or ``majority`` is not one of their labels;
        (``groups-differ``) there are groups without a field, or a field without groups.

    Cost: 1,000 resamples of all records, and of the records in each slice.
    """
    if (predictions.groups is None) != (field_of_groups is None):
        raise InvalidInputError(
            "groups-differ",
            "the groups of records and the name of their field must be given together",
        )
    answers = [*predictions.answers]
    if majority is not None:
        answers.append(predictions.always(_label_number(predictions, majority)))
    macro = expected_labels(predictions) if occurring else None
    measured = measure(predictions, answers, seed=seed, macro=macro)
    priced = None if costs is None else Costs(costs)
    systems = [_system(predictions, measured, at, one, priced) for at, one in enumerate(answers)]
    for system, counts in zip(
        systems[: min(2, len(predictions.answers))], measured.counts, strict=False
    ):
        system["perClass"] = counts.per_label()
    right = measured.counts[0].right
    if scored:
        systems[0] |= {
            "calibration": calibration(predictions, answers[0], measured.counts[0]),
            "coverage": coverage(answers[0], right, floors),
        }
    body: dict[str, Any] = {
        "count": len(predictions),
        "task": predictions.head.task,
        "predictions": {"format": predictions.head.format, "count": len(predictions)},
        "model": systems[0],
        "confidence": _confidence(predictions, seed, field_of_groups),
        "worst": _worst(predictions, answers[0], right, scored=scored),
    }
    if majority is not None:
        body["majority"] = {"label": majority} | systems.pop()
    methods = [one.name for one in predictions.head.answerers]
    others = [{"method": name} | one for name, one in zip(methods, systems, strict=True)][1:]
    found = {
        "baseline": others[0] if others else None,
        "baselines": others[1:],
        "comparisons": _comparisons(predictions, measured, answers),
        "slices": _slices(predictions, seed, occurring=occurring),
        "thresholds": [
            _judged(one, body["model"]) for one in thresholds if one["metric"] not in MEMBERS
        ],
        "costs": dict(costs or {}),
        "coverageAt": list(floors),
        "against": {} if against is None else against_body(predictions, against, seed=seed),
        "overlap": {} if near is None else {"near": _near(predictions, seed, near)},
    }
    return body | {name: value for name, value in found.items() if value}


def _label_number(predictions: Predictions, label: str) -> int:
    labels = predictions.head.labels
    if label not in labels:
        raise unknown_word("unknown-label", "label of the predictions:", label, labels)
    return labels.index(label)


def _system(
    predictions: Predictions, measured: Resampled, at: int, answers: Answers, priced: Costs | None
) -> dict[str, Any]:
    found = _measures(predictions, measured, at)
    own: dict[str, Any] = {
        name: found.pop(name) for name in ("accuracy", "macroF1") if name in found
    }
    if found:
        own["measures"] = found
    if priced is not None:
        own["costPer1000"] = priced.per_1000(predictions, answers, measured.counts[at])
    return own


def _measures(predictions: Predictions, measured: Resampled, at: int = 0) -> dict[str, Any]:
    metrics = metrics_of(predictions)
    return {name: measured.interval(at, column) for name, column in metrics.items()}


def _confidence(predictions: Predictions, seed: int, field: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "method": "bootstrap",
        "level": LEVEL,
        "resamples": RESAMPLES,
        "seed": seed,
    }
    if predictions.groups is not None:
        found["groups"] = {"field": field, "count": int(predictions.groups.max()) + 1}
    return found


def _comparisons(
    predictions: Predictions, measured: Resampled, answers: Sequence[Answers]
) -> list[dict[str, Any]]:
    metrics = list(metrics_of(predictions).items())[:2]
    found = []
    for at, other in enumerate(answers[1:], start=1):
        for name, column in metrics:
            difference = measured.difference(at, column)
            found.append(
                {
                    "baseline": other.answerer.name,
                    "metric": name,
                    "difference": difference,
                    "verdict": verdict(difference),
                }
            )
    return found


def _slices(predictions: Predictions, seed: int, *, occurring: bool) -> list[dict[str, Any]]:
    found = []
    for number, (field, value) in enumerate(predictions.head.slices):
        chosen = np.zeros(len(predictions), bool)
        chosen[predictions.slices.records[predictions.slices.numbers == number]] = True
        macro = expected_labels(predictions, chosen) if occurring else None
        measured = measure(
            predictions, predictions.answers[:1], seed=seed, chosen=chosen, macro=macro
        )
        found.append(
            {
                "field": field,
                "value": value,
                "count": int(chosen.sum()),
                "measures": _measures(predictions, measured),
            }
        )
    return found


def _near(predictions: Predictions, seed: int, method: str) -> dict[str, Any]:
    found: dict[str, Any] = {"count": int(predictions.near.sum()), "method": method}
    if found["count"] < len(predictions):
        apart = ~predictions.near
        measured = measure(predictions, predictions.answers[:1], seed=seed, chosen=apart)
        found["without"] = _measures(predictions, measured)
    return found


def _judged(threshold: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    metric, label = threshold["metric"], threshold.get("label")
    if label is not None:
        known = model["perClass"]
        if label not in known:
            raise unknown_word("unknown-label", "label of a threshold:", label, known)
        figures = {name: known[label][name] for name in ("f1", "precision", "recall")}
    else:
        whole = {name: model.get(name) for name in ("accuracy", "macroF1")}
        figures = {
            name: one["value"] for name, one in (whole | model.get("measures", {})).items() if one
        }
        figures |= {
            name: model["calibration"][name] for name in ("brier", "ece") if "calibration" in model
        }
        if "costPer1000" in model:
            figures["costPer1000"] = model["costPer1000"]
    if metric not in figures:
        raise unknown_word("unknown-metric", "metric of a threshold:", metric, figures)
    value = figures[metric]
    return {**threshold, "value": value, "met": is_met(threshold, value)}


def is_met(threshold: Mapping[str, Any], value: str) -> bool:
    """Return whether a figure reaches a threshold; an equal figure does."""
    if "atLeast" in threshold:
        return Decimal(value) >= Decimal(threshold["atLeast"])
    return Decimal(value) <= Decimal(threshold["atMost"])


def _worst(
    predictions: Predictions, answers: Answers, right: Flags, *, scored: bool
) -> list[dict[str, Any]]:
    # Surest first: a confident mistake is the one to look at. Ties by what names the record, to be
    # repeatable.
    wrong = np.flatnonzero(~right)
    if len(wrong) > WORST:
        least = np.sort(answers.confidence[wrong])[-WORST]
        wrong = wrong[answers.confidence[wrong] >= least]
    order: list[tuple[int, Any, int]] = [
        (-int(answers.confidence[at]), predictions.record(int(at)), int(at)) for at in wrong
    ]
    return [
        {
            **named(record),
            "expected": _text(predictions, predictions.expected.of(at)),
            "predicted": _text(predictions, answers.given.of(at)),
            **({"probability": decimal(-sure * (BILLION // WHOLE))} if scored else {}),
        }
        for sure, record, at in sorted(order)[:WORST]
    ]


def _text(predictions: Predictions, numbers: Sequence[int]) -> str:
    """Return labels as one text; several labels as a canonical JSON list."""
    names = [predictions.head.labels[number] for number in numbers]
    return encode(names).decode() if predictions.several else names[0]
