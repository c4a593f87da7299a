"""Checks of adapter checkpoints: each setting has one type and a range (spec §13.6).

Any signer of a checkpoint can write these files, and the libraries accept more than lyrikstore
writes: PEFT reads a text in ``target_modules`` as a regular expression, which can match every
    layer,
or run for years. So every setting is checked before a library gets it.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.train.formats.architectures import family_of

FORMAT = "peft-lora/1"
ADAPTER_CONFIG = "adapter_config.json"
CLASSIFIER_CONFIG = "classifier.json"
ADAPTER = "adapter_model.safetensors"
CLASSIFIER = "classifier.safetensors"
JSON_FILES = (ADAPTER_CONFIG, CLASSIFIER_CONFIG)
WEIGHT_FILES = (ADAPTER, CLASSIFIER)
FILES = frozenset((*JSON_FILES, *WEIGHT_FILES))
"""All files of a ``peft-lora/1`` checkpoint."""

MAX_JSON_BYTES = 1 << 20
MAX_RANK, MAX_ALPHA = 256, 4096

FIXED: Mapping[str, JSON] = {
    "bias": "none",
    "inference_mode": True,
    "init_lora_weights": True,
    "peft_type": "LORA",
    "task_type": "FEATURE_EXTRACTION",
}
"""Settings of an adapter that have one permitted value."""

_VERSION = re.compile(r"[0-9A-Za-z.+!-]{1,64}")
_LAYERS = "layers_to_transform"
_REQUIRED = frozenset(
    {
        *FIXED,
        *("base_model_name_or_path", "lora_alpha", "lora_dropout", "peft_version", "r"),
        "target_modules",
    }
)


def check_adapter_config(
    data: bytes,
    *,
    base: Digest,
    settings: Mapping[str, Any],
    fixed: Mapping[str, JSON] = FIXED,
) -> None:
    """Raise `bad-checkpoint` unless ``adapter_config.json`` is a loadable adapter for a base model.

    Args:
        data: The file.
        base: Tree id of the base model.
        settings: The checked settings of the base model.
        fixed: Settings that have one permitted value.

    Raises:
        FormatError: (``bad-checkpoint``) a member is unknown, or has another type or value. The
            file
            was given to no library.
    """
    document = _object(ADAPTER_CONFIG, data)
    names = document.keys() - {_LAYERS}
    if names != _REQUIRED:
        name = min(names ^ _REQUIRED)
        reason = "missing" if name in _REQUIRED else "not a supported setting"
        _refuse(ADAPTER_CONFIG, name, reason)
    family = family_of(settings)
    known, count = family.targets, family.layers(settings)
    targets, layers = document["target_modules"], document.get(_LAYERS, [0])
    version, dropout = document["peft_version"], document["lora_dropout"]
    for name, fine in (
        *((name, _is(document[name], value)) for name, value in fixed.items()),
        ("base_model_name_or_path", _is(document["base_model_name_or_path"], str(base))),
        ("r", type(document["r"]) is int and 1 <= document["r"] <= MAX_RANK),
        (
            "lora_alpha",
            type(document["lora_alpha"]) is int and 1 <= document["lora_alpha"] <= MAX_ALPHA,
        ),
        ("lora_dropout", type(dropout) in {int, float} and 0 <= dropout < 1),
        ("peft_version", type(version) is str and _VERSION.fullmatch(version) is not None),
        # ATTACK: a text would be a regular expression.
        ("target_modules", _is_set(targets, str) and known.issuperset(targets)),
        (_LAYERS, _is_set(layers, int) and all(0 <= layer < count for layer in layers)),
    ):
        if not fine:
            _refuse(
                ADAPTER_CONFIG, name, f"{str(document.get(name))[:80]!r} is not a supported value"
            )


def check_classifier_config(
    data: bytes, *, body: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    """Raise `bad-checkpoint` unless ``classifier.json`` agrees with the signed manifest.

    Args:
        data: The file.
        body: The manifest's body.
        settings: The checked settings of the base model.

    Raises:
        FormatError: (``bad-checkpoint``) it does not, or the base model reads fewer tokens.
    """
    document = _object(CLASSIFIER_CONFIG, data)
    text = body.get("text", {})
    signed = {
        "format": body.get("format"),
        "labels": body.get("labels"),
        "maxTokens": text.get("maxTokens"),
        "pooling": text.get("pooling"),
        "task": body.get("task"),
    }
    if document.keys() != signed.keys():
        name = min(document.keys() ^ signed.keys())
        reason = "missing" if name in signed else "not a supported setting"
        _refuse(CLASSIFIER_CONFIG, name, reason)
    for name, value in signed.items():
        if not _is(document[name], value):
            _refuse(CLASSIFIER_CONFIG, name, "differs from the checkpoint's manifest")
    for name, fine in (
        ("labels", _is_set(document["labels"], str)),
        ("pooling", document["pooling"] in {"mean", "cls"}),
        (
            "maxTokens",
            type(document["maxTokens"]) is int
            and 1 <= document["maxTokens"] <= family_of(settings).positions(settings),
        ),
    ):
        if not fine:
            _refuse(CLASSIFIER_CONFIG, name, "not a supported value")


def _object(name: str, data: bytes) -> dict[str, Any]:
    try:
        document = parse(data, max_bytes=MAX_JSON_BYTES, floats=True)
    except FormatError as error:
        _refuse(name, "", error.message)
    if not isinstance(document, dict):
        _refuse(name, "", "not a JSON object")
    return document


def _is(value: JSON, wanted: JSON) -> bool:
    return type(value) is type(wanted) and value == wanted  # true is not 1


def _is_set(value: JSON, kind: type) -> bool:
    if not isinstance(value, list) or not value or any(type(item) is not kind for item in value):
        return False
    items: Collection[Any] = value
    return len(set(items)) == len(items)


def _refuse(file: str, member: str, reason: str) -> NoReturn:
    raise FormatError(
        "bad-checkpoint",
        f"{file}: {f'{member[:80]}: ' if member else ''}{reason}",
        hint="lyrikstore does not write such checkpoints, and did not load it; ask its signer "
        "(lyrikstore show), or train it again",
    )
