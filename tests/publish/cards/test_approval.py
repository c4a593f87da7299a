"""Who approved a card, and what that makes of it: by the log and the policy alone (S1)."""

from collections.abc import Callable
from typing import Any

import pytest

from lyrikstore.canon.errors import FormatError, InvalidInputError, PolicyError
from lyrikstore.deploy import deploy as deploying
from lyrikstore.history.commit.policy_change import revoked, rotated, with_writer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.publish.cards import approval
from lyrikstore.publish.cards.approval import CardStatus, approve_card
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState
from lyrikstore_cli.exits import exit_code
from tests.conftest import Person
from tests.publish.cards.making import (
    PICKS,
    answer_all,
    answered,
    approving,
    evaluate_again,
    judge,
    log_card,
    make,
    policy,
    reason,
    status_of,
    with_role,
)


@pytest.fixture
def ready(chain: Any) -> Any:
    """A chain with two approvers needed of three, and nothing open."""
    policy(chain, with_role("approver", "ada", "grace", "edith", threshold=2))
    answer_all(chain)
    chain.card = make(chain).manifest
    return chain


def approve(chain: Any, who: str, card: Manifest | None = None, **options: Any) -> Manifest:
    return approve_card(approving(chain, who), card or chain.card, **options)[0]


def refused(chain: Any, who: str, card: Manifest | None = None, **options: Any) -> str:
    size = chain.repository.checkpoint.size
    with pytest.raises((PolicyError, InvalidInputError)) as error:
        approve(chain, who, card, **options)
    assert chain.repository.checkpoint.size == size
    assert exit_code(error.value) == (14 if isinstance(error.value, PolicyError) else 16)
    return error.value.kind


def status(chain: Any, card: Manifest | None = None) -> CardStatus:
    return status_of(chain, card or chain.card)


def forge(chain: Any, who: Any, *, alone: bool, decision: str = "approve") -> Manifest:
    """Log an approval that lyrikstore would not have signed."""
    name = "approvals/acme/classifier"
    state = chain.repository.refs.get(name)
    made = sign_manifest(
        kind="approval",
        store=chain.repository.store_id,
        name=name,
        body={"decision": decision, "self": alone},
        signer=who,
        created=chain.clock(),
        parents=[] if state is None else [state.id],
        inputs=[Input("card", "card", chain.card.id)],
    )
    with open_transaction(chain.repository) as transaction:
        transaction.log_manifest(made)
        transaction.commit()
    return made


def test_draft_complete_approved_superseded(chain: Any) -> None:
    policy(chain, with_role("approver", "ada", "grace", threshold=2))
    draft = make(chain)
    found = status(chain, draft.manifest)
    assert (found.word, found.needed) == ("draft", 2)
    answer_all(chain)
    card = make(chain)
    found = status(chain, draft.manifest)
    assert (found.word, found.needed) == ("superseded", 2)
    chain.card = card.manifest
    assert (status(chain).word, status(chain).needed) == ("complete", 2)
    first = approve(chain, "ada", statement="read on 3 May")
    assert (status(chain).word, status(chain).approvals) == ("complete", (first.id,))
    assert first.body == {"decision": "approve", "self": False, "statement": "read on 3 May"}
    second = approve(chain, "grace")
    found = status(chain)
    assert (found.word, found.approvals) == ("approved", (first.id, second.id))
    assert found.needed == 2
    report = judge(chain, card.renderings["html"])
    check = report.check("card.approval")
    assert check.state is CheckState.PASS
    assert check.detail["approvals"] == [str(first.id), str(second.id)]
    assert "two keys need not be two people" in check.summary
    # The card that was approved is the card that was made: nothing about it changed.
    assert not make(chain).changed
    evaluate_again(chain, "0.6")
    assert make(chain).changed
    assert status(chain).word == "superseded"
    assert reason(judge(chain, card.renderings["html"]), "card.approval") == "superseded"


def test_who_may_sign_everything_else_hides_no_withdrawal(ready: Any) -> None:
    """ATTACK: approvals by keys that no role lets approve have effect in the log, and no more."""
    policy(ready, with_writer(signer_for("mallory").did, None))
    forge(ready, signer_for("mallory"), alone=False)
    first = approve(ready, "ada")
    found = status(ready)
    assert (found.word, found.approvals) == ("complete", (first.id,))
    assert found.why == "approved by 1 of 2 keys"
    approve(ready, "ada", revoke=True)
    forge(ready, signer_for("mallory"), alone=False)
    forge(ready, ready.signer, alone=True)  # its maker, whom no role lets approve
    assert status(ready).word == "withdrawn"


def test_one_key_is_counted_once(ready: Any) -> None:
    approve(ready, "ada")
    approve(ready, "ada")
    assert status(ready).word == "complete"
    policy(ready, rotated(signer_for("ada").did, signer_for("ada again").did))
    approve(ready, "ada again")  # the same person, or whoever has it now
    assert status(ready).word == "complete"
    approve(ready, "grace")
    assert status(ready).word == "approved"


def test_a_replaced_key_keeps_what_it_approved(ready: Any) -> None:
    approve(ready, "ada")
    approve(ready, "grace")
    policy(ready, rotated(signer_for("ada").did, signer_for("ada again").did))
    assert status(ready).word == "approved"
    approve(ready, "ada again", revoke=True)
    assert status(ready).word == "complete"
    approve(ready, "ada again")
    assert status(ready).word == "approved"
    policy(ready, revoked(signer_for("grace").did, None))
    assert status(ready).word == "complete"  # who is let go approves nothing any more


def test_own_work_is_no_approval_and_alone_is_a_status_of_its_own(ready: Any) -> None:
    policy(ready, with_role("approver", "owner", "ada", threshold=1))
    assert refused(ready, "owner") == "own-work"
    made = approve(ready, "owner", alone=True)
    assert made.body["self"] is True
    assert status(ready).word == "self-approved"
    assert reason(judge(ready, ready.card.encode()), "card.approval") == "self-approved"
    assert refused(ready, "ada", alone=True) == "own-work"
    approve(ready, "ada")
    assert status(ready).word == "approved"


def test_who_is_alone_in_a_store_approves_with_self_alone(chain: Any) -> None:
    answer_all(chain)
    chain.card = make(chain).manifest
    assert refused(chain, "owner") == "own-work"
    approve(chain, "owner", alone=True)
    assert (status(chain).word, status(chain).needed) == ("self-approved", 1)


def test_the_key_that_replaced_the_trainer_s_is_the_trainer_s(ready: Any) -> None:
    """ATTACK: who trained the model takes a new key, and approves as somebody else."""
    new = signer_for("owner's next")
    policy(ready, with_role("approver", "owner", "ada", threshold=1))
    policy(ready, rotated(ready.signer.did, new.did))
    assert refused(ready, "owner's next") == "own-work"
    forge(ready, new, alone=False)
    assert status(ready).word == "complete"
    approve(ready, "owner's next", alone=True)
    assert status(ready).word == "self-approved"


def test_whoever_signed_the_card_or_the_run_alone_is_not_independent(ready: Any) -> None:
    policy(ready, with_writer(signer_for("ada").did, None))
    other = log_card(ready, ready.card, {}, signer_for("ada"))  # ada's card of the owner's model
    assert refused(ready, "ada", other) == "own-work"
    approve(ready, "grace", other)
    approve(ready, "edith", other)
    assert status(ready, other).word == "approved"


def test_a_false_word_in_an_approval_changes_nothing(ready: Any) -> None:
    """ATTACK: a program of one's own signs what lyrikstore would refuse."""
    forge(ready, signer_for("ada"), alone=True)  # made nothing of it, and says they did
    assert status(ready).word == "complete"
    forge(ready, signer_for("grace"), alone=True)
    assert status(ready).word == "approved"
    policy(ready, with_role("approver", "owner", threshold=1))
    forge(ready, ready.signer, alone=False)  # made it, and says they did not
    assert status(ready).word == "complete"


def test_an_owner_who_may_sign_everything_does_not_undercut_a_threshold(ready: Any) -> None:
    policy(ready, with_writer(signer_for("writer").did, None))
    assert refused(ready, "writer") == "not-approver"
    forge(ready, signer_for("writer"), alone=False)  # the log takes it: the role has every kind
    assert (status(ready).word, status(ready).needed) == ("complete", 2)


def test_without_a_role_for_it_another_writer_approves(chain: Any) -> None:
    policy(chain, with_writer(signer_for("writer").did, None))
    answer_all(chain)
    chain.card = make(chain).manifest
    approve(chain, "writer")
    assert status(chain).word == "approved"


def test_what_is_revoked(ready: Any) -> None:
    assert refused(ready, "ada", revoke=True) == "not-approved"
    approve(ready, "ada")
    approve(ready, "grace")
    assert refused(ready, "edith", revoke=True) == "not-approved"
    approve(ready, "ada", revoke=True, statement="it failed on leases")
    assert status(ready).word == "complete"
    approve(ready, "grace", revoke=True, statement="<b>no</b>")
    found = status(ready)
    assert (found.word, found.approvals, found.needed) == ("withdrawn", (), 2)
    assert "<b>no</b>" in found.why
    report = judge(ready, ready.card.encode())
    assert reason(report, "card.approval") == "withdrawn"
    assert refused(ready, "grace", revoke=True) == "not-approved"
    approve(ready, "grace")
    approve(ready, "edith")
    assert status(ready).word == "approved"


def test_approval_is_of_one_card(ready: Any) -> None:
    approve(ready, "ada")
    approve(ready, "grace")
    answered(ready, {"contact": "Ada"})
    newer = make(ready).manifest
    assert status(ready, newer).word == "complete"
    assert refused(ready, "ada") == "card-outdated"  # the older one
    approve(ready, "ada", newer, revoke=False)
    assert status(ready, newer).approvals != status(ready).approvals
    approve(ready, "grace", revoke=True)  # of the older one still can be taken back
    assert status(ready, newer).word == "complete"


def test_a_card_that_is_open_outdated_or_contradicted_is_not_approved(chain: Any) -> None:
    policy(chain, with_role("approver", "ada", threshold=1))
    assert refused(chain, "ada", make(chain).manifest) == "card-open"
    said = {"personal-data": {"text": "x", "choice": "none"}, "contact": "Ada"}
    answered(chain, said, profiles=[PICKS])
    assert refused(chain, "ada", make(chain, profiles=[PICKS]).manifest) == "card-open"
    said["personal-data"] = {"text": "x", "choice": "some"}
    answered(chain, said, profiles=[PICKS])
    card = make(chain).manifest
    evaluate_again(chain, "0.6")
    assert refused(chain, "ada", card) == "card-outdated"
    approve(chain, "ada", make(chain).manifest)


def test_a_card_whose_manifest_hides_what_is_open_is_not_approved(chain: Any) -> None:
    """ATTACK: whoever signs the card counts less than there is."""
    policy(chain, with_role("approver", "ada", threshold=1))
    honest = make(chain).manifest
    profiles = [{**one, "open": 0} for one in honest.body["profiles"]]
    lie = log_card(chain, honest, {}, chain.signer, body={"profiles": profiles})
    assert refused(chain, "ada", lie) == "card-open"


def test_without_a_role_nobody_approves_and_nothing_else_can_be(ready: Any) -> None:
    assert refused(ready, "mallory") == "not-approver"
    with pytest.raises(PolicyError) as denied:
        forge(ready, signer_for("mallory"), alone=False)
    assert denied.value.kind == "unauthorised"
    assert refused(ready, "ada", ready.made["checkpoint"]) == "wrong-object"
    with pytest.raises(FormatError):
        forge(ready, signer_for("ada"), alone=False, decision="perhaps")


def test_a_threshold_is_for_approvals_alone(chain: Any) -> None:
    policy(chain, with_role("carders", "ada", "grace", threshold=2, kind="card"))
    with pytest.raises(PolicyError):
        make(chain, signer=signer_for("ada"))


def test_on_the_command_line(publisher: Person, new_person: Callable[[str], Person]) -> None:
    model = publisher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (model / "tokenizer.json").write_text('{"model":{}}')
    publisher.ok("commit", model, "-d", "checkpoints/acme/tiny")
    (publisher.folder / "own.toml").write_bytes(PICKS.data)
    card = ("card", "checkpoints/acme/tiny", "--profile", "own.toml", "--json")
    assert publisher.ok(*card).json["cardStatus"] == "draft"
    approve = ("approve", "cards/acme/tiny", "--json")
    assert publisher.fails(14, *approve, "--self").kind == "card-open"
    (publisher.folder / "a.toml").write_text(
        'liability = "none"\n[answers]\ncontact = "Ada"\n'
        'personal-data = { text = "I looked.", choice = "some" }\n'
    )
    assert publisher.ok(*card, "--answers", "a.toml").json["cardStatus"] == "complete"
    assert publisher.fails(14, *approve).kind == "own-work"
    done = publisher.ok(*approve, "--self", "-m", "alone").json
    assert (done["cardStatus"], done["decision"], done["approvalsNeeded"]) == (
        "self-approved",
        "approve",
        1,
    )
    assert done["approvals"] == [done["id"]]
    publisher.ok("card", "checkpoints/acme/tiny", "-o", "card.html")
    report = publisher.ok("verify", "card.html", "--json")
    assert report.check("card.approval")["detail"]["reason"] == "self-approved"
    assert "self-approved" in publisher.ok("approve", "checkpoints/acme/tiny", "--self").out
    taken = publisher.ok(*approve, "--withdraw", "-m", "it failed").json
    assert (taken["cardStatus"], taken["approvals"]) == ("withdrawn", [])
    assert publisher.fails(14, *approve, "--withdraw").kind == "not-approved"
    assert publisher.fails(16, "approve", "policies/store/main", "--json").kind == "wrong-object"
    assert publisher.fails(1, "approve", "cards/acme/none", "--json").kind
    publisher.ok("verify")


def test_what_is_logged_while_somebody_approves_counts(
    ready: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ATTACK A126: another process logs what opens the card, after it was judged."""

    def slow(**members: Any) -> Manifest:
        evaluate_again(ready, "0.6")
        return sign_manifest(**members)

    monkeypatch.setattr(approval, "sign_manifest", slow)
    with pytest.raises(PolicyError) as error:
        approve(ready, "ada")
    assert error.value.kind == "card-outdated"
    assert "approvals/acme/classifier" not in ready.repository.refs


def test_the_card_of_a_folder_is_the_one_that_has_to_be_approved_in_the_end(
    ready: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ATTACK A126: a newer card is approved, while a folder with the one before is built."""
    monkeypatch.setattr(deploying, "_check_rights", lambda *_: None)

    def check(card: Manifest | None) -> None:
        deploying._check_still(approving(ready, "ada"), ready.made["checkpoint"], card)

    for who in ("ada", "grace"):
        approve(ready, who)
    check(ready.card)
    evaluate_again(ready, "0.6")
    answer_all(ready)
    newer = make(ready).manifest
    for who in ("ada", "grace"):
        approve(ready, who, newer)
    check(newer)
    for card in (ready.card, None):
        with pytest.raises(PolicyError) as error:
            check(card)
        assert error.value.kind == "not-approved"
