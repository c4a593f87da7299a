"""Timing of a few real training steps, whose results are discarded. Runs in a worker."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from lyrikstore.train.task import find_task
from lyrikstore.train.worker.examples import read_examples
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal
from lyrikstore.train.worker.models.encoder import TextEncoder, load_base, pooled, prepare
from lyrikstore.train.worker.order import epoch_batches, padding_ratio
from lyrikstore.train.worker.process import peak_memory_bytes
from lyrikstore.train.worker.staging import TRAIN, VALIDATION
from lyrikstore.train.worker.training.checkpoint_writer import Report

USUAL = (0.25, 0.5, 0.75)
"""The quantiles of batch length at which batches are timed."""


def measure(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Compute the longest batch, and then three timed ones.

    Args:
        job: ``candidate`` (``lora``, ``full`` or ``embeddings``), ``task``, ``config``, ``labels``,
            ``precision``, and ``positions``, the most tokens that the model reads.
        files: The staging folder: ``base/``, ``train.jsonl``, ``validation.jsonl``.
        report: Called per step.

    Returns:
        ``steps``: ``records``, ``tokens`` (of each, padding included), ``cpuSeconds`` and
        ``wallSeconds``; ``peakMemoryBytes``; ``padding``, the tokens that an epoch computes to
        those of its texts; ``trainTokens`` and ``validationTokens``, pairs of tokens and records.
    """
    settings, most = job["config"]["training"], job["config"]["model"]["max_tokens"]
    prepare(settings["threads"], settings["seed"])
    examples, checking = read_examples(files, TRAIN), read_examples(files, VALIDATION)
    texts = [one.text for one in examples]
    counting = TextEncoder(files, job["positions"])
    whole = list(map(len, counting.encode(texts)))
    lengths = [min(count, most) for count in whole]
    learn = learner_of(job, files, examples)
    size = settings["batch_size"]
    by_length = sorted(range(len(lengths)), key=lambda at: lengths[at])
    starts = [int(share * max(0, len(lengths) - size)) for share in USUAL]
    chosen = [by_length[-size:], *(by_length[start : start + size] for start in starts)]
    steps = []
    for number, batch in enumerate(chosen):
        begun, cpu = time.perf_counter(), time.process_time()
        learn(batch)
        taken = {
            "records": len(batch),
            "tokens": max(lengths[at] for at in batch),
            "cpuSeconds": decimal(time.process_time() - cpu, 6),
            "wallSeconds": decimal(time.perf_counter() - begun, 6),
        }
        report("measure", number + 1, len(chosen))
        if number:  # the first one also warms up
            steps.append(taken)
    ids = [one.id for one in examples]
    order = epoch_batches(ids, lengths, size=size, seed=settings["seed"], epoch=0)
    return {
        "steps": steps,
        "peakMemoryBytes": peak_memory_bytes(),
        "padding": decimal(padding_ratio(order, lengths)),
        "trainTokens": sorted(Counter(whole).items()),
        "validationTokens": sorted(
            Counter(map(len, counting.encode([one.text for one in checking]))).items()
        ),
    }


def learner_of(
    job: Mapping[str, Any], files: StagedFiles, examples: Sequence[Any]
) -> Callable[[Sequence[int]], object]:
    """Return a learner of the task, or one that only computes the encoder's vectors.

    Args:
        job: As for :func:`measure`.
        files: The staging folder.
        examples: Training records.
    """
    config = job["config"]
    if job["candidate"] == "embeddings":
        base: Any = load_base(files, config["model"]["max_tokens"])
        base.eval()
        text = TextEncoder(files, config["model"]["max_tokens"])
        sequences = text.encode([one.text for one in examples])

        def read(places: Sequence[int]) -> None:
            with torch.inference_mode():
                pooled(base, text.batch([sequences[at] for at in places]), "mean")

        return read
    fitting = find_task(job["task"]).open_learner(job, files)
    fitting.batches(0)  # as in training
    return fitting.learn
