"""A folder as tasks of Label Studio, and its export as signed decisions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from lyrikstore.api import Store
from lyrikstore.canon.timestamps import now
from lyrikstore.review.asked import ReviewRequest, parse_questions_file
from lyrikstore.review.folder import OpenedFolder, open_folder
from lyrikstore.review.hand_in import hand_in
from lyrikstore.review.held import HeldFiles
from lyrikstore.review.label_studio import label_studio_decisions, label_studio_files
from lyrikstore.review.queue import request_review
from lyrikstore.review.sign import sign_decisions
from lyrikstore.verify.review.model import DecisionFile, encoded, parse_decisions
from tests.kinds import refused
from tests.review.conftest import ANNA, commit_rows, rows

QUESTIONS = b"""questions = 1
asks = "Which clause is <this>?"
labels = ["audit", "insurance", "law", "a \\"b\\" & <c>", "$50 fee"]
reasons = ["wrong"]

[[question]]
id = "clear"
asks = "Clear?"
choices = ["yes", "no"]
"""
TEXT = b"questions = 1\nfield = 'label'\nlabels = []\n"

Made = Callable[..., OpenedFolder]
Task = dict[str, Any]


@pytest.fixture
def made(store: Store, tmp_path: Path) -> Made:
    """Return the folder of a reviewer who decides six records."""
    name = commit_rows(
        store, tmp_path / "data", [{**one, "secret": "no", "$x": "<b>"} for one in rows(6)]
    )

    def make(*, blind: bool = False, questions: bytes = QUESTIONS) -> OpenedFolder:
        asked = ReviewRequest(
            (ANNA.did,),
            blind=blind,
            strip=("secret",),
            questions=parse_questions_file(questions),
            guideline="Read it.",
        )
        return open_folder(request_review(store, name, asked, tmp_path / "queue").folders[ANNA.did])

    return make


def tasks_of(opened: OpenedFolder) -> list[Task]:
    found: list[Task] = json.loads(label_studio_files(opened)["tasks.json"])
    return found


def region(name: str, *texts: str) -> Task:
    form, member = ("textarea", "text") if name == "note" else ("choices", "choices")
    return {
        "id": name,
        "from_name": name,
        "to_name": "field0",
        "type": form,
        "origin": "manual",
        "value": {member: [*texts]},
    }


def answered(task: Task, *regions: Task, **members: Any) -> Task:
    """Return a task as Label Studio exports it, with one annotation."""
    annotation = {
        "id": 7,
        "completed_by": 1,
        "result": [*regions],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-12-03T10:00:00.000000Z",
        "lead_time": 4.288,
        "prediction": {},
        "parent_prediction": None,
        **members,
    }
    return {"id": 3, "drafts": [], "meta": {}, "file_upload": "tasks.json", **task} | {
        "annotations": [annotation]
    }


def read(opened: OpenedFolder, tasks: list[Task]) -> DecisionFile:
    return label_studio_decisions(opened, json.dumps(tasks).encode())


def test_tasks(made: Made) -> None:
    opened = made()
    files = label_studio_files(opened)
    tasks = json.loads(files["tasks.json"])
    assert files["guideline.txt"] == b"Read it."
    shown = {task["data"]["lyrikstore_item"]: task for task in tasks}
    for item in opened.folder.items:
        data = shown[item.item]["data"]
        assert [data["field0"], data["field1"]] == [item.fields["text"], item.fields["$x"]]
        (guess,) = shown[item.item]["predictions"]
        assert guess["result"][0]["value"] == {"choices": list(item.candidate)}
    assert b"secret" not in files["tasks.json"]
    config = ElementTree.fromstring(files["config.xml"])
    value = next(one for one in config.iter("Choices") if one.get("name") == "value")
    labels = [one.get("alias") or one.get("value") for one in value.iter("Choice")]
    assert labels == list(opened.folder.questions.labels)
    # Label Studio puts data where a shown text names it.
    assert all(
        not (one.get("value") or "").startswith("$") for one in config.iter() if one.tag != "Text"
    )


def test_a_blind_queue_shows_no_candidate(made: Made) -> None:
    opened = made(blind=True)
    tasks = tasks_of(opened)
    assert not any("predictions" in task for task in tasks)
    given = [
        answered(tasks[0], region("value", "law")),
        answered(tasks[1], region("instead", "reject")),
    ]
    item = next(
        one for one in opened.folder.items if one.item == tasks[0]["data"]["lyrikstore_item"]
    )
    first, second = (
        next(
            one
            for one in read(opened, given).decisions
            if one.item == task["data"]["lyrikstore_item"]
        )
        for task in tasks[:2]
    )
    assert first.blind == ("law",)
    assert first.decision == ("accept" if item.candidate == ("law",) else "change")
    assert (second.decision, second.blind) == ("reject", ())


def test_decisions(made: Made, store: Store, tmp_path: Path) -> None:
    opened = made()
    tasks = sorted(tasks_of(opened), key=lambda one: int(one["data"]["lyrikstore_item"]))
    candidates = {one.item: one.candidate for one in opened.folder.items}
    given = [
        answered(tasks[0], region("value", *candidates[0]), region("question0", "no")),
        answered(tasks[1], region("value", "$50 fee"), region("note", "odd"), completed_by=2),
        answered(tasks[2], was_cancelled=True, completed_by={"id": 2, "email": "a@b.example"}),
        answered(tasks[3], region("instead", "reject"), region("reason", "wrong"), lead_time=None),
        {**tasks[4], "annotations": []},
    ]
    file = read(opened, given[::-1])
    words = [one.decision for one in file.decisions]
    assert words == ["accept", "change", "cannot-say", "reject"]
    assert [one.ms for one in file.decisions] == [4288, 4288, 4288, 0]
    assert file.decisions[0].answers == {"clear": "no"}
    assert (file.decisions[1].value, file.decisions[1].note) == (("$50 fee",), "odd")
    assert file.decisions[3].reason == "wrong"
    assert file.annotators == {"user 1": 2, "user 2": 1, "a@b.example": 1}
    signed = sign_decisions(opened, file, ANNA, now())
    review = hand_in(store, [signed], HeldFiles(tmp_path / "held")).review
    assert review is not None
    assert review.body["figures"]["decided"] == 4


def test_a_text_is_corrected(made: Made) -> None:
    opened = made(questions=TEXT)
    task = tasks_of(opened)[0]
    assert task["predictions"][0]["result"][0]["value"]["text"]
    corrected = {**region("value"), "value": {"text": ["another"]}}
    (found,) = read(opened, [answered(task, corrected)]).decisions
    assert found.value == ("another",)


def edited(task: Task) -> list[Task]:
    return [{**task, "data": {**task["data"], "field0": "another text"}}]


def of_another_item(task: Task) -> list[Task]:
    return [{**task, "data": {**task["data"], "lyrikstore_item": 999}}]


REFUSED: dict[str, tuple[str, Callable[[Task], Any]]] = {
    "A222: an edited text": ("other-text", edited),
    "a further text": (
        "other-text",
        lambda task: [{**task, "data": {**task["data"], "hint": "take law"}}],
    ),
    "A223: a record that nobody asked for": ("unknown-item", of_another_item),
    "another queue": (
        "other-queue",
        lambda task: [{**task, "data": {**task["data"], "lyrikstore_queue": "blake3:00"}}],
    ),
    "another reviewer": (
        "other-queue",
        lambda task: [{**task, "data": {**task["data"], "lyrikstore_reviewer": "did:key:z"}}],
    ),
    "a task of something else": ("bad-decision-file", lambda task: [{**task, "data": {"a": 1}}]),
    "a truth value as a number": (
        "bad-decision-file",
        lambda task: [{**task, "data": {**task["data"], "lyrikstore_item": False}}],
    ),
    "two annotations": (
        "several-annotations",
        lambda task: [{**task, "annotations": task["annotations"] * 2}],
    ),
    "a task twice": ("bad-decision-file", lambda task: [task, task]),
    "no answer": ("bad-decision-file", lambda task: [answered(task)]),
    "an answer to nothing": (
        "bad-decision-file",
        lambda task: [answered(task, region("mood", "good"))],
    ),
    "an answer twice": (
        "bad-decision-file",
        lambda task: [answered(task, region("value", "law"), region("value", "audit"))],
    ),
    "another word": (
        "bad-decision-file",
        lambda task: [answered(task, region("instead", "accept"))],
    ),
    "two reasons": (
        "bad-decision-file",
        lambda task: [answered(task, region("value", "law"), region("reason", "wrong", "wrong"))],
    ),
    "no list of texts": (
        "bad-decision-file",
        lambda task: [answered(task, {"from_name": "value", "value": {"choices": [1]}})],
    ),
    "a region of an image": ("bad-decision-file", lambda task: [answered(task, {"type": "x"})]),
    "no export": ("bad-decision-file", lambda task: {"tasks": [task]}),
    "no annotations": ("bad-decision-file", lambda task: [{"data": task["data"]}]),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(made: Made, what: str) -> None:
    kind, change = REFUSED[what]
    opened = made()
    task = answered(tasks_of(opened)[0], region("value", "law"))
    with refused(kind):
        read(opened, change(task))


def test_what_is_refused_when_it_is_signed(made: Made) -> None:
    opened = made()
    tasks = tasks_of(opened)
    file = read(opened, [answered(tasks[0], region("value", "invented"))])
    with refused("bad-decision-file"):  # none of the labels
        sign_decisions(opened, file, ANNA, now())
    with refused("no-decisions"):
        sign_decisions(opened, read(opened, []), ANNA, now())
    with refused("bad-json"):
        label_studio_decisions(opened, b"[{}")
    good = read(opened, [answered(tasks[0], region("value", "law"))])
    for bad in ({"": 1}, {"x" * 201: 1}, {"a": 2}, {"a": 0}, {"a": 1, "b": 1}, {"a": -1, "b": 1}):
        with refused("bad-decision-file"):
            parse_decisions(encoded(replace(good, annotators=bad)))
        with refused("bad-decision-file"):
            sign_decisions(opened, replace(good, annotators=bad), ANNA, now())
    many = [answered(one, region("value", "law")) for one in tasks]
    file = read(opened, many)
    more = replace(file, decisions=tuple(replace(file.decisions[0], item=n) for n in range(101)))
    with refused("bad-decision-file"):
        parse_decisions(encoded(replace(more, annotators={f"a{n}": 1 for n in range(101)})))


def test_a_label_that_cannot_be_written(made: Made) -> None:
    opened = made()
    questions = replace(opened.folder.questions, labels=("a\x01b",))
    with refused("bad-questions"):
        label_studio_files(replace(opened, folder=replace(opened.folder, questions=questions)))
