"""The profiles that are shipped: complete, of one voice, filled from facts that there are."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.curate.personal.kinds import IDENTIFIERS
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
from lyrikstore.publish.cards.vocabulary import VOCABULARY, say_all

SHIPPED = shipped_profiles()

LISTED: Mapping[str, str] = {
    "us-health": """
        hipaa-path          people    45 CFR 164.514
        hipaa-expert        people    45 CFR 164.514(b)(1)
        hipaa-identifiers   people    45 CFR 164.514(b)(2)(i)
        hipaa-knowledge     people    45 CFR 164.514(b)(2)(ii)
        hipaa-residual      people    45 CFR 164.514(b)
        hipaa-agreements    people    HIPAA, agreements
        hipaa-rights        evidence  HIPAA, rights in the data
        hipaa-words         people    HIPAA, the model
        hti-1               people    HTI-1, attribute 1, details and output
        hti-2               people    HTI-1, attribute 2, details and output
        hti-3               people    HTI-1, attribute 3, details and output
        hti-4               evidence  HTI-1, attribute 4, details and output
        hti-5               people    HTI-1, attribute 5, purpose
        hti-6               people    HTI-1, attribute 6, purpose
        hti-7               people    HTI-1, attribute 7, purpose
        hti-8               people    HTI-1, attribute 8, purpose
        hti-9               people    HTI-1, attribute 9, cautioned use
        hti-10              people    HTI-1, attribute 10, cautioned use
        hti-10-risks        people    HTI-1, attribute 10, cautioned use
        hti-11              people    HTI-1, attribute 11, development
        hti-12              people    HTI-1, attribute 12, development
        hti-13              people    HTI-1, attribute 13, development
        hti-14              people    HTI-1, attribute 14, development
        hti-15              people    HTI-1, attribute 15, fairness
        hti-16              people    HTI-1, attribute 16, fairness
        hti-17              people    HTI-1, attribute 17, external validation
        hti-18              people    HTI-1, attribute 18, external validation
        hti-19              people    HTI-1, attribute 19, external validation
        hti-20              people    HTI-1, attribute 20, external validation
        hti-21              evidence  HTI-1, attribute 21, performance
        hti-22              people    HTI-1, attribute 22, performance
        hti-23              people    HTI-1, attribute 23, performance
        hti-24              people    HTI-1, attribute 24, performance
        hti-25              people    HTI-1, attribute 25, performance
        hti-26              people    HTI-1, attribute 26, maintenance
        hti-27              people    HTI-1, attribute 27, maintenance
        hti-28              people    HTI-1, attribute 28, maintenance
        hti-29              people    HTI-1, attribute 29, maintenance
        hti-30              people    HTI-1, attribute 30, updates
        hti-31              people    HTI-1, attribute 31, updates
        pccp-modifications  people    FDA, predetermined change control plan
        pccp-protocol       evidence  FDA, predetermined change control plan
        pccp-impact         people    FDA, predetermined change control plan
    """,
    "us-legal": """
        use           people    Model Rule 1.1
        out-of-scope  people    Model Rule 1.1
        1.1           people    Model Rule 1.1
        1.1-tests     evidence  Model Rule 1.1
        1.1-training  people    Model Rule 1.1
        1.6           people    Model Rule 1.6
        1.6-consent   people    Model Rule 1.6, Opinion 512
        1.6-rights    evidence  Model Rule 1.6
        1.6-walls     people    Model Rule 1.6, Opinion 512
        1.6-place     people    Model Rule 1.6
        1.6-words     people    Model Rule 1.6
        matters       evidence  Conflicts and matters
        1.4           people    Model Rule 1.4
        1.5           people    Model Rule 1.5
        3.1           people    Model Rule 3.1
        3.3           people    Model Rule 3.3
        5.1           people    Model Rule 5.1
        5.3           people    Model Rule 5.3
        oversight     people    Model Rule 5.3
        monitoring    people    Model Rule 1.1
        state         people    Rules of the states
        contact       people    Model Rule 5.1
    """,
    "eu-gpai-53": """
        scope          people    Guidelines, points 57 to 63
        scope-compute  people    Guidelines, points 57 to 63
        1a             people    Annex XI, section 1, 1(a)
        1a-systems     people    Annex XI, section 1, 1(a)
        1b             people    Annex XI, section 1, 1(b)
        1c             people    Annex XI, section 1, 1(c)
        1d             evidence  Annex XI, section 1, 1(d)
        1e             evidence  Annex XI, section 1, 1(e)
        1f             people    Annex XI, section 1, 1(f)
        2a             people    Annex XI, section 1, 2(a)
        2b             people    Annex XI, section 1, 2(b)
        2c             evidence  Annex XI, section 1, 2(c)
        2c-obtained    evidence  Annex XI, section 1, 2(c)
        2c-unsuitable  people    Annex XI, section 1, 2(c)
        2d             people    Annex XI, section 1, 2(d)
        2e             people    Annex XI, section 1, 2(e)
        53(1)(b)       people    Article 53(1)(b), Annex XII
        53(1)(c)       people    Article 53(1)(c)
        s1.1           people    Public summary, 1.1
        s1.2           evidence  Public summary, 1.2
        s1.3           people    Public summary, 1.3
        s1.3-acquired  people    Public summary, 1.3
        s2.1           evidence  Public summary, 2.1
        s2.2.1         evidence  Public summary, 2.2.1
        s2.2.2         people    Public summary, 2.2.2
        s2.3           people    Public summary, 2.3
        s2.4           people    Public summary, 2.4
        s2.5           people    Public summary, 2.5
        s2.6           people    Public summary, 2.6
        s3.1           people    Public summary, 3.1
        s3.2           people    Public summary, 3.2
        s3.3           people    Public summary, 3.3
    """,
    "us-ca-ab2013": """
        1   evidence  Civil Code 3111(a)(1)
        2   people    Civil Code 3111(a)(2)
        3   evidence  Civil Code 3111(a)(3)
        4   evidence  Civil Code 3111(a)(4)
        5   people    Civil Code 3111(a)(5)
        6   evidence  Civil Code 3111(a)(6)
        7   people    Civil Code 3111(a)(7)
        8   people    Civil Code 3111(a)(8)
        9   evidence  Civil Code 3111(a)(9)
        10  people    Civil Code 3111(a)(10)
        11  people    Civil Code 3111(a)(11)
        12  people    Civil Code 3111(a)(12)
    """,
    "eu-ai-act": """
        class          people    Article 6, Annexes I and III
        1a             people    Annex IV, 1(a)
        1a-provider    evidence  Annex IV, 1(a)
        1a-version     evidence  Annex IV, 1(a)
        1b             people    Annex IV, 1(b)
        1c             evidence  Annex IV, 1(c)
        1c-updates     people    Annex IV, 1(c)
        1d             people    Annex IV, 1(d)
        1e             people    Annex IV, 1(e)
        1f             people    Annex IV, 1(f)
        1g             people    Annex IV, 1(g)
        1h             people    Annex IV, 1(h)
        2a             evidence  Annex IV, 2(a)
        2b             people    Annex IV, 2(b)
        2c             evidence  Annex IV, 2(c)
        2c-compute     people    Annex IV, 2(c)
        2d             evidence  Annex IV, 2(d)
        2d-obtained    evidence  Annex IV, 2(d)
        2d-labels      people    Annex IV, 2(d)
        2d-cleaning    evidence  Annex IV, 2(d)
        2e             people    Annex IV, 2(e)
        2f             people    Annex IV, 2(f)
        2g             evidence  Annex IV, 2(g)
        2g-reports     evidence  Annex IV, 2(g)
        2g-groups      people    Annex IV, 2(g)
        2g-robustness  people    Annex IV, 2(g)
        2h             people    Annex IV, 2(h)
        3-limits       people    Annex IV, 3
        3-groups       people    Annex IV, 3
        3-unintended   people    Annex IV, 3
        3-oversight    people    Annex IV, 3
        3-input        people    Annex IV, 3
        4              people    Annex IV, 4
        5              people    Annex IV, 5
        6              evidence  Annex IV, 6
        7              people    Annex IV, 7
        8              people    Annex IV, 8
        9              people    Annex IV, 9
        10(2)(a)       people    Article 10(2)(a)
        10(2)(b)       people    Article 10(2)(b)
        10(2)(c)       evidence  Article 10(2)(c)
        10(2)(d)       people    Article 10(2)(d)
        10(2)(e)       evidence  Article 10(2)(e)
        10(2)(f)       people    Article 10(2)(f)
        10(2)(g)       people    Article 10(2)(g)
        10(2)(h)       people    Article 10(2)(h)
        10(3)          people    Article 10(3)
        10(4)          people    Article 10(4)
        4a             people    Article 4a
        13(3)(a)       people    Article 13(3)(a)
        13(3)(b)(i)    people    Article 13(3)(b)(i)
        13(3)(b)(ii)   evidence  Article 13(3)(b)(ii)
        13(3)(b)(iii)  people    Article 13(3)(b)(iii)
        13(3)(b)(iv)   people    Article 13(3)(b)(iv)
        13(3)(b)(v)    people    Article 13(3)(b)(v)
        13(3)(b)(vi)   people    Article 13(3)(b)(vi)
        13(3)(b)(vii)  people    Article 13(3)(b)(vii)
        13(3)(c)       people    Article 13(3)(c)
        13(3)(d)       people    Article 13(3)(d)
        13(3)(e)       people    Article 13(3)(e)
        13(3)(f)       people    Article 13(3)(f)
        18             people    Article 18
    """,
    "us-mrm": """
        scope             evidence  SR 26-2, footnote 3
        III-purpose       people    SR 26-2, section III
        III-materiality   people    SR 26-2, section III
        III-dependencies  people    SR 26-2, section III
        III-challenge     people    SR 26-2, section III
        IV-testing        evidence  SR 26-2, section IV
        IV-benchmark      evidence  SR 26-2, section IV
        IV-use            people    SR 26-2, section IV
        V-soundness       people    SR 26-2, section V
        V-data            evidence  SR 26-2, section V
        V-data-relevance  people    SR 26-2, section V
        V-outcomes        people    SR 26-2, section V
        V-sensitivity     people    SR 26-2, section V
        V-limits          people    SR 26-2, section V
        V-monitoring      people    SR 26-2, section V
        V-drift           people    SR 26-2, section V
        VI-inventory      evidence  SR 26-2, section VI
        VI-documentation  evidence  SR 26-2, section VI
        VI-changes        evidence  SR 26-2, section VI
        VI-roles          people    SR 26-2, section VI
        VII-vendor        evidence  SR 26-2, section VII
    """,
    "us-co-admt": """
        decisions    people    SB 26-189
        1a           people    SB 26-189, 1702(1)(a)
        1a-harmful   people    SB 26-189, 1702(1)(a)
        1b           evidence  SB 26-189, 1702(1)(b)
        1b-personal  people    SB 26-189, 1702(1)(b)
        1c           people    SB 26-189, 1702(1)(c)
        1d           people    SB 26-189, 1702(1)(d)
        1d-review    people    SB 26-189, 1702(1)(d)
        1e           people    SB 26-189, 1702(1)(e)
        2            people    SB 26-189, 1702(2)
        4            people    SB 26-189, 1702(4)
        4-versions   evidence  SB 26-189, 1702(4)
    """,
    "nist-ai-rmf": """
        GOVERN-1.6    evidence  GOVERN 1.6
        GOVERN-2.1    people    GOVERN 2.1
        GOVERN-6.1    evidence  GOVERN 6.1
        MAP-1.1       people    MAP 1.1
        MAP-2.1       evidence  MAP 2.1
        MAP-2.2       people    MAP 2.2
        MAP-2.3       people    MAP 2.3
        MAP-3.1       people    MAP 3.1
        MAP-3.2       people    MAP 3.2
        MAP-3.3       people    MAP 3.3
        MAP-3.4       people    MAP 3.4
        MAP-3.5       people    MAP 3.5
        MAP-4.1       evidence  MAP 4.1
        MEASURE-1.1   people    MEASURE 1.1
        MEASURE-2.1   evidence  MEASURE 2.1
        MEASURE-2.2   people    MEASURE 2.2
        MEASURE-2.3   people    MEASURE 2.3
        MEASURE-2.5   people    MEASURE 2.5
        MEASURE-2.7   people    MEASURE 2.7
        MEASURE-2.9   people    MEASURE 2.9
        MEASURE-2.10  people    MEASURE 2.10
        MEASURE-2.11  people    MEASURE 2.11
        MEASURE-2.12  people    MEASURE 2.12
        MANAGE-1.1    people    MANAGE 1.1
        MANAGE-1.2    people    MANAGE 1.2
        MANAGE-1.3    people    MANAGE 1.3
        MANAGE-1.4    people    MANAGE 1.4
        MANAGE-2.4    people    MANAGE 2.4
        MANAGE-4.1    people    MANAGE 4.1
    """,
}
"""Profile → its items in their order: id, who answers (facts alone, or people too), and clause."""

LISTED_SME = LISTED["eu-ai-act"]

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


def lines(listed: str) -> list[tuple[str, str, str]]:
    found = [line.split(maxsplit=2) for line in listed.splitlines() if line.strip()]
    return [(one[0], one[1], one[2]) for one in found]


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
    """Return the facts of a model that writes text; of a dataset, as they are."""
    model = facts.subject
    if model.kind == "dataset":
        return facts
    return replace(facts, subject=replace(model, body={**model.body, "task": "sft"}))


def of(document: CardDocument) -> Mapping[str, Any]:
    """Return the only profile of a card."""
    profiles: Any = document.content["profiles"]
    (found,) = profiles
    return dict(found)


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
