"""False manifests that the owner signs with the real key: each is found, by a check with a name."""

import json
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from lyrikstore.curate.labelled_records import read_labelled
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.choice import cross_validation
from lyrikstore.verify.evaluation.choice.baselines import EMBEDDINGS
from lyrikstore.verify.evaluation.choice.candidates import VALIDATION
from lyrikstore.verify.evaluation.predictions import read_predictions
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.readers import Readers
from tests.contexts import context_of
from tests.verify.store.honest import (
    APPROVAL,
    EVALUATION,
    HONEST,
    MODEL,
    RUN,
    SEVERAL,
    Honest,
)
from tests.verify.store.lineage import states

pytestmark = pytest.mark.train
Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("name", [*HONEST])
def test_what_is_honest_is_trusted(honest: Honest, name: str) -> None:
    report = honest.store.verify(name)
    assert report.verdict == "trusted", report.to_json()
    found = {check for check, state in states(report).items() if state == "stated"}
    assert not {"fail", "unchecked"} & set(states(report).values())
    assert found == ({"datasets"} if name.startswith("retentions/") else set())


@pytest.fixture
def again(honest: Honest, request: pytest.FixtureRequest):
    """Return what signs a manifest again, and puts the honest one back afterwards."""
    signed: list[str] = []
    bodies: dict[str, dict[str, Any]] = {}

    def sign(name: str, change: Change, **how: Any):
        bodies.setdefault(name, honest.store.resolve(name).body)
        signed.append(name)
        return honest.forge(name, change, **how)

    yield sign
    for name in dict.fromkeys(signed):
        honest.sign(name, bodies[name], attachments=())


@pytest.mark.parametrize(
    ("name", "change", "check"),
    [
        (RUN, lambda body: body["order"]["records"].update(train=999_999), "runs"),
        (RUN, lambda body: body["order"]["records"].update(validation=1), "runs"),
        (RUN, lambda body: body["thresholds"][0].update(atLeast="0.1"), "runs"),
        (RUN, lambda body: body.pop("thresholds"), "runs"),
        (RUN, lambda body: body["config"]["threshold"][0].update(at_least="0.1"), "runs"),
        (RUN, lambda body: body.update(seed=4), "runs"),
        (RUN, lambda body: body["config"]["data"].update(train="acme/rows"), "runs"),
        (RUN, lambda body: body["candidates"].append({"format": "encoder/1"}), "runs"),
        (MODEL, lambda body: body["labels"].reverse(), "checkpoints"),
        (MODEL, lambda body: body["chosen"]["candidates"].append(_lora()), "checkpoints"),
        (MODEL, lambda body: _taken(body).update(metrics={"macroF1": "0.9999"}), "checkpoints"),
        (MODEL, lambda body: body["metrics"].update(outOfFoldMacroF1="0.9999"), "checkpoints"),
        (MODEL, lambda body: body["metrics"].update(outOfFoldAccuracy="0.9999"), "checkpoints"),
        (MODEL, lambda body: body["metrics"].update(validationMacroF1="0.9999"), "checkpoints"),
        (MODEL, lambda body: body["chosen"].pop("method"), "checkpoints"),
        (MODEL, lambda body: body.pop("chosen"), "checkpoints"),
        (MODEL, lambda body: body.pop("validation"), "checkpoints"),
        (MODEL, lambda body: body.pop("refit"), "checkpoints"),
        (RUN, lambda body: body.pop("refit"), "runs"),
        (RUN, lambda body: body["folds"].update(repeats=1), "runs"),
        (MODEL, lambda body: body["decision"].update(temperature="3.000"), "checkpoints"),
        (MODEL, lambda body: body["decision"].update(abstainBelow="0.000000"), "checkpoints"),
        (MODEL, lambda body: body["decision"].update(limitFrom="config"), "checkpoints"),
        (MODEL, lambda body: body["validation"].update(count=900), "checkpoints"),
        (SEVERAL, lambda body: body["decision"].update(threshold="0.900000"), "checkpoints"),
        (SEVERAL, lambda body: body["decision"].update(atLeastOne=True), "checkpoints"),
        (APPROVAL, lambda body: body.update(self=False), "approvals"),
    ],
)
def test_a_false_statement_is_found(again, name: str, change: Change, check: str) -> None:
    report = again(name, change)
    assert report.verdict == "invalid"
    assert states(report)[check] == "fail", report.check(check)


def test_a_choice_may_be_described_in_other_words(again) -> None:
    report = again(MODEL, lambda body: body["chosen"].update(reason="it is the best"))
    assert report.verdict == "trusted", report.to_json()
    assert "chosen.reason" in report.check("object").detail["stated"]["checkpoint"]


def _lora() -> dict[str, Any]:
    return {"format": "peft-lora/1", "metrics": {"macroF1": "0.1"}, "taken": False}


def _taken(body: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in body["chosen"]["candidates"] if one["taken"])


def kept(honest: Honest) -> list[dict[str, Any]]:
    """Return what the model keeps of its validation."""
    return [json.loads(line) for line in honest.attached(MODEL, VALIDATION).splitlines()]


def written(lines: list[dict[str, Any]]) -> bytes:
    text = (json.dumps(line, sort_keys=True, separators=(",", ":")) for line in lines)
    return "".join(f"{line}\n" for line in text).encode()


def surer(lines: list[dict[str, Any]]) -> None:
    for line in lines[1:]:
        scores = np.zeros(3, "<f4")
        scores[line["expected"]] = 9.0
        encoded = b64encode(scores.tobytes()).decode()
        line["logits"] = [[encoded] * len(some) for some in line["logits"]]


def shorter(lines: list[dict[str, Any]]) -> None:
    lines.pop()
    lines[0]["records"]["validation"] -= 1


def grouped(lines: list[dict[str, Any]]) -> None:
    for at, line in enumerate(lines[1:]):
        line["group"] = at // 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (shorter, "other-validation"),
        (grouped, "other-validation"),
        (lambda lines: lines[0].update(seed=4), "other-validation"),
        (lambda lines: lines.pop(), "bad-validation"),
        (lambda lines: lines[1].update(expected=[(lines[1]["expected"][0] + 1) % 3]),
         "other-validation"),
        (lambda lines: lines[0].update(labels=["loan", "lease", "other"]), "other-validation"),
        (lambda lines: lines[0].update(task="multi-label"), "other-validation"),
        (surer, "other-choice"),
        (lambda lines: lines[1].update(expected=[3]), "bad-validation"),
        (lambda lines: lines[1].update(expected=[]), "bad-validation"),
        (lambda lines: lines[1]["logits"].pop(), "bad-validation"),
        (lambda lines: lines[1]["logits"][0].pop(), "bad-validation"),
        (lambda lines: lines[1]["logits"].__setitem__(0, ["AAAA"] * 3), "bad-validation"),
        (lambda lines: lines[1]["logits"].__setitem__(0, ["/" * 16] * 3), "bad-validation"),
        (lambda lines: lines[1].update(more=1), "bad-validation"),
        (lambda lines: lines[0].update(candidates=["tfidf", "tfidf"]), "bad-validation"),
        (lambda lines: lines.clear(), "bad-validation"),
    ],
)  # fmt: skip
def test_what_is_kept_of_a_validation_is_of_its_data(
    honest: Honest, again, change: Callable[[list[dict[str, Any]]], object], reason: str
) -> None:
    honest_lines = honest.attached(MODEL, VALIDATION)
    lines = kept(honest)
    assert written(lines) == honest_lines
    change(lines)
    report = again(MODEL, lambda body: None, attachments=[(VALIDATION, written(lines))])
    found = report.check("checkpoints")
    assert (found.state, found.detail["reason"]) == ("fail", reason), found
    honest.sign(MODEL, honest.store.resolve(MODEL).body, attachments=[(VALIDATION, honest_lines)])


def test_a_choice_that_nobody_can_compute_again_is_called_stated(
    honest: Honest, again, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints that keep no validation, as those of too many records."""
    kept_before = honest.attached(MODEL, VALIDATION)
    monkeypatch.setattr(cross_validation, "MAX_BYTES", 1 << 20)

    def forget(body: dict[str, Any]) -> None:
        del body["validation"]
        body["decision"]["temperature"] = "3.000"

    report = again(MODEL, forget)
    assert (report.verdict, report.check("checkpoints").state) == ("trusted", "stated")
    assert any(MODEL in line for line in report.not_proven)
    assert kept_before == honest.attached(MODEL, VALIDATION)


def answered(honest: Honest, change: Callable[[list[dict[str, Any]]], object]) -> Any:
    """Return an attachment of other predictions, and what puts figures that follow into a body."""
    lines = [json.loads(line) for line in honest.attached(EVALUATION, "predictions").splitlines()]
    change(lines)
    data = written(lines)

    def follow(body: dict[str, Any]) -> None:
        measured = ("latencyMs", "wallSeconds", "cpuSeconds", "peakMemoryBytes", "params")
        made = evaluation_body(
            read_predictions(BytesIO(data)),
            seed=body["confidence"]["seed"],
            costs=body["costs"],
            thresholds=honest.store.resolve(RUN).body["thresholds"],
            majority=body["majority"]["label"],
            near=body["overlap"]["near"]["method"],
        )
        before = [body["model"], body["baseline"], *body["baselines"]]
        for one, was in zip(
            [made["model"], made["baseline"], *made["baselines"]], before, strict=True
        ):
            one |= {name: was[name] for name in measured if name in was}
        made["overlap"] = {**body["overlap"], **made["overlap"]}
        body.update(made)

    return data, follow


def best(lines: list[dict[str, Any]], at: int, scale: int = 1_000_000) -> None:
    for line in lines[1:]:
        line["scores"][at] = [scale if one in line["expected"] else 0 for one in range(3)]


def worst(lines: list[dict[str, Any]]) -> None:
    for line in lines[1:]:
        line["scores"][2] = [0 if one in line["expected"] else 1_000_000 for one in range(3)]


def leave_out_near(lines: list[dict[str, Any]]) -> None:
    assert any(line.pop("near", False) for line in lines[1:])
    for line in lines[1:]:
        line.pop("near", None)


def calibrate(lines: list[dict[str, Any]]) -> None:
    """Take what is not given from the labels that are not given."""
    for line in lines[1:]:
        scores = line["scores"][0]
        line["scores"][0] = [one if one == max(scores) else 0 for one in scores]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: best(lines, 0),
        lambda lines: best(lines, 2),
        worst,
        leave_out_near,
        calibrate,
    ],
    ids=["model", "nearest record", "worse nearest record", "near", "surer"],
)
def test_predictions_with_figures_that_follow_are_asked_for_again(
    honest: Honest, again, change: Callable[[list[dict[str, Any]]], object]
) -> None:
    before = honest.attached(EVALUATION, "predictions")
    data, follow = answered(honest, change)
    report = again(EVALUATION, follow, attachments=[("predictions", data)])
    found = report.check("evaluation.recomputed")
    assert (found.state, found.detail["reason"]) == ("fail", "other-answers"), found
    honest.sign(EVALUATION, honest.store.resolve(EVALUATION).body,
                attachments=[("predictions", before)])  # fmt: skip


def test_who_is_not_asked_again_is_named(honest: Honest) -> None:
    store = honest.store
    (left,) = (one for one in store.verify(EVALUATION).not_proven if EVALUATION in one)
    assert left.endswith(EMBEDDINGS)
    report = verify_object(
        context_of(store.repository, trust=store.trust, clock=store.clock),
        store.resolve(EVALUATION).id,
        readers=Readers(records=read_labelled, datasets=StoredDatasets()),
    )
    assert (report.verdict, states(report)["evaluation.recomputed"]) == ("trusted", "pass")
    assert [one for one in report.not_proven if EVALUATION in one]
