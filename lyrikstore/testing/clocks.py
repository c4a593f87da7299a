"""``FrozenClock``: a clock that stands still until it is set.

Example:
    >>> clock = FrozenClock()
    >>> clock() == clock()
    True
    >>> clock.advance(days=1) - DEFAULT_START
    datetime.timedelta(days=1)
"""

from datetime import UTC, datetime, timedelta

DEFAULT_START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


class FrozenClock:
    """A :data:`lyrikstore.canon.timestamps.Clock` that the test moves.

    Attributes:
        moment: The result of the next call; assignable.
    """

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        self.moment = start

    def __call__(self) -> datetime:
        """Return the current moment; calling does not advance it."""
        return self.moment

    def advance(self, *, days: float = 0, seconds: float = 0) -> datetime:
        """Move by ``days`` and ``seconds`` (negative: a clock set back) and return the moment."""
        self.moment += timedelta(days=days, seconds=seconds)
        return self.moment
