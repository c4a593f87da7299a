"""Answers of people: signed by them, kept, stale when the facts change; never lost (M1, M2, M3)."""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.credentials.model.card_attestation import parse_card_statement
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.publish.cards.answer import in_force
from lyrikstore.publish.cards.approval import approve_card
from lyrikstore.publish.cards.card import answers_of
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.profiles.profile import Profile
from lyrikstore.publish.issue.attest_card import answer_card
from lyrikstore.publish.status.changes import revoke_alone
from lyrikstore.publish.status.revoked_rights import Withdrawal
from lyrikstore.testing.keys import signer_for
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
    PICKS,
    answer_all,
    answer_of,
    answered,
    approving,
    draft,
    evaluate_again,
    judge,
    make,
    next_version,
    policy,
    statement_of,
    status_of,
    with_role,
)


@pytest.fixture
def shop(publisher: Person) -> Person:
    return give_model(publisher)


@pytest.fixture
def expert(new_person: Any, shop: Person) -> tuple[Person, Path]:
    return answering_expert(new_person, shop)


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


def test_m2_an_expert_signs_without_a_store(shop: Person, expert: tuple[Person, Path]) -> None:
    person, attestation = expert
    assert not (person.folder / ".lyrikstore").exists()
    shop.ok("import", attestation)
    card = shop.ok(*CARD).json
    assert card["states"]["attested"] == 2
    assert card["markdown"].count(f"*attested by {person.did()}") >= 2
    shop.ok(*CARD, "-o", "x.html")
    page = (shop.folder / "x.html").read_text()
    assert re.search(rf"attested</span> <small>by {person.did()[:20]}", page)
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
    by = approving(chain)
    with pytest.raises(PolicyError) as refused:
        approve_card(by, card.manifest)
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
        approve_card(by, newer.manifest)
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
    before = make(chain).document.open["huggingface/5"]
    answered(chain, {"risks": {"text": "Nobody uses it.", "state": "not-applicable"}})
    assert make(chain).document.open["huggingface/5"] == before - 1
    answered(chain, {"contact": {"text": "?", "state": "unknown"}})
    assert make(chain).document.open["huggingface/5"] == before - 1


def test_a_store_s_user_signs_answers_of_their_own_once(chain: Any) -> None:
    statement = parse_card_statement(ANSWERS.encode(), "answers")
    asked = (chain.context, chain.made["checkpoint"], statement)
    size = chain.repository.checkpoint.size
    first = answer_card(*asked)
    assert first is not None
    assert chain.repository.checkpoint.size > size
    size = chain.repository.checkpoint.size
    assert answer_card(*asked) is None
    assert chain.repository.checkpoint.size == size
    evaluate_again(chain, "0.5")  # what stands beside it is new, so it is said anew
    assert answer_card(*asked) is not None


def test_a_revoked_answer_is_none(chain: Any) -> None:
    said = answered(chain, {"contact": "Ada"})
    facts = gather(chain.repository, chain.made["checkpoint"])
    assert [one.credential for one in answers_of(facts)] == [said]
    taken = replace(facts, revocations={said: Withdrawal("revoked", Digest.of(b"a list"), 17)})
    assert in_force(answers_of(taken)) == {"contact": []}


def test_its_author_takes_an_answer_back(chain: Any) -> None:
    """The item is open again, an earlier answer of theirs does not come back, and cards say so."""
    policy(chain, with_role("approver", "ada", threshold=1))
    said = {"personal-data": pick("some"), "contact": "Ada"}
    answered(chain, said, profiles=[PICKS])
    last = answered(chain, {"personal-data": pick("some")}, profiles=[PICKS])
    before = make(chain, profiles=[PICKS])
    approve_card(approving(chain), before.manifest)
    data = chain.repository.credential(last)
    with pytest.raises(PolicyError) as refused:
        revoke_alone(data, signer=signer_for("mallory"), clock=chain.clock)
    assert refused.value.kind == "not-the-issuer"
    _, taken = revoke_alone(data, signer=signer_for("expert"), clock=chain.clock)
    with open_transaction(chain.repository) as transaction:
        transaction.log_credential(taken)
        transaction.commit()
    after = draft(chain, profiles=[PICKS])
    assert after.open == {"picks/1": 1}
    assert statement_of(after, "answer.personal-data")["state"] == "not-established"
    assert answer_of(after, "contact")["state"] == "attested"  # of the attestation that stands
    found = judge(chain, before.renderings["html"], "expert")
    assert found.check("card.sources").state is CheckState.PASS
    assert found.check("card.current").state is CheckState.WARN
    assert "an attestation about it is revoked" in found.check("card.current").summary
    card = make(chain)
    assert status_of(chain, card.manifest).word == "draft"
    newest = judge(chain, card.renderings["html"], "expert")
    for check in ("card.sources", "card.current"):
        assert newest.check(check).state is CheckState.PASS


def test_what_is_not_one_s_own_to_take_back(chain: Any) -> None:
    """Only answers that name no list: a store that issues others has logged them."""
    with pytest.raises(InvalidInputError) as refused:
        revoke_alone(b"{}", signer=signer_for("expert"), clock=chain.clock)
    assert refused.value.kind == "not-revocable"


def test_an_expert_without_a_store_takes_answers_back(
    shop: Person, expert: tuple[Person, Path]
) -> None:
    person, attestation = expert
    shop.ok("import", attestation)
    shop.ok(*CARD, "-o", "x.html")
    shop.fails(14, "credential", "revoke", attestation)  # only their author
    person.fails(10, "credential", "revoke", attestation)  # who has to say where the list goes
    done = person.ok("credential", "revoke", attestation, "-o", "taken", "--json").json
    (written,) = done["written"]
    shop.ok("import", person.folder / written)
    report = shop.ok("verify", "cards/acme/tiny", "--json")
    assert report.check("card.current")["state"] == "warn"
    card = shop.ok(*CARD).json
    assert (card["states"]["attested"], card["answeredBy"]) == (0, [])
    assert shop.ok("verify", "cards/acme/tiny", "--json").check("card.sources")["state"] == "pass"


def test_one_s_own_answers_are_revoked_where_they_are_logged(shop: Person) -> None:
    (shop.folder / "a.toml").write_text(ANSWERS)
    (said,) = shop.ok(*CARD, "--answers", "a.toml").json["answeredBy"]
    shop.ok("credential", "revoke", said)
    assert shop.ok(*CARD).json["answeredBy"] == []


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
