"""Answers of a trained checkpoint on a test set. Runs in a worker."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lyrikstore.train.worker.examples import Example, read_examples
from lyrikstore.train.worker.fitting.written import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal, latency
from lyrikstore.train.worker.models.load import UnlikeTexts, load_model
from lyrikstore.train.worker.models.model import Logits
from lyrikstore.train.worker.process import peak_memory_bytes
from lyrikstore.train.worker.staging import CHECKPOINT, TEST
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.task import AnswerRule, labelling_rules


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

    found, times = one_by_one(answer, examples, report, "score")
    probabilities = labelling_rules(job["task"]).probabilities(found, temperature)
    about = {"labels": list(model.labels), "unlike": unlike}
    return write_answers(files, "model", probabilities, times, clock, **about)


class Clock:
    """How long something took, since this was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def wall(self) -> str:
        """Return the seconds that went by, as a decimal."""
        return decimal(time.monotonic() - self._wall, 1)

    def cpu(self) -> str:
        """Return the seconds of CPU that this process took, as a decimal."""
        return decimal(time.process_time() - self._cpu, 1)


def prepare_libraries(job: Mapping[str, Any]) -> None:
    """Make torch repeatable, where a job needs it."""
    if job["needsBase"]:
        from lyrikstore.train.worker.models.encoder import prepare

        prepare(job["threads"], job["seed"])


def one_by_one(
    answer: Callable[[Sequence[Example]], Logits],
    examples: Sequence[Example],
    report: Report,
    phase: str,
) -> tuple[Logits, list[float]]:
    """Return what each record is answered alone, and the milliseconds of each."""
    rows, times = [], []
    for number, example in enumerate(examples):
        begun = time.perf_counter()
        rows.append(answer([example])[0])
        times.append((time.perf_counter() - begun) * 1000)
        report(phase, number + 1, len(examples))
    return np.asarray(rows), times


def write_answers(
    files: StagedFiles,
    name: str,
    probabilities: Logits,
    times: Sequence[float],
    clock: Clock,
    **about: Any,
) -> dict[str, Any]:
    """Write probabilities as ``out/NAME.scores``, and return the answer of a job that gave them."""
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
