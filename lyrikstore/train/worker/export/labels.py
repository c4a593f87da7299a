"""Predictions of deployed models with labels, as probabilities. Runs in a worker."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyrikstore.train.worker.examples import read_examples
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import timed
from lyrikstore.train.worker.staging import TEST
from lyrikstore.train.worker.training.checkpoint_writer import Report
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.task import labelling_rules

Answer = Callable[[str], tuple[NDArray[np.float64], float]]
"""Text → logits, and the distance to the training data; 0 where the folder does not measure it."""


def check_labels(named: Mapping[Any, str], job: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` unless a folder has the labels of its checkpoint.

    Raises:
        ValueError: The labels differ.
    """
    if [named[at] for at in sorted(named, key=int)] != job["labels"]:
        raise ValueError("its labels differ from those of the checkpoint")


def ask_labels(
    job: Mapping[str, Any], files: StagedFiles, answer: Answer, report: Report
) -> dict[str, Any]:
    """Answer the probe records with a deployed folder, each alone.

    Args:
        job: ``task``.
        files: The staging folder: ``test.jsonl``.
        answer: Function from a text to its answer.
        report: Called per record.

    Returns:
        ``scores``, a file of int32 millionths, records × labels; ``unlike``, a file of float64 with
        the distance of each record to the training data; and ``latencyMs``.
    """
    examples = read_examples(files, TEST)
    found, times = timed(examples, lambda one: answer(one.text), report)
    rows = np.asarray([logits for logits, _ in found], np.float64)
    probabilities = labelling_rules(job["task"]).probabilities(rows)
    if not np.isfinite(probabilities).all():
        probabilities = np.zeros_like(probabilities)
    out = files.folder / "out"
    out.mkdir(exist_ok=True, mode=0o700)
    millionths = np.rint(probabilities * WHOLE)
    np.ascontiguousarray(millionths, "<i4").tofile(out / "deployed.scores")
    np.asarray([value for _, value in found], "<f8").tofile(out / "deployed.unlike")
    return {"scores": "out/deployed.scores", "unlike": "out/deployed.unlike", "latencyMs": times}
