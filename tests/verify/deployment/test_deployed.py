"""A deployed folder: no byte of it can change, nothing can be laid into it, and what it is."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deployed import (
    CARD,
    DEPLOYED,
    LAST,
    RULES,
    TRAINER,
    Folder,
    approval_of,
    policy,
    revoked_list,
)
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.canon.progress import silent
from lyrikstore.history.commit.policy_change import revoked
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint, TlogProof
from lyrikstore.history.manifests.manifest import parse_manifest
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.delivery.alone import signed_manifest
from lyrikstore.verify.deployment import folder as reading
from lyrikstore.verify.deployment.folder import FolderState, deployed_folder
from lyrikstore.verify.report import CheckState, Verdict
from lyrikstore.verify.store.statements.deployments import check_deployments
from make_credentials import LOG, ORIGIN
from tests.sweep import thinned
from tests.verify.deployment.folders import CASES, files_of, judged, write

SOUND = files_of("sound")
PLACES = [(path, at) for path, data in SOUND.items() for at in range(len(data))]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(SOUND, tmp_path)


@pytest.mark.parametrize(("path", "at"), thinned(PLACES, 60))
def test_no_byte_of_a_folder_can_change(root: Path, path: str, at: int) -> None:
    data = bytearray(SOUND[path])
    data[at] ^= 1
    (root / path).write_bytes(data)
    report = judged(root)
    assert report.verdict in {Verdict.INVALID, Verdict.INCOMPLETE}
    assert report.verdict is Verdict.INVALID or path.startswith("lyrikstore/")


@pytest.mark.parametrize("path", SOUND)
def test_no_file_of_a_folder_can_go(root: Path, path: str) -> None:
    (root / path).unlink()
    assert judged(root).verdict in {Verdict.INVALID, Verdict.INCOMPLETE}


def test_links_and_devices_are_not_followed(root: Path) -> None:
    (root / "tokenizer.json").rename(root.parent / "tokenizer.json")
    (root / "tokenizer.json").symlink_to(root.parent / "tokenizer.json")
    (root / "onnx").rename(root.parent / "elsewhere")
    (root / "onnx").symlink_to(root.parent / "elsewhere")
    os.mkfifo(root / "lyrikstore" / "UNSIGNED.txt")
    report = judged(root)
    files = report.check("deployment.files").detail
    assert files["differs"] == [{"path": "tokenizer.json", "reason": "not-a-file"}]
    assert files["extra"] == ["onnx"]
    assert files["missing"] == ["onnx/model.onnx"]
    assert report.check("deployment.evidence").detail["extra"] == ["lyrikstore/UNSIGNED.txt"]


def test_what_it_names_fits_together() -> None:
    """In the store that has it as beside the folder: a check of its own on both sides."""
    # What cannot be followed is for `lineage` to say there.
    said = {name: case["checks"].get("deployment.made-from") for name, case in CASES.items()}
    faults = {
        one: why for one, why in said.items() if why not in {None, "missing-file", "no-manifest"}
    }
    for name, reason in {"sound": "pass", **faults}.items():
        files = files_of(name)
        parsed = [signed_manifest(data) for data in files.values()]
        manifests = {one.id: one for one in parsed if one is not None}
        tree = Tree.parse(files["lyrikstore/tree.jsonl"])
        store = cast("Any", SimpleNamespace(tree=lambda _, tree=tree: tree))
        check = check_deployments(store, manifests)
        assert check.detail.get("reason", str(check.state)) == reason, name
    assert {"other-run", "other-base", "other-checkpoint", "other-card"} < {*faults.values()}
    checkpoint = parse_manifest(SOUND[next(p for p in SOUND if "checkpoint-" in p)])
    nothing = check_deployments(cast("Any", None), {checkpoint.id: checkpoint})
    assert nothing.state is CheckState.NOT_APPLICABLE


@pytest.mark.parametrize("beside", ["", "UNSIGNED.txt", "deployment.json"])
def test_a_folder_without_its_manifest_is_never_valid(root: Path, beside: str) -> None:
    (root / "lyrikstore" / "manifest.json").unlink()
    if beside:
        (root / "lyrikstore" / beside).write_bytes(b"{}")
    report = judged(root)
    assert (report.verdict, report.issuer) == (Verdict.INCOMPLETE, None)
    reason = report.check("manifest.signature").detail["reason"]
    assert reason == ("unsigned" if beside else "missing-file")


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("", ""),
        ("README.md", "README.md"),
        ("onnx/model.onnx", "onnx/model.onnx"),
        ("lyrikstore/manifest.json", "lyrikstore/manifest.json"),
        ("sitecustomize.py", "sitecustomize.py"),
    ],
)
def test_a_file_is_a_part_of_its_folder(root: Path, path: str, part: str) -> None:
    (root / "sitecustomize.py").write_bytes(b"")
    found = deployed_folder(root / path)
    assert found is not None
    assert (found.root, found.state, found.part) == (root, FolderState.SIGNED, part)


def test_what_lies_below_a_planted_manifest_is_judged_by_itself(root: Path) -> None:
    write({"delivery/credential.json": b"{}", "delivery/data/a": b"a"}, root)
    assert deployed_folder(root / "delivery") is None
    assert deployed_folder(root / "delivery" / "credential.json") is None


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("manifest.json", FolderState.SIGNED),
        ("UNSIGNED.txt", FolderState.UNSIGNED),
        ("deployment.json", FolderState.EARLIER),
        ("notes.txt", None),
    ],
)
def test_a_folder_says_what_it_is(tmp_path: Path, name: str, state: FolderState | None) -> None:
    folder = write({f"lyrikstore/{name}": b"x", "README.md": b"x"}, tmp_path / "folder")
    found = deployed_folder(folder)
    assert (None if found is None else found.state) == state
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "lyrikstore").symlink_to(folder / "lyrikstore")
    assert deployed_folder(tmp_path / "linked") is None


def test_more_than_a_deployment_has_is_refused(root: Path, monkeypatch) -> None:
    monkeypatch.setattr(reading, "MAX_DEPLOYED_FILES", 3)
    check = judged(root).check("deployment.files")
    assert (check.state, check.detail["reason"]) == (CheckState.UNCHECKED, "too-many-files")
    monkeypatch.setattr(reading, "MAX_DEPLOYED_EVIDENCE_BYTES", 2000)
    assert judged(root).verdict is Verdict.INCOMPLETE
    monkeypatch.setattr(reading, "MAX_SIBLINGS", 3)
    with pytest.raises(InvalidInputError) as caught:
        judged(root)
    assert caught.value.kind == "too-many-files"


def test_a_withdrawal_since_counts_where_it_is_shown_to_be_logged(root: Path) -> None:
    """ATTACK A151: the folder has the approval, and whoever handed it over no withdrawal."""
    withdrawal = approval_of(CARD, decision="withdraw")
    leaves = Folder(after=(LAST, withdrawal)).make()["lyrikstore/log.leaves"]
    hashes = [leaves[at : at + 32] for at in range(0, len(leaves), 32)]
    index = hashes.index(Leaf("manifest", withdrawal.id).hash)
    note = LogCheckpoint(ORIGIN, len(hashes), merkle.root(hashes)).sign(LOG)
    proof = TlogProof(index, tuple(merkle.inclusion_proof(hashes, index)), note).encode()
    check = judged(root, later=[withdrawal.encode(), proof]).check("deployment.approval")
    assert (check.state, check.detail["reason"]) == (CheckState.WARN, "withdrawn")
    check = judged(root, later=[withdrawal.encode()]).check("deployment.approval")
    assert check.state is CheckState.PASS


def test_what_was_said_since_is_given_apart(root: Path) -> None:
    """A folder stays as it was signed: what became of keys and credentials is not laid into it."""
    theft = policy(revoked(TRAINER.did, 1), RULES)
    later = Folder(after=(LAST, theft)).make()
    stolen = [later[path] for path in later if "policy" in path or "/log." in path]
    lists = [revoked_list("revocation", DEPLOYED)]
    for said, check, reason, verdict in (
        (stolen, "manifest.signature", "unauthorised", Verdict.INVALID),
        (lists, "deployment.rights", "taken-back-later", Verdict.VALID),
    ):
        report = judged(root, later=said)
        assert report.check(check).detail["reason"] == reason
        assert "extra" not in report.check("deployment.evidence").detail
        assert report.verdict is verdict


def test_a_folder_that_changes_meanwhile_ends_in_our_errors(root: Path, monkeypatch) -> None:
    (found,) = [deployed_folder(root)]
    assert found is not None
    evidence, data = found.read_evidence(), found.data(silent)
    monkeypatch.setattr(reading, "read_small", lambda *_: None)  # it is gone since it was listed
    assert set(found.read_evidence().unreadable) == set(evidence.files)
    root.rename(root.parent / "moved")
    for attempt in (found.read_evidence, data.tree):
        with pytest.raises(LyrikstoreError):
            attempt()
