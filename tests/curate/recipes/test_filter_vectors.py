"""The committed vectors of the filters from spec 12.5.10 on."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import make_filters
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.recipes.filters.contract import Change, Drop, Keep
from lyrikstore.curate.recipes.filters.duplicates.minhash import MinHash, bands_for
from lyrikstore.curate.recipes.filters.duplicates.shingles import Shingles
from lyrikstore.curate.recipes.filters.parameters import read_parameters
from lyrikstore.curate.recipes.filters.registry import FILTERS
from tests.curate.tried import decided, decisions_of, judged, row

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors"


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["cases"]
    return found


def configured(use: str, params: dict[str, Any]) -> Any:
    kind = FILTERS[use]
    return kind.configure(read_parameters(kind.PARAMETERS, params, use))


def test_committed_vectors_are_what_the_script_makes() -> None:
    for name, content in make_filters.make().items():
        assert json.loads((VECTORS / name).read_text()) == content


@pytest.mark.parametrize("case", cases("filters/duplicates.json"), ids=lambda c: c["id"])
def test_duplicates(case: dict[str, Any]) -> None:
    step = configured("drop-duplicates/2", case["params"])
    said = judged(step, [row(at, **fields) for at, fields in enumerate(case["rows"])])
    assert [one and ["dropped" if one[1] else "reported", one[0], one[2]] for one in said] == case[
        "said"
    ]


@pytest.mark.parametrize("case", cases("filters/map.json"), ids=lambda c: c["id"])
def test_maps(case: dict[str, Any]) -> None:
    (outcome,) = decided(configured("map/1", case["params"]), row(**case["fields"]))
    if not case["said"]:
        assert outcome == Keep()
        return
    assert isinstance(outcome, Change)
    assert dict(outcome.fields) == case["after"]
    assert [[one.field, one.reason] for one in outcome.changes] == case["said"]


@pytest.mark.parametrize("case", cases("filters/quality.json"), ids=lambda c: c["id"])
def test_quality(case: dict[str, Any]) -> None:
    (outcome,) = decided(configured("quality/1", case["params"]), row(text=case["text"]))
    if case.get("dropped"):
        assert isinstance(outcome, Drop)
        said = [[outcome.reason, outcome.detail]]
    else:
        assert isinstance(outcome, Keep)
        said = [[one.reason, one.detail] for one in outcome.reports]
    assert said == [[f"quality-{name}", value] for name, value in case["said"]]


SAID = {True: "keep", False: "where-false", None: "where-null"}


@pytest.mark.parametrize("case", cases("filters/where.json"), ids=lambda c: c["sql"][:30])
def test_predicates(case: dict[str, Any]) -> None:
    step = configured("where/1", {"sql": case["sql"]})
    together = step.start_batch()([row(**fields) for fields in case["rows"]])
    assert [getattr(one, "reason", "keep") for one in together] == [
        SAID[one] for one in case["said"]
    ]


@pytest.mark.parametrize("sql", json.loads((VECTORS / "filters/where.json").read_text())["refused"])
def test_refused_predicates(sql: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        configured("where/1", {"sql": sql})
    assert caught.value.kind == "bad-recipe"
    assert caught.value.hint


@pytest.mark.parametrize("case", cases("filters/shingles.json"), ids=lambda c: c["text"][:9])
def test_shingles(case: dict[str, Any]) -> None:
    numbers = Shingles(case["size"]).of(case["text"])
    assert [f"{int(one):016x}" for one in numbers] == case["numbers"]


@pytest.mark.parametrize("case", cases("filters/minhash.json"), ids=lambda c: c["threshold"])
def test_minhash(case: dict[str, Any]) -> None:
    numbers = np.array([int(one, 16) for one in case["set"]], np.uint64)
    found = MinHash(case["seed"], bands_for(Decimal(case["threshold"]))).of(numbers)
    assert [f"{int(one):016x}" for one in found] == case["bands"]


@pytest.mark.parametrize("case", cases("filters/near-duplicates.json"), ids=lambda c: c["id"])
def test_near_duplicates(case: dict[str, Any]) -> None:
    step = configured("near-duplicates/1", case["params"])
    judgement = decisions_of(step, [row(at, **one) for at, one in enumerate(case["rows"])])
    said = []
    for at in range(len(case["rows"])):
        one = judgement.of(at)
        acts = one and ["dropped" if one[1] else "reported", one[0], one[2]]
        said.append(acts and [*acts, judgement.likeness(at)])
    assert said == case["said"]
