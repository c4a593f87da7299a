"""Training, evaluation and prediction as statements that can be verified.

* Run: announced in the log before its first step.
* Candidate: one kind of model that a run tries, such as ``tfidf`` or ``lora``.
* Checkpoint: the sealed files of a trained model.
* Worker: the child process that trains; it gets a private folder, a cleaned environment and no
  access to the store.
* Task: what a record holds and what a model answers.

The functions here run in the caller's process and never import a machine-learning library; workers
(``lyrikstore.train.worker.main``) do. Imports ``curate`` and what lies below it.

Example:
    >>> from lyrikstore.train import TrainConfig
    >>> data = {"train": "acme/a", "validation": "acme/b", "label": "topic"}
    >>> config = {"purpose": "train", "name": "checkpoints/acme/clauses", "data": data}
    >>> TrainConfig.from_json({**config, "model": {"base": "linear"}}).run_name
    'runs/acme/clauses'
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
