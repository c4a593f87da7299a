"""The whole chain on a real encoder: one short run, looked at from every side."""

import json
import os
import subprocess
import sys
from decimal import Decimal

import pytest

from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.json import encode
from lyrikstore.train.formats.adapter import FILES
from lyrikstore.train.formats.base_model import check_weights
from lyrikstore.train.predict.predict import predict_file
from lyrikstore.train.run import train_run
from lyrikstore.train.worker.scoring import timed_places

pytestmark = [pytest.mark.train]


def test_the_run_is_announced_before_it_starts(workshop, trained):
    repo, run = workshop.repo, trained.run
    assert repo.index_of(run.id) < min(trained.log_indices)
    assert run.body["plannedOutputs"] == ["checkpoints/acme/family"]
    assert run.body["config"]["lora"]["rank"] == 4
    train = repo.resolve("acme/paragraphs.train")
    assert run.body["order"]["records"]["train"] == train.body["records"]
    assert {right["permits"][0] for right in run.body["rights"]} == {"train"}
    assert {(i.role, i.kind) for i in run.inputs} == {
        ("train", "dataset"),
        ("validation", "dataset"),
        ("test", "dataset"),
        ("base", "checkpoint"),
    }
    phases = [event.phase for event in workshop.log]
    assert phases.index("register") < phases.index("step") < phases.index("seal")


def test_each_checkpoint_is_sealed_and_linked(workshop, trained):
    repo = workshop.repo
    assert len(trained.checkpoints) == 2
    assert [c.body["final"] for c in trained.checkpoints] == [False, True]
    assert trained.checkpoints[1].parents == (trained.checkpoints[0].id,)
    assert repo.refs["checkpoints/acme/family"].id == trained.checkpoint.id
    for checkpoint in trained.checkpoints:
        assert checkpoint.inputs_in("run")[0].id == trained.run.id
        tree = repo.tree(checkpoint)
        assert tree.by_path.keys() == FILES
        for entry in tree.entries:
            data = repo.blobs.read(entry.blake3, max_bytes=1 << 26)
            assert str(workshop.root).encode() not in data
            if entry.path.endswith(".safetensors"):
                check_weights(entry.path, data, len(data))
            else:
                assert encode(json.loads(data)) == data
        config = workshop.read_json(checkpoint, "adapter_config.json")
        base = repo.resolve("checkpoints/acme/minilm")
        assert config["base_model_name_or_path"] == str(base.tree)
        sums = checkpoint.attachments_in("sha256sums")[0]
        assert repo.blobs.read(sums.id, max_bytes=4096).count(b"\n") == len(FILES)
    assert not workshop.leftovers


@pytest.mark.ci
def test_the_loss_falls_and_training_repeats_bit_for_bit(workshop, trained):
    losses = [Decimal(c.body["metrics"]["trainLoss"]) for c in trained.checkpoints]
    assert losses[1] < losses[0]
    again = workshop.train(workshop.config.replace("acme/family", "acme/again"))
    first, second = trained.checkpoint, again.checkpoint
    assert first.tree == second.tree, "the same config on the same machine gave other weights"
    for name in ("trainLoss", "validationAccuracy", "validationMacroF1"):
        assert first.body["metrics"][name] == second.body["metrics"][name]


@pytest.mark.ci
def test_peft_itself_loads_the_adapter_with_the_same_numbers(workshop, trained, tmp_path):
    script = """
import json, sys, torch
from pathlib import Path
from peft import PeftModel
from transformers import AutoModel
from lyrikstore.train.worker.models.load import load_model
from lyrikstore.train.worker.hashed_read import StagedFiles
folder = Path(sys.argv[1])
base, checkpoint = folder / "base", folder / "checkpoint"
ours = load_model(StagedFiles(folder, lambda *_: None), "checkpoint", "peft-lora/1")
encoder = ours.text
raw = AutoModel.from_pretrained(base, add_pooling_layer=False)
theirs = PeftModel.from_pretrained(raw, checkpoint)
batch = encoder.batch(encoder.encode(["Permission is hereby granted", "Redistribution"]))
with torch.inference_mode():
    a = ours.classifier.encoder(input_ids=batch[0], attention_mask=batch[1]).last_hidden_state
    b = theirs.eval()(input_ids=batch[0], attention_mask=batch[1]).last_hidden_state
    plain = AutoModel.from_pretrained(base, add_pooling_layer=False).eval()(
        input_ids=batch[0], attention_mask=batch[1]).last_hidden_state
print(json.dumps([bool(torch.equal(a, b)), bool(torch.equal(a, plain))]))
"""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (tmp_path / "base").symlink_to(workshop.model)
    for entry in workshop.repo.tree(trained.checkpoint).entries:
        (folder / entry.path).write_bytes(workshop.repo.blobs.read(entry.blake3, max_bytes=1 << 26))
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        check=True,
    )
    same, untrained = json.loads(done.stdout.splitlines()[-1])
    assert same
    assert not untrained


def test_the_coverage_has_the_confidence_that_was_asked_about(workshop, evaluation):
    assert evaluation["coverageAt"] == ["0.350000"]
    below = [one["abstainBelow"] for one in evaluation["model"]["coverage"]]
    assert {"0.000000", "0.350000"} <= set(below)


def test_evaluation_holds_model_baseline_and_majority_together(workshop, evaluation):
    test = workshop.repo.resolve("acme/paragraphs.test")
    assert evaluation["count"] == test.body["records"]
    for name in ("model", "baseline"):
        figures = evaluation[name]
        assert Decimal(figures["accuracy"]["low"]) <= Decimal(figures["accuracy"]["value"])
        assert figures["latencyMs"]["n"] == len(timed_places(evaluation["count"]))
        assert figures["peakMemoryBytes"] > 50_000_000
        support = sum(label["support"] for label in figures["perClass"].values())
        assert support == evaluation["count"]
    assert Decimal(evaluation["model"]["accuracy"]["value"]) >= Decimal("0.3")
    overlap = evaluation["overlap"]
    assert (overlap["exact"], overlap["checked"]) == (workshop.leaked, "record ids/2")
    assert workshop.leaked <= overlap["near"]["count"] < evaluation["count"]
    wrong = evaluation["count"] * (1 - Decimal(evaluation["model"]["accuracy"]["value"]))
    assert len(evaluation["worst"]) == min(20, round(wrong))
    for failure in evaluation["worst"]:
        assert failure["expected"] != failure["predicted"]
        assert failure["place"] in range(evaluation["count"])
        assert "record" not in failure


def test_a_test_set_made_after_the_run_is_refused(workshop, trained):
    workshop.put_dataset("datasets/acme/late", [("a.txt", b"some text", {"family": "mit"})])
    with pytest.raises(PolicyError) as caught:
        workshop.evaluate("checkpoints/acme/family", "acme/late")
    assert caught.value.kind == "test-not-locked"
    with pytest.raises(PolicyError) as caught:
        workshop.evaluate("checkpoints/acme/family", "acme/tiny.test")
    assert caught.value.kind == "test-not-locked"
    for part in ("train", "validation"):
        with pytest.raises(PolicyError) as caught:
            workshop.evaluate("checkpoints/acme/family", f"acme/paragraphs.{part}")
        assert caught.value.kind == "test-is-train"
        # ATTACK: the same once more, under another name.
        part_of_training = workshop.repo.resolve(f"acme/paragraphs.{part}")
        files = [
            (entry.path, workshop.repo.blobs.read(entry.blake3, max_bytes=1 << 20), entry.meta)
            for entry in workshop.repo.tree(part_of_training).entries
        ]
        workshop.put_dataset(f"datasets/acme/again.{part}", files)
        with pytest.raises(PolicyError) as caught:
            workshop.evaluate("checkpoints/acme/family", f"acme/again.{part}")
        assert caught.value.kind == "test-is-train"
    with pytest.raises(InvalidInputError) as caught:
        workshop.evaluate("checkpoints/acme/minilm", "acme/paragraphs.test")
    assert caught.value.kind == "not-trained"


def test_the_callers_are_documented():
    for function in (train_run, predict_file):
        assert "Raises:" in (function.__doc__ or "")
