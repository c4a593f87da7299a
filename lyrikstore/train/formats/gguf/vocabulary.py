"""The tokenizer of a GGUF file, as ``tokenizer.json`` (spec §13.12.1)."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from lyrikstore.canon.errors import PolicyError

TEMPLATE_MEMBER = "tokenizer.chat_template"
_CONTROL, _OWN = 3, 4
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA = _QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")


def _split(pattern: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "Split",
            "pattern": {"Regex": pattern},
            "behavior": "Isolated",
            "invert": False,
        },
        {**_BYTES, "use_regex": False},
    ]


_BEFORE: Mapping[str, list[dict[str, Any]]] = {
    "gpt-2": [{**_BYTES, "use_regex": True}],
    "llama-bpe": _split(_LLAMA),
    "qwen2": _split(_QWEN),
    "smollm": [
        {"type": "Digits", "individual_digits": True},
        {**_BYTES, "use_regex": True},
    ],
}
"""``tokenizer.ggml.pre`` → how a text is cut before its pairs are merged."""


def tokenizer_of(file: str, metadata: Mapping[str, Any]) -> bytes:
    """Return ``tokenizer.json`` of the tokenizer that a file describes.

    Args:
        file: Its name, for errors.
        metadata: What it says.

    Raises:
        PolicyError: (``unknown-model``) it is none of byte pairs, or cuts texts in a way that is
            not known; its lists do not fit each other.
    """
    if metadata.get("tokenizer.ggml.model") != "gpt2":
        kind = str(metadata.get("tokenizer.ggml.model"))[:40]
        _refuse(file, f"a tokenizer of the kind {kind}")
    before = metadata.get("tokenizer.ggml.pre", "gpt-2")
    if not isinstance(before, str) or before not in _BEFORE:
        _refuse(file, f"a tokenizer that cuts texts as {str(before)[:40]}")
    found: list[Any] = [
        metadata.get(f"tokenizer.ggml.{name}") for name in ("tokens", "token_type", "merges")
    ]
    words, kinds, merges = found
    if (
        not _are_texts(words)
        or len(set(words)) != len(words)
        or not isinstance(kinds, list)
        or len(kinds) != len(words)
        or not _are_texts(merges)
        or not all(one.count(" ") == 1 for one in merges)
    ):
        _refuse(file, "words, their kinds and merges that do not fit each other")
    added = [
        {
            "id": number,
            "content": word,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": kind == _CONTROL,
        }
        for number, (word, kind) in enumerate(zip(words, kinds, strict=True))
        if kind in {_CONTROL, _OWN}
    ]
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": _BEFORE[before]},
        "post_processor": _begins(file, metadata, words),
        "decoder": {**_BYTES, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": before == "llama-bpe",
            "vocab": {word: number for number, word in enumerate(words)},
            "merges": [one.split(" ") for one in merges],
        },
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _begins(file: str, metadata: Mapping[str, Any], words: list[str]) -> dict[str, Any] | None:
    if not metadata.get("tokenizer.ggml.add_bos_token", False):
        return None
    token = metadata.get("tokenizer.ggml.bos_token_id")
    if type(token) is not int or not 0 <= token < len(words):
        _refuse(file, "a tokenizer whose texts begin with no known token")
    begin = {"SpecialToken": {"id": words[token], "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [begin, text],
        "pair": [begin, text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            words[token]: {"id": words[token], "ids": [token], "tokens": [words[token]]}
        },
    }


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _refuse(file: str, what: str) -> NoReturn:
    raise PolicyError(
        "unknown-model",
        f"{file}: {what} is not converted",
        hint="take the model as safetensors: lyrikstore commit FOLDER -d checkpoints/…",
    )
