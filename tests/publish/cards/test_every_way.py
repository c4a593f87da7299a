"""A false card is found however it is asked about: by name, by id, in its store, by file.

An owner signs again: a false figure, a page that says more than ``card.json``, and counts of states
by which nothing is open.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.api import Store
from lyrikstore.canon.json import parse
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.gc.retention import plan_retirement, retire
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.policy.policy import Policy, Retired
from lyrikstore.publish.cards.rendering.renderings import render
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState, Report, Verdict
from tests.publish.cards.making import (
    answer_all,
    log_card,
    make,
    policy,
    statement_of,
    with_role,
)

FALSE = ("figure", "page", "states", "counts")
WAYS = ("name", "id", "store", "file", "manifest", "approval")


def signed_again(chain: Any, false: str) -> tuple[Manifest, bytes]:
    """Log a false card that its owner signed; return it, and what is handed over of it."""
    honest = make(chain)
    said: Any = parse(honest.renderings["card"])
    body: Mapping[str, Any] = {}
    files: dict[str, bytes] = {}
    if false == "figure":
        text = honest.renderings["card"].replace(b"better, by 0.05", b"better, by 0.01")
        files = render(parse(text))  # type: ignore[arg-type]
    elif false == "page":
        files = {"html": honest.renderings["html"].replace(b"</main>", b"<p>A+</p></main>")}
    elif false == "states":
        states = dict.fromkeys(honest.manifest.body["states"], 0)
        profiles = [{**one, "open": 0} for one in honest.manifest.body["profiles"]]
        body = {"states": states, "notEstablished": 0, "profiles": profiles}
    else:
        files = render(said | {"counts": {"measured": 1}})
    assert all(data != honest.renderings[role] for role, data in files.items() if role == "html")
    card = log_card(chain, honest.manifest, files, chain.signer, body=body)
    return card, files.get("html", honest.renderings["html"])


def ask(chain: Any, way: str, card: Manifest, file: bytes) -> Report:
    """Return what verification says of a card that is asked about in one way."""
    trust = Trust((TrustedIssuer(did=chain.signer.did, nickname="owner"),))
    of: dict[str, str | None] = {"name": card.name, "id": str(card.id), "store": None}
    if way == "approval":  # which no program here would have signed
        approval = chain.log(
            "approval",
            kind="approval",
            name="approvals/acme/classifier",
            body={"decision": "approve", "self": True},
            inputs=[Input("card", "card", card.id)],
        )
        of["approval"] = str(approval.id)
    store = Store.open(
        chain.home,
        memory_dir=chain.home / "memory",
        trust_file=chain.home / "none",
        clock=chain.clock,
    )
    if way in of:
        return store.verify(of[way], trust=trust)
    return store.models.verify_card(file if way == "file" else card.encode(), trust=trust)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("false", FALSE)
def test_a_false_card_is_found(chain: Any, false: str, way: str) -> None:
    card, file = signed_again(chain, false)
    report = ask(chain, way, card, file)
    found = report.check("card.sources")
    assert (report.verdict, found.state) == (Verdict.INVALID, CheckState.FAIL)
    assert found.detail["reason"] == "differs"
    others = [one.id for one in report.checks if one.state is CheckState.FAIL]
    assert others == ["card.sources"]  # nothing else would have found it


@pytest.mark.parametrize("way", WAYS)
def test_an_honest_card_holds(chain: Any, way: str) -> None:
    answer_all(chain)
    card = make(chain)
    report = ask(chain, way, card.manifest, card.renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS
    assert report.verdict is not Verdict.INVALID


@pytest.mark.parametrize("way", WAYS)
def test_a_rendering_of_another_version_is_stated(chain: Any, way: str) -> None:
    honest = make(chain)
    other = {"html": b"<!doctype html>\n<p>of tomorrow\n"}
    body = {"renderings": {**honest.manifest.body["renderings"], "html": "html/9"}}
    card = log_card(chain, honest.manifest, other, chain.signer, body=body)
    report = ask(chain, way, card, other["html"])
    found = report.check("card.sources")
    assert found.state is CheckState.STATED
    assert report.verdict is not Verdict.INVALID
    assert "html/9" in found.summary


def test_what_is_no_card_is_not_asked_about_one(chain: Any) -> None:
    make(chain)
    report = ask(chain, "name", chain.made["checkpoint"], b"")
    assert report.check("card.sources").state is CheckState.NOT_APPLICABLE


def test_a_key_that_was_stolen_makes_no_liar_of_a_card_made_before(chain: Any) -> None:
    """What a card says of versions was so when it was logged."""
    policy(chain, with_role("trainer", "eve", threshold=1, kind="checkpoint"))
    first, eve = chain.made["checkpoint"], signer_for("eve")
    stolen = log_version(chain, first, eve)
    last = log_version(chain, stolen, chain.signer)
    chain.made["last"] = last
    card = make(chain, "last")
    assert "version 3" in statement_of(card, "subject.version")["text"]
    gone = Retired(eve.did, None, chain.repository.index_of(stolen.id))

    def without(before: Policy) -> Policy:
        roles = {name: one for name, one in before.roles.items() if name != "trainer"}
        return replace(before, roles=roles, retired=(*before.retired, gone))

    policy(chain, without)
    assert last.id in {one.id for one in chain.repository.flagged}
    report = ask(chain, "store", card.manifest, b"")
    assert report.check("card.sources").state is CheckState.PASS


def log_version(chain: Any, before: Manifest, signer: Any) -> Manifest:
    """Log another version of a model, with the same files."""
    made = sign_manifest(
        kind="checkpoint",
        store=chain.repository.store_id,
        name=before.name,
        body={**before.body, "step": before.body["step"] + 1},
        signer=signer,
        created=chain.clock(),
        parents=[before.id],
        inputs=before.inputs,
        tree=before.tree,
        files=before.files,
    )
    with open_transaction(chain.repository) as transaction:
        transaction.log_manifest(made)
        transaction.commit()
    return made


def test_a_false_card_that_was_retired_leaves_its_store_whole(chain: Any) -> None:
    """Who signed one by mistake signs an honest one, and retires it."""
    false, file = signed_again(chain, "states")
    card = make(chain)
    assert card.manifest.parents == (false.id,)
    retirement = plan_retirement(chain.repository, false.name, 1)
    retire(chain.repository, retirement, signer=chain.signer, clock=chain.clock)
    whole = ask(chain, "store", card.manifest, b"").check("card.sources")
    assert (whole.state, whole.detail["reason"]) == (CheckState.WARN, "retired")
    assert ask(chain, "name", card.manifest, b"").check("card.sources").state is CheckState.PASS
    for way in ("id", "manifest"):
        report = ask(chain, way, false, file)
        found = report.check("card.sources")
        assert (found.state, found.detail["reason"]) == (CheckState.UNCHECKED, "retired")
        assert report.verdict is Verdict.INCOMPLETE
