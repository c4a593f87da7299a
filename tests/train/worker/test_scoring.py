"""Records of a test set are answered once each: most in batches, some alone and timed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.train.worker.examples import BATCH_BYTES, BATCH_RECORDS, Example
from lyrikstore.train.worker.scoring import answer_all, timed_places


def example(text: str) -> Example:
    return Example(Digest.of(text.encode()), ("a",), text)


@given(st.integers(1, 20_000))
def test_places_that_are_timed_are_drawn_evenly(records: int) -> None:
    places = timed_places(records)
    assert len(places) == min(records, max(20, min(200, records // 20)))
    assert places == sorted({at for at in places if 0 <= at < records})
    gaps = np.diff([-1, *places, records])
    assert gaps.max() <= 2 * records / len(places) + 1


@pytest.mark.parametrize("count", [1, 19, 21, 1500, 5000])
def test_each_record_is_answered_once_and_in_its_place(count: int) -> None:
    lengths = np.random.default_rng(count).integers(1, 400, count)
    examples = [example(f"{at} " + "x" * int(length)) for at, length in enumerate(lengths)]
    together, said = [], []

    def answer(some):
        together.append([len(one.text) for one in some])
        return np.asarray([[float(one.text.split()[0]), 1.0] for one in some])

    rows, times = answer_all(
        answer, examples, lambda phase, done, total: said.append((phase, done, total)), "score"
    )
    assert rows[:, 0].tolist() == list(range(count))
    assert len(times) == len(timed_places(count)) <= 200
    assert sum(map(len, together)) == count
    batches = together[: len(together) - len(times)]
    assert all(len(one) <= BATCH_RECORDS for one in batches)
    # By length: no batch has a shorter text than the one before.
    assert all(max(a) <= min(b) for a, b in pairwise(batches))
    assert said[-1] == ("score", count, count)


def test_long_texts_are_answered_by_themselves() -> None:
    examples = [example(f"{at} " + "x" * BATCH_BYTES) for at in range(60)]
    most = []

    def answer(some):
        most.append(len(some))
        return np.zeros((len(some), 2))

    answer_all(answer, examples, lambda *_: None, "score")
    assert max(most) == 1
