"""What the validation data decides: temperatures that small or faultless data cannot drive off."""

from typing import Any

import numpy as np
import pytest

from lyrikstore.verify.evaluation.choice.candidates import declared_limit
from lyrikstore.verify.evaluation.choice.task import labelling_rules, limit_text
from lyrikstore.verify.evaluation.choice.validation import ValidationScores
from tests.kinds import refused


def answered(task: str, records: int, wrong: int) -> tuple[Any, Any]:
    """Return logits that are less sure than they are right, and what is right."""
    expected = np.zeros((records, 3), bool)
    expected[np.arange(records), np.arange(records) % 3] = True
    logits = np.where(expected, 0.6, -0.6) + np.arange(records)[:, None] % 7 / 1000
    logits[:wrong] = -logits[:wrong]
    return logits, expected


@pytest.mark.parametrize("task", ["text-classification", "multi-label"])
@pytest.mark.parametrize(("records", "wrong"), [(9, 0), (9, 1), (49, 2), (300, 0)])
def test_few_or_faultless_records_make_no_answer_surer(task, records, wrong) -> None:
    assert labelling_rules(task).decide(*answered(task, records, wrong)).temperature >= 1


@pytest.mark.parametrize("task", ["text-classification", "multi-label"])
def test_enough_records_with_a_mistake_may_make_answers_surer(task) -> None:
    assert 0.05 < labelling_rules(task).decide(*answered(task, 300, 3)).temperature < 1


def test_a_declared_limit_is_taken_and_chooses_nothing() -> None:
    logits, expected = answered("text-classification", 60, 20)
    scores = ValidationScores("text-classification", ("a", "b", "c"), {"tfidf": logits}, expected)
    fitted, declared = (scores.decide({"tfidf/1"}, one).to_body() for one in ("", "0.7"))
    assert "limitFrom" not in fitted["decision"]
    assert fitted["decision"]["abstainBelow"] != "0.700000"
    limit = {"abstainBelow": "0.700000", "limitFrom": "config"}
    assert declared == {**fitted, "decision": {**fitted["decision"], **limit}}


@pytest.mark.parametrize(
    ("section", "limit"),
    [
        ({"abstain_below": "0.6"}, "0.600000"),
        ({"abstain_below": "1"}, "1.000000"),
        ({"abstain_below": "nan"}, ""),
        ({"abstain_below": 7}, ""),
        ([], ""),
    ],
)
def test_a_limit_is_read_of_whatever_a_config_is(section: Any, limit: str) -> None:
    assert declared_limit({"config": {"decision": section}}) == limit


@pytest.mark.parametrize("below", [-0.1, 1.1, float("nan")])
def test_no_number_beyond_a_probability_is_a_limit(below: float) -> None:
    with refused("bad-confidence"):
        limit_text(below)
