"""The encoders that are loaded: their settings, each of one type and in range (spec §13.4).

A setting that is not in the table of its family refuses the model: some name code, and others
choose it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

_Check = Callable[[Any], bool]
_LARGEST = 65_536
_ACTIVATIONS = frozenset({"gelu", "gelu_new", "gelu_pytorch_tanh", "relu"})


def _counts_to(most: int) -> _Check:
    return lambda value: type(value) is int and 1 <= value <= most


def _one_of(*allowed: object) -> _Check:
    # True is not 1.
    return lambda value: any(type(value) is type(one) and value == one for one in allowed)


def _is_share(value: Any) -> bool:
    return type(value) in {int, float} and 0 <= value < 1


def _is_small(value: Any) -> bool:
    return type(value) is float and 0 < value < 1


def _is_positive(value: Any) -> bool:
    return type(value) in {int, float} and 0 < value <= 1e9


def _is_activation(value: Any) -> bool:
    return type(value) is str and value in _ACTIVATIONS


def _is_token(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_rope(value: Any) -> bool:
    return type(value) is dict and all(
        name in _ATTENTION
        and type(one) is dict
        and one.keys() == {"rope_theta", "rope_type"}
        and _is_positive(one["rope_theta"])
        and one["rope_type"] == "default"
        for name, one in value.items()
    )


def _are_layer_types(value: Any) -> bool:
    return type(value) is list and all(type(one) is str and one in _ATTENTION for one in value)


_REALS = frozenset({_is_positive, _is_share, _is_small})
_ATTENTION = frozenset({"full_attention", "sliding_attention"})
_DROPPED = frozenset(  # describe how it was saved or used; they do not shape the encoder
    {
        *("_name_or_path", "bos_token_id", "classifier_dropout", "cls_token_id", "dtype"),
        *("eos_token_id", "gradient_checkpointing", "sep_token_id", "tie_word_embeddings"),
        *("torch_dtype", "transformers_version", "use_cache"),
    }
)


class Family(Struct, frozen=True):
    """The encoders of one ``model_type``.

    Attributes:
        model_type: What ``config.json`` calls it.
        architectures: The classes in whose name such models are saved; heads are not loaded.
        shape: The settings that hold width, inner width, layers and heads.
        counts: Settings that have to be there → the largest value.
        others: Settings that may be there → what they may be.
        dropped: Settings that do not reach the loader.
        targets: The linear layers that can get an adapter.
        padding: The token that fills, where the settings do not say.
        unused_positions: Of the learned positions, those that no text can have.
    """

    model_type: str
    architectures: tuple[str, ...]
    shape: tuple[str, str, str, str]
    counts: Mapping[str, int]
    others: Mapping[str, _Check]
    dropped: frozenset[str]
    targets: frozenset[str]
    padding: int = 0
    unused_positions: int = 0

    def positions(self, settings: Mapping[str, Any]) -> int:
        """Return the longest sequence that a model reads, in tokens."""
        return int(settings["max_position_embeddings"]) - self.unused_positions

    def arguments(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a library builds the model from: decimals are floats, even whole ones."""
        found = {name: value for name, value in settings.items() if name in self.counts}
        for name in self.others.keys() & settings.keys():
            value = settings[name]
            found[name] = float(value) if self.others[name] in _REALS else value
        if ropes := settings.get("rope_parameters"):
            found["rope_parameters"] = {
                name: {**one, "rope_theta": float(one["rope_theta"])} for name, one in ropes.items()
            }
        return found

    def layers(self, settings: Mapping[str, Any]) -> int:
        """Return how many layers a model has."""
        return int(settings[self.shape[2]])


_BERT_SHAPE = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
_COUNTS = {
    "hidden_size": 16_384,
    "intermediate_size": _LARGEST,
    "max_position_embeddings": _LARGEST,
    "num_attention_heads": 256,
    "num_hidden_layers": 200,
    "vocab_size": 2_000_000,
}
_ANY = {"pad_token_id": _is_token, "initializer_range": _is_small}
_BERT_OTHERS: Mapping[str, _Check] = {
    **_ANY,
    **dict.fromkeys(("attention_probs_dropout_prob", "hidden_dropout_prob"), _is_share),
    **dict.fromkeys(("add_cross_attention", "is_decoder"), _one_of(False)),
    "hidden_act": _is_activation,
    "layer_norm_eps": _is_small,
    "position_embedding_type": _one_of("absolute"),
}


def _like_bert(model_type: str, stem: str, **more: Any) -> Family:
    return Family(
        model_type,
        (f"{stem}Model", f"{stem}ForMaskedLM"),
        _BERT_SHAPE,
        {**_COUNTS, "type_vocab_size": 64},
        _BERT_OTHERS,
        _DROPPED,
        frozenset({"dense", "key", "query", "value"}),
        **more,
    )


_DISTILBERT = Family(
    "distilbert",
    ("DistilBertModel", "DistilBertForMaskedLM"),
    ("dim", "hidden_dim", "n_layers", "n_heads"),
    {
        "dim": 16_384,
        "hidden_dim": _LARGEST,
        "max_position_embeddings": _LARGEST,
        "n_heads": 256,
        "n_layers": 200,
        "vocab_size": 2_000_000,
    },
    {
        **_ANY,
        **dict.fromkeys(("attention_dropout", "dropout"), _is_share),
        "activation": _is_activation,
        "sinusoidal_pos_embds": _one_of(False, True),
    },
    _DROPPED | {"output_past", "qa_dropout", "seq_classif_dropout", "tie_weights_"},
    frozenset({"k_lin", "lin1", "lin2", "out_lin", "q_lin", "v_lin"}),
)
_MODERNBERT = Family(
    "modernbert",
    ("ModernBertModel", "ModernBertForMaskedLM"),
    _BERT_SHAPE,
    _COUNTS,
    {
        **_ANY,
        **dict.fromkeys(("attention_dropout", "embedding_dropout", "mlp_dropout"), _is_share),
        **dict.fromkeys(("attention_bias", "mlp_bias", "norm_bias"), _one_of(False)),
        **dict.fromkeys(("global_rope_theta", "local_rope_theta"), _is_positive),
        **dict.fromkeys(("global_attn_every_n_layers", "local_attention"), _counts_to(_LARGEST)),
        "hidden_activation": _is_activation,
        "layer_types": _are_layer_types,
        "norm_eps": _is_small,
        "position_embedding_type": _one_of("absolute"),
        "rope_parameters": _is_rope,
    },
    _DROPPED
    | {
        *("classifier_activation", "classifier_bias", "classifier_pooling", "decoder_bias"),
        *("deterministic_flash_attn", "initializer_cutoff_factor", "layer_norm_eps"),
        "reference_compile",
        *("repad_logits_with_grad", "sparse_pred_ignore_index", "sparse_prediction"),
    },
    frozenset({"Wi", "Wo", "Wqkv"}),
)
FAMILIES: Mapping[str, Family] = {
    one.model_type: one
    for one in (
        _like_bert("bert", "Bert"),
        _DISTILBERT,
        _MODERNBERT,
        _like_bert("roberta", "Roberta", padding=1, unused_positions=2),
        _like_bert("xlm-roberta", "XLMRoberta", padding=1, unused_positions=2),
    )
}
"""``model_type`` → the family."""


def family_of(settings: Mapping[str, Any]) -> Family:
    """Return the family of a base model, by the settings that the guard gave."""
    return FAMILIES[settings["model_type"]]


def refused_setting(family: Family, settings: Mapping[str, Any]) -> str | None:
    """Return the name of a setting that is unknown or out of range; None: there is none.

    Args:
        family: The model's.
        settings: Its settings, without those that are dropped.
    """
    checks = {
        **{name: _counts_to(most) for name, most in family.counts.items()},
        **family.others,
        "model_type": _one_of(family.model_type),
    }
    for name, value in settings.items():
        if name not in checks or not checks[name](value):
            return name
    layers = settings.get("layer_types")
    if layers is not None and len(layers) != settings.get(family.shape[2]):
        return "layer_types"
    return None
