"""The format ``decoder-lora/1``: an adapter, and its prompt settings (spec §13.12.6)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.train.formats.adapter import (
    ADAPTER,
    ADAPTER_CONFIG,
    FIXED,
    MAX_JSON_BYTES,
    check_adapter_config,
)
from lyrikstore.train.formats.architectures import family_of
from lyrikstore.train.requirements import PLACE

FORMAT = "decoder-lora/1"
PROMPT = "prompt.json"
JSON_FILES = (ADAPTER_CONFIG, PROMPT)
WEIGHT_FILES = (ADAPTER,)
QUANTIZATIONS = ("", "nf4")
DECODER_FIXED: Mapping[str, JSON] = {**FIXED, "task_type": "CAUSAL_LM"}
"""Settings of an adapter of a generative model that have one permitted value."""

_MEMBERS = {
    *("answerTokens", "format", "maxTokens", "precision", "quantization", "system", "task"),
    "template",
}
_CHOICES = "choices"


def check_decoder_settings(
    files: Mapping[str, bytes], body: Mapping[str, Any], base: Digest, settings: Mapping[str, Any]
) -> None:
    """Raise `bad-checkpoint` unless a checkpoint's settings are valid and agree with its manifest.

    Args:
        files: Name → bytes of each settings file.
        body: The body of its manifest.
        base: Tree id of its base model.
        settings: The settings of the base model.

    Raises:
        FormatError: (``bad-checkpoint``) they are not.
    """
    if not family_of(settings).is_decoder:
        raise _bad(PROMPT, "its base is not a generative model")
    check_adapter_config(files[ADAPTER_CONFIG], base=base, settings=settings, fixed=DECODER_FIXED)
    try:
        about = parse(files[PROMPT], max_bytes=MAX_JSON_BYTES)
    except FormatError as error:
        raise _bad(PROMPT, error.message) from None
    if not isinstance(about, dict) or about.keys() - {_CHOICES} != _MEMBERS:
        raise _bad(PROMPT, "it has other members than supported")
    most = family_of(settings).positions(settings)
    template, prompt = about["template"], body.get("prompt", {})
    for name, fine in (
        ("format", about["format"] == FORMAT == body.get("format")),
        ("task", about["task"] == body.get("task")),
        ("maxTokens", about["maxTokens"] == body.get("text", {}).get("maxTokens")),
        ("maxTokens", _is_count(about["maxTokens"], most)),
        ("answerTokens", _is_count(about["answerTokens"], most)),
        ("precision", about["precision"] in {"fp32", "bf16"}),
        ("quantization", about["quantization"] in QUANTIZATIONS),
        ("system", about["system"] == prompt.get("system", "")),
        # ATTACK: the settings permit other choices than the signed ones.
        (_CHOICES, about.get(_CHOICES, []) == prompt.get(_CHOICES, [])),
        ("template", isinstance(template, str) and template.count(PLACE) in {0, 1}),
    ):
        if not fine:
            raise _bad(PROMPT, f"{name}: {str(about.get(name))[:80]!r} is not a supported value")


def _is_count(value: JSON, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


def _bad(file: str, reason: str) -> FormatError:
    return FormatError(
        "bad-checkpoint",
        f"{file}: {reason}",
        hint="lyrikstore does not write such checkpoints, and did not load it; ask its signer "
        "(lyrikstore show), or train it again",
    )
