"""What a checkpoint says of a choice by folds, held against its run, its data and what was kept."""

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Input
from lyrikstore.verify.evaluation.choice import cross_validation
from lyrikstore.verify.evaluation.choice.cross_validation import CrossValidation
from lyrikstore.verify.evaluation.choice.folds import field_of_groups, number_groups
from lyrikstore.verify.evaluation.evidence import LabelledRecord
from lyrikstore.verify.store.statements.announced import find_announced_faults
from lyrikstore.verify.store.statements.checkpoints import names_no_label
from lyrikstore.verify.store.statements.choices import (
    computed_choice,
    find_choice_faults,
    has_to_keep,
    kept_fault,
    record_fault,
    refit_fault,
)
from tests.verify.evaluation.cross_validated import cross_validated
from tests.verify.store.test_announced import Known

RUN: dict[str, Any] = {
    "config": {"data": {"label": "label"}, "training": {"seed": 3}},
    "purpose": "train",
    "task": "text-classification",
    "seed": 3,
    "order": {"records": {"train": 90, "validation": 30}},
    "environment": {"threads": 1},
    "plannedOutputs": ["checkpoints/acme/x"],
    "candidates": [
        {"format": one} for one in ("tfidf/2", "embeddings/1", "peft-lora/1", "blend/1")
    ],
    "folds": {"count": 5, "repeats": 3, "candidates": ["tfidf/2", "embeddings/1"]},
    "refit": True,
}
FOUND = cross_validated({"tfidf": 1.0, "embeddings": 4.0}, {"lora": 1.0})


def body_of(run: dict[str, Any] = RUN) -> dict[str, Any]:
    """Return what a checkpoint says of what follows."""
    decided = replace(
        FOUND.decide({one["format"] for one in run["candidates"]}),
        settings={"tfidf": {"C": "4"}},
    )
    return {
        "format": decided.formats[decided.taken.candidate],
        "final": True,
        "task": FOUND.task,
        "labels": list(FOUND.labels),
        "refit": True,
        "validation": {"format": "validation/2", "count": 120},
        **decided.to_body(),
    }


def faults(
    change: Callable[[dict[str, Any], dict[str, Any]], object] = lambda run, body: None,
) -> list[str]:
    """Return what is wrong after a change of a run and its checkpoint."""
    run, body = copy.deepcopy(RUN), body_of()
    change(run, body)
    kept = [kept_fault(FOUND, body, run), refit_fault(body, run)]
    return [*find_choice_faults(body, run), *filter(None, kept), *announced(run)]


def announced(run: dict[str, Any]) -> list[str]:
    inputs = [Input(role, "dataset", Digest.of(role.encode())) for role in ("train", "validation")]
    made = Known("runs/acme/x", run, *inputs)
    return list(find_announced_faults(made, {}.get))  # type: ignore[arg-type]


def of(body: dict[str, Any], number: int) -> dict[str, Any]:
    return body["chosen"]["candidates"][number]


def test_what_follows_holds() -> None:
    assert faults() == []
    body = body_of()
    assert of(body, 0)["settings"] == {"C": "4"}
    decided = FOUND.decide({one["format"] for one in RUN["candidates"]}).to_body()["chosen"]
    body["chosen"]["reason"] = "in the words of another version"
    assert computed_choice(body["chosen"]) == computed_choice(decided)
    of(body, 1)["metrics"]["macroF1"] = "0.1234"
    assert computed_choice(body["chosen"]) != computed_choice(decided)
    for change in (
        lambda run, body: run["config"]["training"].update(refit=True),
        lambda run, body: (
            run["config"]["training"].update(refit=False),
            run.pop("refit"),
            body.pop("refit"),
        ),
    ):
        assert faults(change) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda run, body: run["folds"].update(repeats=1),
        lambda run, body: run["order"]["records"].update(train=900),
        lambda run, body: (run.update(seed=4), run["config"]["training"].update(seed=4)),
        lambda run, body: run["folds"].update(candidates=["tfidf/2"]),
        lambda run, body: run["folds"].update(candidates=["tfidf/2", "embeddings/1", "blend/1"]),
        lambda run, body: run["folds"]["candidates"].append("peft-lora/1"),
        lambda run, body: run["folds"]["candidates"].append("encoder/1"),
        lambda run, body: body["validation"].update(count=119),
        lambda run, body: body["labels"].reverse(),
        lambda run, body: run["candidates"].append({"format": "encoder/1"}),
    ],
)
def test_other_folds_than_those_of_the_run(
    change: Callable[[dict[str, Any], dict[str, Any]], object],
) -> None:
    assert faults(change)


def with_groups(groups: list[int]) -> CrossValidation:
    return replace(FOUND, pool=replace(FOUND.pool, groups=groups))


def test_groups_and_labels_are_those_of_the_data() -> None:
    keys = [(f"matter {at // 4}",) if at % 5 else () for at in range(120)]
    found = with_groups(number_groups(keys))
    labels = [FOUND.labels[int(one.argmax())] for one in FOUND.expected]

    def records(keys: list[tuple[str, ...]], labels: list[str]) -> list[LabelledRecord]:
        return [
            LabelledRecord(Digest.of(b""), (label,), {"matter": key}, 3)
            for key, label in zip(keys, labels, strict=True)
        ]

    assert record_fault(found, "matter", records(keys, labels)) == ""
    assert record_fault(FOUND, None, records(keys, labels)) == ""
    assert record_fault(found, "matter", records([*keys[1:], keys[0]], labels))
    assert record_fault(found, "matter", records(keys, [*labels[1:], labels[0]]))
    assert record_fault(found, "matter", records([*keys, ("x",)], [*labels, labels[0]]))
    # What belongs together was parted: every record is a group of its own.
    assert record_fault(with_groups([*range(120)]), "matter", records(keys, labels))


def test_the_field_of_groups_is_that_of_config_or_data() -> None:
    bodies = [{"fields": {"group": "matter"}}, {"fields": {"group": "matter"}}]
    assert field_of_groups({}, bodies) == "matter"
    assert field_of_groups({"data": {"group": "client"}}, bodies) == "client"
    assert field_of_groups({"data": []}, [*bodies, {}]) is None
    assert field_of_groups({}, []) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda run, body: body["chosen"].pop("method"),
        lambda run, body: run.pop("folds"),
        lambda run, body: of(body, 0).update(by="validation"),
        lambda run, body: of(body, 2).update(by="folds"),
        lambda run, body: of(body, 2).pop("by"),
        lambda run, body: of(body, 0).pop("difference"),
        lambda run, body: of(body, 1).update(difference={"value": "0.0000"}),
        lambda run, body: of(body, 0)["difference"].update(value="-0.0100"),
        lambda run, body: of(body, 0)["metrics"].update(macroF1="0.1111"),
        lambda run, body: of(body, 3).pop("other"),
        lambda run, body: of(body, 0).update(other="lora"),
        lambda run, body: of(body, 0).update(settings={"C": "0.000001"}),
        lambda run, body: of(body, 0).update(settings={"C": "4", "iterations": "1"}),
        lambda run, body: of(body, 2).update(settings={"C": "4"}),
        lambda run, body: body["metrics"].update(outOfFoldMacroF1="0.9999"),
        lambda run, body: body["metrics"].update(validationMacroF1="0.9999"),
        lambda run, body: (
            body["metrics"].pop("outOfFoldMacroF1"),
            body["metrics"].update(validationMacroF1=of(body, 1)["metrics"]["macroF1"]),
        ),
        lambda run, body: body["chosen"]["candidates"].pop(0),
    ],
)
def test_a_choice_that_does_not_follow(
    change: Callable[[dict[str, Any], dict[str, Any]], object],
) -> None:
    assert of(body_of(), 1)["taken"]
    assert faults(change)


@pytest.mark.parametrize("grouped", [True, False])
def test_what_has_to_be_kept_fits(grouped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # ATTACK A157: nothing is kept, so that nobody decides again
    groups = [*range(120)] if grouped else None
    every = np.ones_like(FOUND.expected)
    found = replace(FOUND, pool=replace(FOUND.pool, expected=every, groups=groups))
    written = found.write()
    assert written is not None
    assert has_to_keep(body_of(), RUN)
    monkeypatch.setattr(cross_validation, "MAX_BYTES", len(written) + (1 << 20) - 1)
    assert not has_to_keep(body_of(), RUN)


def test_a_candidate_was_better_than_the_one_that_was_taken() -> None:
    body = body_of()
    of(body, 0)["metrics"]["macroF1"] = "0.9999"
    gap = 0.9999 - float(of(body, 1)["metrics"]["macroF1"])
    of(body, 0)["difference"]["value"] = f"{gap:.4f}"
    assert len(list(find_choice_faults(body, RUN))) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda run, body: body.pop("refit"),
        lambda run, body: run.pop("refit"),
        lambda run, body: run["config"]["training"].update(refit=False),
        lambda run, body: (run.pop("refit"), body.pop("refit")),
        lambda run, body: (
            run["config"]["training"].update(refit=False),
            run.pop("refit"),
        ),
        lambda run, body: body.update(format="peft-lora/1"),
    ],
)
def test_a_checkpoint_says_as_its_run_whether_it_was_refitted(
    change: Callable[[dict[str, Any], dict[str, Any]], object],
) -> None:
    assert faults(change)


def test_without_folds_nothing_is_refitted() -> None:
    run = copy.deepcopy(RUN)
    del run["folds"]
    assert announced(run)
    del run["refit"]
    assert announced(run) == []
    assert refit_fault({"format": "tfidf/2"}, run) == ""
    assert refit_fault({"format": "tfidf/2", "refit": True}, run)


@pytest.mark.parametrize(
    ("config", "kept", "wanted"),
    [
        ({"data": {"label": "kind"}}, True, False),
        ({"data": {}}, True, True),
        ({}, True, True),
        ({"data": "kind"}, True, True),
        ({}, False, False),
    ],
)
def test_validation_that_no_label_is_named_for_is_not_proven(config, kept, wanted) -> None:
    # ATTACK A92: a config that names no label, so that nobody looks at the data.
    run = SimpleNamespace(kind="run", body={"config": config})
    body = {"validation": {"format": "validation/2", "count": 9}} if kept else {}
    named = [SimpleNamespace(id="run")]
    checkpoint = SimpleNamespace(kind="checkpoint", body=body, inputs_in=lambda _: named)
    assert names_no_label(cast("Any", {"run": run, "checkpoint": checkpoint})) is wanted
