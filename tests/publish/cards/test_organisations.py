"""What organisations say of a model: shown, with what alone says that the key is theirs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.publish.cards.organisations import ONLY_SAID
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.publish.issue.attest_card import attest_card
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState
from tests.conftest import Person
from tests.publish.cards.making import LIABILITY, draft, judge, make, statement_of

CLINIC = "did:web:clinic.example"
ANSWER = f"answer.contact:{CLINIC}"


def log(chain: Any, *credentials: bytes) -> None:
    with open_transaction(chain.repository) as transaction:
        for data in credentials:
            transaction.log_credential(data)
        transaction.commit()


def attest(chain: Any, by: str = "expert") -> tuple[bytes, bytes]:
    """Return answers in the name of a clinic, and its DID document."""
    said = {"liability": LIABILITY, "answers": {"contact": {"text": "The clinic."}}}
    issuance = Issuance(name="Clinic", organisation=CLINIC)
    shown = draft(chain).data
    made = attest_card(
        shown, "answers", said, issuance, signer=signer_for(by), clock=chain.clock
    )  # fmt: skip
    assert made.did_document is not None
    return made.data, made.did_document


def answer(chain: Any) -> Any:
    found: Any = draft(chain).content["statements"]
    return next((one for one in found if one["id"] == ANSWER), None)


def test_an_organisation_s_answer_says_what_names_its_key(chain: Any) -> None:
    data, document = attest(chain)
    log(chain, document, data)
    made = make(chain)
    found = statement_of(made, ANSWER)
    assert (found["state"], found["by"]) == ("attested", CLINIC)
    assert found["called"] == f"Clinic ({ONLY_SAID})"
    assert len(found["evidence"]) == 2
    for name in ("html", "markdown"):
        assert made.renderings[name].count(b"anybody could have written") >= 2  # page 1, annex
    report = judge(chain, made.renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS


def test_without_a_document_it_is_nobody_s(chain: Any) -> None:
    data, document = attest(chain)
    log(chain, data)
    assert answer(chain) is None
    log(chain, attest(chain, "mallory")[1])  # a document that lists another key
    assert answer(chain) is None
    log(chain, document)
    assert answer(chain)["by"] == CLINIC


def test_for_other_software_it_is_said_as_well(chain: Any) -> None:
    """ATTACK: anybody writes the document that makes a clinic answer; a bill says so, too."""
    data, document = attest(chain)
    log(chain, document, data)
    for name in ("cyclonedx", "chai"):
        assert b"anybody could have written" in make(chain).renderings[name], name


@pytest.mark.parametrize("member", ["revoked", "expires"])
def test_a_later_document_does_not_undo_a_card(chain: Any, member: str) -> None:
    """ATTACK: whoever may write to the log writes a document which says that the key is revoked."""
    data, document = attest(chain)
    log(chain, document, data)
    made = make(chain)
    changed = json.loads(document)
    changed["verificationMethod"][0][member] = "2020-01-01T00:00:00Z"
    log(chain, json.dumps(changed).encode())
    assert answer(chain) is None
    report = judge(chain, made.renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS
    assert report.check("card.current").state is CheckState.WARN


def test_on_the_command_line(publisher: Person, new_person: Callable[[str], Person]) -> None:
    model = publisher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (model / "tokenizer.json").write_text('{"model":{}}')
    publisher.ok("commit", model, "-d", "checkpoints/acme/tiny")
    publisher.ok("card", "checkpoints/acme/tiny", "--draft", "draft")
    clinic = new_person("clinic")
    clinic.ok("key", "new", "--no-passphrase")
    (clinic.folder / "a.toml").write_text(
        'liability = "none"\n[answers]\ncontact = "The clinic."\n'
    )
    attest = ("attest", publisher.folder / "draft", "--kind", "answers", "--statement", "a.toml")
    clinic.ok(*attest, "--issuer", CLINIC, "-o", "answers.json")
    publisher.ok("import", clinic.folder / "answers.json")
    publisher.ok("card", "checkpoints/acme/tiny", "-o", "card.json")
    card = json.loads((publisher.folder / "card.json").read_bytes())
    (found,) = (one for one in card["statements"] if one["id"] == ANSWER)
    assert (found["state"], ONLY_SAID in found["called"]) == ("attested", True)
    report = publisher.ok("verify", "card.json", "--json")
    assert report.check("card.sources")["state"] == "pass"
