"""Figures of reviews, against scikit-learn and the textbook's formula (spec §26.8)."""

from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from lyrikstore.verify.review.draw import DrawableRecord, assigned, draw
from lyrikstore.verify.review.figures import ReviewContext, cohen_kappa, figures_of, wilson
from lyrikstore.verify.review.model import RecordDecision
from lyrikstore.verify.review.outcome import items_decided, outcomes_of

NOBODY = ReviewContext(1, frozenset(), generated=True)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1, max_size=60)
)
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    ours = cohen_kappa(pairs)
    if ours is None:
        assert len({one for pair in pairs for one in pair}) == 1
        return
    theirs = cohen_kappa_score([a for a, _ in pairs], [b for _, b in pairs])
    assert float(ours) == pytest.approx(theirs, abs=1e-12)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_the_formula(counts: tuple[int, int]) -> None:
    hits, count = counts
    z, p = 1.959964, hits / count
    middle, width = p + z * z / (2 * count), z * sqrt((p * (1 - p) + z * z / (4 * count)) / count)
    low, high = map(Fraction, wilson(hits, count))
    assert float(low) == pytest.approx(max(0, (middle - width) / (1 + z * z / count)), abs=2e-6)
    assert float(high) == pytest.approx(min(1, (middle + width) / (1 + z * z / count)), abs=2e-6)
    assert low <= Fraction(hits, count) <= high


def test_two_reviewers_and_an_adjudicator() -> None:
    items = assigned(draw(b"s" * 32, map(DrawableRecord, range(4)), 0), 2, "1")
    candidates = dict.fromkeys(range(4), ("a",))
    accept = {n: RecordDecision(n, "accept", 3000) for n in range(4)}
    other = {
        **accept,
        2: RecordDecision(2, "change", 9000, value=("b",)),
        3: RecordDecision(3, "reject", 10),
    }
    decisions = {"x": accept, "y": other}
    before = items_decided(items, ["x", "y"], candidates, decisions, {})
    words = {one.item: one.outcome for one in outcomes_of(before)}
    assert words == {0: "accept", 1: "accept", 2: "disagreed", 3: "disagreed"}
    last = {
        2: RecordDecision(2, "change", 100, value=("b",)),
        3: RecordDecision(3, "cannot-say", 100),
    }
    decided = items_decided(items, ["x", "y"], candidates, decisions, last)
    outcomes = outcomes_of(decided)
    final = {one.item: (one.outcome, one.agree, one.of) for one in outcomes}
    assert final[2] == ("change", 2, 3)
    assert final[3] == ("cannot-say", 1, 3)
    every = {"x": accept.values(), "y": other.values(), "z": last.values()}
    found = figures_of(decided, outcomes, every, NOBODY)
    assert found["agreement"]["agreed"] == 2
    assert found["overrides"] == found["labelError"]
    assert (found["labelError"]["wrong"], found["labelError"]["of"]) == (1, 3)
    assert [one["underTwoSeconds"] for one in found["reviewers"]] == [0, 1, 2]


def test_strata_are_drawn_by_the_largest_remainder() -> None:
    records = [
        DrawableRecord(n, (("a" if n < 70 else "b" if n < 95 else "c",),)) for n in range(100)
    ]
    places = draw(b"k" * 32, records, 10)
    assert [
        sum(low <= one < high for one in places) for low, high in ((0, 70), (70, 95), (95, 100))
    ] in ([7, 3, 0], [7, 2, 1])
    assert len(places) == 10
    assert places != draw(b"l" * 32, records, 10)
