"""Figures about predictions, with their uncertainty (spec §13.7).

Needs numpy; imported by workers only. Every decimal leaves as text, because it will be signed.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = "0.95"
RESAMPLES = 1000


def confusion(expected: Sequence[int], predicted: Sequence[int], classes: int) -> NDArray[np.int64]:
    """Return counts: row = expected class, column = predicted class."""
    pairs = np.asarray(expected, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    counts = np.bincount(pairs, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def accuracy(table: NDArray[np.int64]) -> float:
    """Return the share of right predictions."""
    return float(np.trace(table) / max(1, int(table.sum())))


def macro_f1(table: NDArray[np.int64]) -> float:
    """Return the mean F1 over the classes that occur as expected or predicted; 0/0 counts as 0."""
    hits = np.diag(table)
    seen = table.sum(0) + table.sum(1)
    present = seen > 0
    return float((2 * hits[present] / seen[present]).mean()) if present.any() else 0.0


def summarise(
    expected: Sequence[int], predicted: Sequence[int], labels: Sequence[str], *, seed: int
) -> dict[str, Any]:
    """Return accuracy and macro-F1 with 95% intervals, and figures per label.

    Intervals are percentile bootstrap over records. Records that share a source are not
    independent, so the true uncertainty is wider; the spec says so.

    Args:
        expected: Class numbers.
        predicted: Class numbers, as many.
        labels: Class number → label.
        seed: Of the resampling.

    Cost: 1000 resamples, about 0.1 s for 1,000 records.
    """
    classes = len(labels)
    table = confusion(expected, predicted, classes)
    count = len(expected)
    pairs = np.asarray(expected, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    random = np.random.Generator(np.random.PCG64(seed))
    accuracies, scores = [], []
    for _ in range(RESAMPLES):
        drawn = pairs[random.integers(0, count, count)]
        again = np.bincount(drawn, minlength=classes * classes).reshape(classes, classes)
        accuracies.append(accuracy(again))
        scores.append(macro_f1(again))
    return {
        "accuracy": _interval(accuracy(table), accuracies),
        "macroF1": _interval(macro_f1(table), scores),
        "perClass": {label: _per_class(table, number) for number, label in enumerate(labels)},
    }


def latency(milliseconds: Sequence[float]) -> dict[str, Any]:
    """Return the median and the 95th percentile of single-record times, nearest rank."""
    ordered = sorted(milliseconds)

    def rank(share: float) -> str:
        return decimal(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2)

    return {"p50": rank(0.5), "p95": rank(0.95), "n": len(ordered)}


def decimal(value: float, digits: int = 4) -> str:
    """Return a number as decimal text with a fixed number of digits, never ``-0``."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _interval(value: float, resampled: Sequence[float]) -> dict[str, str]:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return {"value": decimal(value), "low": decimal(float(low)), "high": decimal(float(high))}


def _per_class(table: NDArray[np.int64], number: int) -> dict[str, Any]:
    hits = int(table[number, number])
    predicted, support = int(table[:, number].sum()), int(table[number].sum())
    return {
        "precision": decimal(hits / predicted if predicted else 0.0),
        "recall": decimal(hits / support if support else 0.0),
        "f1": decimal(2 * hits / (predicted + support) if predicted + support else 0.0),
        "support": support,
    }
