"""The vectors of reviews: draws, outcomes and kappa (spec chapter 26)."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET, convert

from lyrikstore.canon.digest import Digest
from lyrikstore.verify.review.draw import DrawableRecord, assigned, draw, own_order, seed_of
from lyrikstore.verify.review.figures import cohen_kappa
from lyrikstore.verify.review.model import QueueItem, RecordDecision
from lyrikstore.verify.review.outcome import ItemDecisions, outcome_of

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "reviews"


def cases(name: str) -> list[Any]:
    """Return the cases of a file, each as a parameter with its id."""
    found = json.loads((VECTORS / f"{name}.json").read_text("ascii"))["cases"]
    return [pytest.param(one, id=one["id"]) for one in found]


@pytest.mark.parametrize("case", cases("draws"))
def test_draws(case: dict[str, Any]) -> None:
    seed = seed_of(bytes.fromhex(case["root"]), Digest(bytes.fromhex(case["request"])))
    assert seed.hex() == case["seed"]
    strata = [tuple(map(tuple, values)) for values in case["strata"]]
    records = [DrawableRecord(place, stratum) for place, stratum in enumerate(strata)]
    items = assigned(draw(seed, records, case["sample"]), case["reviewers"], case["overlap"])
    assert items == convert(case["items"], list[QueueItem])
    for at, (reviewer, order) in enumerate(case["orders"].items()):
        mine = [one.item for one in items if at in one.reviewers]
        assert own_order(seed, reviewer, mine) == order


@pytest.mark.parametrize("case", cases("outcomes"))
def test_outcomes(case: dict[str, Any]) -> None:
    def decision(one: dict[str, Any]) -> RecordDecision:
        return convert({"item": 0, "ms": 1, **one}, RecordDecision)

    first = {str(at): decision(one) for at, one in enumerate(case["first"])}
    last = decision(case["adjudicated"]) if case["adjudicated"] else None
    found = outcome_of(ItemDecisions(QueueItem(0, 7, (0, 1)), tuple(case["was"]), first, last))
    assert (found.outcome, found.agree, found.of) == (case["outcome"], case["agree"], case["of"])
    assert found.value == (tuple(case["value"]) if case["value"] else UNSET)
    assert found.reason == (tuple(case["reason"]) or UNSET)


@pytest.mark.parametrize("case", cases("kappa"))
def test_kappa(case: dict[str, Any]) -> None:
    found = cohen_kappa(list(zip(case["left"], case["right"], strict=True)))
    assert found == (Fraction(*case["kappa"]) if case["kappa"] else None)
