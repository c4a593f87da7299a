"""What a model is compared with: fitted on what it learned from, and answering beside it.

Runs in a worker.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.train.formats import word_counts
from lyrikstore.train.worker.examples import Example, read_examples, targets
from lyrikstore.train.worker.fitting.written import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal
from lyrikstore.train.worker.models.model import Logits
from lyrikstore.train.worker.scoring import Clock, answer_all, write_answers
from lyrikstore.train.worker.staging import TEST, TRAIN, VALIDATION
from lyrikstore.verify.evaluation.choice.task import AnswerRule, labelling_rules
from lyrikstore.verify.evaluation.words import NEAREST, WORD_COUNTS


class FittedBaseline(Struct, frozen=True):
    """What a model with labels is compared with.

    Attributes:
        method: How evaluations call it.
        params: Its settings.
        decision: How its scores become answers.
        scores: Gives them, records × labels of the job.
        are_logits: Whether they are logits, in place of probabilities.
    """

    method: str
    params: Mapping[str, Any]
    decision: AnswerRule
    scores: Callable[[Sequence[Example]], Logits]
    are_logits: bool = False


FitBaseline = Callable[[Mapping[str, Any], Sequence[Example], Sequence[Example]], FittedBaseline]
"""Takes the job, the training records and those of validation."""


def score_baseline(
    job: Mapping[str, Any], files: StagedFiles, report: Report, fit: FitBaseline
) -> dict[str, Any]:
    """Fit a baseline on the training records, and answer every test record, some alone and timed.

    Args:
        job: ``task``, ``labels``, and the ``format`` of the model.
        files: The staging folder: ``train.jsonl``, ``validation.jsonl``, ``test.jsonl``.
        report: Called when it is fitted, and per batch.
        fit: Fits it; it is never given the test set.

    Returns:
        As ``scoring.score``, with ``method``, ``params`` and ``decision``. Seconds are those of
        answering; ``params`` has those of fitting.
    """
    train = read_examples(files, TRAIN)
    checking, test = read_examples(files, VALIDATION), read_examples(files, TEST)
    started = Clock()
    fitted = fit(job, train, checking)
    params = {
        **fitted.params,
        "fitCpuSeconds": started.cpu(),
        "fitWallSeconds": started.wall(),
        "trainRecords": len(train),
    }
    report("baseline", 0, len(test))
    clock = Clock()
    found, times = answer_all(fitted.scores, test, report, "baseline")
    if fitted.are_logits:
        rules = labelling_rules(job["task"])
        found = rules.probabilities(found, fitted.decision.temperature)
    about = {"method": fitted.method, "params": params, "decision": fitted.decision.to_json()}
    return write_answers(files, "baseline", found, times, clock, **about)


def fit_word_baseline(
    job: Mapping[str, Any], train: Sequence[Example], validation: Sequence[Example]
) -> FittedBaseline:
    """Fit word counts; beside a model that is word counts, look for the nearest record by them.

    Settings are fixed here and never tuned on anybody's test set; how its scores become answers is
    fitted on validation, as the model's is.

    Args:
        job: ``task``, ``labels``, and the ``format`` of the model.
        train: What it learns from.
        validation: What its answers are fitted to.
    """
    from lyrikstore.train.worker.models.word_counts import FIRST_STRENGTH, WordCounts

    task, labels = labelling_rules(job["task"]), list(job["labels"])
    words = WordCounts.fit_first(task.name, labels, train)
    params = {"features": len(words.names()), "ngrams": "1-2", "sublinearTf": True}
    if job["format"] in word_counts.KNOWN:
        decision = AnswerRule(threshold=0.5 if task.several else None)
        return FittedBaseline(NEAREST, params, decision, _nearest(words, train, labels))
    decision = task.decide(words.logits(validation), targets(validation, labels))
    params |= {"C": decimal(FIRST_STRENGTH, 0), "classWeight": "balanced"}
    return FittedBaseline(WORD_COUNTS, params, decision, words.logits, are_logits=True)


def _nearest(
    words: Any, train: Sequence[Example], labels: Sequence[str]
) -> Callable[[Sequence[Example]], Logits]:
    known = words.features(train)
    wanted = targets(train, labels).astype(np.float64)

    # How alike some records are to all that were learned from is a table, of 32 MiB at most.
    at_once = max(1, (4 << 20) // max(1, len(train)))

    def nearest(examples: Sequence[Example]) -> NDArray[np.int64]:
        # Rows have length 1, so the product is the cosine; of equals the first in storage order.
        return np.asarray((words.features(examples) @ known.T).toarray().argmax(1), np.int64)

    def answer(examples: Sequence[Example]) -> Logits:
        starts = range(0, len(examples), at_once)
        found = [nearest(examples[start : start + at_once]) for start in starts]
        return np.asarray(wanted[np.concatenate(found)])

    return answer
