"""The encoders that are loaded, and all families of base models (spec §13.4)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.train.formats.decoders.families import DECODERS
from lyrikstore.train.formats.family import (
    LARGEST,
    Check,
    Family,
    counts_to,
    is_positive,
    is_share,
    is_small,
    is_token,
    one_of,
)

_ACTIVATIONS = frozenset({"gelu", "gelu_new", "gelu_pytorch_tanh", "relu"})


def _is_activation(value: Any) -> bool:
    return type(value) is str and value in _ACTIVATIONS


def _is_rope(value: Any) -> bool:
    return type(value) is dict and all(
        name in _ATTENTION
        and type(one) is dict
        and one.keys() == {"rope_theta", "rope_type"}
        and is_positive(one["rope_theta"])
        and one["rope_type"] == "default"
        for name, one in value.items()
    )


def _are_layer_types(value: Any) -> bool:
    return type(value) is list and all(type(one) is str and one in _ATTENTION for one in value)


_ATTENTION = frozenset({"full_attention", "sliding_attention"})
_DROPPED = frozenset(  # they describe how it was saved or used, not its shape
    {
        *("_name_or_path", "bos_token_id", "classifier_dropout", "cls_token_id", "dtype"),
        *("eos_token_id", "gradient_checkpointing", "sep_token_id", "tie_word_embeddings"),
        *("torch_dtype", "transformers_version", "use_cache"),
    }
)

_BERT_SHAPE = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
_COUNTS = {
    "hidden_size": 16_384,
    "intermediate_size": LARGEST,
    "max_position_embeddings": LARGEST,
    "num_attention_heads": 256,
    "num_hidden_layers": 200,
    "vocab_size": 2_000_000,
}
_ANY = {"pad_token_id": is_token, "initializer_range": is_small}
_BERT_OTHERS: Mapping[str, Check] = {
    **_ANY,
    **dict.fromkeys(("attention_probs_dropout_prob", "hidden_dropout_prob"), is_share),
    **dict.fromkeys(("add_cross_attention", "is_decoder"), one_of(False)),
    "hidden_act": _is_activation,
    "layer_norm_eps": is_small,
    "position_embedding_type": one_of("absolute"),
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
        "hidden_dim": LARGEST,
        "max_position_embeddings": LARGEST,
        "n_heads": 256,
        "n_layers": 200,
        "vocab_size": 2_000_000,
    },
    {
        **_ANY,
        **dict.fromkeys(("attention_dropout", "dropout"), is_share),
        "activation": _is_activation,
        "sinusoidal_pos_embds": one_of(False, True),
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
        **dict.fromkeys(("attention_dropout", "embedding_dropout", "mlp_dropout"), is_share),
        **dict.fromkeys(("attention_bias", "mlp_bias", "norm_bias"), one_of(False)),
        **dict.fromkeys(("global_rope_theta", "local_rope_theta"), is_positive),
        **dict.fromkeys(("global_attn_every_n_layers", "local_attention"), counts_to(LARGEST)),
        "hidden_activation": _is_activation,
        "layer_types": _are_layer_types,
        "norm_eps": is_small,
        "position_embedding_type": one_of("absolute"),
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
        *DECODERS,
    )
}
"""``model_type`` → the family."""


def family_of(settings: Mapping[str, Any]) -> Family:
    """Return the family of a base model, by its checked settings."""
    return FAMILIES[settings["model_type"]]
