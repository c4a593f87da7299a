"""Deleting what nobody needs: never early, whatever the clock does, and harmless at any crash."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.objects.gc.sweep import GRACE, WAITING, sweep
from lyrikstore.testing.backends import CrashError, FaultyBackend, MemoryBackend
from tests.kinds import refused

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NEEDED, STRAY, OTHER = (f"packs/{n}{n}/{n * 64}.pack" for n in "abc")


@pytest.fixture
def store(tmp_path):
    backend = MemoryBackend(tmp_path)
    for name in (NEEDED, STRAY, "packs/ab/notes.txt", "tx/00000000000000000000"):
        backend.create(name, b"x")
    return backend


def run(store, at, **options):
    return sweep(store, {NEEDED}, now=at, **options)


def test_nothing_goes_before_the_grace_and_then_only_what_is_not_needed(store):
    for days in (0, 5, 10, 13):
        found = run(store, NOW + days * DAY)
        assert found.deleted == ()
        assert found.waiting == {STRAY: days * 86_400}
    assert run(store, NOW + 14 * DAY, dry_run=True).deleted == (STRAY,)
    assert STRAY in store.files
    assert run(store, NOW + 14 * DAY).deleted == (STRAY,)
    assert set(store.files) == {NEEDED, "packs/ab/notes.txt", "tx/00000000000000000000", WAITING}
    assert run(store, NOW + 15 * DAY) == run(store, NOW + 15 * DAY)


def test_what_is_needed_again_waits_anew(store):
    run(store, NOW)
    run(store, NOW + 7 * DAY)
    sweep(store, {NEEDED, STRAY}, now=NOW + 8 * DAY)
    assert run(store, NOW + 30 * DAY).waiting == {STRAY: 0}


def test_one_run_counts_for_half_the_grace_at_most(store):
    run(store, NOW)
    assert run(store, NOW + 3650 * DAY).deleted == ()
    assert run(store, NOW + 3650 * DAY + timedelta(hours=1)).deleted == ()
    assert run(store, NOW + 3658 * DAY).deleted == (STRAY,)


def test_a_clock_that_goes_back_starts_anew(store):
    run(store, NOW)
    assert run(store, NOW + 100 * DAY).waiting == {STRAY: 7 * 86_400}
    assert run(store, NOW + 1 * DAY).waiting == {STRAY: 0}


def test_clocks_that_differ_a_little_count_no_second_twice(store):
    run(store, NOW)
    for _ in range(50):
        assert run(store, NOW + timedelta(hours=12)).deleted == ()
        assert run(store, NOW).deleted == ()
    assert run(store, NOW + timedelta(hours=12)).waiting == {STRAY: 12 * 3600}


@given(
    st.lists(st.integers(-4000, 4000).map(lambda hours: timedelta(hours=hours)), max_size=30),
    st.integers(0, 29),
    st.integers(-40_000, 40_000).map(lambda hours: timedelta(hours=hours)),
)
def test_one_wrong_clock_never_deletes(steps, at, jump):
    # True time passes by at most 7 days over all runs; one run's clock, or all from one on, jump.
    store = MemoryBackend(None)
    store.create(STRAY, b"x")
    true = NOW
    limit = NOW + GRACE / 2
    for number, step in enumerate(steps):
        true = min(true + abs(step) / 30, limit - timedelta(seconds=1))
        assert run(store, true + jump * (number == at)).deleted == ()
        assert run(store, true).deleted == ()


def test_no_grace_still_takes_two_runs(store):
    assert run(store, NOW, grace=timedelta(0)).deleted == ()
    assert run(store, NOW, grace=timedelta(0)).deleted == (STRAY,)
    with refused("bad-grace"):
        run(store, NOW, grace=-DAY)


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"{}",
        b"[]",
        b'{"v":1}',
        b'{"at":"x","v":1,"waiting":{}}',
        b'{"at":"2020-01-01T00:00:00Z","v":1,"waiting":{"x":"y"}}',
        b'{"at":"2020-01-01T00:00:00Z","v":1,"waiting":[]}',
        b"\xff" * 100,
    ],
)
def test_a_damaged_memory_starts_anew(store, state):
    store.replace(WAITING, state)
    assert run(store, NOW).deleted == ()
    assert run(store, NOW + DAY).waiting == {STRAY: 86_400}


def test_a_forged_age_deletes_nothing_that_is_needed(store):
    forged = b'{"at":"2026-11-24T12:00:00Z","v":1,"waiting":{"%s":9999999}}' % NEEDED.encode()
    store.replace(WAITING, forged)
    assert run(store, NOW).deleted == ()
    assert NEEDED in store.files


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("fail_at", range(1, 9))
def test_a_crash_at_any_call(store, fail_at, after):
    store.create(OTHER, b"x")
    run(store, NOW)
    run(store, NOW + 7 * DAY)
    faulty = FaultyBackend(store, fail_at, "crash", after=after)
    crashed = False
    try:
        sweep(faulty, {NEEDED}, now=NOW + 14 * DAY)
    except CrashError:
        crashed = True
    assert NEEDED in store.files
    run(store, NOW + 21 * DAY)
    assert STRAY not in store.files
    assert OTHER not in store.files
    assert crashed == (fail_at <= faulty.operations)
