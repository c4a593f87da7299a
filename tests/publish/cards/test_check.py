"""A card somebody was handed: the signed one, made from what it names, and still the newest."""

from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.json import encode, parse
from lyrikstore.history.commit.appender import Appender
from lyrikstore.history.manifests.manifest import Attachment, Manifest
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.gathering.form import FORMAT
from lyrikstore.publish.cards.rendering.renderings import render
from lyrikstore.publish.cards.sources import FIRST_PROFILE
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState, Verdict
from tests.publish.cards.making import (
    answer_all,
    answered,
    challenged,
    evaluate_again,
    judge,
    log_card,
    make,
    reason,
)

ROLES = ("card", "markdown", "html")

OLD_ANSWERS = b'expert = "Ada"\ndate = "2026-11-24"\n[answers]\nrisks = "none"\n'
"""As version 0.1.0 took them, and nobody signed them."""


@pytest.mark.parametrize("role", ROLES)
def test_the_signed_card_holds(chain: Any, role: str) -> None:
    card = make(chain)
    report = judge(chain, card.renderings[role])
    assert report.subject == str(card.manifest.id)
    assert report.issuer == chain.signer.did
    for check in ("card", "card.sources", "card.current", "manifests", "lineage", "blobs"):
        assert report.check(check).state is CheckState.PASS, check
    assert reason(report, "card.approval") == "draft"
    assert report.check("card").detail["about"] == str(chain.made["checkpoint"].id)
    assert not any("answers" in line for line in report.not_proven)
    # Its manifest, as `show --raw` writes it, is the same card.
    assert judge(chain, card.manifest.encode()).checks == report.checks


def test_answers_stay_unproven(chain: Any) -> None:
    answer_all(chain)
    report = judge(chain, make(chain).renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS
    assert any("answers" in line for line in report.not_proven)


@pytest.mark.parametrize("role", ["markdown", "html"])
def test_an_edited_rendering_is_named_with_its_line(chain: Any, role: str) -> None:
    card = make(chain)
    text = card.renderings[role]
    at = text.index(b"by 0.05; their") + len(b"by 0.0")
    edited = text[:at] + b"9" + text[at + 1 :]
    report = judge(chain, edited)
    assert report.verdict is Verdict.INVALID
    assert reason(report, "card") == "edited"
    line = edited[:at].count(b"\n") + 1
    assert f"line {line} is " in report.check("card").summary
    assert report.check("card").detail["nearest"] == str(card.manifest.id)
    assert report.check("blobs").state is CheckState.UNCHECKED
    rewritten = judge(chain, text.replace(b"\n", b"\r\n"))
    assert reason(rewritten, "card") == "edited"
    assert "only in its line ends" in rewritten.check("card").summary


def test_an_edited_card_json_is_named_with_its_statement(chain: Any) -> None:
    card = make(chain)
    report = judge(chain, card.renderings["card"].replace(b"model 0.75", b"model 0.79"))
    assert (report.verdict, reason(report, "card")) == (Verdict.INVALID, "edited")
    name = "evaluation.metric:evaluations/acme/classifier accuracy"
    assert f"statement {name!r} differs" in report.check("card").summary.replace('"', "'")
    manifest = card.manifest.encode().replace(b'"statements":', b'"statements":1')
    assert reason(judge(chain, manifest), "card") == "edited"


@pytest.mark.parametrize("text", [b"", b"# Another card\n", b"\xff\x00\x1b[2J", b"{}" * 9])
def test_what_is_of_no_card_here_is_never_a_success(chain: Any, text: bytes) -> None:
    make(chain)
    report = judge(chain, text)
    assert report.verdict is Verdict.INCOMPLETE
    assert reason(report, "card") == "another-store"
    claimed = judge(chain, text + str(chain.repository.store_id).encode())
    assert claimed.verdict is Verdict.INVALID
    assert reason(claimed, "card") == "not-signed"


def lie(honest: Any) -> dict[str, bytes]:
    """Return a card that praises the model, and its renderings."""
    said = honest.renderings["card"].replace(b"the baseline is better", b"the model is better")
    assert said != honest.renderings["card"]
    return render(parse(said))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ROLES)
def test_a_card_that_says_what_its_evidence_does_not_is_no_card(chain: Any, role: str) -> None:
    honest = make(chain)
    log_card(chain, honest.manifest, lie(honest), chain.signer)
    report = judge(chain, lie(honest)[role])
    assert report.check("card").state is CheckState.PASS
    assert report.verdict is Verdict.INVALID
    assert reason(report, "card.sources") == "differs"
    assert "evaluation.verdict" in report.check("card.sources").summary
    # The honest one is still signed; there is a newer one.
    newer = judge(chain, honest.renderings[role])
    assert newer.check("card.current").state is CheckState.WARN
    assert reason(newer, "card.approval") == "superseded"


@pytest.mark.parametrize("role", ["markdown", "html"])
def test_a_rendering_that_says_something_else_than_card_json(chain: Any, role: str) -> None:
    honest = make(chain)
    log_card(chain, honest.manifest, {role: lie(honest)[role]}, chain.signer)
    report = judge(chain, honest.renderings["card"])
    assert (report.verdict, reason(report, "card.sources")) == (Verdict.INVALID, "differs")
    assert report.check("card.sources").detail["role"] == role


@pytest.mark.parametrize(
    "member",
    ["notEstablished", "states", "profiles", "evidence", "answers", "leftOut", "withData"],
)
def test_a_manifest_that_counts_otherwise_than_its_card(chain: Any, member: str) -> None:
    """ATTACK: a draft whose manifest says that nothing is open."""
    honest = make(chain)
    old = honest.manifest.body
    body = {
        "notEstablished": 0,
        "states": {**old["states"], "stale": 1},
        "profiles": [{**one, "open": 0} for one in old["profiles"]],
        "evidence": [*old["evidence"], str(Digest.of(b"more"))],
        "answers": [str(Digest.of(b"said"))],
        "leftOut": [str(Digest.of(b"unsaid"))],
        "withData": ["values"],
    }
    log_card(chain, honest.manifest, {}, chain.signer, body={member: body[member]})
    report = judge(chain, honest.renderings["card"])
    assert (report.verdict, reason(report, "card.sources")) == (Verdict.INVALID, "differs")
    named = member not in ("leftOut", "withData")  # by which the card itself is another one
    assert not named or member in report.check("card.sources").summary


def test_a_rendering_of_another_version_is_not_judged_and_the_rest_is(chain: Any) -> None:
    honest = make(chain)
    other = {"html": b"<!doctype html>\n<p>of tomorrow\n"}
    body = {"renderings": {**honest.manifest.body["renderings"], "html": "html/9"}}
    log_card(chain, honest.manifest, other, chain.signer, body=body)
    found = judge(chain, honest.renderings["card"]).check("card.sources")
    assert (found.state, found.detail["roles"]) == (CheckState.STATED, ["html"])
    assert "html/9" in found.summary
    log_card(chain, honest.manifest, {**lie(honest), **other}, chain.signer, body=body)
    assert reason(judge(chain, lie(honest)["card"]), "card.sources") == "differs"


def test_who_may_sign_no_cards_signs_none_and_hides_none(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = make(chain)
    with monkeypatch.context() as patched:
        patched.setattr(Appender, "_check_refs", lambda *_: None)
        for name, files in (("cards/acme/other", lie(honest)), ("cards/acme/third", {})):
            log_card(chain, honest.manifest, files, signer_for("mallory"), name=name)
    report = judge(chain, lie(honest)["html"])
    assert report.verdict is Verdict.INVALID
    assert report.check("manifests").state is CheckState.FAIL
    assert judge(chain, honest.renderings["html"]).subject == str(honest.manifest.id)


def test_what_came_after_it_is_said(chain: Any) -> None:
    card = make(chain)
    answered(chain, {"contact": "Ada"})
    assert "answer.contact" in judge(chain, card.renderings["html"]).check("card.current").summary
    evaluate_again(chain, "0.60")
    report = judge(chain, card.renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS
    assert report.check("card.current").state is CheckState.WARN
    assert "evaluations/acme/classifier" in report.check("card.current").summary
    newer = make(chain)
    assert newer.changed
    assert judge(chain, newer.renderings["html"]).check("card.current").state is CheckState.PASS
    later = judge(chain, card.renderings["html"]).check("card.current").summary
    assert "newer card" in later
    disputed = challenged(chain, "that is wrong", "subject.name")
    found = judge(chain, newer.renderings["html"]).check("card.current")
    assert (found.state, disputed.short in found.summary) == (CheckState.WARN, True)


def test_a_profile_of_another_version_is_not_judged(chain: Any) -> None:
    honest = make(chain)
    files = {"card": encode({"format": "card/9"})}
    log_card(chain, honest.manifest, files, chain.signer, body={"profile": "card/9"})
    found = judge(chain, files["card"]).check("card.sources")
    assert (found.state, found.detail["reason"]) == (CheckState.UNCHECKED, "other-profile")


def log_old_card(
    chain: Any, answers: bytes | None, before: Manifest | None = None
) -> tuple[Manifest, bytes]:
    """Log a card of the form that version 0.1.0 made."""
    facts = gather(chain.repository, chain.made["checkpoint"])
    text = f"---\n---\n# {facts.subject.name}\n\nmanifest {facts.subject.id}\n".encode()
    extra = [] if answers is None else [answers]
    roles = [Attachment("answers", Digest.of(one), len(one)) for one in extra]
    return chain.log(
        "old",
        text,
        *extra,
        kind="card",
        name="cards/acme/classifier",
        body={
            "profile": FIRST_PROFILE,
            "statements": 1,
            "notEstablished": 0,
            "evidence": [str(facts.subject.id)],
        },
        inputs=facts.inputs(),
        attachments=[Attachment("card", Digest.of(text), len(text)), *roles],
        parents=[] if before is None else [before.id],
    ), text


@pytest.mark.parametrize("answers", [None, OLD_ANSWERS], ids=["alone", "with-answers"])
def test_the_text_of_a_card_of_the_version_before_is_stated(
    chain: Any, answers: bytes | None
) -> None:
    _, text = log_old_card(chain, answers)
    report = judge(chain, text)
    assert report.check("card.sources").state is CheckState.STATED
    assert report.check("card.approval").state is CheckState.NOT_APPLICABLE
    assert any("answers" in line for line in report.not_proven) is (answers is not None)
    edited = judge(chain, text.replace(b"manifest", b"the manifest"))
    assert "line " in edited.check("card").summary


def test_the_form_of_the_version_before_hides_no_card_of_today(chain: Any) -> None:
    """ATTACK: what is not compared is signed in place of what is."""
    honest = make(chain)
    body = {"profile": FIRST_PROFILE}
    false = log_card(chain, honest.manifest, lie(honest), chain.signer, body=body)
    found = judge(chain, lie(honest)["html"]).check("card.sources")
    assert (found.state, found.detail["reason"]) == (CheckState.UNCHECKED, "other-profile")
    good = log_card(chain, honest.manifest, {}, chain.signer)
    assert good.parents == (false.id,)
    first, text = log_old_card(chain, None, good)
    assert reason(judge(chain, text), "card.sources") == "differs"
    _, text = log_old_card(chain, None, first)  # nor does one after that
    assert reason(judge(chain, text), "card.sources") == "differs"


def test_a_rendering_that_nothing_is_said_to_have_drawn(chain: Any) -> None:
    """ATTACK: one that no version names is compared with none."""
    honest = make(chain)
    drawn = {k: v for k, v in honest.manifest.body["renderings"].items() if k != "html"}
    body = {"renderings": drawn}
    log_card(chain, honest.manifest, {"html": lie(honest)["html"]}, chain.signer, body=body)
    report = judge(chain, honest.renderings["card"])
    assert (report.verdict, reason(report, "card.sources")) == (Verdict.INVALID, "differs")


def test_answers_of_the_version_before_are_neither_lost_nor_signed_unasked(chain: Any) -> None:
    old, text = log_old_card(chain, OLD_ANSWERS)
    with pytest.raises(PolicyError) as refused:
        make(chain)
    assert (refused.value.kind, refused.value.details["card"]) == ("other-answers", str(old.id))
    card = make(chain, leave_out=True)
    assert (card.manifest.parents, card.manifest.body["profile"]) == ((old.id,), FORMAT)
    assert not make(chain).changed  # left out on purpose, they are asked for no more
    assert judge(chain, text).check("card.current").state is CheckState.WARN
