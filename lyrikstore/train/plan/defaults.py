"""Default settings that depend on data and hardware.

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
"""``max_tokens`` is the smallest multiple of the first number that covers this share of records."""

FEW_RECORDS = 2000
"""With fewer records a batch has 16 records, else 32: an epoch needs enough steps."""

MAX_THREADS = 8
"""More threads than that hardly speed up a small encoder."""


class Proposal(Struct, frozen=True):
    """The input for a proposed config.

    Attributes:
        parts: ``train``, ``validation`` and perhaps ``test`` → REF.
        name: Full name of the checkpoint to make.
        base: REF of the base model; ``linear``: none.
        shape: The shape of the base model; None: there is no base model.
        label: The field that holds the label; empty: the dataset names it.
        prompt: For a generative model: the field with the prompt; empty: a usual name.
        completion: For a generative model: the field with the answer; empty: a usual name.
    """

    parts: Mapping[str, str]
    name: str
    base: str = LINEAR
    shape: EncoderShape | None = None
    label: str = ""
    prompt: str = ""
    completion: str = ""


def default_max_tokens(tokens: TokenCounts, positions: int) -> int:
    """Return the default of ``max_tokens``: a multiple of 64 that covers 95 % of the records.

    Args:
        tokens: Lengths of the texts.
        positions: The longest sequence of the model.
    """
    wanted = -(-max(1, tokens.percentile(COVERED)) // TOKENS_STEP) * TOKENS_STEP
    return min(wanted, positions)


def default_config(
    proposal: Proposal, facts: DataFacts, *, label: str, slices: tuple[str, ...] = ()
) -> TrainConfig:
    """Return the config of a labelling model: every setting has a value.

    Args:
        proposal: The datasets, the base model and the name.
        facts: Facts about the training data.
        label: The field that holds the label.
        slices: The slice fields of an evaluation.
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
    """Return the default number of training threads."""
    return min(MAX_THREADS, usable_cores())


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def write_toml(config: TrainConfig, notes: Sequence[str] = ()) -> str:
    """Return a config as a TOML file, which reads back as the same config.

    Args:
        config: The config.
        notes: Comment lines for the top, such as the reason for a value.
    """
    document = config.to_json()
    # ATTACK: names of fields come from others; a line feed in one must not end the comment.
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
    return str(value).lower()  # a number, or a boolean, which TOML writes in lower case


def describe_cut(tokens: TokenCounts, most: int) -> str:
    """Return a text about the share of records that ``max_tokens`` truncates."""
    share = tokens.share_cut(most)
    records = pluralize(round(share * tokens.records), "record is", "records are")
    return f"max_tokens = {most}: about {records} longer ({share:.1%}) and truncated"
