"""How answers are compared, and what the texts are that nobody named."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.serving.model import ServedModel
from lyrikstore.train.serving.probe import MAX_PROBES, compare, made_probe, read_probe
from lyrikstore.train.worker.targets.registry import target_for
from lyrikstore.verify.evaluation.choice.task import AnswerRule
from tests.kinds import refused

LATENCY = {"p50": "1.00", "p95": "2.00"}


def scores(*rows):
    return np.asarray(rows, np.int32)


@pytest.mark.parametrize(
    ("deployed", "agreeing", "difference", "holds"),
    [
        ((700_000, 300_000), 1, 0, True),
        ((699_000, 301_000), 1, 1000, True),
        ((698_999, 301_001), 1, 1001, False),
        ((300_000, 700_000), 0, 400_000, False),
        ((0, 0), 1, 700_000, False),  # what is no number counts as nothing
    ],
)
def test_a_difference_is_counted(deployed, agreeing, difference, holds):
    sealed = scores((700_000, 300_000))
    found = compare("text-classification", AnswerRule(), sealed, scores(deployed), LATENCY)
    assert (found.agreeing, found.difference, found.holds) == (agreeing, difference, holds)
    assert found.to_json()["greatestDifference"] == f"{difference / 1e6:.6f}"


def test_another_label_is_a_difference_however_small():
    rule = AnswerRule(threshold=0.5)
    found = compare("multi-label", rule, scores((500_000, 0)), scores((499_999, 0)), LATENCY)
    assert (found.agreeing, found.difference, found.holds) == (0, 1, False)


def test_texts_are_made_of_words_alone_and_alike_each_time():
    words = json.dumps(["consent", "either party", "##ing", "42", "\u2581may"]).encode()
    tokenizer = json.dumps({"model": {"vocab": {"[CLS]": 0, "##clause": 1, "law": 2}}}).encode()
    made = made_probe([words, tokenizer], ["Indemnity"])
    assert made == made_probe([words, tokenizer], ["Indemnity"])
    known = {"consent", "either", "party", "ing", "may", "clause", "law", "Indemnity", "\u2014"}
    assert {word for text in made for word in text.split()} == known
    assert "" in made
    assert max(len(text.split()) for text in made) >= 400
    assert made_probe([b"[]"], ["x"])


def test_too_many_records_are_refused(tmp_path):
    path = tmp_path / "probe.jsonl"
    path.write_text('{"text": "a"}\n' * (MAX_PROBES + 1))
    with pytest.raises(InvalidInputError) as caught:
        read_probe(path)
    assert caught.value.kind == "bad-probe"
    path.write_text('{"text": "a"}\n' * MAX_PROBES)
    assert len(read_probe(path)) == MAX_PROBES


def test_there_is_no_other_target():
    with pytest.raises(InvalidInputError) as caught:
        target_for("pickle", "tfidf/1", fields=False, check=False)
    assert caught.value.kind == "no-such-target"


def test_a_folder_that_answers_otherwise_is_refused(tmp_path):
    sealed = scores((700_000, 300_000))
    for answers, holds in ((sealed, True), (scores((300_000, 700_000)), False)):
        found = compare("text-classification", AnswerRule(), sealed, answers, LATENCY)
        model = SimpleNamespace(
            _about={},
            _workers=SimpleNamespace(run=lambda *_: {"latencyMs": LATENCY}),
            asked_reads=(),
            compare=lambda *_, found=found: found,
            question=dict,
        )
        if holds:
            assert ServedModel.ask(model, tmp_path) is found
        else:
            with refused("answers-differ"):
                ServedModel.ask(model, tmp_path)
