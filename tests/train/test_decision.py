"""What the validation data decides: temperatures that small or faultless data cannot drive off."""

from typing import Any

import numpy as np
import pytest

from lyrikstore.verify.evaluation.choice.task import labelling_rules


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
