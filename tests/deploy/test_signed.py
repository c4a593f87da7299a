"""Signed deployments: what the folder hangs on, and how it is written again."""

import os
import pkgutil
import subprocess
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.api import KeyFolder, Store
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    LyrikstoreError,
    RunFailedError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.timestamps import format_timestamp, now
from lyrikstore.deploy import deploy as deploying
from lyrikstore.deploy import evidence as writing_evidence
from lyrikstore.deploy.build import FolderBuild, WrittenFile
from lyrikstore.deploy.seal import Signing, push_logged
from lyrikstore.history.commit import publisher
from lyrikstore.history.commit.transaction import recover
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.repository.refs import Flagged
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.deployment.layout import FOLDER, UNSIGNED, Vouched, evidence_file
from lyrikstore.verify.report import CheckState, Verdict
from tests.deploy.conftest import Shop
from tests.verify.deployment.folders import judged

pytestmark = pytest.mark.train


def tree_of(folder: Path) -> Tree:
    return Tree.parse((folder / FOLDER / "tree.jsonl").read_bytes())


def manifest_of(folder: Path) -> Manifest:
    return parse_manifest((folder / FOLDER / "manifest.json").read_bytes())


def differing(folder: Path) -> set[str]:
    """Return which files are others than the signed tree says, are missing there or here."""
    signed = {one.path: one.blake3 for one in tree_of(folder).entries}
    found = {
        path.relative_to(folder).as_posix(): Digest.of(path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != FOLDER
    }
    return {path for path in signed.keys() | found.keys() if signed.get(path) != found.get(path)}


def same_bytes(one: Path, other: Path) -> None:
    """Return if two folders are the same, but for log proofs of another log checkpoint."""
    names = [
        {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        for folder in (one, other)
    ]
    assert names[0] == names[1]
    for name in names[0]:
        if name.startswith(f"{FOLDER}/") and (".tlog-proof" in name or "/log." in name):
            continue
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def opened(shop: Shop) -> Store:
    config = shop.person.home / ".config" / "lyrikstore"
    keys = KeyFolder(config / "keys")
    return Store.open(
        shop.person.folder / ".lyrikstore",
        memory_dir=shop.person.home / ".local" / "state" / "lyrikstore" / "logs",
        trust_file=config / "trust.toml",
        keys=keys,
        signer=keys.signer("default"),
        environment=os.environ,
    )


def test_the_manifest_names_every_file_outside_the_evidence(shop: Shop) -> None:
    """Attack case A80, the writing side: no file of the folder can be swapped unseen."""
    folder, result = shop.deploy("words", "onnx")
    signed, tree = manifest_of(folder), tree_of(folder)
    assert (str(signed.id), signed.name) == (result["deployment"], result["deploymentName"])
    assert signed.name == "deployments/acme/words.onnx"
    assert (signed.tree, signed.files) == (tree.id, tree.id)
    assert differing(folder) == set()
    for name in ("config.json", "onnx/model.onnx"):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert differing(folder) == {name}
        (folder / name).write_bytes(data)
    sums = dict(
        reversed(line.split("  "))
        for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines()
    )
    assert sums.keys() == set(tree.paths) - {"SHA256SUMS"}
    for path, digest in sums.items():
        assert sha256((folder / path).read_bytes()).hexdigest() == digest


def test_each_file_of_the_evidence_is_one_of_the_list(shop: Shop) -> None:
    folder, result = shop.deploy("words", "onnx")
    signed = manifest_of(folder)
    files = {path.name: path.read_bytes() for path in (folder / FOLDER).iterdir()}
    kinds = {name: evidence_file(name) for name in files}
    assert None not in kinds.values()
    digests = {Digest.of(data) for data in files.values()}
    assert {one.id for one in signed.inputs} <= digests
    assert {one.id for one in signed.attachments} <= digests
    assert {one.role for one in signed.inputs} >= {"checkpoint", "run"}
    assert {one.vouched for one in kinds.values() if one} >= {Vouched.CREDENTIAL, Vouched.LOG}
    body = signed.body
    assert str(signed.inputs_in("checkpoint")[0].id) == result["checkpoint"]
    assert (body["target"], body["quantization"], body["limits"]) == ("onnx", "none", {})
    assert body["check"] == result["check"]
    assert body["rights"]["state"] == result["rights"]["state"]
    assert body["oms"]["publicKey"].startswith("-----BEGIN PUBLIC KEY-----\n")
    logged = shop.person.ok("log", signed.name, "--json").json
    assert result["deployment"] in {one["id"] for one in logged["versions"]}
    affected = shop.person.run("impact", result["checkpoint"], "--json").json["affected"]
    assert str(signed.id) in {one["id"] for one in affected}


@pytest.mark.parametrize("stop", [StorageError("io", "the disk is gone"), KeyboardInterrupt()])
def test_what_stops_after_the_log_is_written_again(shop: Shop, tmp_path, monkeypatch, stop) -> None:
    """Attack case A81: a crash between log and rename leaves a claim about no folder."""
    name, store = shop.checkpoint("words"), opened(shop)

    def fail(built: Path, _destination: Path) -> None:
        built.rename(tmp_path / "first")
        raise stop

    monkeypatch.setattr(deploying, "put_in_place", fail)
    with pytest.raises(type(stop)) as caught:
        store.models.deploy(name, "onnx", tmp_path / "out", name="acme/stopped")
    monkeypatch.undo()
    signed = manifest_of(tmp_path / "first")
    assert store.resolve("deployments/acme/stopped").id == signed.id
    if isinstance(stop, LyrikstoreError):
        assert caught.value.details["deployment"] == str(signed.id)
        assert f"--again {signed.id.hex}" in caught.value.hint
    else:
        assert f"--again {signed.id.hex}" in caught.value.__notes__[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first"]
    made = store.models.deploy_again(signed.id.hex, tmp_path / "out")
    assert made.manifest == signed
    same_bytes(tmp_path / "first", tmp_path / "out")
    assert differing(tmp_path / "out") == set()


def test_what_stops_before_the_log_leaves_nothing(shop: Shop, tmp_path, monkeypatch) -> None:
    name, store = shop.checkpoint("words"), opened(shop)
    before = store.repository.checkpoint.size

    def fail(**_: object) -> None:
        raise StorageError("io", "the disk is gone")

    monkeypatch.setattr("lyrikstore.deploy.seal.sign_manifest", fail)
    with pytest.raises(StorageError) as caught:
        store.models.deploy(name, "onnx", tmp_path / "out")
    assert "deployment" not in caught.value.details
    store.repository.refresh()
    assert store.repository.checkpoint.size == before
    assert list(tmp_path.iterdir()) == []


def plant(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text("import os\n")


def rewrite(folder: Path) -> None:
    (folder / "NOTICE").write_text("No duties.\n")


@pytest.mark.parametrize(
    ("before", "change", "is_logged"),
    [
        ("deploy.ServedModel.probe_file", plant, False),
        ("seal.sign_files", rewrite, False),
        ("deploy.evidence_files", plant, True),
    ],
)
def test_what_another_process_writes_there_is_not_signed(
    shop: Shop, tmp_path, monkeypatch, before, change, is_logged
) -> None:
    """Attack case A80: the folder is built under a name that others can find, and write to."""
    name, store = shop.checkpoint("words"), opened(shop)
    size = store.repository.checkpoint.size
    owner, _, leaf = f"lyrikstore.deploy.{before}".rpartition(".")
    place = pkgutil.resolve_name(owner)
    original = getattr(place, leaf)

    def meanwhile(*arguments: Any) -> Any:
        change(next(tmp_path.glob(".out.new-*")))
        return original(*arguments)

    monkeypatch.setattr(place, leaf, meanwhile)
    with pytest.raises(RunFailedError) as caught:
        store.models.deploy(name, "onnx", tmp_path / "out")
    assert caught.value.kind == "bad-output"
    assert ("deployment" in caught.value.details) == is_logged
    store.repository.refresh()
    assert (store.repository.checkpoint.size > size) == is_logged
    assert list(tmp_path.iterdir()) == []


def test_a_folder_holds_what_was_written_to_it(tmp_path) -> None:
    built = FolderBuild(tmp_path)
    built.write({"onnx/model.onnx": b"model", "NOTICE": b"text"})
    (tmp_path / "NOTICE").write_bytes(b"other")
    files = built.list_files()
    assert [*files] == ["NOTICE", "SHA256SUMS", "onnx/model.onnx"]
    assert files["NOTICE"] == WrittenFile(4, Digest.of(b"text"), sha256(b"text").digest())
    assert sha256(b"text").hexdigest().encode() in (tmp_path / "SHA256SUMS").read_bytes()
    built.check()
    (tmp_path / "onnx" / "external.bin").symlink_to("/dev/null")
    with pytest.raises(RunFailedError):
        built.check()
    (tmp_path / "onnx" / "external.bin").unlink()
    (tmp_path / "NOTICE").unlink()
    with pytest.raises(RunFailedError):
        built.check()


def test_what_died_while_it_was_logged_is_written_again(shop: Shop, tmp_path, monkeypatch) -> None:
    """The record is there, and nobody has published it: the next writer does."""
    name, store = shop.checkpoint("words"), opened(shop)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publisher, "create_files", die)
        with pytest.raises(KeyboardInterrupt) as caught:
            store.models.deploy(name, "onnx", tmp_path / "out", name="acme/died")
    (said,) = caught.value.__notes__
    identity = said.partition("--again ")[2].split()[0]
    assert list(tmp_path.iterdir()) == []
    recover(opened(shop).repository)
    made = opened(shop).models.deploy_again("deployments/acme/died", tmp_path / "out")
    assert made.manifest is not None
    assert made.manifest.id.hex == identity
    assert differing(tmp_path / "out") == set()


def test_what_has_no_effect_at_home_is_not_handed_out(shop: Shop) -> None:
    signed = manifest_of(shop.deploy("words", "onnx")[0])
    pushed: list[str] = []

    def home(*flagged: Flagged) -> Any:
        return SimpleNamespace(is_mirror=True, refresh=lambda: None, flagged=flagged)

    signing = Signing(push=lambda: pushed.append("pushed"))
    push_logged(home(Flagged(1, signed.id, "already-logged")), signing, signed)
    with pytest.raises(VerificationError) as caught:
        push_logged(home(Flagged(1, signed.id, "suspect")), signing, signed)
    assert (caught.value.kind, len(pushed)) == ("not-verified", 2)


def test_two_ids_that_begin_alike_are_refused_before_the_work(
    shop: Shop, tmp_path, monkeypatch
) -> None:
    name, store = shop.checkpoint("words"), opened(shop)
    real = writing_evidence._credentials

    def alike(*arguments: Any) -> Any:
        for path, data in real(*arguments):
            yield path, data
            yield path, data + b" "

    monkeypatch.setattr(writing_evidence, "_credentials", alike)
    monkeypatch.setattr(deploying, "open_staging", None)  # nothing is computed
    with pytest.raises(ConflictError) as caught:
        store.models.deploy(name, "onnx", tmp_path / "out")
    assert caught.value.kind == "ids-alike"
    monkeypatch.setattr(writing_evidence, "_credentials", real)
    for limit in ("MAX_SIBLINGS", "MAX_DEPLOYED_EVIDENCE_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(writing_evidence, limit, 3)
            with pytest.raises(InvalidInputError) as refused:
                store.models.deploy(name, "onnx", tmp_path / "out")
        assert refused.value.kind == "too-many-files"


def test_an_unsigned_folder_calls_itself_so(shop: Shop, tmp_path) -> None:
    folder, person = tmp_path / "out", shop.person
    arguments = ("deploy", shop.checkpoint("words"), "--to", "onnx", "-o", folder)
    before = person.ok("log", "--json").json
    result = person.ok(*arguments, "--no-sign", "--json").json
    assert person.ok("log", "--json").json == before
    assert (result["deployment"], result["deploymentName"], result["logIndex"]) == (None,) * 3
    names = {path.name for path in (folder / FOLDER).iterdir()}
    assert UNSIGNED in names
    assert names.isdisjoint({"manifest.json", "tree.jsonl", "model.sig", "report.json"})
    assert None not in map(evidence_file, names)
    for name in ("README.md", "USE.md"):
        assert "This folder is unsigned." in (folder / name).read_text("utf-8")
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    signed = shop.deploy("words", "onnx")[0]
    assert "unsigned" not in (signed / "USE.md").read_text("utf-8")
    assert person.run(*arguments, "--no-sign", "--as", "acme/x", "--json").code == 2


def test_what_a_clone_deploys_is_pushed_first(shop: Shop, tmp_path) -> None:
    name = shop.checkpoint("words")
    laptop = shop.person.copy(tmp_path / "laptop")
    laptop.ok("remote", "add", "origin", tmp_path / "shared")
    laptop.ok("push")
    deploy = ("deploy", name, "--to", "onnx", "--as", "acme/clone", "--json", "-o")
    result = laptop.ok(*deploy, tmp_path / "out").json
    assert differing(tmp_path / "out") == set()
    assert (tmp_path / "out" / FOLDER / "log.tlog-proof").is_file()
    home = Store.open(tmp_path / "shared", memory_dir=tmp_path / "m", trust_file=tmp_path / "t")
    assert str(home.resolve("deployments/acme/clone").id) == result["deployment"]
    again = ("deploy", "--again", "deployments/acme/clone", "--json", "-o", tmp_path / "again")
    laptop.ok(*again, "--store", tmp_path / "shared")
    same_bytes(tmp_path / "out", tmp_path / "again")
    laptop.ok("commit", "texts", "-d", "acme/waiting")
    assert laptop.fails(15, *deploy, tmp_path / "no").kind == "not-pushed"
    laptop.ok("push")
    laptop.ok("remote", "remove", "origin")
    assert laptop.fails(15, *deploy, tmp_path / "no").kind == "not-pushed"
    assert not (tmp_path / "no").exists()


def test_a_name_that_is_none_of_a_deployment_is_refused(shop: Shop, tmp_path) -> None:
    arguments = ("deploy", shop.checkpoint("words"), "--to", "onnx", "-o", tmp_path / "out")
    refused = shop.person.fails(16, *arguments, "--as", "checkpoints/acme/x", "--json")
    assert refused.kind == "bad-name"
    again = ("deploy", "--again", shop.checkpoint("words"), "-o", tmp_path / "out", "--json")
    assert shop.person.fails(16, *again).kind == "wrong-object"
    assert list(tmp_path.iterdir()) == []


def test_credentials_that_name_values_are_left_out_unless_asked_for(
    shop: Shop, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("lyrikstore.deploy.evidence.contains_values", lambda _: True)
    name, store = shop.checkpoint("words"), opened(shop)
    for asked in (False, True):
        folder = tmp_path / f"asked-{asked}"
        made = store.models.deploy(name, "onnx", folder, name="acme/told", with_values=asked)
        assert made.manifest is not None
        there = {path.name.partition("-")[0] for path in (folder / FOLDER).iterdir()}
        assert ("credential" in there) == asked
        assert bool(made.manifest.body.get("credentialsLeftOut")) == (not asked)
        assert made.manifest.body["withData"] == (["values"] if asked else [])
        trust = f'version = 1\n\n[[issuer]]\ndid = "{shop.person.did()}"\nnickname = "Acme"\n'
        report = judged(folder, trust, format_timestamp(now()))
        assert report.verdict is Verdict.TRUSTED
        rights = report.check("deployment.rights")
        assert rights.state is CheckState.STATED
        assert ("credentialsLeftOut" in rights.detail) == (not asked)
        assert any("left out" in one for one in report.not_proven) == (not asked)
