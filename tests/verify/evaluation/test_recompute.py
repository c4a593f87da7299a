"""What an evaluation has to have declared before it was made (spec §13.9.9)."""

import io
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.verify.evaluation.answers import Answerer, Head, Predictions
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.drift import monitor_body
from lyrikstore.verify.evaluation.evidence import NOT_COMPARED, Evidence, LabelledRecord
from lyrikstore.verify.evaluation.predictions import Line, read_predictions, write_predictions
from lyrikstore.verify.evaluation.recompute import (
    compare_records,
    compare_test_set,
    costs_of,
    find_difference,
    undeclared,
)

DECISION = {"threshold": "0.4", "atLeastOne": True}
CHECKPOINT = {"task": "multi-label", "labels": ["b", "a"], "decision": DECISION}
RUN: dict[str, Any] = {"seed": 1, "config": {}}
BODY: dict[str, Any] = {"confidence": {"seed": 1}}


def predictions(
    *labels: str,
    expected: tuple[int, ...] = (0, 2),
    abstain_below: int | None = None,
    group: int | None = None,
) -> Predictions:
    model = Answerer("model", 400_000, at_least_one=True, abstain_below=abstain_below)
    head = Head("multi-label", labels, (model,))
    line = Line(expected, [[500_000] * len(labels)], group)
    return read_predictions(io.BytesIO(b"".join(write_predictions(head, [line]))))


def test_what_was_declared_is_fine() -> None:
    assert undeclared(BODY, predictions("b", "a", "ä"), CHECKPOINT, RUN) == ""
    assert undeclared({}, predictions("b", "a", "c"), CHECKPOINT, None) == ""


@pytest.mark.parametrize(
    ("decision", "other"),
    [
        ({}, "rule"),
        ({"threshold": "0.4000001", "atLeastOne": True}, "rule"),
        ({"threshold": "-0.4", "atLeastOne": True}, "rule"),
        ({"threshold": "0.4"}, "rule"),
        (DECISION | {"abstainBelow": "0.5"}, "rule"),
    ],
)
def test_thresholds_are_those_of_the_checkpoint(decision: dict[str, Any], other: str) -> None:
    checkpoint = {**CHECKPOINT, "decision": decision}
    assert other in undeclared(BODY, predictions("b", "a", "c"), checkpoint, RUN)


def test_a_model_abstains_by_the_rule_of_the_checkpoint() -> None:
    read = predictions("b", "a", "c", abstain_below=500_000)
    half = {**CHECKPOINT, "decision": DECISION | {"abstainBelow": "0.5"}}
    assert undeclared(BODY, read, half, RUN) == ""
    assert "rule" in undeclared(BODY, read, CHECKPOINT, RUN)
    assert "rule" in undeclared(BODY, predictions("b", "a", "c", abstain_below=1), half, RUN)


def test_labels_are_those_of_the_checkpoint_and_of_records() -> None:
    assert undeclared(BODY, predictions("a", "b", "c"), CHECKPOINT, RUN)
    unsorted = predictions("b", "a", "d", "c", expected=(2, 3))
    assert undeclared(BODY, unsorted, CHECKPOINT, RUN)
    assert undeclared(BODY, predictions("b", "a", "c", expected=(0,)), CHECKPOINT, RUN)
    assert undeclared(BODY, predictions("b", expected=(0,)), CHECKPOINT, RUN)


def test_seed_and_costs_are_those_of_the_run() -> None:
    read = predictions("b", "a", "c")
    assert "seed" in undeclared(BODY, read, CHECKPOINT, {**RUN, "seed": 2})
    cost = {"unit": "euros", "otherwise": "1"}
    priced = {**RUN, "config": {"cost": cost}}
    assert "costs" in undeclared(BODY, read, CHECKPOINT, priced)
    assert undeclared({**BODY, "costs": cost}, read, CHECKPOINT, priced) == ""
    assert "costs" in undeclared({**BODY, "costs": cost}, read, CHECKPOINT, RUN)
    assert costs_of({"cost": {**cost, "mistake": []}}) == cost


def test_the_first_member_that_differs_is_named() -> None:
    read = predictions("b", "a", "c")
    body = evaluation_body(read, seed=1)
    assert find_difference(body, read, ()) == ""
    del body["model"]["coverage"]
    assert "'model.coverage' is missing" in find_difference(body, read, ())
    body = evaluation_body(read, seed=1) | {"baselines": [{"method": "x", "params": {}}]}
    assert "'baselines' does not follow" in find_difference(body, read, ())
    body = evaluation_body(read, seed=1)
    body["worst"].append({"record": "0" * 64})
    assert find_difference(body, read, ()).startswith("'worst' is ")


def test_the_coverage_has_the_confidence_that_was_asked_about() -> None:
    read = predictions("b", "a", "c", abstain_below=420_000)
    body = evaluation_body(read, seed=1, floors=("0.410000",))
    assert body["coverageAt"] == ["0.410000"]
    below = [one["abstainBelow"] for one in body["model"]["coverage"]]
    assert below == ["0.000000", "0.410000", "0.420000", "0.500000"]
    assert find_difference(body, read, ()) == ""
    body["coverageAt"] = ["0.430000"]
    assert find_difference(body, read, ())


@pytest.mark.parametrize("member", ["labels", "records", "referenceRecords"])
def test_over_what_a_monitor_compares_is_counted_again(member: str) -> None:
    reference = predictions("b", "a", "c")
    read = predictions("b", "a", "c", expected=(0,))
    body = monitor_body(read, reference, seed=1, measured={})
    (compared,) = (one for one in body["comparisons"] if "over" in one)
    assert compared["over"] == {"labels": 1, "records": 1, "referenceRecords": 1}
    assert find_difference(body, read, (), reference) == ""
    compared["over"] = {**compared["over"], member: 7}
    assert "over" in find_difference(body, read, (), reference)
    before = monitor_body(read, reference, seed=1, measured={}, occurring=False)
    assert find_difference(before, read, (), reference) == ""


def test_near_duplicates_are_counted_again() -> None:
    read = predictions("b", "a", "c")
    body = evaluation_body(read, seed=1, near="minhash")
    assert body["overlap"]["near"]["count"] == 0
    assert find_difference(body, read, ()) == ""
    body["overlap"]["near"]["count"] = 1
    assert find_difference(body, read, ()).startswith("'overlap.near.count' is ")


@pytest.mark.parametrize("group", [None, 0])
@pytest.mark.parametrize("field", [None, "patient"])
def test_groups_are_compared_where_they_are_numbered_and_named(
    group: int | None, field: str | None
) -> None:
    """Where only one of them is there, the figures cannot be computed: that is said elsewhere."""
    read = predictions("b", "a", "c", group=group)
    record = LabelledRecord(Digest.of(b""), ("b", "c"), {"patient": ("x",)}, 1)
    assert compare_records(read, [record], field_of_groups=field, declared=None) == ""


def test_lengths_are_not_compared_with_what_is_not_here() -> None:
    record = LabelledRecord(Digest.of(b""), ("b", "c"), {}, 1)
    read = predictions("b", "a", "c")
    found = Evidence(
        {**BODY, "drift": {"lengths": "0.000000"}},
        read,
        CHECKPOINT,
        {**RUN, "config": {"data": {"label": "label"}}},
        [{}],
        lambda *_: iter([record]),
        lambda *_: iter(()),
        lambda: None,
        reference=read,
    )
    assert compare_test_set(found)[0] == NOT_COMPARED
