"""Configs: strict, complete, signed as text."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode, parse_canonical
from lyrikstore.train.config import ModelConfig, TrainConfig
from lyrikstore.train.environment import precision_of
from tests.writers import CONFIG as WRITER

EXAMPLE = (Path(__file__).resolve().parents[2] / "examples" / "licences" / "train.toml").read_text()
SMALL = """
purpose = "train"
name = "checkpoints/a/b"
[data]
train = "a/b.train"
validation = "a/b.validation"
label = "category"
[model]
base = "checkpoints/a/base"
"""


def test_a_checkpoint_is_not_called_like_what_monitors_another() -> None:
    with pytest.raises(InvalidInputError) as caught:
        TrainConfig.parse(SMALL.replace('a/b"\n', 'a/b.monitor"\n', 1).encode())
    assert caught.value.kind == "bad-config"
    assert TrainConfig.parse(SMALL.replace('a/b"\n', 'a/b.monitors"\n', 1).encode())


def test_example_reads_back_as_itself():
    stated = '[lora]\ndropout = 0.0\ntargets = ["value", "key"]\n[training]\nlearning_rate = 2e-3\n'
    config = TrainConfig.parse((EXAMPLE + stated).encode())
    assert config.training.learning_rate == "0.002"
    assert config.lora.dropout == "0"
    assert config.lora.targets == ("key", "value")
    assert TrainConfig.from_json(config.to_json()) == config
    assert parse_canonical(encode(config.to_json())) == config.to_json()


def test_defaults_are_written_out():
    config = TrainConfig.parse(SMALL.encode())
    assert config.to_json()["training"]["epochs"] == 5
    assert config.run_name == "runs/a/b"
    assert "test" not in config.to_json()["data"]
    assert TrainConfig.from_json(config.to_json()) == config


def test_a_limit_of_confidence_is_declared_by_models_with_labels() -> None:
    section = "[decision]\nabstain_below = 0.60\n"
    config = TrainConfig.parse((SMALL + section).encode())
    assert config.to_json()["decision"] == {"abstain_below": "0.6"}
    assert TrainConfig.from_json(config.to_json()) == config
    for text in (WRITER + section, SMALL + section.replace("0.60", "1.5")):
        with pytest.raises(InvalidInputError) as caught:
            TrainConfig.parse(text.encode())
        assert caught.value.kind == "bad-config"


def test_a_config_without_the_later_sections_names_none_of_them():
    config = TrainConfig.parse((SMALL + "[training]\nseed = 0\n").encode())
    assert config.to_json() == {
        "purpose": "train",
        "name": "checkpoints/a/b",
        "data": {"train": "a/b.train", "validation": "a/b.validation", "label": "category"},
        "model": {"base": "checkpoints/a/base", "pooling": "mean", "max_tokens": 128},
        "lora": {"rank": 16, "alpha": 32, "dropout": "0"},
        "training": {
            "epochs": 5,
            "batch_size": 32,
            "learning_rate": "0.0015",
            "full_learning_rate": "0.0002",
            "head_learning_rate": "0.003",
            "weight_decay": "0.01",
            "warmup": "0.1",
            "dropout": "0.1",
            "class_weights": "sqrt",
            "keep": "best",
            "patience": 2,
            "precision": "auto",
            "seed": 0,
            "threads": 2,
            "refit": True,
        },
    }


HELD = (
    SMALL.replace(
        "[data]", 'task = "multi-label"\n[data]\ntext = "body"\ngroup = "matter"'
    ).replace("[model]", 'fields = ["amount", "country"]\n[model]')
    + """candidates = ["blend", "tfidf", "embeddings"]
[budget]
usd = 20
hours = "4"
memory_gb = 15.50
on = "runpod/l4"
[cost]
unit = "USD"
otherwise = 1
[[cost.mistake]]
expected = "Indemnity"
cost = 50
[[cost.mistake]]
expected = "Other"
predicted = "Indemnity"
cost = 0.5
[[threshold]]
metric = "macroF1"
at_least = 0.7
[[threshold]]
metric = "recall"
at_least = 0.95
label = "Indemnity"
[evaluation]
slices = ["source", "language"]
"""
)


def test_what_a_run_is_held_to_reads_back_as_itself():
    config = TrainConfig.parse(HELD.encode())
    assert config.model.candidates == ("tfidf", "embeddings", "blend")
    assert (config.task, config.data.text, config.data.group) == ("multi-label", "body", "matter")
    document = config.to_json()
    assert document["budget"] == {
        "usd": "20",
        "hours": "4",
        "memory_gb": "15.5",
        "on": "runpod/l4",
    }
    assert document["cost"] == {
        "unit": "USD",
        "otherwise": "1",
        "mistake": [
            {"expected": "Indemnity", "cost": "50"},
            {"expected": "Other", "predicted": "Indemnity", "cost": "0.5"},
        ],
    }
    assert document["threshold"] == [
        {"metric": "macroF1", "at_least": "0.7"},
        {"metric": "recall", "at_least": "0.95", "label": "Indemnity"},
    ]
    assert document["evaluation"] == {"slices": ["source", "language"]}
    assert TrainConfig.from_json(document) == config
    assert parse_canonical(encode(document)) == document


@pytest.mark.parametrize(
    ("named", "trained"),
    [
        (("blend",), ("tfidf", "embeddings", "blend")),
        (("lora", "blend"), ("tfidf", "lora", "blend")),
        (("tfidf", "blend"), ("tfidf", "embeddings", "blend")),
        (("lora",), ("lora",)),
        ((), ()),
    ],
)
def test_what_a_blend_joins_is_trained_too(named, trained):
    assert ModelConfig("checkpoints/a/base", candidates=named).trained == trained


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (('"multi-label"', '"translation"'), "task"),
        (('["blend", "tfidf", "embeddings"]', "[]"), "candidates"),
        (('["blend", "tfidf", "embeddings"]', '["bert"]'), "candidates"),
        (('"checkpoints/a/base"', '"linear"'), "encoder"),
        (("usd = 20", "usd = -1"), "usd"),
        (("usd = 20", "usd = true"), "usd"),
        (("usd = 20", "eur = 20"), "eur"),
        (('"runpod/l4"', '"l4"'), "on"),
        (('unit = "USD"\n', ""), "unit"),
        (('expected = "Indemnity"\n', ""), "mistake"),
        (('expected = "Indemnity"', 'expects = "Indemnity"'), "expects"),
        (("at_least = 0.7", "at_least = 0.7\nat_most = 1"), "threshold"),
        (("at_least = 0.7\n", ""), "threshold"),
        (("at_least = 0.7", "atleast = 0.7"), "at_least"),
        (('["source", "language"]', "[]"), "slices"),
    ],
)
def test_refuses_what_a_run_cannot_be_held_to(change, place):
    text = HELD.replace(*change)
    assert text != HELD
    with pytest.raises(InvalidInputError) as caught:
        TrainConfig.parse(text.encode())
    assert caught.value.kind == "bad-config"
    assert place in f"{caught.value.message}; {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            SMALL + "[training]\nepoch = 1\n",
            "unknown setting in [training]: 'epoch'; did you mean 'epochs'",
        ),
        (
            SMALL + "[training]\nmax_steps = 1\n",
            "'max_steps'; known: accumulate, activation_checkpointing, ",
        ),
        (
            SMALL + "learning_rate = '0.1'\n",
            "in [model]: 'learning_rate'; it belongs in [training]",
        ),
        ("epochs = 1\n" + SMALL, "in the config: 'epochs'; it belongs in [training]"),
    ],
)
def test_a_setting_that_nobody_knows_says_what_was_meant(text, said):
    with pytest.raises(InvalidInputError) as caught:
        TrainConfig.parse(text.encode())
    assert caught.value.kind == "bad-config"
    assert said in f"{caught.value.message}; {caught.value.hint}"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("[model]", "[model]\ntrust_remote_code = true"), "trust_remote_code"),
        (('purpose = "train"\n', ""), "purpose"),
        (("checkpoints/a/b", "datasets/a/b"), "name"),
        (("[model]", "[training]\nepochs = 0\n[model]"), "epochs"),
        (("[model]", "[training]\nlearning_rate = 1.5\n[model]"), "learning_rate"),
        (("[model]", "[training]\nlearning_rate = nan\n[model]"), "nan"),
        (("[model]", "[training]\nlearning_rate = 1e-400\n[model]"), "1e-400"),
        (("[model]", "[training]\nlearning_rate = true\n[model]"), "learning_rate"),
        (("[model]", "[training]\nseed = -1\n[model]"), "seed"),
        (("[model]", '[model]\npooling = "max"'), "pooling"),
        (("[model]", "[hub]\npush = true\n[model]"), "hub"),
        (("[data]", "[data"), "TOML"),
        (("[data]", 'data = "x"\n[other]'), "other"),
    ],
)
def test_refuses(change, place):
    text = SMALL.replace(*change)
    assert text != SMALL
    with pytest.raises(InvalidInputError) as caught:
        TrainConfig.parse(text.encode())
    assert caught.value.kind == "bad-config"
    assert place in caught.value.message
    assert "\n" not in caught.value.message.replace("\\n", "")


@pytest.mark.parametrize(
    "text",
    [
        SMALL.replace('= "train"', '= "trian"', 1),
        SMALL + '[use]\nalso = ["comercialUse"]\n',
        SMALL + '[use]\npurposes = ["science"]\n',
        SMALL + '[use]\nterritory = ["UK"]\n',
    ],
)
def test_refuses_words_of_use_that_nobody_knows(text):
    with pytest.raises(InvalidInputError) as caught:
        TrainConfig.parse(text.encode())
    assert caught.value.kind == "unknown-word"


def test_unions_of_states_in_use_are_their_members():
    config = TrainConfig.parse((SMALL + '[use]\nterritory = ["EEA", "DE", "CH"]\n').encode())
    assert len(config.use.territory) == 31
    assert config.use.territory[-4:] == ("IS", "LI", "NO", "CH")
    assert TrainConfig.from_json(config.to_json()) == config


def test_the_config_in_the_documentation_is_one():
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    shown = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    assert TrainConfig.parse(shown.encode()).name == "checkpoints/acme/licence-classifier"


@given(st.decimals("0.000001", "1", places=6))
def test_any_spelling_of_a_decimal_gives_one_text(value):
    texts = {str(value), f"{value:e}", f"{value:f}"}
    read = {
        TrainConfig.parse(
            SMALL.replace("[model]", f"[training]\nlearning_rate = {text}\n[model]").encode()
        ).training.learning_rate
        for text in texts
        if re.search(r"[.e]", text)
    }
    assert len(read) == 1
    assert float(read.pop()) == float(value)


@given(st.text(max_size=300))
def test_arbitrary_text_gives_only_our_error(text):
    with pytest.raises(InvalidInputError):
        TrainConfig.parse(text.encode())


@pytest.mark.parametrize("field", ["category", "body", "matter"])
def test_what_has_a_role_joins_no_text(field: str) -> None:
    settings = f'text = "body"\ngroup = "matter"\nfields = ["amount", "{field}"]\n[model]'
    with pytest.raises(InvalidInputError) as caught:
        TrainConfig.parse(SMALL.replace("[model]", settings).encode())
    assert caught.value.kind == "bad-config"


def test_a_model_that_writes_is_computed_where_its_config_says():
    config = TrainConfig.parse(WRITER.encode())
    assert config.training.device == "cpu"
    assert "device" not in config.to_json()["training"]  # as before there was a choice
    on_gpu = f'{WRITER}device = "cuda"\n[budget]\non = "modal/a100-80g"\n'
    config = TrainConfig.parse(on_gpu.encode())
    assert config.to_json()["training"]["device"] == "cuda"
    assert TrainConfig.from_json(config.to_json()) == config
    assert precision_of("auto", "cuda") == "bf16"
    assert precision_of("fp32", "cuda") == "fp32"
    for refused in (
        f'{WRITER}device = "cuda"\n',  # the plan is of no machine
        f'{WRITER}device = "tpu"\n[budget]\non = "modal/a100-80g"\n',
        f'{SMALL}[training]\ndevice = "cpu"\n',
    ):
        with pytest.raises(InvalidInputError) as caught:
            TrainConfig.parse(refused.encode())
        assert caught.value.kind == "bad-config"
