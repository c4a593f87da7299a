"""Cards by a profile, shipped or a file of one's own: filled from facts that there are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.publish.cards.answer import CardAnswer
from lyrikstore.publish.cards.document import CardDocument, build_card, shown_beside
from lyrikstore.publish.cards.facts import CardFacts, gather
from lyrikstore.publish.cards.profiles.profile import (
    Contradiction,
    Profile,
    load_profile,
    shipped_profiles,
)
from lyrikstore.publish.cards.rendering.markdown import to_markdown
from lyrikstore.publish.cards.vocabulary import say_all
from tests.publish.cards.shipped import SHIPPED

ONLY_GENERATING = ("eu-gpai-53", "us-ca-ab2013")

OWN = """
profile = "our-firm/1"
title = "Our firm"
about = "checkpoint"
asOf = "2026-11-28"
reviewedBy = "A. Lawyer"

[questions.purpose]
asks = "What for?"
choices = ["This", "That"]
shows = ["model.task"]

[[items]]
id = "1"
clause = "House rule 1"
asks = "what for"
required = true
fill = ["model.task"]
question = "purpose"

[[contradictions]]
question = "purpose"
choice = "This"
fact = "model.task"
says = ["that"]
because = "it is not"
"""

TWICE = """[[items]]
id = "1"
clause = "House rule 1"
asks = "the same"
fill = ["model.task"]

"""
Facts = Mapping[str, CardFacts]
"""What a profile is about → facts of one."""


@pytest.fixture(scope="module")
def known(full_chain: Any) -> Facts:
    made = {"checkpoint": full_chain.made["checkpoint"], "dataset": full_chain.made["train"]}
    return {about: gather(full_chain.repository, one) for about, one in made.items()}


@pytest.fixture(scope="module")
def facts(known: Facts) -> CardFacts:
    return known["checkpoint"]


def generating(facts: CardFacts) -> CardFacts:
    """Return the facts of a generative model text; of a dataset, as they are."""
    model = facts.subject
    if model.kind == "dataset":
        return facts
    return replace(facts, subject=replace(model, body={**model.body, "task": "sft"}))


def of(document: CardDocument) -> Mapping[str, Any]:
    """Return the only profile of a card."""
    profiles: Any = document.content["profiles"]
    (found,) = profiles
    return dict(found)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_of_it_is_a_pure_function(known: Facts, name: str) -> None:
    facts = known[SHIPPED[name].about]
    for given in (facts, generating(facts)):
        first, second = (build_card(given, (), [load_profile(name)]) for _ in range(2))
        assert first.data == second.data
        text = to_markdown(first.content)
        assert text == to_markdown(second.content)
        assert b"reviewed by no lawyer" in text


def test_a_card_of_all_is_a_pure_function(facts: CardFacts) -> None:
    profiles = [one for one in shipped_profiles().values() if one.about == "checkpoint"]
    first, second = (build_card(facts, (), profiles) for _ in range(2))
    assert first.data == second.data


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_open_is_a_question_to_a_person(known: Facts, name: str) -> None:
    facts = known[SHIPPED[name].about]
    found = of(build_card(generating(facts), (), [SHIPPED[name]]))
    assert [one["id"] for one in found["items"]] == [one.id for one in SHIPPED[name].items]
    assert [one["id"] for one in found["items"] if one["open"] and "question" not in one] == []
    assert [one["id"] for one in found["items"] if not one["open"]] == [
        one.id for one in SHIPPED[name].items if not one.question
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_who_generates_nothing_is_not_asked_about_generating(known: Facts, name: str) -> None:
    facts = known[SHIPPED[name].about]
    found = of(build_card(facts, (), [SHIPPED[name]]))
    if name in ONLY_GENERATING:
        assert (found["items"], found["open"]) == ([], 0)
        assert found["doesNotApply"] == SHIPPED[name].applies["otherwise"]
    else:
        assert found["items"]
        assert "doesNotApply" not in found


def test_nobody_says_of_an_unknown_task_what_its_models_generate(facts: CardFacts) -> None:
    body = {name: said for name, said in facts.subject.body.items() if name != "labels"}
    for task, state in (("token-tagging", "not-established"), ("sft", "derived")):
        model = replace(facts.subject, body={**body, "task": task})
        found = say_all(replace(facts, subject=model))
        assert [one.state for one in found if one.fact == "model.generates"] == [state]


RULES = [(name, rule) for name, profile in SHIPPED.items() for rule in profile.contradictions]


def saying(facts: CardFacts, rule: Contradiction, word: str) -> CardFacts:
    """Return facts in which a fact says a word of a rule."""
    if rule.fact == "data.personal-found":
        (role, train), *others = facts.datasets
        assert role in {"train", "subject"}
        derivation = {**train.body["derivation"], "reported": {word: 3}}
        train = replace(train, body={**train.body, "derivation": derivation})
        return replace(facts, datasets=((role, train), *others))
    role, source = facts.datasets[-1]
    body = dict(source.body)
    if rule.fact == "data.licence":
        body["licence"] = {"expression": f"{word}4.0" if word.endswith("-") else f"{word}-4.0"}
    else:
        kind, _, state = word.partition(" ")
        said = {"state": "value", "value": {kind: state}, "basis": "human-asserted"}
        body["descriptor"] = {**body["descriptor"], "classification": said}
    assert not list(source.made_from)
    return replace(facts, datasets=(*facts.datasets[:-1], (role, replace(source, body=body))))


def answered(facts: CardFacts, profile: Profile, question: str, choice: str) -> Mapping[str, Any]:
    asked = profile.questions[question]
    answer = CardAnswer(
        question=question, state="value", text="", choice=choice, scope="version",
        seen=shown_beside(asked, say_all(facts)), asks=asked.asks,
        by="did:key:z6Mkexpert", person="", credential=Digest.of(b"answer"),
        about=facts.subject.id, index=99,
    )  # fmt: skip
    statements: Any = build_card(facts, [answer], [profile]).content["statements"]
    (found,) = (one for one in statements if one["id"].startswith(f"answer.{question}:"))
    return dict(found)


@pytest.mark.parametrize(("name", "rule"), RULES, ids=[f"{name}-{r.question}" for name, r in RULES])
def test_an_answer_against_the_facts_is_contradicted(
    known: Facts, name: str, rule: Contradiction
) -> None:
    profile = SHIPPED[name]
    given = generating(known[profile.about])
    assert answered(given, profile, rule.question, rule.choice)["state"] == "attested"
    for word in rule.says:
        found = answered(saying(given, rule, word), profile, rule.question, rule.choice)
        assert (found["state"], found["was"]) == ("contradicted", rule.because)
    for choice in set(profile.questions[rule.question].choices) - {rule.choice}:
        found = answered(saying(given, rule, rule.says[0]), profile, rule.question, choice)
        assert found["state"] == "attested"


def test_data_without_personal_data_contradicts_nobody(facts: CardFacts) -> None:
    profile = SHIPPED["us-co-admt"]
    for rule, word in zip(profile.contradictions, ("pi absent", "found-date"), strict=True):
        found = saying(generating(facts), rule, word)
        assert answered(found, profile, rule.question, rule.choice)["state"] == "attested"


def test_a_firm_has_a_file_of_its_own(tmp_path: Path, facts: CardFacts) -> None:
    path = tmp_path / "our-firm.toml"
    path.write_text(OWN, "utf-8")
    profile = load_profile(str(path))
    assert (profile.name, profile.reviewed_by) == ("our-firm", "A. Lawyer")
    found = of(build_card(facts, (), [profile]))
    assert found["digest"] == str(Digest.of(OWN.encode()))
    assert [one["open"] for one in found["items"]] == [True]


def test_a_profile_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotFoundError) as caught:
        load_profile("us-healht")
    assert caught.value.kind == "no-profile"


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ('fill = ["model.task"]', 'fill = ["model.tusk"]', "unknown-fact"),
        ('shows = ["model.task"]', 'shows = ["model.colour"]', "unknown-fact"),
        ('fact = "model.task"', 'fact = "model.colour"', "unknown-fact"),
        ('fill = ["model.task"]\nquestion = "purpose"', 'question = "other"', "bad-profile"),
        ('\nquestion = "purpose"\n\n', "\n\n", "bad-profile"),
        ('fill = ["model.task"]\nquestion = "purpose"', "", "bad-profile"),
        ('choice = "This"', 'choice = "Neither"', "bad-profile"),
        ("required = true", "require = true", "bad-profile"),
        ('title = "Our firm"', 'title = "Our firm"\nscale = "short"', "bad-profile"),
        ("2026-11-28", "2026-02-30", "bad-profile"),
        ("2026-11-28", "28 November 2026", "bad-profile"),
        ("[[items]]", "[[items]", "bad-profile"),
        ("[[items]]", TWICE + "[[items]]", "bad-profile"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused(tmp_path: Path, old: str, new: str, kind: str) -> None:
    assert old in OWN
    path = tmp_path / "bad.toml"
    path.write_text(OWN.replace(old, new, 1), "utf-8")
    with pytest.raises(InvalidInputError) as caught:
        load_profile(str(path))
    assert caught.value.kind == kind
    assert caught.value.hint
