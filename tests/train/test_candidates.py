"""The choice between candidates: what is said of a blend is true of the blend."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from lyrikstore.train.candidates import _join
from lyrikstore.verify.evaluation.choice.choose import Fitted, Tried
from lyrikstore.verify.evaluation.choice.task import AnswerRule


def test_a_blend_is_signed_with_nothing_that_is_true_of_one_of_its_models(tmp_path) -> None:
    made: dict[str, Any] = {}
    for name, more in (("tfidf", {}), ("lora", {"trainLoss": "0.1", "trainableParameters": "9"})):
        (tmp_path / name).mkdir()
        figures = {"wallSeconds": "2.0", "cpuSeconds": "1.5", "peakMemoryBytes": "7"}
        metrics = {"validationAccuracy": "1.0000", **figures, **more}
        made[name] = [{"folder": name, "metrics": metrics}]
    (tmp_path / "out").mkdir()
    fitted = Fitted(AnswerRule(), weight="0.5")
    taken = Tried("blend", 0.9, fitted, np.zeros((1, 2), bool), other="lora")
    staging: Any = SimpleNamespace(path=tmp_path)
    joined = _join(staging, taken, made, "text-classification", ["a", "b"])
    assert joined["metrics"] == {"wallSeconds": "4.0", "cpuSeconds": "3.0", "peakMemoryBytes": "7"}
