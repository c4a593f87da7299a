"""The training loop of encoders: LoRA or all weights, the best epoch kept (spec §13.3)."""

import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from lyrikstore.train.worker.errors import diverged
from lyrikstore.train.worker.examples import Example, targets
from lyrikstore.train.worker.fitting.loop import EpochLoop, Validated
from lyrikstore.train.worker.fitting.points import Points
from lyrikstore.train.worker.fitting.written import Report, Written
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.encoder import prepare
from lyrikstore.train.worker.models.tuned import Tuned
from lyrikstore.train.worker.order import epoch_batches, padding_ratio
from lyrikstore.verify.evaluation.choice.task import Flags


def train_encoder(
    job: Mapping[str, Any],
    files: StagedFiles,
    data: tuple[Sequence[Example], Sequence[Example]],
    written: Written,
    report: Report,
) -> None:
    """Train an encoder and write its best epoch, or every one.

    Args:
        job: As for :func:`lyrikstore.train.worker.fitting.fit.train`.
        files: The staging folder.
        data: Training and validation records.
        written: Takes the checkpoints.
        report: Called per step and per epoch.
    """
    fitting = open_encoder(job, files, data, written)
    report("start", 0, fitting.steps, candidate=job["candidate"], parameters=fitting.trainable)
    points = Points(job, files, written.began, report)
    loop = EpochLoop(fitting, points)
    loop.run(report)
    for epoch in sorted(loop.kept):
        kept = loop.kept[epoch]
        fitting.restore(kept.state)
        written.add(
            fitting.model,
            kept.logits.numpy(),
            final=epoch == max(loop.kept),
            step=kept.step,
            epoch=str(epoch + 1),
            metrics=kept.metrics,
            history=loop.history(job["candidate"]) if epoch == max(loop.kept) else b"",
            segments=points.listed(job["candidate"]) if epoch == max(loop.kept) else b"",
        )


def open_encoder(
    job: Mapping[str, Any],
    files: StagedFiles,
    data: tuple[Sequence[Example], Sequence[Example]],
    written: Written,
) -> "ValidatedFitting":
    """Return an encoder before its first step.

    Args:
        job: As for :func:`lyrikstore.train.worker.fitting.fit.train`.
        files: The staging folder.
        data: Training and validation records.
        written: Measures it.
    """
    examples, checking = data
    config = dict(job["config"])
    training = config["training"]
    if job["candidate"] == "full":
        config.pop("lora", None)
    prepare(training["threads"], training["seed"])
    model = Tuned.fresh(job["task"], job["labels"], files, config)
    fitting = ValidatedFitting(model, job, examples)
    fitting.look_at(checking, written)
    return fitting


class Fitting:
    """Optimizer, schedule and loss of one run."""

    def __init__(
        self,
        model: Tuned,
        job: Mapping[str, Any],
        examples: Sequence[Example],
    ) -> None:
        self.model = model
        self.total = len(examples)
        self.training = training = job["config"]["training"]
        self._network = model.classifier
        self._sequences = model.text.encode([one.text for one in examples])
        self._records = [one.id for one in examples]
        self._lengths = list(map(len, self._sequences))
        wanted = targets(examples, job["labels"])
        self._several = job["task"] == "multi-label"
        self._wanted = torch.from_numpy(
            wanted.astype(np.float32) if self._several else wanted.argmax(1)
        )
        self.steps = math.ceil(len(examples) / training["batch_size"]) * training["epochs"]
        self.step, self.padding = 0, 1.0
        head = list(self._network.classifier.parameters())
        body = [one for one in self._network.encoder.parameters() if one.requires_grad]
        self._trained = body + head
        self.trainable = sum(value.numel() for value in self._trained)
        self.rate = "learning_rate" if job["candidate"] == "lora" else "full_learning_rate"
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
            [
                {"params": body, "lr": float(training[self.rate])},
                {"params": head, "lr": float(training["head_learning_rate"])},
            ],
            weight_decay=float(training["weight_decay"]),
        )
        self._peaks = [float(group["lr"]) for group in self.optimizer.param_groups]
        weights = label_weights(wanted, training["class_weights"])
        if self._several:
            self._loss: nn.Module = nn.BCEWithLogitsLoss(pos_weight=torch.from_numpy(weights))
        else:
            self._loss = nn.CrossEntropyLoss(weight=torch.from_numpy(weights))
        self._half = job["precision"] == "bf16"

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the places of the records of each batch of an epoch, and note its padding."""
        self._network.train()
        batches = epoch_batches(
            self._records,
            self._lengths,
            size=self.training["batch_size"],
            seed=self.training["seed"],
            epoch=epoch,
        )
        self.padding = padding_ratio(batches, self._lengths)
        return batches

    def weight(self, batch: Sequence[int]) -> int:
        """Return how many records a batch has."""
        return len(batch)

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return what is trained, by name."""
        return {
            name: value for name, value in self._network.named_parameters() if value.requires_grad
        }

    def state(self) -> dict[str, Tensor]:
        """Return a copy of what is trained."""
        return {name: value.detach().clone() for name, value in self.parameters().items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Set what is trained to a copy of before."""
        self._network.load_state_dict(dict(state), strict=False)

    def learn(self, chosen: Sequence[int]) -> float:
        """Learn from one batch, by the places of its records; return its loss."""
        factor = learning_rate_factor(self.step, self.steps, float(self.training["warmup"]))
        for group, peak in zip(self.optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        batch = self.model.text.batch([self._sequences[at] for at in chosen])
        half = torch.autocast("cpu", torch.bfloat16) if self._half else nullcontext()
        with half:
            logits = self._network(batch)
        loss = self._loss(logits.float(), self._wanted[list(chosen)])
        value = float(loss.item())
        if not math.isfinite(value):
            raise diverged(f"the loss is {value} at step {self.step + 1}", self.rate)
        self.optimizer.zero_grad()
        cast("Any", loss).backward()
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        self.optimizer.step()
        self.step += 1
        return value


class ValidatedFitting(Fitting):
    """Looks at validation records after an epoch."""

    def look_at(self, checking: Sequence[Example], written: Written) -> None:
        """Take the validation records, and what measures them."""
        self._checking = self.model.text.encode([one.text for one in checking])
        self._written = written

    def validate(self) -> Validated:
        """Answer the validation records; the decision that fits them best says how well."""
        logits, written = self.model.logits_of(self._checking), self._written
        if not np.isfinite(logits).all():
            return Validated(logits, {}, math.nan)
        decision = written.task.decide(logits, written.expected)
        probabilities = written.task.probabilities(logits, decision.temperature)
        given = written.task.given(probabilities, decision)
        return Validated(
            logits, written.measure(logits), written.task.score(written.expected, given)
        )


def label_weights(wanted: Flags, how: str) -> Any:
    """Return the weight of each label in the loss, float32.

    Args:
        wanted: Records × labels.
        how: ``none``; ``balanced``: inversely to how many records have it; ``sqrt``: to the root.
    """
    counts = np.maximum(wanted.sum(0), 1)
    even = np.ones(len(counts)) if how == "none" else len(wanted) / (len(counts) * counts)
    return np.asarray(np.sqrt(even) if how == "sqrt" else even, np.float32)


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak rate at a step: linear rise, then linear fall to 0."""
    rising = math.ceil(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)
