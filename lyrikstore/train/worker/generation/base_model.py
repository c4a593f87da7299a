"""Base generative models, with frozen weights (spec §13.12.5).

Weights are read one tensor at a time, and each is converted before the next one is read: of a model
in 4 bits, at most one matrix is in memory as its file has it. Nothing here chooses a class by a
name in a file, and nothing reads a pickle.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from accelerate import init_empty_weights
from torch import Tensor, nn
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GemmaConfig,
    GemmaForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from lyrikstore.train.formats.architectures import family_of
from lyrikstore.train.formats.base_model import CONFIG
from lyrikstore.train.requirements import CPU
from lyrikstore.train.worker.device import open_device
from lyrikstore.train.worker.errors import loading
from lyrikstore.train.worker.generation.segments import ATTENTION
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.adapters import load_bitsandbytes
from lyrikstore.train.worker.models.encoder import iterate_weights
from lyrikstore.train.worker.staging import BASE

_CLASSES: Mapping[str, tuple[Any, Any]] = {
    "gemma": (GemmaConfig, GemmaForCausalLM),
    "gemma3_text": (Gemma3TextConfig, Gemma3ForCausalLM),
    "llama": (LlamaConfig, LlamaForCausalLM),
    "mistral": (MistralConfig, MistralForCausalLM),
    "phi3": (Phi3Config, Phi3ForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
}
"""``model_type`` → the classes; never by a name in a file."""

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_HEAD, _TABLE = "lm_head.weight", "model.embed_tokens.weight"
_COMPUTED = re.compile(r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq")
"""Tensors of each layer that old files contain, and that models compute from their settings."""


def load_decoder(
    files: StagedFiles,
    weights: Sequence[str],
    *,
    quantization: str,
    precision: str,
    device: str = CPU,
) -> Any:
    """Return the staged base model with frozen weights.

    Args:
        files: The staging folder.
        weights: Names of the files with its weights.
        quantization: ``nf4``; empty: the weights are in ``precision``.
        precision: ``fp32`` or ``bf16``.
        device: The device of the model, ``cpu`` or ``cuda``; tensors are moved there one by one.

    Raises:
        InvalidInputError: (``bad-model``) the model cannot be loaded, or its weights do not match
        the architecture that the config names; (``extra-missing``) bitsandbytes is not installed.
        StorageError: (``staging-lost``) a file of the model is missing.
        LyrikstoreError: As :func:`open_device`.
    """
    settings = json.loads(files.read(f"{BASE}/{CONFIG}"))
    place = open_device(device, precision)
    with loading("the base model"):
        model = _without_weights(settings, quantization, _TYPES[precision])
        read = (one for name in weights for one in iterate_weights(files, f"{BASE}/{name}"))
        _fill(model, read, _TYPES[precision], place)
        for module in model.modules():  # what is computed from the settings
            for name, value in module.named_buffers(recurse=False):
                setattr(module, name, value.to(place))
    return model


def _without_weights(settings: Mapping[str, Any], quantization: str, dtype: torch.dtype) -> Any:
    configured, built = _CLASSES[settings["model_type"]]
    config = configured(**family_of(settings).arguments(settings), attn_implementation=ATTENTION)
    with init_empty_weights(include_buffers=False):
        model = built(config)
    model.tie_weights()
    if quantization:
        four_bits = load_bitsandbytes()
        layers = [(name, one) for name, one in model.named_modules() if type(one) is nn.Linear]
        for name, one in layers:
            if name != "lm_head":
                four = four_bits.nn.Linear4bit(
                    one.in_features,
                    one.out_features,
                    bias=one.bias is not None,
                    compute_dtype=dtype,
                    compress_statistics=True,
                    quant_type=quantization,
                    device="meta",
                )
                # On processors with AVX-512 BF16 it would keep other weights once it has answered,
                # through which no gradient goes back, and fail where a layer is narrower than 64.
                four.support_avx512bf16_for_cpu = False
                model.set_submodule(name, four)
        model.is_loaded_in_4bit = True  # by which PEFT knows such layers
    return model.eval()


def _fill(
    model: Any, read: Iterable[tuple[str, Tensor]], dtype: torch.dtype, device: torch.device
) -> None:
    missing = {name: one.shape for name, one in model.named_parameters(remove_duplicate=False)}
    seen: set[str] = set()
    tied: Tensor | None = None
    if model.config.tie_word_embeddings:
        missing.pop(_HEAD)
    unexpected = []
    for name, value in read:
        if name in seen:
            raise ValueError(f"its weights have {name} twice")
        seen.add(name)
        if _COMPUTED.fullmatch(name):
            continue
        if not value.is_floating_point():  # an integer is half of a quantised weight
            raise ValueError(f"its weights are not floating-point numbers: {name} has integers")
        kept = value.to(dtype)
        if not torch.isfinite(kept).all():
            raise ValueError(f"its weights are not finite: {name} has infinity or NaN")
        if name == _HEAD and model.config.tie_word_embeddings:
            tied = kept.to(device)
        elif name not in missing:
            unexpected.append(name)
        elif kept.shape != (wanted := missing.pop(name)):
            raise ValueError(
                f"its weights do not fit its config: {name} is {tuple(kept.shape)}, "
                f"not {tuple(wanted)}"
            )
        else:
            _set(model, name, kept, device)
    for names, words in ((missing, "lack"), (unexpected, "have, beside its own,")):
        if wrong := sorted(names):
            raise ValueError(f"its weights {words} {wrong[0]} ({len(wrong)} in all)")
    model.tie_weights()
    if tied is not None and not torch.equal(tied, model.get_parameter(_TABLE)):
        raise ValueError(f"its config says that {_HEAD} is {_TABLE}, and its weights differ")


def _set(model: nn.Module, name: str, value: Tensor, device: torch.device) -> None:
    owner, _, own = name.rpartition(".")
    module, old = model.get_submodule(owner), model.get_parameter(name)
    if type(old) is nn.Parameter:
        new = nn.Parameter(value.to(device), requires_grad=False)
    else:  # of four bits: moving it to a device is what quantises it
        new = cast("Any", type(old))(value, requires_grad=False, **vars(old)).to(device)
    setattr(module, own, new)
