"""The decoders that are loaded: small language models of five families (spec §13.12.2)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.train.formats.family import (
    REALS,
    Check,
    Family,
    counts_to,
    is_positive,
    is_share,
    is_small,
    is_token,
    one_of,
)

_SHAPE = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
_POSITIONS = 1 << 21
_ATTENTION = frozenset({"full_attention", "sliding_attention"})
WINDOW, STOPS, BEGIN = "sliding_window", "eos_token_id", "bos_token_id"
_UNSAID = frozenset(  # null means the same as a missing setting
    {
        *(BEGIN, STOPS, "attn_logit_softcapping", "final_logit_softcapping", "pad_token_id"),
        *("rope_scaling", "use_bidirectional_attention"),
    }
)


def _is_window(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _POSITIONS


def _are_tokens(value: Any) -> bool:
    several = value if type(value) is list else [value]
    return 0 < len(several) <= 16 and all(map(is_token, several))


def _is_rope(value: Any) -> bool:
    if type(value) is not dict:
        return False
    if value.keys() <= _ATTENTION:
        return all(map(_is_rope, value.values())) and bool(value)
    kind = value.get("rope_type", "default")
    numbers = {
        "default": set(),
        "linear": {"factor"},
        "llama3": {
            *("factor", "high_freq_factor", "low_freq_factor"),
            "original_max_position_embeddings",
        },
    }.get(kind if type(kind) is str else "")
    if numbers is None:
        return False
    named = value.keys() - {"rope_type"}
    return named - {"rope_theta", "partial_rotary_factor"} == numbers and all(
        is_positive(value[name]) for name in named
    )


def _are_layer_types(value: Any) -> bool:
    return type(value) is list and all(type(one) is str and one in _ATTENTION for one in value)


_DROPPED = frozenset(
    {
        *("_name_or_path", "dtype", "pretraining_tp", "torch_dtype", "transformers_version"),
        *("use_cache", "unsloth_version", "unsloth_fixed"),
    }
)
_COUNTS = {
    "hidden_size": 16_384,
    "intermediate_size": 131_072,
    "max_position_embeddings": _POSITIONS,
    "num_attention_heads": 256,
    "num_hidden_layers": 200,
    "vocab_size": 2_000_000,
}
_OTHERS: Mapping[str, Check] = {
    BEGIN: is_token,
    STOPS: _are_tokens,
    "attention_dropout": is_share,
    "head_dim": counts_to(1024),
    "initializer_range": is_small,
    "num_key_value_heads": counts_to(256),
    "pad_token_id": is_token,
    "rms_norm_eps": is_small,
    "rope_parameters": _is_rope,
    "rope_scaling": _is_rope,
    "rope_theta": is_positive,
    "tie_word_embeddings": one_of(False, True),
}
_SILU: Mapping[str, Check] = {"hidden_act": one_of("silu")}
_TARGETS = frozenset({"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"})
_WINDOWED: Mapping[str, Check] = {
    WINDOW: _is_window,
    "layer_types": _are_layer_types,
    "max_window_layers": _is_window,
    "use_sliding_window": one_of(False),
}


class DecoderFamily(Family, frozen=True):
    """The decoders of one ``model_type``."""

    def positions(self, settings: Mapping[str, Any]) -> int:
        """Return the longest sequence to which a model attends as a whole, in tokens."""
        window = int(settings.get(WINDOW, 0))
        most = int(settings["max_position_embeddings"])
        return min(most, window) if window and settings.get("use_sliding_window", True) else most

    def arguments(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments from which a library builds the model."""
        found = {name: value for name, value in settings.items() if name in self.counts}
        for name in self.others.keys() & settings.keys():
            value = settings[name]
            found[name] = float(value) if self.others[name] in REALS else value
        if WINDOW in found:
            found[WINDOW] = found[WINDOW] or None
        # Token numbers are left out: a padding token would get no vector.
        return found | {BEGIN: None, STOPS: None, "pad_token_id": None}


def _family(model_type: str, stem: str, others: Mapping[str, Check], **more: Any) -> DecoderFamily:
    return DecoderFamily(
        model_type,
        (f"{stem}ForCausalLM",),
        _SHAPE,
        _COUNTS,
        {**_OTHERS, **others},
        _DROPPED,
        **{"targets": _TARGETS, "is_decoder": True, **more},
    )


_GEMMA: Mapping[str, Check] = {
    "attention_bias": one_of(False),
    **dict.fromkeys(("hidden_act", "hidden_activation"), one_of("gelu_pytorch_tanh")),
}
DECODERS = (
    _family(
        "llama",
        "Llama",
        {**_SILU, **dict.fromkeys(("attention_bias", "mlp_bias"), one_of(False, True))},
    ),
    _family("mistral", "Mistral", {**_SILU, WINDOW: _is_window}),
    _family("qwen2", "Qwen2", {**_SILU, **_WINDOWED}),
    _family("qwen3", "Qwen3", {**_SILU, **_WINDOWED, "attention_bias": one_of(False, True)}),
    _family("gemma", "Gemma", _GEMMA),
    _family(
        "gemma3_text",
        "Gemma3",
        {
            **_GEMMA,
            WINDOW: _is_window,
            "_sliding_window_pattern": counts_to(200),
            "layer_types": _are_layer_types,
            "query_pre_attn_scalar": counts_to(65_536),
            "rope_local_base_freq": is_positive,
            "sliding_window_pattern": counts_to(200),
            "use_bidirectional_attention": one_of(False),
        },
    ),
    _family(
        "phi3",
        "Phi3",
        {
            **_SILU,
            WINDOW: _is_window,
            **dict.fromkeys(("embd_pdrop", "resid_pdrop"), is_share),
            "original_max_position_embeddings": counts_to(_POSITIONS),
            "partial_rotary_factor": is_positive,
        },
        targets=frozenset({"qkv_proj", "o_proj", "gate_up_proj", "down_proj"}),
    ),
)
"""All families of decoders; a larger model does not need another family."""


def without_nulls(family: Family, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings to check, without those that are null.

    Args:
        family: The family of the model; settings of encoders are returned unchanged.
        settings: The settings in ``config.json``.
    """
    if not family.is_decoder:
        return dict(settings)
    found = {
        name: value for name, value in settings.items() if value is not None or name not in _UNSAID
    }
    if WINDOW in found and found[WINDOW] is None:
        found[WINDOW] = 0
    return found


def heads_of(settings: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return the number of heads, of key and value heads, and the width of a head, of a decoder."""
    heads = int(settings["num_attention_heads"])
    shared = int(settings.get("num_key_value_heads", heads))
    return heads, shared, int(settings.get("head_dim", settings["hidden_size"] // heads))


def stops_of(settings: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the tokens at which a decoder stops; empty if its settings name none."""
    stops = settings.get(STOPS, ())
    return (stops,) if isinstance(stops, int) else tuple(stops)
