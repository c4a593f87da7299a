"""Base class of all training: optimizer, learning-rate schedule and steps (spec §13.3)."""

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
    """The result of validation after an epoch.

    Attributes:
        output: The model's output for the validation data.
        metrics: The metrics; decimals as text.
        score: The metric that selects the epoch; higher is better.
    """

    output: NDArray[np.float64]
    metrics: Mapping[str, str]
    score: float


class Learner(ABC):
    """A model in training.

    Args:
        training: The section ``[training]`` of the config.
        groups: The parameter groups, each with its peak learning rate.
        rate: The name of the setting with the learning rate.

    Attributes:
        model: The model.
        step: Steps so far.
        steps: Steps of all epochs.
        total: The sum of the weights of an epoch's batches.
        padding: Computed tokens of an epoch, padding included, per token of the texts.
        trainable: Number of trained parameters.
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
        """Return the batches of an epoch, as arguments of :meth:`learn`."""

    @abstractmethod
    def weight(self, batch: Sequence[Any]) -> int:
        """Return the weight of a batch's mean loss in the mean loss of its epoch."""

    @abstractmethod
    def loss(self, batch: Sequence[Any]) -> Tensor:
        """Return the mean loss of a batch."""

    @abstractmethod
    def validate(self) -> Validated:
        """Validate the model, and return the result."""

    @abstractmethod
    def parameters(self) -> dict[str, nn.Parameter]:
        """Return the trained parameters by name."""

    def divisor(self, batch: Sequence[Any]) -> float:
        """Return the divisor of a batch's mean loss; by default its weight."""
        return self.weight(batch)

    @property
    def records_per_step(self) -> int:
        """Number of records of a step, or of packed rows."""
        return int(self.training["batch_size"]) * int(self.training.get(ACCUMULATE, 1))

    def parts(self, batch: Sequence[Any]) -> list[Sequence[Any]]:
        """Return the parts of a batch that are computed one after another."""
        size = self.training["batch_size"]
        return [batch[start : start + size] for start in range(0, len(batch), size)]

    def learn(self, batch: Sequence[Any]) -> float:
        """Take one optimizer step; return the loss before it.

        The gradients of the parts add up to the gradient of the batch: each part is weighted by its
        share of the divisor, so that a short part, or one with few answers, does not count too
        much.

        Raises:
            RunFailedError: (``diverged``) the loss is not finite.
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
        """The memory of a GPU that training used."""
        return {}

    def unlike(self) -> FittedUnlike | None:
        """Return the limit above which texts are unlike the training data, if it is known."""
        return None

    def state(self) -> dict[str, Tensor]:
        """Return a copy of the trained parameters."""
        return {
            name: value.detach().to("cpu", copy=True) for name, value in self.parameters().items()
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Restore the trained parameters from a copy of :meth:`state`."""
        with torch.no_grad():
            for name, value in self.parameters().items():
                value.copy_(state[name])


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Return the factor of the peak learning rate at a step: linear warmup, then linear decay."""
    rising = math.ceil(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)
