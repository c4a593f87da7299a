"""Linear models: one row of weights a label, balanced, for one label a record or several."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lyrikstore.verify.evaluation.choice.task import labelling_rules

NEVER = -30.0
"""Bias of a label that no record has."""

_ITERATIONS = 500

_FEW_ITERATIONS, _LARGE = 20, 20_000_000
"""Iterations where labels times values of sparse features are more: more gain nothing there."""

Weights = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Weights, labels × features; and a bias for each label."""


def fit_linear(task: str, features: Any, wanted: NDArray[np.bool_], strength: float) -> Weights:
    """Return the logistic regression that fits some records.

    In single precision where the features are, which takes half as long.

    Args:
        task: Where a record may have several labels, each is fitted by itself; else one of all.
        features: Records × features, dense or sparse.
        wanted: Records × labels.
        strength: C, the inverse of the regularisation.
    """
    labels = wanted.shape[1]
    weight, bias = np.zeros((labels, features.shape[1])), np.full(labels, NEVER)
    iterations = _ITERATIONS
    if (
        sparse.issparse(features)
        and features.dtype == np.float32
        and features.nnz * labels > _LARGE
    ):
        iterations = _FEW_ITERATIONS
    if labelling_rules(task).several:
        for at in range(labels):
            if wanted[:, at].all():
                bias[at] = -NEVER
            elif wanted[:, at].any():
                model = _regression(strength, iterations, features, wanted[:, at])
                weight[at], bias[at] = model.coef_[0], model.intercept_[0]
        return weight, bias
    classes = wanted.argmax(1)
    known = np.unique(classes)
    bias[known] = 0.0
    if len(known) > 1:
        model = _regression(strength, iterations, features, classes)
        rows = known[1:] if len(known) == 2 else known  # of two, one row: the second
        weight[rows], bias[rows] = model.coef_, model.intercept_
    return weight, bias


def _regression(strength: float, iterations: int, features: Any, wanted: NDArray[Any]) -> Any:
    from sklearn.linear_model import LogisticRegression  # slow to load: only where one is fitted
    from threadpoolctl import threadpool_limits  # which scikit-learn needs

    model = LogisticRegression(
        C=strength, max_iter=iterations, class_weight="balanced", random_state=0
    )
    # Where a verifier fits a baseline again no worker keeps OpenBLAS to one thread, and more of
    # them spin: many times the processor time, and other last digits than those that were signed.
    with threadpool_limits(limits=1, user_api="blas"):
        return model.fit(features, wanted)
