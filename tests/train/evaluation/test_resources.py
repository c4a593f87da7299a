"""What was planned and what it took stand in run, checkpoint, evaluation and card."""

from decimal import Decimal

import pytest

pytestmark = pytest.mark.train


def test_planned_and_taken_stand_side_by_side(trained, evaluation) -> None:
    plan, actual = trained.run.body["plan"], trained.checkpoint.body["actual"]
    for planned, taken in ((plan, actual), (evaluation["plan"], evaluation["actual"])):
        for member in ("cpuSeconds", "memoryBytes"):
            assert planned[member]["basis"] == "computed"
            assert Decimal(planned[member]["value"]) > 0
            assert Decimal(taken[member]) > 0
