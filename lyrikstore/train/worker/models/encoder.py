"""Base models: a frozen encoder, its tokenizer, and one vector for each text.

Imported by workers only: it loads torch and transformers. Nothing here chooses a class by a name
found in a file, and nothing reads a pickle (spec 13.4).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from lyrikstore.train.formats.architectures import family_of
from lyrikstore.train.formats.base_model import (
    CONFIG,
    MAX_HEADER_BYTES,
    WEIGHTS,
    check_weights,
)
from lyrikstore.train.worker.errors import bad_model, loading
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.tokenizing import LimitedTokenizer
from lyrikstore.train.worker.staging import BASE

AT_ONCE = 32
"""Texts that are encoded together."""

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
"""Type of a tensor in safetensors → type of torch; only the types that the guard accepts."""

_CLASSES: Mapping[str, tuple[Any, Any]] = {
    "bert": (BertConfig, BertModel),
    "distilbert": (DistilBertConfig, DistilBertModel),
    "modernbert": (ModernBertConfig, ModernBertModel),
    "roberta": (RobertaConfig, RobertaModel),
    "xlm-roberta": (XLMRobertaConfig, XLMRobertaModel),
}
"""``model_type`` → the classes of transformers; never a class named in a file."""

_POOLING = frozenset({"bert", "roberta", "xlm-roberta"})
"""Architectures with a pooling layer, which is not loaded."""

Batch = tuple[Tensor, Tensor]
"""Token ids and attention mask, both (records, tokens)."""


class TextEncoder:
    """Encodes texts with the base model's tokenizer.

    Args:
        files: The staging folder, with the base model.
        max_tokens: Longest sequence, special tokens included.
    """

    def __init__(self, files: StagedFiles, max_tokens: int) -> None:
        self._tokenizer = LimitedTokenizer(files, max_tokens)
        settings = json.loads(files.read(f"{BASE}/{CONFIG}"))
        self.max_tokens = max_tokens
        self._padding = int(settings.get("pad_token_id", family_of(settings).padding))
        self._vectors = int(settings["vocab_size"])

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, at most ``max_tokens`` of them.

        Raises:
            InvalidInputError: (``bad-model``) the model has no vector for one of the ids; or as
                :meth:`LimitedTokenizer.encode`.
        """
        found = self._tokenizer.encode(texts)
        most = max((max(ids, default=0) for ids in found), default=0)
        if most >= self._vectors:
            raise bad_model(
                "the base model",
                f"its tokenizer returns token {most}, and it has {self._vectors} token vectors",
            )
        return found

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
    """Make torch deterministic: one seed, deterministic algorithms, a fixed number of threads."""
    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:  # torch takes it once, and `measure` comes here twice
        torch.set_num_interop_threads(1)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(mode=True)


def load_base(files: StagedFiles, max_tokens: int) -> PreTrainedModel:
    """Return the staged base model with frozen weights, in fp32.

    Its weights are read into the memory of this process once: a mapped file would be read again
    later, after a change by another program.

    Raises:
        InvalidInputError: (``bad-model``) the model cannot be loaded, or its weights do not match
            the
        architecture in its config: a layer left with random weights would look like a model.
        StorageError: (``staging-lost``) a file of the model is missing.
    """
    settings = json.loads(files.read(f"{BASE}/{CONFIG}"))
    with loading("the base model"):
        return _load_base(settings, dict(iterate_weights(files, f"{BASE}/{WEIGHTS}")), max_tokens)


def iterate_weights(files: StagedFiles, name: str) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a staged file by name, each read once into memory of this process."""
    # What `safetensors` reads from bytes is there twice; from a path, it is mapped.
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
            yield tensor, data.view(_TYPES[about["dtype"]]).reshape(about["shape"])


def _load_base(
    settings: Mapping[str, Any], weights: Mapping[str, Tensor], max_tokens: int
) -> PreTrainedModel:
    family = family_of(settings)
    most = family.positions(settings)
    if max_tokens > most:
        raise ValueError(f"max_tokens {max_tokens} is more than its {most}")
    kind = settings["model_type"]
    configured, built = _CLASSES[kind]
    config = configured(**family.arguments(settings))
    # Typed as the model alone; with loading information it is a pair.
    loaded: Any = built.from_pretrained(
        None,
        config=config,
        state_dict=dict(weights),
        **({"add_pooling_layer": False} if kind in _POOLING else {}),
        dtype=torch.float32,
        ignore_mismatched_sizes=True,  # so that they are named, below
        local_files_only=True,
        output_loading_info=True,
        trust_remote_code=False,
    )
    model, info = loaded
    for name, held, wanted in sorted(info["mismatched_keys"]):
        raise ValueError(
            f"its weights do not fit its config: {name} is {tuple(held)}, not {tuple(wanted)}"
        )
    missing = sorted(info["missing_keys"])
    if missing:
        raise ValueError(f"its weights lack {missing[0]} ({len(missing)} in all)")
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            raise ValueError(f"its weights are not finite: {name} has infinity or NaN")
    return cast("PreTrainedModel", model.requires_grad_(requires_grad=False))


def pooled(encoder: nn.Module, batch: Batch, pooling: str) -> Tensor:
    """Return one vector per text: (records, width).

    Args:
        encoder: A transformer whose output has ``last_hidden_state``.
        batch: The texts.
        pooling: ``mean`` over the tokens of a text, or ``cls``: its first token.
    """
    tokens, mask = batch
    vectors = cast("Tensor", encoder(input_ids=tokens, attention_mask=mask).last_hidden_state)
    if pooling == "cls":
        return vectors[:, 0]
    weights = mask.unsqueeze(-1).to(vectors.dtype)
    return (vectors * weights).sum(1) / weights.sum(1)


def by_length(sequences: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the positions of sequences, in batches of similar length, so that padding is small."""
    order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
    return [order[start : start + AT_ONCE] for start in range(0, len(order), AT_ONCE)]
