"""What the programs that serve models that write take of them (spec §14.7.6).

One rule: a config that names its target is held to it before step 0, a checkpoint when it is
deployed.
"""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.errors import InvalidInputError

GRAMMAR = "grammar.gbnf"
"""The file that holds llama.cpp to choices."""

GGUF_FAMILIES = frozenset({"llama", "mistral", "qwen2", "qwen3"})
"""Each ``model_type`` that is written as GGUF."""

_VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as ``--max-lora-rank``."""


def check_served(
    target: str, *, family: str, adapter: Mapping[str, Any], quantization: str
) -> None:
    """Return if a target serves such a model.

    Args:
        target: ``gguf`` or ``vllm``; empty: none is named.
        family: The ``model_type`` of the base.
        adapter: Of ``adapter_config.json``, ``r`` at least.
        quantization: What the base was trained on in; empty: as it is.

    Raises:
        InvalidInputError: (``no-such-target``) it does not.
    """
    if target == "gguf" and family not in GGUF_FAMILIES:
        raise _refused(f"no GGUF file is written of a {family}", "take vllm")
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
