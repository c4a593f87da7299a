"""An approved card stays what was approved, and shows it to whoever has no store."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.deploy.evidence import inputs_of
from lyrikstore.history.commit.policy_change import revoked
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.index.log_view import decisions_about
from lyrikstore.publish.cards.approval import approve_card
from lyrikstore.publish.cards.check import verify_card
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.offline_card import (
    card_evidence,
    open_card,
    sibling_card,
    verify_card_alone,
    with_evidence,
)
from lyrikstore.publish.cards.rendering import renderings
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.deployment.card_evidence import (
    add_block,
    encode_evidence,
    parse_evidence,
    split_block,
)
from lyrikstore.verify.report import Check, CheckState, Report, Verdict
from tests.contexts import context_of
from tests.publish.cards.making import (
    answer_all,
    approving,
    evaluate_again,
    judge,
    make,
    policy,
    reason,
    status_of,
    with_role,
)

WORDS = "geprüft am 3. Mai"


@pytest.fixture
def ready(chain: Any) -> Any:
    """A chain whose card one of two approvers has approved."""
    policy(chain, with_role("approver", "ada", "grace", threshold=1))
    answer_all(chain)
    chain.made_card = make(chain)
    chain.card = chain.made_card.manifest
    chain.approval = approve(chain, "ada", statement=WORDS)
    return chain


def approve(chain: Any, who: str, **options: Any) -> Manifest:
    return approve_card(approving(chain, who), chain.card, **options)[0]


def evidence(chain: Any) -> dict[str, bytes]:
    found = card_evidence(chain.repository, chain.card)
    assert found is not None
    return found


def alone(chain: Any, files: Mapping[str, bytes], data: bytes = b"", **beside: bytes) -> Report:
    """Return what somebody finds who has the card and its evidence, and knows its store and Ada."""
    known = (
        TrustedIssuer(did=chain.signer.did, nickname="owner"),
        TrustedIssuer(did=signer_for("ada").did, nickname="Ada", roles=("expert",)),
    )
    text, found = open_card(data or chain.made_card.renderings["markdown"], {**files, **beside})
    card = sibling_card(text, found)
    assert card is not None
    return verify_card_alone(text, card, found, trust=Trust(known), at=chain.clock())


def approval(report: Report) -> Check:
    return report.check("card.approval")


def test_who_approved_it_travels_with_it(ready: Any) -> None:
    page, beside = with_evidence("html", ready.made_card.renderings["html"], evidence(ready))
    assert open_card(page, {})[0] == ready.made_card.renderings["html"]
    assert not beside
    markdown, beside = with_evidence(
        "markdown", ready.made_card.renderings["markdown"], evidence(ready)
    )
    assert markdown == ready.made_card.renderings["markdown"]
    for report in (
        alone(ready, {}, page),
        alone(ready, {}, markdown, evidence=beside),
        alone(ready, {}, beside),
    ):
        assert report.verdict is Verdict.TRUSTED, report
        found = approval(report)
        assert found.state is CheckState.PASS
        assert found.detail["rule"] == {"role": "approver", "threshold": 1, "keys": 2}
        assert found.detail["decisions"] == [
            {
                "approval": str(ready.approval.id),
                "decision": "approve",
                "author": signer_for("ada").did,
                "created": ready.approval.created,
                "index": ready.repository.index_of(ready.approval.id),
                "self": False,
                "counts": True,
                "nickname": "Ada",
                "statement": WORDS,
            }
        ]
        assert not_proven("approval-current") in report.not_proven
    # In the store it is the same card, and the log says the same of it.
    stored = verify_card(approving(ready, "owner", "ada"), page)
    assert stored.check("card").state is CheckState.PASS
    (said,) = stored.check("card.approval").detail["decisions"]  # type: ignore[misc]
    assert {**said, "nickname": "Ada"} == found.detail["decisions"][0]  # type: ignore[index, dict-item]
    about = [ready.card, ready.made["checkpoint"]]
    listed = decisions_about(context_of(ready.repository, clock=ready.clock), about)
    for one in about:  # as `log` and `show` have it, of the card and of the model
        (row,) = listed[one.id]
        assert (row["card"], row["isCounted"]) == (str(ready.card.id), True)
        assert (row["statement"], row["nickname"]) == (WORDS, None)
    # Nobody approved it, and nothing beside it says so either.
    nobody = {name: one for name, one in evidence(ready).items() if "approval" not in name}
    report = alone(ready, nobody)
    assert (report.verdict, reason(report, "card.approval")) == (Verdict.TRUSTED, "missing-file")


def test_another_rendering_of_an_approved_card_signs_nothing(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_: object) -> bytes:
        raise InvalidInputError("missing-extra", "it is not installed")

    made, ready = renderings._MAKE, chain
    policy(ready, with_role("approver", "ada", threshold=1))
    answer_all(ready)
    with monkeypatch.context() as patched:
        patched.setitem(made, "chai", absent)
        ready.made_card = make(ready)
    ready.card = ready.made_card.manifest
    assert not ready.card.attachments_in("chai")
    assert make(ready, rendering="html").manifest.id == ready.card.id
    approve(ready, "ada")
    size = ready.repository.checkpoint.size
    for who in ("owner", "ada"):  # whoever asks
        signer = ready.signer if who == "owner" else signer_for(who)
        again = make(ready, rendering="chai", signer=signer)
        assert (again.manifest.id, again.changed) == (ready.card.id, False)
    assert ready.repository.checkpoint.size == size
    assert status_of(ready, ready.card).word == "approved"
    facts = gather(ready.repository, ready.made["checkpoint"])
    assert ready.card.id in {one.id for one in inputs_of(ready.repository, facts, ())}
    # Nobody attached these bytes: whoever has card.json draws them again.
    drawn = again.renderings["chai"]
    for report in (judge(ready, drawn, "expert"), alone(ready, evidence(ready), drawn)):
        assert report.check("card").detail["drawn"] == "chai"
        assert approval(report).state is CheckState.PASS
    edited = drawn.replace(b"</", b"x</", 1)
    assert reason(judge(ready, edited, "expert"), "card") == "edited"
    assert reason(alone(ready, evidence(ready), edited), "card") == "edited"
    # Other facts are another card, which nobody approved.
    evaluate_again(ready, "0.7")
    assert make(ready, rendering="chai").changed
    assert status_of(ready, ready.card).word == "superseded"


def test_an_approval_of_another_card_does_not_count(ready: Any) -> None:
    """ATTACK A149: the approval of the version before, with its log proof, beside the next card."""
    before = evidence(ready)
    evaluate_again(ready, "0.6")
    ready.made_card = make(ready)
    ready.card = ready.made_card.manifest
    now = evidence(ready)
    moved = {name: one for name, one in before.items() if name.startswith("approval")}
    assert len(moved) == 2
    assert reason(alone(ready, {**now, **moved}), "card.approval") == "missing-file"


def test_a_forged_log_proof_shows_no_approval(ready: Any) -> None:
    """ATTACK A150: an approval that no log has, with the log proof of something else."""
    files = evidence(ready)
    proof = next(name for name in files if name.startswith("approval") and "proof" in name)
    for forged in (files["log.tlog-proof"], files[proof][:-30] + files[proof][-30:].swapcase()):
        report = alone(ready, {**files, proof: forged})
        assert approval(report).state is CheckState.UNCHECKED
        assert reason(report, "card.approval") == "missing-file"
    # By somebody whom the policy lets approve nothing, though it is logged.
    policy(ready, revoked(signer_for("ada").did, None))
    policy(ready, revoked(signer_for("grace").did, None))
    assert reason(alone(ready, evidence(ready)), "card.approval") == "not-approved"


def test_a_revoked_approval_is_reported_where_it_is_known(ready: Any) -> None:
    """ATTACK A151: whoever hands the card on leaves out that its approval was withdrawn."""
    before = evidence(ready)
    approve(ready, "ada", revoke=True, statement="the March leases were missed")
    now = evidence(ready)
    report = alone(ready, now)
    assert (report.verdict, reason(report, "card.approval")) == (Verdict.TRUSTED, "withdrawn")
    assert approval(report).detail["decisions"][0]["decision"] == "withdraw"  # type: ignore[index]
    # Left out, it is not known; with what somebody else has beside it, it is.
    assert approval(alone(ready, before)).state is CheckState.PASS
    assert not_proven("approval-current") in alone(ready, before).not_proven
    later = encode_evidence(now)
    assert reason(alone(ready, before, later=later), "card.approval") == "withdrawn"
    stored = judge(ready, ready.made_card.renderings["html"], "expert")
    assert reason(stored, "card.approval") == "withdrawn"
    assert not make(ready, signer=signer_for("grace")).changed  # which would hide it


def test_an_approver_whose_key_was_stolen_before(ready: Any) -> None:
    """ATTACK A152: the approval is by a key that was revoked as of a moment before it."""
    index, before = ready.repository.index_of(ready.approval.id), evidence(ready)
    policy(ready, revoked(signer_for("ada").did, index))
    files = {**before, **evidence(ready)}
    report = alone(ready, files)
    assert reason(report, "card.approval") == "not-approved"
    assert approval(report).detail["decisions"] == []
    # Without what shows that the policy is logged, nothing is decided.
    newest = max(name for name in files if name.startswith("policy-") and "proof" in name)
    report = alone(ready, {name: one for name, one in files.items() if name != newest})
    assert approval(report).state is CheckState.UNCHECKED


def test_own_work_is_said_to_be(ready: Any) -> None:
    files = evidence(ready)
    kept = {name: one for name, one in files.items() if not name.startswith(("run-", "checkp"))}
    assert approval(alone(ready, kept)).state is CheckState.STATED
    policy(ready, with_role("approver", "owner", threshold=1))
    policy(ready, lambda before: replace(before, roles=_owner_approves(before, ready.signer.did)))
    approve_card(approving(ready, "owner"), ready.card, alone=True)
    report = alone(ready, evidence(ready))
    assert reason(report, "card.approval") == "self-approved"


def _owner_approves(before: Any, did: str) -> Any:
    return {**before.roles, "approver": replace(before.roles["approver"], keys=(did,))}


def test_one_changed_byte_approves_nothing(ready: Any) -> None:
    files = evidence(ready)
    for name, data in files.items():
        if name in {"card.json", "log.consistency.json", "log.leaves"}:
            continue  # of these nothing about the approval is taken
        for at in (len(data) // 3, len(data) - 30):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            text = ready.made_card.renderings["markdown"]
            beside = {**files, name: changed}
            if sibling_card(text, beside) is None:
                continue
            report = alone(ready, beside)
            said = approval(report)
            whole = report.verdict is Verdict.TRUSTED and said.state is CheckState.PASS
            assert not whole, (name, at)


@pytest.mark.parametrize(
    "content",
    [
        {"format": "card-evidence/1", "files": {}, "more": 1},
        {"format": "card-evidence/2", "files": {}},
        {"format": "card-evidence/1", "files": []},
        {"format": "card-evidence/1", "files": {"../x": ""}},
        {"format": "card-evidence/1", "files": {"a": "Zh=="}},
        {"format": "card-evidence/1", "files": {"a": 1}},
        {"format": "card-evidence/1", "files": {f"f{n}": "" for n in range(513)}},
    ],
)
def test_evidence_has_one_form(content: Any) -> None:
    page = b"<!doctype html>\n<html></html>\n"
    with pytest.raises(FormatError) as error:
        parse_evidence(encode(content))
    assert error.value.kind == "bad-evidence"
    assert split_block(add_block(page, encode(content)))[1] == {}


def test_a_page_has_one_block_at_its_end() -> None:
    page = b"<!doctype html>\n<html></html>\n"
    whole = add_block(page, encode_evidence({"a": b"1"}))
    assert split_block(whole) == (page, {"a": b"1"})
    inside = b64encode(encode_evidence({"a": b"2"})).decode()
    for other in (
        add_block(whole, encode_evidence({"a": b"2"})),
        whole + b"\n",
        whole.replace(b" -->", b"-->"),
        page[:-8] + f"<!-- lyrikstore card-evidence/1 {inside} -->\n</html>\n".encode(),
        add_block(b"<p>", encode_evidence({})),
        add_block(page, b" " + encode_evidence({})),
    ):
        assert split_block(other) == (other, {})
    assert Digest.of(split_block(whole)[0]) == Digest.of(page)
