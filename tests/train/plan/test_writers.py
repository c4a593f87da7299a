"""What models that write take, beside what ``benchmarks/writers.py`` measured of real shapes."""

import pytest
from msgspec.structs import replace

from lyrikstore.train.config import TrainConfig
from lyrikstore.train.plan.formulas import (
    IMPORTS_BYTES,
    Work,
    quantisation_seconds,
    writer_memory_bytes,
)
from lyrikstore.train.plan.shapes import EncoderShape

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
    planned = IMPORTS_BYTES + writer_memory_bytes(
        TrainConfig.parse(CONFIG.encode()), shape_of(name)
    )
    assert planned == pytest.approx(SHAPES[name][-1], rel=0.1)


def test_four_bits_and_layers_that_are_computed_again_take_less_memory_and_more_time() -> None:
    config, shape = TrainConfig.parse(CONFIG.encode()), shape_of("7B")
    whole = replace(config, model=replace(config.model, quantization=""))
    again = replace(config, training=replace(config.training, activation_checkpointing=True))
    memory = [writer_memory_bytes(one, shape) for one in (again, config, whole)]
    assert memory == sorted(set(memory))
    work = Work(tokens=384, flop=1e13, steps=3)
    time = [quantisation_seconds(one, shape, work) for one in (whole, config, again)]
    assert time[0] == 0
    assert time == sorted(set(time))
