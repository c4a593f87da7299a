"""What is in use already, measured by the answers that it gave, and a new model beside it."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.api import KeyFolder, Store
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.train.seal import sign_next
from lyrikstore.verify.evaluation.choice.baselines import NEAREST, WORD_COUNTS
from tests.cli.small_runs import configure, lines, rows
from tests.conftest import Person
from tests.kinds import refused

pytestmark = pytest.mark.train
SPLIT = 'recipe = 1\n[[step]]\nuse = "split/1"\ntrain = 0.5\nvalidation = 0.2\ntest = 0.3\n'
RULES, OWN = "checkpoints/acme/rules", "checkpoints/acme/rows"


def prepare(person: Person) -> None:
    """Make a split data set, a model that learned from it, and answers of rules to its test."""
    (person.folder / "rows.jsonl").write_text(lines(rows(200)))
    (person.folder / "split.toml").write_text(SPLIT)
    person.ok("commit", "rows.jsonl", "-d", "acme/rows", "--text", "text", "--label", "label")
    person.ok("permit", "acme/rows", "--permit", "train,evaluate")
    person.ok("filter", "acme/rows", "--recipe", "split.toml", "--as", "acme/rows")
    person.ok("train", configure(person, "rows"))
    to = ("--without", "label", "--format", "csv", "--to", "Vendor", "--json")
    done = person.ok("checkout", "acme/rows.test", "asked", *to)
    assert done.json["fieldsLeftOut"] == ["label"]
    with (person.folder / "asked" / "records.csv").open(encoding="utf-8") as file:
        asked = list(csv.DictReader(file))
    assert asked[0].keys() == {"record", "id", "text"}
    assert [one["record"] for one in asked] == [str(number) for number in range(len(asked))]
    with (person.folder / "rules.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["record", "text", "answer"])
        for at, one in enumerate(asked):  # every third is wrong
            right = "b" if "alpha" in one["text"] else "a"
            writer.writerow([one["record"], one["text"], right if at % 3 else "ab"[right == "a"]])
    answers = ("--predictions", "rules.csv", "-m", "rules of 2019", "--json")
    result = person.ok("evaluate", RULES, "--on", "acme/rows.test", *answers).json
    (person.folder / "rules.json").write_text(json.dumps(result))
    against = ("--against", "evaluations/acme/rules", "--json")
    (person.folder / "own.json").write_text(json.dumps(person.ok("evaluate", OWN, *against).json))


@pytest.fixture
def firm(publisher: Person, once: Callable[..., None]) -> Person:
    once(publisher, prepare)
    return publisher


def opened(person: Person) -> Store:
    config = person.home / ".config" / "lyrikstore"
    keys = KeyFolder(config / "keys")
    return Store.open(
        person.folder,
        memory_dir=person.home / ".local" / "state" / "lyrikstore" / "logs",
        trust_file=config / "trust.toml",
        keys=keys,
        signer=keys.signer(),
        environment=person.variables(),
    )


def result(person: Person, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((person.folder / f"{name}.json").read_text())
    return found


def test_rules_are_measured_and_never_said_to_have_been_run(firm: Person) -> None:
    found = result(firm, "rules")
    body = found["body"]
    assert body["answers"] | {"digest": "", "bytes": 0} == {
        "source": "given", "scores": False, "digest": "", "bytes": 0,
    }  # fmt: skip
    assert {"baseline", "majority"} <= body.keys()  # of the train part of the same split
    assert "overlap" not in body
    assert not {"latencyMs", "calibration", "coverage"} & body["model"].keys()
    accuracy = float(body["model"]["accuracy"]["value"])
    assert 0.6 < accuracy < 0.7
    report = firm.ok("verify", found["id"], "--json")
    check = report.check("evaluation.recomputed")
    assert (check["state"], check["detail"]["given"]) == ("stated", ["evaluations/acme/rules"])
    model = firm.ok("verify", RULES, "--json").check("checkpoints")
    assert (model["state"], model["detail"]["external"]) == ("stated", 1)
    card = json.loads(opened(firm).models.card(RULES).renderings["card"])
    states = {one["id"].partition(":")[0]: one["state"] for one in card["statements"]}
    assert {one for name, one in states.items() if name.startswith("evaluation.")} == {"stated"}
    assert states["model.external"] == "stated"
    for command in (("show", "evaluations/acme/rules"), ("log", RULES)):
        assert "not run here" in firm.ok(*command).out


def test_what_was_measured_before_has_a_baseline_again(firm: Person) -> None:
    # A checkpoint that is elsewhere learned from nothing here, so nothing was there to fit one to.
    answers = firm.folder / "rules.csv"
    made = opened(firm).models.evaluate(RULES, "acme/rows.test", predictions=answers)
    body = made.body
    learned = [opened(firm).resolve(str(item.id)).name for item in made.inputs_in("train")]
    assert learned == ["datasets/acme/rows.train", "datasets/acme/rows.validation"]
    assert body["baseline"]["method"] == WORD_COUNTS
    assert [one["method"] for one in body["baselines"]] == [NEAREST]


def test_a_new_model_is_compared_with_them_on_the_same_records(firm: Person) -> None:
    body = result(firm, "own")["body"]
    against = body["against"]
    assert (against["name"], against["given"]) == ("evaluations/acme/rules", True)
    first = against["comparisons"][0]
    assert first["verdict"] == "better"
    rules = result(firm, "rules")["body"]["model"][first["metric"]]
    assert first["other"]["value"] == rules["value"]
    firm.ok("card", OWN, "-o", "own.md")
    page = (firm.folder / "own.md").read_text("utf-8").partition("## What it was trained on")[0]
    assert first["difference"]["low"] in page
    assert "evaluations/acme/rules" in page
    firm.ok("verify", "own.md")


def test_what_would_load_it_says_that_it_is_elsewhere(firm: Person, tmp_path: Path) -> None:
    store = opened(firm)
    for refuse in (
        lambda: store.models.predict(RULES, firm.folder / "rows.jsonl").__enter__(),
        lambda: store.models.evaluate(RULES, "acme/rows.test"),
        lambda: store.models.monitor(RULES, "acme/rows.test"),
        lambda: store.models.merge(RULES, "checkpoints/acme/merged"),
        lambda: store.models.deploy(RULES, "hf", tmp_path / "out"),
    ):
        with refused("weights-elsewhere"):
            refuse()
    assert firm.fails(16, "train", configure(firm, "rows", base=RULES), "--json").kind == (
        "weights-elsewhere"
    )


def test_answers_to_what_a_model_learned_from_are_no_test(firm: Person) -> None:
    # ATTACK A131: the answers of a model to its own training data, brought as those of a test.
    with refused("test-is-train"):
        opened(firm).models.evaluate(OWN, "acme/rows.train", predictions=firm.folder / "rules.csv")
    with refused("bad-answer-file"):
        opened(firm).models.evaluate(
            RULES, "acme/rows.validation", predictions=firm.folder / "rules.csv"
        )
    with refused("not-comparable"):
        opened(firm).models.evaluate(OWN, "acme/rows.validation", against="evaluations/acme/rules")


def forge(
    store: Store,
    evaluation: Manifest,
    change: dict[str, Any],
    inputs: list[Input],
    name: str = "evaluations/acme/forged",
) -> str:
    """Sign an evaluation that says something else; return the reason that verify gives."""
    context = store.models.store
    body = {name: one for name, one in (evaluation.body | change).items() if one is not None}
    with open_transaction(context.repository) as transaction:
        forged = sign_next(
            context, "evaluation", name, body, inputs,
            attachments=evaluation.attachments,
        )  # fmt: skip
        transaction.log_manifest(forged)
        transaction.commit()
    check = store.verify(str(forged.id)).check("evaluation.recomputed")
    return f"{check.state} {check.detail.get('reason')}"


def test_who_is_said_to_have_run_or_to_be_worse_on_other_records_is_found_out(firm: Person) -> None:
    store = opened(firm)
    rules, own = (store.resolve(f"evaluations/acme/{name}") for name in ("rules", "rows"))
    # ATTACK A133: rules of somebody's, as if they were a model that had been run here.
    run = {"answers": None, "overlap": {"exact": 0, "checked": "record ids/2"}}
    assert forge(store, rules, run, list(rules.inputs)) == "fail undeclared"
    # ATTACK A134: better than the answers of another, to other records.
    other = store.models.evaluate(OWN, "acme/rows.test")
    against = own.body["against"]
    better = {"against": against | {"name": other.name, "given": False}}
    inputs = [one for one in own.inputs if one.role != "against"]
    assert forge(store, own, {}, inputs) == "fail undeclared"
    wrong = Input("against", "evaluation", other.id)
    assert forge(store, own, better, [*inputs, wrong]) == "fail differs"
    # ATTACK A134: figures of nobody's, compared with what was retired since.
    assert forge(store, rules, {}, list(rules.inputs), rules.name) == "stated None"
    firm.ok("gc", "--keep", "1", "--purge", rules.name)
    store = opened(firm)
    assert forge(store, own, {}, list(own.inputs)) == "warn retired"
    model = own.body["model"] | {"accuracy": {"value": "0.9999"}}
    assert forge(store, own, {"model": model}, list(own.inputs)) == "fail differs"
