"""Cards say under which rules a model was trained and evaluated, and what was waived."""

from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.credentials.trust import Trust
from lyrikstore.governance.packs import add_rules
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest
from lyrikstore.publish.cards.card import CardResult
from lyrikstore.publish.cards.document import build_card
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.publish.cards.offline_card import card_evidence, verify_card_alone
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.rendering.renderings import ROLES
from lyrikstore.publish.cards.sources import check_sources
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.report import CheckState
from tests.contexts import context_of
from tests.publish.cards.making import log_card, make, statement_of

REASON, LIABLE = "the board of 2 December\nagreed", "Dr. J. Doe, as data protection officer"


def decide(chain: Any, action: str, rules: Any, waiver: Manifest | None = None) -> Input:
    """Log a decision as ``train`` and ``evaluate`` do; return the input that names it."""
    request = f'{{"action":"{action}"}}'.encode()
    body: dict[str, Any] = {"action": action, "answer": "permit", "engine": "cedar/4",
                            "resources": 2}  # fmt: skip
    inputs = [Input("rules", "rules", one.id) for one in rules]
    if waiver is not None:
        lifted = {"rule": waiver.body["rule"], "resource": "all", "waiver": str(waiver.id)}
        body |= {"answer": "permit-by-waiver", "lifted": [lifted]}
        inputs.append(Input("waiver", "waiver", waiver.id))
    made = chain.log(
        f"{action} decision",
        request,
        kind="decision",
        name=f"decisions/acme/classifier.{action}",
        body=body,
        inputs=inputs,
        attachments=[Attachment("request", Digest.of(request), len(request))],
    )
    return Input("decision", "decision", made.id)


def log_again(chain: Any, nickname: str, inputs: list[Input]) -> None:
    """Log a manifest once more, with other inputs."""
    old = chain.made[nickname]
    chain.log(
        nickname, kind=old.kind, name=old.name, body=old.body, inputs=inputs, tree=old.tree,
        files=old.files, parents=[old.id],
    )  # fmt: skip


@pytest.fixture
def ruled(chain: Any) -> Any:
    """A chain whose model was trained under rules with a waiver, and evaluated twice."""
    added = add_rules(context_of(chain.repository, signer=chain.signer, clock=chain.clock),
                      "health", "acme")  # fmt: skip
    about = Input("dataset", "dataset", chain.made["raw"].id)
    waiver = chain.log(
        "waiver",
        kind="waiver",
        name="waivers/acme/health-evaluated.0",
        body={"rule": "health-evaluated", "until": "2027-01-31", "reason": REASON,
              "liable": LIABLE},
        inputs=[Input("rules", "rules", added.manifests[1].id), about],
    )  # fmt: skip
    trained = decide(chain, "train", added.manifests, waiver)
    log_again(chain, "run", [*chain.made["run"].inputs, trained])
    made = chain.made["checkpoint"]
    others = [one for one in made.inputs if one.role != "run"]
    log_again(chain, "checkpoint", [Input("run", "run", chain.made["run"].id), *others])
    old = chain.made["evaluation"]
    tested = [Input("checkpoint", "checkpoint", chain.made["checkpoint"].id), *old.inputs[1:]]
    log_again(chain, "evaluation", tested)
    log_again(chain, "evaluation", [*tested, decide(chain, "evaluate", added.manifests)])
    return chain


def said(card: Any, fact: str) -> list[Any]:
    return [one for one in card.content["statements"] if one["id"].partition(":")[0] == fact]


def test_a_card_has_rules_decisions_and_waivers(ruled: Any) -> None:
    card: CardResult = make(ruled)
    packs = said(card.document, "rights.rules")
    assert [(one["value"]["name"], one["state"]) for one in packs] == [
        ("core", "stated"), ("health", "stated"),
    ]  # fmt: skip
    for one in packs:
        version, as_of, reviewed = (one["value"][n] for n in ("version", "asOf", "reviewed"))
        assert all(each in one["text"] for each in (version, as_of, reviewed))
    decisions = said(card.document, "rights.decision")
    assert [(one["about"], one["value"], one["state"]) for one in decisions] == [
        ("runs/acme/classifier", "permit-by-waiver", "decided"),
        ("evaluations/acme/classifier", "none", "derived"),
        ("evaluations/acme/classifier 2", "permit", "decided"),
    ]
    waiver, about = ruled.made["waiver"], ruled.made["raw"]
    (waived,) = said(card.document, "rights.waiver")
    assert waived["value"] == {
        "rule": "health-evaluated", "about": str(about.id), "until": "2027-01-31",
    }  # fmt: skip
    assert waived["text"].endswith("2027-01-31: the board of 2 December agreed")
    assert (waived["by"], waived["liable"]) == (waiver.author, LIABLE)
    assert waived["evidence"] == [str(waiver.id), str(about.id)]
    assert {"markdown", "html", "pdf"} <= card.renderings.keys() <= {*ROLES}
    for role in ("markdown", "html"):
        text = card.renderings[role].decode()
        assert "Under which rules" in text
        assert "2 December agreed" in text
        assert text.count("Dr. J. Doe") == 1  # in the table of those who are liable
    assert check_sources(ruled.repository, card.manifest).state is CheckState.PASS
    assert not make(ruled).changed


def test_a_card_that_says_another_decision_differs(ruled: Any) -> None:
    """ATTACK: a card leaves out a waiver."""
    honest = make(ruled)
    content: dict[str, Any] = dict(honest.document.content)
    kept = [one for one in content["statements"] if not one["id"].startswith("rights.waiver")]
    files = {"card": encode({**content, "statements": kept})}
    forged = log_card(ruled, honest.manifest, files, ruled.signer)
    assert check_sources(ruled.repository, forged).detail["reason"] == "differs"


def test_a_card_without_its_store_says_that_rules_are_not_checked(ruled: Any) -> None:
    card = make(ruled)
    files = card_evidence(ruled.repository, card.manifest)
    assert files is not None
    report = verify_card_alone(
        card.renderings["card"], card.manifest, files, trust=Trust(), at=ruled.clock()
    )
    assert not_proven("rules", "'runs/acme/classifier'") in report.not_proven


def test_cards_of_before_keep_their_words(ruled: Any) -> None:
    facts = gather(ruled.repository, ruled.made["checkpoint"])
    before = build_card(facts, (), [load_profile("huggingface")], CardForm("card/5"))
    assert statement_of(before, "rights.rules")["text"] == "no rules were in force"
    assert not said(before, "rights.decision") + said(before, "rights.waiver")
