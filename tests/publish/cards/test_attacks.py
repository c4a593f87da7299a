"""What somebody with a key, or with the store, makes of cards, answers and approvals."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError, PolicyError
from lyrikstore.canon.json import encode, parse
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, sign_manifest
from lyrikstore.publish.cards import sources
from lyrikstore.publish.cards.approval import approve_card
from lyrikstore.publish.cards.card import card_body
from lyrikstore.publish.cards.document import build_card
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.profiles.profile import Profile, load_profile
from lyrikstore.publish.cards.rendering.renderings import render
from lyrikstore.publish.issue.attest_card import attest_card
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState
from tests.publish.cards.making import (
    PICKS,
    answer_all,
    answer_of,
    answered,
    approving,
    challenged,
    draft,
    judge,
    log_card,
    make,
    next_version,
    policy,
    reason,
    status_of,
    with_role,
)

EASY = b"""
profile = "us-health/1"
title = "US health"
about = "checkpoint"
asOf = "2026-01-01"
reviewedBy = "Dr. X, counsel"
[[items]]
id = "1"
clause = "c"
asks = "a"
fill = ["model.task"]
"""


def put(chain: Any, data: bytes) -> None:
    with open_transaction(chain.repository) as transaction:
        transaction.log_credential(data)
        transaction.commit()


def signed_by_hand(chain: Any, change: Any, *, year: int = 0) -> bytes:
    """Return an attestation about the draft of PICKS that no program of ours signs."""
    shown = draft(chain, profiles=[PICKS]).data
    answers = {"personal-data": {"choice": "none", "text": "I looked."}, "contact": {"text": "Ada"}}
    moment = chain.clock().replace(year=year) if year else chain.clock()
    made = attest_card(
        shown,
        "answers",
        {"liability": "none", "answers": answers},
        signer=signer_for("expert"),
        clock=lambda: moment,
    )
    document: Any = parse(made.data)
    del document["proof"]
    for answer in document["credentialSubject"]["attestation"]["answers"]:
        change(answer)
    return encode(add_proof(document, signer_for("expert"), created=moment))


def test_of_two_pages_in_one_card_none_is_the_signed_one(chain: Any) -> None:
    honest = make(chain)
    page = b"<!doctype html><p>Perfect.</p>"
    more = [Attachment("html", Digest.of(page), len(page))]
    log_card(chain, honest.manifest, {"page": page}, chain.signer, more=more)
    assert reason(judge(chain, page), "card.sources") == "differs"
    assert reason(judge(chain, honest.renderings["html"]), "card.sources") == "differs"


@pytest.mark.parametrize("version", ["markdown/1", "markdown/9"])
def test_a_page_that_says_something_else_is_not_approved(chain: Any, version: str) -> None:
    """ATTACK: card.json is true, and the README that is deployed with the model is not."""
    policy(chain, with_role("approver", "ada", threshold=1))
    answer_all(chain)
    honest = make(chain).manifest
    body = {"renderings": {**honest.body["renderings"], "markdown": version}}
    card = log_card(chain, honest, {"markdown": b"---\nPerfect.\n"}, chain.signer, body=body)
    by = approving(chain)
    with pytest.raises(PolicyError) as refused:
        approve_card(by, card)
    assert refused.value.kind == "card-outdated"
    honest = make(chain).manifest
    assert honest.id != card.id
    approve_card(by, honest)
    assert status_of(chain, honest).word == "approved"


def test_an_easier_profile_of_a_law_s_name_is_not_approved(chain: Any) -> None:
    policy(chain, with_role("approver", "ada", threshold=1))
    profile = Profile.parse(EASY)
    document = draft(chain, profiles=[profile])
    files = render(document.content, ["markdown"])
    body = card_body(document, [profile], files)
    more = [Attachment("profile", profile.digest, len(profile.data))]
    with open_transaction(chain.repository) as transaction:
        for data in (*files.values(), profile.data):
            transaction.writer.put_bytes(data)
        made = sign_manifest(
            kind="card", store=chain.repository.store_id, name="cards/acme/classifier", body=body,
            signer=chain.signer, created=chain.clock(), parents=[],
            inputs=gather(chain.repository, chain.made["checkpoint"]).inputs(),
            attachments=[*(Attachment(r, Digest.of(d), len(d)) for r, d in files.items()), *more],
        )  # fmt: skip
        transaction.log_manifest(made)
        transaction.commit()
    with pytest.raises(PolicyError) as refused:
        approve_card(approving(chain), made)
    assert refused.value.kind == "card-outdated"


def test_a_profile_that_is_none_ends_no_verification(chain: Any) -> None:
    honest, junk = make(chain), b"junk"
    more = [Attachment("profile", Digest.of(junk), len(junk))]
    made = log_card(chain, honest.manifest, {"predictions": junk}, chain.signer, more=more)
    assert reason(judge(chain, made.encode()), "card.sources") == "lost"


def test_a_rendering_that_is_only_named(chain: Any) -> None:
    honest = make(chain)
    body = {"renderings": {**honest.manifest.body["renderings"], "docx": "docx/1"}}
    made = log_card(chain, honest.manifest, {}, chain.signer, body=body)
    assert reason(judge(chain, made.encode()), "card.sources") == "differs"


def test_what_was_disputed_before_is_missed(chain: Any) -> None:
    challenged(chain, "the test set leaked", "model.task")
    facts = gather(chain.repository, chain.made["checkpoint"])
    profiles = [load_profile("huggingface")]
    document = build_card(replace(facts, said=()), [], profiles)
    files = render(document.content)
    body = card_body(document, profiles, files)
    log_card(chain, make(chain).manifest, files, chain.signer, body=body)
    report = judge(chain, files["html"])
    assert report.check("card.current").state is CheckState.WARN
    assert "rights.challenge" in report.check("card.current").summary


def test_an_answer_to_what_no_profile_asks_changes_nothing(chain: Any) -> None:
    answered(chain, {"personal-data": {"choice": "some", "text": "x"}}, profiles=[PICKS])
    card = make(chain)
    assert judge(chain, card.renderings["card"]).check("card.current").state is CheckState.PASS


def test_another_question_under_the_same_name(chain: Any) -> None:
    answered(chain, {"contact": {"text": "yes", "scope": "name"}}, profiles=[PICKS])
    asked = PICKS.data.replace(b"Whom does one ask?", b"Is it free of any bias?")
    found = answer_of(draft(chain, profiles=[Profile.parse(asked)]), "contact")
    assert found["state"] == "stale"
    assert "Whom does one ask?" in found["was"]


def test_two_profiles_that_ask_something_else_under_one_name(chain: Any) -> None:
    asked = PICKS.data.replace(b"Whom does one ask?", b"Had lunch?").replace(b"picks/1", b"mine/1")
    with pytest.raises(InvalidInputError) as refused:
        draft(chain, profiles=[PICKS, Profile.parse(asked)])
    assert refused.value.kind == "two-questions"
    with pytest.raises(InvalidInputError) as refused:
        draft(chain, profiles=[PICKS, PICKS])
    assert refused.value.kind == "two-of-a-name"


@pytest.mark.parametrize("choice", ["None", "none ", None])
def test_a_choice_that_is_none_leaves_the_question_open(chain: Any, choice: str | None) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer.pop("choice", None)
        if choice is not None and answer["question"] == "personal-data":
            answer["choice"] = choice

    put(chain, signed_by_hand(chain, change))
    card = draft(chain, profiles=[PICKS])
    assert answer_of(card, "personal-data")["state"] == "stale"
    assert card.open["picks/1"] > 0


def test_an_answer_that_hides_what_was_shown_is_stale(chain: Any) -> None:
    put(chain, signed_by_hand(chain, lambda answer: answer.pop("seen", None)))
    shown = {one["id"]: one["shows"] for one in draft(chain, profiles=[PICKS]).content["questions"]}  # type: ignore[union-attr,index,call-overload]
    card = draft(chain, profiles=[PICKS])
    for question, beside in shown.items():
        state = answer_of(card, question)["state"]
        assert state in ({"stale", "contradicted"} if beside else {"attested"})


def test_an_old_answer_that_comes_later_does_not_count(chain: Any) -> None:
    def new(answer: dict[str, Any]) -> None:
        answer["text"] = "new"

    put(chain, signed_by_hand(chain, new))
    put(chain, signed_by_hand(chain, lambda _: None, year=2020))
    assert answer_of(draft(chain, profiles=[PICKS]), "contact")["text"] == "new"


def test_a_profile_under_the_name_of_a_law(chain: Any, tmp_path: Any) -> None:
    (tmp_path / "mine.toml").write_bytes(EASY)
    with pytest.raises(InvalidInputError) as refused:
        load_profile(str(tmp_path / "mine.toml"))
    assert refused.value.kind == "bad-profile"
    card = make(chain, profiles=[Profile.parse(EASY)])
    assert reason(judge(chain, card.renderings["html"]), "card.sources") == "differs"


def test_a_card_that_leaves_the_run_out_is_its_authors_work_too(chain: Any) -> None:
    old = chain.made["checkpoint"]
    policy(chain, with_role("helper", "bob", threshold=1, kind="*"))
    model = sign_manifest(
        kind="checkpoint",
        store=chain.repository.store_id,
        name=old.name,
        body={**old.body, "step": 98},
        signer=signer_for("bob"),
        created=chain.clock(),
        parents=[old.id],
        inputs=old.inputs,
        tree=old.tree,
        files=old.files,
    )
    with open_transaction(chain.repository) as transaction:
        transaction.log_manifest(model)
        transaction.commit()
    chain.made["bobs"] = model
    honest = make(chain, "bobs", signer=signer_for("bob"), profiles=[PICKS])
    lacking = [one for one in honest.manifest.inputs if one.role != "run"]
    made = log_card(chain, replace_inputs(honest.manifest, lacking), {}, signer_for("bob"))
    assert reason(judge(chain, made.encode()), "card.sources") == "differs"
    with pytest.raises(Exception, match="its subject or its run"):
        approve_card(approving(chain, "owner"), made)


def replace_inputs(manifest: Any, inputs: Any) -> Any:
    return replace(manifest, inputs=tuple(inputs))


def test_a_card_under_another_name_is_not_approved_there(chain: Any) -> None:
    answer_all(chain)
    honest = make(chain)
    made = log_card(chain, honest.manifest, {}, chain.signer, name="cards/sandbox/x")
    assert reason(judge(chain, made.encode()), "card.sources") == "differs"


def test_what_another_answered_later_closes_what_went_stale(chain: Any) -> None:
    answer_all(chain, by="expert")
    next_version(chain)
    answer_all(chain, by="another", nickname="next")
    card = make(chain, "next")
    assert card.document.states["stale"] > 0
    assert set(card.document.open.values()) <= {1}  # nobody has evaluated this version
    assert status_of(chain, card.manifest).word == "draft"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("questions", 0, "choices"), 5),
        (("questions", 0, "choices"), [5]),
        (("questions", 0, "shows"), 5),
        (("questions", 0, "shows"), [[1]]),
        (("questions", 0, "id"), [1]),
        (("statements", 0, "id"), [1]),
        (("statements", 0, "text"), 7),
        (("subject", "name"), 7),
        (("subject", "tree"), 7),
        (("subject",), []),
    ],
)
def test_a_card_of_another_form_is_not_attested(chain: Any, place: Any, value: Any) -> None:
    content = json.loads(draft(chain, profiles=[PICKS]).data)
    *path, last = place
    part = content
    for step in path:
        part = part[step]
    part[last] = value
    said = {"liability": "none", "answers": {"contact": {"text": "Ada"}}}
    with pytest.raises(InvalidInputError) as refused:
        attest_card(encode(content), "answers", said, signer=signer_for("e"), clock=chain.clock)
    assert refused.value.kind == "not-a-card"


@pytest.mark.parametrize(
    "change",
    [
        {"count": 0, "overlap": {"exact": 1, "checked": "blake3"}},
        {"worst": [{"record": "00" * 32}]},
        {"model": {"accuracy": {"value": "0.5", "low": "0.4"}}},
    ],
    ids=["count", "worst", "interval"],
)
def test_an_evaluation_that_no_program_of_ours_writes(chain: Any, change: Any) -> None:
    old = chain.made["evaluation"]
    chain.log(
        "odd", kind="evaluation", name="evaluations/acme/odd", body={**old.body, **change},
        inputs=old.inputs,
    )  # fmt: skip
    with pytest.raises(FormatError) as refused:
        draft(chain)
    assert refused.value.kind == "bad-body"


def test_what_no_card_can_state_makes_no_card_false_that_was_signed_before(chain: Any) -> None:
    """ATTACK A86: one evaluation, and every card of the model is invalid from then on."""
    honest, old = make(chain), chain.made["evaluation"]
    body = {**old.body, "count": 0, "overlap": {"exact": 1, "checked": "blake3"}}
    chain.log(
        "odd", kind="evaluation", name="evaluations/acme/odd", body=body, inputs=old.inputs
    )  # fmt: skip
    found = judge(chain, honest.renderings["card"]).check("card.current")
    assert (found.state, "evaluations/acme/odd" in found.summary) == (CheckState.WARN, True)


def test_predictions_that_are_none_stop_no_card(chain: Any) -> None:
    old, junk = chain.made["evaluation"], b"junk"
    made = sign_manifest(
        kind="evaluation",
        store=old.store,
        name="evaluations/acme/junk",
        body=old.body,
        signer=chain.signer,
        created=chain.clock(),
        inputs=old.inputs,
        attachments=[*old.attachments, Attachment("predictions", Digest.of(junk), len(junk))],
    )
    with open_transaction(chain.repository) as transaction:
        transaction.writer.put_bytes(junk)
        transaction.log_manifest(made)
        transaction.commit()
    card = make(chain)
    assert judge(chain, card.renderings["html"]).check("card.sources").state is CheckState.PASS


def test_a_card_about_a_model_of_an_unknown_task_is_not_checked(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever made it has the task, whose figures and words nobody without it can make again."""
    card = make(chain)
    lying = log_card(chain, card.manifest, {"markdown": b"# It is safe\n"}, signer_for("owner"))
    assert reason(judge(chain, lying.encode()), "card.sources") == "differs"
    monkeypatch.setattr(sources, "find_rules", lambda _: None)
    found = judge(chain, lying.encode()).check("card.sources")
    assert (found.state, found.detail["reason"]) == (CheckState.UNCHECKED, "lost")
    # What needs no task is compared all the same.
    renamed = log_card(chain, card.manifest, {}, signer_for("owner"), "cards/acme/other")
    assert reason(judge(chain, renamed.encode()), "card.sources") == "differs"
