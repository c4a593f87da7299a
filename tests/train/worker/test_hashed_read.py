"""A staged file that somebody rewrites before the worker reads it (spec 13.2, step 4).

The race is real: a thread waits until everything is staged and the worker starts, which takes it
a second or more to load its libraries, and rewrites one file in place. What it writes is as well
formed as what was there.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lyrikstore.canon.errors import RunFailedError, VerificationError
from lyrikstore.canon.progress import silent
from lyrikstore.train.predict.predict import predict_file
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import TEST, TRAIN, VALIDATION, open_staging
from lyrikstore.train.worker.training.folds import write_folds
from lyrikstore.verify.evaluation.choice.folds import FOLDS
from tests.contexts import context_of
from tests.sweep import thinned

pytestmark = [
    pytest.mark.train,
    pytest.mark.ci,
    pytest.mark.usefixtures("real_workers"),  # a fork of one would have read the file before
]


class Rewriter(threading.Thread):
    """Rewrites ``name`` in the staging folder once ``job`` is about to be read."""

    def __init__(self, store: Path, job: str, name: str) -> None:
        super().__init__(daemon=True)
        self.store, self.job, self.staged = store, job, name
        self.rewritten = False

    def run(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            for folder in (self.store / "staging").glob("work-*"):
                if (folder / f"{self.job}.log").exists():  # made right before the worker starts
                    path = folder / self.staged
                    old = path.read_bytes()
                    new = poisoned(path.name, old)
                    assert new != old
                    with path.open("r+b") as file:
                        file.write(new)
                        file.truncate()
                    self.rewritten = True
                    return
            time.sleep(0.002)


def poisoned(name: str, data: bytes) -> bytes:
    if b"hereby granted" in data and b'"labels": []' in data:
        return data.replace(b"hereby", b"nobody")
    if name.endswith(".jsonl"):
        swapped = {b"apache": b"mit", b"mit": b"apache"}
        return re.sub(rb'(?<="labels": \[")(apache|mit)(?=")', lambda m: swapped[m[0]], data)
    if name.endswith(".safetensors"):
        return data[:-8] + bytes(8)
    if name == "train-lora.json":
        return data.replace(b'"seed":1', b'"seed":2')
    return data.rstrip() + b"\n "  # the same JSON


def caught_changed(store: Path, job: str, name: str, action: Callable[[], object]) -> None:
    rewriter = Rewriter(store, job, name)
    rewriter.start()
    with pytest.raises(VerificationError) as caught:
        action()
    rewriter.join()
    assert rewriter.rewritten
    assert caught.value.kind == "input-changed"
    assert caught.value.details["file"] == name
    assert caught.value.details["expected"] != caught.value.details["read"]


@pytest.mark.parametrize(
    "name",
    [
        "base/model.safetensors",
        "base/tokenizer.json",
        "base/config.json",
        "train.jsonl",
        "validation.jsonl",
        "train-lora.json",
    ],
)
def test_training_on_other_bytes_makes_no_checkpoint(workshop, name):
    called = "changed-" + re.sub(r"[^a-z]", "", name)
    config = workshop.tiny.replace('acme/tiny"', f'acme/{called}"')
    caught_changed(workshop.repo.root, "train-lora", name, lambda: workshop.train(config))
    workshop.repo.refresh()
    assert f"runs/acme/{called}" in workshop.repo.refs  # announced, and gave nothing
    assert f"checkpoints/acme/{called}" not in workshop.repo.refs
    assert not workshop.leftovers


@pytest.mark.parametrize(
    ("job", "name"),
    [
        ("score", "test.jsonl"),
        ("score", "base/model.safetensors"),
        ("score", "checkpoint/adapter_model.safetensors"),
        ("baseline", "train.jsonl"),
        ("baseline", "test.jsonl"),
    ],
)
def test_measuring_on_other_bytes_logs_no_evaluation(workshop, trained, job, name):
    workshop.repo.refresh()
    before = workshop.repo.refs.get("evaluations/acme/family")
    caught_changed(
        workshop.repo.root,
        job,
        name,
        lambda: workshop.evaluate("checkpoints/acme/family", "acme/paragraphs.test"),
    )
    workshop.repo.refresh()
    assert workshop.repo.refs.get("evaluations/acme/family") == before
    assert not workshop.leftovers


@pytest.mark.parametrize(
    "name",
    thinned(["test.jsonl", "base/model.safetensors", "checkpoint/classifier.safetensors"], 1),
)
def test_nothing_is_predicted_from_other_bytes(workshop, trained, tmp_path, name):
    text = tmp_path / "asked.txt"
    text.write_text("Permission is hereby granted, free of charge, to any person")
    context = context_of(workshop.repo, cache_dir=tmp_path)
    caught_changed(
        context.own_cache,
        "predict",
        name,
        lambda: predict_file(context, "checkpoints/acme/family", text),
    )


def test_the_command_says_so_and_answers_nothing(workshop, trained, tmp_path):
    text, home = tmp_path / "asked.txt", tmp_path / "home"
    text.write_text("Permission is hereby granted, free of charge, to any person")
    cache = home / ".cache" / "lyrikstore" / workshop.repo.store_id.short
    rewriter = Rewriter(cache, "predict", "base/model.safetensors")
    rewriter.start()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "lyrikstore_cli", "predict", "checkpoints/acme/family"),
            *(str(text), "--store", str(workshop.repo.root), "--json"),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"},
        capture_output=True,
        check=False,
    )
    rewriter.join()
    assert rewriter.rewritten
    assert (done.returncode, done.stdout) == (3, b""), done.stderr
    assert json.loads(done.stderr)["kind"] == "input-changed"


LABELS = "abababab"
LINES = b"".join(
    json.dumps({"id": f"{at:064x}", "labels": [label], "text": f"word{label} again"}).encode()
    + b"\n"
    for at, label in enumerate(LABELS)
)


@pytest.mark.parametrize(
    ("reads", "said"),
    [
        ((TRAIN, VALIDATION, TEST, "more"), "did not read more"),
        ((TRAIN, VALIDATION), f"read {TEST}, which is not an input"),
    ],
)
def test_a_worker_reads_all_that_it_has_to_and_nothing_else(tmp_path, reads, said):
    with open_staging(tmp_path) as staging:
        for name in (TRAIN, VALIDATION, TEST, "more"):
            staging.write(name, LINES)
        job = {
            "job": "baseline",
            "format": "lora/1",
            "task": "text-classification",
            "labels": ["a", "b"],
            "folds": write_folds(np.arange(len(LABELS), dtype=np.uint8)[None] % FOLDS),
        }
        with pytest.raises(RunFailedError, match=said) as caught:
            run_job(staging, job, reads=reads, threads=1, base_env=os.environ, progress=silent)
    assert caught.value.kind == "worker-failed"
