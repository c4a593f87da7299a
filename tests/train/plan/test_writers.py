"""What generative models take, beside what ``benchmarks/writers.py`` measured of real shapes."""

from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from lyrikstore.train.config import TrainConfig
from lyrikstore.train.plan import facts
from lyrikstore.train.plan.defaults import Proposal
from lyrikstore.train.plan.formulas import (
    CUDA_BYTES,
    IMPORTS_BYTES,
    Work,
    generative_memory_bytes,
    quantisation_seconds,
)
from lyrikstore.train.plan.shapes import EncoderShape
from lyrikstore.train.task import find_task
from tests.kinds import refused

CONFIG = """
purpose = "train"
name = "checkpoints/acme/shape"
task = "sft"
[data]
train = "acme/talk.train"
validation = "acme/talk.validation"
prompt = "question"
completion = "answer"
[model]
base = "checkpoints/acme/base"
max_tokens = 128
quantization = "nf4"
[lora]
targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
[training]
batch_size = 1
precision = "fp32"
"""
LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 49152,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}
SHAPES = {
    "3B": (3072, 8192, 28, 24, 8, 4770e6),
    "7B": (4096, 11008, 32, 32, 32, 8051e6),
}
"""Width, inner width, layers, heads, heads of keys; bytes that three steps took."""


def shape_of(name: str) -> EncoderShape:
    width, inner, layers, heads, shared, _ = SHAPES[name]
    return EncoderShape.of_settings(
        {
            **LLAMA,
            "hidden_size": width,
            "intermediate_size": inner,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": shared,
        }
    )


@pytest.mark.parametrize("name", SHAPES)
def test_memory_is_what_real_steps_took(name: str) -> None:
    planned = IMPORTS_BYTES + generative_memory_bytes(
        TrainConfig.parse(CONFIG.encode()), shape_of(name)
    )
    assert planned == pytest.approx(SHAPES[name][-1], rel=0.1)


def test_four_bits_and_layers_that_are_computed_again_take_less_memory_and_more_time() -> None:
    config, shape = TrainConfig.parse(CONFIG.encode()), shape_of("7B")
    whole = replace(config, model=replace(config.model, quantization=""))
    again = replace(config, training=replace(config.training, activation_checkpointing=True))
    memory = [generative_memory_bytes(one, shape) for one in (again, config, whole)]
    assert memory == sorted(set(memory))
    work = Work(tokens=384, flop=1e13, steps=3)
    time = [quantisation_seconds(one, shape, work) for one in (whole, config, again)]
    assert time[0] == 0
    assert time == sorted(set(time))


# Vocabulary, width, inner width, layers, heads, heads of keys, whether the head is the table.
PUBLISHED = {
    "Qwen2.5-7B": ("Qwen2", 152064, 3584, 18944, 28, 28, 4, False),
    "Mistral-7B": ("Mistral", 32768, 4096, 14336, 32, 32, 8, False),
    "Llama-3.1-8B": ("Llama", 128256, 4096, 14336, 32, 32, 8, False),
    "Qwen2.5-3B": ("Qwen2", 151936, 2048, 11008, 36, 16, 2, True),
}
ON_GPU = """precision = "auto"
device = "cuda"
activation_checkpointing = true
[budget]
on = "modal/a100-80g"
"""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_predictions_for_a_gpu_in_the_docs_are_those_of_the_formula(name: str) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "internals" / "training.md").read_text(
        "utf-8"
    )
    (line,) = (one for one in page.splitlines() if one.startswith(f"| {name} |"))
    cells = [float(cell) for cell in line.strip("|").split("|")[1:]]
    kind, vocabulary, width, inner, layers, heads, shared, tied = PUBLISHED[name]
    shape = EncoderShape.of_settings(
        {
            "model_type": kind.lower(),
            "architectures": [f"{kind}ForCausalLM"],
            "vocab_size": vocabulary,
            "hidden_size": width,
            "intermediate_size": inner,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": shared,
            "max_position_embeddings": 32768,
            "tie_word_embeddings": tied,
        }
    )
    found = []
    for tokens in (1024, 2048, 4096):
        text = CONFIG.replace("max_tokens = 128", f"max_tokens = {tokens}")
        config = TrainConfig.parse(text.replace('precision = "fp32"\n', ON_GPU).encode())
        found.append(round((CUDA_BYTES + generative_memory_bytes(config, shape)) / 1e9, 1))
    assert found == cells


def test_questions_and_answers_stand_in_fields_of_any_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nobody = cast("Any", None)
    known = ["frage", "antwort", "question", "messages"]
    monkeypatch.setattr(facts, "columns_of", lambda _: known)
    named = {"prompt": "frage", "completion": "antwort"}
    assert facts.conversation_fields(nobody, "frage", "antwort") == named
    assert facts.conversation_fields(nobody, completion="antwort") == {
        "prompt": "question",
        "completion": "antwort",
    }
    assert facts.conversation_fields(nobody) == {"messages": "messages"}
    assert facts.conversation_fields(nobody, "frage") == {}
    proposal = Proposal({"train": "acme/rows"}, "checkpoints/a/b", **named)
    with refused("wrong-base"):
        find_task("text-classification").propose(nobody, proposal)
