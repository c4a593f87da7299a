"""Manifests and credentials that should not have been logged: each is named, with its reason."""

from datetime import timedelta
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.attestation import build_attestation
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import change_policy, rotated
from lyrikstore.history.log import merkle
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.store.statements.confinement import unconfined_cause
from lyrikstore.verify.store.statements.reproductions import SEGMENTS
from lyrikstore.verify.store.statements.segments import (
    ROLE,
    SegmentList,
    SegmentState,
    draw_segments,
    miss_chance,
)
from tests.verify.store.lineage import Lineage, other_train, problems, states


def test_unauthorised_manifest_is_reported(fresh: Lineage, monkeypatch: pytest.MonkeyPatch) -> None:
    intruder = fresh.sign(
        "filter",
        "filters/acme/evil",
        {"recipe": {}, "steps": [{"use": "empty/1"}], "reads": [], "engine": "x"},
        signer=fresh.world.MALLORY,
    )
    monkeypatch.setattr("lyrikstore.history.commit.appender.Appender._check_refs", lambda *_: None)
    fresh.log(intruder)
    report = fresh.store()
    assert report.verdict == "trusted"
    assert "does not let this author" in problems(report, "refs")
    fresh.ids["evil"] = intruder.id
    report = fresh.object("evil")
    assert report.verdict == "invalid"
    assert states(report)["manifests"] == "fail"


def test_a_manifest_that_is_logged_again_stays_good(
    fresh: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ATTACK: whoever may write the log logs what others signed once more."""
    monkeypatch.setattr("lyrikstore.history.commit.appender.Appender._check_refs", lambda *_: None)
    fresh.log(fresh.repository.manifest(fresh.ids["model"]))
    report = fresh.object("model")
    assert report.verdict == "trusted"
    assert "stands earlier in the log" in problems(report, "manifests")
    assert "stands earlier in the log" in problems(fresh.store(), "refs")


def test_who_attests_a_dataset_owns_no_store(fresh: Lineage) -> None:
    """ATTACK: a founder whom nobody knows names the auditor of the data an owner of the store."""
    world, repository = fresh.world, fresh.repository
    auditor = KeySigner(PrivateKey.from_seed(b"\x51" * 32))
    change_policy(
        repository,
        rotated(world.OWNER.did, auditor.did),
        signer=world.OWNER,
        clock=lambda: world.NOW,
    )
    attestation = build_attestation(
        CredentialMetadata(auditor.did, world.NOW, world.NOW + timedelta(days=9)),
        Claims.of(parse(fresh.publisher.credential())["credentialSubject"]),
        kind="quality",
        statement={
            "extent": "all",
            "standard": "none",
            "method": "read",
            "conclusion": "fine",
            "results": [{"metric": "share", "value": "1"}],
            "limitations": ["few were read"],
            "liability": "none",
        },
        documents={},
        content_checked=True,
    )
    fresh.log_credential(issue(attestation, auditor, world.NOW))
    trust = world.trusting(auditor.did)
    assert states(fresh.object("dataset", trust=trust))["store.genesis"] == "warn"
    assert fresh.object("dataset", trust=trust).verdict == "valid"
    assert fresh.store(trust=trust).verdict == "valid"


def test_credential_that_does_not_hold(fresh: Lineage) -> None:
    data = fresh.publisher.credential().replace(b'"train"', b'"trade"')
    fresh.log_credential(data)
    report = fresh.store()
    assert report.verdict == "invalid"
    assert "edited" in problems(report, "credentials")


def test_expired_credential_is_only_said(sound: Lineage) -> None:
    report = sound.store(at=sound.world.NOW + timedelta(days=1000))
    assert "expired" in problems(report, "credentials")
    rights = report.check("rights")
    assert (report.verdict, rights.detail["reason"]) == ("valid", "ended-later")


def test_checkpoint_claims_other_data_than_its_run(fresh: Lineage) -> None:
    arguments = other_train(fresh)  # attack case A40
    fresh.ids["lie"] = fresh.trained(arguments.pop("run"), **arguments).id
    report = fresh.object("lie")
    assert report.verdict == "invalid"
    assert "train inputs are not those of its run" in problems(report, "runs")


@pytest.mark.parametrize(
    ("use", "left_out", "change", "state"),
    [
        ("merge-adapters/1", "", {}, "pass"),
        ("merge-adapters/1", "train", {}, "fail"),
        ("merge-adapters/1", "", {"labels": ["b", "a"]}, "fail"),
        ("merge-adapters/1", "", {"decision": {"temperature": "2"}}, "fail"),
        ("merge-adapters/1", "", {"text": {"maxTokens": 9}}, "fail"),
        ("merge-adapters/1", "", {"step": 2}, "fail"),
        ("merge-adapters/2", "", {}, "unchecked"),
        ("quantize/1", "train", {}, "unchecked"),
    ],
)
def test_what_is_derived_is_held_against_its_source(
    fresh: Lineage, use: str, left_out: str, change: dict[str, Any], state: str
) -> None:
    run = fresh.repository.manifest(fresh.ids["run"])
    parent = fresh.repository.resolve("checkpoints/acme/model").id
    claimed = {"step": 1, "task": "text-classification", "labels": ["a", "b"]}
    source = fresh.trained(run, parents=[parent], body=claimed)
    kept = [one for one in source.inputs if one.role not in {"run", left_out} or not left_out]
    made = fresh.checkpoint(
        "checkpoints/acme/derived",
        {"origin": "derived", "operation": {"use": use}, **claimed, **change},
        inputs=[Input("source", "checkpoint", source.id), *kept],
    )
    fresh.ids["derived"] = made.id
    assert states(fresh.object("derived"))["runs"] == state


@pytest.mark.parametrize("change", [{}, {"format": "files/1"}])
def test_a_model_whose_weights_are_elsewhere_has_none_here(fresh: Lineage, change: Any) -> None:
    # ATTACK A133: weights that were taken in are said to be elsewhere; nobody asks whose they are.
    said = {"origin": "external", "format": "external/1", "final": True, **change}
    made = fresh.checkpoint("checkpoints/acme/elsewhere", said)
    fresh.ids["elsewhere"] = made.id
    report = fresh.object("elsewhere")
    assert report.check("checkpoints").detail["reason"] == "other-settings"


@pytest.mark.parametrize(("form", "fault"), [("tfidf/1", ""), ("encoder/1", "its base inputs")])
def test_word_counts_alone_need_no_base_of_their_run(fresh: Lineage, form, fault) -> None:
    run = fresh.repository.manifest(fresh.ids["run"])
    parent = fresh.repository.resolve("checkpoints/acme/model").id
    inputs = [
        Input("run", "run", run.id),
        Input("train", "dataset", fresh.publisher.manifest.id),
    ]
    made = fresh.trained(run, inputs=inputs, parents=[parent], body={"format": form})
    fresh.ids["words"] = made.id
    assert fault in problems(fresh.object("words"), "runs")
    assert bool(fault) == bool(problems(fresh.object("words"), "runs"))


def test_unplanned_output(fresh: Lineage) -> None:
    run = fresh.repository.manifest(fresh.ids["run"])
    fresh.ids["other"] = fresh.trained(run, name="checkpoints/acme/surprise").id
    assert "did not plan" in problems(fresh.object("other"), "runs")


@pytest.mark.parametrize("terms", ["yes", "unknown", "no"])
@pytest.mark.parametrize("role", ["train", "validation"])
def test_what_output_terms_do_not_permit_is_not_learned_from(fresh: Lineage, role, terms) -> None:
    # ATTACK: whoever signs the checkpoint asked nobody.
    records = fresh.publisher.manifest
    claimed = {"name": "somebody's model", "outputTerms": {"permitsTraining": terms}}
    files = {"tree": records.tree, "files": records.files, "attachments": records.attachments}
    body = {**records.body, "origin": "generated", "generators": [claimed]}
    written = fresh.sign("dataset", "datasets/acme/written", body, **files)
    fresh.log(written)
    inputs = [Input("train", "dataset", records.id), Input(role, "dataset", written.id)]
    run = fresh.run("runs/acme/model", inputs=inputs, parents=[fresh.ids["run"]])
    inputs = [Input("run", "run", run.id), *inputs]
    parents = [fresh.ids["model"]]
    fresh.ids["model"] = fresh.trained(run, inputs=inputs, parents=parents).id
    detail = fresh.object("model").check("runs").detail
    assert any("do not permit" in one for one in detail["problems"]) is (terms == "no")
    # Nobody reviewed it either, which programs of before reviews did not ask.
    warned = [*detail["problems"], *detail.get("warnings", ())]
    assert any("nobody reviewed" in one for one in warned)
    assert any("terms are unknown" in one for one in warned) is (terms == "unknown")


@pytest.mark.parametrize("held", [True, False])
def test_what_a_run_says_of_its_confinement(fresh: Lineage, held: bool) -> None:
    execution = {"by": "command", "command": ["true"], "confinement": "none", "cause": "asked"}
    if held:
        execution |= {"confinement": "bubblewrap", "version": "0.11.0"}
        del execution["cause"]
    body = {"execution": execution, "seed": 0}
    run = fresh.run("runs/acme/model", body=body, parents=[fresh.ids["run"]])
    fresh.ids["run"] = run.id
    # ATTACK: a checkpoint that says what was seen, of a run that nobody watched.
    seen = {"observed": {"connections": 0}}
    for body, state in (({}, "pass" if held else "warn"), (seen, "fail")):
        model = fresh.trained(run, body=body, parents=[fresh.ids["model"]])
        fresh.ids["model"] = model.id
        report = fresh.object("model")
        checks = {one.id: one for one in report.checks}
        assert checks["runs"].state == state
        said = not_proven("unconfined", run.name, unconfined_cause(run.body) or "")
        assert (said in report.not_proven) is not held


@pytest.mark.parametrize("watched", [True, False])
def test_what_a_run_was_to_observe(fresh: Lineage, watched: bool) -> None:
    seen = "reads-and-writes" if watched else "nothing"
    execution = {"by": "command", "command": ["true", ""], "observed": seen}
    body = {"execution": execution, "seed": 0}
    run = fresh.run("runs/acme/model", body=body, parents=[fresh.ids["run"]])
    fresh.ids["run"] = run.id
    observed = {"undeclaredReads": 0, "undeclaredWrites": 0}
    for says in (True, False):
        body = {"observed": observed} if says else {}
        model = fresh.trained(run, body=body, parents=[fresh.ids["model"]])
        fresh.ids["model"] = model.id
        checks = {one.id: one for one in fresh.object("model").checks}
        assert (checks["runs"].state == "pass") is (says is watched)


@pytest.mark.parametrize(
    ("config", "run", "model", "holds"),
    [
        (["a", "b"], ["a", "b"], ["a", "b"], True),
        (["a", "b"], ["a", "b"], ["a", "c"], False),
        (["a", "b"], ["a", "b"], ["b", "a"], False),
        (["a", "b"], ["a", "b"], None, False),
        (None, None, ["a", "b"], False),
        (["a", "b"], ["a", "c"], ["a", "c"], False),
        (["a", "b"], None, ["a", "b"], False),
    ],
)
def test_a_checkpoint_answers_within_the_choices_that_its_run_announced(
    fresh: Lineage,
    config: list[str] | None,
    run: list[str] | None,
    model: list[str] | None,
    holds: bool,
) -> None:
    # ATTACK: a checkpoint that nobody evaluated names other choices.
    def prompt(choices: list[str] | None) -> dict[str, Any]:
        said = {} if choices is None else {"choices": choices}
        return {"template": str(Digest.of(b"t")), "rendered": str(Digest.of(b"r")), **said}

    stated = {} if config is None else {"prompt": {"choices": config}}
    body = {"config": stated, "task": "sft", "prompt": prompt(run)}
    announced = fresh.run("runs/acme/model", body=body, parents=[fresh.ids["run"]])
    claimed = {"task": "sft", "text": {"maxTokens": 9}, "prompt": prompt(model)}
    parents = [fresh.ids["model"]]
    fresh.ids["model"] = fresh.trained(announced, body=claimed, parents=parents).id
    said = problems(fresh.object("model"), "runs")
    assert ("choices are not those of its run" in said) is not holds
    assert bool(said) is not holds


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "pass"),
        ({"root": "00" * 32}, "fail"),
        ({"size": 1}, "fail"),
        ({"size": 99}, "fail"),
    ],
)
def test_segments_are_drawn_from_the_log_as_it_was(
    fresh: Lineage, changed: dict[str, Any], state: str
) -> None:
    # ATTACK: a head that nobody signed, tried until it draws what one likes.
    position = {**dict.fromkeys(("step", "epoch", "batch", "bestEpoch"), 0), "trainLosses": [],
                "scores": [], "loss": "", "bestScore": "", "kept": []}  # fmt: skip
    ends = tuple(SegmentState(position, f"{number:064}") for number in range(5))
    listed = SegmentList("lora", 9, ends).encode()
    body = {
        "task": "text-classification",
        "candidates": [{"format": "peft/1"}],
        "order": {"function": "blake3-order/2", "records": {"train": 5}},
        "segments": {"steps": 9},
    }
    run = fresh.run("runs/acme/model", body=body, parents=[fresh.ids["run"]])
    model = fresh.trained(
        run,
        body={"segments": {"count": 4, "steps": 9}},
        parents=[fresh.ids["model"]],
        more=((ROLE, listed),),
    )
    log = fresh.repository.records.hashes
    head = {"size": len(log), "root": merkle.root(log).hex(), **changed}
    size, root, nonce = head["size"], bytes.fromhex(head["root"]), bytes(16)
    made = fresh.sign(
        "reproduction",
        "reproductions/acme/model",
        {
            "method": SEGMENTS,
            "verdict": "inconclusive",
            "environment": run.body["environment"],
            "code": run.body["code"],
            "rights": run.body["rights"],
            "segments": {
                "count": 4,
                "drawn": draw_segments(4, 2, nonce=nonce, size=size, root=root),
                "nonce": nonce.hex(),
                "head": head,
                "missChance": miss_chance(4, 2),
            },
        },
        inputs=[Input("run", "run", run.id), Input("checkpoint", "checkpoint", model.id)],
    )
    fresh.log(made)
    fresh.ids["again"] = made.id
    check = fresh.object("again").check("runs")
    assert check.state == state, check


def test_run_logged_together_with_its_checkpoint(
    fresh: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[Manifest] = []
    blobs: list[bytes] = []
    real = Lineage.log

    def hold(
        self: Lineage, *manifests: Manifest, blobs_: tuple[bytes, ...] = (), **rest: Any
    ) -> None:
        logged.extend(manifests)
        blobs.extend(rest.get("blobs", blobs_))

    monkeypatch.setattr(Lineage, "log", hold)
    run = fresh.run("runs/acme/late")
    parent = fresh.repository.resolve("checkpoints/acme/model").id
    model = fresh.trained(run, parents=[parent])
    monkeypatch.undo()
    real(fresh, *logged, blobs=tuple(blobs))
    fresh.ids["late"] = model.id
    check = fresh.object("late").check("runs")
    assert (check.state, check.detail["reason"]) == ("warn", "logged-together")
    assert "registered before" not in check.summary
    early = fresh.object("model").check("runs")
    assert early.state == "pass", early
