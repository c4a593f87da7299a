"""The retry policy of all remotes: which failures are retried, how often, with which delays.

With it, a clone of many thousand requests survives a server that fails occasionally, and a server
under load is not overloaded: exponential waits with full jitter (a random part of the wait, so that
clients that failed together do not retry together).
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
        error: The error to raise when no try is left.
        after: The seconds that the server asks to wait, if it sent them.
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
    """The number of tries, and the waits between them.

    Attributes:
        tries: Total number of tries.
        first: Upper bound of the first wait in seconds; it doubles each time.
        longest: Upper bound of any wait that this policy chooses.
        patience: The longest wait that a server may request; a longer one is an error at once.
        sleep: Function that waits.
        jitter: Returns a number from 0 to 1.
    """

    tries: int = 5
    first: float = 0.25
    longest: float = 20.0
    patience: float = 60.0
    sleep: Callable[[float], None] = field(default=time.sleep)
    jitter: Callable[[], float] = field(default=random.random)

    def run(self, act: Callable[[], T]) -> T:
        """Return the result of ``act``; call it again while it raises :class:`TransientError`.

        Raises:
            RemoteError: The last try failed as well, or the server requests too long a wait.
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
