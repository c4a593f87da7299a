"""Linear models: one row of weights a label, balanced, for one label a record or several."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyrikstore.verify.evaluation.choice.task import labelling_rules

NEVER = -30.0
"""Bias of a label that no record has."""

_ITERATIONS = 500

Weights = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Weights, labels × features; and a bias for each label."""


def fit_linear(task: str, features: Any, wanted: NDArray[np.bool_], strength: float) -> Weights:
    """Return the logistic regression that fits some records.

    Args:
        task: Where a record may have several labels, each is fitted by itself; else one of all.
        features: Records × features, dense or sparse.
        wanted: Records × labels.
        strength: C, the inverse of the regularisation.
    """
    labels = wanted.shape[1]
    weight, bias = np.zeros((labels, features.shape[1])), np.full(labels, NEVER)
    if labelling_rules(task).several:
        for at in range(labels):
            if wanted[:, at].all():
                bias[at] = -NEVER
            elif wanted[:, at].any():
                model = _regression(strength).fit(features, wanted[:, at])
                weight[at], bias[at] = model.coef_[0], model.intercept_[0]
        return weight, bias
    classes = wanted.argmax(1)
    known = np.unique(classes)
    bias[known] = 0.0
    if len(known) > 1:
        model = _regression(strength).fit(features, classes)
        rows = known[1:] if len(known) == 2 else known  # of two, one row: the second
        weight[rows], bias[rows] = model.coef_, model.intercept_
    return weight, bias


def _regression(strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression  # slow to load: only where one is fitted

    return LogisticRegression(
        C=strength, max_iter=_ITERATIONS, class_weight="balanced", random_state=0
    )
