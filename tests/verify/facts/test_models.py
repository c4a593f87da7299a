"""Facts about a model follow from its evaluations, cards and approvals before a log index."""

from pathlib import Path
from typing import Any

import pytest

from lyrikstore.history.commit.policy_change import with_approvers
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest
from lyrikstore.verify.facts.models import model_resource
from make_manifests import EXAMPLES
from manifests_of_version_2 import EXAMPLES_2
from tests.verify.rights.models import log_model
from tests.verify.rules.stage import OFFICER, OWNER, TRAINER, RulesStage

BODY = EXAMPLES["evaluation"]["body"]
BETTER = EXAMPLES_2["evaluation"]["body"]["comparisons"]


class ModelBench:
    """A store with a model."""

    def __init__(self, home: Path) -> None:
        self.stage = RulesStage(home)
        self.notes = self.stage.dataset()
        self.test = self.stage.dataset("test")
        run = self.stage.force(self.notes)
        self.model = log_model(self.stage.repository, run, self.notes, TRAINER, "first")

    def evaluate(self, **body: Any) -> Manifest:
        stated = {**BODY, "rights": [], **body}
        made = self.stage.sign(
            "evaluation",
            "evaluations/acme/first",
            body={name: value for name, value in stated.items() if value is not None},
            inputs=[
                Input("checkpoint", "checkpoint", self.model.id),
                Input("test", "dataset", self.test.id),
            ],
        )
        self.stage.log(made)
        return made

    def card(self, text: bytes = b"{}") -> Manifest:
        with open_transaction(self.stage.repository) as transaction:
            blob = transaction.writer.put_bytes(text)
            made = self.stage.sign(
                "card",
                "cards/acme/first",
                body={**EXAMPLES["card"]["body"], "evidence": []},
                inputs=[Input("checkpoint", "checkpoint", self.model.id)],
                attachments=[Attachment("card", blob, len(text))],
            )
            transaction.log_manifest(made)
            transaction.commit()
        return made

    def approve(self, card: Manifest, signer: Any = OFFICER, decision: str = "approve") -> Manifest:
        body = {"decision": decision, "self": False, "statement": "read"}
        inputs = [Input("card", "card", card.id)]
        made = self.stage.sign("approval", "approvals/acme/first", signer, body=body, inputs=inputs)
        self.stage.log(made)
        return made

    def facts(self, index: int | None = None) -> dict[str, Any]:
        at = len(self.stage.repository.entries()) if index is None else index
        return dict(model_resource(self.stage.repository, self.model, at).facts)


@pytest.fixture
def bench(tmp_path: Path) -> ModelBench:
    return ModelBench(tmp_path)


def test_nothing_is_known_of_a_model_that_nobody_evaluated(bench: ModelBench) -> None:
    assert bench.facts() == {
        "licences": ["unknown"],
        "evaluated": "no",
        "overlap": -1,
        "betterThanBaseline": "not-measured",
        "card": "none",
        "reviews": 0,
    }


def test_the_last_evaluation_before_the_index_counts(bench: ModelBench) -> None:
    bench.evaluate(overlap={"exact": 3, "checked": "record ids"})
    index = len(bench.stage.repository.entries())
    bench.evaluate()
    assert (bench.facts(index)["evaluated"], bench.facts(index)["overlap"]) == ("yes", 3)
    assert bench.facts()["overlap"] == 0
    bench.evaluate(overlap=None, purpose="monitor", baseline=None, majority=None, confidence=None)
    assert bench.facts()["overlap"] == 0


def test_the_verdict_of_the_comparison_counts(bench: ModelBench) -> None:
    bench.evaluate(comparisons=BETTER)
    assert bench.facts()["betterThanBaseline"] == "not-shown"


def test_a_card_is_a_draft_until_enough_approve_it(bench: ModelBench) -> None:
    bench.stage.change(with_approvers([OFFICER.did]))
    card = bench.card()
    assert (bench.facts()["card"], bench.facts()["reviews"]) == ("draft", 0)
    index = len(bench.stage.repository.entries())
    bench.approve(card)
    assert (bench.facts()["card"], bench.facts()["reviews"]) == ("approved", 1)
    assert (bench.facts(index)["card"], bench.facts(index)["reviews"]) == ("draft", 0)
    bench.approve(card, decision="withdraw")
    assert (bench.facts()["card"], bench.facts()["reviews"]) == ("draft", 0)


def test_a_maker_who_approves_is_not_counted(bench: ModelBench) -> None:
    bench.approve(bench.card(), OWNER)
    assert bench.facts()["reviews"] == 0


def test_what_came_after_a_card_makes_it_stale(bench: ModelBench) -> None:
    bench.card()
    bench.evaluate()
    assert bench.facts()["card"] == "stale"
    bench.card(b"[]")
    assert bench.facts()["card"] == "draft"
