"""Segments of generative models: a sabotaged one is caught whenever it is drawn, an honest none.

The worker's own code in this process, with a model of two layers and random weights.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from lyrikstore.canon.json import encode
from lyrikstore.train.formats.base_model import check_model_config
from lyrikstore.train.worker.generation.adapter_training import DecoderLearner
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.training.replay import replay
from lyrikstore.verify.store.statements.segments import draw_segments, find_problems
from tests.sweep import thinned
from tests.train.reproduction.segments import (
    HOW,
    STEPS,
    Trained,
    accumulating,
    assert_equal_steps,
    gradients,
    nonce,
    sabotaged,
)
from tests.writers import write_model

pytestmark = [
    pytest.mark.train,
    # Of transformers and peft, about themselves; a worker's go to its log.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),
]
RUNS = thinned(list(range(30)), 6)
TRAINING: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 2,
    "learning_rate": "0.01",
    "warmup": "0.1",
    "weight_decay": "0.01",
    "keep": "best",
    "patience": 2,
    "threads": 1,
}
CONFIG: dict[str, Any] = {
    "model": {"max_tokens": 48, "answer_tokens": 16},
    "lora": {"rank": 2, "alpha": 4, "dropout": "0.1", "targets": ["q_proj", "v_proj"]},
}


def job(seed: int) -> dict[str, Any]:
    return {
        "candidate": "decoder",
        "task": "sft",
        "labels": [],
        "config": {**CONFIG, "training": {**TRAINING, "seed": seed}},
        "precision": "fp32",
        "weights": ["model.safetensors"],
        "chat": False,
        "choices": [],
        "segmentSteps": STEPS,
        "keepSegments": True,
    }


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # as workers are
    # A worker does one job, and torch takes this once.
    monkeypatch.setattr(torch, "set_num_interop_threads", lambda _: None)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("staged")
    base = write_model(folder / "base", chat=False)
    settings = base / "config.json"
    settings.write_bytes(encode(check_model_config(settings.read_bytes())))
    for name, count in (("train", 24), ("validation", 6)):
        lines = []
        for at in range(count):
            record = sha256(f"{name}{at}".encode()).hexdigest()
            prompt = f"What is {at} and {at}{' again' * (at % 5)}?\n"
            lines.append(json.dumps({"id": record, "prompt": prompt, "completion": f"{2 * at}."}))
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("number", RUNS)
def test_a_sabotaged_run_is_caught_whenever_it_is_drawn(staged, monkeypatch, number) -> None:
    step = number % 8
    with monkeypatch.context() as patched:
        sabotaged(patched, step, HOW[number % len(HOW)], DecoderLearner)
        run = Trained(staged, job(number))
    begins = [one.position["step"] for one in run.segments.states]
    forged = max(at for at, begin in enumerate(begins[:-1]) if begin <= step)
    drawn = draw_segments(run.segments.count, 2, **nonce(number))
    if forged not in drawn:
        drawn = sorted([*drawn, forged])
    assert run.again(drawn) == {one: one != forged for one in drawn}, (number, forged)


def test_no_false_alarm_in_honest_runs(staged) -> None:
    for number in RUNS[:4]:
        run = Trained(staged, job(number))
        every = list(range(run.segments.count))
        assert run.again(every) == dict.fromkeys(every, True), number


def test_a_step_of_parts_is_that_of_the_whole(staged) -> None:
    files = StagedFiles(staged, lambda *_: None)
    whole, parts = (gradients(accumulating(job(1), *how), files) for how in ((4, 1), (1, 4)))
    assert_equal_steps(whole, parts)
    run = Trained(staged, accumulating(job(1), 1, 2))
    every = list(range(run.segments.count))
    assert run.again(every) == dict.fromkeys(every, True)


def test_where_epochs_end_follows_from_the_rows_and_not_from_what_is_signed(staged) -> None:
    run = Trained(staged, job(1))
    none = {**run.job, "segments": []}
    epochs = replay(none, run.files, lambda *_, **__: None)["epochSteps"]
    assert sum(epochs) == run.segments.states[-1].position["step"]
    assert sum(epochs) < 2 * 12  # several records of a row
    announced = {"config": run.job["config"], "segments": {"steps": STEPS}}
    last = run.segments.states[-1].position["bestEpoch"] + 1
    model = {
        "segments": {"count": run.segments.count, "steps": STEPS},
        "epoch": str(last),
        "step": sum(epochs[:last]),
    }
    assert find_problems(run.segments, announced, model, epochs) == ""
    assert find_problems(run.segments, announced, model, [epochs[0], epochs[1] + 1])
