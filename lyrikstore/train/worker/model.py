"""The model: a frozen encoder with LoRA adapters, pooled, and a linear classifier.

Imported by workers only: it loads torch, transformers and peft. Nothing here chooses a class by a
name found in a file, and nothing reads a pickle (spec/13-runs.md sections 4 and 6).
"""

import json
import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from lyrikstore.train.formats.adapter import (
    ADAPTER,
    ADAPTER_CONFIG,
    CLASSIFIER,
    CLASSIFIER_CONFIG,
    FIXED,
)
from lyrikstore.train.formats.base_model import (
    CONFIG,
    MAX_HEADER_BYTES,
    TOKENIZER,
    WEIGHTS,
    check_weights,
)
from lyrikstore.train.worker.errors import loading
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.staging import BASE, CHECKPOINT

_AT_ONCE = 32
"""Texts that are answered together."""

_TYPES: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""Type of a tensor in safetensors → what torch calls it; those that the guard lets through."""

Batch = tuple[Tensor, Tensor]
"""Token ids and attention mask, both (records, tokens)."""


class TextClassifier(nn.Module):
    """Encoder, pooling, dropout, linear classifier.

    Args:
        encoder: A transformer whose output has ``last_hidden_state``.
        width: Length of its vectors.
        labels: Number of labels.
        pooling: ``mean`` over the tokens of a text, or ``cls``: its first token.
        dropout: Before the classifier, in training.
    """

    def __init__(
        self, encoder: nn.Module, width: int, labels: int, *, pooling: str, dropout: float
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, labels)

    def features(self, batch: Batch) -> Tensor:
        """Return one vector per text: (records, width)."""
        tokens, mask = batch
        vectors = cast(
            "Tensor", self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        )
        if self.pooling == "cls":
            return vectors[:, 0]
        weights = mask.unsqueeze(-1).to(vectors.dtype)
        return (vectors * weights).sum(1) / weights.sum(1)

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits: (records, labels)."""
        return cast("Tensor", self.classifier(self.dropout(self.features(batch))))


class TextEncoder:
    """Turns texts into token ids as the base model's tokenizer file says.

    Args:
        files: Where the base model is staged.
        max_tokens: Longest sequence, special tokens included.
    """

    def __init__(self, files: StagedFiles, max_tokens: int) -> None:
        described = files.read(f"{BASE}/{TOKENIZER}")
        settings = json.loads(files.read(f"{BASE}/{CONFIG}"))
        with loading("the base model"):
            self._tokenizer = Tokenizer.from_str(described.decode("utf-8"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=max_tokens)
        self._padding = int(settings.get("pad_token_id", 0))

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, at most ``max_tokens`` of them."""
        return [found.ids for found in self._tokenizer.encode_batch(list(texts))]

    def batch(self, sequences: Sequence[Sequence[int]]) -> Batch:
        """Return sequences padded to the longest of them, and their mask."""
        length = max(map(len, sequences))
        tokens = torch.full((len(sequences), length), self._padding, dtype=torch.long)
        mask = torch.zeros((len(sequences), length), dtype=torch.long)
        for row, sequence in enumerate(sequences):
            tokens[row, : len(sequence)] = torch.tensor(sequence, dtype=torch.long)
            mask[row, : len(sequence)] = 1
        return tokens, mask


def prepare(threads: int, seed: int) -> None:
    """Make torch repeatable: one seed, deterministic algorithms, a fixed number of threads."""
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(mode=True)


def load_base(files: StagedFiles, max_tokens: int) -> BertModel:
    """Return the staged base model with frozen weights, in fp32.

    Its weights are read into memory of this process, each once: a mapped file would be read again
    later, when it may be another.

    Raises:
        InvalidInputError: (``bad-model``) it cannot be loaded, or its weights are not those of the
            architecture the config names: a layer left with random weights would look like a model.
        StorageError: (``staging-lost``) a file of it is gone.
    """
    settings = json.loads(files.read(f"{BASE}/{CONFIG}"))
    with loading("the base model"):
        return _load_base(settings, _read_weights(files, f"{BASE}/{WEIGHTS}"), max_tokens)


def _read_weights(files: StagedFiles, name: str) -> dict[str, Tensor]:
    # What `safetensors` reads from bytes is there twice; from a path, it is mapped.
    weights: dict[str, Tensor] = {}
    with files.open(name) as stream:
        head = stream.read(8)
        head += stream.read(min(int.from_bytes(head, "little"), MAX_HEADER_BYTES))
        check_weights(name, head, stream.size)  # so the tensors follow each other without a gap
        header = json.loads(head[8:])
        header.pop("__metadata__", None)
        for tensor, about in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            start, stop = about["data_offsets"]
            data = torch.empty(stop - start, dtype=torch.uint8)
            stream.fill(data.numpy().data)
            weights[tensor] = data.view(_TYPES[about["dtype"]]).reshape(about["shape"])
    return weights


def _load_base(
    settings: Mapping[str, Any], weights: Mapping[str, Tensor], max_tokens: int
) -> BertModel:
    if max_tokens > settings["max_position_embeddings"]:
        raise ValueError(
            f"max_tokens {max_tokens} is more than its {settings['max_position_embeddings']}"
        )
    config = BertConfig(**{k: v for k, v in settings.items() if k != "model_type"})
    # Typed as the model alone; with loading information it is a pair.
    loaded: Any = BertModel.from_pretrained(
        None,
        config=config,
        state_dict=dict(weights),
        add_pooling_layer=False,
        dtype=torch.float32,
        local_files_only=True,
        output_loading_info=True,
        trust_remote_code=False,
    )
    model, info = loaded
    missing = sorted(info["missing_keys"]) + sorted(map(str, info["mismatched_keys"]))
    if missing:
        raise ValueError(f"its weights lack {missing[0]} ({len(missing)} in all)")
    return cast("BertModel", model.requires_grad_(requires_grad=False))


def add_adapter(encoder: BertModel, settings: Mapping[str, Any]) -> nn.Module:
    """Return the encoder with a fresh LoRA adapter.

    Args:
        encoder: The base model.
        settings: ``rank``, ``alpha``, ``dropout``, ``targets`` and optionally ``layers``.

    Raises:
        ValueError: No layer of the model has such a name or number.
    """
    return cast("nn.Module", get_peft_model(encoder, _lora(settings)))


def save_checkpoint(
    model: TextClassifier, folder: Path, *, about: Mapping[str, Any], lora: Mapping[str, Any]
) -> None:
    """Write the adapter and the classifier, and nothing that the base model already says.

    Args:
        model: The trained model.
        folder: Folder to fill; exists and is empty.
        about: Content of ``classifier.json``.
        lora: The adapter's settings.
    """
    adapter = get_peft_model_state_dict(model.encoder)
    save_file({name: value.contiguous() for name, value in adapter.items()}, folder / ADAPTER)
    classifier = {name: value.contiguous() for name, value in model.classifier.state_dict().items()}
    save_file(classifier, folder / CLASSIFIER)
    (folder / ADAPTER_CONFIG).write_text(json.dumps(_adapter_config(lora)), "utf-8")
    (folder / CLASSIFIER_CONFIG).write_text(json.dumps(dict(about)), "utf-8")


def load_checkpoint(files: StagedFiles) -> tuple[TextClassifier, TextEncoder, list[str]]:
    """Return a trained model ready to answer, its tokenizer and its labels.

    Args:
        files: Where the base model and the checkpoint are staged.

    Raises:
        InvalidInputError: (``bad-model``) the files are not a whole ``peft-lora/1`` checkpoint for
            this base, or the base cannot be loaded.
        StorageError: (``staging-lost``) a file is gone.
    """
    with loading("the checkpoint"):
        about = json.loads(files.read(f"{CHECKPOINT}/{CLASSIFIER_CONFIG}"))
    encoder = load_base(files, about["maxTokens"])
    with loading("the checkpoint"):
        model = _add_trained(encoder, files, about)
    return model.eval(), TextEncoder(files, about["maxTokens"]), list(about["labels"])


def _add_trained(
    encoder: BertModel, files: StagedFiles, about: Mapping[str, Any]
) -> TextClassifier:
    width = int(encoder.config.hidden_size)
    lora = _to_lora(files.read(f"{CHECKPOINT}/{ADAPTER_CONFIG}"))
    wrapped = get_peft_model(encoder, lora)
    tensors = load(files.read(f"{CHECKPOINT}/{ADAPTER}"))
    if tensors.keys() != get_peft_model_state_dict(wrapped).keys():
        raise ValueError("the adapter's tensors are not those its config names")
    set_peft_model_state_dict(wrapped, tensors)
    model = TextClassifier(
        cast("nn.Module", wrapped),
        width,
        len(about["labels"]),
        pooling=about["pooling"],
        dropout=0.0,
    )
    model.classifier.load_state_dict(load(files.read(f"{CHECKPOINT}/{CLASSIFIER}")))
    return model


def predict_logits(
    model: TextClassifier, encoder: TextEncoder, sequences: Sequence[Sequence[int]]
) -> Tensor:
    """Return the logits of encoded texts, in their order: (records, labels)."""
    model.eval()
    result = torch.empty((len(sequences), model.classifier.out_features))
    # By length, so that little is padded.
    order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
    with torch.inference_mode():
        for start in range(0, len(order), _AT_ONCE):
            chosen = order[start : start + _AT_ONCE]
            result[chosen] = model(encoder.batch([sequences[index] for index in chosen]))
    return result


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak rate at a step: linear rise, then linear fall to 0."""
    rising = math.ceil(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)


def _lora(settings: Mapping[str, Any]) -> LoraConfig:
    return LoraConfig(
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        lora_dropout=float(settings["dropout"]),
        target_modules=list(settings["targets"]),
        layers_to_transform=list(settings["layers"]) if settings.get("layers") else None,
    )


def _adapter_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    # Written out rather than taken from PEFT, which adds every setting of every other kind of
    # adapter, sets in an order that follows the hash seed, and the path of the base model.
    lora = _lora(settings)
    document: dict[str, Any] = dict(FIXED)
    document |= {
        "base_model_name_or_path": "",
        "lora_alpha": lora.lora_alpha,
        "lora_dropout": lora.lora_dropout,
        "peft_version": version("peft"),
        "r": lora.r,
        "target_modules": sorted(settings["targets"]),
    }
    if settings.get("layers"):
        document["layers_to_transform"] = sorted(settings["layers"])
    return document


def _to_lora(data: bytes) -> LoraConfig:
    # What it may say was looked at before it was staged (lyrikstore.train.formats.adapter).
    document = json.loads(data)
    return LoraConfig(
        r=document["r"],
        lora_alpha=document["lora_alpha"],
        lora_dropout=float(document["lora_dropout"]),
        target_modules=list(document["target_modules"]),
        layers_to_transform=document.get("layers_to_transform"),
        inference_mode=True,
    )
