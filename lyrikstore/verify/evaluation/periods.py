"""The period of data as a monitoring result states it, and the order by periods (§13.9.11)."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from lyrikstore.canon.errors import InvalidInputError

_FORM = re.compile(
    r"(?P<year>[0-9]{4})(-(?P<month>[0-9]{2})(-(?P<day>[0-9]{2}))?|-Q(?P<quarter>[1-4])"
    r"|-W(?P<week>[0-9]{2}))?"
)


def first_day(period: str) -> date:
    """Return the day on which a period begins.

    Args:
        period: A year, quarter, month, week (ISO 8601) or day: ``2026``, ``2026-Q3``, ``2026-07``,
            ``2026-W28``, ``2026-07-14``.

    Raises:
        InvalidInputError: (``bad-period``) it is none, or there is none like it.
    """
    if found := _FORM.fullmatch(period):
        with suppress(ValueError):  # the calendar has no such day, or no such week
            year = int(found["year"])
            if found["week"]:
                return date.fromisocalendar(year, int(found["week"]), 1)
            if found["quarter"]:
                return date(year, 3 * int(found["quarter"]) - 2, 1)
            return date(year, int(found["month"] or 1), int(found["day"] or 1))
    raise InvalidInputError(
        "bad-period",
        f"{period[:40]!a} is not a period",
        hint="write a month, quarter, week, day or year: "
        "2026-07, 2026-Q3, 2026-W28, 2026-07-14, 2026",
    )


def check_period(period: str, today: date) -> None:
    """Raise unless a text is a valid period that has begun.

    Raises:
        InvalidInputError: (``bad-period``) it is one of these.
    """
    if first_day(period) > today:
        raise InvalidInputError(
            "bad-period",
            f"{period} has not begun, so no data can be from it",
            hint="give the period that the data comes from, not the time of monitoring",
        )


def place_in_time(body: Mapping[str, Any], created: str) -> tuple[bool, str]:
    """Return a sort key of evaluations: tests first, then monitoring results by time.

    Args:
        body: Of the evaluation.
        created: When it was made, as it claims: the time of a monitor that states no period.
    """
    if "drift" not in body:
        return False, ""
    with suppress(InvalidInputError):  # a day that the calendar lacks; `verify` says so
        if "period" in body:
            return True, first_day(body["period"]).isoformat()
    return True, created[:10]
