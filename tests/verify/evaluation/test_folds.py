"""The folds of a cross-validation: a function of seed, labels and groups, and stratified."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.verify.evaluation.choice.folds import FEW, FOLDS, REPEATS, deal_folds, repeats_of

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "folds" / "folds.json"


def flags(rows: list[set[int]], labels: int = 4) -> np.ndarray:
    found = np.zeros((len(rows), labels), bool)
    for at, some in enumerate(rows):
        found[at, sorted(some)] = True
    return found


def test_vectors() -> None:
    cases = json.loads(VECTORS.read_text())["cases"]
    assert len(cases) == 9
    for case in cases:
        expected = flags([set(one) for one in case["expected"]], case["labels"])
        dealt = deal_folds(int(case["seed"]), expected, case["groups"], len(case["folds"]))
        assert dealt.tolist() == case["folds"], case["id"]


one_label = st.lists(st.integers(0, 3).map(lambda one: {one}), min_size=1, max_size=80)


@given(one_label, st.integers(0, 2**64 - 1))
def test_every_label_is_dealt_evenly(rows: list[set[int]], seed: int) -> None:
    expected = flags(rows)
    for folds in deal_folds(seed, expected, None, 3):
        for label in range(4):
            dealt = np.bincount(folds[expected[:, label]], minlength=FOLDS)
            assert dealt.max() - dealt.min() <= 1
        sizes = np.bincount(folds, minlength=FOLDS)
        assert sizes.max() - sizes.min() <= 1


several = st.lists(st.sets(st.integers(0, 3)), min_size=1, max_size=60)


@given(several, st.data())
def test_a_group_is_in_one_fold(rows: list[set[int]], data: st.DataObject) -> None:
    number = st.integers(0, 9)
    groups = data.draw(st.lists(number, min_size=len(rows), max_size=len(rows)))
    for folds in deal_folds(1, flags(rows), groups, 2):
        assert all(
            len({int(fold) for fold, one in zip(folds, groups, strict=True) if one == group}) == 1
            for group in set(groups)
        )
        assert folds.max() < FOLDS


def test_the_numbers_of_groups_are_no_part_of_it() -> None:
    rows = [{at % 3} for at in range(40)]
    groups = [at // 3 for at in range(40)]
    other = [(at // 3 * 7 + 5) % 97 for at in range(40)]
    dealt = deal_folds(4, flags(rows), groups, 3)
    assert (dealt == deal_folds(4, flags(rows), other, 3)).all()


def test_seed_and_repeat_deal_otherwise() -> None:
    expected = flags([{at % 4} for at in range(100)])
    first, second, third = deal_folds(1, expected, None, 3)
    assert (first != second).any()
    assert (second != third).any()
    assert (first == deal_folds(1, expected, None, 1)[0]).all()
    assert (first != deal_folds(2, expected, None, 1)[0]).any()


def test_a_record_counts_by_its_rarest_label() -> None:
    # Label 3 is on five records that have the commonest label, too.
    expected = flags([{0, 3} if at % 10 == 0 else {0} for at in range(50)])
    (folds,) = deal_folds(1, expected, None, 1)
    assert sorted(folds[expected[:, 3]]) == [*range(FOLDS)]


@pytest.mark.parametrize("records", [0, 1, FEW - 1, FEW])
def test_few_records_are_dealt_several_times(records: int) -> None:
    repeats = repeats_of(records)
    assert repeats == (REPEATS if records < FEW else 1)
    assert deal_folds(1, flags([{0}] * records), None, repeats).shape == (repeats, records)
