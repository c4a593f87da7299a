"""``embeddings/1``: a linear model over the vectors of a frozen encoder."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load, save_file
from torch import nn

from lyrikstore.train.formats.adapter import CLASSIFIER, CLASSIFIER_CONFIG
from lyrikstore.train.formats.embeddings import FORMAT
from lyrikstore.train.worker.errors import bad_model
from lyrikstore.train.worker.examples import Example
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.encoder import TextEncoder, by_length, load_base, pooled
from lyrikstore.train.worker.models.model import (
    Logits,
    Part,
    Summands,
    check_finite,
    described,
    unit_rows,
)
from lyrikstore.train.worker.models.network import Network
from lyrikstore.train.worker.models.unlike import ClassDistances, Values, of_classes

OnEncoded = Callable[[int, int], None]
"""Called with the number of encoded texts, and of all texts."""

Base = tuple[nn.Module, TextEncoder, str]
"""The encoder, its tokenizer, and the pooling of token vectors."""


class Embeddings:
    """A linear model over the vectors of a frozen encoder.

    Args:
        task: Name of the task.
        labels: Labels in the order of the rows of weights.
        encoder: The base model.
        text: Its tokenizer.
        pooling: The pooling of token vectors, ``mean`` or ``cls``.
        weight: Labels × width.
        bias: The bias of each label.
    """

    def __init__(
        self,
        task: str,
        labels: Sequence[str],
        encoder: nn.Module,
        text: TextEncoder,
        pooling: str,
        weight: NDArray[np.float64],
        bias: NDArray[np.float64],
    ) -> None:
        self.task, self.labels = task, list(labels)
        self._encoder, self._text, self._pooling = encoder.eval(), text, pooling
        self._weight, self._bias = weight, bias

    def logits(self, examples: Sequence[Example]) -> Logits:
        """Return the logits of some records."""
        return self.logits_of(self.vectors(examples))

    def logits_of(self, vectors: NDArray[np.float64]) -> Logits:
        """Return the logits of vectors of length 1."""
        return np.asarray(vectors @ self._weight.T + self._bias)

    def measured(
        self, examples: Sequence[Example], distances: ClassDistances | None
    ) -> tuple[Logits, Values]:
        """Return the logits of some records, and the distance of each to the nearest class."""
        vectors = self.vectors(examples)
        return self.logits_of(vectors), of_classes(distances).of(vectors)

    def vectors(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Return one vector of length 1 for each text."""
        return embed(self._encoder, self._text, self._pooling, examples, lambda *_: None)

    def contributions(self, _example: Example, _label: int) -> tuple[Summands, float] | None:
        """Return None: the numbers of a vector have no meaning for people."""
        return None

    def parts(self, temperature: float) -> list[Part]:
        """Return this model as the only part."""
        return [Part(self, temperature)]

    def tokens(self, example: Example) -> tuple[int, int]:
        """Return the number of tokens that are read of a record, and the limit."""
        return len(self._text.encode([example.text])[0]), self._text.max_tokens

    def network(self) -> Network:
        """Return the model as one network."""
        return Network(
            self._encoder,
            self._pooling,
            unit=True,
            weight=self._weight,
            bias=self._bias,
            max_tokens=self._text.max_tokens,
        )

    def save(self, folder: Path) -> None:
        """Write its files."""
        about = described(
            self.task,
            self.labels,
            FORMAT,
            maxTokens=self._text.max_tokens,
            pooling=self._pooling,
        )
        (folder / CLASSIFIER_CONFIG).write_text(json.dumps(about), "utf-8")
        tensors = {"weight": self._weight, "bias": self._bias}
        save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, folder / CLASSIFIER)

    @classmethod
    def load(cls, files: StagedFiles, folder: str) -> Self:
        """Return the model in a staged folder; raise ``ValueError`` if its files do not match."""
        about: dict[str, Any] = json.loads(files.read(f"{folder}/{CLASSIFIER_CONFIG}"))
        encoder = load_base(files, about["maxTokens"])
        tensors = load(files.read(f"{folder}/{CLASSIFIER}"))
        labels, width = len(about["labels"]), int(encoder.config.hidden_size)
        shapes = {"weight": (labels, width), "bias": (labels,)}
        if {name: value.shape for name, value in tensors.items()} != shapes:
            raise ValueError("its weights do not match its labels and its base")
        check_finite(tensors)
        return cls(
            about["task"],
            about["labels"],
            encoder,
            TextEncoder(files, about["maxTokens"]),
            about["pooling"],
            tensors["weight"],
            tensors["bias"],
        )


def embed(
    encoder: nn.Module,
    text: TextEncoder,
    pooling: str,
    examples: Sequence[Example],
    on_encoded: OnEncoded,
) -> NDArray[np.float64]:
    """Return one vector of length 1 for each text: records × width."""
    sequences = text.encode([one.text for one in examples])
    parts: list[tuple[list[int], NDArray[np.float64]]] = []
    done = 0
    encoder.eval()
    with torch.inference_mode():
        for places in by_length(sequences):
            found = pooled(encoder, text.batch([sequences[at] for at in places]), pooling)
            parts.append((places, found.to(torch.float64).numpy()))
            done += len(places)
            on_encoded(done, len(examples))
    vectors = np.zeros((len(examples), parts[0][1].shape[1] if parts else 1))
    for places, some in parts:
        vectors[places] = some
    if not np.isfinite(vectors).all():
        raise bad_model("the base model", "the vector of a text has infinity or NaN")
    return unit_rows(vectors)
