"""Who approved a card stands on its first page, and is read back from there (A203 to A205)."""

from collections.abc import Mapping
from typing import Any

import pytest

from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.approval import approve_card
from lyrikstore.publish.cards.check import verify_card
from lyrikstore.publish.cards.offline_card import (
    card_evidence,
    open_card,
    sibling_card,
    verify_card_alone,
    with_evidence,
)
from lyrikstore.publish.cards.rendering import page as page_renderer
from lyrikstore.publish.cards.rendering import renderings
from lyrikstore.publish.cards.rendering.approvals import fill_page, restore_page
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.deployment.card_evidence import add_block, encode_evidence, split_block
from lyrikstore.verify.report import CheckState, Report, Verdict
from tests.publish.cards.making import (
    answer_all,
    approving,
    draft,
    judge,
    make,
    policy,
    reason,
    trusting,
    with_role,
)

NASTY = "</div><script>1</script> \u202e geprüft " + "x" * 600
EMPTY = b"No approval was logged when this file was written."


@pytest.fixture
def ready(chain: Any) -> Any:
    """A chain with a card that one of two approvers has approved."""
    policy(chain, with_role("approver", "ada", "grace", threshold=1))
    answer_all(chain)
    chain.made_card = make(chain)
    chain.card = chain.made_card.manifest
    chain.approval = decide(chain, "ada", statement=NASTY)
    return chain


def decide(chain: Any, who: str, **options: Any) -> Manifest:
    return approve_card(approving(chain, who), chain.card, **options)[0]


def evidence(chain: Any) -> dict[str, bytes]:
    found = card_evidence(chain.repository, chain.card)
    assert found is not None
    return found


def handed(chain: Any) -> bytes:
    """Return the page as it is handed over now."""
    return with_evidence("html", chain.made_card.renderings["html"], evidence(chain))[0]


def alone(chain: Any, data: bytes, beside: Mapping[str, bytes] | None = None) -> Report:
    text, files = open_card(data, beside or {})
    card = sibling_card(text, files)
    assert card is not None
    trust = trusting(chain, "ada", "expert")
    return verify_card_alone(text, card, files, trust=trust, at=chain.clock())


def filled(page: bytes) -> tuple[int, int]:
    start = page.index(b'<div id="approvals">')
    return start, page.index(b"</div>", start) + len(b"</div>")


def test_the_first_page_says_who_approved_when_and_in_which_words(ready: Any) -> None:
    assert EMPTY in ready.made_card.renderings["html"]
    page = handed(ready)
    assert EMPTY not in page
    start, end = filled(page)
    said = page[start:end].decode()
    did = signer_for("ada").did
    for text in (
        "Approved by 1 of those who may.", "Rule: role approver, 1 of 2 keys.", did[:20],
        f"as log entry {ready.repository.index_of(ready.approval.id)}", "&lt;/div&gt;&lt;script",
    ):  # fmt: skip
        assert text in said, text
    assert "\u202e" not in said
    assert page.count(b"<script") == 0
    assert (
        fill_page(ready.made_card.renderings["html"], split_block(page)[1]) == split_block(page)[0]
    )
    for report in (judge(ready, page, "ada", "expert"), alone(ready, page)):
        assert report.check("card").state is CheckState.PASS
        assert report.check("card.approval").state is CheckState.PASS
        assert "notInFile" not in report.check("card.approval").detail


def test_any_changed_byte_of_the_approvals_is_found(ready: Any) -> None:
    """ATTACK A203."""
    page = handed(ready)
    start, end = filled(page)
    for at in (*range(start, start + 25), *range(start, end, 11), *range(end - 7, end)):
        edited = page[:at] + bytes([page[at] ^ 1]) + page[at + 1 :]
        assert open_card(edited, {})[0] != ready.made_card.renderings["html"], at
    for at in (start, start + 40, (start + end) // 2, end - 2):
        edited = page[:at] + bytes([page[at] ^ 1]) + page[at + 1 :]
        for report in (judge(ready, edited, "ada", "expert"), alone(ready, edited)):
            assert (report.verdict, reason(report, "card")) == (Verdict.INVALID, "edited"), at


def test_approvals_of_other_evidence_are_found(ready: Any) -> None:
    """ATTACK A204: the page says that nobody approved, or somebody else, and the block is whole."""
    signed, block = ready.made_card.renderings["html"], split_block(handed(ready))[1]
    approved = split_block(handed(ready))[0]
    decide(ready, "ada", revoke=True, statement="missed")
    later = split_block(handed(ready))[1]
    for page in (
        add_block(signed, encode_evidence(block)),  # empty, though the evidence has an approval
        add_block(approved, encode_evidence(later)),  # approved, though it was withdrawn
        approved,  # without the evidence that says so
        add_block(approved.replace(b"</main>", approved[slice(*filled(approved))] + b"</main>"),
                  encode_evidence(block)),  # twice
    ):  # fmt: skip
        assert reason(judge(ready, page, "ada", "expert"), "card") == "edited"
        text, files = open_card(page, {})
        assert text != signed
        if sibling_card(text, files) is not None:
            assert reason(alone(ready, page), "card") == "edited"
    assert restore_page(signed, {}) == signed  # as it was signed, it says that nobody did


def test_approvals_of_another_card_are_found(ready: Any) -> None:
    """ATTACK A188: the page of a card that nobody approved, before the evidence of another."""
    block = split_block(handed(ready))[1]
    ready.clock.advance(days=1)
    again = make(ready, "raw")
    page = add_block(fill_page(again.renderings["html"], block), encode_evidence(block))
    assert b"Approved by 1" in page
    assert reason(judge(ready, page, "ada", "expert"), "card") == "edited"
    own = card_evidence(ready.repository, again.manifest)
    assert own is not None
    beside = {"own.evidence.json": encode_evidence(own)}
    assert alone(ready, page, beside).check("card").state is CheckState.FAIL


def test_what_the_log_says_by_now_is_named(ready: Any) -> None:
    """ATTACK A205: a page from before a withdrawal is handed on."""
    before = handed(ready)
    later = decide(ready, "ada", revoke=True, statement="missed")
    more = decide(ready, "grace")
    report = judge(ready, before, "ada", "expert")
    said = report.check("card.approval").detail
    assert report.check("card").state is CheckState.PASS
    assert said["notInFile"] == [str(later.id), str(more.id)]
    assert said["onlyInFile"] == [str(ready.approval.id)]
    # Enough approve it: grace does, and not ada, as the page says.
    approval = report.check("card.approval")
    assert (str(approval.state), reason(report, "card.approval")) == ("warn", "differs")
    signed = judge(ready, ready.made_card.renderings["html"], "ada", "expert")
    assert signed.check("card.approval").detail["notInFile"] == [str(later.id), str(more.id)]
    assert signed.check("card.approval").detail["onlyInFile"] == []
    # Without the store, by newer evidence beside it.
    newer = encode_evidence(evidence(ready))
    said = alone(ready, before, {"newer.evidence.json": newer}).check("card.approval").detail
    assert said["notInFile"] == [str(later.id), str(more.id)]
    now = handed(ready)
    start, end = filled(now)
    assert b"withdrew their approval" in now[start:end]
    assert "notInFile" not in judge(ready, now, "ada", "expert").check("card.approval").detail
    markdown = judge(ready, ready.made_card.renderings["markdown"], "ada", "expert")
    assert "notInFile" not in markdown.check("card.approval").detail


def test_pages_of_earlier_renderers_hold_as_they_were_signed() -> None:
    page = b"<!doctype html>\n<html></html>\n"
    assert fill_page(page, {"a": b"1"}) == page
    assert restore_page(page, {"a": b"1"}) == page


def test_a_page_of_another_renderer_is_not_called_edited(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(chain, with_role("approver", "ada", threshold=1))
    answer_all(chain)
    with monkeypatch.context() as patched:
        patched.setattr(renderings, "MAX_CARD", len(draft(chain).data))
        chain.made_card = make(chain)  # its page is too long to be attached
    chain.card = chain.made_card.manifest
    assert not chain.card.attachments_in("html")
    decide(chain, "ada")
    drawn = make(chain, rendering="html").renderings["html"]
    page = with_evidence("html", drawn, evidence(chain))[0]
    for report in (judge(chain, page, "ada", "expert"), alone(chain, page)):
        assert report.check("card").detail["drawn"] == "html"
    monkeypatch.setattr(page_renderer, "html_version", lambda: "html/9 design/00000000")
    monkeypatch.setattr(renderings, "html_version", lambda: "html/9 design/00000000")
    for report in (judge(chain, page, "ada", "expert"), alone(chain, page)):
        assert report.check("card").state is CheckState.UNCHECKED
        assert reason(report, "card") == "other-renderer"
    other = verify_card(approving(chain, "owner", "ada"), page.replace(b"html/2 ", b"html/3 "))
    assert reason(other, "card") == "other-renderer"
