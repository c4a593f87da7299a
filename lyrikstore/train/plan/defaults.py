"""Settings that follow from data and hardware, where nobody chose any.

The rules: docs/internals/training.md.
"""

import os
from collections.abc import Mapping, Sequence

from msgspec import Struct

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.train.config import (
    DataConfig,
    LoraConfig,
    ModelConfig,
    TrainConfig,
    TrainingConfig,
)
from lyrikstore.train.plan.facts import DataFacts
from lyrikstore.train.plan.shapes import EncoderShape
from lyrikstore.train.plan.token_counts import TokenCounts
from lyrikstore.train.requirements import LINEAR, EvaluationConfig
from lyrikstore.train.task import usual_task

TOKENS_STEP, COVERED = 64, 0.95
"""``max_tokens`` is the least multiple of so many that so many records fit into."""

FEW_RECORDS = 2000
"""Below them a batch is 16 records, else 32: an epoch needs steps enough to learn in."""

MAX_THREADS = 8
"""More threads than that hardly speed up a small encoder."""


class Proposal(Struct, frozen=True):
    """What a config is wanted of that nobody wrote.

    Attributes:
        parts: ``train``, ``validation`` and perhaps ``test`` → REF.
        name: Full name of the checkpoint to make.
        base: REF of the base model; without a shape: there is none.
        shape: Its shape; None: there is no base model.
        label: The field that holds the label; empty: the dataset says.
        prompt: Of a generative model, the field with what is asked; empty: a usual name.
        completion: And the field with the answer.
    """

    parts: Mapping[str, str]
    name: str
    base: str = LINEAR
    shape: EncoderShape | None = None
    label: str = ""
    prompt: str = ""
    completion: str = ""


def default_max_tokens(tokens: TokenCounts, positions: int) -> int:
    """Return the longest text to read: a multiple of 64 that 95 % of the records fit into.

    Args:
        tokens: How long the texts are.
        positions: The most that the model reads.
    """
    wanted = -(-max(1, tokens.percentile(COVERED)) // TOKENS_STEP) * TOKENS_STEP
    return min(wanted, positions)


def default_config(
    proposal: Proposal, facts: DataFacts, *, label: str, slices: tuple[str, ...] = ()
) -> TrainConfig:
    """Return the config of a model with labels: every setting has a value.

    Args:
        proposal: What is wanted.
        facts: What is known of the training data.
        label: The field that holds the label.
        slices: The fields by which an evaluation tells records apart.
    """
    shape, parts = proposal.shape, proposal.parts
    model = ModelConfig(base=LINEAR)
    if shape is not None:
        most = default_max_tokens(facts.tokens, shape.positions)
        model = ModelConfig(base=proposal.base, max_tokens=most)
    return TrainConfig(
        purpose="train",
        name=proposal.name,
        data=DataConfig(
            train=(parts["train"],),
            validation=parts["validation"],
            label=label,
            test=parts.get("test", ""),
        ),
        model=model,
        lora=LoraConfig(),
        training=TrainingConfig(
            batch_size=16 if facts.records < FEW_RECORDS else 32, threads=default_threads()
        ),
        task=usual_task(several=facts.several > 0).name,
        evaluation=EvaluationConfig(slices),
    )


def default_threads() -> int:
    """Return how many threads train."""
    return min(MAX_THREADS, usable_cores())


def usable_cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def write_toml(config: TrainConfig, notes: Sequence[str] = ()) -> str:
    """Return a config as the TOML file that reads back as it.

    Args:
        config: What it says.
        notes: Lines for the head, such as why a value was chosen.
    """
    document = config.to_json()
    # ATTACK: names of fields are others' words; a line feed in one must not end the comment.
    lines = [f"# {escape_control(note)}" for note in notes]
    tables = {key: value for key, value in document.items() if isinstance(value, dict)}
    lines += [f"{key} = {_value(value)}" for key, value in document.items() if key not in tables]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, str):
        escaped = "".join(
            f"\\u{ord(one):04X}" if ord(one) < 32 or ord(one) == 127 else one
            for one in value.replace("\\", "\\\\").replace('"', '\\"')
        )
        return f'"{escaped}"'
    if isinstance(value, list):
        return f"[{', '.join(_value(one) for one in value)}]"
    return str(value).lower()  # a number, or a truth value, which TOML writes small


def describe_cut(tokens: TokenCounts, most: int) -> str:
    """Return how much of the data ``max_tokens`` cuts off, for people."""
    share = tokens.share_cut(most)
    records = pluralize(round(share * tokens.records), "record is", "records are")
    return f"max_tokens = {most}: about {records} longer ({share:.1%}), and cut off"
