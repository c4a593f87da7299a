"""The choice between candidates: a dearer one is taken where validation shows that it is better."""

import numpy as np
import pytest

from lyrikstore.verify.evaluation.choice.choose import choose, standard_error, weigh
from lyrikstore.verify.evaluation.choice.task import labelling_rules

TASK = "text-classification"
LABELS = 6


def answers(expected: np.ndarray, strength: float, seed: int) -> np.ndarray:
    """Return logits: noise, and the right label raised by so much."""
    return np.random.default_rng(seed).normal(size=expected.shape) + strength * expected


def one_label(records: int, seed: int = 7) -> np.ndarray:
    found = np.zeros((records, LABELS), bool)
    found[np.arange(records), np.random.default_rng(seed).integers(0, LABELS, records)] = True
    return found


@pytest.mark.parametrize("seed", range(12))
def test_a_model_that_knows_nothing_is_not_taken_nor_a_blend_with_it(seed: int) -> None:
    expected = one_label(300, seed)
    logits = {"tfidf": answers(expected, 2.0, seed), "lora": answers(expected, 0.0, seed + 100)}
    taken, reason = choose(TASK, weigh(TASK, logits, expected), expected)
    assert taken.candidate == "tfidf"
    assert reason.startswith("tfidf: macroF1 ")


@pytest.mark.parametrize("seed", range(12))
def test_what_is_clearly_better_is_taken(seed: int) -> None:
    expected = one_label(300, seed)
    logits = {"tfidf": answers(expected, 1.0, seed), "embeddings": answers(expected, 3.0, seed + 9)}
    tried = weigh(TASK, logits, expected)
    taken, _ = choose(TASK, tried, expected)
    assert taken.candidate != "tfidf"
    assert [one.candidate for one in tried] == ["tfidf", "embeddings", "blend"]


def test_two_models_with_faults_of_their_own_are_better_together() -> None:
    expected = one_label(2000)
    logits = {"tfidf": answers(expected, 1.5, 1), "embeddings": answers(expected, 1.5, 2)}
    taken, _ = choose(TASK, weigh(TASK, logits, expected), expected)
    assert (taken.candidate, taken.other) == ("blend", "embeddings")
    assert 0.3 <= float(taken.fitted.weight) <= 0.7


def test_the_cheaper_of_two_that_are_indistinguishable_is_taken() -> None:
    expected = one_label(60)
    some = answers(expected, 2.0, 1)
    other = some.copy()
    wrong = np.flatnonzero(some.argmax(1) != expected.argmax(1))[0]
    other[wrong] = 9.0 * expected[wrong]
    tried = [one for one in weigh(TASK, {"tfidf": some, "lora": other}, expected) if not one.other]
    words, lora = tried
    assert lora.score > words.score
    taken, reason = choose(TASK, tried, expected)
    assert taken is words
    assert f"{lora.score:.4f}" in reason


def test_a_threshold_is_not_judged_by_the_records_it_was_fitted_on() -> None:
    # Scores that say nothing of labels: whatever threshold fits them best must not look better.
    expected = np.random.default_rng(3).random((40, LABELS)) < 0.3
    logits = np.random.default_rng(4).normal(size=expected.shape)
    (found,) = weigh("multi-label", {"lora": logits}, expected)
    task = labelling_rules("multi-label")
    rule = task.decide(logits, expected)
    fitted = task.score(expected, task.given(task.probabilities(logits, rule.temperature), rule))
    assert found.fitted.decision == rule
    assert found.score < fitted


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    # With one answer a record micro-F1 is accuracy, whose standard error is known.
    expected, first, second = (one_label(90, seed) for seed in (1, 2, 3))
    gain = (first & expected).any(1).astype(float) - (second & expected).any(1)
    known = gain.std(ddof=1) / np.sqrt(len(gain))
    found = standard_error(labelling_rules("multi-label"), expected, first, second)
    assert found == pytest.approx(known)


@pytest.mark.parametrize("records", [1, 2, 4])
def test_few_records_show_no_difference(records: int) -> None:
    expected = one_label(records)
    logits = {"tfidf": answers(expected, 0.0, 1), "lora": answers(expected, 9.0, 2)}
    taken, _ = choose(TASK, weigh(TASK, logits, expected), expected)
    assert taken.candidate in {"tfidf", "blend", "lora"}
    if records == 1:
        assert taken.candidate == "tfidf"
