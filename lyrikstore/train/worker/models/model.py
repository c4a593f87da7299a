"""The protocol of trained models: they give logits, and say what of a text they read."""

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
"""What a sum is made of: a name for people, and a summand."""


class Saved(Protocol):
    """What can be written as a checkpoint."""

    def save(self, folder: Path) -> None:
        """Write its files into an empty folder."""


class Model(Protocol):
    """A trained model."""

    @property
    def labels(self) -> Sequence[str]:
        """The labels, in the order of its logits."""

    def logits(self, examples: Sequence[Example]) -> Logits:
        """Return the logits of some records, whatever their number and order."""

    def measured(
        self, examples: Sequence[Example], distances: "ClassDistances | None"
    ) -> "tuple[Logits, Values]":
        """Return the logits of some records, and how unlike the training data each is.

        Args:
            examples: The records.
            distances: What this is measured by; None: by unknown words.
        """

    def tokens(self, example: Example) -> tuple[int, int]:
        """Return how many tokens of a record are read, and the most; 0: all are."""

    def vectors(self, examples: Sequence[Example]) -> Any:
        """Return what it compares records by: rows of length 1, dense or sparse."""

    def contributions(self, example: Example, label: int) -> tuple[Summands, float] | None:
        """Return the terms and the bias whose sum is a logit; None: it is no such sum."""

    def parts(self, temperature: float) -> Sequence["Part"]:
        """Return the models that answer in it, itself if it is one; ``temperature`` is its own."""


class Part(Struct, frozen=True):
    """A model that answers, by itself or in a blend.

    Attributes:
        model: The model.
        temperature: What its logits are divided by.
        weight: Of its probabilities.
    """

    model: Model
    temperature: float
    weight: float = 1.0


def check_finite(tensors: Mapping[str, NDArray[Any]]) -> None:
    """Return if weights are numbers; raises ``ValueError``."""
    for name, value in tensors.items():
        if not np.isfinite(value).all():
            raise ValueError(f"its weights are no numbers: {name} has infinity or NaN")


def unit_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows of length 1; those of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12))


def described(task: str, labels: Sequence[str], form: str, **more: Any) -> Mapping[str, Any]:
    """Return what ``classifier.json`` holds."""
    return {"format": form, "labels": list(labels), "task": task, **more}
