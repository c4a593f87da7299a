"""The tokenizer of a GGUF file, as ``tokenizer.json`` (spec §13.12.1)."""

import json
from typing import Any

from lyrikstore.train.formats.decoders.pretokenizers import PRETOKENIZERS
from lyrikstore.train.worker.gguf_import.gguf_file import GgufFile

TEMPLATE_MEMBER = "tokenizer.chat_template"
_CONTROL, _OWN = 3, 4
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}


def tokenizer_of(file: GgufFile) -> bytes:
    """Return a ``tokenizer.json`` with the tokenizer of a GGUF file.

    Args:
        file: The file.

    Raises:
        PolicyError: (``unknown-model``) it is not a byte-pair tokenizer, its pre-tokenizer is
        unknown, or its lists do not match.
    """
    if file.value("tokenizer.ggml.model") != "gpt2":
        kind = str(file.value("tokenizer.ggml.model"))[:40]
        raise file.unknown(f"a tokenizer of the kind {kind} is not converted")
    before = file.value("tokenizer.ggml.pre", "gpt-2")
    if not isinstance(before, str) or before not in PRETOKENIZERS:
        raise file.unknown(f"the pre-tokenizer {str(before)[:40]} is not converted")
    found: list[Any] = [
        file.value(f"tokenizer.ggml.{name}") for name in ("tokens", "token_type", "merges")
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
        raise file.unknown("its tokens, their types and its merges do not match")
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
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": _steps(before)},
        "post_processor": _begins(file, words),
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


def _steps(name: str) -> list[dict[str, Any]]:
    steps = PRETOKENIZERS[name]
    return [{**_BYTES, **one} if one["type"] == "ByteLevel" else one for one in steps]


def _begins(file: GgufFile, words: list[str]) -> dict[str, Any] | None:
    if not file.value("tokenizer.ggml.add_bos_token", False):
        return None
    token = file.value("tokenizer.ggml.bos_token_id")
    if type(token) is not int or not 0 <= token < len(words):
        raise file.unknown("a tokenizer that starts texts with an unknown token is not converted")
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
