"""Checks of base models before they are loaded (spec §13.4).

A model folder can contain code: a pickle runs any code when it is read, and `auto_map` makes a
    loader
import Python from the folder. Switches that turn this off have failed before. So only files of
known
names are staged, only known architectures are built, and an unknown setting refuses the model.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, NoReturn

from lyrikstore.canon.errors import FormatError, InvalidInputError, PolicyError
from lyrikstore.canon.json import parse
from lyrikstore.history.trees.tree import Tree
from lyrikstore.train.formats.architectures import FAMILIES, family_of
from lyrikstore.train.formats.decoders.families import heads_of, stops_of, without_nulls
from lyrikstore.train.formats.family import Family, refused_setting

MAX_CONFIG_BYTES = 1 << 16
MAX_TOKENIZER_BYTES = 32 << 20
MAX_HEADER_BYTES = 16 << 20

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
STAGED = (CONFIG, WEIGHTS, TOKENIZER)
"""The files of a base model that a worker gets. All are required."""

INDEX = "model.safetensors.index.json"
"""Used instead of one weight file by generative models: tensor → shard."""

TEMPLATE, TOKENIZER_CONFIG = "chat_template.jinja", "tokenizer_config.json"
"""Files with the chat template of a generative model; a worker gets neither."""

MAX_INDEX_BYTES, MAX_SHARDS = 4 << 20, 1000

# Attack: formats that run code when they are read, and code itself.
_REFUSED_SUFFIXES = frozenset(
    {
        *(".bin", ".ckpt", ".dill", ".h5", ".joblib", ".keras", ".msgpack", ".npy", ".npz"),
        *(".pickle", ".pkl", ".pt", ".pt2", ".pth", ".tflite", ".zip"),
        *(".dll", ".dylib", ".py", ".pyc", ".pyd", ".sh", ".so"),
    }
)

_BYTES = {  # type of a tensor → bytes of a number in it
    "F64": 8,
    "I64": 8,
    **dict.fromkeys(("F32", "I32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL"), 1),
}
_MAX_DIMENSIONS = 8
_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")


def check_model_files(tree: Tree) -> None:
    """Raise `unsafe-model` if a file of the base model could run code.

    Args:
        tree: The checkpoint's tree.

    Raises:
        PolicyError: (``unsafe-model``) it contains a pickle, a program or another format that
            can run code; (``unknown-model``) a required file is missing.
    """
    for entry in tree.entries:
        path = PurePosixPath(entry.path)
        if _REFUSED_SUFFIXES & {suffix.lower() for suffix in path.suffixes}:
            _unsafe(
                f"{entry.path}: files of this type can run code when they are read",
                "commit the model without it; weights must be safetensors",
            )
    for name in STAGED:
        if name not in tree.by_path and not (name == WEIGHTS and INDEX in tree.by_path):
            raise PolicyError(
                "unknown-model",
                f"the base model has no {name}",
                hint="commit a folder with config.json, model.safetensors and tokenizer.json",
            )


def check_model_config(data: bytes) -> dict[str, Any]:
    """Return the settings of a base model that define its shape, all of them known and in range.

    Args:
        data: Bytes of ``config.json``.

    Raises:
        PolicyError: (``unsafe-model``) a setting is unknown, such as ``auto_map``, or a value is
            out of range; (``unknown-model``) the architecture is not supported.
    """
    document = _json_object(CONFIG, data)
    architectures = document.pop("architectures", None)
    family = _family(architectures, document.get("model_type"))
    settings = without_nulls(family, document)
    settings = {name: value for name, value in settings.items() if name not in family.dropped}
    refused = refused_setting(family, settings)
    if refused is not None:
        value = str(settings[refused])[:80]
        _unsafe(f"{CONFIG}: {refused[:80]} = {value} is not a supported setting")
    missing = sorted(family.counts.keys() - settings.keys())
    if missing:
        _unsafe(f"{CONFIG} lacks {', '.join(missing)}")
    width, _, _, heads = (settings[name] for name in family.shape)
    if width % heads and "head_dim" not in settings:
        _unsafe(f"{CONFIG}: {family.shape[0]} is not a multiple of {family.shape[3]}")
    if family.is_decoder:
        _check_decoder(settings)
    elif settings.get("pad_token_id", family.padding) >= settings["vocab_size"]:
        _unsafe(f"{CONFIG}: pad_token_id is not a token of the vocabulary")
    if family.positions(settings) < 1:
        _unsafe(f"{CONFIG}: max_position_embeddings leaves no position for a text")
    return {"architectures": architectures, **settings}


def _check_decoder(settings: Mapping[str, Any]) -> None:
    heads, shared, width = heads_of(settings)
    if heads % shared or width % 2:
        _unsafe(f"{CONFIG}: num_attention_heads is not a multiple of num_key_value_heads")
    if any(token >= settings["vocab_size"] for token in stops_of(settings)):
        _unsafe(f"{CONFIG}: eos_token_id is not a token of the vocabulary")


def read_shards(data: bytes, files: Collection[str]) -> dict[str, str]:
    """Return tensor → file of a model with several weight files, all of which exist.

    Args:
        data: Bytes of :data:`INDEX`.
        files: The files of the model's tree.

    Raises:
        PolicyError: (``unsafe-model``) it is not such an index, or names files in other folders;
            (``unknown-model``) a file that it names is missing.
    """
    document = _json_object(INDEX, data, max_bytes=MAX_INDEX_BYTES)
    if not document.keys() <= {"metadata", "weight_map"}:
        _unsafe(f"{INDEX} has unknown members")
    named = document.get("weight_map")
    if (
        not isinstance(named, dict)
        or not named
        or not all(
            _NAME.fullmatch(tensor) and isinstance(file, str) and _SHARD.fullmatch(file)
            for tensor, file in named.items()
        )
        or len(set(named.values())) > MAX_SHARDS
    ):
        _unsafe(f"{INDEX} does not list the file of each tensor")
    for file in sorted(set(named.values())):
        if file not in files:
            raise PolicyError(
                "unknown-model",
                f"the base model has no {file[:80]}, which {INDEX} names",
                hint="commit the whole folder: every shard is needed",
            )
    return dict(named)


def _family(architectures: Any, model_type: Any) -> Family:
    family = FAMILIES.get(model_type) if isinstance(model_type, str) else None
    known = (
        family is not None
        and isinstance(architectures, list)
        and len(architectures) == 1
        and architectures[0] in family.architectures
    )
    if family is None or not known:
        names = sorted(name for one in FAMILIES.values() for name in one.architectures)
        raise PolicyError(
            "unknown-model",
            f"{CONFIG}: architecture {str(architectures)[:80]} is not supported",
            hint=f"supported: {', '.join(names)}",
        )
    return family


def check_fit(
    settings: Mapping[str, Any],
    *,
    targets: Iterable[str],
    layers: Iterable[int],
    max_tokens: int,
) -> None:
    """Raise `bad-config` unless a base model has the layers and positions that a config needs.

    Args:
        settings: The result of :func:`check_model_config`.
        targets: Names of layers that will get an adapter.
        layers: Numbers of layers that will get an adapter.
        max_tokens: Longest text.

    Raises:
        InvalidInputError: (``bad-config``) the model has no such layer, or reads fewer tokens.
    """
    family = family_of(settings)
    known, count = family.targets, family.layers(settings)
    unknown = sorted(set(targets) - known)
    if unknown:
        raise InvalidInputError(
            "bad-config",
            f"lora/targets: the base model has no layers called {unknown[0]}",
            hint=f"its layers: {', '.join(sorted(known))}",
        )
    if any(layer >= count for layer in layers):
        raise InvalidInputError(
            "bad-config", f"lora/layers: the base model has the layers 0 to {count - 1}"
        )
    most = family.positions(settings)
    if max_tokens > most:
        raise InvalidInputError(
            "bad-config",
            f"model/max_tokens: the base model reads {most} at most",
            hint=f"[model] max_tokens = {most}",
        )


def check_weights(name: str, head: bytes, size: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors in a weight file, which they must fill exactly.

    A pickle with another suffix is refused here (attack: the suffix is a claim of the uploader).

    Args:
        name: Name of the file, for errors.
        head: The first 8 bytes and the header whose length they state, which is at most
            :data:`MAX_HEADER_BYTES`.
        size: Length of the whole file.

    Raises:
        PolicyError: (``unsafe-model``) it is not safetensors.
    """
    length = int.from_bytes(head[:8], "little")
    if len(head) < 8 or not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
        _unsafe(f"{name} is not a safetensors file")
    header = _json_object(name, head[8 : 8 + length], max_bytes=MAX_HEADER_BYTES)
    header.pop("__metadata__", None)
    spans = []
    for tensor, about in header.items():
        offsets = about.get("data_offsets") if isinstance(about, dict) else None
        if (
            not _NAME.fullmatch(tensor)
            or not isinstance(about, dict)
            or about.keys() != {"dtype", "shape", "data_offsets"}
            or type(about["dtype"]) is not str
            or about["dtype"] not in _BYTES
            or not isinstance(about["shape"], list)
            or len(about["shape"]) > _MAX_DIMENSIONS
            or not all(type(length) is int and length >= 0 for length in about["shape"])
            or not isinstance(offsets, list)
            or len(offsets) != 2
            or not all(type(offset) is int for offset in offsets)
            or offsets[1] - offsets[0] != _BYTES[about["dtype"]] * math.prod(about["shape"])
        ):
            _unsafe(f"{name}: tensor {tensor[:80]!r} has an unsupported description")
        spans.append((offsets[0], offsets[1]))
    end = 0
    for start, stop in sorted(spans):
        if start != end or stop < start:
            _unsafe(f"{name}: tensors overlap or leave gaps")
        end = stop
    if end != size - 8 - length:
        _unsafe(f"{name}: tensors do not fill the file")
    return {tensor: tuple(about["shape"]) for tensor, about in header.items()}


def _json_object(name: str, data: bytes, *, max_bytes: int = MAX_CONFIG_BYTES) -> dict[str, Any]:
    try:
        document = parse(data, max_bytes=max_bytes, floats=True, nulls=True)
    except FormatError as error:
        _unsafe(f"{name}: {error.message}")
    if not isinstance(document, dict):
        _unsafe(f"{name} is not a JSON object")
    return document


def _unsafe(message: str, hint: str = "use a model of a supported kind") -> NoReturn:
    raise PolicyError("unsafe-model", message, hint=hint)
