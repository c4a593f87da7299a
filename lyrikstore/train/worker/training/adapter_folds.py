"""Cross-validation of a candidate that is trained by steps (spec §13.2.2)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lyrikstore.train.worker.errors import diverged
from lyrikstore.train.worker.examples import read_examples
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.encoder import prepare
from lyrikstore.train.worker.staging import TRAIN, VALIDATION
from lyrikstore.train.worker.training.checkpoint_writer import JobClocks, Report
from lyrikstore.train.worker.training.encoder_training import EncoderLearner
from lyrikstore.train.worker.training.folds import read_folds


def train_folds(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Predict each record with a model that was trained on the other folds, and write the logits.

    All epochs are trained, and the last one predicts: choosing the best epoch would need the labels
    of the fold that is predicted.

    Args:
        job: As for :func:`lyrikstore.train.worker.training.fit.train`; only the first repeat of
        ``folds`` is used.
        files: The staging folder.
        report: Called per step.

    Returns:
        ``outOfFold``, a file of float32, records × labels; and ``metrics``, the cost.
    """
    began, training = JobClocks(), job["config"]["training"]
    pool = [*read_examples(files, TRAIN), *read_examples(files, VALIDATION)]
    folds = read_folds(job["folds"])[0]
    numbers = np.unique(folds).tolist()
    found = np.zeros((len(pool), len(job["labels"])), np.float32)
    for at, fold in enumerate(numbers):
        out = np.flatnonzero(folds == fold)
        prepare(training["threads"], training["seed"])
        learned = [pool[place] for place in np.flatnonzero(folds != fold)]
        learner = EncoderLearner(job, files, learned, [pool[place] for place in out])
        for epoch in range(int(training["epochs"])):
            for batch in learner.batches(epoch):
                learner.learn(batch)
                done = at * learner.steps + learner.step
                report("step", done, len(numbers) * learner.steps)
        logits = learner.validate().output
        if not np.isfinite(logits).all():
            raise diverged(f"the predictions of fold {fold + 1} are not finite", learner.rate)
        found[out] = logits
    path = files.folder / "out" / f"{job['candidate']}.folds"
    path.parent.mkdir(exist_ok=True, mode=0o700)
    path.write_bytes(found.astype("<f4").tobytes())
    return {"outOfFold": f"out/{path.name}", "metrics": began.figures()}
