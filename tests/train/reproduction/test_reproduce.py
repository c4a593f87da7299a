"""Runs done again: what was forged does not come, and no verdict says more than it compared."""

from typing import Any

import pytest
from safetensors.numpy import load, save

from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.timestamps import now
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.gc.retention import plan_retirement, retire
from lyrikstore.history.manifests.manifest import Input, sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.index.log_view import reproductions_of
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.reproduction.reproduce import (
    Reproduction,
    find_run,
    log_reproduction,
    reproduce_run,
)
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.statements.reproductions import (
    environment_differences,
    reasons_of,
)
from tests.contexts import context_of
from tests.train.conftest import paragraphs, part_of

pytestmark = pytest.mark.train
OWNER = signer_for("train owner")
WEIGHTS = "model.safetensors"


class Claims:
    """Claims that runs gave what one says, and lets them be done again."""

    def __init__(self, workshop: Any) -> None:
        self.workshop, self.repo, self.count = workshop, workshop.repo, 0
        config = workshop.tiny.replace("checkpoints/acme/minilm", "linear")
        config = config.replace('["lora"]', '["tfidf"]').replace("acme/tiny", "acme/words", 1)
        config = config[: config.index("[lora]")] + config[config.index("[training]") :]
        self.config = config.replace('keep = "every-epoch"\n', "")
        self.made = workshop.train(self.config)
        self.files = {
            entry.path: self.repo.blobs.read(entry.blake3, max_bytes=1 << 24)
            for entry in self.repo.tree(self.made.checkpoint).entries
        }

    def sign(self, kind: str, name: str, inputs: Any, body: Any, tree: Tree | None = None) -> Any:
        with open_transaction(self.repo) as tx:
            for data in self.files.values():
                tx.writer.put_bytes(data)
            if tree is not None:
                tx.writer.put_bytes(tree.encode())
            manifest = sign_manifest(
                kind=kind,
                store=self.repo.store_id,
                name=name,
                parents=[self.repo.refs[name].id] if name in self.repo.refs else [],
                inputs=inputs,
                body=body,
                signer=OWNER,
                created=now(),
                **({} if tree is None else {"tree": tree.id, "files": tree.files_id}),
            )
            tx.log_manifest(manifest)
            tx.commit()
        return manifest

    def claim(self, *, run: Any = None, files: Any = None, body: Any = None) -> Any:
        """Log a run, and that it gave these files; return the checkpoint."""
        self.count += 1
        name = f"acme/claim{self.count}"
        old, output = self.made.run, f"checkpoints/{name}"
        config = {**old.body["config"], "name": output}
        written = {**old.body, "config": config, "plannedOutputs": [output], **(run or {})}
        written = {key: value for key, value in written.items() if value is not None}
        announced = self.sign("run", f"runs/{name}", old.inputs, written)
        with open_transaction(self.repo) as tx:
            entries = [
                TreeEntry(path, len(data), tx.writer.put_data(data))
                for path, data in {**self.files, **(files or {})}.items()
            ]
            tree = Tree.of(entries)
            tx.writer.put_bytes(tree.encode())
            model = self.made.checkpoint
            inputs = [
                Input("run", "run", announced.id),
                *(one for one in model.inputs if one.role != "run"),
            ]
            manifest = sign_manifest(
                kind="checkpoint",
                store=self.repo.store_id,
                name=output,
                inputs=inputs,
                tree=tree.id,
                files=tree.files_id,
                body={**model.body, **(body or {})},
                attachments=model.attachments_in("validation"),
                signer=OWNER,
                created=now(),
            )
            tx.log_manifest(manifest)
            tx.commit()
        return manifest

    def moved(self, far: float) -> dict[str, bytes]:
        """Return the weights, one of them moved by so much."""
        tensors = load(self.files[WEIGHTS])
        tensors["weight"] = tensors["weight"].copy()
        tensors["weight"][0, 0] += far
        return {WEIGHTS: save(tensors)}

    def again(self, ref: str) -> Reproduction:
        found = reproduce_run(self.workshop.context(), ref)
        assert self.workshop.leftovers == []
        return found

    def runs_check(self, manifest: Any) -> Any:
        report = verify_object(
            context_of(self.repo, trust=self.workshop.trust, clock=now), manifest.id
        )
        return report.check("runs")


@pytest.fixture(scope="module")
def claims(workshop) -> Claims:
    return Claims(workshop)


def test_the_same_bytes_come_again_and_everybody_is_shown_it(claims) -> None:
    before = len(claims.repo.entries())
    found = claims.again(claims.made.run.name)
    assert (found.verdict, found.manifest.body["rights"] != []) == ("match", True)
    # Nothing but the verdict is stored.
    assert len(claims.repo.entries()) == before + 2  # with that of its transaction
    assert claims.runs_check(found.manifest).state == "pass"
    shown = reproductions_of(claims.repo, [claims.made.run, claims.made.checkpoint])
    assert [[one.id for one in some] for some in shown.values()] == [[found.manifest.id]] * 2


def test_a_weight_that_training_does_not_give_is_a_mismatch(claims) -> None:
    found = claims.again(claims.claim(files=claims.moved(0.5)).name)
    (one,) = found.manifest.body["compared"]
    assert found.verdict == "mismatch"
    assert one["files"].keys() == {WEIGHTS}
    assert one["weights"]["absolute"] == "0.5"


def test_a_weight_within_what_the_run_fixed_is_within_tolerance(claims) -> None:
    assert claims.again(claims.claim(files=claims.moved(1e-6)).name).verdict == "within-tolerance"
    # Without tolerances before the first step nothing but the same bytes is enough.
    loose = claims.claim(files=claims.moved(1e-6), run={"tolerances": None})
    assert claims.again(loose.name).verdict == "mismatch"


def test_the_very_weights_with_other_words_are_a_mismatch(claims) -> None:
    decision = {**claims.made.checkpoint.body["decision"], "temperature": "3.000"}
    metrics = {**claims.made.checkpoint.body["metrics"], "outOfFoldMacroF1": "0.9999"}
    found = claims.again(claims.claim(body={"decision": decision, "metrics": metrics}).name)
    (one,) = found.manifest.body["compared"]
    assert (found.verdict, one["differs"]) == ("mismatch", ["decision"])
    assert one["metrics"].keys() == {"outOfFoldMacroF1"}


def test_a_metric_that_is_left_out_or_made_up_is_a_mismatch(claims) -> None:
    metrics = dict(claims.made.checkpoint.body["metrics"])
    silent = {name: value for name, value in metrics.items() if name != "outOfFoldMacroF1"}
    for files, written in (
        (claims.moved(1e-6), silent),
        (None, {**metrics, "validationGood": "1.0000"}),
    ):
        found = claims.again(claims.claim(files=files, body={"metrics": written}).name)
        (one,) = found.manifest.body["compared"]
        assert (found.verdict, one["differs"]) == ("mismatch", ["metrics"])
        assert claims.runs_check(found.manifest).state == "pass"
        # Who leaves that out says what nobody measured.
        close = {name: value for name, value in one.items() if name != "differs"}
        close |= {"files": {WEIGHTS: "blake3:" + "0" * 64}, "tree": "blake3:" + "0" * 64}
        close["weights"] = {"absolute": "0", "relative": "0"}
        body = {**found.manifest.body, "verdict": "within-tolerance", "compared": [close]}
        name = f"reproductions/acme/unmeasured{len(written)}"
        forged = claims.sign("reproduction", name, found.manifest.inputs, body)
        assert claims.runs_check(forged).state == ("fail" if written is silent else "pass")


def test_tolerances_of_another_metric_than_the_one_that_decides_are_none(claims) -> None:
    tolerances = claims.made.run.body["tolerances"]
    for more in ({}, tolerances["differences"]):
        loose = claims.claim(
            run={"tolerances": {**tolerances, "differences": {**more, "nothing": "0"}}}
        )
        with pytest.raises(InvalidInputError) as caught:
            claims.again(loose.name)
        assert caught.value.kind == "older-run"
    limits = {
        **tolerances,
        "differences": dict.fromkeys(("outOfFoldMicroF1", "validationMicroF1"), "0.005"),
    }
    written = {"task": "multi-label"}
    several = claims.claim(run={**written, "tolerances": limits}, body=written)
    found = claims.again(several.name).manifest
    compared = [{"checkpoint": str(several.id), "differs": ["task"]}]
    assert (found.body["verdict"], found.body["compared"]) == ("mismatch", compared)
    assert claims.runs_check(found).state == "pass"


def test_on_another_machine_a_difference_decides_nothing_and_equality_does(claims) -> None:
    there = {**claims.made.run.body["environment"], "platform": "Linux-1; another processor"}
    other = claims.claim(files=claims.moved(0.5), run={"environment": there})
    found = claims.again(other.name)
    assert (found.verdict, found.manifest.body["reasons"]) == (
        "inconclusive",
        ["other-environment"],
    )
    assert claims.again(claims.claim(run={"environment": there}).name).verdict == "match"


def test_a_verdict_that_does_not_follow_is_no_verdict(claims) -> None:
    found = claims.again(claims.claim(files=claims.moved(0.5)).name)
    honest = found.manifest
    (one,) = honest.body["compared"]
    tree = str(claims.made.checkpoint.tree)
    bodies = [
        {**honest.body, "verdict": "match"},
        {**honest.body, "verdict": "within-tolerance"},
        {**honest.body, "verdict": "inconclusive", "reasons": ["other-environment"]},
        {
            **honest.body,
            "verdict": "match",
            "compared": [{"checkpoint": one["checkpoint"], "tree": tree}],
        },
    ]
    for number, body in enumerate(bodies):
        forged = claims.sign(
            "reproduction", f"reproductions/acme/forged{number}", honest.inputs, body
        )
        assert claims.runs_check(forged).state == "fail", body["verdict"]
    elsewhere = [honest.inputs[0], Input("checkpoint", "checkpoint", claims.made.checkpoint.id)]
    written = {**one, "checkpoint": str(claims.made.checkpoint.id)}
    body = {**honest.body, "compared": [written]}
    forged = claims.sign("reproduction", "reproductions/acme/elsewhere", elsewhere, body)
    assert claims.runs_check(forged).state == "fail"


def test_a_run_of_another_program_is_not_called_equal(claims) -> None:
    order = claims.made.run.body["order"]
    assert order["function"] == "blake3-order/2"
    honest = claims.again(claims.made.run.name).manifest
    execution = {"by": "command", "command": ["true"], "observed": "nothing"}
    for number, change in enumerate(
        ({}, {"order": {**order, "function": "foreign"}}, {"execution": execution}, {"task": None})
    ):
        model = claims.claim(run=change)
        inputs = [
            Input("run", "run", model.inputs_in("run")[0].id),
            Input("checkpoint", "checkpoint", model.id),
        ]
        compared = [{"checkpoint": str(model.id), "tree": str(model.tree)}]
        body = {**honest.body, "compared": compared}
        assert body["verdict"] == "match"
        name = f"reproductions/acme/other{number}"
        written = claims.sign("reproduction", name, inputs, body)
        assert claims.runs_check(written).state == ("fail" if change else "pass"), change


def test_nobody_the_policy_does_not_know_says_that_it_came_again(claims) -> None:
    run = claims.made.run
    body = {"method": "whole-run/1", "verdict": "match"}
    body |= {name: run.body[name] for name in ("environment", "code")}
    forged = sign_manifest(
        kind="reproduction",
        store=claims.repo.store_id,
        name="reproductions/acme/words",
        inputs=[Input("run", "run", run.id)],
        body=body,
        signer=signer_for("stranger"),
        created=now(),
    )
    with open_transaction(claims.repo) as tx:
        tx.log_manifest(forged)
        with pytest.raises(PolicyError):
            tx.commit()


def test_whose_key_has_no_role_gets_the_result_unsigned(claims) -> None:
    run, made = find_run(claims.repo, claims.made.run.name)
    size = claims.repo.checkpoint.size
    body = {"verdict": "match", "environment": run.body["environment"]}
    stranger = signer_for("stranger")
    for signer in (stranger, None):
        context = context_of(claims.repo, signer=signer)
        found = log_reproduction(context, run, made, body, message="")
        assert (found.verdict, found.manifest, found.log_index) == ("match", None, None)
    claims.repo.refresh()
    assert claims.repo.checkpoint.size == size


def test_what_cannot_be_done_again_says_so(claims, workshop) -> None:
    with pytest.raises(InvalidInputError) as untrained:
        claims.again("checkpoints/acme/minilm")
    assert untrained.value.kind == "not-trained"
    for older in ({"task": None}, {"candidates": [{"format": "strange/1"}]}):
        with pytest.raises(InvalidInputError) as old:
            claims.again(claims.claim(run=older).name)
        assert old.value.kind == "older-run"
    order = {**claims.made.run.body["order"], "function": "foreign"}
    with pytest.raises(InvalidInputError) as foreign:
        claims.again(claims.claim(run={"order": order}).name)
    assert foreign.value.kind == "older-run"
    assert "--predictions" in (foreign.value.hint or "")
    bare = claims.sign("run", "runs/acme/bare", claims.made.run.inputs, claims.made.run.body)
    with pytest.raises(InvalidInputError) as nothing:
        claims.again(str(bare.id))
    assert nothing.value.kind == "no-result"


def test_data_that_is_gone_leaves_it_open(claims, workshop) -> None:
    name = "datasets/acme/gone.train"  # of its own: other tests train on tiny.train
    files = [
        (f"p{at:04}.txt", text.encode(), {"family": family})
        for at, (_, text, family) in enumerate(paragraphs())
        if part_of(text.encode()) == "train"
    ]
    workshop.permit(workshop.put_dataset(name, files), "train", "evaluate")
    config = claims.config.replace("acme/tiny.train", "acme/gone.train")
    made = workshop.train(config.replace("acme/words", "acme/gone", 1))
    workshop.put_dataset(name, [("p.txt", b"another text", {"family": "mit"})])
    retire(claims.repo, plan_retirement(claims.repo, name, 1), signer=OWNER, clock=now)
    found = claims.again(str(made.run.id))
    assert (found.verdict, found.manifest.body["reasons"]) == ("inconclusive", ["input-missing"])
    assert claims.runs_check(found.manifest).state == "pass"


def test_what_was_another_is_named_first_of_all_the_processor() -> None:
    # One name stands for several processors: what it computes with is part of it.
    then = {
        "platform": "Linux-6.1; AMD EPYC (avx2)",
        "packages": {"torch": "2.9", "processor": "x"},
        "threads": 1,
    }
    now = {
        "platform": "Linux-7.0; AMD EPYC (avx2 avx512f avx512_bf16)",
        "packages": {"torch": "2.13", "processor": "x"},
        "threads": 1,
    }
    assert environment_differences(then, then | {"platform": "Linux-7.0; AMD EPYC (avx2)"}) == []
    assert environment_differences(then, now) == [
        ("package torch", "2.9", "2.13"),
        ("processor", "AMD EPYC (avx2)", "AMD EPYC (avx2 avx512f avx512_bf16)"),
    ]
    # ATTACK: a package that is called as another part is, to hide that one.
    posing = then | {"packages": {"torch": "2.9", "processor": "y"}}
    assert environment_differences(then, posing) == [("package processor", "x", "y")]
    older = then | {"platform": "Linux-6.1; AMD EPYC"}
    assert reasons_of({"environment": older, "code": {}}, {"environment": then, "code": {}}) == [
        "other-environment"
    ]
