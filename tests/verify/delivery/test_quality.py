"""Measured claims beside what was measured: the report has each row, whatever the outcome."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.verify.delivery.quality import Measured, check_quality

WORDS, SHARE = Measured(Fraction(7), False, ""), Measured(Fraction(1, 3), True, "")
UNKNOWN = Measured(None, False, "a recipe not known here")


@pytest.mark.parametrize(
    ("claimed", "measured", "outcome", "result"),
    [
        ("7", WORDS, ("pass", None), "equal"),
        ("0.333333", SHARE, ("pass", None), "within-rounding"),
        ("8", WORDS, ("fail", "different"), "different"),
        ("7", UNKNOWN, ("unchecked", "unknown-recipe"), "unchecked"),
    ],
)
def test_each_measurement_is_shown(
    claimed: str, measured: Measured, outcome: tuple[str, str | None], result: str
) -> None:
    subject = {"quality": [{"metric": "m", "value": claimed, "recipe": {"use": "wordCount/1"}}]}
    measuring: Any = SimpleNamespace(values=lambda: [measured])
    check = check_quality(subject, measuring, complete=True)
    assert (str(check.state), check.detail.get("reason")) == outcome
    (row,) = check.detail["measurements"]
    assert (row["claimed"], row["result"]) == (claimed, result)
    assert row.get("found") == (None if measured is UNKNOWN else measured.text)
