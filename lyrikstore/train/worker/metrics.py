"""Figures of a worker, as text, because they will be signed."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
A = TypeVar("A")


def latency(milliseconds: Sequence[float]) -> dict[str, Any]:
    """Return the median and the 95th percentile of single-record times, nearest rank."""
    ordered = sorted(milliseconds)

    def rank(share: float) -> str:
        return decimal(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2)

    return {"p50": rank(0.5), "p95": rank(0.95), "n": len(ordered)}


def decimal(value: float, digits: int = 4) -> str:
    """Return a number as decimal text with a fixed number of digits, never ``-0``."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def timed(
    records: Sequence[T],
    answer: Callable[[T], A],
    report: Callable[..., None],
    parts: Callable[[T], int] = lambda _: 1,
) -> tuple[list[A], dict[str, Any]]:
    """Return the answer to each record, computed one at a time, and the latency of one.

    Args:
        records: The records.
        answer: Function from a record to its answer.
        report: Called per record.
        parts: Function from an answer to its number of parts, by which its time is divided.
    """
    found, times = [], []
    for number, one in enumerate(records):
        begun = time.perf_counter()
        found.append(answer(one))
        times.append((time.perf_counter() - begun) * 1000 / parts(one))
        report("check", number + 1, len(records))
    return found, latency(times)
