"""The choice by folds: what is taken, what is kept of it, and what no reader takes."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError
from lyrikstore.verify.evaluation.choice import by_folds
from lyrikstore.verify.evaluation.choice.cross_validation import (
    CrossValidation,
    read_cross_validation,
    read_kept,
)
from lyrikstore.verify.evaluation.choice.multi_label import RULES as SEVERAL
from lyrikstore.verify.evaluation.choice.multi_label import THRESHOLDS
from lyrikstore.verify.evaluation.choice.task import (
    TEMPERATURES,
    AnswerRule,
    labelling_rules,
    macro_f1,
    micro_f1,
)
from lyrikstore.verify.evaluation.choice.temperature import find_temperature
from tests.kinds import refused
from tests.verify.evaluation.cross_validated import FORMATS, cross_validated

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "folds"


def decided(found: CrossValidation, formats: set[str] = FORMATS) -> dict[str, Any]:
    return found.decide(formats).to_body()


def taken(found: CrossValidation, formats: set[str] = FORMATS) -> tuple[str, str]:
    one = found.decide(formats).taken
    return one.candidate, one.other


def test_vectors() -> None:
    cases = json.loads((VECTORS / "choices.json").read_text())["cases"]
    assert len(cases) == 13
    for case in cases:
        data = "".join(f"{line}\n" for line in case["lines"]).encode()
        kept = read_kept("validation/2", BytesIO(data))
        assert isinstance(kept, CrossValidation)
        assert kept.write() == data
        found, follows = kept.decide(case["allowed"], case["limit"]), case["follows"]
        body = found.to_body()
        assert body["chosen"]["candidates"] == follows["candidates"], case["id"]
        assert body["decision"] == follows["decision"], case["id"]
        assert body["metrics"] == follows["metrics"], case["id"]
        fitted = found.taken.fitted
        assert [fitted.weight, *fitted.temperatures] == follows["blend"], case["id"]


def test_vectors_of_what_validation_decides() -> None:
    cases = json.loads((VECTORS / "validation.json").read_text())["cases"]
    assert len(cases) == 13
    for case in cases:
        data = "".join(f"{line}\n" for line in case["lines"]).encode()
        kept = read_kept("validation/1", BytesIO(data))
        assert kept is not None
        assert kept.write() == data
        found, follows = kept.decide(case["allowed"], case["limit"]), case["follows"]
        body = found.to_body()
        assert body["chosen"]["candidates"] == follows["candidates"], case["id"]
        assert body["decision"] == follows["decision"], case["id"]
        assert body["metrics"] == follows["metrics"], case["id"]
        fitted = found.taken.fitted
        assert [fitted.weight, *fitted.temperatures] == follows["blend"], case["id"]


def test_what_is_better_out_of_fold_is_taken() -> None:
    found = cross_validated({"tfidf": 1.0, "embeddings": 4.0})
    assert taken(found, {"tfidf/1", "embeddings/1"}) == ("embeddings", "")
    body = decided(found, {"tfidf/1", "embeddings/1"})
    words, embeddings = body["chosen"]["candidates"]
    assert body["chosen"]["method"] == "folds"
    assert (words["format"], words["by"], embeddings["taken"]) == ("tfidf/1", "folds", True)
    assert float(words["difference"]["value"]) < -0.2
    assert 0 < float(words["difference"]["standardError"]) < 0.2
    assert "difference" not in embeddings
    assert set(body["metrics"]) == {"outOfFoldMacroF1", "outOfFoldAccuracy"}
    assert body["metrics"]["outOfFoldMacroF1"] == embeddings["metrics"]["macroF1"]


def test_the_best_of_the_cheap_candidates_is_taken_by_one_record() -> None:
    found = cross_validated({"tfidf": 2.0})
    words = found.out_of_fold["tfidf"]
    better = words.copy()
    wrong = int(np.flatnonzero(words[0].argmax(1) != found.expected.argmax(1))[0])
    better[0, wrong] = 9 * found.expected[wrong]
    both = {"tfidf": words, "embeddings": better}
    found = replace(found, out_of_fold=both)
    assert taken(found, {"tfidf/1", "embeddings/1"}) == ("embeddings", "")
    same = replace(found, out_of_fold={"tfidf": words, "embeddings": words})
    assert taken(same, {"tfidf/1", "embeddings/1"}) == ("tfidf", "")


@pytest.mark.parametrize(("strength", "wanted"), [(1.0, "tfidf"), (9.0, "lora")])
def test_a_dear_candidate_has_to_be_shown_better(strength: float, wanted: str) -> None:
    found = cross_validated({"tfidf": 2.0}, {"lora": strength})
    assert taken(found, {"tfidf/1", "peft-lora/1"}) == (wanted, "")
    body = decided(found, {"tfidf/1", "peft-lora/1"})
    assert [one["by"] for one in body["chosen"]["candidates"]] == ["folds", "validation"]
    metric = "outOfFoldMacroF1" if wanted == "tfidf" else "validationMacroF1"
    assert metric in body["metrics"]


def test_a_dear_candidate_by_folds_is_compared_on_all_records() -> None:
    found = cross_validated({"tfidf": 2.0, "lora": 4.0}, records=200)
    body = decided(found, {"tfidf/1", "peft-lora/1"})
    assert [one["by"] for one in body["chosen"]["candidates"]] == ["folds", "folds"]
    assert taken(found, {"tfidf/1", "peft-lora/1"}) == ("lora", "")


def test_two_models_with_faults_of_their_own_are_better_together() -> None:
    found = cross_validated({"tfidf": 1.5, "embeddings": 1.5}, records=2000)
    assert taken(found) == ("blend", "embeddings")
    one = found.decide(FORMATS).taken
    assert 0.3 <= float(one.fitted.weight) <= 0.7
    blends = [one for one in decided(found)["chosen"]["candidates"] if one["format"] == "blend/1"]
    assert [one["other"] for one in blends] == ["embeddings"]


def test_nothing_is_known_of_chance_where_all_is_one_group() -> None:
    found = cross_validated({"tfidf": 1.0, "embeddings": 4.0}, records=40, groups=[0] * 40)
    words, embeddings, _ = decided(found)["chosen"]["candidates"]
    assert embeddings["taken"]
    assert words["difference"].keys() == {"value"}
    assert "inf" not in decided(found)["chosen"]["reason"]


def test_groups_move_the_difference_more_than_their_records() -> None:
    scores = cross_validated({"tfidf": 1.0, "embeddings": 1.0}, records=400)
    groups = [at // 40 for at in range(400)]
    # Of whole groups embeddings are right, of whole others wrong.
    held = scores.out_of_fold["embeddings"].copy()
    for at, group in enumerate(groups):
        held[:, at] = (5 if group % 2 else -5) * scores.expected[at]
    each = {"tfidf": scores.out_of_fold["tfidf"], "embeddings": held}
    alone, grouped = (
        replace(scores, pool=replace(scores.pool, groups=of), out_of_fold=each).decide(
            {"tfidf/1", "embeddings/1"}
        )
        for of in (None, groups)
    )
    errors = [
        next(one.error for one in found.tried if one.difference is not None)
        for found in (alone, grouped)
    ]
    assert errors[1] > 2 * errors[0]


def test_the_jackknife_of_counts_is_that_of_records() -> None:
    chance = np.random.default_rng(3)
    expected, given_ = chance.random((2, 90, 5)) < 0.3
    groups = chance.integers(0, 7, 90)
    for name in ("text-classification", "multi-label"):
        task = labelling_rules(name)
        one_by_one = [task.score(expected[groups != at], given_[groups != at]) for at in range(7)]
        found = by_folds._scores_without(task, expected, given_, groups, 7)
        assert found.tolist() == pytest.approx(one_by_one, abs=1e-12)


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.5, 2.0, 30.0]), st.integers(0, 120))
def test_the_temperature_is_that_of_the_least_loss(seed: int, strength: float, start: int) -> None:
    for several in (False, True):
        found = cross_validated({"tfidf": strength}, several=several, records=60, seed=seed)
        task, logits = labelling_rules(found.task), found.out_of_fold["tfidf"][0]
        losses = [
            task.log_loss(logits.astype(float), found.expected, float(one))[0]
            for one in TEMPERATURES
        ]
        least = 0 if task.wrong(logits, found.expected) else 60
        known = find_temperature(task, logits, found.expected, 60, start)
        assert known >= least
        assert losses[known] == pytest.approx(min(losses[least:]), abs=1e-9)


def test_few_records_make_no_answer_surer() -> None:
    found = cross_validated({"tfidf": 3.0}, records=40)
    assert float(decided(found)["decision"]["temperature"]) >= 1


@given(st.integers(0, 2**32), st.booleans())
def test_the_threshold_is_that_of_the_best_metrics(seed: int, some_bare: bool) -> None:
    chance = np.random.default_rng(seed)
    expected = chance.random((30, 4)) < 0.4
    if not some_bare:
        expected[~expected.any(1), 0] = True
    logits = np.round(chance.normal(size=(30, 4)) * 2 + 2 * expected - 1, 1)
    rule = SEVERAL.rule_at(1.0, logits, expected)
    likely = SEVERAL.probabilities(logits)
    tried = []
    for threshold in THRESHOLDS:
        each = AnswerRule(1.0, 0.0, threshold, rule.at_least_one)
        answer = SEVERAL.given(likely, each)
        tried.append((micro_f1(expected, answer), macro_f1(expected, answer), threshold))
    assert rule.threshold == max(tried, key=lambda one: one[:2])[2]


@pytest.mark.parametrize("records", [120, 320])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_what_is_kept_decides_the_same(records: int, several: bool, grouped: bool) -> None:
    groups = [at // 3 for at in range(records)] if grouped else None
    found = cross_validated(
        {"tfidf": 1.0, "embeddings": 2.0, "full": 2.0},
        {"lora": 3.0},
        records=records,
        several=several,
        groups=groups,
    )
    data = found.write()
    assert data is not None
    again = read_kept("validation/2", BytesIO(data))
    assert isinstance(again, CrossValidation)
    assert again.write() == data
    assert decided(again) == decided(found)
    assert again.pool.groups == groups


def test_what_would_be_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "lyrikstore.verify.evaluation.choice.cross_validation.MAX_BYTES"
    monkeypatch.setattr(module, 4000)
    assert cross_validated({"tfidf": 1.0}).write() is None


def test_a_format_of_later_is_not_read() -> None:
    assert read_kept("validation/3", BytesIO(b"")) is None


def _swap(lines: list[dict[str, Any]]) -> None:
    lines[0]["candidates"].reverse()


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines.pop(),
        lambda lines: lines.append(lines[-1]),
        lambda lines: lines.clear(),
        lambda lines: lines[0].update(format="validation/1"),
        lambda lines: lines[0].update(task="no-task"),
        lambda lines: lines[0].update(labels=["label0"] * 4),
        lambda lines: lines[0].update(repeats=1),
        lambda lines: lines[0].update(repeats=4),
        lambda lines: lines[0].update(seed=-1),
        lambda lines: lines[0]["records"].update(train=0),
        lambda lines: lines[0]["records"].update(train=91, validation=29),
        lambda lines: lines[0]["candidates"][0].update(by="validation"),
        lambda lines: lines[0]["candidates"].append(lines[0]["candidates"][0]),
        lambda lines: lines[0]["candidates"][1].update(candidate="decoder"),
        _swap,
        lambda lines: lines[1]["logits"].pop(),
        lambda lines: lines[1]["logits"][0].pop(),
        lambda lines: lines[1]["logits"][1].append(lines[1]["logits"][0][0]),
        lambda lines: lines[1]["logits"][0].__setitem__(0, "AAAA"),
        lambda lines: lines[1]["logits"][0].__setitem__(0, "/" * 22 + "=="),
        lambda lines: lines[1].update(expected=[0, 1]),
        lambda lines: lines[1].update(expected=[9]),
        lambda lines: lines[1].update(group=1),
        lambda lines: lines[1].update(group=0),
        lambda lines: [line.update(group=at) for at, line in enumerate(lines[1:], 1)],
        lambda lines: lines[1].update(more=1),
    ],
)
def test_what_no_reader_takes(change: Callable[[list[dict[str, Any]]], object]) -> None:
    data = cross_validated({"tfidf": 1.0}, {"lora": 1.0}).write()
    assert data is not None
    lines = [json.loads(line) for line in data.splitlines()]
    change(lines)
    text = (json.dumps(line, sort_keys=True, separators=(",", ":")) for line in lines)
    with refused("bad-validation"):
        read_cross_validation(BytesIO("".join(f"{line}\n" for line in text).encode()))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("records", [8, 60])
def test_scores_of_any_size_decide(records: int, several: bool) -> None:
    found = cross_validated({"tfidf": 1.0, "embeddings": 1.0}, several=several, records=records)
    largest = np.finfo(np.float32).max
    for scores in (np.float32(largest), np.float32(0), np.float32(1e-45)):
        each = {name: np.sign(one) * scores for name, one in found.out_of_fold.items()}
        body = decided(replace(found, out_of_fold=each))
        assert 0.05 <= float(body["decision"]["temperature"]) <= 20


def test_none_that_may_be_taken_was_trained() -> None:
    with pytest.raises(FormatError):
        cross_validated({"tfidf": 1.0}).decide({"encoder/1"})
