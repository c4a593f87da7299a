"""The decision that an evaluation supports, whatever the model is held against."""

from typing import Any

import pytest

from lyrikstore.verify.evaluation.choice.baselines import NEAREST, WORD_COUNTS
from lyrikstore.verify.evaluation.sentences.decision import decision_in_words, decision_of

FIGURE = {"value": "0.7000", "low": "0.6000", "high": "0.8000"}
OTHER = {"value": "0.6000", "low": "0.5000", "high": "0.7000"}


def body(verdict: str, *, method: str = WORD_COUNTS, **changes: Any) -> dict[str, Any]:
    difference = {"value": "0.1000", "low": "0.0100", "high": "0.1900"}
    return {
        "count": 400,
        "confidence": {"method": "bootstrap", "level": "0.95"},
        "model": {"macroF1": FIGURE, "latencyMs": {"p50": "30.00"}},
        "baseline": {"macroF1": OTHER, "method": WORD_COUNTS, "latencyMs": {"p50": "1.50"}},
        "comparisons": [
            {"baseline": method, "metric": "macroF1", "difference": difference, "verdict": verdict}
        ],
        **changes,
    }


@pytest.mark.parametrize(
    ("verdict", "use"),
    [("better", "model"), ("worse", "baseline"), ("no-difference-shown", "baseline")],
)
def test_the_figures_and_the_cheaper_side_stand_in_it(verdict: str, use: str) -> None:
    found = decision_of(body(verdict))
    assert (found["use"], found["verdict"], found["cheaper"]) == (use, verdict, "baseline")
    assert (found["metric"], found["model"], found["baseline"]) == ("macroF1", FIGURE, OTHER)
    assert found["latencyMs"] == {"model": "30.00", "baseline": "1.50"}
    text = decision_in_words(body(verdict))
    assert [one in text for one in ("0.7000", "0.6000", "30.00", "1.50")] == [True] * 4


def test_too_few_groups_decide_nothing() -> None:
    few = body(
        "better",
        confidence={"method": "b", "level": "0.95", "groups": {"field": "f", "count": 6}},
        comparisons=[
            {"baseline": WORD_COUNTS, "metric": "macroF1", "difference": {"value": "0.1000"},
             "verdict": "better"}
        ],
    )  # fmt: skip
    assert (decision_of(few)["use"], decision_of(few)["verdict"]) == ("undecided", "too-few-groups")
    assert "(6)" in decision_in_words(few)


def test_costs_that_disagree_decide_nothing() -> None:
    alike = body("no-difference-shown", costs={"unit": "EUR"})
    alike["model"]["costPer1000"], alike["baseline"]["costPer1000"] = "10", "20"
    found = decision_of(alike)
    assert (found["use"], found["cheaper"]) == ("undecided", "baseline")
    assert found["costPer1000"] == {"model": "10", "baseline": "20", "unit": "EUR"}
    assert "EUR" in decision_in_words(alike)


@pytest.mark.parametrize(
    "changes",
    [
        {"comparisons": []},
        {"comparisons": [], "baseline": {}},
        {"overlap": {"exact": 200}},
    ],
    ids=["no-comparison", "no-figures", "seen"],
)
def test_without_a_verdict_nothing_is_decided(changes: dict[str, Any]) -> None:
    found = decision_of(body("better", **changes))
    assert (found["use"], found["verdict"]) == ("undecided", "none")
    assert "metric" not in found
    assert decision_in_words(body("better", **changes))


def test_no_baseline_and_no_rival() -> None:
    alone = {name: one for name, one in body("better").items() if name != "baseline"}
    alone["comparisons"] = []
    assert (decision_of(alone)["use"], decision_of(alone)["cheaper"]) == ("undecided", "unknown")
    assert decision_in_words(alone)
    rival = body("better", method=NEAREST)
    assert (decision_of(rival)["use"], decision_of(rival)["verdict"]) == ("undecided", "no-rival")
    assert decision_in_words(rival)


def test_the_figures_are_those_of_what_decided() -> None:
    """Of several baselines, and of the commonest label."""
    third = {"macroF1": {"value": "0.6500"}, "method": "another"}
    found = decision_of(body("better", method="another", baselines=[third]))
    assert found["baseline"] == {"value": "0.6500"}
    majority = {"macroF1": {"value": "0.1000"}}
    common = body("better", method="majority", majority=majority)
    assert decision_of(common)["baseline"] == {"value": "0.1000"}
    assert "commonest label" in decision_in_words(common)
