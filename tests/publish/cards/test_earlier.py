"""What a log held before a model: first use of data, other models, the version before."""

from typing import Any

import pytest

from lyrikstore.history.commit.policy_change import revoked, with_writer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.vocabulary import say_all
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState
from tests.publish.cards.making import draft, judge, make, next_version, policy

SOURCE = "datasets/acme/contracts"


def said(chain: Any, fact: str, nickname: str = "checkpoint") -> list[Any]:
    found = say_all(gather(chain.repository, chain.made[nickname]))
    return [one for one in found if one.fact == fact]


def second(chain: Any, name: str = "second", **body: Any) -> Manifest:
    """Log a run and another model of the same data."""
    run, model = chain.made["run"], chain.made["checkpoint"]
    made = chain.log(
        f"{name}-run", kind="run", name=f"runs/acme/{name}", body={**run.body, **body},
        inputs=run.inputs,
    )  # fmt: skip
    inputs = [Input("run", "run", made.id), *(one for one in model.inputs if one.role != "run")]
    found: Manifest = chain.log(
        name, kind="checkpoint", name=f"checkpoints/acme/{name}", body=model.body, inputs=inputs,
        tree=model.tree, files=model.files,
    )  # fmt: skip
    return found


def evaluate(chain: Any, model: Manifest, accuracy: str, test: str = "test") -> None:
    old = chain.made["evaluation"]
    figures = {**old.body["model"], "accuracy": {"value": accuracy, "low": "0.4", "high": "0.9"}}
    inputs = [
        Input("checkpoint", "checkpoint", model.id),
        Input("test", "dataset", chain.made[test].id),
        *(one for one in old.inputs if one.role == "train"),
    ]
    parents = [chain.repository.refs[old.name].id]
    chain.log(
        "again", kind="evaluation", name=old.name, body={**old.body, "model": figures},
        inputs=inputs, parents=parents,
    )  # fmt: skip


def test_the_first_use_of_data_is_that_of_the_first_run(chain: Any) -> None:
    run = chain.made["run"]
    index = chain.repository.index_of(run.id)
    second(chain)
    for nickname in ("checkpoint", "second"):
        (one,) = said(chain, "data.first-used", nickname)
        assert (one.subject, one.state) == (SOURCE, "derived")
        assert one.value == {"index": index, "day": run.created[:10]}
        assert [identity for identity, _ in one.evidence] == [run.id, chain.made["raw"].id]


def test_other_models_that_were_trained_before_are_listed(chain: Any) -> None:
    before = draft(chain).data
    assert said(chain, "data.also-used") == []
    second(chain)
    second(chain, "third")
    (one,) = said(chain, "data.also-used", "third")
    names = ["checkpoints/acme/classifier", "checkpoints/acme/second"]
    assert (one.subject, one.value) == (SOURCE, names)
    # A card stays what it is when somebody else trains on the same data.
    assert draft(chain).data == before


def test_a_card_with_them_verifies_and_stays_current(chain: Any) -> None:
    second(chain)
    made = make(chain, "second", profiles=[load_profile("us-mrm"), load_profile("us-ca-ab2013")])
    second(chain, "third")
    report = judge(chain, made.renderings["html"])
    for check in ("card.sources", "card.current"):
        assert report.check(check).state is CheckState.PASS, report.check(check)
    item = next(
        one for one in made.document.content["profiles"][0]["items"]  # type: ignore[index, call-overload]
        if one["id"] == "III-dependencies"  # type: ignore[index, call-overload]
    )  # fmt: skip
    assert f"data.also-used:{SOURCE}" in item["statements"]  # type: ignore[index, call-overload]


def test_a_key_that_is_revoked_later_makes_no_card_false(chain: Any) -> None:
    grace = signer_for("grace")
    policy(chain, with_writer(grace.did, None))
    model = chain.made["checkpoint"]
    theirs = sign_manifest(
        kind="checkpoint",
        store=chain.repository.store_id,
        name="checkpoints/acme/theirs",
        body=model.body,
        inputs=model.inputs,
        tree=model.tree,
        files=model.files,
        signer=grace,
        created=chain.clock(),
    )
    with open_transaction(chain.repository) as transaction:
        transaction.log_manifest(theirs)
        transaction.commit()
    second(chain)
    made = make(chain, "second")
    assert str(theirs.id) in made.manifest.body["evidence"]
    policy(chain, revoked(grace.did, 1))
    report = judge(chain, made.renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS, report.check("card.sources")
    assert report.check("card.current").state is CheckState.WARN


def test_models_that_had_versions_before_are_listed_in_one_order(chain: Any) -> None:
    """Whoever verifies a card sees the versions that it names, and none before them."""
    first = second(chain)
    second(chain, "third")
    chain.log(
        "second", kind="checkpoint", name=first.name, body={**first.body, "step": 9},
        inputs=first.inputs, parents=[first.id], tree=first.tree, files=first.files,
    )  # fmt: skip
    second(chain, "fourth")
    made = make(chain, "fourth")
    report = judge(chain, made.renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS, report.check("card.sources")


def test_a_metric_stands_beside_that_of_the_version_before(chain: Any) -> None:
    assert said(chain, "evaluation.before") == []
    model = next_version(chain)
    assert said(chain, "evaluation.before", "next") == []
    evaluate(chain, model, "0.81")
    found = {
        one.subject.rpartition(" ")[2]: one for one in said(chain, "evaluation.before", "next")
    }
    one = found["accuracy"]
    assert one.value["before"]["value"] == "0.75"
    assert one.value["now"]["value"] == "0.81"
    assert one.text.count("baseline 0.80") == 2  # never a figure of the model alone
    assert "other test data" not in one.text
    assert said(chain, "evaluation.before") == []
    report = judge(chain, make(chain, "next").document.data)
    assert report.check("card.sources").state is CheckState.PASS


def test_other_test_data_does_not_compare(chain: Any) -> None:
    chain.dataset("test2", "datasets/acme/later.test", {"u.txt": b"another document\n"})
    evaluate(chain, next_version(chain), "0.81", "test2")
    for one in said(chain, "evaluation.before", "next"):
        assert one.text.endswith("on other test data, so they do not compare")


@pytest.mark.parametrize(
    ("tokens", "most", "below"),
    [(262_000, "2.1 x 10^8", True), (10**21, "7.7 x 10^23", False)],
)
def test_operations_are_bounded_by_what_was_planned(
    chain: Any, tokens: int, most: str, below: bool
) -> None:
    assert said(chain, "training.flop") == said(chain, "training.tokens") == []
    second(chain, plan={"tokens": {"value": str(tokens), "basis": "computed"}})
    (one,) = said(chain, "training.tokens", "second")
    assert (one.value, one.state) == (str(tokens), "stated")
    (one,) = said(chain, "training.flop", "second")
    size = chain.repository.tree(chain.made["base"]).total_bytes
    flop = 6 * 8 * size * tokens
    assert one.value == {"atMost": str(flop), "belowThird": below}
    assert float(most.replace(" x 10^", "e")) >= flop
    assert draft(chain, "second").data
    assert most in one.text
    assert ("; less than a third" in one.text) is below
