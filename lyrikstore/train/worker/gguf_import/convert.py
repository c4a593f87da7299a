"""The job ``convert``: convert a GGUF file to the folder of a base model (spec §13.12.1).

The weights are dequantized to bf16; the precision that quantization removed is not restored. The
conversion is recorded in the checkpoint that is made from the folder.
"""

import json
import math
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from gguf import MODEL_ARCH, GGMLQuantizationType, ReaderTensor, get_tensor_name_map
from gguf.quants import dequantize, quantize
from numpy.typing import NDArray

from lyrikstore.train.formats.base_model import (
    CONFIG,
    TEMPLATE,
    TOKENIZER,
    WEIGHTS,
    check_model_config,
)
from lyrikstore.train.worker.gguf_import.gguf_file import GgufFile
from lyrikstore.train.worker.gguf_import.gguf_tokenizer import TEMPLATE_MEMBER, tokenizer_of
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.training.checkpoint_writer import Report
from lyrikstore.version import __version__

FILE, FOLDER = "model.gguf", "out/base"
"""Staged name of the file, and of the new folder of the base model."""

_PART = 1 << 20
_ARCHITECTURES: Mapping[str, tuple[str, MODEL_ARCH]] = {
    "llama": ("LlamaForCausalLM", MODEL_ARCH.LLAMA),
    "qwen2": ("Qwen2ForCausalLM", MODEL_ARCH.QWEN2),
}
_SETTINGS: Mapping[str, str] = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "max_position_embeddings": "context_length",
    "num_attention_heads": "attention.head_count",
    "num_hidden_layers": "block_count",
    "num_key_value_heads": "attention.head_count_kv",
}
_WHOLE = ("model.embed_tokens", "model.norm", "lm_head")
_LAYER = (
    *("input_layernorm", "post_attention_layernorm"),
    *(f"self_attn.{one}_proj" for one in "qkvo"),
    *(f"mlp.{one}_proj" for one in ("gate", "up", "down")),
)
_MAX_LAYERS = 1000


def convert(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Convert a GGUF file to the folder of a base model.

    Args:
        job: ``name``, the file's name in messages.
        files: The staging folder: :data:`FILE`.
        report: Called per tensor.

    Returns:
        ``format`` of the file, ``tool`` that converted it, and ``licence`` as it states it.

    Raises:
        PolicyError: (``unsafe-model``, ``unknown-model``) lyrikstore does not load such a model.

    Cost: one pass over the file; memory for a few copies of its largest tensor in fp32.
    """
    with TemporaryFile() as own:
        with files.open(FILE) as staged:
            for start in range(0, staged.size, _PART):
                own.write(staged.read(min(_PART, staged.size - start)))
        own.flush()
        # ATTACK: whoever runs as the same user rewrites what was hashed. This copy has no name.
        head = GgufFile(own, job["name"])
        folder = files.folder / FOLDER
        folder.mkdir(parents=True, mode=0o700)
        write_base(head, folder, report)
        licence = head.value("general.license")
    return {
        "format": f"gguf/{head.version}",
        "tool": f"lyrikstore {__version__}, gguf {version('gguf')}",
        "licence": licence[:64] if isinstance(licence, str) else "",
    }


def write_base(head: GgufFile, folder: Path, report: Report) -> None:
    """Write the folder of a base model from an open GGUF file; raises as :func:`convert`."""
    settings = _settings(head)
    config = json.dumps(settings).encode()
    check_model_config(config)
    (folder / CONFIG).write_bytes(config)
    (folder / TOKENIZER).write_bytes(tokenizer_of(head))
    template = head.value(TEMPLATE_MEMBER)
    if isinstance(template, str):
        (folder / TEMPLATE).write_text(template, "utf-8", newline="")
    _write_weights(head, settings, folder / WEIGHTS, report)


def _settings(head: GgufFile) -> dict[str, Any]:
    kind = str(head.value("general.architecture"))
    if kind not in _ARCHITECTURES:
        raise head.unknown(
            f"the architecture {kind[:80]} is not converted ({', '.join(_ARCHITECTURES)} are)"
        )
    found: dict[str, Any] = {"architectures": [_ARCHITECTURES[kind][0]], "model_type": kind}
    for name, member in _SETTINGS.items():
        found[name] = head.value(f"{kind}.{member}")
        if type(found[name]) is not int:
            raise head.unknown(f"{kind}.{member} is missing")
    epsilon = head.value(f"{kind}.attention.layer_norm_rms_epsilon")
    base = head.value(f"{kind}.rope.freq_base", 10000.0)
    for number in (epsilon, base):
        if type(number) is not float or not math.isfinite(number):
            raise head.unknown(f"{kind}.attention.layer_norm_rms_epsilon is missing")
    if any(name.startswith(f"{kind}.rope.scaling.") for name in head.fields):
        raise head.unknown(f"{kind}.rope.scaling is not converted")
    if not 0 < found["num_hidden_layers"] <= _MAX_LAYERS:
        raise head.unknown(f"it has {found['num_hidden_layers']} layers")
    # Numbers in fp32, as the decimals that they were written from.
    found["rms_norm_eps"] = float(str(np.float32(epsilon)))
    rope = {"rope_theta": float(str(np.float32(base))), "rope_type": "default"}
    found["rope_parameters"] = rope
    words = head.value("tokenizer.ggml.tokens")
    found["vocab_size"] = len(words) if isinstance(words, list) else 0
    for name in ("bos_token_id", "eos_token_id"):
        token = head.value(f"tokenizer.ggml.{name}")
        if type(token) is int:
            found[name] = token
    found["tie_word_embeddings"] = "output.weight" not in head.tensors
    return found


def _write_weights(
    head: GgufFile, settings: Mapping[str, Any], target: Path, report: Report
) -> None:
    named = sorted(_named(head, settings).items())
    heads = {}
    if settings["model_type"] == "llama":
        members = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}
        heads = {part: settings[member] for part, member in members.items()}
    # As the library for safetensors writes it, so that whoever converts with others gets this file.
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in named:
        start, end = end, end + 2 * int(tensor.n_elements)
        shape = tensor.shape.tolist()[::-1]
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    described = json.dumps(header, separators=(",", ":")).encode()
    described += b" " * (-len(described) % 8)
    with target.open("xb") as written:
        written.write(len(described).to_bytes(8, "little") + described)
        for number, (name, tensor) in enumerate(named):
            report("convert", number, len(named))
            values = _floats(head, tensor, heads.get(name.split(".")[-2], 0))
            written.write(quantize(values, GGMLQuantizationType.BF16).tobytes())


def _named(head: GgufFile, settings: Mapping[str, Any]) -> dict[str, ReaderTensor]:
    """Return the tensors by their names in transformers."""
    layers = range(settings["num_hidden_layers"])
    stems = [*_WHOLE, *(f"model.layers.{at}.{one}" for at in layers for one in _LAYER)]
    names = get_tensor_name_map(_ARCHITECTURES[settings["model_type"]][1], len(layers))
    known = {names.get_name(stem): stem for stem in stems}
    found = {}
    for tensor in head.tensors.values():
        stem, _, part = tensor.name.rpartition(".")
        if stem not in known or part not in {"weight", "bias"}:
            raise head.unknown(f"tensor {tensor.name[:80]} is unknown")
        found[f"{known[stem]}.{part}"] = tensor
    return found


def _floats(head: GgufFile, tensor: ReaderTensor, heads: int) -> NDArray[np.float32]:
    try:
        values = dequantize(tensor.data, tensor.tensor_type)
    except NotImplementedError:
        kind = tensor.tensor_type.name
        raise head.unknown(f"tensor {tensor.name[:80]} has the type {kind}") from None
    if not np.isfinite(values).all():
        raise head.unknown(f"{tensor.name[:80]} has infinity or NaN")
    if heads:
        if values.ndim != 2 or len(values) % (2 * heads):
            raise head.unknown(
                f"the shape of {tensor.name[:80]} does not match the attention heads"
            )
        # The halves of each head are dealt one by one there, as its rotary embedding wants them.
        dealt = values.reshape(heads, len(values) // heads // 2, 2, -1)
        values = dealt.swapaxes(1, 2).reshape(values.shape)
    return np.ascontiguousarray(values, np.float32)
