"""The profiles that are shipped: complete, dated, sourced and of one voice."""

import re
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.curate.personal.kinds import IDENTIFIERS
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.vocabulary import VOCABULARY
from tests.publish.cards.shipped import LISTED, LISTED_SME, SHIPPED


def lines(listed: str) -> list[tuple[str, str, str]]:
    found = [line.split(maxsplit=2) for line in listed.splitlines() if line.strip()]
    return [(one[0], one[1], one[2]) for one in found]


def test_these_are_shipped() -> None:
    assert SHIPPED.keys() >= {"huggingface", "eu-ai-act-sme", *LISTED}


@pytest.mark.parametrize("name", [*LISTED, "eu-ai-act-sme"])
def test_every_listed_item_is_there(name: str) -> None:
    expected = lines(LISTED.get(name, LISTED_SME))
    found = [
        (one.id, "people" if one.question else "evidence", one.clause)
        for one in SHIPPED[name].items
    ]
    assert found == expected


def test_lists_that_a_law_counts_are_whole() -> None:
    attributes = {one.id for one in SHIPPED["us-health"].items}
    assert attributes >= {f"hti-{number}" for number in range(1, 32)}
    assert [one.id for one in SHIPPED["us-ca-ab2013"].items] == [str(n) for n in range(1, 13)]
    guidance = SHIPPED["us-health"].questions["safe-harbor-identifiers"].guidance
    for letter, what in IDENTIFIERS.items():
        assert f"{letter} {what}" in guidance
    points = {one.clause for one in SHIPPED["eu-ai-act"].items}
    assert points >= {f"Annex IV, 1({letter})" for letter in "abcdefgh"}
    assert points >= {f"Annex IV, 2({letter})" for letter in "abcdefgh"}
    assert points >= {f"Annex IV, {number}" for number in range(3, 10)}
    assert points >= {f"Article 10(2)({letter})" for letter in "abcdefgh"}
    assert points >= {f"Article 13(3)({letter})" for letter in "acdef"}
    assert points >= {"Article 4a", "Article 10(3)", "Article 10(4)", "Article 18"}
    assert "Article 10(5)" not in points
    points = {one.clause for one in SHIPPED["eu-gpai-53"].items}
    assert points >= {f"Annex XI, section 1, 1({letter})" for letter in "abcdef"}
    assert points >= {f"Annex XI, section 1, 2({letter})" for letter in "abcde"}
    template = "1.1 1.2 1.3 2.1 2.2.1 2.2.2 2.3 2.4 2.5 2.6 3.1 3.2 3.3"
    assert points >= {f"Public summary, {number}" for number in template.split()}


def test_the_short_form_asks_the_same_and_requires_less() -> None:
    whole, short = SHIPPED["eu-ai-act"], SHIPPED["eu-ai-act-sme"]
    assert [replace(one, required=False) for one in whole.items] == [
        replace(one, required=False) for one in short.items
    ]
    required = [{one.id for one in form.items if one.required} for form in (whole, short)]
    assert required[1] < required[0]
    assert "not found" in short.banner
    assert whole.questions == short.questions


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_named_dated_and_sourced(name: str) -> None:
    profile = SHIPPED[name]
    assert profile.name == name
    assert load_profile(name) == profile
    assert (profile.as_of, profile.reviewed_by) == ("2026-11-28", "")
    assert b'\nreviewedBy = ""\n' in profile.data
    assert profile.banner
    assert profile.sources
    for source in profile.sources:
        assert source["cite"]
        assert source["retrieved"] <= profile.as_of


@pytest.mark.parametrize("name", SHIPPED)
def test_every_item_can_be_answered_from_what_there_is(name: str) -> None:
    profile = SHIPPED[name]
    for item in profile.items:
        assert item.fill or item.question
        assert VOCABULARY.keys() >= set(item.fill)
    for question in profile.questions.values():
        assert question.asks.endswith("?")
        assert VOCABULARY.keys() >= set(question.shows)


@pytest.mark.parametrize("name", SHIPPED)
def test_it_promises_and_decides_nothing(name: str) -> None:
    text = SHIPPED[name].data.decode().casefold()
    assert not re.search(r"complian[tc]|legal advice|high-risk|de-identified|anonymi[sz]ed", text)


def test_a_question_has_one_text_wherever_it_is_asked() -> None:
    seen: dict[str, Any] = {}
    for profile in SHIPPED.values():
        for name, question in profile.questions.items():
            assert seen.setdefault(name, question) == question
    # The same facts about training data are asked once, for the Union and for California.
    shared = SHIPPED["eu-gpai-53"].questions.keys() & SHIPPED["us-ca-ab2013"].questions.keys()
    assert shared >= {"collection-period", "synthetic-data"}
