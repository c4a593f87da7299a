"""What the programs that serve models that write take of them (spec §14.7.6).

One rule: a config that names its target is held to it before step 0, a checkpoint when it is
deployed.
"""

import json
from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.errors import InvalidInputError

GRAMMAR = "grammar.gbnf"
"""The file that holds llama.cpp to choices."""

GGUF_FAMILIES = frozenset({"llama", "mistral", "qwen2", "qwen3"})
"""Each ``model_type`` that is written as GGUF."""

_LETTERS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|@DIGITS@| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
_BARE_BYTES = {**_BYTES, "use_regex": False}


def _split(digits: str) -> dict[str, Any]:
    pattern = {"Regex": _LETTERS.replace("@DIGITS@", digits)}
    return {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}


_WORDS: Mapping[str, list[dict[str, Any]]] = {
    "gpt-2": [_BYTES],
    "smollm": [{"type": "Digits", "individual_digits": True}, _BYTES],
    "llama-bpe": [_split(r"\p{N}{1,3}"), _BARE_BYTES],
    "qwen2": [_split(r"\p{N}"), _BARE_BYTES],
}
"""How llama.cpp calls a way to cut text into words → the same in ``tokenizer.json``."""

_NORMAL: Mapping[str, Any] = {"qwen2": {"type": "NFC"}}
_UNSAID = frozenset({"trim_offsets"})  # says nothing about tokens

_VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as ``--max-lora-rank``."""

_OTHER = "take vllm, which has base and adapter as they are"


def check_served(
    target: str,
    *,
    settings: Mapping[str, Any],
    tokenizer: bytes,
    adapter: Mapping[str, Any],
    quantization: str,
) -> None:
    """Return if a target serves such a model.

    Args:
        target: ``gguf`` or ``vllm``; empty: none is named.
        settings: Of the base's ``config.json``, as they are staged.
        tokenizer: Its ``tokenizer.json``, as it is staged.
        adapter: Of ``adapter_config.json``, ``r`` at least.
        quantization: What the base was trained on in; empty: as it is.

    Raises:
        InvalidInputError: (``no-such-target``) it does not.
    """
    if target == "gguf":
        gguf_words(settings, tokenizer)
    if target != "vllm":
        return
    if quantization:
        raise _refused(
            "vLLM loads the base as it is, and this adapter learns on it in 4 bits",
            "take gguf, which unpacks it; or train without [model] quantization",
        )
    for member, words in (
        ("use_dora", "an adapter with DoRA"),
        ("modules_to_save", "an adapter with layers of its own (modules_to_save)"),
    ):
        if adapter.get(member):
            raise _refused(f"vLLM does not serve {words}", "train it without, or merge it")
    if adapter.get("bias", "none") != "none":
        raise _refused("vLLM does not serve an adapter with biases", 'train it with bias = "none"')
    vllm_rank(adapter["r"])


def gguf_words(settings: Mapping[str, Any], tokenizer: bytes) -> str:
    """Return what llama.cpp calls the way in which the tokenizer of a model cuts texts.

    Args:
        settings: Of its ``config.json``, as they are staged.
        tokenizer: Its ``tokenizer.json``, as it is staged.

    Raises:
        InvalidInputError: (``no-such-target``) no GGUF file is written of such a model.
    """
    family = settings["model_type"]
    if family not in GGUF_FAMILIES:
        raise _refused(f"no GGUF file is written of a {family}", _OTHER)
    for member in ("rope_parameters", "rope_scaling"):
        stated = settings.get(member) or {}
        if stated.get("rope_type", "default") != "default":
            raise _refused("its positions are scaled, which is not written as GGUF", _OTHER)
    described = json.loads(tokenizer)
    name = _words(described)
    if described["model"].get("type") != "BPE" or name is None:
        raise _refused("llama.cpp knows no tokenizer that cuts texts as this one does", _OTHER)
    return name


def _words(tokenizer: Mapping[str, Any]) -> str | None:
    stated = tokenizer.get("pre_tokenizer")
    several = stated.get("pretokenizers") if isinstance(stated, dict) else None
    steps = several if isinstance(several, list) else [stated]
    bare = [
        {name: value for name, value in one.items() if name not in _UNSAID}
        for one in steps
        if isinstance(one, dict)
    ]
    normal = tokenizer.get("normalizer")
    for name, wanted in _WORDS.items():
        if len(bare) == len(steps) and bare == wanted and normal in (None, _NORMAL.get(name)):
            return name
    return None


def vllm_rank(rank: int) -> int:
    """Return the least ``--max-lora-rank`` of vLLM that an adapter fits in.

    Raises:
        InvalidInputError: (``no-such-target``) it fits in none.
    """
    found = next((one for one in _VLLM_RANKS if one >= rank), None)
    if found is None:
        raise _refused(
            f"vLLM serves adapters of rank {_VLLM_RANKS[-1]} at most, not {rank}",
            f"[lora] rank = {_VLLM_RANKS[-1]}",
        )
    return found


def _refused(reason: str, hint: str) -> InvalidInputError:
    return InvalidInputError("no-such-target", reason, hint=hint)
