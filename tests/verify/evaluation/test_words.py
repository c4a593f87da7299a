"""What is said of an evaluation, against what it holds (spec §13.9.10)."""

from typing import Any

import pytest

from lyrikstore.verify.evaluation.choice.baselines import (
    EMBEDDINGS,
    NEAREST,
    NEAREST_1,
    WORD_COUNTS,
    WORD_COUNTS_1,
)
from lyrikstore.verify.evaluation.limits import JUDGED_RECORDS
from lyrikstore.verify.evaluation.words import (
    baseline_in_words,
    baseline_name,
    cheaper_in_words,
    chosen_in_words,
    intervals_in_words,
    metric_of_parts,
    records_in_words,
    reported_in_words,
    since_release_in_words,
    verdict_in_words,
    verdict_of,
)

INTERVAL = {"low": "-0.0100", "high": "0.4500"}


def body(
    *,
    count: int = 58,
    groups: int | None = None,
    interval: bool = True,
    ms: tuple[str, str] | None = ("9.10", "0.40"),
    costs: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Return an evaluation as ``evaluation_body`` gives one, with what is said about it."""
    difference = {"value": "0.2241", **(INTERVAL if interval else {})}
    figure = {"value": "1.0000", **(INTERVAL if interval else {})}
    systems: list[dict[str, Any]] = [{"macroF1": figure}, {"method": WORD_COUNTS}]
    for at, one in enumerate(systems):
        if ms is not None:
            one["latencyMs"] = {"p50": ms[at], "p95": "99.00"}
        if costs is not None:
            one["costPer1000"] = costs[at]
    confidence: dict[str, Any] = {"method": "bootstrap", "level": "0.95"}
    if groups is not None:
        confidence["groups"] = {"field": "client", "count": groups}
    compared = {"baseline": WORD_COUNTS, "metric": "macroF1", "difference": difference}
    return {
        "count": count,
        "model": systems[0],
        "baseline": systems[1],
        "confidence": confidence,
        "costs": {"unit": "USD"},
        "comparisons": [{**compared, "verdict": "no-difference-shown"}],
    }


@pytest.mark.parametrize(
    ("of", "code", "count"),
    [
        ({"groups": 6, "interval": False}, "too-few-groups", "(6)"),
        ({"count": 12, "interval": False}, "too-few-records", "(12)"),
        ({"interval": False}, "no-interval", ""),
        ({"groups": 10}, "no-difference-shown", ""),
    ],
)
def test_without_an_interval_nothing_is_shown(of: Any, code: str, count: str) -> None:
    # ATTACK A127: 58 of 58 against 45 of 58, in six groups, was "no difference shown".
    made = body(**of)
    assert verdict_of(made) == code
    text = verdict_in_words(made)
    assert count in text
    is_shown = "low" in made["comparisons"][0]["difference"]
    assert ("no difference" in text, "; take " in text) == (is_shown, is_shown)
    assert intervals_in_words(made).startswith("intervals: ") == is_shown
    assert WORD_COUNTS not in text
    assert ("9.10" in text, "0.40" in text) == (True, True)


def test_an_interval_decides_whatever_verdict_is_signed() -> None:
    made = body(count=12, interval=False)
    made["comparisons"][0]["verdict"] = "better"
    assert "better" not in verdict_in_words(made)


@pytest.mark.parametrize(
    ("of", "taken"),
    [
        ({}, "take the word counts"),
        ({"ms": ("0.40", "9.10")}, "take the model"),
        ({"ms": ("1.00", "0.95")}, ""),  # a tenth is noise
        ({"ms": ("1.00", "0.95"), "costs": ("41.0000", "44.0000")}, "take the model"),
        ({"costs": ("41.0000", "44.0000")}, ""),  # each is cheaper by something else
        ({"costs": ("44.0000", "44.0000")}, "take the word counts"),
        ({"ms": None}, ""),
    ],
)
def test_the_cheaper_one_is_named_with_what_it_costs(of: Any, taken: str) -> None:
    text = cheaper_in_words(body(**of))
    assert (taken in text) if taken else not text.startswith("take ")
    for figure in (*(of.get("ms", ("9.10", "0.40")) or ()), *of.get("costs", ())):
        assert figure.removesuffix("00") in text


def test_what_is_better_is_not_weighed_by_price() -> None:
    made = body()
    made["comparisons"][0] |= {
        "verdict": "better",
        "difference": {"value": "0.2", "low": "0.1", "high": "0.3"},
    }
    assert not cheaper_in_words(made)


def test_a_monitor_of_few_groups_claims_no_change() -> None:
    made = body(groups=6, interval=False) | {"purpose": "monitor", "drift": {"referenceCount": 90}}
    made["comparisons"][0]["baseline"] = "release"
    (line,) = since_release_in_words(made)
    assert ("(6)" in line, "no change" in line) == (True, False)
    made = body(interval=False) | {"purpose": "monitor", "drift": {"referenceCount": 9}}
    made["comparisons"][0]["baseline"] = "release"
    assert "(9)" in since_release_in_words(made)[0]


@pytest.mark.parametrize(
    ("measures", "metric"),
    [
        (("macroF1", "accuracy"), "accuracy"),
        (("microF1", "macroF1", "subsetAccuracy"), "microF1"),
        (("own",), "own"),
    ],
)
def test_parts_are_shown_by_a_metric_that_is_no_mean_over_labels(measures, metric) -> None:
    assert metric_of_parts(dict.fromkeys(measures)) == metric


def test_few_records_are_said_to_be_few() -> None:
    few, enough = (records_in_words(one) for one in (JUDGED_RECORDS - 1, JUDGED_RECORDS))
    assert ("few" in few, "few" in enough) == (True, False)


def rivalled(by: str) -> dict[str, Any]:
    made = body()
    first = made["comparisons"][0]
    first |= {"verdict": "better", "difference": {"value": "0.2", "low": "0.1", "high": "0.3"}}
    first["baseline"] = made["baseline"]["method"] = by
    made["comparisons"].append({**first, "baseline": "majority", "verdict": "better"})
    return made


def test_baselines_are_called_what_they_are() -> None:
    said = {by: verdict_in_words(rivalled(by)) for by in (WORD_COUNTS, WORD_COUNTS_1, EMBEDDINGS)}
    assert said[WORD_COUNTS] == said[WORD_COUNTS_1] != said[EMBEDDINGS]
    assert all("better" in one for one in said.values())


@pytest.mark.parametrize(
    ("method", "called"),
    [(NEAREST, "nearest training record"), (EMBEDDINGS, "embeddings"), ("another", "another")],
)
def test_what_the_baseline_is_stands_beside_its_figures(method: str, called: str) -> None:
    assert called in baseline_in_words({"baseline": {"method": method}})
    assert not baseline_in_words({})
    assert (called in baseline_name(method)) == (method != "another")


def test_to_be_better_than_the_nearest_record_is_no_headline() -> None:
    # ATTACK A163: what nothing is easier than to beat, called what the model is better than.
    made = rivalled(NEAREST)
    assert verdict_of(made) == "no-rival"
    assert "better" not in verdict_in_words(made)
    assert "nearest" not in verdict_in_words(made)
    assert not cheaper_in_words(made)
    assert verdict_of(rivalled(NEAREST_1)) == "better"  # what was signed before says what it said


def test_a_metric_has_one_name_wherever_it_was_measured() -> None:
    chosen = {"metric": "macroF1", "reason": "tfidf: macroF1 0.9861 on validation"}
    assert chosen_in_words(chosen) == "tfidf: macro-F1 0.9861 on validation"
    one = reported_in_words(("validationAccuracy", "cpuSeconds"))
    assert (one["validationAccuracy"], one["cpuSeconds"]) == (
        "accuracy on validation",
        "cpuSeconds",
    )
    several = reported_in_words(("validationAccuracy", "validationMicroF1"))
    assert several["validationAccuracy"] == "all labels right on validation"
