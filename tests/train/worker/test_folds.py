"""Cross-validation: no record is answered by what learned from it, and the best strength wins."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.train.worker.examples import Example
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.training import adapter_folds as dear
from lyrikstore.train.worker.training.folds import ENOUGH, count_fits, cross_validate, read_folds
from lyrikstore.train.worker.training.linear_candidates import open_cheap
from lyrikstore.verify.evaluation.choice.task import labelling_rules

RULES = labelling_rules("text-classification")
RIGHT = {0.1: 0.5, 1.0: 0.9, 10.0: 0.9}
"""Strength → the share of records that a model of it answers rightly."""


class Remembers:
    """Answers by number, and notes who asked it about what it learned from."""

    def __init__(self, rows, expected, asked) -> None:
        self._rows, self._expected, self._asked = set(rows.tolist()), expected, asked

    def logits(self, strength, rows):
        assert not self._rows & set(rows.tolist()), "it was asked about what it learned from"
        self._asked.append((strength, rows.tolist()))
        right = rows < RIGHT[strength] * len(self._expected)
        return np.where(right[:, None], 1.0, -1.0) * np.where(self._expected[rows], 1.0, -1.0)

    def unlike(self, rows):
        return rows.astype(float)


def expected_of(records):
    found = np.zeros((records, 2), bool)
    found[np.arange(records), np.arange(records) % 2] = True
    return found


def test_each_record_is_answered_once_a_repeat_and_strength_by_the_others() -> None:
    expected, asked, learned = expected_of(20), [], []
    folds = read_folds(["01234" * 4, "43210" * 4])

    def fit(rows):
        learned.append(len(rows))
        return Remembers(rows, expected, asked)

    found = cross_validate(fit, RULES, expected, folds, list(RIGHT))
    assert learned == [16] * 10, "what is fitted is fitted once, for all strengths"
    for strength in RIGHT:
        answered = sorted(at for one, rows in asked if one == strength for at in rows)
        assert answered == sorted([*range(20)] * 2)
    assert found.strength == 1.0, "of equals the least"
    assert found.logits.shape == (2, 20, 2)
    assert found.logits.dtype == np.float32
    assert (found.logits[0, :18].argmax(1) == expected[:18].argmax(1)).all()
    assert found.unlike.tolist() == [*range(20)]


def test_of_many_records_the_first_folds_choose_and_the_rest_ask_for_the_best_alone() -> None:
    expected, asked = expected_of(5 * ENOUGH), []
    folds = read_folds(["01234" * ENOUGH])
    found = cross_validate(
        lambda rows: Remembers(rows, expected, asked), RULES, expected, folds, list(RIGHT)
    )
    assert [strength for strength, _ in asked] == [*RIGHT, *[1.0] * 4]
    assert found.strength == 1.0
    assert (found.logits != 0).all(), "every record is answered"


def test_a_fold_that_cannot_say_what_is_unlike_leaves_it_unsaid() -> None:
    expected = expected_of(10)

    class Silent(Remembers):
        def unlike(self, rows):
            return None if 0 in rows else super().unlike(rows)

    found = cross_validate(
        lambda rows: Silent(rows, expected, []), RULES, expected, read_folds(["01234" * 2]), [1.0]
    )
    assert found.unlike is None


def test_thresholds_of_several_labels_take_part_in_the_choice_of_a_strength() -> None:
    expected = np.array([[1, 0], [1, 1], [0, 1], [1, 0], [1, 1]] * 4, bool)

    class Shifted:
        def __init__(self, rows) -> None:
            del rows

        def logits(self, strength, rows):
            # Right in order at both strengths, and below one half at the second.
            return np.where(expected[rows], 1.0, -1.0) * (strength == 1.0) - (strength != 1.0)

        def unlike(self, rows):
            return rows.astype(float)

    rules = labelling_rules("multi-label")
    found = cross_validate(Shifted, rules, expected, read_folds(["01234" * 4]), [0.5, 1.0])
    assert found.strength == 1.0


def test_a_fold_says_nothing_of_when_its_training_ends(tmp_path, monkeypatch) -> None:
    taken = []

    class Steps:
        """Gets better answers at first, and worse ones at last."""

        rate, steps = "learning_rate", 6

        def __init__(self, job, files, learned, checking) -> None:
            del job, files
            assert not {one.text for one in learned} & {one.text for one in checking}
            self.step, self._checking = 0, checking

        def batches(self, epoch):
            return [[epoch], [epoch]]

        def learn(self, batch):
            self.step += 1
            taken.append(batch[0])

        def validate(self):
            output = np.full((len(self._checking), 2), float(self.step))
            return SimpleNamespace(output=output)

    monkeypatch.setattr(dear, "EncoderLearner", Steps)
    monkeypatch.setattr(dear, "prepare", lambda *_: None)
    for name in ("train", "validation"):
        lines = [
            {"id": f"{at:064x}", "labels": ["a"], "text": f"{name} {at}", "fields": {}}
            for at in range(5)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    training = {"threads": 1, "seed": 1, "epochs": 3, "patience": 1, "keep": "best"}
    job = {
        "candidate": "lora",
        "labels": ["a", "b"],
        "folds": ["0123401234"],
        "config": {"training": training},
    }
    files = StagedFiles(tmp_path, lambda *_: None)
    (tmp_path / "out").mkdir()
    said = dear.train_folds(job, files, lambda *_, **__: None)
    assert taken == [0, 0, 1, 1, 2, 2] * 5, "every epoch of every fold"
    found = np.frombuffer((tmp_path / said["outOfFold"]).read_bytes(), "<f4").reshape(10, 2)
    assert (found == 6).all(), "and the last one answers"


def test_a_fold_without_a_word_answers_all_the_same(tmp_path) -> None:
    texts = ["1", "2", "3", "word", "4"]
    pool = [Example(Digest(bytes(32)), ("ab"[at % 2],), one) for at, one in enumerate(texts)]
    job = {"task": RULES.name, "labels": ["a", "b"], "candidate": "tfidf", "config": {"data": {}}}
    files = StagedFiles(tmp_path, lambda *_: None)
    cheap = open_cheap(job, files, (pool, pool), lambda *_, **__: None)
    expected = np.array([["a" in one.labels, "b" in one.labels] for one in pool * 2])
    folds = read_folds(["0001001010", "2340123401"])  # in the first, both words are in one fold
    found = cross_validate(cheap.fold, RULES, expected, folds, cheap.grid)
    assert np.isfinite(found.logits).all()
    assert found.unlike.max() == 1.0


@pytest.mark.parametrize(
    ("records", "repeats", "strengths", "fits"),
    [
        (100, 0, 5, 1),
        (100, 3, 5, 15 * 5 + 1),  # all folds together have 300 answers: every one tells
        (3600, 1, 3, 2 * 3 + 3 + 1),  # two folds have 1,000
        (20_000, 1, 5, 1 * 5 + 4 + 1),
    ],
)
def test_strengths_are_tried_until_enough_is_answered(records, repeats, strengths, fits):
    assert count_fits(records, repeats, strengths) == fits
