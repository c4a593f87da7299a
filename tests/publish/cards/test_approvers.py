"""Who may approve cards: an owner says it on the command line, with a threshold (S1)."""

from collections.abc import Callable
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.history.commit.policy_change import revoked, with_approvers
from lyrikstore.history.policy.policy import Policy
from lyrikstore.publish.cards.approval import approve_card, check_approved
from lyrikstore.testing.keys import signer_for
from lyrikstore_cli.exits import exit_code
from tests.conftest import Person
from tests.publish.cards.making import (
    answer_all,
    approving,
    make,
    next_version,
    policy,
    status_of,
    trusting,
    with_role,
)

CARD = "cards/acme/tiny"
MODEL = "checkpoints/acme/tiny"
APPROVE = ("approve", CARD, "--json")


@pytest.fixture
def complete(publisher: Person) -> Person:
    """A publisher with keys of four people, and a card that lacks nothing but approval."""
    model = publisher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (model / "tokenizer.json").write_text('{"model":{}}')
    publisher.ok("commit", model, "-d", MODEL)
    (publisher.folder / "own.toml").write_text(
        'profile = "own/1"\ntitle = "Own"\nabout = "checkpoint"\nasOf = "2026-11-28"\n'
        'reviewedBy = ""\n[[items]]\nid = "1"\nclause = "1"\nasks = "what it is"\n'
        'required = true\nfill = ["subject.name"]\n'
    )
    for name in ("ann", "ben", "eve", "next"):
        publisher.ok("key", "new", name, "--no-passphrase")
    made = publisher.ok("card", MODEL, "--profile", "own.toml", "--json").json
    assert made["cardStatus"] == "complete"
    return publisher


def approved(person: Person, name: str) -> str:
    found: str = person.ok(*APPROVE, "--signer", name).json["cardStatus"]
    return found


def test_two_distinct_keys_of_those_admitted_approve(complete: Person) -> None:
    admit = ("key", "admit", "--role", "approver", "--json")
    made = complete.ok(*admit, "ann", "ben", "--threshold", "2").json
    assert made["dids"] == made["members"] == [complete.did("ann"), complete.did("ben")]
    assert (made["role"], made["threshold"], made["names"]) == ("approver", 2, ["*"])
    assert complete.fails(14, *APPROVE, "--signer", "eve").kind == "not-approver"
    assert approved(complete, "ann") == "complete"
    assert approved(complete, "ann") == "complete"  # the same key again
    assert approved(complete, "ben") == "approved"
    # The founder may what they could, but for approving: that takes two others now.
    assert complete.fails(14, *APPROVE).kind == "not-approver"
    complete.ok("commit", complete.folder / "model", "-d", "checkpoints/acme/other")
    assert complete.ok(*admit, "eve").json["threshold"] == 2
    complete.ok("verify")


def test_the_trainer_s_second_key_is_refused(complete: Person) -> None:
    """ATTACK: who made model and card takes a new key, and is one of two approvers with it."""
    complete.ok("key", "admit", "ann", "ben", "--role", "approver", "--threshold", "2")
    assert approved(complete, "ann") == "complete"
    complete.ok("key", "rotate", "next")
    complete.ok("key", "admit", "next", "--role", "approver", "--signer", "next")
    assert complete.fails(14, *APPROVE, "--signer", "next").kind == "own-work"
    alone = complete.ok(*APPROVE, "--self", "--signer", "next").json
    assert alone["cardStatus"] != "approved"
    assert approved(complete, "ben") == "approved"


def test_what_was_approved_is_judged_by_the_policy_in_force(complete: Person) -> None:
    admit = ("key", "admit", "--role", "approver", "--json")
    complete.ok(*admit, "ann", "ben")
    assert approved(complete, "ann") == "approved"
    complete.ok(*admit, "ann", "--threshold", "2")
    complete.ok("card", MODEL, "-o", "card.html")
    report = complete.ok("verify", "card.html", "--json")
    assert report.check("card.approval")["detail"]["reason"] == "complete"
    assert approved(complete, "ben") == "approved"
    complete.ok(*admit, "ann", "--threshold", "1", "--cards", "cards/other/*")
    # No role is about this card any more: whoever may sign everything approves it.
    assert complete.fails(14, *APPROVE, "--signer", "ann").kind == "not-approver"
    assert complete.fails(14, *APPROVE).kind == "own-work"


def test_what_cannot_be(complete: Person, new_person: Callable[[str], Person]) -> None:
    admit = ("key", "admit", "ann", "--json")
    approver = (*admit, "--role", "approver")
    size = complete.ok("status", "--json").json
    assert complete.fails(16, *approver, "--threshold", "2").kind == "bad-threshold"
    assert complete.fails(16, *approver, "--cards", "acme/*").kind == "bad-pattern"
    assert complete.fails(16, *approver, "--cards", "approvals/acme/*").kind == "bad-pattern"
    complete.fails(2, *approver, "--threshold", "0")
    complete.fails(2, *admit, "--threshold", "1")
    complete.fails(2, *admit, "--cards", "*")
    complete.fails(2, "key", "admit", "--role", "approver")
    assert complete.fails(14, *approver, "--signer", "ann").kind == "unauthorised"
    assert complete.ok("status", "--json").json == size
    complete.ok(*approver, "--threshold", "1")
    complete.ok("key", "rotate", "next", "--old", "ann")
    assert complete.fails(16, *approver).kind == "bad-policy"  # a key that was retired


def test_several_writers_at_once(complete: Person) -> None:
    made = complete.ok("key", "admit", "ann", "ben", "--json").json
    assert (made["role"], made["threshold"], made["members"]) == ("writer", 1, made["dids"])
    complete.ok("commit", complete.folder / "model", "-d", "checkpoints/acme/b", "--signer", "ben")


def test_a_stolen_key_is_revoked_even_if_too_few_are_left(chain: Any) -> None:
    """ATTACK A99: nobody may approve without it, or anybody may once its role is empty."""
    card = ready(chain)
    ada, grace, edith = (signer_for(name) for name in ("ada", "grace", "edith"))
    policy(chain, with_approvers((ada.did, grace.did), threshold=2))
    approve_card(approving(chain, "grace"), card)
    made = policy(chain, revoked(ada.did, 5))
    assert made.policy.unmet == ("approver",)
    assert b'"lyrikstore":2' in made.manifest.encode()
    status = status_of(chain, card)
    assert (status.word, status.needed, status.possible) == ("complete", 2, 1)
    refused(chain)
    made = policy(chain, revoked(grace.did, None))
    assert made.policy.roles["approver"].keys == ()
    with pytest.raises(PolicyError) as error:  # not the owner, who may sign everything else
        approve_card(approving(chain, "owner"), card, alone=True)
    assert error.value.kind == "not-approver"
    made = policy(chain, with_approvers((edith.did,)))
    assert (made.policy.roles["approver"].threshold, made.policy.unmet) == (2, ("approver",))
    made = policy(chain, with_approvers((signer_for("writer").did,)))
    assert made.policy.unmet == ()


def test_a_role_of_that_name_for_something_else_is_left_alone(chain: Any) -> None:
    policy(chain, with_role("approver", "ada", threshold=1, kind="card"))
    with pytest.raises(InvalidInputError) as error:
        policy(chain, with_approvers((signer_for("grace").did,)))
    assert error.value.kind == "bad-policy"
    found: Policy = chain.repository.policy
    assert found.roles["approver"].kinds == ("card",)


def ready(chain: Any) -> Any:
    answer_all(chain)
    return make(chain).manifest


def used(chain: Any, nickname: str = "checkpoint") -> str:
    """Return the status of the card with which a model may be used."""
    found = check_approved(
        chain.repository, chain.made[nickname], trust=trusting(chain, "expert"), at=chain.clock()
    )
    return "no card" if found is None else found.word


def refused(chain: Any, nickname: str = "checkpoint") -> str:
    """Return the next step that is named where a model may not be used."""
    with pytest.raises(PolicyError) as error:
        check_approved(
            chain.repository,
            chain.made[nickname],
            trust=trusting(chain, "expert"),
            at=chain.clock(),
        )
    assert (error.value.kind, exit_code(error.value)) == ("not-approved", 14)
    assert error.value.hint
    return error.value.hint


def test_without_approvers_a_model_is_used_as_its_card_is(chain: Any) -> None:
    assert used(chain) == "no card"
    make(chain)
    assert used(chain) == "draft"
    card = ready(chain)
    assert used(chain) == "complete"
    approve_card(approving(chain, "owner"), card, alone=True)
    assert used(chain) == "self-approved"


def test_with_approvers_it_is_used_with_an_approved_card_of_that_version_alone(chain: Any) -> None:
    people = [signer_for("ada"), signer_for("grace")]
    policy(chain, with_approvers((one.did for one in people), threshold=2, cards=["cards/acme/*"]))
    assert "lyrikstore approve cards/acme/classifier" in refused(chain)
    make(chain)
    assert "lyrikstore approve cards/acme/classifier" in refused(chain)
    card = ready(chain)
    approve_card(approving(chain, "ada"), card)
    assert "lyrikstore approve cards/acme/classifier" in refused(chain)
    approve_card(approving(chain, "grace"), card)
    assert used(chain) == "approved"
    next_version(chain)
    assert "lyrikstore card" in refused(chain, "next")  # that card is about another version
    assert used(chain) == "approved"
    approve_card(approving(chain, "grace"), card, revoke=True)
    assert "lyrikstore approve cards/acme/classifier" in refused(chain)
    policy(chain, with_approvers((), threshold=1, cards=["cards/other/*"]))
    assert used(chain) == "withdrawn"


def test_self_approved_is_not_approved(chain: Any) -> None:
    policy(chain, with_approvers((chain.signer.did,)))
    card = ready(chain)
    approve_card(approving(chain, "owner"), card, alone=True)
    assert "lyrikstore approve cards/acme/classifier" in refused(chain)
