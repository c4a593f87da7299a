"""``history/1``: how training went, step by step (spec §13.6.5)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, convert

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode, parse

FORMAT = "history/1"
ROLE = "history"
"""The role of the attachment of a checkpoint."""

MAX_BYTES = 1 << 20
MAX_SNAPSHOTS = 200
"""Means of the loss; of more steps each is of several."""

_Decimal = Annotated[str, Meta(pattern=r"\A-?[0-9]+(\.[0-9]*)?\Z", max_length=31)]


class _WrittenEpoch(Struct, forbid_unknown_fields=True, rename="camel"):
    train_loss: _Decimal
    score: _Decimal


class _Written(Struct, forbid_unknown_fields=True):
    format: Literal["history/1"]
    candidate: str
    steps: int
    loss: Annotated[list[_Decimal], Meta(max_length=MAX_SNAPSHOTS)]
    epochs: list[_WrittenEpoch]


def write_history(
    candidate: str, losses: Sequence[float], epochs: Sequence[Mapping[str, str]]
) -> bytes:
    """Return the history of a training.

    Args:
        candidate: Which was trained.
        losses: Of every step, in order.
        epochs: Of every epoch ``trainLoss``, and the metric of the validation data, ``score``.
    """
    each = -(-len(losses) // MAX_SNAPSHOTS) or 1
    means = [sum(part) / len(part) for part in _parts(losses, each)]
    return encode(
        {
            "format": FORMAT,
            "candidate": candidate,
            "steps": len(losses),
            "loss": [f"{value:.4f}" for value in means],
            "epochs": [dict(one) for one in epochs],
        }
    )


def read_history(data: bytes) -> dict[str, Any]:
    """Return a history.

    Raises:
        FormatError: (``bad-history``) it is none.
    """
    document: dict[str, Any] = parse(data, max_bytes=MAX_BYTES)
    try:
        convert(document, _Written)
    except ValidationError:
        raise FormatError("bad-history", "that is no history of a training") from None
    return document


def _parts(values: Sequence[float], each: int) -> list[Sequence[float]]:
    return [values[start : start + each] for start in range(0, len(values), each)]
