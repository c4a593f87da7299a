"""Retries: which failures, how often, with which delays.

One policy for every remote, so that a clone of many thousand requests survives a server that fails
now and then, and a server under load is left alone: exponential waits with full jitter (a random
part of the wait, so that clients who failed together do not come back together).
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from lyrikstore.canon.errors import RemoteError

T = TypeVar("T")


class TransientError(Exception):
    """A failure that may not happen again; never leaves :class:`Retry`.

    Attributes:
        error: What to raise when no try is left.
        after: How many seconds the server asks to be left alone, if it said.
        refused: Whether it is certain that the request had no effect.
    """

    def __init__(
        self, error: RemoteError, after: float | None = None, *, refused: bool = False
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after
        self.refused = refused


@dataclass(frozen=True)
class Retry:
    """How often to try, and how long to wait in between.

    Attributes:
        tries: How many times altogether.
        first: Upper bound of the first wait in seconds; it doubles each time.
        longest: Upper bound of any wait that we choose.
        patience: The longest wait that a server may ask for; asked for more, we give up at once.
        sleep: Waits.
        jitter: Returns a number from 0 to 1.
    """

    tries: int = 5
    first: float = 0.25
    longest: float = 20.0
    patience: float = 60.0
    sleep: Callable[[float], None] = field(default=time.sleep)
    jitter: Callable[[], float] = field(default=random.random)

    def run(self, act: Callable[[], T]) -> T:
        """Return what ``act`` returns, calling it again while it raises :class:`TransientError`.

        Raises:
            RemoteError: The last try failed as well, or the server asks for too long a wait.
        """
        for number in range(1, self.tries + 1):
            try:
                return act()
            except TransientError as failed:
                wait = self._wait(number, failed)
                if wait is None:
                    failed.error.details.setdefault("tries", number)
                    raise failed.error from None
            self.sleep(wait)
        raise AssertionError("unreachable")  # pragma: no cover

    def _wait(self, number: int, failed: TransientError) -> float | None:
        if number == self.tries or (failed.after or 0) > self.patience:
            return None
        longest = min(self.longest, self.first * float(1 << (number - 1)))
        return (failed.after or 0.0) + self.jitter() * longest
