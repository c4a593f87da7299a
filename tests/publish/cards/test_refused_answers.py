"""Answers that are refused: malformed, forged, about other models or other questions."""

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.card_attestation import parse_card_statement
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.publish.cards.profiles.profile import Profile, load_profile
from lyrikstore.publish.issue.attest_card import attest_card
from lyrikstore.testing.clocks import FrozenClock
from lyrikstore.testing.keys import TestIssuer, signer_for
from lyrikstore.verify.report import CheckState
from lyrikstore_cli.exits import exit_code
from tests.conftest import Person
from tests.publish.cards.answering import (
    ANSWERS,
    CARD,
    answering_expert,
    give_model,
    pick,
)
from tests.publish.cards.making import (
    LIABILITY,
    PICKS,
    answer_of,
    answered,
    draft,
    judge,
    make,
    reason,
)


@pytest.fixture
def shop(publisher: Person) -> Person:
    return give_model(publisher)


@pytest.fixture
def expert(new_person: Any, shop: Person) -> tuple[Person, Path]:
    return answering_expert(new_person, shop)


def sign(chain: Any, answers: Any, **changes: Any) -> Any:
    statement = {"liability": LIABILITY, "answers": answers}
    profiles = changes.pop("profiles", [PICKS])
    return attest_card(
        changes.pop("card", draft(chain, profiles=profiles).data),
        "answers",
        statement,
        signer=signer_for("expert"),
        clock=chain.clock,
        **changes,
    )


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"weather": {"text": "fine"}}, "unknown-question"),
        ({"personal-data": pick("nine")}, "bad-choice"),
        ({"personal-data": {"text": "I chose nothing."}}, "bad-choice"),
        ({"contact": pick("some")}, "bad-choice"),
        ({"contact": {"text": ""}}, "bad-answers"),
        ({"contact": {"text": "x" * 4001}}, "bad-answers"),
        ({"contact": {"text": "x", "state": "maybe"}}, "bad-answers"),
        ({"contact": {"text": "x", "scope": "world"}}, "bad-answers"),
        ({"contact": {"text": "x", "question": "personal-data"}}, "bad-answers"),
        ({"contact": {"text": "x", "seen": []}}, "bad-answers"),
        ({"contact": {"text": "x", "more": 1}}, "bad-answers"),
        ({"contact": {}}, "bad-answers"),
        ({"contact": 7}, "bad-answers"),
        ({"contact": {"text": 7}}, "bad-answers"),
    ],
    ids=lambda one: one if isinstance(one, str) else json.dumps(one)[:40],
)
def test_bad_answers_are_refused_in_one_line(chain: Any, answers: Any, kind: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        sign(chain, answers)
    assert (refused.value.kind, exit_code(refused.value)) == (kind, 16)
    assert "\n" not in refused.value.message


def test_an_answer_with_markup_and_bidi_is_shown_as_text(chain: Any) -> None:
    text = "<b>\u202e\u2066hidden\u200b" + "x" * 3980
    made = sign(chain, {"contact": {"text": text}})
    with open_transaction(chain.repository) as transaction:
        transaction.log_credential(made.data)
        transaction.commit()
    card = make(chain, profiles=[PICKS])
    found = answer_of(card, "contact")["text"]
    assert found.startswith("<b>hiddenx")
    assert b"<b>hidden" not in card.renderings["html"] + card.renderings["markdown"]
    assert judge(chain, card.renderings["html"]).check("card.sources").state is CheckState.PASS


@pytest.mark.parametrize("days", [0, -1, 4000])
def test_a_validity_that_is_none(chain: Any, days: int) -> None:
    with pytest.raises(InvalidInputError) as refused:
        sign(chain, {"contact": {"text": "x"}}, valid_for=timedelta(days=days))
    assert refused.value.kind == "bad-validity"


@pytest.mark.parametrize(
    "card",
    [
        b"",
        b"# a card",
        b"[]",
        b"{}",
        b'{"format":"card/1"}',
        b'{"format":"card/2"}',
        b'{"format":"card/1","subject":{},"questions":[],"statements":[]}',
        b'{"format":"card/1","subject":"x","questions":1,"statements":null}',
        b"[" * 100_000,
        b" " * ((16 << 20) + 1),
    ],
    ids=lambda one: repr(one[:20]),
)
def test_a_card_that_is_none(chain: Any, card: bytes) -> None:
    with pytest.raises(InvalidInputError) as refused:
        sign(chain, {"contact": {"text": "x"}}, card=card)
    assert (refused.value.kind, exit_code(refused.value)) == ("not-a-card", 16)


def test_answers_that_no_profile_of_the_card_asks_are_named(chain: Any) -> None:
    answered(chain, {"supervision": "two lawyers"}, profiles=[load_profile("us-legal")])
    assert dict(make(chain).unasked) == {"supervision": ["us-legal"]}
    assert not make(chain, profiles=[load_profile("us-legal")]).unasked


def test_a_card_with_one_part_of_another_kind(chain: Any) -> None:
    whole: Any = parse(draft(chain, profiles=[PICKS]).data)
    for place in (*whole, "subject.id", "questions.0", "questions.0.shows", "statements.0.text"):
        for wrong in (None, 7, "x", [], {}, [7], [None], {"id": 7}):
            card = parse(encode(whole))
            *path, last = [int(one) if one.isdigit() else one for one in place.split(".")]
            inside: Any = card
            for one in path:
                inside = inside[one]
            inside[last] = wrong
            with suppress(LyrikstoreError):  # anything else would be a fault of ours
                sign(chain, {"contact": {"text": "x"}}, card=encode(card))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"not toml [",
        b'liability = "a"\n',
        b'[answers]\nrisks = "x"\n',
        b'liability = "a"\n[answers]\n',
        b'liability = "a"\nanswers = 1\n',
        b'liability = "a"\nexpert = "b"\n[answers]\nrisks = "x"\n',
        b'liability = "a"\ngrounds = "b"\nchallenges = ["subject.name"]\n',
        b"a = " + b"[" * 20_000,
        b"#" * ((1 << 20) + 1),
    ],
    ids=lambda one: repr(one[:30]),
)
def test_an_answers_file_that_is_none(text: bytes) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_card_statement(text, "answers")
    assert (refused.value.kind, exit_code(refused.value)) == ("bad-answers", 16)
    assert "\n" not in refused.value.message


def forged(attestation: bytes, change: Any) -> bytes:
    """Return an attestation that says what its issuer's own program would not."""
    made: Any = parse(attestation)
    del made["proof"]
    mallory = TestIssuer("mallory", FrozenClock())
    made["issuer"] = {"id": mallory.did}
    change(made["credentialSubject"])
    return mallory.issue(made)


URN = Digest.of(b"nothing here").urn


FORGERIES = {
    "tree": (lambda subject: subject.update(id=URN), 1),
    "files": (lambda subject: subject.update(files=URN), 1),
    "manifest": (lambda subject: subject.update(manifest=URN), 1),
    "type": (lambda subject: subject.update(type="Dataset"), 3),
    "long": (lambda subject: subject["attestation"]["answers"][0].update(text="x" * 4001), 3),
    "both": (lambda subject: subject["attestation"].update(grounds="x"), 3),
    "kind": (lambda subject: subject.update(name="datasets/acme/x"), 3),
    "name": (lambda subject: subject.update(name="checkpoints/acme/x"), 1),
    "honest": (lambda subject: None, 0),
}


def test_an_attestation_about_no_model_here_is_not_imported(
    shop: Person, expert: tuple[Person, Path]
) -> None:
    _, file = expert
    signed = file.read_bytes()
    for name, (change, code) in FORGERIES.items():
        file.write_bytes(forged(signed, change))
        done = shop.run("import", file, "--json")
        assert done.code == code, (name, done.err)
        assert shop.ok(*CARD).json["states"]["attested"] == (0 if code else 2), name


def test_answers_about_other_bytes_than_the_version_has_are_none(
    shop: Person, expert: tuple[Person, Path]
) -> None:
    """ATTACK: signed for one model, attached to another: manifest of one, tree of the other."""
    (shop.folder / "model" / "config.json").write_text('{"a": 1}')
    shop.ok("commit", "model", "-d", "checkpoints/acme/other")
    manifest = shop.ok("show", "checkpoints/acme/other", "--raw").out
    other = Digest.of(manifest.rstrip("\n").encode())
    _, file = expert
    file.write_bytes(forged(file.read_bytes(), lambda subject: subject.update(manifest=other.urn)))
    assert shop.fails(1, "import", file, "--json").kind == "unknown-content"


def test_what_a_clone_logged_without_checking_is_not_shown(chain: Any) -> None:
    manifest = chain.made["base"].id.urn
    made = sign(chain, {"contact": {"text": "x"}}).data
    with open_transaction(chain.repository) as transaction:
        transaction.log_credential(forged(made, lambda subject: subject.update(manifest=manifest)))
        transaction.commit()
    for model in ("base", "checkpoint"):
        assert make(chain, model, profiles=[PICKS]).document.states["attested"] == 0


def test_a_profile_with_an_unknown_fact_is_refused(shop: Person) -> None:
    (shop.folder / "own.toml").write_bytes(PICKS.data.replace(b"data.found", b"data.fount"))
    before = shop.ok("log", "--json").out
    refused = shop.fails(16, *CARD, "--profile", "own.toml")
    assert refused.kind == "unknown-fact"
    assert "data.found" in refused.error["hint"]
    assert shop.fails(1, *CARD, "--profile", "eu-ai-akt").kind == "no-profile"
    draft_of = ("card", "checkpoints/acme/tiny", "--draft", "d", "--json")
    assert shop.fails(16, *draft_of, "--profile", "own.toml").kind == "unknown-fact"
    assert not (shop.folder / "d").exists()
    assert shop.ok("log", "--json").out == before


def test_bad_attestations_leave_nothing(shop: Person, expert: tuple[Person, Path]) -> None:
    person, _ = expert
    attest = ("attest", "draft", "--kind", "answers", "--json")
    (person.folder / "q.toml").write_text(ANSWERS.replace("risks", "tasks"))
    refused = person.fails(16, *attest, "--statement", "q.toml", "-o", "b.json")
    assert refused.kind == "unknown-question"
    (person.folder / "draft" / "card.json").write_text("{}")
    refused = person.fails(16, *attest, "--statement", "a.toml", "-o", "b.json")
    assert refused.kind == "not-a-card"
    (person.folder / "draft" / "card.json").unlink()
    assert person.fails(1, *attest, "--statement", "a.toml", "-o", "b.json").kind == "no-file"
    person.fails(2, *attest, "--statement", "a.toml", "-o", "b.json", "--unchecked")
    assert not (person.folder / "b.json").exists()
    shop.ok("card", "checkpoints/acme/tiny", "--draft", person.folder / "again")
    attest = ("attest", "again/card.json", *attest[2:])
    big = person.folder / "big.toml"
    big.write_bytes(b"#" * (2 << 20))
    refused = person.fails(16, *attest, "--statement", big, "-o", "b.json")
    assert refused.kind in {"bad-answers", "too-large"}
    person.ok(*attest, "--statement", "a.toml", "-o", "b.json")


def test_a_profile_that_asks_of_data_is_none_of_a_model(chain: Any) -> None:
    data = PICKS.data.replace(b'about = "checkpoint"', b'about = "dataset"')
    with pytest.raises(InvalidInputError) as refused:
        make(chain, profiles=[Profile.parse(data)])
    assert refused.value.kind == "other-kind"
    assert load_profile("huggingface").about == "checkpoint"
    assert reason(judge(chain, make(chain).renderings["card"]), "card.approval") == "draft"
