"""What may be loaded as an adapter: a checkpoint's settings, each of one type and in range.

Whoever may sign a checkpoint writes these files, and the libraries take more than we write: a text
for ``target_modules`` is a regular expression to PEFT, which can match every layer, or take years
to match none. So nothing reaches them that was not looked at (spec §13.6).
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
"""The files of a ``peft-lora/1`` checkpoint, all of them."""

MAX_JSON_BYTES = 1 << 20
MAX_RANK, MAX_ALPHA = 256, 4096

FIXED: Mapping[str, JSON] = {
    "bias": "none",
    "inference_mode": True,
    "init_lora_weights": True,
    "peft_type": "LORA",
    "task_type": "FEATURE_EXTRACTION",
}
"""Settings of an adapter that have one value."""

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
    """Return if ``adapter_config.json`` describes an adapter that we load, for this base model.

    Args:
        data: The file.
        base: Tree id of the base model.
        settings: Those of the base model, as the guard gave them.
        fixed: Settings that have one value.

    Raises:
        FormatError: (``bad-checkpoint``) a member that we do not know, or one of another type or
            value. No library has seen it.
    """
    document = _object(ADAPTER_CONFIG, data)
    names = document.keys() - {_LAYERS}
    if names != _REQUIRED:
        odd = min(names ^ _REQUIRED)
        _refuse(ADAPTER_CONFIG, odd, "missing" if odd in _REQUIRED else "not a setting we load")
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
            _refuse(ADAPTER_CONFIG, name, f"{str(document.get(name))[:80]!r} is not what we load")


def check_classifier_config(
    data: bytes, *, body: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    """Return if ``classifier.json`` says what the checkpoint's signed manifest says.

    Args:
        data: The file.
        body: The manifest's body.
        settings: Those of the base model, as the guard gave them.

    Raises:
        FormatError: (``bad-checkpoint``) it says something else, or the model reads less.
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
        odd = min(document.keys() ^ signed.keys())
        _refuse(CLASSIFIER_CONFIG, odd, "missing" if odd in signed else "not a setting we load")
    for name, value in signed.items():
        if not _is(document[name], value):
            _refuse(CLASSIFIER_CONFIG, name, "not what the checkpoint's manifest says")
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
            _refuse(CLASSIFIER_CONFIG, name, "not what we load")


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
        hint="it is not a checkpoint as lyrikstore writes them, and was not loaded; ask who signed "
        "it (lyrikstore show), or train it again",
    )
