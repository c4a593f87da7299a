"""What is refused as a model: the tests a hostile upload has to pass."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.train.formats.base_model import (
    check_fit,
    check_model_config,
    check_model_files,
    check_weights,
)
from lyrikstore.train.formats.tokenizer import check_tokenizer

GOOD = {
    "_name_or_path": "somewhere/else",
    "architectures": ["BertModel"],
    "attention_probs_dropout_prob": 0.1,
    "gradient_checkpointing": False,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 384,
    "initializer_range": 0.02,
    "intermediate_size": 1536,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 6,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "transformers_version": "4.8.2",
    "type_vocab_size": 2,
    "use_cache": True,
    "vocab_size": 30522,
}


def tree(*paths):
    return Tree.of(TreeEntry(path, 1, Digest.of(path.encode())) for path in paths)


NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


def test_the_real_encoder_passes(model_folder):
    settings = check_model_config((model_folder / "config.json").read_bytes())
    assert settings["hidden_size"] == 384
    assert "_name_or_path" not in settings
    check_tokenizer((model_folder / "tokenizer.json").read_bytes())
    weights = (model_folder / "model.safetensors").read_bytes()
    check_weights("model.safetensors", weights[: 1 << 20], len(weights))


@pytest.mark.parametrize(
    "path",
    [
        "pytorch_model.bin",
        "sub/optimizer.pt",
        "x.pkl",
        "modeling_bert.py",
        "X.PY",
        "a.py.txt",
        "model.pickle.safetensors",
        "weights.npz",
        "tf_model.h5",
        "lib.so",
    ],
)
def test_refuses_files_that_can_run(path):
    with pytest.raises(PolicyError) as caught:
        check_model_files(tree(*NEEDED, path))
    assert caught.value.kind == "unsafe-model"
    assert path in caught.value.message


@pytest.mark.parametrize("missing", NEEDED)
def test_refuses_a_part_of_a_model(missing):
    with pytest.raises(PolicyError) as caught:
        check_model_files(tree(*(name for name in NEEDED if name != missing)))
    assert caught.value.kind == "unknown-model"
    assert missing in caught.value.message


@pytest.mark.parametrize(
    "change",
    [
        {"auto_map": {"AutoModel": "evil--repo.Model"}},
        {"custom_pipelines": {}},
        {"quantization_config": {"quant_method": "x"}},
        {"hidden_size": 10**9},
        {"hidden_size": "384"},
        {"hidden_size": True},
        {"hidden_size": 385},
        {"num_hidden_layers": 0},
        {"layer_norm_eps": 0},
        {"hidden_act": "__import__"},
        {"hidden_dropout_prob": 1.5},
        {"attn_implementation": "evil/kernel"},
        {"experts_implementation": "x"},
        {"pad_token_id": -1},
        {"position_embedding_type": "relative_key"},
    ],
)
def test_refuses_settings(change):
    with pytest.raises(PolicyError) as caught:
        check_model_config(json.dumps(GOOD | change).encode())
    assert caught.value.kind == "unsafe-model"


@pytest.mark.parametrize(
    "change",
    [
        {"architectures": ["EvilModel"]},
        {"architectures": []},
        {"architectures": ["BertModel", "BertModel"]},
        {"architectures": [["BertModel"]]},
        {"architectures": None},
        {"model_type": "evil"},
    ],
)
def test_refuses_architectures(change):
    with pytest.raises(PolicyError) as caught:
        check_model_config(json.dumps(GOOD | change).encode())
    assert caught.value.kind == "unknown-model"


@pytest.mark.parametrize("missing", ["hidden_size", "vocab_size", "num_hidden_layers"])
def test_refuses_a_config_that_leaves_the_shape_open(missing):
    document = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(PolicyError):
        check_model_config(json.dumps(document).encode())


def test_refuses_a_config_that_says_a_thing_twice():
    text = json.dumps(GOOD).replace('"vocab_size"', '"hidden_size": 1, "vocab_size"')
    with pytest.raises(PolicyError, match="twice"):
        check_model_config(text.encode())


def weights(header, data=b"\0" * 8):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


TENSOR = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}


def test_accepts_weights_that_fill_the_file():
    data = weights(TENSOR | {"__metadata__": {"format": "pt"}})
    check_weights("w", data, len(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        pickle.dumps({"weights": [1.0] * 100}),
        b"PK\x03\x04" + b"\0" * 100,
        weights(TENSOR) + b"#!/bin/sh",
        weights({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}),
        weights({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}),
        weights({"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 8]}}),
        weights({"a": {"dtype": "F32", "shape": [2**53 - 1] * 9, "data_offsets": [0, 8]}}),
        weights({"a": {"dtype": "F32", "shape": [1] * 8 + [2], "data_offsets": [0, 8]}}),
        weights({"a": {"dtype": "OBJ", "shape": [2], "data_offsets": [0, 8]}}),
        weights({"../a": TENSOR["a"]}),
        weights(TENSOR | {"b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}),
        weights({"a": TENSOR["a"] | {"pickle": "x"}}),
        weights([]),
        (2**60).to_bytes(8, "little") + b"{}",
    ],
)
def test_refuses_what_only_calls_itself_safetensors(data):
    with pytest.raises(PolicyError) as caught:
        check_weights("w.safetensors", data, len(data))
    assert caught.value.kind == "unsafe-model"


@given(st.binary(max_size=400))
def test_arbitrary_bytes_give_only_our_error(data):
    for check in (
        lambda: check_weights("w", data, len(data)),
        lambda: check_model_config(data),
        lambda: check_tokenizer(data),
    ):
        with pytest.raises(PolicyError):
            check()


def test_a_config_must_fit_the_model():
    settings = check_model_config(json.dumps(GOOD).encode())
    check_fit(settings, targets=["query"], layers=[5], max_tokens=512)
    for change in ({"targets": ["lm_head"]}, {"layers": [6]}, {"max_tokens": 513}):
        arguments = {"targets": ["query"], "layers": [5], "max_tokens": 512} | change
        with pytest.raises(InvalidInputError, match=next(iter(change))):
            check_fit(settings, **arguments)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.sampled_from(sorted(GOOD)), JSON_VALUES)
def test_no_value_of_a_setting_gives_another_error(name, value):
    try:
        settings = check_model_config(json.dumps({**GOOD, name: value}).encode())
    except PolicyError:
        return
    assert settings.get("pad_token_id", 0) < settings["vocab_size"]


def test_a_padding_token_outside_the_vocabulary_is_refused():
    with pytest.raises(PolicyError, match="pad_token_id"):
        check_model_config(json.dumps({**GOOD, "pad_token_id": 30522}).encode())


@given(st.sampled_from(["dtype", "shape", "data_offsets"]), JSON_VALUES)
def test_no_description_of_a_tensor_gives_another_error(member, value):
    about = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], member: value}
    header = json.dumps({"a": about}).encode()
    data = len(header).to_bytes(8, "little") + header + b"1234"
    try:
        check_weights("model.safetensors", data, len(data))
    except PolicyError:
        return
    assert isinstance(about["dtype"], str)
    assert isinstance(about["shape"], list)
