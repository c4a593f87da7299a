"""``peft-lora/1`` and ``encoder/1``: a trained encoder with pooling and a linear classifier.

A checkpoint of ``peft-lora/1`` has the adapter, one of ``encoder/1`` all weights that changed.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save_file
from torch import Tensor, nn

from lyrikstore.train.formats.adapter import (
    ADAPTER,
    ADAPTER_CONFIG,
    CLASSIFIER,
    CLASSIFIER_CONFIG,
    FIXED,
)
from lyrikstore.train.formats.adapter import FORMAT as LORA
from lyrikstore.train.formats.encoder import ENCODER
from lyrikstore.train.formats.encoder import FORMAT as FULL
from lyrikstore.train.worker.errors import TRAINED, loading
from lyrikstore.train.worker.examples import Example
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.adapters import (
    load_peft,
    merge_adapter,
    new_adapter,
    settings_of,
)
from lyrikstore.train.worker.models.encoder import (
    Batch,
    TextEncoder,
    by_length,
    load_base,
    pooled,
)
from lyrikstore.train.worker.models.model import Logits, Part, Summands, described, unit_rows
from lyrikstore.train.worker.models.network import Network
from lyrikstore.train.worker.models.unlike import ClassDistances, Values, of_classes


class TextClassifier(nn.Module):
    """Network of encoder, pooling, dropout and linear classifier.

    Args:
        encoder: A transformer whose output has ``last_hidden_state``.
        width: Length of its vectors.
        labels: Number of labels.
        pooling: ``mean`` over the tokens of a text, or ``cls``: its first token.
        dropout: Dropout before the classifier, in training.
    """

    def __init__(
        self, encoder: nn.Module, width: int, labels: int, *, pooling: str, dropout: float
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, labels)

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits: (records, labels)."""
        vectors = pooled(self.encoder, batch, self.pooling)
        return cast("Tensor", self.classifier(self.dropout(vectors)))


class Tuned:
    """A fine-tuned encoder with its classifier.

    Args:
        task: Name of the task.
        labels: Labels in the order of the classifier's rows.
        classifier: The network.
        text: The base's tokenizer.
        lora: The adapter's settings; None: all weights are trained.
    """

    def __init__(
        self,
        task: str,
        labels: Sequence[str],
        classifier: TextClassifier,
        text: TextEncoder,
        lora: Mapping[str, Any] | None,
    ) -> None:
        self.task, self.labels = task, list(labels)
        self.classifier, self.text, self.lora = classifier, text, lora

    @classmethod
    def fresh(
        cls, task: str, labels: Sequence[str], files: StagedFiles, config: Mapping[str, Any]
    ) -> Self:
        """Return an untrained model.

        Args:
            task: Name of the task.
            labels: All labels.
            files: The staging folder, with the base model.
            config: ``model`` and ``training`` settings; ``lora`` where an adapter is trained.
        """
        base = load_base(files, config["model"]["max_tokens"])
        width, lora = int(base.config.hidden_size), config.get("lora")
        if lora is not None:
            encoder = load_peft().get_peft_model(base, new_adapter(lora))
        else:
            encoder = base.requires_grad_(requires_grad=True)
            # Word vectors are most of the weights, and rare words would be torn away from others.
            cast("Any", base).get_input_embeddings().requires_grad_(requires_grad=False)
        classifier = TextClassifier(
            encoder,
            width,
            len(labels),
            pooling=config["model"]["pooling"],
            dropout=float(config["training"]["dropout"]),
        )
        with torch.no_grad():
            classifier.classifier.weight.zero_()
            classifier.classifier.bias.zero_()
        text = TextEncoder(files, config["model"]["max_tokens"])
        return cls(task, labels, classifier, text, lora)

    def logits(self, examples: Sequence[Example]) -> Logits:
        """Return the logits of some records."""
        return self.logits_of(self.text.encode([one.text for one in examples]))

    def logits_of(self, sequences: Sequence[Sequence[int]]) -> Logits:
        """Return the logits of encoded texts."""
        return self._read(sequences)[0]

    def measured(
        self, examples: Sequence[Example], distances: ClassDistances | None
    ) -> tuple[Logits, Values]:
        """Return the logits of some records, and the distance of each to the nearest class."""
        logits, vectors = self._read(self.text.encode([one.text for one in examples]))
        return logits, of_classes(distances).of(vectors)

    def _read(self, sequences: Sequence[Sequence[int]]) -> tuple[Logits, NDArray[np.float64]]:
        """Return logits and vectors of encoded texts."""
        model = self.classifier.eval()
        logits = np.zeros((len(sequences), len(self.labels)))
        vectors = np.zeros((len(sequences), model.classifier.in_features))
        with torch.inference_mode():
            for places in by_length(sequences):
                batch = self.text.batch([sequences[at] for at in places])
                found = pooled(model.encoder, batch, model.pooling)
                vectors[places] = found.to(torch.float64).numpy()
                logits[places] = model.classifier(found).to(torch.float64).numpy()
        return logits, unit_rows(vectors)

    def tokens(self, example: Example) -> tuple[int, int]:
        """Return the number of tokens that are read of a record, and the limit."""
        return len(self.text.encode([example.text])[0]), self.text.max_tokens

    def vectors(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Return one vector of length 1 for each text: the classifier's input."""
        return self._read(self.text.encode([one.text for one in examples]))[1]

    def contributions(self, _example: Example, _label: int) -> tuple[Summands, float] | None:
        """Return None: the numbers of a vector have no meaning for people."""
        return None

    def parts(self, temperature: float) -> list[Part]:
        """Return this model as the only part."""
        return [Part(self, temperature)]

    def network(self) -> Network:
        """Return the model as one network; this merges the adapter, so it must be the last call."""
        encoder = merge_adapter(self.classifier.encoder.eval())
        linear = self.classifier.classifier
        return Network(
            encoder,
            self.classifier.pooling,
            unit=False,
            weight=linear.weight.detach().to(torch.float64).numpy(),
            bias=linear.bias.detach().to(torch.float64).numpy(),
            max_tokens=self.text.max_tokens,
        )

    def merged(self) -> Self:
        """Return the model with its adapter merged; all weights but word vectors are its own."""
        encoder = merge_adapter(self.classifier.encoder)
        encoder.requires_grad_(requires_grad=True)
        encoder.get_input_embeddings().requires_grad_(requires_grad=False)
        self.classifier.encoder = encoder
        return type(self)(self.task, self.labels, self.classifier, self.text, None)

    def save(self, folder: Path) -> None:
        """Write the adapter or the trained weights, and the classifier."""
        encoder = self.classifier.encoder
        if self.lora is not None:
            _save(load_peft().get_peft_model_state_dict(encoder), folder / ADAPTER)
            written = json.dumps(_adapter_config(self.lora))
            (folder / ADAPTER_CONFIG).write_text(written, "utf-8")
        else:
            trained = {k: v for k, v in encoder.named_parameters() if v.requires_grad}
            _save({name: value.detach() for name, value in trained.items()}, folder / ENCODER)
        _save(self.classifier.classifier.state_dict(), folder / CLASSIFIER)
        about = described(
            self.task,
            self.labels,
            FULL if self.lora is None else LORA,
            maxTokens=self.text.max_tokens,
            pooling=self.classifier.pooling,
        )
        (folder / CLASSIFIER_CONFIG).write_text(json.dumps(about), "utf-8")

    @classmethod
    def load(cls, files: StagedFiles, folder: str) -> Self:
        """Return the model in a staged folder.

        Raises:
            InvalidInputError: (``bad-checkpoint``) the files are not a complete checkpoint of this
            base.
            LyrikstoreError: As :func:`load_base`.
        """
        with loading(TRAINED):
            about = json.loads(files.read(f"{folder}/{CLASSIFIER_CONFIG}"))
        base = load_base(files, about["maxTokens"])
        with loading(TRAINED):
            classifier = _load(base, files, folder, about)
        text = TextEncoder(files, about["maxTokens"])
        return cls(about["task"], about["labels"], classifier.eval(), text, None)


def _load(base: Any, files: StagedFiles, folder: str, about: Mapping[str, Any]) -> TextClassifier:
    width = int(base.config.hidden_size)
    if about["format"] == LORA:
        peft = load_peft()
        document = json.loads(files.read(f"{folder}/{ADAPTER_CONFIG}"))
        lora = new_adapter(settings_of(document), inference_mode=True)
        encoder = peft.get_peft_model(base, lora)
        tensors = load(files.read(f"{folder}/{ADAPTER}"))
        if tensors.keys() != peft.get_peft_model_state_dict(encoder).keys():
            raise ValueError("the adapter's tensors do not match its config")
        peft.set_peft_model_state_dict(encoder, tensors)
    else:
        encoder = base
        tensors = load(files.read(f"{folder}/{ENCODER}"))
        frozen = base.get_input_embeddings().weight
        trained = {k: v.shape for k, v in base.named_parameters() if v is not frozen}
        if {name: value.shape for name, value in tensors.items()} != trained:
            raise ValueError("the encoder's tensors do not match its base")
        base.load_state_dict(tensors, strict=False)
    model = TextClassifier(
        cast("nn.Module", encoder),
        width,
        len(about["labels"]),
        pooling=about["pooling"],
        dropout=0.0,
    )
    model.classifier.load_state_dict(load(files.read(f"{folder}/{CLASSIFIER}")))
    if not all(torch.isfinite(value).all() for value in model.parameters()):
        raise ValueError("its weights have infinity or NaN")
    return model


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    save_file({name: value.contiguous() for name, value in tensors.items()}, path)


def _adapter_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    # Written out rather than taken from PEFT, which adds every setting of every other kind of
    # adapter, sets in an order that follows the hash seed, and the path of the base model.
    document: dict[str, Any] = dict(FIXED)
    document |= {
        "base_model_name_or_path": "",
        "lora_alpha": settings["alpha"],
        "lora_dropout": float(settings["dropout"]),
        "peft_version": version("peft"),
        "r": settings["rank"],
        "target_modules": sorted(settings["targets"]),
    }
    if settings.get("layers"):
        document["layers_to_transform"] = sorted(settings["layers"])
    return document
