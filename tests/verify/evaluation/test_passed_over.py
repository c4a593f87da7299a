"""What was passed over in a choice: from what is signed, of now and of before, without numpy."""

import subprocess
import sys

import pytest

from lyrikstore.verify.evaluation.choice.passed_over import candidates_of
from lyrikstore.verify.evaluation.choice.unlike import is_limit_by_folds
from tests.verify.evaluation.cross_validated import FORMATS, cross_validated


def test_a_choice_by_folds_says_how_far_each_was() -> None:
    found = cross_validated({"tfidf": 1.0, "embeddings": 4.0}, {"lora": 1.0})
    tried = candidates_of(found.decide(FORMATS).to_body()["chosen"])
    assert [one.name for one in tried] == [
        "tfidf/1", "embeddings/1", "peft-lora/1", "blend/1 with embeddings", "blend/1 with lora",
    ]  # fmt: skip
    assert [one.by for one in tried] == ["folds", "folds", "validation", "folds", "validation"]
    for one in tried:
        assert (one.difference is None) == one.is_taken
        assert (one.distance_text == "") == one.is_taken
    assert tried[0].distance_text.startswith(f"{str(tried[0].difference)[1:]} worse")


@pytest.mark.parametrize(
    ("difference", "begins"),
    [
        ({"value": "0.0100", "standardError": "0.0200"}, "0.0100 better"),
        ({"value": "-0.0100"}, "0.0100 worse"),
        ({"value": "0.0000", "standardError": "0.0200"}, "no different"),
    ],
)
def test_how_far_it_is(difference: dict[str, str], begins: str) -> None:
    chosen = {
        "metric": "macroF1",
        "candidates": [
            {"format": "tfidf/2", "metrics": {"macroF1": "0.5"}, "taken": False, "by": "folds",
             "difference": difference},
        ],
    }  # fmt: skip
    (one,) = candidates_of(chosen)
    assert one.distance_text.startswith(begins)
    assert (one.error is None) == ("standardError" not in difference)


@pytest.mark.parametrize("metric", ["macroF1", "validationLoss", "of another package"])
def test_a_choice_of_before_has_no_distance(metric: str) -> None:
    chosen = {
        "metric": metric,
        "candidates": [{"format": "tfidf/1", "metrics": {metric: "0.5"}, "taken": False}],
    }
    (one,) = candidates_of(chosen)
    assert (one.by, one.difference, one.distance_text) == ("validation", None, "")
    assert one.text.startswith("tfidf/1: ")


def test_a_log_loads_no_numpy_for_it() -> None:
    program = (
        "import sys; import lyrikstore.verify.evaluation.choice.passed_over; "
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("form", "other", "by", "by_folds"),
    [
        ("tfidf/2", None, "folds", True),
        ("embeddings/1", None, "folds", True),
        ("blend/1", "embeddings", "folds", True),
        ("blend/1", "lora", "folds", False),
        ("peft-lora/1", None, "folds", False),  # out of fold, and stopped by the validation data
        ("peft-lora/1", None, "validation", False),
        ("tfidf/1", None, None, False),
    ],
)
def test_a_limit_of_unlike_texts_is_of_what_it_was_measured_by(form, other, by, by_folds):
    taken = {"format": form, "taken": True, "other": other, "by": by}
    passed = {"format": "embeddings/1", "taken": False, "by": "folds"}
    assert is_limit_by_folds({"candidates": [passed, taken]}) is by_folds
    assert is_limit_by_folds({}) is False
