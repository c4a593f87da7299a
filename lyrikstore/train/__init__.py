"""Training, evaluation and prediction as statements that can be checked.

The functions here run in the caller's process and never import a machine-learning library; those
live in child processes (``lyrikstore.train.worker.main``) that see a private folder, a cleaned
environment and nothing of the store. Imports ``curate`` and what lies below it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lyrikstore.train.config import TrainConfig
    from lyrikstore.train.evaluation.evaluate import evaluate_checkpoint
    from lyrikstore.train.predict.predict import predict_file, predict_records
    from lyrikstore.train.predict.prediction import Prediction
    from lyrikstore.train.run import TrainResult, train_run

__all__ = [
    "Prediction",
    "TrainConfig",
    "TrainResult",
    "evaluate_checkpoint",
    "predict_file",
    "predict_records",
    "train_run",
]

_LAZY = {
    "TrainConfig": "lyrikstore.train.config",
    "evaluate_checkpoint": "lyrikstore.train.evaluation.evaluate",
    "Prediction": "lyrikstore.train.predict.prediction",
    "predict_file": "lyrikstore.train.predict.predict",
    "predict_records": "lyrikstore.train.predict.predict",
    "TrainResult": "lyrikstore.train.run",
    "train_run": "lyrikstore.train.run",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    from importlib import import_module

    if name not in _LAZY:
        raise AttributeError(f"module 'lyrikstore.train' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
