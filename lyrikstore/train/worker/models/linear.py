"""Balanced logistic regression, for one label a record or several."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lyrikstore.verify.evaluation.choice.task import labelling_rules

NEVER = -30.0
"""Bias of a label without training records."""

_ITERATIONS = 500

_FEW_ITERATIONS, _LARGE = 20, 20_000_000
"""Most iterations if labels × sparse feature values exceed the second number: on such large data
more iterations improve nothing."""

Weights = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Weights, labels × features; and the bias of each label."""


def fit_linear(task: str, features: Any, wanted: NDArray[np.bool_], strength: float) -> Weights:
    """Return the weights of a logistic regression, fitted to some records.

    It computes in the precision of the features; single precision takes half as long.

    Args:
        task: Name of the task; if a record may have several labels, each label is fitted
            separately.
        features: Records × features, dense or sparse.
        wanted: Records × labels.
        strength: C, the inverse of the regularisation strength.
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
