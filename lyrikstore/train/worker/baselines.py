"""Baselines of an evaluation: other model candidates, fitted to the training data of the model.

Runs in a worker.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy import sparse

from lyrikstore.train.formats.word_counts import STRENGTHS
from lyrikstore.train.worker.examples import Example, read_examples, targets
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.model import Logits
from lyrikstore.train.worker.models.terms import RunCounts, unit_sparse_rows
from lyrikstore.train.worker.models.word_counts import fit_terms
from lyrikstore.train.worker.scoring import Clock, answer_all, write_answers
from lyrikstore.train.worker.staging import TEST, TRAIN
from lyrikstore.train.worker.training.checkpoint_writer import Report
from lyrikstore.train.worker.training.folds import (
    Cheap,
    count_fits,
    cross_validate,
    read_folds,
)
from lyrikstore.train.worker.training.linear_candidates import open_cheap
from lyrikstore.verify.evaluation.choice.baselines import NEAREST, Rival
from lyrikstore.verify.evaluation.choice.folds import repeats_of
from lyrikstore.verify.evaluation.choice.task import (
    AnswerRule,
    Flags,
    LabellingRules,
    labelling_rules,
)

CELLS = 1 << 22
"""Most similarities of test records to training records that are in memory at once."""


Vectors = Callable[[Sequence[Example]], Any]
"""Records → their TF-IDF vectors: sparse rows of length 1."""


class FittedBaseline(Struct, frozen=True):
    """A fitted baseline of a model with labels.

    Attributes:
        method: Its name in evaluations.
        params: Its settings.
        decision: The rule that turns its scores into answers.
        scores: Function from records to scores: records × labels of the job.
        are_logits: Whether the scores are logits; otherwise they are probabilities.
    """

    method: str
    params: Mapping[str, Any]
    decision: AnswerRule
    scores: Callable[[Sequence[Example]], Logits]
    are_logits: bool = False


FitBaselines = Callable[
    [Mapping[str, Any], StagedFiles, Sequence[Example], Report], Iterator[FittedBaseline]
]
"""Job, staging folder, training records of the model, progress callback → fitted baselines."""


def score_baselines(
    job: Mapping[str, Any], files: StagedFiles, report: Report, fit: FitBaselines
) -> dict[str, Any]:
    """Fit the baselines one after another, and score every test record with each of them.

    Some records are scored alone, and timed.

    Args:
        job: ``task``, ``labels``, ``config`` of the run, and what :func:`fit_rivals` takes.
        files: The staging folder: ``train.jsonl``, the training records of the model;
            ``test.jsonl``.
        report: Called during fitting, and per batch.
        fit: Fits the baselines; it never gets the test set.

    Returns:
        ``answered``: for each baseline the members of ``scoring.score``, with ``method``,
        ``params`` and ``decision``. Its seconds are those of scoring; ``params`` has those of
        fitting.
    """
    train, test = read_examples(files, TRAIN), read_examples(files, TEST)
    answered: list[dict[str, Any]] = []
    fitting = Clock()
    for fitted in fit(job, files, train, report):
        params = {
            **fitted.params,
            "fitCpuSeconds": fitting.cpu(),
            "fitWallSeconds": fitting.wall(),
            "trainRecords": len(train),
        }
        report("baseline", 0, len(test))
        clock = Clock()
        found, times = answer_all(fitted.scores, test, report, "baseline")
        if fitted.are_logits:
            rules = labelling_rules(job["task"])
            found = rules.probabilities(found, fitted.decision.temperature)
        about = {"method": fitted.method, "params": params, "decision": fitted.decision.to_json()}
        name = f"baseline-{len(answered)}"
        answered.append(write_answers(files, name, found, times, clock, **about))
        fitting = Clock()
    return {"answered": answered}


def fit_rivals(
    job: Mapping[str, Any], files: StagedFiles, train: Sequence[Example], report: Report
) -> Iterator[FittedBaseline]:
    """Yield the rival candidate of a model, if it has one, and the nearest-record baseline.

    Nothing is tuned on a test set: C is the one that the run chose, or five-fold
    cross-validation chooses it here; cross-validation also chooses the answer rule.

    Args:
        job: ``task``, ``labels``, ``config``; ``folds`` of the records; and ``rival``: name of the
            ``candidate`` and its ``strength``, as :class:`Rival` has it.
        files: The staging folder, with the base model where the candidate has one.
        train: The training records of the model.
        report: Called during fitting.
    """
    train, folds = learnable(job, train)
    if "rival" in job:
        rival = Rival(**job["rival"])
        cheap = open_cheap({**job, "candidate": rival.candidate}, files, (train, []), report)
        yield fit_rival(job, rival, cheap, (train, folds), report)
    wanted = targets(train, job["labels"])
    vectors = text_vectors(train)
    known = vectors(train)
    decision = AnswerRule(threshold=0.5 if labelling_rules(job["task"]).several else None)
    about = {"features": known.shape[1]}
    yield FittedBaseline(NEAREST, about, decision, nearest(vectors, known, wanted))


def learnable(
    job: Mapping[str, Any], train: Sequence[Example]
) -> tuple[Sequence[Example], NDArray[np.uint8]]:
    """Return the records that can be fitted, and the fold of each.

    A record of a task with one label per record needs a label of the job.
    """
    folds = read_folds(job["folds"])
    if labelling_rules(job["task"]).several:
        return train, folds
    kept = np.flatnonzero(targets(train, job["labels"]).any(1))
    return [train[int(at)] for at in kept], folds[:, kept]


def fit_rival(
    job: Mapping[str, Any],
    rival: Rival,
    cheap: Cheap,
    data: tuple[Sequence[Example], NDArray[np.uint8]],
    report: Report,
) -> FittedBaseline:
    """Return the rival candidate, fitted to the training data of the model.

    Args:
        job: ``task`` and ``labels``.
        rival: Name and strength of the candidate.
        cheap: The candidate, with its records.
        data: The records, and the fold of each.
        report: Called per scored fold.
    """
    rules, (train, folds) = labelling_rules(job["task"]), data
    wanted = targets(train, job["labels"])
    strength, decision = tune(rules, cheap, wanted, folds, rival.strength, report)
    model: Any = cheap.fit(np.arange(len(train)), strength).model
    params = {"C": f"{strength:g}", "classWeight": "balanced"}
    return FittedBaseline(rival.method, params, decision, model.logits, are_logits=True)


def count_word_fits(rules: LabellingRules, strength: str, records: int) -> int:
    """Return the number of word-count fits: those of :func:`tune`, and the final one."""
    if strength and not rules.several:
        return 1
    return count_fits(records, repeats_of(records), 1 if strength else len(STRENGTHS))


def text_vectors(train: Sequence[Example]) -> Vectors:
    """Return a function from records to TF-IDF vectors of their texts, fitted on ``train``."""
    texts = [one.text for one in train]
    (terms, _, _), (runs, _) = fit_terms(texts), RunCounts.fit(texts)

    def vectors(some: Sequence[Example]) -> Any:
        queries = [one.text for one in some]
        return unit_sparse_rows(sparse.hstack([terms.matrix(queries), runs.matrix(queries)], "csr"))

    return vectors


def tune(
    rules: LabellingRules,
    cheap: Cheap,
    wanted: Flags,
    folds: NDArray[np.uint8],
    strength: str,
    report: Report,
) -> tuple[float, AnswerRule]:
    """Return C of a linear model, and the rule that turns its scores into answers.

    Args:
        rules: The rules of the task.
        cheap: The candidate, with its records.
        wanted: The labels of the records: records × labels.
        folds: The fold of each record: repeats × records.
        strength: C, where it is known; empty: the best one of the candidate's grid is taken.
        report: Called per scored fold.
    """
    if strength and not rules.several:  # the surest label is that whatever else is decided
        return float(strength), AnswerRule()
    grid = [float(strength)] if strength else cheap.grid
    found = cross_validate(cheap.fold, rules, wanted, folds, grid, lambda *at: report("folds", *at))
    rows = found.logits.reshape(-1, wanted.shape[1]).astype(np.float64)
    return found.strength, rules.decide(rows, np.tile(wanted, (len(folds), 1)))


def nearest(vectors: Vectors, known: Any, wanted: Flags) -> Callable[[Sequence[Example]], Logits]:
    """Return a function that gives each record the labels of the most similar training record.

    Args:
        vectors: Function from records to their vectors.
        known: The vectors of the training records.
        wanted: The labels of the training records: records × labels.
    """
    each = max(1, CELLS // max(1, known.shape[0]))

    def answer(examples: Sequence[Example]) -> Logits:
        found = []
        for at in range(0, len(examples), each):
            # The product is the cosine; of equals the first in storage order.
            likeness = (vectors(examples[at : at + each]) @ known.T).toarray()
            found.append(wanted[likeness.argmax(1)].astype(np.float64))
        return np.concatenate(found)

    return answer
