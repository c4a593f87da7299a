"""Points in time: ``2026-11-24T14:12:39Z`` in our documents, XML Schema's forms in foreign ones."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NoReturn

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.limits import CLOCK_SKEW_SECONDS

Clock = Callable[[], datetime]
"""Function that returns the current time in UTC. It is always an argument, so tests can set it."""

CLOCK_SKEW = timedelta(seconds=CLOCK_SKEW_SECONDS)
"""Largest difference between two honest clocks."""

_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_XSD_STAMP = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?"
    r"(?:Z|([+-])(0\d|1[0-3]|14(?=:00)):([0-5]\d))?",
    re.ASCII,
)


def now() -> datetime:
    """Return the current time in UTC, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def parse_timestamp(text: object) -> datetime:
    """Parse ``YYYY-MM-DDTHH:MM:SSZ``.

    ``datetime.fromisoformat`` alone also takes dates, week dates and missing offsets: each is a way
    for two verifiers to read different times in one signed document.

    Raises:
        FormatError: (``bad-timestamp``) any other spelling, or no such calendar date.
    """
    if not isinstance(text, str):
        _refuse(text)
    return _parse(text)


@lru_cache(maxsize=256)  # several checks read each moment of a credential
def _parse(text: str) -> datetime:
    if _STAMP.fullmatch(text) is None:
        _refuse(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise FormatError("bad-timestamp", f"no such date or time: {text}") from None


def parse_foreign_timestamp(text: object) -> datetime:
    """Parse the ``dateTimeStamp`` of XML Schema, which foreign credentials and proofs use.

    Any offset, up to nine digits of fraction; without an offset it is UTC, as Data Integrity and
    the VC data model allow. Leap seconds, 24:00 and years beyond four digits are refused.

    Raises:
        FormatError: (``bad-timestamp``) any other spelling, or no such date or time.
    """
    found = _XSD_STAMP.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise FormatError("bad-timestamp", f"not a dateTimeStamp: {str(text)[:40]!a}")
    *numbers, fraction, sign, hours, minutes = found.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        moment = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
        return moment + offset if sign == "-" else moment - offset
    except (ValueError, OverflowError):
        raise FormatError("bad-timestamp", f"no such date or time: {str(text)[:40]}") from None


def _refuse(text: object) -> NoReturn:
    raise FormatError(
        "bad-timestamp", f"not a UTC timestamp like 2026-11-24T14:12:39Z: {str(text)[:40]!r}"
    )


def format_timestamp(moment: datetime) -> str:
    """Return an aware datetime as ``YYYY-MM-DDTHH:MM:SSZ``, without fractions of a second.

    Raises:
        InvalidInputError: (``naive-time``) the datetime has no time zone: it would mean another
        moment on every machine.
    """
    if moment.tzinfo is None:
        raise InvalidInputError("naive-time", "a point in time needs a time zone")
    return _format(moment)


@lru_cache(maxsize=256)  # several checks of many documents name the moment they judge for
def _format(moment: datetime) -> str:
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="seconds")[:19] + "Z"
