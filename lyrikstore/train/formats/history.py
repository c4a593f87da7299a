"""The training history ``history/1``: losses and scores of a training (spec §13.6.5)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, convert

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode, parse

FORMAT = "history/1"
ROLE = "history"
"""Role of the attachment of a checkpoint."""

MAX_BYTES = 1 << 20
MAX_SNAPSHOTS = 200
"""Most values of the loss; with more steps, each value is a mean of several."""

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
        candidate: Name of the candidate.
        losses: Loss of every step, in order.
        epochs: ``trainLoss`` and ``score``, the validation metric, of every epoch.
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
    """Parse a training history.

    Raises:
        FormatError: (``bad-history``) it is malformed.
    """
    document: dict[str, Any] = parse(data, max_bytes=MAX_BYTES)
    try:
        convert(document, _Written)
    except ValidationError:
        raise FormatError("bad-history", "the training history is malformed") from None
    return document


def _parts(values: Sequence[float], each: int) -> list[Sequence[float]]:
    return [values[start : start + each] for start in range(0, len(values), each)]
