"""Inference with a trained checkpoint: a whole test set, or one text. Runs in a worker."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from lyrikstore.train.worker.fit import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal, latency, summarise
from lyrikstore.train.worker.model import load_checkpoint, prepare
from lyrikstore.train.worker.process import peak_memory_bytes
from lyrikstore.train.worker.staging import TEST, TEXT, TRAIN

WORST = 20
"""How many failures a report names."""


def read_examples(files: StagedFiles, name: str) -> Iterator[dict[str, str]]:
    """Yield the lines of a staged dataset: ``id``, ``label``, ``text``."""
    return map(json.loads, files.lines(name))


def score(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Answer every test record alone, timed, and say how right the answers are.

    Args:
        job: ``threads``, ``seed``.
        files: The staging folder: ``base/``, ``checkpoint/``, ``test.jsonl``, ``train.jsonl``.
        report: Called per record.

    Returns:
        ``model`` and ``majority`` as an evaluation holds them, ``worst``, ``count``.
    """
    prepare(job["threads"], job["seed"])
    started, cpu = time.monotonic(), time.process_time()
    model, encoder, labels = load_checkpoint(files)
    examples = list(read_examples(files, TEST))
    names = all_labels(labels, examples)
    expected = [names.index(example["label"]) for example in examples]
    times: list[float] = []
    probabilities: list[list[float]] = []
    with torch.inference_mode():
        for number, example in enumerate(examples):
            begun = time.perf_counter()
            batch = encoder.batch(encoder.encode([example["text"]]))
            answer = torch.softmax(model(batch)[0], 0).tolist()
            times.append((time.perf_counter() - begun) * 1000)
            probabilities.append(answer)
            report("score", number + 1, len(examples))
    predicted = [max(range(len(labels)), key=answer.__getitem__) for answer in probabilities]
    figures = summarise(expected, predicted, names, seed=job["seed"])
    figures |= {
        "latencyMs": latency(times),
        "wallSeconds": decimal(time.monotonic() - started, 1),
        "cpuSeconds": decimal(time.process_time() - cpu, 1),
        "peakMemoryBytes": peak_memory_bytes(),
    }
    commonest = _commonest(files)
    always = [names.index(commonest)] * len(expected)
    majority = summarise(expected, always, names, seed=job["seed"]) | {"label": commonest}
    return {
        "count": len(examples),
        "model": figures,
        "majority": majority,
        "worst": _worst(examples, names, predicted, probabilities),
    }


def predict(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Return the probability of every label for one text.

    Args:
        job: ``threads``, ``seed``.
        files: The staging folder: ``base/``, ``checkpoint/``, ``text``.
        report: Called once.
    """
    prepare(job["threads"], job["seed"])
    model, encoder, labels = load_checkpoint(files)
    text = files.read(TEXT).decode("utf-8")
    sequences = encoder.encode([text])
    with torch.inference_mode():
        answer = torch.softmax(model(encoder.batch(sequences))[0], 0).tolist()
    report("score", 1, 1)
    return {
        "probabilities": {
            label: decimal(value, 6) for label, value in zip(labels, answer, strict=True)
        },
        "tokens": len(sequences[0]),
    }


def all_labels(known: Sequence[str], examples: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the labels a model knows, then those only the test set has: always wrong, counted."""
    return list(known) + sorted({example["label"] for example in examples} - set(known))


def _commonest(files: StagedFiles) -> str:
    counts = Counter(example["label"] for example in read_examples(files, TRAIN))
    return min(counts, key=lambda label: (-counts[label], label))


def _worst(
    examples: Sequence[Mapping[str, str]],
    names: Sequence[str],
    predicted: Sequence[int],
    probabilities: Sequence[Sequence[float]],
) -> list[dict[str, str]]:
    failures = []
    for example, guess, answer in zip(examples, predicted, probabilities, strict=True):
        if names[guess] == example["label"]:
            continue
        failures.append(
            {
                "record": example["id"],
                "expected": example["label"],
                "predicted": names[guess],
                "probability": decimal(answer[guess]),
            }
        )
    # Surest first: a confident mistake is the one to look at. Ties by record id, to be repeatable.
    failures.sort(key=lambda failure: (-float(failure["probability"]), failure["record"]))
    return failures[:WORST]
