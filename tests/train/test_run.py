"""The whole chain on a real encoder: one short run, looked at from every side."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tracemalloc
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    EmptyResultError,
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    PolicyError,
    RunFailedError,
    StorageError,
)
from lyrikstore.canon.json import encode
from lyrikstore.canon.timestamps import now
from lyrikstore.credentials.terms.model import Partition, Terms
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.formats.adapter import FILES
from lyrikstore.train.formats.base_model import check_weights
from lyrikstore.train.predict.predict import predict_file
from lyrikstore.train.preflight import preflight
from lyrikstore.train.run import train_run
from lyrikstore.train.snapshot import MAX_TEXT_BYTES, CopiedFields, copy_datasets
from lyrikstore.train.worker.staging import open_staging
from lyrikstore.verify.evaluation.words import verdict_in_words
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.store import verify_store
from tests.credentialed import log_credential

pytestmark = [pytest.mark.train]


def copy(workshop, manifest, staging, label) -> None:
    fields = CopiedFields(label)
    copy_datasets(
        workshop.repo, [manifest], fields=fields, task="", staging=staging, name="x.jsonl"
    )


def assert_sound(workshop) -> None:
    report = verify_store(Repository.open(workshop.repo.root), trust=workshop.trust, at=now())
    bad = [check for check in report.checks if check.state is CheckState.FAIL]
    assert not bad, bad


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


def test_evaluation_holds_model_baseline_and_majority_together(workshop, evaluation):
    test = workshop.repo.resolve("acme/paragraphs.test")
    assert evaluation["count"] == test.body["records"]
    for name in ("model", "baseline"):
        figures = evaluation[name]
        assert Decimal(figures["accuracy"]["low"]) <= Decimal(figures["accuracy"]["value"])
        assert figures["latencyMs"]["n"] == evaluation["count"]
        assert figures["peakMemoryBytes"] > 50_000_000
        support = sum(label["support"] for label in figures["perClass"].values())
        assert support == evaluation["count"]
    assert Decimal(evaluation["model"]["accuracy"]["value"]) >= Decimal("0.3")
    overlap = evaluation["overlap"]
    assert (overlap["exact"], overlap["checked"]) == (workshop.leaked, "record ids")
    assert workshop.leaked <= overlap["near"]["count"] < evaluation["count"]
    wrong = evaluation["count"] * (1 - Decimal(evaluation["model"]["accuracy"]["value"]))
    assert len(evaluation["worst"]) == min(20, round(wrong))
    for failure in evaluation["worst"]:
        assert failure["expected"] != failure["predicted"]
        assert re.fullmatch("[0-9a-f]{64}", failure["record"])


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
        learnt = workshop.repo.resolve(f"acme/paragraphs.{part}")
        files = [
            (entry.path, workshop.repo.blobs.read(entry.blake3, max_bytes=1 << 20), entry.meta)
            for entry in workshop.repo.tree(learnt).entries
        ]
        workshop.put_dataset(f"datasets/acme/again.{part}", files)
        with pytest.raises(PolicyError) as caught:
            workshop.evaluate("checkpoints/acme/family", f"acme/again.{part}")
        assert caught.value.kind == "test-is-train"
    with pytest.raises(InvalidInputError) as caught:
        workshop.evaluate("checkpoints/acme/minilm", "acme/paragraphs.test")
    assert caught.value.kind == "not-trained"


def test_a_text_that_is_too_long_is_refused_before_it_is_read(workshop, tmp_path):
    long = b" " * (MAX_TEXT_BYTES + 1)
    manifest = workshop.put_dataset("datasets/acme/long", [("a.txt", long, {"family": "mit"})])
    del long
    tracemalloc.start()
    try:
        with (
            open_staging(tmp_path) as staging,
            pytest.raises(InvalidInputError, match=r"a\.txt: longer than") as caught,
        ):
            copy(workshop, manifest, staging, "family")
        assert caught.value.kind == "too-large"
        assert tracemalloc.get_traced_memory()[1] < MAX_TEXT_BYTES // 4
    finally:
        tracemalloc.stop()


def test_a_misspelt_label_column_is_met_with_the_near_one(workshop, tmp_path):
    manifest = workshop.put(
        "dataset",
        "datasets/acme/labelled",
        [("a.txt", b"text", {"family": "mit"})],
        reader="document/1",
        records=1,
        bytes=4,
        fileCount=1,
        origin="committed",
        descriptor={},
        metadata={
            "columns": ["family", "package"],
            "key": "path",
            "sheetDigest": "blake3:" + "0" * 64,
            "orphanRows": 0,
            "orphanFiles": 0,
        },
    )
    with (
        open_staging(tmp_path) as staging,
        pytest.raises(InvalidInputError, match="'famly'") as caught,
    ):
        copy(workshop, manifest, staging, "famly")
    assert caught.value.kind == "label-missing"
    assert "'family'" in caught.value.hint


@pytest.mark.parametrize("label", ["{}", "{}" + "x" * 200])
def test_more_labels_than_an_evaluation_holds_are_refused_before_the_run(workshop, label):
    count = 1001 if label == "{}" else 400
    files = [
        (f"{number:04}.txt", b"text", {"family": label.format(number)}) for number in range(count)
    ]
    workshop.permit(workshop.put_dataset("datasets/acme/many", files), "train")
    before = size(workshop)
    with pytest.raises(InvalidInputError, match=f"{count:,} different values") as caught:
        workshop.train(workshop.tiny.replace("acme/tiny.train", "acme/many"))
    assert caught.value.kind == "too-many-labels"
    assert size(workshop) == before


@pytest.fixture(scope="module")
def untested(workshop):
    """A checkpoint of a run without a test set, and before it two datasets to test it on."""
    for name in ("unmeasured", "lent"):
        workshop.put_dataset(f"datasets/acme/{name}", [("a.txt", b"text", {"family": "mit"})])
    config = workshop.tiny.replace('test = "acme/tiny.test"\n', "")
    return workshop.train(config.replace('acme/tiny"', 'acme/untested"'))


@pytest.mark.ci
def test_what_may_not_be_used_to_evaluate_is_not(workshop, untested):
    repo = workshop.repo
    data = repo.resolve("acme/unmeasured")
    workshop.permit(data, "train")
    before = size(workshop)
    with pytest.raises(PolicyError, match="evaluate is not permitted") as caught:
        workshop.evaluate("checkpoints/acme/untested", "acme/unmeasured")
    assert caught.value.kind == "rights-missing"
    assert size(workshop) == before
    workshop.permit(data, "evaluate")
    found = workshop.evaluate("checkpoints/acme/untested", "acme/unmeasured")
    assert found.body["count"] == 1
    (right,) = found.body["rights"]
    assert right["dataset"] == str(data.id)
    assert right["permits"] == ["evaluate"]
    credential = Digest.parse(right["credential"])
    assert repo.index_of(credential, "credential") < repo.index_of(found.id)
    report = verify_object(Repository.open(repo.root), found.id, trust=workshop.trust, at=now())
    assert report.check("rights").state is CheckState.PASS, report.check("rights")
    assert found.inputs_in("test")[0].id == repo.resolve("acme/unmeasured").id


@pytest.mark.ci
def test_a_test_set_that_may_only_be_evaluated_on_is_named_and_counted_and_not_learned(workshop):
    """And what is learned from may be several datasets, in the order they are listed."""
    repo = workshop.repo
    leaked = b"seen before, in the training data"
    more = [("m.txt", leaked, {"family": "mit"}), ("n.txt", b"more", {"family": "bsd"})]
    workshop.permit(workshop.put_dataset("datasets/acme/more", more), "train")
    held = workshop.put_dataset(
        "datasets/acme/held",
        [
            ("h.txt", leaked, {"family": "mit"}),
            *((f"i{n}.txt", b"new %d" % n, more[0][2]) for n in range(5)),
        ],
    )
    config = workshop.tiny.replace('"acme/tiny.test"', '"acme/held"')
    config = config.replace('train = "acme/tiny.train"', 'train = ["acme/more", "acme/tiny.train"]')
    config = config.replace('acme/tiny"', 'acme/united"')
    warned = [one.code for one in workshop.train(config).warnings]
    assert warned == [
        "test-not-permitted",
        "few-validation",
    ]  # known before the first step, not after the last
    assert workshop.log[-1].phase == "done"
    workshop.permit(held, "evaluate")
    made = workshop.train(config)
    assert [one.code for one in made.warnings] == ["few-validation"]
    both = [repo.resolve(name).id for name in ("acme/more", "acme/tiny.train")]
    for manifest in (made.run, made.checkpoint):
        assert [item.id for item in manifest.inputs_in("train")] == both
    assert [item.id for item in made.run.inputs_in("test")] == [held.id]
    assert str(held.id) not in {right["dataset"] for right in made.run.body["rights"]}
    assert made.run.body["config"]["data"]["train"] == ["acme/more", "acme/tiny.train"]
    assert made.run.body["order"]["records"]["train"] == 2 + 24
    found = workshop.evaluate("checkpoints/acme/united", "acme/held")
    assert found.body["overlap"]["exact"] == 1
    assert verdict_in_words(found.body).startswith("no verdict: 16.7 %")
    assert [item.id for item in found.inputs_in("train")] == both
    report = verify_object(Repository.open(repo.root), found.id, trust=workshop.trust, at=now())
    assert report.check("rights").state is CheckState.PASS, report.check("rights")
    assert_sound(workshop)


def test_files_that_somebody_prohibits_to_train_on_are_warned_of_before_the_run(workshop):
    repo, taken = workshop.repo, ("a.txt", b"somebody else's text", {"family": "mit"})
    workshop.permit(workshop.put_dataset("datasets/acme/taken", [taken]), "train")
    theirs = workshop.put_dataset("datasets/press/letters", [("b.txt", *taken[1:])])
    terms = Terms((Partition("all", ("evaluate",), ("train",)),))
    valid = (now() - timedelta(hours=1), now() + timedelta(days=30))
    log_credential(repo, theirs, signer_for("a publisher"), terms, valid)
    config = TrainConfig.parse(workshop.tiny.replace("acme/tiny.train", "acme/taken").encode())
    plan = preflight(repo, config, trust=workshop.trust, clock=now)
    assert [one.code for one in plan.warnings] == ["same-bytes"]
    assert "datasets/press/letters" in plan.warnings[0].text


def test_no_right_to_one_of_several_is_no_right_to_all(workshop):
    workshop.put_dataset("datasets/acme/closed", [("c.txt", b"closed", {"family": "mit"})])
    before = size(workshop)
    for listed, error, kind in (
        (["acme/tiny.train", "acme/closed"], PolicyError, "rights-missing"),
        (["acme/tiny.train", "acme/tiny.train~0"], InvalidInputError, "named-twice"),
        (["acme/tiny.train", "acme/tiny.validation"], InvalidInputError, "same-data"),
    ):
        with pytest.raises(error) as caught:
            workshop.train(workshop.tiny.replace('"acme/tiny.train"', str(listed)))
        assert caught.value.kind == kind
    assert size(workshop) == before


@pytest.mark.ci
def test_a_baseline_learns_from_nothing_that_may_not_be_trained_on_any_more(workshop, untested):
    data = workshop.repo.resolve("acme/lent")
    workshop.permit(data, "evaluate")
    before = size(workshop)
    # Whoever permitted the training data is believed about the test set alone by now.
    (me, *_) = workshop.trust.issuers
    narrow = replace(workshop.trust, issuers=(replace(me, names=("datasets/acme/lent",)),))
    with pytest.raises(
        PolicyError, match=r"acme/tiny\.train .* may not be used to train"
    ) as caught:
        workshop.evaluate("checkpoints/acme/untested", "acme/lent", trust=narrow)
    assert caught.value.kind == "rights-missing"
    assert size(workshop) == before
    assert workshop.evaluate("checkpoints/acme/untested", "acme/lent").body["count"] == 1


def test_prediction(workshop, trained, tmp_path):
    path = tmp_path / "licence.txt"
    path.write_text("Permission is hereby granted, free of charge, to any person. " * 20)
    store, cache = workshop.repo.root, tmp_path / "cache" / "of-a-store"

    def state():  # a store may lie where nothing can be written
        return {(one, one.stat().st_mtime_ns) for one in (store, *store.rglob("*"))}

    before = state()
    found = predict_file(
        workshop.repo, "checkpoints/acme/family", path, base_env=os.environ, folder=cache
    )
    assert state() == before
    assert not list(cache.rglob("work-*"))
    assert {label for label, _ in found.candidates} == {"apache", "bsd", "mit"}
    assert abs(sum(score for _, score in found.candidates) - 10**6) < 10
    assert found.confidence == found.candidates[0][1]
    assert found.abstained or found.answer == (found.candidates[0][0],)
    assert found.cut_off
    assert found.tokens == 32


@pytest.mark.parametrize(
    ("name", "data", "error", "kind"),
    [
        ("a.txt", b"", InvalidInputError, "no-text"),
        ("a.txt", b"\x00\xfe\x81\x00\x8d", InvalidInputError, "undecodable"),
        ("a.pdf", b"%PDF-1.7", InvalidInputError, "broken"),
        ("a", b"%PDF-1.7", InvalidInputError, "broken"),
        ("a.rtf", b"{\\rtf1}", InvalidInputError, "old-office"),
        ("a.csv", b"text,label\n", EmptyResultError, "no-records"),
        ("a.csv", b"words\nfree of charge\n", InvalidInputError, "text-missing"),
        ("a.csv", b"text\none\ntwo\n", InvalidInputError, "too-many"),
        ("a.jsonl", b'{"text": "one"\n', InvalidInputError, "bad-record"),
        ("a.jsonl.gz", b"no gzip", InvalidInputError, "bad-record"),
        ("a.parquet", b"PAR1", InvalidInputError, "bad-record"),
        (None, None, NotFoundError, "no-file"),
        ("folder/", None, EmptyResultError, "no-records"),
        ("fifo|", None, InvalidInputError, "not-a-file"),
    ],
)
def test_prediction_refuses(workshop, trained, tmp_path, name, data, error, kind):
    path = tmp_path / (name or "absent").rstrip("/|")
    if data is not None:
        path.write_bytes(data)
    elif name == "folder/":
        path.mkdir()
    elif name == "fifo|":
        os.mkfifo(path)
    with pytest.raises(error) as caught:
        predict_file(
            *(workshop.repo, "checkpoints/acme/family", path),
            base_env=os.environ,
            folder=tmp_path / "cache",
        )
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("path", "changes", "error", "kind"),
    [
        (
            "adapter_config.json",
            {"target_modules": r"(([a-z]+)+\.?)+Q"},
            FormatError,
            "bad-checkpoint",
        ),
        ("adapter_config.json", {"r": 10**12}, FormatError, "bad-checkpoint"),
        ("classifier.json", {"labels": ["mit", "apache", "bsd"]}, FormatError, "bad-checkpoint"),
        ("classifier.safetensors", None, PolicyError, "unsafe-model"),
    ],
)
def test_a_checkpoint_that_somebody_else_wrote_reaches_no_library(
    workshop, trained, tmp_path, path, changes, error, kind
):
    repo, made = workshop.repo, trained.checkpoint
    entries = list(repo.tree(made).entries)
    data = b"\x80\x04." if changes is None else encode(workshop.read_json(made, path) | changes)
    name = "checkpoints/acme/forged"
    with open_transaction(repo) as tx:
        changed = TreeEntry(path, len(data), tx.writer.put_bytes(data))
        tree = Tree.of(changed if entry.path == path else entry for entry in entries)
        tx.writer.put_bytes(tree.encode())
        tx.log_manifest(
            sign_manifest(
                kind="checkpoint",
                store=repo.store_id,
                name=name,
                parents=[repo.refs[name].id] if name in repo.refs else [],
                inputs=made.inputs,
                attachments=made.attachments,
                tree=tree.id,
                files=tree.files_id,
                body=made.body,
                signer=signer_for("train owner"),
                created=now(),
            )
        )
        tx.commit()
    text = tmp_path / "licence.txt"
    text.write_text("Permission is hereby granted")
    with pytest.raises(error, match=path) as caught:
        predict_file(repo, name, text, base_env=os.environ, folder=tmp_path / "cache")
    assert caught.value.kind == kind
    assert not list((tmp_path / "cache").rglob("work-*"))


def size(workshop) -> int:
    workshop.repo.refresh()
    return len(workshop.repo.entries())


def test_no_right_no_run(workshop):
    workshop.put_dataset("datasets/acme/unpermitted", [("a.txt", b"text", {"family": "mit"})])
    before = size(workshop)
    for ref in ("acme/unpermitted",):
        with pytest.raises(PolicyError) as caught:
            workshop.train(workshop.tiny.replace("acme/tiny.train", ref))
        assert caught.value.kind == "rights-missing"
    with pytest.raises(PolicyError):
        workshop.train(workshop.tiny.replace('purpose = "train"', 'purpose = "redistribute"'))
    assert size(workshop) == before
    # ATTACK: what may be measured with is trained on, under the purpose that it may be used for.
    measured = workshop.put_dataset(
        "datasets/acme/measured", [("a.txt", b"text", {"family": "mit"})]
    )
    workshop.permit(measured, "evaluate", "research")
    before = size(workshop)
    for purpose in ("evaluate", "research"):
        config = workshop.tiny.replace("acme/tiny.train", "acme/measured")
        with pytest.raises(PolicyError, match="train is not permitted"):
            workshop.train(config.replace('purpose = "train"', f'purpose = "{purpose}"'))
    assert size(workshop) == before
    assert not workshop.leftovers


@pytest.mark.parametrize(
    ("name", "changes", "kind"),
    [
        ("pickle", {"pytorch_model.bin": b"\x80\x04."}, "unsafe-model"),
        ("disguised", {"model.safetensors": b"\x80\x04." + b"x" * 99}, "unsafe-model"),
        ("code", {"modeling.py": b"import os"}, "unsafe-model"),
        (
            "remote",
            {"config.json": b'{"architectures":["BertModel"],"auto_map":{}}'},
            "unknown-model",
        ),
        ("partial", {"tokenizer.json": None}, "unknown-model"),
    ],
)
def test_unsafe_bases_are_refused_before_anything_is_logged(workshop, name, changes, kind):
    workshop.put_base(f"checkpoints/acme/{name}", changes)
    before = size(workshop)
    with pytest.raises(PolicyError) as caught:
        workshop.train(workshop.tiny.replace("acme/minilm", f"acme/{name}"))
    assert caught.value.kind == kind
    assert size(workshop) == before
    assert not workshop.leftovers


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (('label = "family"', 'label = "nothing"'), "label-missing"),
        (("acme/tiny.validation", "acme/tiny.train"), "same-data"),
        (('targets = ["query", "value"]', 'targets = ["lm_head"]'), "bad-config"),
        (("max_tokens = 16", "max_tokens = 1024"), "bad-config"),
        (('label = "family"', 'label = "package"'), "label-unknown"),
        (("checkpoints/acme/minilm", "datasets/acme/tiny.train"), "not-a-model"),
    ],
)
def test_inputs_that_cannot_be_trained_on(workshop, change, kind):
    text = workshop.tiny.replace(*change)
    assert text != workshop.tiny
    before = size(workshop)
    with pytest.raises(LyrikstoreError) as caught:
        workshop.train(text)
    assert caught.value.kind == kind
    assert isinstance(caught.value, (InvalidInputError, FormatError))
    assert size(workshop) == before


@pytest.mark.ci
def test_weights_of_another_shape_fail_the_run_and_leave_only_its_announcement(workshop):
    config = json.loads((workshop.model / "config.json").read_bytes())
    config["num_hidden_layers"] = 7
    workshop.put_base("checkpoints/acme/seven", {"config.json": json.dumps(config).encode()})
    before = size(workshop)
    with pytest.raises(InvalidInputError) as caught:
        workshop.train(
            workshop.tiny.replace("acme/minilm", "acme/seven").replace('acme/tiny"', 'acme/n"')
        )
    assert caught.value.kind == "bad-model"
    assert "the base model cannot be loaded: ValueError: its weights lack" in caught.value.message
    assert "commit a whole copy" in caught.value.hint
    assert "\n" not in caught.value.message
    assert size(workshop) == before + 2  # the run and its transaction
    assert "checkpoints/acme/n" not in workshop.repo.refs
    assert not workshop.leftovers


def children() -> list[int]:
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        found += map(int, path.read_text().split())
    return found


def test_a_worker_that_is_killed(workshop):
    others = set(children())  # servers of other tests, perhaps

    def kill(progress):
        if progress.phase == "step":
            for child in set(children()) - others:
                os.kill(child, signal.SIGKILL)

    with pytest.raises(RunFailedError, match="SIGKILL") as caught:
        workshop.train(workshop.tiny.replace('acme/tiny"', 'acme/killed"'), kill)
    assert caught.value.kind == "worker-failed"
    workshop.repo.refresh()
    assert "checkpoints/acme/killed" not in workshop.repo.refs
    assert not workshop.leftovers


@pytest.mark.ci
def test_a_tokenizer_that_builds_nothing_is_the_models_fault(workshop):
    workshop.put_base("checkpoints/acme/mute", {"tokenizer.json": b'{"model":{"type":"None"}}'})
    with pytest.raises(InvalidInputError, match="the base model cannot be loaded") as caught:
        workshop.train(
            workshop.tiny.replace("acme/minilm", "acme/mute").replace('acme/tiny"', 'acme/m"')
        )
    assert caught.value.kind == "bad-model"
    assert "config" not in caught.value.hint
    assert caught.value.details["exitCode"] == 1
    assert not workshop.leftovers


@pytest.mark.ci
def test_a_staged_file_that_somebody_deletes_is_nobodys_config(workshop):
    def clean(progress):
        if progress.phase == "start" and not progress.done and "run" in progress.detail:
            for path in (workshop.repo.root / "staging").glob("work-*/base/model.safetensors"):
                path.unlink()

    with pytest.raises(StorageError, match=r"base/model\.safetensors was copied") as caught:
        workshop.train(workshop.tiny.replace('acme/tiny"', 'acme/cleaned"'), clean)
    assert caught.value.kind == "staging-lost"
    assert "run it again" in caught.value.hint


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others are Linux's")
@pytest.mark.ci
def test_a_worker_without_memory_says_so(workshop):
    others = set(children())

    def starve(progress):
        if progress.phase == "step":
            for child in set(children()) - others:
                resource.prlimit(child, resource.RLIMIT_AS, (1 << 20, 1 << 20))

    large = workshop.tiny.replace('acme/tiny"', 'acme/starved"').replace(
        "max_tokens = 16", "max_tokens = 256"
    )
    with pytest.raises(RunFailedError, match="more memory than it gets") as caught:
        workshop.train(large, starve)
    assert caught.value.kind == "out-of-memory"
    assert "batch_size" in caught.value.hint
    assert not workshop.leftovers


def test_ctrl_c(workshop):
    others = set(children())

    def interrupt(progress):
        if progress.phase == "step":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workshop.train(workshop.tiny.replace('acme/tiny"', 'acme/stopped"'), interrupt)
    assert set(children()) <= others
    workshop.repo.refresh()
    assert "runs/acme/stopped" in workshop.repo.refs
    assert "checkpoints/acme/stopped" not in workshop.repo.refs
    assert not workshop.leftovers
    assert_sound(workshop)


def test_the_callers_are_documented():
    for function in (train_run, predict_file):
        assert "Raises:" in (function.__doc__ or "")
