"""``history/1``: how training went, step by step (spec §13.6.5)."""

from collections.abc import Mapping, Sequence
from typing import Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode, parse

FORMAT = "history/1"
ROLE = "history"
"""The role of the attachment of a checkpoint."""

MAX_BYTES = 1 << 20
MAX_POINTS = 200
"""Means of the loss; of more steps each is of several."""

_MEMBERS = {"format", "candidate", "steps", "loss", "epochs"}


def write_history(
    candidate: str, losses: Sequence[float], epochs: Sequence[Mapping[str, str]]
) -> bytes:
    """Return the history of a training.

    Args:
        candidate: Which was trained.
        losses: Of every step, in order.
        epochs: Of every epoch ``trainLoss``, and the metric of the validation data, ``score``.
    """
    each = -(-len(losses) // MAX_POINTS) or 1
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
    document = parse(data, max_bytes=MAX_BYTES)
    fine = (
        isinstance(document, dict)
        and document.keys() == _MEMBERS
        and document["format"] == FORMAT
        and isinstance(document["candidate"], str)
        and type(document["steps"]) is int
        and _are_decimals(document["loss"], MAX_POINTS)
        and isinstance(document["epochs"], list)
        and all(
            isinstance(one, dict)
            and one.keys() == {"trainLoss", "score"}
            and _are_decimals(list(one.values()), 2)
            for one in document["epochs"]
        )
    )
    if not fine or not isinstance(document, dict):
        raise FormatError("bad-history", "that is no history of a training")
    return document


def _are_decimals(values: Any, most: int) -> bool:
    if not isinstance(values, list) or len(values) > most:
        return False
    return all(isinstance(one, str) and _is_decimal(one) for one in values)


def _is_decimal(text: str) -> bool:
    whole, _, rest = text.removeprefix("-").partition(".")
    return 0 < len(text) < 32 and whole.isascii() and whole.isdigit() and (rest or "0").isdigit()


def _parts(values: Sequence[float], each: int) -> list[Sequence[float]]:
    return [values[start : start + each] for start in range(0, len(values), each)]
