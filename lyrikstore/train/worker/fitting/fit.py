"""Training of one candidate. Runs in a worker; reads a staged snapshot, writes a staged checkpoint.

Deterministic on one machine: order by :mod:`lyrikstore.train.worker.order`, one seed,
deterministic algorithms, a fixed number of threads (spec §13.3).
"""

from collections.abc import Mapping
from typing import Any

from lyrikstore.train.task import find_task
from lyrikstore.train.worker.examples import read_examples, targets
from lyrikstore.train.worker.fitting.written import Began, Report, Written
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.unlike import ClassDistances, fit_unlike
from lyrikstore.train.worker.staging import TRAIN, VALIDATION
from lyrikstore.verify.evaluation.choice.validation import validation_metrics
from lyrikstore.verify.store.statements.segments import CANDIDATES_WITH_STEPS


def train(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Train one candidate, write its checkpoint and what it says of the validation data.

    Args:
        job: ``candidate``, ``task``, ``config`` as a run manifest holds it, ``precision``, and what
            the task adds: ``labels``, or how a generative model is asked.
        files: The staging folder: ``base/`` where the candidate has one, ``train.jsonl``,
            ``validation.jsonl``.
        report: Called per step, and per epoch.

    Returns:
        ``checkpoints``, each with ``folder``, ``logits`` (a file of float64, records × labels),
        ``step``, ``epoch``, ``final`` and ``metrics``; the last one is final. ``rareWords``:
        whether words of one record alone are in the model, as no other are there.
    """
    candidate = str(job["candidate"])
    written = Written(files.folder / "out" / candidate, Began())
    rare = False
    if candidate in CANDIDATES_WITH_STEPS:
        from lyrikstore.train.worker.fitting.loop import train_epochs

        learner = find_task(job["task"]).open_learner(job, files)
        train_epochs(job, files, learner, written, report)
    else:
        rare = _fit(job, files, written, report)
    return {"checkpoints": written.checkpoints, "rareWords": rare}


def _fit(job: Mapping[str, Any], files: StagedFiles, written: Written, report: Report) -> bool:
    """Fit a model with labels that takes no steps; return whether it has rare words."""
    candidate, task, labels = str(job["candidate"]), str(job["task"]), list(job["labels"])
    examples, checking = read_examples(files, TRAIN), read_examples(files, VALIDATION)
    found: Any
    rare, distances = False, None
    if candidate == "tfidf":
        from lyrikstore.train.worker.models.word_counts import WordCounts

        report("start", 0, 1, candidate=candidate)
        names = job["config"]["data"].get("fields", ())
        found = WordCounts.fit(task, labels, examples, names)
        rare = found.rare
    else:
        from lyrikstore.train.worker.models.embeddings import Embeddings
        from lyrikstore.train.worker.models.encoder import TextEncoder, load_base, prepare

        model, training = job["config"]["model"], job["config"]["training"]
        prepare(training["threads"], training["seed"])
        base = load_base(files, model["max_tokens"])
        text = TextEncoder(files, model["max_tokens"])
        report("start", 0, len(examples), candidate=candidate)
        found, vectors = Embeddings.fit(
            task,
            labels,
            examples,
            (base, text, model["pooling"]),
            lambda done, total: report("step", done, total),
        )
        distances = ClassDistances.fit([(examples, vectors)])
    if candidate == "tfidf" or distances is not None:
        logits, values = found.measured(checking, distances)
        unlike = fit_unlike(values, distances)
    else:
        logits, unlike = found.logits(checking), None
    metrics = validation_metrics(task, logits, targets(checking, labels))
    written.add(found, logits, final=True, metrics=metrics, unlike=unlike)
    if candidate == "tfidf":
        report("step", 1, 1)
    return rare
