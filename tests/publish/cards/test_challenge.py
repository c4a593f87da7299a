"""Somebody disputes what a card says: shown on its first page, with grounds; nothing is deleted."""

from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.publish.cards.statement import MAX_TEXT
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState
from tests.conftest import Person
from tests.publish.cards.making import (
    attested,
    challenged,
    evaluate_again,
    judge,
    make,
    next_version,
    statement_of,
    toml,
)

VERDICT = "evaluation.verdict:evaluations/acme/classifier"


def test_a_challenge_is_on_the_first_page_and_changes_no_statement(chain: Any) -> None:
    before = make(chain)
    said = challenged(chain, "The test data is not ours.", VERDICT, "subject.name")
    card = make(chain)
    found = statement_of(card, f"rights.challenge:{said.short}")
    assert (found["state"], found["by"]) == ("attested", signer_for("validator").did)
    assert found["value"] == [VERDICT, "subject.name"]
    assert "The test data is not ours." in found["text"]
    assert statement_of(card, VERDICT) == statement_of(before, VERDICT)
    for rendering in ("markdown", "html"):
        first = card.renderings[rendering].split(b"In figures")[0]
        assert b"1 disputed" in first
        assert b"The test data is not ours." in first
    assert judge(chain, card.renderings["html"]).check("card.sources").state is CheckState.PASS


def test_it_stays_with_the_next_version(chain: Any) -> None:
    said = challenged(chain, "No.", VERDICT)
    evaluate_again(chain, "0.6")
    assert statement_of(make(chain), f"rights.challenge:{said.short}")
    next_version(chain)
    assert statement_of(make(chain, "next"), f"rights.challenge:{said.short}")


def test_grounds_are_shown_as_text(chain: Any) -> None:
    said = challenged(chain, "<script>\u202ex</script>" + "y" * 9000, VERDICT)
    card = make(chain)
    text = statement_of(card, f"rights.challenge:{said.short}")["text"]
    assert text.startswith("<script>x</script>yy")
    assert len(text) == MAX_TEXT
    assert b"<script" not in card.renderings["markdown"] + card.renderings["html"]


@pytest.mark.parametrize(
    ("challenges", "grounds", "kind"),
    [
        (["evaluation.nothing"], "x", "unknown-statement"),
        (["subject.name", "answer.contact:did:key:z6Mk"], "x", "unknown-statement"),
        ([7], "x", "unknown-statement"),
        ([["subject.name"]], "x", "unknown-statement"),
        ([], "x", "bad-answers"),
        (["subject.name"], "", "bad-answers"),
        (["subject.name"], "x" * 10_001, "bad-answers"),
        (["subject.name"], 7, "bad-answers"),
    ],
)
def test_a_bad_challenge(chain: Any, challenges: Any, grounds: Any, kind: str) -> None:
    statement = {"liability": "none", "challenges": challenges, "grounds": grounds}
    with pytest.raises(InvalidInputError) as refused:
        attested(chain, "challenge", statement, "validator")
    assert refused.value.kind == kind


@pytest.mark.parametrize(
    "text",
    [
        'liability = "a"\nchallenges = ["subject.name"]\n',
        'liability = "a"\ngrounds = "b"\n',
        'liability = "a"\nchallenges = "subject.name"\ngrounds = "b"\n',
        'liability = "a"\nchallenges = 7\ngrounds = "b"\n',
        'liability = "a"\nchallenges = ["subject.name"]\ngrounds = "b"\n[answers]\nrisks = "x"\n',
    ],
)
def test_a_file_that_is_none(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        toml("challenge", text)
    assert refused.value.kind == "bad-answers"


def test_on_the_command_line(publisher: Person, new_person: Any) -> None:
    model = publisher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (model / "tokenizer.json").write_text('{"model":{}}')
    publisher.ok("commit", model, "-d", "checkpoints/acme/tiny")
    publisher.ok("card", "checkpoints/acme/tiny", "-o", "card.json")
    validator: Person = new_person("validator")
    validator.ok("key", "new", "--no-passphrase")
    (validator.folder / "c.toml").write_text(
        'liability = "none"\nchallenges = ["subject.version"]\ngrounds = "It is not the first."\n'
    )
    attest = ("attest", publisher.folder / "card.json", "--kind", "challenge")
    made = validator.ok(*attest, "--statement", "c.toml", "-o", "c.json", "--json").json
    assert made["kind"] == "challenge"
    publisher.ok("import", validator.folder / "c.json")
    # The card that was handed on says nothing of it; whoever verifies it is told.
    report = publisher.ok("verify", "card.json", "--json")
    assert report.check("card.current")["state"] == "warn"
    assert "It is not the first." in publisher.ok("card", "checkpoints/acme/tiny").out
