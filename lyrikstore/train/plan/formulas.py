"""Memory, operations, time and energy of training (docs/internals/training.md).

Pure arithmetic; the unit of everything is in its name. Sources, by the letter at each formula:

(C) counted: ``tests/train/plan/test_counted.py`` compares with real models;
(K) Kaplan et al., Scaling Laws for Neural Language Models, arXiv:2001.08361, section 2.1: two
    operations a parameter and token forward, twice that backward;
(D) Dettmers et al., QLoRA, arXiv:2305.14314; Hu et al., LoRA, arXiv:2106.09685: what is trained
    costs weight, gradient and two moments of Adam, what is frozen its weight alone;
(S) scikit-learn's logistic regression, timed on banking77, CUAD and UNFAIR-ToS;
(A) assumed; nothing here measured it.
"""

import math
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from lyrikstore.train.config import TrainConfig
from lyrikstore.train.environment import precision_of
from lyrikstore.train.plan.shapes import EncoderShape
from lyrikstore.train.plan.token_counts import TokenCounts

Mode = Literal["forward", "lora", "full"]
"""How an encoder is used: to answer; to train an adapter; to train all of its weights."""

IMPORTS_BYTES, LINEAR_IMPORTS_BYTES = 475_000_000, 200_000_000
"""(C) A worker's memory after its imports: with torch and transformers; with scikit-learn."""

HELD_BYTES: Mapping[Mode, int] = {"forward": 165_000_000, "lora": 140_000_000, "full": 120_000_000}
"""(C) Further memory of a worker: scikit-learn or PEFT, a tokenizer, the model's objects, compiled
kernels."""

START_SECONDS: Mapping[Mode, float] = {"forward": 6.5, "lora": 5.8, "full": 5.6}
LINEAR_START_SECONDS = 1.2
"""(C) Seconds of one core for these imports and for loading a base model; runs include them."""

KEPT_AT_ONCE = 0.9
"""(C) Peak share of the activations of all layers: the last layers free theirs early."""

VARYING_BYTES, MANY_STEPS = 350_000_000, 20
"""(C) Memory lost to fragmentation by batches of different lengths, and the number of steps after
which it does not grow further."""

CUDA_BYTES = 1_000_000_000
"""(A) Context and kernels of CUDA."""

TOKEN_ID_BYTES = 40
"""(C) Bytes of one token id in a Python list."""

WINDOW, ANSWERED = 16, 32
"""Batches among which texts are sorted by length, and number of texts answered together."""

FLOP_PER_CPU_SECOND: Mapping[str, float] = {"fp32": 60e9, "bf16": 110e9}
"""(A) One core of a shared server; `--measure` measures this machine."""

MODEL_FLOP_UTILISATION = 0.30
"""(A) The share of a GPU's peak that training reaches."""

GPU_SECONDS_PER_LAYER = 0.003
"""(A) The least seconds of a layer in a step, however small: the start of its kernels."""

STEP_SECONDS = 0.05
"""(A) Overhead of a step on a CPU, in seconds."""

WATTS_PER_CORE, BOARD_SHARE, FACILITY_FACTOR = 10.0, 0.8, 1.2
"""(A) Watts of a CPU core; share of a board's maximum power; overhead of a data centre."""

VECTOR_COPIES = 3
"""(C) Copies of the vectors: all, those of four folds, and the working copy of a regression."""

HEAD_SECONDS, HEAD_ITERATIONS, HEAD_FLOP = 0.01, 12, 15e9
"""(C) Least seconds of a regression over vectors, its iterations, and operations per second."""

NF4_BYTES = 0.516
"""(D) Bytes of a weight in 4 bits, with the scales of its block and their scales."""

NF4_LOADING_SECONDS, NF4_PASS_SECONDS = 30e-9, 7e-9
"""(C) Seconds of one core per weight: to quantize it to 4 bits, and for each use of it."""

CHUNK = 256
"""Number of tokens whose logits are in memory at once."""

PACKING = 1.02
"""(C) Ratio of computed tokens to tokens of texts, in packed rows."""


class Work(Struct, frozen=True):
    """The computation of one candidate.

    Attributes:
        tokens: Tokens that are processed, padding included.
        flop: Floating-point operations of training.
        steps: Steps of the optimizer.
        answering: Operations of an encoder's answers, which are computed in fp32.
        seconds: Further seconds of one core.
    """

    tokens: float
    flop: float
    steps: int
    answering: float = 0
    seconds: float = 0

    def with_answers(self, tokens: float, flop: float) -> "Work":
        """Return this work with the answers of an encoder added."""
        return self.with_work(Work(tokens, 0, 0, flop))

    def with_work(self, other: "Work") -> "Work":
        """Return the sum of both."""
        return Work(
            self.tokens + other.tokens,
            self.flop + other.flop,
            self.steps + other.steps,
            self.answering + other.answering,
            self.seconds + other.seconds,
        )


def flop_of(
    shape: EncoderShape, mode: Mode, *, tokens: float, squares: float, adapter_parameters: int = 0
) -> float:
    """Return the operations of passing tokens through an encoder (K).

    A matrix costs 2 forward, 2 for the gradient of its input, and 2 for its own where it learns;
    attention 4 · width for each pair of tokens forward, twice that backward.

    Args:
        shape: The encoder.
        mode: How the encoder is used.
        tokens: Sum of the lengths of the sequences.
        squares: Sum of the squared lengths.
        adapter_parameters: Parameters of the LoRA adapter.
    """
    matrices = {"forward": 2, "lora": 4, "full": 6}[mode] * shape.matrix_parameters
    attention = (4 if mode == "forward" else 12) * shape.width * shape.layers
    return tokens * (matrices + 6 * adapter_parameters) + squares * attention


def training_work(
    shape: EncoderShape,
    mode: Mode,
    train: TokenCounts,
    validation: TokenCounts,
    *,
    max_tokens: int,
    epochs: int,
    batch_size: int,
    adapter_parameters: int = 0,
    padding: float = 0,
    folds: int = 0,
) -> Work:
    """Return the work of a run: every epoch trains, and then answers the validation data.

    With ``folds`` it is also trained once for each fold, on all other folds.
    """
    learned, squares = train.padded(max_tokens, batch_size, WINDOW * batch_size)
    if padding:
        learned, squares = train.total(max_tokens) * padding, train.squares(max_tokens) * padding
    learning = flop_of(
        shape, mode, tokens=learned, squares=squares, adapter_parameters=adapter_parameters
    )
    validated = _answering_flop(shape, validation, max_tokens)
    steps = -(-int(train.records) // batch_size)
    tokens = epochs * (learned + validation.total(max_tokens))
    work = Work(tokens, epochs * learning, epochs * steps, epochs * validated)
    # One more pass over all texts: their vectors define which texts are unlike them.
    both = train.joined(validation)
    last = work.with_answers(both.total(max_tokens), _answering_flop(shape, both, max_tokens))
    if not folds:
        return last
    share = (folds - 1) * both.records / max(1.0, train.records)
    again = Work(
        share * epochs * learned,
        share * epochs * learning,
        round(share * epochs * steps),
        seconds=START_SECONDS[mode],
    )
    again = again.with_answers(both.total(max_tokens), _answering_flop(shape, both, max_tokens))
    return last.with_work(again)


def embedding_work(
    shape: EncoderShape,
    train: TokenCounts,
    validation: TokenCounts,
    *,
    max_tokens: int,
    labels: int,
    fits: float = 1,
) -> Work:
    """Return the work of a linear head on a frozen encoder: all texts once, then regressions."""
    both = train.joined(validation)
    flop = 4 * both.records * shape.width * labels * HEAD_ITERATIONS
    seconds = fits * (HEAD_SECONDS + flop / HEAD_FLOP)
    answering = _answering_flop(shape, both, max_tokens)
    return Work(both.total(max_tokens), 0, 0, answering, seconds)


def _answering_flop(shape: EncoderShape, texts: TokenCounts, max_tokens: int) -> float:
    tokens, squares = texts.padded(max_tokens, ANSWERED)
    return flop_of(shape, "forward", tokens=tokens, squares=squares)


def activation_bytes_per_token(
    shape: EncoderShape, sequence_tokens: int, *, half: bool = False
) -> int:
    """Return the bytes per token that one layer keeps for the backward pass (C).

    Args:
        shape: The encoder.
        sequence_tokens: Length of the sequences; attention keeps its weights if it has dropout.
        half: Whether matrices are multiplied in bf16, so that their inputs are kept in bf16.
    """
    if shape.is_gated:
        return 40 * shape.width + 16 * shape.inner + 4 * sequence_tokens
    own, inner = (34, 4) if half else (40, 8)
    own -= (2 if half else 4) if shape.family == "distilbert" else 0
    return own * shape.width + inner * shape.inner + 12 * shape.heads * sequence_tokens


def answering_bytes_per_token(shape: EncoderShape) -> int:
    """Return the bytes per token of the largest layer without a backward pass, in fp32 (C)."""
    return 4 * (4 * shape.width + (3 if shape.is_gated else 2) * shape.inner)


def trained_bytes(mode: Mode, parameters: int) -> int:
    """Return the bytes of training in addition to the base weights (D).

    Args:
        mode: For an adapter its weights are included; those of an encoder are base weights.
        parameters: Number of trained parameters.
    """
    return {"forward": 0, "lora": 16, "full": 12}[mode] * parameters


def cpu_memory_bytes(
    shape: EncoderShape,
    mode: Mode,
    *,
    trained_parameters: int,
    batch_tokens: int,
    sequence_tokens: int,
    kept_bytes: float,
    half: bool = False,
    steps: int = 0,
) -> int:
    """Return the peak memory of a worker on a CPU, in bytes.

    Args:
        shape: The encoder.
        mode: How the encoder is used.
        trained_parameters: Number of trained parameters.
        batch_tokens: Tokens of the largest batch.
        sequence_tokens: Length of its sequences.
        kept_bytes: Bytes kept of all texts: their tokens, their vectors.
        half: Whether matrices are multiplied in bf16.
        steps: Steps of an epoch.
    """
    weights = 4 * shape.parameters
    loading = IMPORTS_BYTES + 2 * weights  # two copies while the model is built
    if mode == "forward":
        activations = 1.1 * batch_tokens * answering_bytes_per_token(shape)
    else:
        each = activation_bytes_per_token(shape, sequence_tokens, half=half)
        activations = KEPT_AT_ONCE * shape.layers * batch_tokens * each
        activations += min(activations, VARYING_BYTES) * min(1.0, steps / MANY_STEPS) ** 2
        activations += 2 * shape.matrix_parameters * half  # a second copy in bf16
    held = weights + trained_bytes(mode, trained_parameters) + activations + kept_bytes
    return int(max(loading, IMPORTS_BYTES + HELD_BYTES[mode] + held))


def gpu_memory_bytes(
    shape: EncoderShape,
    mode: Mode,
    *,
    trained_parameters: int,
    batch_tokens: int,
    sequence_tokens: int,
) -> int:
    """Return the peak memory of a GPU: weights in fp32, matrices and activations also in bf16."""
    layers = 1 if mode == "forward" else shape.layers + 1
    activations = layers * batch_tokens * activation_bytes_per_token(shape, sequence_tokens) // 2
    weights = 4 * shape.parameters + 2 * shape.matrix_parameters
    return CUDA_BYTES + weights + trained_bytes(mode, trained_parameters) + activations


def cpu_seconds(work: Work, flop_per_cpu_second: float, answering: float = math.inf) -> float:
    """Return the CPU seconds of all cores together, without the start-up.

    Args:
        work: The work.
        flop_per_cpu_second: Operations per second in training.
        answering: Operations per second in answering.
    """
    computing = work.flop / flop_per_cpu_second + work.answering / answering
    return computing + work.steps * STEP_SECONDS + work.seconds


def gpu_seconds(work: Work, shape: EncoderShape, peak_flop_per_second: float) -> float:
    """Return the wall-clock seconds of one GPU."""
    flop = work.flop + work.answering
    computing = flop / (MODEL_FLOP_UTILISATION * peak_flop_per_second)
    return max(computing, work.steps * shape.layers * GPU_SECONDS_PER_LAYER)


def linear_features(characters: float) -> float:
    """Return how many words, word pairs and word parts occur in two texts or more (S): Heaps' law.

    Args:
        characters: Characters of all texts.
    """
    return 4.3 * math.pow(max(0.0, characters), 0.68)


def linear_cpu_seconds(
    characters: float, labels: int, *, fits: float = 1, counts: int = 0
) -> float:
    """Return the CPU seconds of word counts and of regressions over them (S).

    Args:
        characters: Characters of all texts.
        labels: Number of labels.
        fits: Number of regressions.
        counts: How often the texts of four of five folds are counted, and the fifth answered.
    """
    fitting = (0.2e-6 * linear_features(characters) + 0.105e-6 * characters) * labels
    return 1.7e-6 * characters * (1 + counts) + fits * fitting


def linear_memory_bytes(characters: float, labels: int) -> int:
    """Return the bytes of word counts and a regression (S): 40 copies of its coefficients."""
    coefficients = 8 * linear_features(characters) * labels
    return int(LINEAR_IMPORTS_BYTES + 40 * coefficients + 8 * characters)


def cpu_energy_kwh(seconds: float) -> float:
    """Return the energy of CPU seconds, in kWh (A)."""
    return seconds * WATTS_PER_CORE * FACILITY_FACTOR / 3.6e6


def gpu_energy_kwh(hours: float, board_watts: float) -> float:
    """Return the energy of a GPU, in kWh (A)."""
    return hours * board_watts * BOARD_SHARE * FACILITY_FACTOR / 1000


class TextLengths(Struct, frozen=True):
    """Lengths of the records of a generative model.

    Attributes:
        whole: Prompt and answer together.
        answers: The answers alone.
    """

    whole: TokenCounts
    answers: TokenCounts

    def trained(self, config: TrainConfig) -> float:
        """Return the number of answer tokens that are trained on."""
        return self.answers.total(config.model.answer_tokens)

    def tokens(self, config: TrainConfig) -> float:
        """Return the number of tokens read in an epoch, without truncated parts of answers."""
        cut = self.answers.total(config.model.max_tokens) - self.trained(config)
        return max(0.0, self.whole.total(config.model.max_tokens) - cut)


def adapted_layers(config: TrainConfig, shape: EncoderShape) -> tuple[int, int]:
    """Return the number of layers with an adapter, and of layers in the backward pass."""
    layers = config.lora.layers
    return (len(layers), shape.layers - min(layers)) if layers else (shape.layers, shape.layers)


def generative_work(
    config: TrainConfig, shape: EncoderShape, train: TextLengths, validation: TextLengths
) -> Work:
    """Return the work of a run: every epoch trains, then computes the validation loss (K)."""
    adapted, back = adapted_layers(config, shape)
    trained = shape.adapter_parameters(config.lora.targets, config.lora.rank, adapted)
    epochs, row = config.training.epochs, config.model.max_tokens
    share = back / shape.layers
    read, validated = (one.tokens(config) * PACKING for one in (train, validation))
    matrix, head = shape.matrix_parameters, shape.vocabulary * shape.width
    attention = 4 * shape.width * shape.layers * row / 2
    forward = 1 + share * config.training.activation_checkpointing
    flop = read * (2 * matrix + attention) * (forward + share)
    flop += read * (attention * share + 6 * trained)
    flop += train.trained(config) * head * 6
    flop += validated * (2 * matrix + attention) + validation.trained(config) * head * 2
    rows = max(1, round(read / row))
    steps = -(-rows // config.training.batch_size)
    return Work(epochs * (read + validated), epochs * flop, epochs * steps)


def quantisation_seconds(config: TrainConfig, shape: EncoderShape, work: Work) -> float:
    """Return the CPU seconds of 4-bit quantization, in addition to the operations (C).

    Args:
        config: The config.
        shape: The shape of the decoder.
        work: The work of the run; each step passes all layers forward and backward.
    """
    if config.model.quantization != "nf4":
        return 0.0
    passes = (2 + config.training.activation_checkpointing) * work.steps
    return shape.layer_parameters * (NF4_LOADING_SECONDS + NF4_PASS_SECONDS * passes)


def generative_memory_bytes(config: TrainConfig, shape: EncoderShape) -> int:
    """Return the peak memory in addition to a worker's memory after its imports (C, D).

    ``benchmarks/writers.py`` compares it with the memory of real shapes.
    """
    training = config.training
    bytes_each = 2 if precision_of(training.precision, training.device) == "bf16" else 4
    adapted, back = adapted_layers(config, shape)
    trained = shape.adapter_parameters(config.lora.targets, config.lora.rank, adapted)
    tables = bytes_each * shape.embedding_parameters
    quantised = config.model.quantization == "nf4"
    each = NF4_BYTES if quantised else bytes_each
    weights = tables + each * shape.layer_parameters
    tokens = config.training.batch_size * config.model.max_tokens
    layer = (20 * shape.width + 5 * shape.inner) * bytes_each * tokens
    inputs = shape.width * bytes_each * tokens
    recomputed = training.activation_checkpointing
    kept = back * inputs + layer if recomputed else back * layer
    logits = 12 * shape.vocabulary * CHUNK
    # Weights are read a tensor at a time: loading takes less than training.
    return int(weights + trained_bytes("lora", trained) + kept + logits)
