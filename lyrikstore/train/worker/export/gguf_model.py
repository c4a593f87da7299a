"""A generative model as one GGUF file, which llama.cpp and Ollama load (spec §14.7.6)."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from numpy.typing import NDArray

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats.decoders.pretokenizers import pretokenizer_name

ARCHITECTURES: Mapping[str, gguf.MODEL_ARCH] = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "mistral": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
}
Tensor = Callable[[], NDArray[np.float32]]
"""Function that reads a tensor; called when the tensor is written."""


def write_gguf(
    place: Path,
    settings: Mapping[str, Any],
    tokenizer: bytes,
    chat_template: str,
    tensors: Iterable[tuple[str, tuple[int, ...], Tensor]],
) -> None:
    """Write a decoder, matrices in fp16 and the rest in fp32.

    Args:
        place: Path of the new file.
        settings: The content of the model's ``config.json``.
        tokenizer: The model's ``tokenizer.json``.
        chat_template: The model's chat template; empty: it has none.
        tensors: Name, shape and values of each tensor, as transformers names them.

    Raises:
        InvalidInputError: (``no-such-target``) llama.cpp does not know one of the tensors.

    Cost: one pass over the weights; memory for the largest tensor, twice.
    """
    described = json.loads(tokenizer)
    cut = pretokenizer_name(described)
    if cut is None:
        raise ValueError("llama.cpp does not support the pre-tokenizer of this model")
    kind = ARCHITECTURES[settings["model_type"]]
    written = gguf.GGUFWriter(place, gguf.MODEL_ARCH_NAMES[kind])
    _settings(written, settings)
    _vocabulary(written, settings, described, cut)
    if chat_template:
        written.add_chat_template(chat_template)
    names = gguf.get_tensor_name_map(kind, int(settings["num_hidden_layers"]))
    values = []
    for name, shape, read in tensors:
        known = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if known is None:
            raise InvalidInputError(
                "no-such-target",
                f"GGUF has no tensor for {name}",
                hint="use --to vllm, which writes base and adapter unchanged",
            )
        dtype = np.dtype(np.float32 if len(shape) == 1 else np.float16)
        written.add_tensor_info(known, shape, dtype, int(np.prod(shape)) * dtype.itemsize)
        values.append((_heads(name, settings), dtype, read))
    written.write_header_to_file()
    written.write_kv_data_to_file()
    written.write_ti_data_to_file()
    for heads, dtype, read in values:
        value = read()
        if heads:
            value = _permuted(value, heads)
        written.write_tensor_data(np.ascontiguousarray(value.astype(dtype)))
    written.close()


def _settings(written: gguf.GGUFWriter, settings: Mapping[str, Any]) -> None:
    heads = int(settings["num_attention_heads"])
    width = int(settings.get("head_dim") or settings["hidden_size"] // heads)
    rope = settings.get("rope_parameters") or settings
    written.add_block_count(int(settings["num_hidden_layers"]))
    written.add_context_length(int(settings["max_position_embeddings"]))
    written.add_embedding_length(int(settings["hidden_size"]))
    written.add_feed_forward_length(int(settings["intermediate_size"]))
    written.add_head_count(heads)
    written.add_head_count_kv(int(settings.get("num_key_value_heads", heads)))
    written.add_key_length(width)
    written.add_value_length(width)
    written.add_rope_dimension_count(width)
    written.add_rope_freq_base(float(rope.get("rope_theta", 10_000.0)))
    written.add_layer_norm_rms_eps(float(settings.get("rms_norm_eps", 1e-6)))
    written.add_vocab_size(int(settings["vocab_size"]))
    written.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _vocabulary(
    written: gguf.GGUFWriter,
    settings: Mapping[str, Any],
    tokenizer: Mapping[str, Any],
    cut: str,
) -> None:
    model = tokenizer["model"]
    size = int(settings["vocab_size"])
    words = [f"[PAD{at}]" for at in range(size)]
    kinds = [gguf.TokenType.UNUSED] * size
    for word, at in model["vocab"].items():
        words[at], kinds[at] = word, gguf.TokenType.NORMAL
    for one in tokenizer.get("added_tokens") or ():
        special = gguf.TokenType.CONTROL if one["special"] else gguf.TokenType.USER_DEFINED
        words[one["id"]], kinds[one["id"]] = one["content"], special
    written.add_tokenizer_model("gpt2")
    written.add_tokenizer_pre(cut)
    written.add_token_list(words)
    written.add_token_types(kinds)
    merges = model["merges"]
    written.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in merges])
    stops = settings.get("eos_token_id")
    stop = stops[0] if isinstance(stops, list) else stops
    if stop is not None:
        written.add_eos_token_id(stop)
    if settings.get("bos_token_id") is not None:
        written.add_bos_token_id(settings["bos_token_id"])
    # A prompt is rendered whole, with the token that begins it.
    written.add_add_bos_token(False)
    written.add_add_eos_token(False)
    written.add_add_space_prefix(False)


def _heads(name: str, settings: Mapping[str, Any]) -> int:
    """Return the number of heads by which the rows of a tensor are permuted; 0: they are not."""
    if settings["model_type"] not in {"llama", "mistral"}:
        return 0
    heads = int(settings["num_attention_heads"])
    part = name.split(".")[-2]
    if part == "q_proj":
        return heads
    return int(settings.get("num_key_value_heads", heads)) if part == "k_proj" else 0


def _permuted(value: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    # Rotary embeddings pair neighbouring rows in llama.cpp, the halves of a head in transformers.
    halves = value.reshape(heads, 2, value.shape[0] // heads // 2, *value.shape[1:])
    return halves.swapaxes(1, 2).reshape(value.shape)


def merged(causal: Any) -> Iterator[tuple[str, tuple[int, ...], Tensor]]:
    """Yield the merged weights of base and adapter, in fp32; a 4-bit base is dequantized.

    Args:
        causal: The model, with its adapter.

    Yields:
        Name, shape, and a function that computes the values, so that memory holds one tensor.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    shared = bool(causal.config.tie_word_embeddings)
    for name, module in causal.named_modules():
        if ".base_layer" in name or ".lora_" in name or (shared and name == "lm_head"):
            continue
        added = module if isinstance(module, BaseTunerLayer) else None
        plain = module if added is None else added.get_base_layer()
        for part, value in plain.named_parameters(recurse=False):
            state = getattr(value, "quant_state", None)
            shape = tuple(value.shape if state is None else state.shape)
            yield f"{name}.{part}", shape, partial(_sum, value, added if part == "weight" else None)


def _sum(value: Any, added: Any) -> NDArray[np.float32]:
    state = getattr(value, "quant_state", None)
    if state is None:
        weight = value.detach().to(torch.float32)
    else:
        from bitsandbytes.functional import dequantize_4bit

        weight = dequantize_4bit(value.data, state).to(torch.float32)
    if added is not None:
        weight = weight + added.get_delta_weight("default").detach().to(torch.float32)
    return np.asarray(weight.numpy(), np.float32)
