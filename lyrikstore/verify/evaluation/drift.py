"""Drift: the distance of data from after a run to its test set (spec §13.9.11)."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

import numpy as np

from lyrikstore.verify.evaluation.answers import WHOLE, Flags, Predictions
from lyrikstore.verify.evaluation.body import evaluation_body, is_met
from lyrikstore.verify.evaluation.figures.measures import (
    Resampled,
    decimal,
    expected_labels,
    measure,
    metrics_of,
    ratio,
    verdict,
)
from lyrikstore.verify.evaluation.limits import (
    FEWEST,
    MEASURED,
    MEASURED_UNLIKE,
    MEMBERS,
    beyond_limits,
)

OK, DRIFTED, INSUFFICIENT, HISTORY = "ok", "drift", "insufficient", "history"

BINS = 10
"""Bins of labels and of lengths."""

MACRO = "macroF1"
"""The metric that is a mean over labels."""

RELEASE = "release"
"""Names for the reference's figures when a monitoring result's are compared with them."""

_EXACT = Context(prec=50)


def monitor_body(
    predictions: Predictions,
    reference: Predictions,
    *,
    seed: int,
    costs: Mapping[str, Any] | None = None,
    thresholds: Sequence[Mapping[str, Any]] = (),
    field_of_groups: str | None = None,
    measured: Mapping[str, str],
    occurring: bool = True,
    backfill: bool = False,
    unlike: bool = False,
) -> dict[str, Any]:
    """Return every member of a monitoring result that follows from new and old predictions.

    Args:
        predictions: The model's answers about the new data.
        reference: The predictions of the evaluation to compare with.
        seed: The seed of the run, used for the resampling.
        costs: The costs of mistakes, if the new data has labels.
        thresholds: ``thresholds`` of the run.
        field_of_groups: The field of the groups that the predictions number, or None.
        measured: ``lengths``, ``newTokenShare`` and ``newTokenShift``, as far as they are known;
        without one of them the verdict is never ``ok``.
        occurring: Whether macro-F1 is the mean over the labels that records have, compared over the
        labels that both data sets have; False, as in early monitoring: over all expected or
        given labels.
        backfill: Whether the data is from before the run: then no verdict is given.
        unlike: Whether the model detects texts unlike its training data: then ``measured`` also
        has ``unlikeShare`` and ``unlikeShift``.

    Returns:
        ``count``, ``task``, ``predictions``, ``model``, ``drift``; ``thresholds`` if there are any;
        and for data with labels the members of :func:`evaluation_body`, with ``comparisons`` of
        the new figures with those of the reference.

    Raises:
        InvalidInputError: As :func:`evaluation_body`.
    """
    if backfill:
        thresholds = ()
    if predictions.head.labelled:
        body = evaluation_body(
            predictions,
            seed=seed,
            costs=costs,
            thresholds=thresholds,
            field_of_groups=field_of_groups,
            occurring=occurring,
        )
        body["comparisons"] = _since_release(predictions, reference, seed, occurring=occurring)
    else:
        body = {
            "count": len(predictions),
            "task": predictions.head.task,
            "predictions": {"format": predictions.head.format, "count": len(predictions)},
            "model": {},
        }
    drift: dict[str, Any] = {
        "labels": label_drift(predictions, reference),
        "confidenceShift": decimal(_confidence(predictions) - _confidence(reference)),
        **measured,
        "referenceCount": len(reference),
    }
    # ATTACK: what is not measured has not moved: a right that is revoked hides any drift.
    wanted = (*MEASURED, *(MEASURED_UNLIKE if unlike else ()))
    if unjudged := [name for name in wanted if name not in drift]:
        drift["unjudged"] = unjudged
    judged = [_judged(one, drift) for one in thresholds if MEMBERS.get(one["metric"]) in drift]
    if judged:
        body["thresholds"] = [*body.get("thresholds", ()), *judged]
    body["drift"] = drift
    enough = not unjudged and min(len(predictions), len(reference)) >= FEWEST
    said = DRIFTED if beyond_limits(body) else OK if enough else INSUFFICIENT
    if backfill:
        said = HISTORY
    body["drift"] = {**drift, "verdict": said}
    return body


def label_drift(predictions: Predictions, reference: Predictions) -> str:
    """Return the population stability index of the labels that the model gives."""
    counts = []
    known = min(len(predictions.head.labels), len(reference.head.labels))
    for one in (reference, predictions):
        given = one.answers[0].given
        counts.append(np.bincount(given.numbers, minlength=known)[:known])
    order = np.argsort(-counts[0], kind="stable")
    apart = order if known <= BINS else order[: BINS - 1]
    found = []
    for one, count in zip((reference, predictions), counts, strict=True):
        bins = count[apart].tolist()
        if known > BINS:
            bins.append(int(count.sum() - count[apart].sum()))
        if one.several:
            bins.append(len(one) - len(np.unique(one.answers[0].given.records)))
        found.append(bins)
    return stability_index(*found)


def length_drift(new: Sequence[int], old: Sequence[int]) -> str:
    """Return the population stability index of lengths, in the bins of the old lengths.

    Args:
        new: Lengths of the new texts, in bytes.
        old: Lengths of the texts of the reference; at least one.
    """
    ordered = sorted(old)
    edges = sorted({ordered[len(ordered) * tenth // BINS] for tenth in range(1, BINS)})
    found = []
    for lengths in (old, new):
        bins = [0] * (len(edges) + 1)
        for length in lengths:
            bins[bisect_right(edges, length)] += 1
        found.append(bins)
    return stability_index(*found)


def share_of(some: int, all_of: int) -> str:
    """Return a share of words or of texts in the form of ``drift``."""
    return decimal(ratio(some, all_of))


def shift(now: str, before: str) -> str:
    """Return the increase of a figure since the reference."""
    return f"{Decimal(now) - Decimal(before) + Decimal('0.0000'):.4f}"


def stability_index(old: Sequence[int], new: Sequence[int]) -> str:
    """Return the population stability index of counts in the same bins, with four decimals.

    Half a record is added to each bin, so that an empty bin does not make the index infinite. The
    index expected for two samples of the same data, which is large for small samples, is
    subtracted.
    """
    totals = [2 * sum(counts) + len(old) for counts in (old, new)]
    index = Decimal(0)
    for pair in zip(old, new, strict=True):
        before, now = (
            _EXACT.divide(Decimal(2 * count + 1), Decimal(total))
            for count, total in zip(pair, totals, strict=True)
        )
        logarithm = _EXACT.subtract(_EXACT.ln(now), _EXACT.ln(before))
        index = _EXACT.add(index, _EXACT.multiply(_EXACT.subtract(now, before), logarithm))
    used = sum(before + now > 0 for before, now in zip(old, new, strict=True))
    for counts in (old, new):
        size = Decimal(max(1, sum(counts)))
        index = _EXACT.subtract(index, _EXACT.divide(Decimal(max(0, used - 1)), size))
    index = max(index, Decimal(0))
    return f"{index.quantize(Decimal('0.0001'), context=_EXACT):f}"


def _confidence(predictions: Predictions) -> int:
    sure = int(predictions.answers[0].confidence.sum())
    return ratio(sure, len(predictions) * WHOLE)


def _since_release(
    predictions: Predictions, reference: Predictions, seed: int, *, occurring: bool
) -> list[dict[str, Any]]:
    sides = (predictions, reference)
    now, then = (measure(one, one.answers[:1], seed=seed) for one in sides)
    found = []
    for name, column in list(metrics_of(predictions).items())[:2]:
        more: dict[str, Any] = {}
        difference = _difference(now, then, column)
        if occurring and name == MACRO:
            # ATTACK A128: a month has few of the labels, and a mean over others is a false alarm.
            labels, chosen = _of_both(sides)
            likes = [
                measure(one, one.answers[:1], seed=seed, chosen=records, macro=macro)
                for one, records, macro in zip(sides, chosen, labels, strict=True)
            ]
            difference = _difference(likes[0], likes[1], column)
            counts = [int(one.sum()) for one in (labels[0], *chosen)]
            more["over"] = dict(zip(("labels", "records", "referenceRecords"), counts, strict=True))
        found.append(
            {
                "baseline": RELEASE,
                "metric": name,
                "difference": difference,
                "verdict": verdict(difference),
                **more,
            }
        )
    return found


def _of_both(sides: Sequence[Predictions]) -> tuple[list[Flags], list[Flags]]:
    """Return for each side the labels of common records, and which records are compared.

    The compared records are those with a common label, and those without any label.
    """
    had = [{one.head.labels[at] for at in np.flatnonzero(expected_labels(one))} for one in sides]
    labels, chosen = [], []
    for one in sides:
        macro = np.array([name in had[0] & had[1] for name in one.head.labels], bool)
        records = np.ones(len(one), bool)
        records[one.expected.records] = False
        records[one.expected.records[macro[one.expected.numbers]]] = True
        labels.append(macro)
        chosen.append(records)
    return labels, chosen


def _difference(now: Resampled, then: Resampled, column: int) -> dict[str, str]:
    values = [one.values[0] for one in (now, then)]
    apart = [new - old for new, old in zip(*values, strict=True)]
    resampled = None
    if now.resampled is not None and then.resampled is not None:
        # Other records were drawn; taken in the other order, no draw of one goes with its like.
        resampled = now.resampled - then.resampled[::-1]
    return Resampled((), [apart], resampled).interval(0, column)


def _judged(threshold: Mapping[str, Any], drift: Mapping[str, Any]) -> dict[str, Any]:
    value = drift[MEMBERS[threshold["metric"]]]
    return {**threshold, "value": value, "met": is_met(threshold, value)}
