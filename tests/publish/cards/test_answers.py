"""Answers of people: signed by them, kept, stale when the facts change; never lost (M1, M2, M3)."""

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, PolicyError
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.card_attestation import parse_card_statement
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.publish.cards.answer import in_force
from lyrikstore.publish.cards.approval import approve_card
from lyrikstore.publish.cards.card import answers_of
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.profiles.profile import Profile, load_profile
from lyrikstore.publish.issue.attest_card import answer_card, attest_card
from lyrikstore.publish.status.withdrawals import Withdrawal
from lyrikstore.testing.clocks import FrozenClock
from lyrikstore.testing.keys import TestIssuer, signer_for
from lyrikstore.verify.report import CheckState
from lyrikstore_cli.exits import exit_code
from tests.conftest import Person
from tests.publish.cards.making import (
    LIABILITY,
    PICKS,
    answer_all,
    answer_of,
    answered,
    draft,
    evaluate_again,
    judge,
    make,
    next_version,
    policy,
    reason,
    statement_of,
    with_role,
)

ANSWERS = """
liability = "for gross negligence, up to 10,000 EUR"

[answers]
intended-use = "Sorting licences before a lawyer reads them."
limitations = { text = "It takes one for another.", scope = "name" }
risks = { text = "Nobody has asked.", state = "unknown" }
"""


@pytest.fixture
def shop(publisher: Person) -> Person:
    """Somebody with a store, and a model in it."""
    model = publisher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (model / "tokenizer.json").write_text('{"model":{}}')
    publisher.ok("commit", model, "-d", "checkpoints/acme/tiny")
    return publisher


CARD = ("card", "checkpoints/acme/tiny", "--json")


def test_m1_answers_are_never_lost(shop: Person) -> None:
    (shop.folder / "a.toml").write_text(ANSWERS)
    given = shop.ok(*CARD, "--answers", "a.toml").json
    assert given["states"]["attested"] == 2
    later = shop.ok(*CARD, "-o", "x.md").json
    assert (later["states"], later["answeredBy"]) == (given["states"], given["answeredBy"])
    text = (shop.folder / "x.md").read_text()
    assert "Sorting licences before a lawyer reads them." in text
    assert f"*attested by {shop.did()}*" in text
    # Neither with another profile, which asks other questions, nor without options after that.
    other = shop.ok(*CARD, "--profile", "us-ca-ab2013").json
    assert "Sorting licences" not in other["markdown"]
    back = shop.ok(*CARD, "--profile", "huggingface").json
    assert back["states"] == given["states"]


@pytest.fixture
def expert(new_person: Any, shop: Person) -> tuple[Person, Path]:
    """Somebody with a key and no store, who was sent the draft of a card, and signed answers."""
    found: Person = new_person("expert")
    found.ok("key", "new", "--no-passphrase")
    shop.ok("card", "checkpoints/acme/tiny", "--draft", found.folder / "draft")
    (found.folder / "a.toml").write_text(ANSWERS)
    attest = ("attest", "draft", "--kind", "answers", "--statement", "a.toml")
    found.ok(*attest, "-o", "a.json", "--issuer-name", "Dr <b>Ada</b>")
    return found, found.folder / "a.json"


def test_m2_an_expert_signs_without_a_store(shop: Person, expert: tuple[Person, Path]) -> None:
    person, attestation = expert
    assert not (person.folder / ".lyrikstore").exists()
    shop.ok("import", attestation)
    card = shop.ok(*CARD).json
    assert card["states"]["attested"] == 2
    assert card["markdown"].count(f"*attested by {person.did()}") >= 2
    shop.ok(*CARD, "-o", "x.html")
    page = (shop.folder / "x.html").read_text()
    assert f"attested by {person.did()[:20]}" in page
    shop.ok("verify", "x.html")
    # What came in is told, whoever it is from; twice is once.
    assert shop.ok("import", attestation, "--json").json
    assert shop.ok(*CARD).json["id"] == card["id"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Sorting", b"Porting"),
        (b"gross", b"Gross"),
        (b'"version"', b'"name"'),
        (b"risks", b"tasks"),
    ],
)
def test_m2_one_changed_byte_of_it_is_refused(
    shop: Person, expert: tuple[Person, Path], old: bytes, new: bytes
) -> None:
    _, attestation = expert
    data = attestation.read_bytes()
    assert old in data
    attestation.write_bytes(data.replace(old, new, 1))
    before = shop.ok("log", "--json").out
    shop.fails(3, "import", attestation)
    shop.fails(3, "verify", attestation)
    assert shop.ok("log", "--json").out == before
    assert shop.ok(*CARD).json["states"]["attested"] == 0


def test_what_an_expert_signed_is_verified_alone(expert: tuple[Person, Path]) -> None:
    person, attestation = expert
    report = person.run("verify", attestation, "--json")
    assert report.code in {0, 4}
    assert report.check("attestation")["state"] == "stated"
    said = report.check("attestation")["detail"]["statement"]
    assert [one["question"] for one in said["answers"]] == ["intended-use", "limitations", "risks"]
    assert said["liability"] == "for gross negligence, up to 10,000 EUR"


def test_m3_other_metrics_make_an_answer_stale(chain: Any) -> None:
    policy(chain, with_role("approver", "ada", threshold=1))
    answer_all(chain)
    card = make(chain)
    assert card.document.states["stale"] == 0
    evaluate_again(chain, "0.61")
    with pytest.raises(PolicyError) as refused:
        approve_card(chain.repository, card.manifest, signer=signer_for("ada"), clock=chain.clock)
    assert (refused.value.kind, exit_code(refused.value)) == ("card-outdated", 14)
    assert refused.value.details["stale"] == 5
    newer = make(chain)
    old = statement_of(newer, "evaluation.metric:evaluations/acme/classifier accuracy")
    assert old["text"].startswith("model 0.75 ")  # it is not hidden
    stale = [one for one in newer.document.statements if one.state == "stale"]
    questions = {one.id.partition(":")[0].removeprefix("answer.") for one in stale}
    assert questions == {"intended-use", "out-of-scope", "limitations", "risks", "monitoring"}
    found = answer_of(newer, "limitations")
    assert found["text"] == "The answer to limitations."  # and nothing is dropped
    assert "model 0.61 (0.40 to 0.98)" in found["was"]
    assert answer_of(newer, "contact")["state"] == "attested"
    with pytest.raises(PolicyError) as refused:
        approve_card(chain.repository, newer.manifest, signer=signer_for("ada"), clock=chain.clock)
    assert refused.value.kind == "card-open"
    assert "The answer to limitations." in newer.renderings["markdown"].decode()
    # Whoever answers again has seen it.
    answer_all(chain)
    assert make(chain).document.states["stale"] == 0
    assert (
        judge(chain, make(chain).renderings["html"]).check("card.sources").state is CheckState.PASS
    )


def test_what_is_seen_no_more_makes_an_answer_stale(chain: Any) -> None:
    answered(chain, {"contact": "Ada", "personal-data": pick("some")}, profiles=[PICKS])
    other = PICKS.data.replace(b'"data.found", "data.licence"', b'"data.found"')
    card = make(chain, profiles=[Profile.parse(other)])
    found = answer_of(card, "personal-data")
    assert (found["state"], answer_of(card, "contact")["state"]) == ("stale", "attested")
    assert "was LicenseRef-Acme-1.0, is not there any more" in found["was"]


def pick(choice: str, **more: Any) -> dict[str, Any]:
    return {"text": "I looked.", "choice": choice, **more}


def test_answers_about_this_version_are_stale_for_the_next_and_others_stay(chain: Any) -> None:
    answered(
        chain,
        {"contact": {"text": "Ada", "scope": "name"}, "intended-users": "Lawyers."},
    )
    next_version(chain)
    card = make(chain, "next")
    assert answer_of(card, "contact")["state"] == "attested"
    found = answer_of(card, "intended-users")
    assert (found["state"], found["text"]) == ("stale", "Lawyers.")
    assert chain.made["checkpoint"].id.short in found["was"]


def test_of_each_person_the_newest_answer_counts_and_of_several_all(chain: Any) -> None:
    answered(chain, {"contact": "Ada", "risks": "None."})
    answered(chain, {"contact": "Grace"}, by="another")
    answered(chain, {"contact": "Ada King"})
    card = make(chain)
    assert answer_of(card, "contact")["text"] == "Ada King"
    assert answer_of(card, "contact", "another")["text"] == "Grace"
    assert answer_of(card, "risks")["text"] == "None."
    answered(chain, {"risks": {"text": "I am not sure any more.", "state": "unknown"}})
    found = answer_of(make(chain), "risks")
    assert (found["state"], found["text"]) == ("not-established", "I am not sure any more.")


def test_what_does_not_apply_closes_an_item_and_what_is_unknown_does_not(chain: Any) -> None:
    before = make(chain).document.open["huggingface/4"]
    answered(chain, {"risks": {"text": "Nobody uses it.", "state": "not-applicable"}})
    assert make(chain).document.open["huggingface/4"] == before - 1
    answered(chain, {"contact": {"text": "?", "state": "unknown"}})
    assert make(chain).document.open["huggingface/4"] == before - 1


def test_a_store_s_user_signs_answers_of_their_own_once(chain: Any) -> None:
    statement = parse_card_statement(ANSWERS.encode(), "answers")
    asked = (chain.repository, chain.made["checkpoint"], statement)
    by = {"signer": chain.signer, "clock": chain.clock}
    size = chain.repository.checkpoint.size
    first = answer_card(*asked, **by)
    assert first is not None
    assert chain.repository.checkpoint.size > size
    size = chain.repository.checkpoint.size
    assert answer_card(*asked, **by) is None
    assert chain.repository.checkpoint.size == size
    evaluate_again(chain, "0.5")  # what stands beside it is new, so it is said anew
    assert answer_card(*asked, **by) is not None


def test_an_answer_that_was_taken_back_is_none(chain: Any) -> None:
    said = answered(chain, {"contact": "Ada"})
    facts = gather(chain.repository, chain.made["checkpoint"])
    assert [one.credential for one in answers_of(facts)] == [said]
    taken = replace(facts, withdrawn={said: Withdrawal("revoked", Digest.of(b"a list"), 17)})
    assert in_force(answers_of(taken)) == {"contact": []}


# --- S2: what facts contradict ---------------------------------------------------------------


def test_s2_an_answer_that_facts_contradict(chain: Any) -> None:
    answered(chain, {"personal-data": pick("none")}, profiles=[PICKS])
    card = make(chain, profiles=[PICKS])
    found = answer_of(card, "personal-data")
    assert (found["state"], found["was"]) == ("contradicted", "the licence names somebody")
    assert card.document.open == {"picks/1": 1}
    # Another person's better answer does not hide it.
    answered(chain, {"personal-data": pick("some")}, by="another", profiles=[PICKS])
    both = make(chain)
    assert answer_of(both, "personal-data", "another")["state"] == "attested"
    assert (both.document.states["contradicted"], both.document.open) == (1, {"picks/1": 0})
    answered(chain, {"personal-data": pick("some")}, profiles=[PICKS])
    assert make(chain).document.states["contradicted"] == 0


# --- bad input: its own kind and exit code, nothing half-made --------------------------------


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
