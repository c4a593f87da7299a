"""Settings of an adapter that somebody else signed: looked at before any library sees them."""

import json

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.train.formats.adapter import check_adapter_config, check_classifier_config

BASE = Digest.of(b"base")
SETTINGS = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "num_hidden_layers": 6,
    "max_position_embeddings": 512,
}
GOOD = {
    "base_model_name_or_path": str(BASE),
    "bias": "none",
    "inference_mode": True,
    "init_lora_weights": True,
    "lora_alpha": 16,
    "lora_dropout": 0.1,
    "peft_type": "LORA",
    "peft_version": "0.21.0",
    "r": 8,
    "target_modules": ["key", "query"],
    "task_type": "FEATURE_EXTRACTION",
}
BODY = {
    "format": "peft-lora/1",
    "labels": ["a", "b"],
    "task": "text-classification",
    "text": {"maxTokens": 128, "pooling": "mean"},
}
CLASSIFIER = {
    "format": "peft-lora/1",
    "labels": ["a", "b"],
    "maxTokens": 128,
    "pooling": "mean",
    "task": "text-classification",
}


def check(document) -> None:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    check_adapter_config(data, base=BASE, settings=SETTINGS)


def refused(call, *arguments) -> FormatError:
    with pytest.raises(FormatError) as caught:
        call(*arguments)
    assert caught.value.kind == "bad-checkpoint"
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300
    assert caught.value.hint
    return caught.value


def test_what_we_write_is_taken() -> None:
    check(GOOD)
    check(GOOD | {"layers_to_transform": [0, 5], "lora_dropout": 0})


@pytest.mark.parametrize(
    ("member", "value"),
    [
        # A text is a regular expression to PEFT: everything, or years to find nothing.
        ("target_modules", ".*"),
        ("target_modules", r"(([a-z]+)+\.?)+Q"),
        ("target_modules", "all-linear"),
        ("target_modules", [".*"]),
        ("target_modules", ["query", "query"]),
        ("target_modules", ["query", ["key"]]),
        ("target_modules", []),
        ("target_modules", {"query": 1}),
        ("target_modules", ["lm_head"]),
        ("layers_to_transform", 1),
        ("layers_to_transform", [6]),
        ("layers_to_transform", [-1]),
        ("layers_to_transform", [True]),
        ("layers_to_transform", ["0"]),
        ("layers_to_transform", []),
        ("layers_pattern", "layer"),
        ("r", 0),
        ("r", 257),
        ("r", 10**15),
        ("r", True),
        ("r", 8.0),
        ("r", "8"),
        ("r", [8]),
        ("lora_alpha", 0),
        ("lora_alpha", 4097),
        ("lora_alpha", 1.5),
        ("lora_dropout", 1),
        ("lora_dropout", -0.1),
        ("lora_dropout", "0"),
        ("lora_dropout", False),
        ("bias", "all"),
        ("bias", ["none"]),
        ("inference_mode", 1),
        ("init_lora_weights", "gaussian"),
        ("peft_type", "IA3"),
        ("task_type", "SEQ_CLS"),
        ("peft_version", 1),
        ("peft_version", "0\n1"),
        ("base_model_name_or_path", "somebody/else"),
        ("base_model_name_or_path", str(Digest.of(b"other"))),
        ("auto_mapping", {"parent_library": "os"}),
        ("modules_to_save", ["classifier"]),
        ("rank_pattern", {"(a+)+$": 4}),
        ("use_dora", False),
        ("x" * 500, 1),
    ],
)
def test_another_type_or_value_is_refused(member, value) -> None:
    error = refused(check, GOOD | {member: value})
    assert member[:80] in error.message


@pytest.mark.parametrize("member", GOOD)
def test_nothing_may_be_missing(member) -> None:
    assert "missing" in refused(check, {k: v for k, v in GOOD.items() if k != member}).message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b'{"r":1,"r":2}',
        b'{"r":NaN}',
        b'{"r":null}',
        b"[" * 100_000,
        b" " * (2 << 20),
    ],
)
def test_what_is_no_json_object_is_refused(data) -> None:
    refused(check, data)


def check_classifier(document) -> None:
    data = json.dumps(document).encode()
    check_classifier_config(data, body=BODY, settings=SETTINGS)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("labels", ["b", "a"]),
        ("labels", ["a", "b", "c"]),
        ("labels", "ab"),
        ("maxTokens", 127),
        ("maxTokens", "128"),
        ("maxTokens", True),
        ("pooling", "cls"),
        ("pooling", ["mean"]),
        ("format", "peft-lora/2"),
        ("task", "regression"),
        ("code", "import os"),
    ],
)
def test_a_classifier_says_what_its_manifest_says(member, value) -> None:
    check_classifier(CLASSIFIER)
    assert member in refused(check_classifier, CLASSIFIER | {member: value}).message


def test_a_manifest_that_says_nothing_or_too_much_gives_no_model() -> None:
    for body in ({}, {**BODY, "text": {"maxTokens": 513, "pooling": "mean"}}):
        text = body.get("text", {})
        document = CLASSIFIER | ({"maxTokens": text["maxTokens"]} if text else {})
        data = json.dumps(document).encode()
        refused(lambda d=data, b=body: check_classifier_config(d, body=b, settings=SETTINGS))
