"""The vectors of spec §13.9."""

import io
import json
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.verify.evaluation.answers import Answerer, Head, Predictions
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.drift import (
    label_drift,
    length_drift,
    monitor_body,
    stability_index,
)
from lyrikstore.verify.evaluation.evidence import OtherEvaluation
from lyrikstore.verify.evaluation.figures.measures import decimal
from lyrikstore.verify.evaluation.figures.paired import against_body, pairing_fault
from lyrikstore.verify.evaluation.figures.resample import draws
from lyrikstore.verify.evaluation.generation.texts import identify_text
from lyrikstore.verify.evaluation.predictions import Line, read_predictions, write_predictions
from lyrikstore.verify.evaluation.slices import divide, find_slices

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "evaluations"


def cases(name: str) -> Any:
    found = json.loads((VECTORS / f"{name}.json").read_text("ascii"))["cases"]
    return pytest.mark.parametrize("case", found, ids=[case["id"] for case in found])


@cases("answers")
def test_answers(case: dict[str, Any]) -> None:
    how = case["answerer"]
    several = "threshold" in how
    answerer = Answerer(how["name"], how.get("threshold"), how.get("atLeastOne", False))
    labels = tuple(f"label {number}" for number in range(len(case["scores"])))
    head = Head("multi-label" if several else "text-classification", labels, (answerer,))
    line = Line((0,), [case["scores"]])
    read = read_predictions(io.BytesIO(b"".join(write_predictions(head, [line]))))
    assert read.answers[0].given.of(0) == case["given"]
    assert read.answers[0].confidence.tolist() == [case["confidence"]]


@cases("draws")
def test_draws(case: dict[str, Any]) -> None:
    groups = None if case["groups"] is None else np.asarray(case["groups"])
    made = draws(case["records"], seed=int(case["seed"]), groups=groups)
    (weights,) = islice(made, case["resample"], case["resample"] + 1)
    assert weights.tolist() == case["weights"]


@cases("written")
def test_what_identifies_a_text(case: dict[str, Any]) -> None:
    salt = bytes.fromhex(case["salt"])
    identifier = identify_text(case["text"], case["place"], case["answerer"], salt=salt)
    assert identifier == Digest.parse_hex(case["outputBlake3"])


@cases("decimals")
def test_decimals(case: dict[str, Any]) -> None:
    assert decimal(case["billionths"]) == case["text"]


def read(text: str) -> Predictions:
    return read_predictions(io.BytesIO(text.encode()))


@cases("against")
def test_comparisons(case: dict[str, Any]) -> None:
    own, other = read(case["predictions"]), read(case["other"])
    assert pairing_fault(own, other) == ""
    found = against_body(own, OtherEvaluation("x", False, other), seed=case["seed"])
    assert found["comparisons"] == case["comparisons"]


@cases("drift")
def test_monitors(case: dict[str, Any]) -> None:
    body = monitor_body(
        read(case["predictions"]),
        read(case["reference"]),
        seed=case["seed"],
        thresholds=case.get("thresholds", ()),
        measured=case.get("measured", {}),
        occurring=case.get("occurring", True),
    )
    for name in ("drift", "comparisons", "thresholds"):
        assert body.get(name) == case["body"].get(name)
    for name, figure in case["body"].get("model", {}).items():
        assert body["model"][name] == figure
    assert ("confidence" in body) == ("comparisons" in case["body"])


def test_stability_of_counts_labels_and_lengths() -> None:
    found = json.loads((VECTORS / "drift.json").read_text("ascii"))
    for case in found["indices"]:
        assert stability_index(case["old"], case["new"]) == case["index"], case["id"]
    for case in found["labels"]:
        now, then = read(case["predictions"]), read(case["reference"])
        assert label_drift(now, then) == case["labels"], case["id"]
    for case in found["lengths"]:
        assert length_drift(case["new"], case["old"]) == case["lengths"], case["id"]


def test_drift_is_seldom_found_where_nothing_moved() -> None:
    # Ten equal bins, 100 records each time: without what is expected, 30 of 100 were alarms.
    chance = np.random.default_rng(1)
    found = [
        stability_index(*(chance.multinomial(100, [0.1] * 10).tolist() for _ in range(2)))
        for _ in range(500)
    ]
    assert sum(float(one) >= 0.25 for one in found) <= 10


@cases("slices")
def test_slices(case: dict[str, Any]) -> None:
    slices, members = find_slices(case["values"], case["lengths"])
    assert [list(one) for one in slices] == case["slices"]
    assert members == case["members"]


@cases("divided")
def test_divided(case: dict[str, Any]) -> None:
    found = divide(case["fields"], case["values"], case["lengths"], case["personal"])
    assert [list(one) for one in found.slices] == case["slices"]
    assert found.members == case["members"]
    assert found.slicing == case["slicing"]


def test_no_more_slices_than_predictions_may_have() -> None:
    texts = [(f"v{at % 21:02d}",) for at in range(420)]
    fields = [f"f{number}" for number in range(10)]
    found = divide(fields, dict.fromkeys(fields, texts), [1] * 420, {})
    assert len(found.slices) == 9 * 21
    assert found.slicing["leftOut"] == [{"field": "f9", "reason": "many-slices"}]


@cases("bodies")
def test_bodies(case: dict[str, Any]) -> None:
    found = evaluation_body(
        read_predictions(io.BytesIO(case["predictions"].encode())),
        seed=case["seed"],
        costs=case.get("costs"),
        thresholds=case.get("thresholds", ()),
        field_of_groups=case.get("fieldOfGroups"),
        majority=case.get("majority"),
        near=case.get("near"),
    )
    assert found == case["body"]


@cases("refused")
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(FormatError) as caught:
        read_predictions(io.BytesIO(case["predictions"].encode()))
    assert caught.value.kind == "bad-predictions"
