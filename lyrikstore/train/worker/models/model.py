"""The protocol of trained models: logits, vectors, and the tokens that are read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.train.worker.examples import Example

if TYPE_CHECKING:
    from lyrikstore.train.worker.models.unlike import ClassDistances, Values

Logits = NDArray[np.float64]
"""Records × labels."""


Summands = Sequence[tuple[str, float]]
"""The terms of a sum: a readable name, and a value."""


class Saved(Protocol):
    """Protocol of a model that can be written as a checkpoint."""

    def save(self, folder: Path) -> None:
        """Write its files into an empty folder."""


class Model(Protocol):
    """A trained model."""

    @property
    def labels(self) -> Sequence[str]:
        """The labels, in the order of the logits."""

    def logits(self, examples: Sequence[Example]) -> Logits:
        """Return the logits of some records; they do not depend on their number and order."""

    def measured(
        self, examples: Sequence[Example], distances: "ClassDistances | None"
    ) -> "tuple[Logits, Values]":
        """Return the logits of some records, and the distance of each to the training data.

        Args:
            examples: The records.
            distances: The classes to measure the distance to; None: the share of unknown words.
        """

    def tokens(self, example: Example) -> tuple[int, int]:
        """Return the number of tokens that are read of a record, and the limit; 0: no limit."""

    def vectors(self, examples: Sequence[Example]) -> Any:
        """Return the vectors by which records are compared: rows of length 1, dense or sparse."""

    def contributions(self, example: Example, label: int) -> tuple[Summands, float] | None:
        """Return the terms and the bias whose sum is a logit; None if the logit is not a sum."""

    def parts(self, temperature: float) -> Sequence["Part"]:
        """Return the models of a blend, or this model with ``temperature``."""


class Part(Struct, frozen=True):
    """One model of a blend, or a model alone.

    Attributes:
        model: The model.
        temperature: The divisor of its logits.
        weight: The weight of its probabilities.
    """

    model: Model
    temperature: float
    weight: float = 1.0


def check_finite(tensors: Mapping[str, NDArray[Any]]) -> None:
    """Raise ``ValueError`` unless all weights are finite."""
    for name, value in tensors.items():
        if not np.isfinite(value).all():
            raise ValueError(f"its weights are not finite: {name} has infinity or NaN")


def unit_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows scaled to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12))


def described(task: str, labels: Sequence[str], form: str, **more: Any) -> Mapping[str, Any]:
    """Return the content of ``classifier.json``."""
    return {"format": form, "labels": list(labels), "task": task, **more}
