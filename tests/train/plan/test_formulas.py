"""Formulas: by hand for small shapes, and against what was published or measured elsewhere."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.train.plan import formulas
from lyrikstore.train.plan.formulas import Work
from lyrikstore.train.plan.shapes import EncoderShape
from lyrikstore.train.plan.token_counts import TokenCounts

MINILM = EncoderShape.of_settings(
    {
        "model_type": "bert",
        "hidden_size": 384,
        "intermediate_size": 1536,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "vocab_size": 30522,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
    }
)
BASE = EncoderShape.of_settings(
    {
        "model_type": "bert",
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "vocab_size": 30522,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
    }
)
TINY = EncoderShape("bert", 2, 3, 1, 1, 5, 7, 9)
TWO = TokenCounts.of_tokens({4: 1, 10: 2})


def test_a_tiny_shape_by_hand():
    assert TINY.embedding_parameters == (5 + 9) * 2 + 4
    assert TINY.matrix_parameters == 4 * 4 + 2 * 6
    assert TINY.layer_parameters == 28 + (4 * 2) + (3 + 2) + (4 * 2)
    assert TINY.adapter_parameters(["query", "dense"], 8, 1) == 8 * (4 + 4 + 5 + 5)
    # One sequence of 3 tokens: matrices 2, 4, 6; attention 4 or 12 for each of 9 pairs.
    flop = {mode: formulas.flop_of(TINY, mode, tokens=3, squares=9) for mode in ("forward", "full")}
    assert flop == {"forward": 3 * 2 * 28 + 9 * 4 * 2, "full": 3 * 6 * 28 + 9 * 12 * 2}
    lora = formulas.flop_of(TINY, "lora", tokens=3, squares=9, adapter_parameters=10)
    assert lora == 3 * (4 * 28 + 60) + 9 * 12 * 2
    assert formulas.activation_bytes_per_token(TINY, 3) == 80 + 24 + 36


def test_published_sizes():
    # The model cards of all-MiniLM-L6-v2 and BERT base say 22.7 and 110 million, with pooling.
    assert MINILM.parameters + 384 * 385 == 22_713_216
    assert BASE.parameters + 768 * 769 == 109_482_240


def test_time_against_a_measured_run():
    # MiniLM, LoRA r16 everywhere, 3,702 clauses of 79 tokens cut at 128, 5 epochs, 532 to validate:
    # 400 CPU-seconds in bf16, at 145 to 168 GF in a CPU-second. Full tuning took 426.
    train = TokenCounts.of_summary(3702, least=48, median=283, most=4220, seen=3702)
    validation = TokenCounts.of_summary(532, least=48, median=283, most=4220, seen=3702)
    adapter = MINILM.adapter_parameters(["query", "key", "value", "dense"], 16, 6)
    done = {
        mode: formulas.training_work(
            MINILM,
            mode,
            train,
            validation,
            max_tokens=128,
            epochs=5,
            batch_size=32,
            adapter_parameters=adapter if mode == "lora" else 0,
        )
        for mode in ("lora", "full")
    }
    assert done["lora"].steps == 5 * 116
    assert 1 / 1.5 < formulas.cpu_seconds(done["lora"], 155e9) / 400 < 1.5
    # Large products only, which a processor does faster than the small ones of an adapter.
    assert 1 / 2 < formulas.cpu_seconds(done["full"], 155e9) / 426 < 2


@pytest.mark.parametrize(
    ("labels", "characters", "seconds", "features", "memory_mb"),
    [  # counting and one regression, as C = 4 took them; the peak of the process
        (45, 3175, 0.043, 1423, 228),
        (6, 28_430, 0.078, 6562, 221),
        (33, 144_720, 0.976, 17_375, 394),
        (77, 178_488, 1.764, 14_183, 561),
    ],
)
def test_word_counts_against_measured_ones(labels, characters, seconds, features, memory_mb):
    assert 1 / 2.5 < formulas.linear_cpu_seconds(characters, labels) / seconds < 2.5
    assert 1 / 1.5 < formulas.linear_features(characters) / features < 1.5
    assert 1 / 1.2 < formulas.linear_memory_bytes(characters, labels) / (memory_mb * 1e6) < 1.2


def test_learning_costs_what_is_published_of_adam():
    # Weight, gradient and two moments, in 32 bits; what is tuned whole has its weight already.
    assert formulas.trained_bytes("lora", 1000) == 16_000
    assert formulas.trained_bytes("full", 1000) == 12_000
    assert formulas.trained_bytes("forward", 1000) == 0


def test_memory_grows_with_what_learns_and_with_the_batch():
    def memory(mode, batch_tokens, trained):
        return formulas.cpu_memory_bytes(
            MINILM,
            mode,
            trained_parameters=trained,
            batch_tokens=batch_tokens,
            sequence_tokens=128,
            kept_bytes=0,
        )

    lora, full = memory("lora", 4096, 600_000), memory("full", 4096, MINILM.layer_parameters)
    twice = memory("full", 8192, MINILM.layer_parameters)
    assert memory("forward", 4096, 0) < lora < full < twice
    # By hand: imports and what is held beside them, weights, adapter, six layers of activations.
    layer = 40 * 384 + 8 * 1536 + 12 * 12 * 128
    held = 4 * MINILM.parameters + 16 * 600_000 + int(0.9 * 6 * 4096 * layer)
    assert lora == formulas.IMPORTS_BYTES + formulas.HELD_BYTES["lora"] + held
    gpu = formulas.gpu_memory_bytes(
        MINILM, "lora", trained_parameters=600_000, batch_tokens=4096, sequence_tokens=128
    )
    weights = 4 * MINILM.parameters + 2 * MINILM.matrix_parameters
    assert gpu == 10**9 + weights + 16 * 600_000 + 7 * 4096 * layer // 2


def test_a_small_model_waits_for_the_kernels_of_a_gpu_and_a_large_one_for_its_arithmetic():
    assert formulas.gpu_seconds(Work(0, 1e9, 100), MINILM, 121e12) == pytest.approx(100 * 6 * 0.003)
    assert formulas.gpu_seconds(Work(0, 121e12 * 300, 1), MINILM, 121e12) == pytest.approx(1000)


def test_energy_by_hand():
    assert formulas.gpu_energy_kwh(10, 72) == pytest.approx(10 * 72 * 0.8 * 1.2 / 1000)
    assert formulas.cpu_energy_kwh(3600) == pytest.approx(0.012)


def test_token_counts_by_hand():
    assert (TWO.records, TWO.total(100), TWO.total(8), TWO.squares(8)) == (3, 24, 20, 144)
    assert (TWO.percentile(0.3), TWO.percentile(0.95)) == (4, 10)
    assert TWO.share_cut(4) == pytest.approx(2 / 3)
    assert (TWO.longest(100), TWO.longest(8)) == (10, 8)
    assert TWO.joined(TokenCounts.of_characters([9, 9])).lengths == ((4, 3), (10, 2))
    assert TokenCounts.of_characters([]).percentile(0.95) == 0
    assert TWO.characters == (24 - 3 * 2) * 4.5


def test_texts_of_like_length_are_padded_to_the_longest_of_a_batch():
    found = TokenCounts.of_tokens({4: 2, 6: 1, 9: 1})
    assert found.padded(100, 2) == (2 * 4 + 2 * 9, 2 * 16 + 2 * 81)
    assert found.padded(8, 3) == (3 * 6 + 8, 3 * 36 + 64)
    # Two of them hardly have the longest among them, but one longer than the median.
    assert found.padded(100, 2, window=2) == (4 * 6, 4 * 36)
    assert found.padded(100, 1) == (found.total(100), found.squares(100))
    assert TokenCounts.of_tokens({}).padded(100, 2) == (0, 0)


def test_a_mean_alone_gives_the_same_mean():
    found = TokenCounts.of_mean(3702, 368)
    assert found.total(10**9) / 3702 == pytest.approx(79.3, rel=0.1)
    assert TokenCounts.of_mean(0, 0).records == 0


@pytest.mark.parametrize(
    ("records", "least", "median", "most", "mean", "p95"),
    [  # characters, and tokens that MiniLM's tokenizer counted
        (4000, 13, 46, 429, 15.6, 33),
        (3702, 48, 283, 4220, 79.3, 196),
        (2435, 23, 150, 1676, 38.8, 90),
    ],
)
def test_three_lengths_give_nearly_the_tokens_that_were_counted(
    records, least, median, most, mean, p95
):
    found = TokenCounts.of_summary(records, least=least, median=median, most=most, seen=records)
    assert found.records == pytest.approx(records)
    assert 1 / 1.35 < found.total(10**9) / records / mean < 1.35
    assert 1 / 1.35 < found.percentile(0.95) / p95 < 1.35


@given(st.integers(0, 10**7), st.tuples(*[st.integers(0, 10**6)] * 3).map(sorted))
def test_any_three_lengths_give_finite_figures(records, lengths):
    least, median, most = lengths
    found = TokenCounts.of_summary(records, least=least, median=median, most=most, seen=records)
    assert math.isfinite(found.squares(8192))
    assert 0 <= found.share_cut(128) <= 1
    assert found.longest(512) <= 512
