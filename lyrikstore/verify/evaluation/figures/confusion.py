"""Confusion of labels: a table of the most frequent ones, from predictions."""

from typing import Any

import numpy as np

from lyrikstore.verify.evaluation.answers import Predictions

MAX_LABELS = 12
"""Most labels of the table; all others share one row and one column."""


def confusion(predictions: Predictions) -> dict[str, Any] | None:
    """Return, for each right label, the number of times each label was answered.

    Args:
        predictions: The answers.

    Returns:
        ``labels``, those with the most records first, and ``counts``: a row for each right label, a
        column for each label that the model gave, and one more row and column for all other labels,
        if any. None if a record may have several labels, as no answer then belongs to one label.
    """
    if predictions.several:
        return None
    right, said = predictions.expected.numbers, predictions.answers[0].given.numbers
    size = len(predictions.head.labels)
    sizes = np.bincount(right, minlength=size) * (size + 1) + np.bincount(said, minlength=size)
    order = np.argsort(-sizes, kind="stable")
    used = [int(one) for one in order if sizes[one]]
    shown = used[:MAX_LABELS] if len(used) > MAX_LABELS + 1 else used
    places = np.full(size, len(shown))
    places[shown] = np.arange(len(shown))
    width = len(shown) + (len(shown) < len(used))
    counts = np.zeros((width, width), np.int64)
    np.add.at(counts, (places[right], places[said]), 1)
    return {
        "labels": [predictions.head.labels[one] for one in shown],
        "counts": counts.tolist(),
    }
