"""Pre-tokenizers of byte-level tokenizers, by their names in llama.cpp."""

from collections.abc import Mapping
from typing import Any

_LETTERS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|@DIGITS@| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
_BARE_BYTES = {**_BYTES, "use_regex": False}


def _split(digits: str) -> dict[str, Any]:
    pattern = {"Regex": _LETTERS.replace("@DIGITS@", digits)}
    return {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}


PRETOKENIZERS: Mapping[str, list[dict[str, Any]]] = {
    "gpt-2": [_BYTES],
    "smollm": [{"type": "Digits", "individual_digits": True}, _BYTES],
    "llama-bpe": [_split(r"\p{N}{1,3}"), _BARE_BYTES],
    "qwen2": [_split(r"\p{N}"), _BARE_BYTES],
}
"""Name of a pre-tokenizer in llama.cpp → the same pre-tokenizer in ``tokenizer.json``."""

_NORMAL: Mapping[str, Any] = {"qwen2": {"type": "NFC"}}
_UNSAID = frozenset({"trim_offsets"})  # it does not affect tokens


def pretokenizer_name(tokenizer: Mapping[str, Any]) -> str | None:
    """Return the llama.cpp name of a tokenizer's pre-tokenizer; None: llama.cpp does not have it.

    Args:
        tokenizer: The content of ``tokenizer.json``.
    """
    stated = tokenizer.get("pre_tokenizer")
    several = stated.get("pretokenizers") if isinstance(stated, dict) else None
    steps = several if isinstance(several, list) else [stated]
    bare = [
        {name: value for name, value in one.items() if name not in _UNSAID}
        for one in steps
        if isinstance(one, dict)
    ]
    normal = tokenizer.get("normalizer")
    for name, wanted in PRETOKENIZERS.items():
        if len(bare) == len(steps) and bare == wanted and normal in (None, _NORMAL.get(name)):
            return name
    return None
