"""Answers that were computed elsewhere: read, placed, compared, signed, and never called a run."""

import csv
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.evaluation.answer_files.answer_file import (
    PlacedAnswers,
    place_answers,
    read_answer_file,
)
from lyrikstore.train.snapshot import Snapshot
from lyrikstore.train.task import ModelWithAnswers
from lyrikstore.train.tasks.generation import TASK
from lyrikstore.verify.evaluation.answers import Answerer, Head, Predictions
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.evidence import OtherEvaluation
from lyrikstore.verify.evaluation.external_answers import undeclared_answers
from lyrikstore.verify.evaluation.figures.paired import against_body, pairing_fault
from lyrikstore.verify.evaluation.predictions import Line, read_predictions, write_predictions
from lyrikstore.verify.evaluation.recompute import find_difference, undeclared
from tests.kinds import refused

IDS = tuple(Digest.of(bytes([number])) for number in range(3))
TESTED = Snapshot(IDS, {"a": 2, "b": 1}, (("a",), ("b",), ("a",)), (1, 1, 1))


def put(folder: Path, lines: Sequence[Any]) -> Path:
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def place(path: Path, *, several: bool = False, labels: Sequence[str] | None = None) -> Any:
    return place_answers(read_answer_file(path), TESTED, labels=labels, several=several)


def said(answers: Sequence[Any]) -> list[dict[str, Any]]:
    return [{"record": at, "answer": one} for at, one in enumerate(answers)]


def test_answers_stand_where_their_records_do_whatever_the_order(tmp_path: Path) -> None:
    # ATTACK A130: answers to another order of the records, or to another part, line by line.
    lines = [{"record": 2, "answer": "c"}, {"record": IDS[0].hex, "answer": "a"},
             {"record": "1", "answer": "b"}]  # fmt: skip
    found: PlacedAnswers = place(put(tmp_path, lines))
    assert found.labels == ("a", "b", "c")
    assert found.scores.argmax(1).tolist() == [0, 1, 2]
    assert set(found.scores.ravel().tolist()) == {0, 1_000_000}


def test_a_spreadsheet_may_have_other_columns_semicolons_and_commas(tmp_path: Path) -> None:
    path = tmp_path / "rules.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["record", "text", "answer", "score:a", "score:b"])
        writer.writerows([[0, "x", "a", "0,75", "0,25"], [1, "y", "b", "0,5", "0,5"],
                          [2, "z", "b", "", "1"]])  # fmt: skip
    found = place(path)
    # Of equal scores the first label is given: the answer's counts.
    assert found.scores.tolist() == [[750_000, 250_000], [499_999, 500_000], [0, 1_000_000]]


def test_a_record_that_is_there_twice_is_answered_once(tmp_path: Path) -> None:
    # ATTACK A130: of two answers to one record, whichever comes last counts.
    twice = Snapshot((*IDS[:2], IDS[0]), {"a": 2, "b": 1}, (("a",), ("b",), ("a",)), (1, 1, 1))
    lines = [{"record": 2, "answer": "a"}, {"record": IDS[0].hex, "answer": "b"}, *said(["a", "b"])]
    with pytest.raises(InvalidInputError) as caught:
        place_answers(read_answer_file(put(tmp_path, lines)), twice, labels=None, several=False)
    assert caught.value.details["mistakesCount"] == 1


@pytest.mark.parametrize(
    ("lines", "mistakes"),
    [
        (said(["a", "b"]), 1),
        (said(["a", "b", "a", "a"]), 1),
        ([*said(["a", "b", "a"]), {"record": IDS[1].hex, "answer": "b"}], 1),
        ([*said(["a", "b"]), {"record": Digest.of(b"another part").hex, "answer": "a"}], 2),
        (said(["a", None, ["a", "b"]]), 2),
        (said(["a", "b", "x" * 257]), 1),
        ([{"answer": "a"}, 7, *said(["a", "b", "a"])], 2),
        ([{**one, "scores": {"a": 0.4, "b": 0.6}} for one in said(["a", "b", "a"])], 2),
        ([{**one, "scores": {"a": 1.5}} for one in said(["a", "a", "a"])], 3),
        ([{**one, "scores": {"a": "NaN"}} for one in said(["a", "a", "a"])], 3),
        ([{**one, "scores": [1]} for one in said(["a", "a", "a"])], 3),
    ],
)
def test_whatever_is_wrong_is_reported_at_once(
    tmp_path: Path, lines: list[Any], mistakes: int
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        place(put(tmp_path, lines))
    assert caught.value.kind == "bad-answer-file"
    assert caught.value.details["mistakesCount"] == mistakes


def test_texts_are_not_brought_from_elsewhere() -> None:
    test: Any = SimpleNamespace(name="datasets/acme/chats.test")
    given: Any = None
    with refused("no-given-answers"):
        TASK.evaluate_answer_file(given, ModelWithAnswers("sft", given, None, None, test))


def test_a_label_that_the_checkpoint_does_not_have_is_none_of_its_answers(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        place(put(tmp_path, said(["a", "b", "c"])), labels=("a", "b"))
    assert caught.value.kind == "bad-answer-file"


def test_several_labels_are_those_with_half_of_the_score(tmp_path: Path) -> None:
    found = place(put(tmp_path, said([["a", "b"], [], "b"])), several=True)
    assert (found.scores > 0).tolist() == [[True, True], [False, False], [False, True]]
    with pytest.raises(InvalidInputError):
        place(put(tmp_path, [{**one, "scores": {"a": 0.6}} for one in said([["a"], [], ["a"]])]),
              several=True)  # fmt: skip


def predictions(answers: str, expected: str, labels: str = "abc") -> Predictions:
    head = Head("text-classification", tuple(labels), (Answerer("model"),))
    lines = [
        Line((labels.index(right),), [[1_000_000 * (label == one) for label in labels]])
        for one, right in zip(answers, expected, strict=True)
    ]
    return read_predictions(BytesIO(b"".join(write_predictions(head, lines))))


EXPECTED = "abcab" * 8
OWN, OTHER = "abcab" * 7 + "aaaaa", "aaaab" * 8


def test_two_models_are_compared_record_by_record_by_the_names_of_labels() -> None:
    own = predictions(OWN, EXPECTED)
    others = [predictions(OTHER, EXPECTED, labels) for labels in ("abc", "cbad", "xabc")]
    bodies = [against_body(own, OtherEvaluation("o", True, one), seed=1) for one in others]
    assert bodies[0] == bodies[1] == bodies[2]
    macro, accuracy = bodies[0]["comparisons"]
    assert (macro["metric"], accuracy["metric"]) == ("macroF1", "accuracy")
    right = [sum(a == b for a, b in zip(one, EXPECTED, strict=True)) for one in (OWN, OTHER)]
    assert accuracy["difference"]["value"] == f"{(right[0] - right[1]) / 40:.4f}"
    assert accuracy["verdict"] == "better"
    # The same as a baseline of the same answers gives.
    head = Head("text-classification", tuple("abc"), (Answerer("model"), Answerer("o")))
    lines = [
        Line(("abc".index(right),), [[1_000_000 * (label == one) for label in "abc"]
                                     for one in both])
        for *both, right in zip(OWN, OTHER, EXPECTED, strict=True)
    ]  # fmt: skip
    both = read_predictions(BytesIO(b"".join(write_predictions(head, lines))))
    as_baseline = evaluation_body(both, seed=1)["comparisons"]
    assert [one["difference"] for one in as_baseline] == [
        one["difference"] for one in bodies[0]["comparisons"]
    ]


def test_what_is_not_about_the_same_records_is_not_compared() -> None:
    own = predictions(OWN, EXPECTED)
    assert pairing_fault(own, own) == ""
    assert pairing_fault(own, predictions(OTHER[1:], EXPECTED[1:]))
    assert pairing_fault(own, predictions(OTHER, EXPECTED[::-1]))


def given_body(read: Predictions, **more: Any) -> dict[str, Any]:
    body = evaluation_body(read, seed=0, scored=False)
    return {**body, "answers": {"source": "given", "scores": False}, **more}


def test_without_scores_no_confidence_is_shown_and_figures_follow() -> None:
    read = predictions(OWN, EXPECTED)
    body = given_body(read)
    assert not {"calibration", "coverage"} & body["model"].keys()
    assert all("probability" not in one for one in body["worst"])
    assert find_difference(body, read, ()) == ""
    # ATTACK A132: other answers than those that the figures are of.
    assert find_difference(body, predictions(OTHER, EXPECTED), ())


EXTERNAL = {"origin": "external", "task": "text-classification", "labels": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("change", "checkpoint"),
    [
        ({"answers": None}, EXTERNAL),
        ({"model": {"latencyMs": {}}}, EXTERNAL),
        ({"confidence": {"seed": 7}}, EXTERNAL),
        ({"costs": {"unit": "x", "otherwise": "1"}}, EXTERNAL),
        ({}, EXTERNAL | {"labels": ["a", "c", "b"]}),
        ({}, EXTERNAL | {"task": "multi-label"}),
    ],
)
def test_what_is_called_a_run_or_was_chosen_afterwards_is_undeclared(
    change: dict[str, Any], checkpoint: dict[str, Any]
) -> None:
    read = predictions(OWN, EXPECTED)
    body = given_body(read)
    assert undeclared(body, read, EXTERNAL, None) == ""
    assert undeclared(body, read, {"origin": "trained"}, None) == ""  # of a program of the caller's
    # ATTACK A133: rules of somebody's, as if they were a model that had been run here.
    forged = {name: one for name, one in (body | change).items() if one is not None}
    assert undeclared(forged, read, checkpoint, None)


def test_answers_that_are_said_to_have_no_scores_have_none() -> None:
    head = Head("text-classification", ("a", "b"), (Answerer("model"),))
    lines = [Line((0,), [[600_000, 400_000]])]
    read = read_predictions(BytesIO(b"".join(write_predictions(head, lines))))
    body: dict[str, Any] = {"answers": {"scores": True}, "model": {}}
    assert undeclared_answers(body, read, {}) == ""
    assert undeclared_answers(body | {"answers": {"scores": False}}, read, {})
