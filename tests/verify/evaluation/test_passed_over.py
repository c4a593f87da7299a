"""What was passed over in a choice: from what is signed, of now and of before, without numpy."""

import subprocess
import sys
from decimal import Decimal
from typing import Any

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
    assert " worse " in tried[0].distance_text


def candidate(form: str, score: str, difference: str | None, **more: Any) -> dict[str, Any]:
    said = {} if difference is None else {"difference": {"value": difference}}
    return {"format": form, "metrics": {"macroF1": score}, "taken": not said, **said, **more}


FOLDED, EMBEDDED = {"by": "folds"}, {"by": "folds", "other": "embeddings"}
VALIDATED = {"by": "validation", "other": "lora"}


@pytest.mark.parametrize(
    ("taken", "passed", "mine", "theirs", "where"),
    [
        # All records in all repeats: both figures stand as they are, whatever rounding makes.
        (candidate("blend/1", "0.6535", None, **EMBEDDED),
         candidate("tfidf/2", "0.6401", "-0.0135", **FOLDED), "0.6401", "0.6535", ""),
        # What is compared by validation answered those records alone.
        (candidate("blend/1", "0.6535", None, **EMBEDDED),
         candidate("blend/1", "0.6798", "-0.0114", **VALIDATED), "0.6798", "0.6912", ""),
        (candidate("blend/1", "0.6798", None, **VALIDATED),
         candidate("tfidf/2", "0.6401", "-0.0300", **FOLDED), "0.6498", "0.6798",
         "on the validation records"),
        # What takes steps answered each record once, in the first of three repeats.
        (candidate("tfidf/2", "0.6401", None, **FOLDED),
         candidate("peft-lora/1", "0.6500", "0.0050", **FOLDED), "0.6500", "0.6450", ""),
        (candidate("peft-lora/1", "0.6500", None, **FOLDED),
         candidate("tfidf/2", "0.6401", "-0.0050", **FOLDED), "0.6450", "0.6500",
         "out of fold in the first repeat"),
    ],
)  # fmt: skip
def test_figures_subtract_to_the_difference(
    taken: dict[str, Any], passed: dict[str, Any], mine: str, theirs: str, where: str
) -> None:
    tried = candidates_of({"metric": "macroF1", "candidates": [taken, passed]})
    one = tried[1]
    assert (one.alike, one.where_alike) == ((Decimal(mine), Decimal(theirs)), where)
    said = f"{abs(Decimal(mine) - Decimal(theirs))}"
    assert all(each in one.text for each in (mine, theirs, said, where))
    assert abs(Decimal(said) - abs(Decimal(passed["difference"]["value"]))) <= Decimal("0.0001")
    assert tried[0].alike is None
    first = "in the first repeat" in one.where
    assert first == (passed["format"] == "peft-lora/1")


@pytest.mark.parametrize("error", [{}, {"standardError": "0.0200"}])
def test_a_difference_has_its_standard_error(error: dict[str, str]) -> None:
    taken = candidate("embeddings/1", "0.5000", None, **FOLDED)
    passed = candidate("tfidf/2", "0.5000", "0.0000", **FOLDED)
    passed["difference"] |= error
    one = candidates_of({"metric": "macroF1", "candidates": [passed, taken]})[0]
    assert one.error == error.get("standardError")
    assert ("0.0200" in one.distance_text) == bool(error)


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
