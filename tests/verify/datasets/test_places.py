"""Places of source records that generated records name (spec §26.12)."""

import json
from typing import Any

import pytest

from lyrikstore.history.manifests.manifest import Input
from lyrikstore.verify.datasets.places import MAX_PLACES, place_fault

GOOD: tuple[Any, ...] = (0, 4, [0, 4], "3", "0,4", "0, 4")
BAD: tuple[Any, ...] = (
    *(5, -1, 1.0, True, None, "", "x", "1;2", "1,", "5", "-1", "1,1", "0,  1"),
    *([], [5], [1, 1], [True], ["1"], [0, None], {"place": 1}, 10**30, "9" * 5000),
    [*range(MAX_PLACES + 1)],
)


@pytest.mark.parametrize("value", GOOD, ids=repr)
def test_places_of_the_source(value: Any) -> None:
    assert place_fault(json.dumps({"from": value}).encode(), "from", 5) == ""


@pytest.mark.parametrize("value", BAD, ids=lambda one: repr(one)[:20])
def test_no_places_of_the_source(value: Any) -> None:
    assert place_fault(json.dumps({"from": value}).encode(), "from", 5)


def test_records_without_places() -> None:
    for row in (b"{}", b"[1]", b"{", b"[" * 5000, b'"\xff"'):
        assert place_fault(row, "from", 5)


def test_a_version_that_names_other_records(stage: Any) -> None:
    def generated(body: dict[str, Any]) -> None:
        body["origin"] = "generated"
        terms = {"permitsTraining": "yes"}
        body["generators"] = [{"name": "writer", "sourceField": "n", "outputTerms": terms}]

    def without_field(body: dict[str, Any]) -> None:
        generated(body)
        del body["generators"][0]["sourceField"]

    def of_others(body: dict[str, Any]) -> None:
        generated(body)
        other = {"state": "value", "basis": "measured", "value": [str(docs.id)]}
        body["descriptor"]["derivedFrom"] = other

    rows, docs = (stage.made[name] for name in ("rows", "docs"))

    def reason(source: Any, change: Any = generated) -> str:
        inputs = [Input("source", "dataset", source.id)]
        return str(stage.forger.reason(stage.forger.sign(rows, change, inputs=inputs)))

    assert reason(rows) == "pass"  # n counts its 12 records
    assert reason(docs) == "differs"
    assert reason(rows, of_others) == "differs"
    assert reason(rows, without_field) == "differs"
    assert stage.forger.reason(stage.forger.sign(rows, generated)) == "differs"
