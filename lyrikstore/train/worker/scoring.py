"""Scores of a trained checkpoint on a test set. Runs in a worker."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lyrikstore.train.worker.examples import Example, full_batches, read_examples
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal, latency
from lyrikstore.train.worker.models.load import UnlikeTexts, load_model
from lyrikstore.train.worker.models.model import Logits
from lyrikstore.train.worker.process import peak_memory_bytes
from lyrikstore.train.worker.staging import CHECKPOINT, TEST
from lyrikstore.train.worker.training.checkpoint_writer import Report
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.task import AnswerRule, labelling_rules

MOST_TIMED, LEAST_TIMED, TIMED_SHARE = 200, 20, 20
"""Most and fewest records that are scored alone to measure latency, and the share: one of so many.

An encoder takes several times as long for a record alone, so more would be most of the work."""


def score(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Score every test record, most of them in batches, and some alone and timed.

    Args:
        job: ``threads``, ``seed``, ``format``, ``task``, and ``decision`` and ``unlike`` of the
            manifest.
        files: The staging folder: the checkpoint, its base if it has one, ``test.jsonl``.
        report: Called per batch.

    Returns:
        ``scores``, a file of int32 millionths, records × labels; ``labels``; ``unlike``, the number
        of records that are unlike the training data; latency, times and memory.
    """
    prepare_libraries(job)
    clock = Clock()
    model = load_model(files, CHECKPOINT, job["format"])
    examples = read_examples(files, TEST)
    temperature = AnswerRule.of_body(job).temperature
    unlike, texts = 0, UnlikeTexts.open(job, files)

    def answer(some: Sequence[Example]) -> Logits:
        nonlocal unlike
        logits, flags = texts.answer(model, some)
        unlike += int(flags.sum())
        return logits

    found, times = answer_all(answer, examples, report, "score")
    probabilities = labelling_rules(job["task"]).probabilities(found, temperature)
    about = {"labels": list(model.labels), "unlike": unlike}
    return write_answers(files, "model", probabilities, times, clock, **about)


class Clock:
    """Measures wall and CPU time since it was created."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def wall(self) -> str:
        """Return the elapsed seconds, as a decimal."""
        return decimal(time.monotonic() - self._wall, 1)

    def cpu(self) -> str:
        """Return the CPU seconds of this process, as a decimal."""
        return decimal(time.process_time() - self._cpu, 1)


def prepare_libraries(job: Mapping[str, Any]) -> None:
    """Make torch deterministic if the job needs a base model."""
    if job["needsBase"]:
        from lyrikstore.train.worker.models.encoder import prepare

        prepare(job["threads"], job["seed"])


def timed_places(records: int) -> list[int]:
    """Return the positions of the records that are scored alone, evenly spaced."""
    share = max(LEAST_TIMED, records // TIMED_SHARE)
    some = min(records, MOST_TIMED, share)
    return [(2 * number + 1) * records // (2 * some) for number in range(some)]


def answer_all(
    answer: Callable[[Sequence[Example]], Logits],
    examples: Sequence[Example],
    report: Report,
    phase: str,
) -> tuple[Logits, list[float]]:
    """Return the scores of each record, and the milliseconds of those scored alone.

    Args:
        answer: Function from records to scores.
        examples: All records.
        report: Called per batch, and per record that is scored alone.
        phase: The phase in the calls of ``report``.
    """
    alone = timed_places(len(examples))
    # Records of similar length go into one batch, so that there is little padding.
    rest = sorted(set(range(len(examples))) - set(alone), key=lambda at: len(examples[at].text))
    rows: list[Any] = [None] * len(examples)
    done, times = 0, []
    for places in full_batches(rest, lambda at: len(examples[at].text)):
        for at, row in zip(places, answer([examples[at] for at in places]), strict=True):
            rows[at] = row
        done += len(places)
        report(phase, done, len(examples))
    for at in alone:
        begun = time.perf_counter()
        rows[at] = answer([examples[at]])[0]
        times.append((time.perf_counter() - begun) * 1000)
        done += 1
        report(phase, done, len(examples))
    return np.asarray(rows), times


def write_answers(
    files: StagedFiles,
    name: str,
    probabilities: Logits,
    times: Sequence[float],
    clock: Clock,
    **about: Any,
) -> dict[str, Any]:
    """Write probabilities as ``out/NAME.scores``, and return the result of the job."""
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
