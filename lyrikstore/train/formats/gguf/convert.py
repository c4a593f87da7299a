"""From a GGUF file to the folder of a base model (spec §13.12.1).

The weights become those that the file stands for, in bf16; nothing of what quantisation took comes
back. The conversion is recorded in the checkpoint that is made of the folder.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import PolicyError, storage_error
from lyrikstore.train.formats.base_model import (
    CONFIG,
    TEMPLATE,
    TOKENIZER,
    WEIGHTS,
    check_model_config,
)
from lyrikstore.train.formats.gguf.reader import GgufHead, GgufTensor, read_gguf_head
from lyrikstore.train.formats.gguf.tensors import read_floats, to_bf16, unpermuted
from lyrikstore.train.formats.gguf.vocabulary import TEMPLATE_MEMBER, tokenizer_of
from lyrikstore.version import __version__

_NAMES: Mapping[str, str] = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
_LAYER_NAMES: Mapping[str, str] = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_LAYER = re.compile(r"blk\.(0|[1-9]\d{0,2})\.([a-z_]+)\.(weight|bias)")
_ARCHITECTURES: Mapping[str, str] = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}
_SETTINGS: Mapping[str, str] = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "max_position_embeddings": "context_length",
    "num_attention_heads": "attention.head_count",
    "num_hidden_layers": "block_count",
    "num_key_value_heads": "attention.head_count_kv",
}
_TOKENS: Mapping[str, str] = {"bos_token_id": "bos_token_id", "eos_token_id": "eos_token_id"}


class Conversion(Struct, frozen=True):
    """What weights were converted from, as the checkpoint says it.

    Attributes:
        format: The format of the file, such as ``gguf/3``.
        digest: BLAKE3 of the file.
        bytes: Its length.
        tool: What converted it, with its version.
    """

    format: str
    digest: Digest
    bytes: int
    tool: str

    def to_json(self) -> dict[str, Any]:
        """Return it as the body of a checkpoint holds it."""
        return {
            "format": self.format,
            "digest": str(self.digest),
            "bytes": self.bytes,
            "tool": self.tool,
        }


def convert_gguf(path: Path, folder: Path) -> Conversion:
    """Write a GGUF file as the folder of a base model.

    Args:
        path: The file.
        folder: An empty folder.

    Raises:
        PolicyError: (``unsafe-model``, ``unknown-model``) it is not a model that we load.
        StorageError: It cannot be read, or the folder written.

    Cost: one pass over the file; memory for its largest tensor in fp32, some times.
    """
    head = read_gguf_head(path)
    settings = _settings(path, head)
    config = json.dumps(settings).encode()
    check_model_config(config)
    try:
        size = path.stat().st_size
        digest = Digest.of_file(path)
        (folder / CONFIG).write_bytes(config)
        (folder / TOKENIZER).write_bytes(tokenizer_of(path.name, head.metadata))
        template = head.metadata.get(TEMPLATE_MEMBER)
        if isinstance(template, str):
            (folder / TEMPLATE).write_text(template, "utf-8", newline="")
        _write_weights(path, head, settings, folder / WEIGHTS)
    except OSError as error:
        raise storage_error(error, f"converting {path.name}") from error
    return Conversion(f"gguf/{head.version}", digest, size, f"lyrikstore {__version__}")


def _settings(path: Path, head: GgufHead) -> dict[str, Any]:
    kind = head.metadata.get("general.architecture")
    if not isinstance(kind, str) or kind not in _ARCHITECTURES:
        raise PolicyError(
            "unknown-model",
            f"{path.name}: architecture {str(kind)[:80]} is not one we convert",
            hint=f"converted are {', '.join(_ARCHITECTURES)}; others as safetensors",
        )
    found: dict[str, Any] = {"architectures": [_ARCHITECTURES[kind]], "model_type": kind}
    for name, member in _SETTINGS.items():
        value = head.metadata.get(f"{kind}.{member}")
        if type(value) is not int:
            _refuse(path.name, f"{kind}.{member} is missing")
        found[name] = value
    epsilon = head.metadata.get(f"{kind}.attention.layer_norm_rms_epsilon")
    base = head.metadata.get(f"{kind}.rope.freq_base", 10000.0)
    if type(epsilon) is not float or type(base) is not float:
        _refuse(path.name, f"{kind}.attention.layer_norm_rms_epsilon is missing")
    if any(name.startswith(f"{kind}.rope.scaling.") for name in head.metadata):
        _refuse(path.name, f"{kind}.rope.scaling is not converted")
    # Numbers in fp32, as the decimals that they were written from.
    found["rms_norm_eps"] = float(str(np.float32(epsilon)))
    rope = {"rope_theta": float(str(np.float32(base))), "rope_type": "default"}
    found["rope_parameters"] = rope
    words = head.metadata.get("tokenizer.ggml.tokens")
    found["vocab_size"] = len(words) if isinstance(words, list) else 0
    for name, member in _TOKENS.items():
        token = head.metadata.get(f"tokenizer.ggml.{member}")
        if type(token) is int:
            found[name] = token
    found["tie_word_embeddings"] = "output.weight" not in head.tensors
    return found


def _write_weights(path: Path, head: GgufHead, settings: Mapping[str, Any], target: Path) -> None:
    named = {_name(path.name, one): one for one in head.tensors.values()}
    permuted = {}
    if settings["model_type"] == "llama":
        permuted = {
            "q_proj": settings["num_attention_heads"],
            "k_proj": settings["num_key_value_heads"],
        }
    # As the library for safetensors writes it, so that whoever converts with others gets this file.
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in sorted(named.items()):
        start, end = end, end + 2 * int(np.prod(tensor.shape, dtype=np.int64))
        shape = list(tensor.shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    described = json.dumps(header, separators=(",", ":")).encode()
    described += b" " * (-len(described) % 8)
    with path.open("rb") as file, target.open("xb") as written:
        written.write(len(described).to_bytes(8, "little") + described)
        for name, tensor in sorted(named.items()):
            try:
                values = read_floats(file, tensor)
            except ValueError as error:
                _refuse(path.name, str(error))
            heads = permuted.get(name.split(".")[-2])
            if heads is not None:
                if values.ndim != 2 or values.shape[0] % (2 * heads):
                    _refuse(path.name, f"{tensor.name} does not fit its heads")
                values = unpermuted(values, heads)
            written.write(to_bf16(values))


def _name(file: str, tensor: GgufTensor) -> str:
    stem, _, part = tensor.name.rpartition(".")
    if stem in _NAMES and part == "weight":
        return f"{_NAMES[stem]}.weight"
    found = _LAYER.fullmatch(tensor.name)
    if found is None or found[2] not in _LAYER_NAMES:
        _refuse(file, f"tensor {tensor.name[:80]} is none that is known")
    return f"model.layers.{found[1]}.{_LAYER_NAMES[found[2]]}.{found[3]}"


def _refuse(file: str, reason: str) -> NoReturn:
    raise PolicyError(
        "unknown-model",
        f"{file}: {reason}",
        hint="take the model as safetensors: lyrikstore commit FOLDER -d checkpoints/…",
    )
