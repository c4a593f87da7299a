"""Progress of long work: the events, and the callbacks that receive them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple


class Progress(NamedTuple):
    """Progress of a task. Every number counts from the start of the work.

    Attributes:
        done: Steps done. The function that takes a listener documents the step: a file, a pack, a
        record.
        total: All steps; 0 if unknown.
        bytes: Bytes read or written; 0 if they are not counted.
        phase: The part of the work to which ``done``, ``total`` and ``bytes`` refer.
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
    """Ignore the event."""
