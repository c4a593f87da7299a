"""One spelling of a point in time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.timestamps import (
    format_timestamp,
    now,
    parse_foreign_timestamp,
    parse_timestamp,
)
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


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T14:12:39Z", datetime(2026, 11, 24, 14, 12, 39, tzinfo=UTC)),
        ("2026-11-24T14:12:39", datetime(2026, 11, 24, 14, 12, 39, tzinfo=UTC)),
        ("2026-11-24T14:12:39+01:30", datetime(2026, 11, 24, 12, 42, 39, tzinfo=UTC)),
        ("2026-11-24T23:12:39-14:00", datetime(2026, 11, 25, 13, 12, 39, tzinfo=UTC)),
        ("2026-11-24T14:12:39.5Z", datetime(2026, 11, 24, 14, 12, 39, 500_000, tzinfo=UTC)),
        ("2026-11-24T14:12:39.123456789Z", datetime(2026, 11, 24, 14, 12, 39, 123_456, tzinfo=UTC)),
        ("2024-02-29T00:00:00-00:00", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_foreign_spellings(text, moment):
    assert parse_foreign_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24", "2026-11-24T14:12Z", "2026-W48-2T14:12:39Z", "20261124T141239Z",
        "2026-11-24 14:12:39Z", "2026-11-24t14:12:39z", "2026-11-24T14:12:39z",
        "2026-11-24T14:12:39.Z", "2026-11-24T14:12:39,5Z", "2026-11-24T14:12:39.1234567890Z",
        "2026-11-24T24:00:00Z", "2026-06-30T23:59:60Z", "2026-02-29T00:00:00Z",
        "2026-11-24T14:12:39+14:01", "2026-11-24T14:12:39+15:00", "2026-11-24T14:12:39+01:60",
        "2026-11-24T14:12:39+0100", "2026-11-24T14:12:39Z\n", " 2026-11-24T14:12:39Z",
        "\u0662026-11-24T14:12:39Z", "0000-01-01T00:00:00Z", "-2026-11-24T14:12:39Z",
        "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "", None, 1, [],
    ],
)  # fmt: skip
def test_no_other_foreign_spelling(text):
    with pytest.raises(FormatError) as caught:
        parse_foreign_timestamp(text)
    assert caught.value.kind == "bad-timestamp"
