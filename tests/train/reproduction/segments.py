"""Runs with segments, in this process: learned, sabotaged at one step, and done again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from lyrikstore.train.task import find_task
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.training import learner
from lyrikstore.train.worker.training.checkpoint_writer import JobClocks, WrittenCheckpoints
from lyrikstore.train.worker.training.encoder_training import EncoderLearner
from lyrikstore.train.worker.training.loop import train_epochs
from lyrikstore.train.worker.training.replay import replay
from lyrikstore.verify.store.statements.segments import SegmentList, read_segments

STEPS = 2
CONFIG: dict[str, Any] = {
    "data": {},
    "model": {"max_tokens": 8, "pooling": "mean"},
    "lora": {"rank": 2, "alpha": 4, "dropout": "0.1", "targets": ["query", "value"]},
    "training": {
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": "0.01",
        "full_learning_rate": "0.01",
        "head_learning_rate": "0.01",
        "warmup": "0.1",
        "weight_decay": "0.01",
        "dropout": "0.1",
        "class_weights": "none",
        "keep": "best",
        "patience": 2,
        "seed": 1,
        "threads": 1,
    },
}


def job(seed: int, candidate: str = "lora") -> dict[str, Any]:
    config = {**CONFIG, "training": {**CONFIG["training"], "seed": seed}}
    return {
        "candidate": candidate,
        "task": "text-classification",
        "labels": ["a", "b"],
        "config": config,
        "precision": "fp32",
        "segmentSteps": STEPS,
        "keepSegments": True,
    }


def accumulating(job: dict[str, Any], size: int, times: int) -> dict[str, Any]:
    """Return a job whose steps learn from ``size`` records so many times, without dropout."""
    config = job["config"]
    training = {**config["training"], "batch_size": size, "class_weights": "sqrt", "dropout": "0"}
    if times > 1:
        training["accumulate"] = times
    lora = {**config["lora"], "dropout": "0"}
    return {**job, "config": {**config, "training": training, "lora": lora}}


def gradients(job: Mapping[str, Any], files: StagedFiles) -> list[tuple[float, list[Any]]]:
    """Return the loss and the gradients of each step of an epoch, all from the same weights."""
    fitting: Any = find_task(job["task"]).open_learner(job, files)
    for number, value in enumerate(fitting.parameters().values()):
        with torch.no_grad():
            draw = torch.Generator().manual_seed(number)
            value.copy_(torch.randn(value.shape, generator=draw) * 0.1)
    begun, found = fitting.state(), []
    batches = fitting.batches(0)
    assert fitting.steps == len(batches) * fitting.training["epochs"]
    getattr(fitting, "_network", getattr(fitting.model, "peft", None)).eval()
    for batch in batches:
        loss = fitting.learn(batch)
        found.append((loss, [one.grad.clone() for one in fitting.parameters().values()]))
        fitting.restore(begun)
    return found


def assert_equal_steps(
    some: list[tuple[float, list[Any]]], others: list[tuple[float, list[Any]]]
) -> None:
    """Compare what two ways of computing the same steps gave, within what floats round."""
    assert len(some) == len(others) > 1
    for (loss, ours), (other, theirs) in zip(some, others, strict=True):
        assert abs(loss - other) < 1e-5
        assert any(float(one.abs().max()) > 1e-3 for one in ours)
        for pair in zip(ours, theirs, strict=True):
            assert torch.allclose(*pair, atol=1e-5, rtol=1e-4)


class Trained:
    """A run in this process, with the points that it left."""

    def __init__(self, folder: Path, job: Mapping[str, Any]) -> None:
        self.folder, self.job = folder, job
        self.files = StagedFiles(folder, lambda *_: None)
        self.points: dict[int, str] = {}
        seed = job["config"]["training"]["seed"]
        self.out = folder / "out" / f"{len(list(folder.glob('out/*')))}-{seed}"
        self.learn()
        self.segments: SegmentList = read_segments((self.out / "1.segments").read_bytes())

    def learn(self) -> None:
        model = find_task(self.job["task"]).open_learner(self.job, self.files)
        train_epochs(
            self.job, self.files, model, WrittenCheckpoints(self.out, JobClocks()), self.report
        )

    def report(self, phase: str, *_: int, **figures: Any) -> None:
        if phase == "point" and figures["kind"] == "segment":
            source = self.folder / "out" / "points" / f"{figures['number']}.safetensors"
            name = f"{self.out.name}-{figures['segment']}.safetensors"
            source.rename(self.folder / name)
            self.points[figures["segment"]] = name

    def again(self, drawn: list[int], states: Any = None) -> dict[int, bool]:
        """Replay segments; return of each that could be whether it came to its signed state."""
        states = states or self.segments.states
        segments = [
            {
                "number": number,
                "position": dict(states[number].position),
                **({"point": self.points[number]} if number else {}),
            }
            for number in drawn
        ]
        job = {**self.job, "segments": segments}
        done = replay(job, self.files, lambda *_, **__: None)
        assert done["start"] == states[0].state
        assert all(one["began"] == states[one["number"]].state for one in done["replayed"])
        return {
            one["number"]: one["ended"] == states[one["number"] + 1].state
            for one in done["replayed"]
        }


def sabotaged(
    monkeypatch: pytest.MonkeyPatch, step: int, how: str, kind: Any = EncoderLearner
) -> None:
    """Let one step be another than was announced."""
    honest = kind.learn

    def learn(self: Any, chosen: Any) -> float:
        if self.step != step:
            return float(honest(self, chosen))
        if how == "order":
            return float(honest(self, other_records(self, chosen)))
        if how == "rate":
            with monkeypatch.context() as faster:
                faster.setattr(learner, "learning_rate_factor", lambda *_: 2.0)
                return float(honest(self, chosen))
        loss = honest(self, chosen)
        if how == "weights":
            with torch.no_grad():
                next(iter(self.parameters().values())).add_(1e-6)
        if how == "optimizer":
            for state in self.optimizer.state.values():
                state["exp_avg"].mul_(1.0001)
        if how == "random":
            torch.rand(1)
        if how == "twice":
            self.step -= 1
            honest(self, chosen)
        return float(loss)

    monkeypatch.setattr(kind, "learn", learn)


def other_records(fitting: Any, chosen: Any) -> Any:
    if isinstance(chosen[0], list):  # rows
        return [[(at + 1) % len(fitting._train) for at in row] for row in chosen]
    return [(at + 1) % fitting.total for at in chosen]


HOW = ("order", "rate", "weights", "optimizer", "random", "twice")


def nonce(number: int) -> dict[str, Any]:
    return {"nonce": number.to_bytes(32, "big"), "size": 40, "root": bytes(32)}
