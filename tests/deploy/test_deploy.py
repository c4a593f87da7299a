"""Deployed folders, loaded by the programs that serve them: do these answer as the sealed model?"""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, RunFailedError
from lyrikstore.canon.schemas import check_schema
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.deploy.deploy import deploy_checkpoint
from lyrikstore.history.manifests.manifest import parse_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.serving.folder_check import CHECK
from lyrikstore.train.worker.targets.registry import target_for
from lyrikstore.verify.evaluation.answers import WHOLE, decide
from lyrikstore.verify.evaluation.choice.task import labelling_rules
from tests import npm
from tests.contexts import context_of
from tests.deploy.conftest import TEXT
from tests.deploy.test_folder_check import SIGNER, label_usage, run, sign

pytestmark = [pytest.mark.train]

ONNX = (
    "words",
    *(
        pytest.param(name, marks=pytest.mark.ci)
        for name in ("adapter", "several", "vectors", "blend", "whole", "roberta")
    ),
)
HUGGING_FACE = [
    pytest.param(name, marks=pytest.mark.ci) for name in ("adapter", "whole", "roberta")
]
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
NEAR = 2e-5

TRANSFORMERS = """
import json, sys, torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline
folder, text = sys.argv[1:]
answer = pipeline("text-classification", folder, truncation=True, top_k=None)
probes = [json.loads(line) for line in open(folder + "/probe.jsonl", encoding="utf-8")]
found = [{one["label"]: one["score"] for one in answer([probe["text"]])[0]}
         for probe in probes]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
several_texts = [text, "padded"] if tokenizer.pad_token else [text]
batch = tokenizer(several_texts, padding=len(several_texts) > 1, truncation=True,
                  return_tensors="pt")
with torch.no_grad():
    logits = model(**batch).logits[0]
    half = model.to(torch.float16)(**tokenizer(text, truncation=True, return_tensors="pt")).logits
several = model.config.problem_type == "multi_label_classification"
scores = logits.sigmoid() if several else logits.softmax(0)
one = {model.config.id2label[at]: float(score) for at, score in enumerate(scores)}
too_long = None
try:
    model.float()(input_ids=torch.full((1, 400), 2000))
except Exception as error:
    too_long = type(error).__name__
print(json.dumps({"probes": found, "one": one, "half": bool(half.isnan().any()),
                  "tooLong": too_long, "length": tokenizer.model_max_length}))
"""

ONNX_RUNTIME = """
import json, sys, numpy, onnxruntime
from transformers import AutoTokenizer
folder, text = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
session = onnxruntime.InferenceSession(folder + "/onnx/model.onnx")
names = {one.name for one in session.get_inputs()}
texts = [text, "padded"] if tokenizer.pad_token else [text]
batch = tokenizer(texts, padding=len(texts) > 1, truncation=True, return_tensors="np")
given = {name: batch[name] for name in names & set(batch)}
for name, other in (("word_ids", "/words"), ("character_ids", "/characters")):
    if name in names:
        more = AutoTokenizer.from_pretrained(folder + other)
        given[name] = more(texts, padding=True, return_tensors="np")["input_ids"]
logits = session.run(["logits"], given)[0][0].astype("f8")
config = json.load(open(folder + "/config.json", encoding="utf-8"))
several = config["problem_type"] == "multi_label_classification"
scores = 1 / (1 + numpy.exp(-logits)) if several else numpy.exp(logits) / numpy.exp(logits).sum()
one = {config["id2label"][str(at)]: float(score) for at, score in enumerate(scores)}
print(json.dumps({"one": one, "props": session.get_modelmeta().custom_metadata_map,
                  "opset": config["model_type"]}))
"""


def judge(script: str, *arguments: object):
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={"PATH": os.defpath, "HOME": "/nonexistent", **OFFLINE},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def probes(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "probe.jsonl").read_text("utf-8").splitlines()]


def assert_near(found: dict[str, float], wanted: dict) -> None:
    assert found.keys() >= wanted.keys()
    for label, value in wanted.items():
        assert abs(found[label] - float(value)) <= NEAR, (label, found, wanted)


@pytest.mark.parametrize("name", HUGGING_FACE)
def test_transformers_answers_as_the_sealed_model(shop, name) -> None:
    folder, result = shop.deploy(name, "hf")
    said = judge(TRANSFORMERS, folder, TEXT)
    for found, probe in zip(said["probes"], probes(folder), strict=True):
        assert_near(found, probe["probabilities"])
    assert_near(said["one"], shop.predicted(name))
    assert said["length"] == 24
    assert said["tooLong"] is not None, "a longer text got another answer"
    if name != "whole":  # whose vectors are means; in fp16 it has to be loud
        assert said["half"]
    config = json.loads((folder / "config.json").read_bytes())
    wanted = "Roberta" if name == "roberta" else "Bert"
    assert config["architectures"] == [f"{wanted}ForSequenceClassification"]
    assert "auto_map" not in config
    assert result["check"]["agreeing"] == result["check"]["count"] == len(probes(folder))


@pytest.mark.parametrize("name", ONNX)
def test_onnx_runtime_answers_as_the_sealed_model(shop, name) -> None:
    folder, result = shop.deploy(name, "onnx")
    said = judge(ONNX_RUNTIME, folder, TEXT)
    assert_near(said["one"], shop.predicted(name))
    assert said["props"]["lyrikstore.checkpoint"] == result["checkpoint"]
    assert float(result["check"]["greatestDifference"]) <= NEAR
    assert str(shop.person.folder).encode() not in (folder / "onnx" / "model.onnx").read_bytes()


@pytest.mark.parametrize("name", ["words", pytest.param("several", marks=pytest.mark.ci)])
def test_the_program_in_the_folder_answers_too(shop, name) -> None:
    folder, _ = shop.deploy(name, "onnx")
    found = subprocess.run(
        [sys.executable, folder / "answer.py", TEXT],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not list(folder.rglob("__pycache__")), "the folder is another one after it was used"
    said = json.loads(found.stdout)
    assert_near(said["probabilities"], shop.predicted(name))
    predicted = shop.answers[name]
    assert (said["answer"], said["abstained"]) == (predicted["answer"], predicted["abstained"])
    assert abs(said["confidence"] - float(predicted["confidence"])) <= NEAR


def test_a_copy_of_the_program_answers_where_a_pinned_key_signed(shop, tmp_path) -> None:
    folder = shutil.copytree(shop.deploy("words", "onnx")[0], tmp_path / "model")
    sign(folder)
    for name in ("answer.py", "check.py"):
        shutil.copy(folder / name, tmp_path / name)
    found = run(tmp_path / "answer.py", f"--folder={folder}", TEXT, pinned=SIGNER.did)
    assert_near(json.loads(found.stdout)["probabilities"], shop.predicted("words"))


@pytest.mark.parametrize("probability", [0.2, 0.4, 0.6, 0.9])
@pytest.mark.parametrize("at_least_one", [False, True])
@pytest.mark.parametrize("task", ["text-classification", "multi-label"])
def test_the_program_in_the_folder_heeds_the_sealed_decision(
    task, at_least_one, probability, monkeypatch
) -> None:
    checks: dict = {"__name__": "check"}
    exec(CHECK, checks)
    monkeypatch.setitem(sys.modules, "check", SimpleNamespace(**checks))
    body = {
        "format": "tfidf/1",
        "task": task,
        "labels": ["a", "b", "c"],
        "decision": {
            "temperature": "1.000",
            "abstainBelow": "0.550000",
            "threshold": "0.600000",
            "atLeastOne": at_least_one,
        },
    }
    likely = {"a": 0.1, "b": probability, "c": 0.05}
    place: dict = {"__file__": __file__, "__name__": "answer"}
    about = {**body, "several": task == "multi-label", "checkpoint": "id"}
    exec(label_usage(about, "onnx", 9)["answer.py"], place)
    assert place["THREADS"] == 1  # what a shared server can spare
    model = place["Model"].__new__(place["Model"])
    model.labels, model.several = body["labels"], task == "multi-label"
    model.read = lambda _: (likely, False)
    said = model.answer("text")
    answerer = labelling_rules(task).answerer("model", body["decision"])
    given, confidence = decide(answerer, np.array([round(one * WHOLE) for one in likely.values()]))
    assert said["confidence"] == confidence / WHOLE
    use = label_usage(about, "hf", 9)["USE.md"].decode()
    assert "9 records, each answered by a model not trained on it. That is few" in use
    assert "Below a confidence of 0.550000" in use
    assert ("0.600000 or more is given" in use) == model.several
    assert said["abstained"] == (confidence < answerer.abstain_below)
    assert said["abstainedFor"] == (["confidence"] if said["abstained"] else [])
    model.read = lambda _: (likely, True)
    assert model.answer("text")["abstainedFor"] == [*said["abstainedFor"], "unlike"]
    assert not model.answer("text")["answer"]
    assert set(said["answer"]) == (
        set() if said["abstained"] else {body["labels"][at] for at in given}
    )


def test_what_no_target_takes_is_refused_before_anything_is_verified() -> None:
    with pytest.raises(InvalidInputError) as caught:
        target_for("onnx", "tfidf/2", fields=True, check=False)
    assert caught.value.kind == "no-such-target"
    assert target_for("onnx", "tfidf/2", fields=False, check=False).name == "onnx"


@pytest.mark.page
@pytest.mark.parametrize("name", [pytest.param("adapter", marks=pytest.mark.ci)])
def test_transformers_js_answers_as_the_sealed_model(shop, name) -> None:
    folder, _ = shop.deploy(name, "onnx")
    # Its scripts would fetch programs for graphics cards.
    place = npm.installed(Path(__file__).parent / "js", "--ignore-scripts")
    done = subprocess.run(
        ["node", "ask.mjs", folder], cwd=place, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for found, probe in zip(answers, probes(folder), strict=True):
        assert_near(found, probe["probabilities"])


def test_the_folder_says_whom_to_name_and_shows_who_signed_it(shop, tmp_path) -> None:
    folder, result = shop.deploy("adapter", "hf")
    assert result["card"] is None
    notice = (folder / "NOTICE").read_text("utf-8")
    for said in ("CC-BY-4.0", "attribution", "Apache-2.0", "datasets/acme/pages", "minilm"):
        assert said in notice
    texts = {path.read_bytes() for path in (folder / "licences").rglob("*") if path.is_file()}
    assert texts == {b"Name the source.", b"Apache License 2.0"}
    assert result["handingOnNotPermitted"] == ["datasets/acme/pages"]
    assert result["handingOnProhibited"] == []  # the terms do not say
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == set(result["written"])
    kinds = {path.name.partition("-")[0] for path in (folder / "lyrikstore").iterdir()}
    assert {"checkpoint", "run", "genesis.json", "report.json", "manifest.json"} <= kinds
    report = json.loads((folder / "lyrikstore" / "report.json").read_bytes())
    check_schema(report, "report")
    # ATTACK A88: a model of false data is not deployed.
    assert {one["id"]: one["state"] for one in report["checks"]}["datasets"] == "pass"


def test_a_signed_card_is_the_readme_and_verifies_without_the_store(shop, tmp_path) -> None:
    person = shop.person
    card = person.ok("card", shop.checkpoint("words"), "--json").json
    folder = tmp_path / "carded"
    result = person.ok(
        "deploy", shop.checkpoint("words"), "--to", "onnx", "-o", folder, "--json"
    ).json
    assert result["card"] == card["id"]
    assert (folder / "README.md").read_text("utf-8") == card["markdown"]
    signed = parse_manifest((folder / "lyrikstore" / "manifest.json").read_bytes())
    (named,) = signed.inputs_in("card")
    manifest = parse_manifest((folder / "lyrikstore" / f"card-{named.id.short}.json").read_bytes())
    assert str(manifest.id) == card["id"]
    shown = Digest.of((folder / "lyrikstore" / "card.json").read_bytes())
    assert shown == manifest.attachments_in("card")[0].id
    readme = Digest.of((folder / "README.md").read_bytes())
    assert readme == manifest.attachments_in("markdown")[0].id


def test_where_there_are_approvers_an_approved_card_is_wanted(shop, tmp_path) -> None:
    model, person = shop.checkpoint("words"), shop.person
    (tmp_path / "own.toml").write_text(
        'profile = "own/1"\ntitle = "Own"\nabout = "checkpoint"\nasOf = "2026-11-28"\n'
        'reviewedBy = ""\n[[items]]\nid = "1"\nclause = "1"\nasks = "what it is"\n'
        'required = true\nfill = ["subject.name"]\n'
    )
    card = ("card", model, "--profile", tmp_path / "own.toml", "--json")
    deploy = ("deploy", model, "--to", "onnx", "--json", "-o")
    assert person.ok(*card).json["cardStatus"] == "complete"
    made = person.ok(*deploy, tmp_path / "free").json
    assert made["cardStatus"] == "complete"
    said = parse_manifest((tmp_path / "free" / "lyrikstore" / "manifest.json").read_bytes())
    assert said.body["cardStatus"] == "complete"
    assert [str(one.id) for one in said.inputs_in("card")] == [made["card"]]
    again = ("deploy", "--again", made["deployment"], "--json", "-o", tmp_path / "anew")
    person.ok("key", "new", "ann", "--no-passphrase")
    admit = ("key", "admit", "default", "ann", "--role", "approver", "--cards")
    person.ok(*admit, "cards/acme/words")
    refused = person.fails(14, *deploy, tmp_path / "gated")
    assert refused.kind == "not-approved"
    assert "lyrikstore approve cards/acme/words" in refused.error["hint"]
    person.ok("approve", model, "--self")
    assert person.fails(14, *deploy, tmp_path / "gated").kind == "not-approved"
    assert person.fails(14, *again).kind == "not-approved"
    assert not (tmp_path / "gated").exists()
    person.ok("approve", model, "--signer", "ann")
    assert person.ok(*again).json["cardStatus"] == "approved"
    gated = person.ok(*deploy, tmp_path / "gated").json
    assert gated["cardStatus"] == "approved"
    signed = parse_manifest((tmp_path / "gated" / "lyrikstore" / "manifest.json").read_bytes())
    approvals = [f"approval-{one.id.short}.json" for one in signed.inputs_in("approval")]
    assert approvals
    assert set(approvals) <= {path.name for path in (tmp_path / "gated" / "lyrikstore").iterdir()}
    assert "approved" in person.ok(*deploy[:-2], "-o", tmp_path / "again").err
    person.ok(*admit, "cards/nobody/*")  # the shop is shared


def test_named_probe_records_are_asked_and_delivered(shop, tmp_path) -> None:
    named = tmp_path / "probe.jsonl"
    named.write_text('{"text": "a grant", "matter": 3}\n{"text": "a remote, pushed"}\n')
    arguments = ("deploy", shop.checkpoint("words"), "--to", "onnx", "-o", tmp_path / "out")
    result = shop.person.ok(*arguments, "--probe", named, "--check", "--json").json
    assert result["probe"] == {"count": 2, "made": False}
    assert [one["text"] for one in probes(tmp_path / "out")] == ["a grant", "a remote, pushed"]


@pytest.mark.parametrize("data", ["", "{}\n", '{"text": 3}\n', "text\n", '["text"]\n'])
def test_what_is_no_probe_is_refused(shop, tmp_path, data) -> None:
    (tmp_path / "probe.jsonl").write_text(data)
    arguments = ("deploy", shop.checkpoint("words"), "--to", "onnx", "-o", tmp_path / "out")
    probe = ("--probe", tmp_path / "probe.jsonl")
    assert shop.person.fails(16, *arguments, *probe, "--json").kind == "bad-probe"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["words", "vectors", pytest.param("blend", marks=pytest.mark.ci)])
def test_what_no_class_of_transformers_can_say_is_refused(shop, tmp_path, name) -> None:
    arguments = ("deploy", shop.checkpoint(name), "--to", "hf", "-o", tmp_path / "out")
    refused = shop.person.fails(16, *arguments, "--json")
    assert refused.kind == "no-such-target"
    assert "--to onnx" in refused.error["hint"]
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(shop, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    arguments = ("deploy", shop.checkpoint("words"), "--to", "onnx", "-o", tmp_path / "out")
    assert shop.person.fails(15, *arguments, "--json").kind == "not-empty"
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine.txt"]


def test_a_store_whose_weights_were_changed_gives_nothing(shop, tmp_path) -> None:
    name, store = shop.checkpoint("adapter"), tmp_path / "store"
    shutil.copytree(shop.person.folder / ".lyrikstore", store)
    for pack in store.rglob("*"):
        if pack.is_file() and pack.stat().st_size > 1 << 20:
            pack.chmod(0o600)
            data = bytearray(pack.read_bytes())
            data[len(data) // 2] ^= 1
            pack.write_bytes(data)
    arguments = ("deploy", name, "--to", "hf", "-o", tmp_path / "out", "--no-sign")
    refused = shop.person.fails(3, *arguments, "--store", store, "--json")
    assert refused.kind == "not-verified"
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing(shop, tmp_path) -> None:
    name = shop.checkpoint("adapter")
    arguments = ("deploy", name, "--to", "hf", "-o", tmp_path / "out", "--json")
    done = subprocess.run(
        shop.person.command(*arguments),
        cwd=shop.person.folder,
        env=shop.person.variables(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stderr)["exitCode"] == 1
    assert list(tmp_path.iterdir()) == []
    assert not list((shop.person.folder / ".lyrikstore" / "staging").glob("work-*"))


def test_what_somebody_rewrites_before_it_is_copied_is_not_deployed(shop, tmp_path) -> None:
    name = shop.checkpoint("words")
    store = Repository.open(shop.person.folder / ".lyrikstore")
    trust = Trust((TrustedIssuer(did=shop.person.did(), nickname="acme"),))

    def rewrite(progress) -> None:
        if (progress.phase, progress.done) == ("export", 1):
            (config,) = tmp_path.glob("staging/work-*/out/export/config.json")
            config.write_text(config.read_text().replace('"0"', '"1"'))

    with pytest.raises(RunFailedError) as caught:
        deploy_checkpoint(
            context_of(store, trust=trust, cache_dir=tmp_path, progress=rewrite),
            name,
            "onnx",
            tmp_path / "out",
            sign=False,
        )
    assert caught.value.kind == "bad-output"
    assert not (tmp_path / "out").exists()


def test_a_revoked_right_deploys_nothing(shop, tmp_path) -> None:
    made = shop.deploy("taken", "onnx")[1]
    shop.person.ok("credential", "revoke", shop.credential)
    to = ("-o", tmp_path / "out", "--json")
    for arguments in ((shop.checkpoint("taken"), "--to", "onnx"), ("--again", made["deployment"])):
        refused = shop.person.fails(14, "deploy", *arguments, *to)
        assert refused.kind == "rights-missing"
    assert list(tmp_path.iterdir()) == []
