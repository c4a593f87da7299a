"""How figures leave a worker: as text, because they will be signed."""

import math
from collections.abc import Sequence
from typing import Any


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
