"""Progress of long work: the events, and the callbacks that receive them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple


class Progress(NamedTuple):
    """How far a task is. Every number counts from the start of the work.

    Attributes:
        done: Steps done. What a step is, a file, a pack, a record, says who takes a listener.
        total: Steps in all; 0 where nobody knows.
        bytes: Bytes read or written; 0 where nobody counts them.
        phase: Which part of the work; ``done``, ``total`` and ``bytes`` are of that part.
        detail: Figures of the phase, such as ``loss``; decimals as text.
    """

    done: int = 0
    total: int = 0
    bytes: int = 0
    phase: str = ""
    detail: Mapping[str, object] = MappingProxyType({})


OnProgress = Callable[[Progress], None]
"""A listener. It is called in the order of the work, never twice at a time, from any thread."""


def silent(_: Progress) -> None:
    """Listen to nothing."""
