"""Answers of a trained checkpoint, and of the baselines beside it. Runs in a worker."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from lyrikstore.train.formats import word_counts
from lyrikstore.train.worker.examples import Example, read_examples, targets
from lyrikstore.train.worker.fitting.written import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal, latency
from lyrikstore.train.worker.models.load import UnlikeTexts, load_model
from lyrikstore.train.worker.models.model import Logits
from lyrikstore.train.worker.process import peak_memory_bytes
from lyrikstore.train.worker.staging import CHECKPOINT, TEST, TRAIN, VALIDATION
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.task import AnswerRule, labelling_rules
from lyrikstore.verify.evaluation.words import NEAREST, WORD_COUNTS


def score(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Answer every test record alone, timed.

    Args:
        job: ``threads``, ``seed``, ``format``, ``task``, and ``decision`` and ``unlike`` of the
            manifest.
        files: The staging folder: the checkpoint, its base if it has one, ``test.jsonl``.
        report: Called per record.

    Returns:
        ``scores``, a file of int32 millionths, records × labels; ``labels``; ``unlike``, how many
        records are unlike the training data; and what it took.
    """
    prepare_libraries(job)
    clock = _Clock()
    model = load_model(files, CHECKPOINT, job["format"])
    examples = read_examples(files, TEST)
    temperature = AnswerRule.of_body(job).temperature
    unlike, texts = 0, UnlikeTexts.open(job, files)

    def answer(some: Sequence[Example]) -> Logits:
        nonlocal unlike
        logits, flags = texts.answer(model, some)
        unlike += int(flags.sum())
        return logits

    found, times = _one_by_one(answer, examples, report, "score")
    probabilities = labelling_rules(job["task"]).probabilities(found, temperature)
    about = {"labels": list(model.labels), "unlike": unlike}
    return _answer(files, "model", probabilities, times, clock, **about)


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
    """Fit a baseline on the training records, and answer every test record alone, timed.

    Args:
        job: ``task``, ``labels``, and the ``format`` of the model.
        files: The staging folder: ``train.jsonl``, ``validation.jsonl``, ``test.jsonl``.
        report: Called when it is fitted, and per record.
        fit: Fits it; it is never given the test set.

    Returns:
        As :func:`score`, with ``method``, ``params`` and ``decision``. Seconds are those of
        answering; ``params`` has those of fitting.
    """
    train = read_examples(files, TRAIN)
    checking, test = read_examples(files, VALIDATION), read_examples(files, TEST)
    started = _Clock()
    fitted = fit(job, train, checking)
    params = {
        **fitted.params,
        "fitCpuSeconds": started.cpu(),
        "fitWallSeconds": started.wall(),
        "trainRecords": len(train),
    }
    report("baseline", 0, len(test))
    clock = _Clock()
    found, times = _one_by_one(fitted.scores, test, report, "baseline")
    if fitted.are_logits:
        rules = labelling_rules(job["task"])
        found = rules.probabilities(found, fitted.decision.temperature)
    about = {"method": fitted.method, "params": params, "decision": fitted.decision.to_json()}
    return _answer(files, "baseline", found, times, clock, **about)


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
    from lyrikstore.train.worker.models.word_counts import STRENGTH, WordCounts

    task, labels = labelling_rules(job["task"]), list(job["labels"])
    words = WordCounts.fit(task.name, labels, train, ())
    params = {"features": len(words.names()), "ngrams": "1-2", "sublinearTf": True}
    if job["format"] == word_counts.FORMAT:
        decision = AnswerRule(threshold=0.5 if task.several else None)
        return FittedBaseline(NEAREST, params, decision, _nearest(words, train, labels))
    decision = task.decide(words.logits(validation), targets(validation, labels))
    params |= {"C": decimal(STRENGTH, 0), "classWeight": "balanced"}
    return FittedBaseline(WORD_COUNTS, params, decision, words.logits, are_logits=True)


class _Clock:
    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def wall(self) -> str:
        return decimal(time.monotonic() - self._wall, 1)

    def cpu(self) -> str:
        return decimal(time.process_time() - self._cpu, 1)


def prepare_libraries(job: Mapping[str, Any]) -> None:
    """Make torch repeatable, where a job needs it."""
    if job["needsBase"]:
        from lyrikstore.train.worker.models.encoder import prepare

        prepare(job["threads"], job["seed"])


def _one_by_one(
    answer: Callable[[Sequence[Example]], Logits],
    examples: Sequence[Example],
    report: Report,
    phase: str,
) -> tuple[Logits, list[float]]:
    rows, times = [], []
    for number, example in enumerate(examples):
        begun = time.perf_counter()
        rows.append(answer([example])[0])
        times.append((time.perf_counter() - begun) * 1000)
        report(phase, number + 1, len(examples))
    return np.asarray(rows), times


def _nearest(
    words: Any, train: Sequence[Example], labels: Sequence[str]
) -> Callable[[Sequence[Example]], Logits]:
    known = words.features(train)
    wanted = targets(train, labels).astype(np.float64)

    def answer(examples: Sequence[Example]) -> Logits:
        # Rows have length 1, so the product is the cosine; of equals the first in storage order.
        likeness = (words.features(examples) @ known.T).toarray()
        return np.asarray(wanted[likeness.argmax(1)])

    return answer


def _answer(
    files: StagedFiles,
    name: str,
    probabilities: Logits,
    times: Sequence[float],
    clock: _Clock,
    **about: Any,
) -> dict[str, Any]:
    out = files.folder / "out"
    out.mkdir(exist_ok=True, mode=0o700)
    millionths = np.rint(probabilities * WHOLE)
    (out / f"{name}.scores").write_bytes(millionths.astype("<i4").tobytes())
    return {
        "scores": f"out/{name}.scores",
        "latencyMs": latency(times),
        "wallSeconds": clock.wall(),
        "cpuSeconds": clock.cpu(),
        "peakMemoryBytes": peak_memory_bytes(),
        **about,
    }
