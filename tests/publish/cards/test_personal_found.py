"""S2: an answer that there is no personal data, and filters that found some (spec 14.4.5)."""

from typing import Any

import pytest

from lyrikstore.canon.errors import PolicyError
from lyrikstore.curate.recipes.apply import apply_recipe
from lyrikstore.curate.recipes.recipe import parse_recipe
from lyrikstore.history.commit.policy_change import with_approvers
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.publish.cards.approval import approve_card
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.profiles.profile import Profile, load_profile
from lyrikstore.publish.cards.vocabulary import say_all
from lyrikstore.testing.keys import signer_for
from lyrikstore_cli.exits import exit_code
from tests.publish.cards.making import (
    answer_of,
    answered,
    approving,
    draft,
    make,
    policy,
    status_of,
)

FACT = "data.personal-found"
BECAUSE = "a filter found personal data in the training data, and nothing after it removed it"
SCAN = '[[step]]\nuse = "scan/1"\ndetectors = ["patterns"]\n'
REDACT = '[[step]]\nuse = "redact/2"\ndetectors = ["patterns"]\n'
ASKS = f"""
profile = "ours/1"
title = "Ours"
about = "checkpoint"
asOf = "2026-11-28"
reviewedBy = ""

[questions.personal-data]
asks = "Is personal data in the training data?"
choices = ["No personal data", "Personal data"]
shows = ["{FACT}"]

[[items]]
id = "1"
clause = "1"
asks = "personal data"
required = true
question = "personal-data"

[[contradictions]]
question = "personal-data"
choice = "No personal data"
fact = "{FACT}"
says = ["found-email"]
because = "{BECAUSE}"
"""


def derive(chain: Any, steps: str, source: str, name: str) -> Manifest:
    """Return what a real filter makes of a dataset."""
    recipe = parse_recipe(f"recipe = 1\n{steps}".encode())
    apply_recipe(chain.context, [source], recipe, name)
    return chain.repository.resolve(name)


def train_on(chain: Any, dataset: Manifest) -> None:
    """Log a model that was trained on it, in place of the chain's."""
    run, model = chain.made["run"], chain.made["checkpoint"]
    others = [one for one in run.inputs if one.role != "train"]
    made = chain.log(
        "run", kind="run", name=run.name, body=run.body, parents=[run.id],
        inputs=[Input("train", "dataset", dataset.id), *others],
    )  # fmt: skip
    kept = [one for one in model.inputs if one.role in {"base", "filter"}]
    kept.append(Input("train", "dataset", dataset.id))
    chain.log(
        "checkpoint", kind="checkpoint", name=model.name, body=model.body, parents=[model.id],
        inputs=[Input("run", "run", made.id), *kept], tree=model.tree, files=model.files,
    )  # fmt: skip


def found(chain: Any) -> list[tuple[str, Any]]:
    """Return what the card says was found and left: dataset and counts."""
    said = say_all(gather(chain.repository, chain.made["checkpoint"]))
    return [(one.subject, one.value) for one in said if one.fact == FACT]


@pytest.fixture
def scanned(chain: Any) -> Any:
    """A model trained on documents with an e-mail address that a scan found."""
    train_on(chain, derive(chain, SCAN, "acme/contracts", "acme/scanned"))
    return chain


def test_a_scan_contradicts_who_says_that_there_is_none(scanned: Any) -> None:
    assert found(scanned) == [("datasets/acme/scanned", {"found-email": 1})]
    profile = load_profile("us-co-admt")
    for choice, state in (("No personal data", "contradicted"), ("Personal data", "attested")):
        said = {"personal-data": {"text": "I looked.", "choice": choice}}
        answered(scanned, said, profiles=[profile])
        answer = answer_of(draft(scanned, profiles=[profile]), "personal-data")
        assert answer["state"] == state
        assert answer.get("was", "") == (BECAUSE if state == "contradicted" else "")


def test_a_contradicted_card_is_not_approved(scanned: Any) -> None:
    policy(scanned, with_approvers([signer_for("ada").did]))
    profile = Profile.parse(ASKS.encode())
    by = approving(scanned)
    said = {"personal-data": {"text": "I looked.", "choice": "No personal data"}}
    answered(scanned, said, profiles=[profile])
    card = make(scanned, profiles=[profile]).manifest
    assert status_of(scanned, card).word == "draft"
    with pytest.raises(PolicyError) as refused:
        approve_card(by, card)
    assert (refused.value.kind, exit_code(refused.value)) == ("card-open", 14)
    assert refused.value.details == {"stale": 0, "contradicted": 1}
    said["personal-data"]["choice"] = "Personal data"
    answered(scanned, said, profiles=[profile])
    card = make(scanned).manifest
    approve_card(by, card)
    assert status_of(scanned, card).word == "approved"


def test_what_was_removed_afterwards_contradicts_nobody(scanned: Any) -> None:
    train_on(scanned, derive(scanned, REDACT, "acme/scanned", "acme/redacted"))
    assert found(scanned) == []
    drop = REDACT.replace("redact/2", "drop-personal/1") + 'kinds = ["email"]\n'
    train_on(scanned, derive(scanned, drop, "acme/scanned", "acme/dropped"))
    assert found(scanned) == []
    train_on(scanned, derive(scanned, SCAN + REDACT, "acme/contracts", "acme/both"))
    assert found(scanned) == []


@pytest.mark.parametrize("less", ['kinds = ["phone"]\n', 'keep = ["someone@example.org"]\n'])
def test_what_was_removed_in_part_is_left(scanned: Any, less: str) -> None:
    train_on(scanned, derive(scanned, REDACT + less, "acme/scanned", "acme/partly"))
    assert found(scanned) == [("datasets/acme/scanned", {"found-email": 1})]


@pytest.mark.parametrize(("columns", "left"), [("*", False), (["city"], True)])
def test_what_has_another_name_by_then_is_left(chain: Any, columns: Any, left: bool) -> None:
    """ATTACK: the text becomes a column, and what removes looks at the new text alone."""
    rows = b'{"clause":"mail someone@example.org","city":"Ulm"}\n'
    chain.dataset("rows", "datasets/acme/rows", {"a.jsonl": rows})
    old, train = chain.made["filter"], chain.made["train"]
    everywhere = {"detectors": ["patterns"], "text": True, "kinds": ["email"]}
    steps = [
        {"use": "scan/1", **everywhere, "columns": []},
        {"use": "map/1", "rename": {"clause": "before"}},
        {"use": "redact/2", **everywhere, "columns": columns},
    ]
    derivation = {**train.body["derivation"], "reported": {"found-email": 1}}
    for name, parts in (("one", [steps]), ("two", [steps[:1], steps[1:]])):
        source = chain.made["rows"]
        for number, part in enumerate(parts):
            made = chain.log(
                "filter", kind="filter", name=f"filters/acme/{name}{number}",
                body={**old.body, "steps": part},
            )  # fmt: skip
            body = {**train.body, "derivation": train.body["derivation"] if number else derivation}
            source = chain.dataset(
                name, f"datasets/acme/{name}{number}", {"a.txt": b"one\n"}, body=body,
                inputs=[
                    Input("source", "dataset", source.id), Input("filter", "filter", made.id)
                ],
                attachments=list(train.attachments_in("decisions")),
            )  # fmt: skip
        train_on(chain, source)
        assert bool(found(chain)) is left, name


def test_one_way_without_removal_is_enough(scanned: Any) -> None:
    redacted = derive(scanned, REDACT, "acme/scanned", "acme/redacted")
    apply_recipe(scanned.context, ["acme/redacted", "acme/scanned"], None, "acme/union")
    train_on(scanned, scanned.repository.resolve("acme/union"))
    assert found(scanned) == [("datasets/acme/scanned", {"found-email": 1})]
    train_on(scanned, redacted)
    assert found(scanned) == []


def test_what_is_only_tested_on_is_no_training_data(scanned: Any) -> None:
    train_on(scanned, scanned.made["train"])
    assert found(scanned) == []


@pytest.mark.parametrize(
    "steps",
    [
        [{"use": "scan/1"}, {"use": "redact/2"}],
        [
            {"use": "scan/1", "detectors": 1, "text": "no", "columns": 2},
            {"use": "redact/2", "kinds": 3, "detectors": [{}], "text": 1, "columns": {}},
        ],
        [
            {"use": "scan/1", "detectors": ["patterns"], "text": True, "columns": "*"},
            {"use": "redact/2", "kinds": ["email"], "detectors": ["patterns"], "text": True},
        ],
    ],
)
def test_steps_that_no_recipe_of_ours_gives_remove_nothing(chain: Any, steps: list[Any]) -> None:
    """ATTACK: the members of a step are what its author signed."""
    old, train = chain.made["filter"], chain.made["train"]
    made = chain.log(
        "filter", kind="filter", name=old.name, body={**old.body, "steps": steps}, parents=[old.id]
    )
    derivation = {**train.body["derivation"], "reported": {"found-email": 1}}
    unmeasured = chain.dataset(
        "odd", "datasets/acme/odd", {"a.txt": b"one\n"},
        body={**train.body, "derivation": derivation},
        inputs=[
            Input("source", "dataset", chain.made["raw"].id), Input("filter", "filter", made.id)
        ],
        attachments=list(train.attachments_in("decisions")),
    )  # fmt: skip
    train_on(chain, unmeasured)
    assert found(chain) == [("datasets/acme/odd", {"found-email": 1})]
