"""How much of a sweep runs: all of it with ``--whole`` (``make test-all``), else a thin part.

A sweep tries every call of a push, every byte of a file, every mutation. ``make test`` takes a few
of these points, always the same ones; ``--whole`` takes all, and runs what is marked ``slow``. With
``--ci`` what is marked ``ci`` runs as well, and the few sweeps that say so are whole.
"""

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")

WHOLE = False
"""Whether ``--whole`` was given; set before tests are collected."""

EVERY = 1 << 30

CI = False
"""Whether ``--ci`` was, or ``--whole``."""


def evenly(points: Sequence[_T], count: int) -> list[_T]:
    """Return ``count`` of the points, evenly spread, the first and the last among them."""
    if len(points) <= count:
        return list(points)
    if count == 1:
        return [points[len(points) // 2]]
    return [points[index * (len(points) - 1) // (count - 1)] for index in range(count)]


def examples(count: int) -> int:
    """Return how many examples Hypothesis tries: ``count`` in a whole run, else a third of them."""
    return count if WHOLE else -(-count // 3)


def thinned(points: Sequence[_T], count: int, *, ci: int | None = None) -> list[_T]:
    """Return all points in a whole run, else some of them, as :func:`evenly` does.

    Args:
        points: All points.
        count: How many.
        ci: How many in CI, if others; :data:`EVERY` for all.
    """
    return list(points) if WHOLE else evenly(points, ci if CI and ci is not None else count)
