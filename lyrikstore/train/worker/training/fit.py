"""Training of one candidate. Runs in a worker; reads a staged snapshot, writes a staged checkpoint.

Deterministic on one machine: order by :mod:`lyrikstore.train.worker.order`, one seed,
deterministic algorithms, a fixed number of threads (spec §13.3).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lyrikstore.train.task import find_task
from lyrikstore.train.worker.examples import read_examples, targets
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.unlike import fit_unlike
from lyrikstore.train.worker.staging import TRAIN, VALIDATION
from lyrikstore.train.worker.training.checkpoint_writer import JobClocks, Report, WrittenCheckpoints
from lyrikstore.train.worker.training.folds import cross_validate, read_folds
from lyrikstore.train.worker.training.linear_candidates import open_cheap
from lyrikstore.verify.evaluation.choice.task import labelling_rules
from lyrikstore.verify.evaluation.choice.validation import validation_metrics
from lyrikstore.verify.store.statements.segments import CANDIDATES_WITH_STEPS


def train(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Train one candidate; write its checkpoint, and its predictions of the validation data.

    Args:
        job: ``candidate``, ``task``, ``config`` as a run manifest holds it, ``precision``, and what
            the task adds: ``labels``, or the prompt settings of a generative model. For a candidate
            that is compared by folds also ``folds``, the fold of each record
            (:func:`read_folds`), and ``refit``, whether it is then trained on the validation
            data, too.
        files: The staging folder: ``base/`` where the candidate has one, ``train.jsonl``,
            ``validation.jsonl``.
        report: Called per step, and per epoch.

    Returns:
        ``checkpoints``, each with ``folder``, ``logits`` (a file of float64, validation records ×
        labels) or ``outOfFold`` (of float32, repeats × records × labels) and ``settings``,
        ``step``, ``epoch``, ``final`` and ``metrics``; the last one is final. ``rareWords``:
        whether the model has words of a single record, because no word occurs in two.
    """
    candidate = str(job["candidate"])
    written = WrittenCheckpoints(files.folder / "out" / candidate, JobClocks())
    rare = False
    if candidate in CANDIDATES_WITH_STEPS:
        from lyrikstore.train.worker.training.loop import train_epochs

        learner = find_task(job["task"]).open_learner(job, files)
        train_epochs(job, files, learner, written, report)
    else:
        rare = _fit(job, files, written, report)
    return {"checkpoints": written.checkpoints, "rareWords": rare}


def _fit(
    job: Mapping[str, Any], files: StagedFiles, written: WrittenCheckpoints, report: Report
) -> bool:
    """Fit a model with labels without steps; return whether it has words of a single record."""
    labels, rules = list(job["labels"]), labelling_rules(str(job["task"]))
    parts = read_examples(files, TRAIN), read_examples(files, VALIDATION)
    cheap = open_cheap(job, files, parts, report)
    learned, checked = len(parts[0]), np.arange(len(parts[0]), sum(map(len, parts)))
    if "folds" not in job:
        fitted = cheap.fit(np.arange(learned), cheap.strength)
        logits, values = cheap.measure(fitted, checked)
        written.add(
            fitted.model,
            logits,
            final=True,
            metrics=validation_metrics(rules.name, logits, targets(parts[1], labels)),
            unlike=None if values is None else fit_unlike(values, fitted.distances),
        )
        return fitted.rare
    expected = np.concatenate([targets(some, labels) for some in parts])
    folds = read_folds(job["folds"])
    found = cross_validate(
        cheap.fold, rules, expected, folds, cheap.grid, lambda *at: report("folds", *at)
    )
    rows = np.arange(len(expected)) if job["refit"] else np.arange(learned)
    fitted = cheap.fit(rows, found.strength)
    # Out of fold: to the records that a model learned from, all are alike.
    unlike = None
    if found.unlike is not None and (fitted.distances or job["candidate"] == "tfidf"):
        unlike = fit_unlike(found.unlike, fitted.distances)
    written.add(
        fitted.model,
        None,
        final=True,
        out_of_fold=found.logits,
        settings={"C": f"{found.strength:g}"},
        unlike=unlike,
    )
    return fitted.rare
