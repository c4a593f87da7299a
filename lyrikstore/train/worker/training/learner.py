"""What learns from batches: optimizer, schedule and steps that every training shares (§13.3)."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor, nn

from lyrikstore.train.requirements import ACCUMULATE
from lyrikstore.train.worker.errors import diverged
from lyrikstore.train.worker.models.model import Saved
from lyrikstore.train.worker.models.unlike import FittedUnlike


class Validated(Struct, frozen=True):
    """What the validation data say after an epoch.

    Attributes:
        output: What the model gave for them.
        metrics: Its metrics; decimals as text.
        score: The one that picks the epoch; the greatest is the best.
    """

    output: NDArray[np.float64]
    metrics: Mapping[str, str]
    score: float


class Learner(ABC):
    """A model that is trained.

    Args:
        training: The section of the config.
        groups: What is trained, each part with the rate at its peak.
        rate: The setting with its learning rate.

    Attributes:
        model: It.
        step: Steps that were taken.
        steps: Those of all epochs.
        total: What all batches of an epoch weigh.
        padding: Tokens that an epoch computes for each one that is there.
        trainable: How many numbers are trained.
    """

    model: Saved
    total: int
    steps: int

    def __init__(
        self,
        training: Mapping[str, Any],
        groups: Sequence[tuple[Sequence[nn.Parameter], str]],
        *,
        rate: str,
    ) -> None:
        self.training, self.rate = training, rate
        self.step, self.padding = 0, 1.0
        self._trained = [value for some, _ in groups for value in some]
        self._peaks = [float(peak) for _, peak in groups]
        self.trainable = sum(value.numel() for value in self._trained)
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
            [
                {"params": [*some], "lr": peak}
                for (some, _), peak in zip(groups, self._peaks, strict=True)
            ],
            weight_decay=float(training["weight_decay"]),
        )

    @abstractmethod
    def batches(self, epoch: int) -> Sequence[Sequence[Any]]:
        """Return the batches of an epoch, each as numbers that :meth:`learn` takes."""

    @abstractmethod
    def weight(self, batch: Sequence[Any]) -> int:
        """Return what the mean loss of a batch weighs in that of its epoch."""

    @abstractmethod
    def loss(self, batch: Sequence[Any]) -> Tensor:
        """Return the mean loss of a batch."""

    @abstractmethod
    def validate(self) -> Validated:
        """Return what the validation data say of the model."""

    @abstractmethod
    def parameters(self) -> dict[str, nn.Parameter]:
        """Return what is trained, by name."""

    def divisor(self, batch: Sequence[Any]) -> float:
        """Return what the mean loss of a batch was divided by; its weight, if nothing else."""
        return self.weight(batch)

    @property
    def records_per_step(self) -> int:
        """How many records, or rows of them, a step learns from."""
        return int(self.training["batch_size"]) * int(self.training.get(ACCUMULATE, 1))

    def parts(self, batch: Sequence[Any]) -> list[Sequence[Any]]:
        """Return what of a batch is computed at once, part by part."""
        size = self.training["batch_size"]
        return [batch[start : start + size] for start in range(0, len(batch), size)]

    def learn(self, batch: Sequence[Any]) -> float:
        """Take one step; return the loss before it.

        The gradients of the parts add up to that of the whole: each counts by its share of what the
        mean is over, so that a short part, or one of few answers, weighs no more than it has to.

        Raises:
            RunFailedError: (``diverged``) it is no number.
        """
        factor = learning_rate_factor(self.step, self.steps, float(self.training["warmup"]))
        for group, peak in zip(self.optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        self.optimizer.zero_grad()
        value, whole = 0.0, self.divisor(batch)
        for part in self.parts(batch):
            loss = self.loss(part) * (self.divisor(part) / whole)
            value += float(loss.item())
            if not math.isfinite(value):
                raise diverged(f"the loss is {value} at step {self.step + 1}", self.rate)
            cast("Any", loss).backward()
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        self.optimizer.step()
        self.step += 1
        return value

    @property
    def figures(self) -> Mapping[str, str]:
        """What it took of an accelerator."""
        return {}

    def unlike(self) -> FittedUnlike | None:
        """Return from where on texts are unlike the training data, where that can be said."""
        return None

    def state(self) -> dict[str, Tensor]:
        """Return a copy of what is trained."""
        return {
            name: value.detach().to("cpu", copy=True) for name, value in self.parameters().items()
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Set what is trained to a copy of before."""
        with torch.no_grad():
            for name, value in self.parameters().items():
                value.copy_(state[name])


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak rate at a step: linear rise, then linear fall to 0."""
    rising = math.ceil(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)
