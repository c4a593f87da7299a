"""Audit files: the vectors, by this program and by a reader that shares nothing with it."""

import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

import make_audit
from lyrikstore.audit.file.answers import ANSWERERS, answers_of
from lyrikstore.audit.file.opened import open_evidence
from lyrikstore.audit.file.questions import QUESTIONS
from lyrikstore.canon.json import as_json
from tests.audit.file import reader
from tests.audit.file.conftest import EVIDENCE, VECTORS

DOCUMENT = json.loads(EVIDENCE)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["id"])
def test_evidence(case: dict[str, Any]) -> None:
    said = {name: case[name] for name in ("refused", "verdict", "checks") if name in case}
    assert make_audit.judge(make_audit.edited(DOCUMENT, case))[0] == said


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["id"])
def test_another_reader_agrees(case: dict[str, Any]) -> None:
    failing = case.get("verdict") == "invalid" or "refused" in case
    # It knows neither the members nor the subjects of evidence, and no credential.
    if case["id"] in {"another-member", "about-two", "about-nothing-known", "no-namespace"}:
        return
    try:
        said = reader.read(make_audit.edited(DOCUMENT, case))
    except (AssertionError, InvalidSignature, KeyError, ValueError):
        said = "wrong"
    assert (said == "wrong") == failing
    if not failing and case["id"] != "credential-left-out":
        assert said == ("sound" if case["verdict"] == "trusted-without-data" else "incomplete")


def test_answers() -> None:
    assert as_json(answers_of(open_evidence(EVIDENCE))) == VECTORS["answers"]


def test_every_question_has_an_answerer_and_its_words_are_used() -> None:
    assert [one.id for one in QUESTIONS] == list(ANSWERERS)
    assert all("none" in one.because and one.tables for one in QUESTIONS)
