"""Configs: strict, complete, signed as text."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode, parse_canonical
from lyrikstore.train.config import TrainConfig

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


def test_example_reads_back_as_itself():
    config = TrainConfig.parse(EXAMPLE.encode())
    assert config.training.learning_rate == "0.002"
    assert config.lora.dropout == "0"
    assert config.lora.targets == ("key", "query", "value")
    assert TrainConfig.from_json(config.to_json()) == config
    assert parse_canonical(encode(config.to_json())) == config.to_json()


def test_defaults_are_written_out():
    config = TrainConfig.parse(SMALL.encode())
    assert config.to_json()["training"]["epochs"] == 3
    assert config.run_name == "runs/a/b"
    assert "test" not in config.to_json()["data"]
    assert TrainConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            SMALL + "[training]\nepoch = 1\n",
            "unknown setting in [training]: 'epoch'; did you mean 'epochs'",
        ),
        (SMALL + "[training]\nmax_steps = 1\n", "'max_steps'; known: batch_size, "),
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
