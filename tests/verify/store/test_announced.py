"""What a run announces follows from its config and its inputs, as far as these say something."""

from collections.abc import Callable
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Input
from lyrikstore.verify.store.statements.announced import find_announced_faults
from lyrikstore.verify.store.statements.checkpoints import stated_settings
from lyrikstore.verify.store.statements.choices import find_choice_faults

TRAIN, BASE = Digest.of(b"train"), Digest.of(b"base")


class Known:
    """A manifest, as far as anybody looks."""

    def __init__(self, name: str, body: dict[str, Any], *inputs: Input) -> None:
        self.name, self.body, self.inputs = name, body, inputs

    def inputs_in(self, role: str) -> tuple[Input, ...]:
        return tuple(one for one in self.inputs if one.role == role)


def run(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> list[str]:
    config: dict[str, Any] = {
        "purpose": "train",
        "name": "checkpoints/acme/x",
        "task": "sft",
        "data": {"train": "acme/rows~1"},
        "model": {"base": "checkpoints/acme/base", "candidates": ["blend"]},
        "training": {"seed": 2, "threads": 1, "precision": "fp32", "batch_size": 2, "epochs": 3},
        "threshold": [{"metric": "recall", "label": "a", "at_most": "0.5"}],
        "replay": {"steps": 4},
        "tolerances": {"metric": "0.1", "weights_absolute": "0.2", "weights_relative": "0.3"},
        "prompt": {"system": "be brief"},
    }
    body: dict[str, Any] = {
        "purpose": "train",
        "config": config,
        "seed": 2,
        "order": {"records": {"train": 5}},
        "environment": {"threads": 1, "precision": "fp32"},
        "plannedOutputs": ["checkpoints/acme/x"],
        "task": "sft",
        "candidates": [{"format": f"{one}/1"} for one in ("tfidf", "embeddings", "blend")],
        "thresholds": [{"metric": "recall", "label": "a", "atMost": "0.5"}],
        "tolerances": {"weightsAbsolute": "0.2", "weightsRelative": "0.3",
                       "differences": {"validationLoss": "0.1"}},
        "segments": {"steps": 4},
        "prompt": {"system": "be brief", "template": "x"},
    }  # fmt: skip
    change(body, config)
    made = Known("runs/acme/x", body, Input("train", "dataset", TRAIN),
                 Input("base", "checkpoint", BASE))  # fmt: skip
    known = {
        TRAIN: Known("datasets/acme/rows", {"records": 5}),
        BASE: Known("checkpoints/acme/base", {}),
    }
    return list(find_announced_faults(made, known.get))  # type: ignore[arg-type]


def accumulate(body: dict[str, Any], config: dict[str, Any], *, steps: int) -> None:
    """Make it a million epochs of two steps, each of 4 records in two parts."""
    config["training"].update(accumulate=2, epochs=1_000_000)
    body["segments"].update(steps=steps)


def test_what_is_announced_as_its_config_says_holds() -> None:
    assert run(lambda body, config: None) == []
    assert run(lambda body, config: config["data"].update(train=str(TRAIN))) == []
    assert run(lambda body, config: accumulate(body, config, steps=20_000)) == []


@pytest.mark.parametrize(
    "junk", [None, 1, "x", [], [[]], [{}], {}, {"a": {}}, {"candidates": [{}]}]
)
def test_a_config_may_be_anything(junk: Any) -> None:
    names = ("data", "model", "training", "threshold", "replay", "tolerances", "prompt", "task")
    for name in (*names, "name", "purpose"):
        run(lambda body, config, name=name: config.update({name: junk}))
    for name in ("train", "validation", "test"):
        run(lambda body, config, name=name: config["data"].update({name: junk}))
    for name in ("base", "candidates"):
        run(lambda body, config, name=name: config["model"].update({name: junk}))


@pytest.mark.parametrize(
    "change",
    [
        lambda body, config: body["order"]["records"].update(train=6),
        lambda body, config: config["data"].update(train="acme/others"),
        lambda body, config: config["data"].update(train=["acme/rows", "acme/rows"]),
        lambda body, config: config["data"].update(test="acme/rows"),
        lambda body, config: config["model"].update(base="checkpoints/acme/other"),
        lambda body, config: body.update(seed=3),
        lambda body, config: body.update(purpose="evaluate"),
        lambda body, config: body.update(plannedOutputs=["checkpoints/acme/x", "checkpoints/a/y"]),
        lambda body, config: body.update(task="multi-label"),
        lambda body, config: body["thresholds"][0].update(label="b"),
        lambda body, config: body["thresholds"][0].update(atMost="0.6"),
        lambda body, config: body["environment"].update(threads=2),
        lambda body, config: body["environment"].update(precision="bf16"),
        lambda body, config: body["candidates"].pop(),
        lambda body, config: body["candidates"].append({"format": "encoder/1"}),
        lambda body, config: body["tolerances"].update(weightsAbsolute="9"),
        lambda body, config: body["tolerances"].update(weightsRelative="9"),
        lambda body, config: body["tolerances"]["differences"].update(validationLoss="9"),
        lambda body, config: body["segments"].update(steps=5),
        lambda body, config: accumulate(body, config, steps=30_000),
        lambda body, config: body.pop("segments"),
        lambda body, config: body["prompt"].update(system="lie"),
        lambda body, config: body["prompt"].update(choices=["a", "b"]),
        lambda body, config: body.update(execution={"by": "command", "observed": "nothing"}),
    ],
)
def test_what_is_announced_otherwise_is_found(
    change: Callable[[dict[str, Any], dict[str, Any]], object],
) -> None:
    assert len(run(change)) == 1


@pytest.mark.parametrize("form", ["peft-lora/1", "embeddings/1", "encoder/1", "blend/1"])
def test_how_texts_are_read_stands_in_the_files_of_a_model(form: str) -> None:
    body = {"format": form, "labels": ["a", "b"], "task": "t", "text": {"maxTokens": 9}}
    for text in ({"maxTokens": 8}, {"maxTokens": 9, "pooling": "cls"}):
        assert stated_settings(body) != stated_settings({**body, "text": text})
    assert stated_settings({"format": "peft/1"}) == {}


def chosen(*scores: tuple[str, str, bool], form: str) -> list[str]:
    tried = [
        {"format": one, "metrics": {"macroF1": score}, "taken": taken}
        for one, score, taken in scores
    ]
    score = next((score for _, score, taken in scores if taken), "0")
    body = {
        "format": form,
        "task": "text-classification",
        "final": True,
        "chosen": {"metric": "macroF1", "candidates": tried},
        "metrics": {"validationMacroF1": score},
    }
    run = {"config": {}, "candidates": [{"format": one} for one, _, _ in scores]}
    return list(find_choice_faults(body, run))


def test_a_dearer_candidate_is_taken_for_being_better() -> None:
    tfidf, lora = "tfidf/1", "peft-lora/1"
    assert chosen((tfidf, "0.8", False), (lora, "0.9", True), form=lora) == []
    assert chosen((tfidf, "0.8", True), (lora, "0.9", False), form=tfidf) == []
    assert chosen((tfidf, "0.9", True), (lora, "0.8", False), form=tfidf) == []
    assert chosen((tfidf, "0.9", False), (lora, "0.8", True), form=lora)
    assert chosen((tfidf, "0.9", True), (lora, "0.8", True), form=tfidf)
    assert chosen((tfidf, "0.9", True), (lora, "0.8", False), form=lora)
    assert chosen((tfidf, "0.9", False), (lora, "0.8", False), form=lora)
