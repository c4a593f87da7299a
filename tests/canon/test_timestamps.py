"""One spelling of a point in time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.timestamps import format_timestamp, now, parse_timestamp
from lyrikstore.testing.clocks import FrozenClock

moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(
    lambda m: m.replace(microsecond=0)
)


@given(moments)
def test_round_trip(moment):
    text = format_timestamp(moment)
    assert len(text) == 20
    assert parse_timestamp(text) == moment


@given(moments, st.integers(-1439, 1439))
def test_the_offset_does_not_matter(moment, minutes):
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert format_timestamp(elsewhere) == format_timestamp(moment)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-24",
        "2026-11-24T14:12:39",
        "2026-11-24T14:12:39+00:00",
        "2026-11-24T14:12:39.0Z",
        "2026-11-24t14:12:39z",
        "2026-11-24 14:12:39Z",
        "2026-W48-2",
        "2026-11-24T14:12:60Z",
        "2026-11-24T24:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-11-24T14:12:39Z\n",
        "\u0662\u0660\u0662\u0666-11-24T14:12:39Z",
        "+2026-11-24T14:12:39Z",
        None,
        1764000000,
    ],
)
def test_no_other_spelling(text):
    with pytest.raises(FormatError) as caught:
        parse_timestamp(text)
    assert caught.value.kind == "bad-timestamp"
    assert "\n" not in caught.value.message


def test_leap_day():
    assert parse_timestamp("2028-02-29T00:00:00Z").day == 29


def test_naive_times_are_refused():
    with pytest.raises(InvalidInputError):
        format_timestamp(datetime(2026, 1, 1))


def test_now_is_whole_seconds_in_utc():
    moment = now()
    assert moment.microsecond == 0
    assert moment.tzinfo is UTC


def test_frozen_clock():
    clock = FrozenClock()
    first = clock()
    assert clock() == first
    assert clock.advance(days=1, seconds=-1) - first == timedelta(seconds=86399)
    assert clock() == clock.moment
