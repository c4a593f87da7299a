"""A reviewer decides on a page opened from disk, by keys, and signs."""

import time
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.history.manifests.manifest import parse_manifest
from lyrikstore.review.folder import checked_folder
from lyrikstore.verify.review.decision_file import check_proof, decision_fault
from lyrikstore.verify.review.model import DecisionFile, parse_decisions, parse_folder
from tests.web.conftest import EVERY_BROWSER
from tests.web.draft.drafting import download
from tests.web.review.reviewing import (
    Files,
    decide_all,
    folder_of,
    further,
    item,
    key_file,
    open_key,
    opened,
    questions_of,
    sign,
    stored,
    written,
)
from tests.web.test_accessible import shortcomings

pytestmark = [pytest.mark.web]
LABELS = ("audit", "insurance", "law")
ITEMS = [item(n, f"clause {n} on {LABELS[n % 3]}", LABELS[(n * n) % 3]) for n in (4, 2, 7, 0)]


def read(data: bytes, files: Files) -> DecisionFile:
    """Return a signed file after the checks of an import."""
    folder = checked_folder(files[0], parse_manifest(files[1]), parse_manifest(files[2]))
    file = parse_decisions(data)
    check_proof(data, file)
    assert (file.queue, file.reviewer) == (str(folder.queue.id), folder.folder.reviewer)
    for one in file.decisions:
        assert not decision_fault(one, folder.folder.questions, blind=folder.folder.blind)
    return file


@EVERY_BROWSER
def test_decisions_are_signed(open_page, tmp_path: Path) -> None:
    reasons, more = ("wrong", "unclear"), (further("clear", "Is it clear?", "yes", "no"),)
    files = folder_of(ITEMS, questions_of(LABELS, reasons=reasons, questions=more))
    window = opened(open_page, written(files, tmp_path))
    page = window.page
    page.fill("#review-note", "<b>\u202e fine")
    page.click("#review-accept")
    page.click("#review-labels button:nth-of-type(3)")
    page.click("#review-reject")
    page.click("#review-cannot-say")
    assert "4 of 4" in page.text_content("#review-progress")
    open_key(page, key_file("anna", tmp_path))
    file = read(sign(window), files)
    found: Any = {one.item: one for one in file.decisions}
    assert [one.item for one in file.decisions] == [0, 2, 4, 7]
    assert (found[4].decision, found[4].note) == ("accept", "<b>\u202e fine")
    assert (found[2].decision, found[2].value) == ("change", ("law",))
    assert (found[7].decision, found[0].decision) == ("reject", "cannot-say")


@EVERY_BROWSER
def test_the_text_comes_first(open_page, tmp_path: Path) -> None:
    fields = {"10": "note", "a": "a note", "z": "\U0001f602 die Miete"}
    items = [item(0, "", "law", fields=fields, spans=((2, 5, "word"),))]
    page = opened(
        open_page, written(folder_of(items, questions_of(LABELS), text="z"), tmp_path)
    ).page
    names = "[...document.querySelectorAll('#review-record h3')].map((one) => one.textContent)"
    assert page.evaluate(names) == ["z", "10", "a"]
    marks = "[...document.querySelectorAll('#review-record mark')].map((one) => one.textContent)"
    assert page.evaluate(marks) == ["die"]


def test_spans_outside_the_text_are_refused(open_page, tmp_path: Path) -> None:
    items = [item(0, "law", "law", spans=((0, 4, "word"),))]
    page = opened(open_page, written(folder_of(items, questions_of(LABELS)), tmp_path)).page
    assert "Nothing can be decided" in page.text_content("#review-refused")


def test_reasons_and_answers(open_page, tmp_path: Path) -> None:
    reasons, more = ("wrong", "unclear"), (further("clear", "Is it clear?", "yes", "no"),)
    files = folder_of(ITEMS[:1], questions_of(LABELS, reasons=reasons, questions=more))
    window = opened(open_page, written(files, tmp_path))
    page = window.page
    page.keyboard.press("r")
    page.select_option("#review-reason", "unclear")
    page.select_option("#review-further-0", "no")
    open_key(page, key_file("anna", tmp_path))
    (one,) = read(sign(window), files).decisions
    assert (one.decision, one.reason, one.answers) == ("reject", "unclear", {"clear": "no"})


def test_a_blind_answer_stays(open_page, tmp_path: Path) -> None:
    """Neither undo nor loading the page again hides a candidate that was seen."""
    files = folder_of(ITEMS, questions_of(LABELS), blind=True)
    window = opened(open_page, written(files, tmp_path))
    page = window.page
    candidate = ITEMS[0].candidate[0]
    assert candidate not in page.text_content("#review-candidate")
    page.keyboard.press("a")  # does nothing yet
    assert "0 of 4" in page.text_content("#review-progress")
    other = next(one for one in LABELS if one != candidate)
    page.keyboard.press(str(LABELS.index(other) + 1))
    assert candidate in page.text_content("#review-candidate")
    page.reload()
    page.wait_for_selector("#review-sign")
    assert candidate in page.text_content("#review-candidate")
    page.keyboard.press("a")
    page.keyboard.press("u")
    assert candidate in page.text_content("#review-candidate")
    page.keyboard.press("a")
    open_key(page, key_file("anna", tmp_path))
    (one,) = read(sign(window), files).decisions
    assert (one.blind, one.decision) == ((other,), "accept")


def test_keys(open_page, tmp_path: Path) -> None:
    files = folder_of(ITEMS, questions_of(LABELS), guideline="Read all.")
    page = opened(open_page, written(files, tmp_path)).page
    for key, number in (("s", 2), ("ArrowLeft", 1), ("a", 2), ("u", 1)):
        page.keyboard.press(key)
        assert page.text_content("#review-head").startswith(f"Record {number} of 4")
    page.keyboard.press("n")
    page.keyboard.type("a 1 r")  # letters of a note, and no keys
    page.keyboard.press("Escape")
    assert "0 of 4" in page.text_content("#review-progress")


def test_several_of_many_labels(open_page, tmp_path: Path) -> None:
    labels = [f"label {n:02}" for n in range(38)]
    files = folder_of([item(0, "text", ["label 01"])], questions_of(labels, several=True))
    window = opened(open_page, written(files, tmp_path))
    page = window.page
    page.keyboard.press("c")
    page.keyboard.type("37")
    page.keyboard.press("Enter")
    page.click("#review-take")
    open_key(page, key_file("anna", tmp_path))
    (one,) = read(sign(window), files).decisions
    assert one.value == ("label 01", "label 37")


def test_free_text(open_page, tmp_path: Path) -> None:
    files = folder_of([item(0, "a question", "an answer")], questions_of(()))
    window = opened(open_page, written(files, tmp_path))
    page = window.page
    page.keyboard.press("c")
    page.keyboard.type("another ")
    page.click("#review-take")
    open_key(page, key_file("anna", tmp_path))
    (one,) = read(sign(window), files).decisions
    assert len(one.value) == 1
    assert "another " in one.value[0]


def test_what_is_decided_is_there_again(open_page, tmp_path: Path) -> None:
    window = opened(open_page, written(folder_of(ITEMS, questions_of(LABELS)), tmp_path))
    page = window.page
    page.click("#review-accept")
    assert [one["decision"] for one in stored(page)] == ["accept"]
    saved = tmp_path / "saved.json"
    saved.write_bytes(download(window, "#review-save"))
    page.reload()
    page.wait_for_selector("#review-sign")
    assert "1 of 4" in page.text_content("#review-progress")
    page.evaluate("localStorage.clear()")
    page.reload()
    page.wait_for_selector("#review-sign")
    assert "0 of 4" in page.text_content("#review-progress")
    page.set_input_files("#review-load", saved)
    page.wait_for_selector("#review-progress:text('1 of 4')")


@pytest.mark.page
@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 360), pytest.param("dark", 1280, marks=pytest.mark.ci)]
)
def test_everybody_can_use_it(open_page, tmp_path: Path, scheme, width) -> None:
    reasons, more = ("wrong",), (further("clear", "Is it clear?", "yes", "no"),)
    questions = questions_of(LABELS, reasons=reasons, questions=more, highlight=("on",))
    items = [item(0, "A long text. " * 400, "law", spans=((2, 6, "word"), (4, 9, "other")))]
    files = folder_of([*items, *ITEMS[:2]], questions, blind=True, guideline="Read.")
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    window = opened(open_page, written(files, tmp_path), **look)
    page = window.page
    assert shortcomings(window) == []
    page.keyboard.press("1")
    assert shortcomings(window) == []
    page.keyboard.press("c")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert shortcomings(window) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    window.shot(f"review-{scheme}-{width}")


def test_a_thousand_records_stay_fluid(open_page, tmp_path: Path) -> None:
    items = [item(n, f"clause {n} " * 100, LABELS[n % 3]) for n in range(1000)]
    files = folder_of(items, questions_of(LABELS))
    page = opened(open_page, written(files, tmp_path)).page
    began = time.monotonic()
    for _ in range(100):
        page.keyboard.press("a")
    assert "100 of 1000" in page.text_content("#review-progress")
    assert (time.monotonic() - began) / 100 < 0.25  # a slow machine with other work too
    assert page.evaluate("document.querySelectorAll('#review-record .record').length") == 1
    assert sum("decision" in one for one in stored(page)) == 100


def test_all_by_keys(open_page, tmp_path: Path) -> None:
    """What scripts that decide through the page use."""
    files = folder_of(ITEMS, questions_of(LABELS, reasons=("wrong",)), blind=True)
    window = opened(open_page, written(files, tmp_path))
    right = {one.item: LABELS[one.item % 3] for one in ITEMS}
    decide_all(
        window.page,
        parse_folder(files[0]),
        lambda one: (
            [right[one.item]],
            "accept" if one.candidate == (right[one.item],) else right[one.item],
        ),
    )
    open_key(window.page, key_file("anna", tmp_path))
    for one in read(sign(window), files).decisions:
        assert one.blind == (right[one.item],)
