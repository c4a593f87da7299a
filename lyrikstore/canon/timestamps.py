"""Points in time as documents write them: ``2026-11-24T14:12:39Z`` and nothing else."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from lyrikstore.canon.errors import FormatError, InvalidInputError

Clock = Callable[[], datetime]
"""Returns the current time in UTC. An argument everywhere, so that tests own the time."""

_STAMP = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})Z")


def now() -> datetime:
    """Return the current time in UTC, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def parse_timestamp(text: object) -> datetime:
    """Read ``YYYY-MM-DDTHH:MM:SSZ``.

    ``datetime.fromisoformat`` also takes dates, week dates and missing offsets: each is a way
    for two verifiers to read different times in one signed document.

    Raises:
        FormatError: (``bad-timestamp``) any other spelling, or no such calendar date.
    """
    found = _STAMP.fullmatch(text) if isinstance(text, str) and text.isascii() else None
    if found is None:
        raise FormatError(
            "bad-timestamp", f"not a UTC timestamp like 2026-11-24T14:12:39Z: {str(text)[:40]!r}"
        )
    year, month, day, hour, minute, second = map(int, found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise FormatError("bad-timestamp", f"no such date or time: {text}") from None


def format_timestamp(moment: datetime) -> str:
    """Write an aware datetime as ``YYYY-MM-DDTHH:MM:SSZ``, dropping fractions of a second.

    Raises:
        InvalidInputError: (``naive-time``) it has no time zone: it would mean another moment on
            every machine.
    """
    if moment.tzinfo is None:
        raise InvalidInputError("naive-time", "a point in time needs a time zone")
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
