"""A delivery verifies, and a failed one leaves nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    PolicyError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.json import parse
from lyrikstore.canon.progress import Progress
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.readers import iter_records
from lyrikstore.curate.terms.measures import Measurement
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.history.records.order_root import split_salts
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.publish.issue import dataset as dataset_module
from lyrikstore.publish.issue import delivery as delivery_module
from lyrikstore.publish.issue.dataset import IssueResult
from lyrikstore.publish.issue.delivery import issue_delivery
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.delivery.delivery import verify_delivery
from lyrikstore.verify.delivery.folder import FolderData, read_siblings
from lyrikstore.verify.report import CheckState, Report, Verdict


def issue(chain: Any, manifest: Manifest, folder: Path, **changes: Any) -> IssueResult:
    arguments: dict[str, Any] = {
        "signer": chain.signer,
        "clock": chain.clock,
        "offer": Offer.of_words(("train", "evaluate")),
        "valid_for": timedelta(days=365),
        "issuance": Issuance(name="Acme Data Ltd"),
    }
    return issue_delivery(chain.repository, manifest, folder, **{**arguments, **changes})


def records_of(reader: str, entry: TreeEntry, stream: BinaryIO) -> Iterable[Digest]:
    return [record.id for record in iter_records(reader, entry.path, stream)]


def verify(chain: Any, folder: Path) -> Report:
    credential = folder / "credential.json"
    return verify_delivery(
        OpenedCredential(credential.read_bytes()),
        siblings=read_siblings(credential),
        data=FolderData(folder / "data"),
        record_ids=records_of,
        trust=Trust((TrustedIssuer(chain.signer.did, "me"),)),
        at=chain.clock(),
        recompute=Measurement,
    )


def size(chain: Any) -> int:
    return int(chain.repository.checkpoint.size)


@pytest.fixture(scope="module")
def delivered(full_chain: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("delivered") / "delivery"
    issue(full_chain, full_chain.made["raw"], folder)
    return folder


def test_it_verifies_without_the_store(full_chain: Any, delivered: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    shutil.copytree(delivered, folder)
    report = verify(full_chain, folder)
    assert report.verdict is Verdict.TRUSTED, report
    open_checks = {c.id for c in report.checks if c.state is CheckState.NOT_APPLICABLE}
    assert open_checks == {
        *("status", "regulatory", "quality.stated", "log.memory", "log.witness"),
        *("issuer.document", "trust.allowed", "attestations"),
    }
    assert {c.id for c in report.checks if c.state is CheckState.STATED} == {"terms", "age"}


def test_what_is_in_it(full_chain: Any, delivered: Path, world: Any) -> None:
    names = sorted(entry.name for entry in delivered.iterdir())
    assert names == [
        "LICENCE.txt",
        "README.md",
        "credential.json",
        "credential.tlog-proof",
        "data",
        "genesis.json",
        "log.consistency.json",
        "log.leaves",
        "log.tlog-proof",
        "manifest.json",
        "records.json",
        "records.salts",
        "tree.jsonl",
    ]
    found = {
        str(path.relative_to(delivered / "data")): path.read_bytes()
        for path in (delivered / "data").rglob("*")
        if path.is_file()
    }
    assert found == world.DOCUMENTS
    assert (delivered / "LICENCE.txt").read_bytes() == world.LICENCE
    subject = parse((delivered / "credential.json").read_bytes())["credentialSubject"]
    assert {item["field"]: item["state"] for item in subject["descriptor"]} == {
        "annotation": "not-applicable",
        "consents": "unknown",
        "name": "value",
    }
    assert subject["quality"][0]["metric"] == "exactDuplicateRate"
    assert subject["quality"][0]["value"] == "0.250000"
    readme = (delivered / "README.md").read_text()
    assert full_chain.signer.did in readme
    assert "lyrikstore verify credential.json --data data" in readme


def test_every_byte_beside_the_data_matters(
    full_chain: Any, delivered: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(delivered, folder)
    for path in sorted(folder.iterdir()):
        if path.is_dir() or path.name == "README.md":
            continue
        if path.name in {"log.consistency.json", "log.leaves"}:
            continue  # decides for whoever saw the log before: tests/cli/test_remembered.py
        original = path.read_bytes()
        for at in {0, len(original) // 3, len(original) // 2, len(original) - 1}:
            changed = bytearray(original)
            changed[at] ^= 0x20
            path.write_bytes(changed)
            verdict = verify(full_chain, folder).verdict
            assert verdict not in {Verdict.TRUSTED, Verdict.VALID}, (path.name, at)
        path.write_bytes(original)
    assert verify(full_chain, folder).verdict is Verdict.TRUSTED


def test_the_readme_obeys_nobody(chain: Any, tmp_path: Path) -> None:
    named = Issuance(name="<script>x</script> [a](http://b)")
    issue(chain, chain.made["raw"], tmp_path / "d", issuance=named)
    readme = (tmp_path / "d" / "README.md").read_text()
    assert "<script>" not in readme
    assert "[a](http" not in readme


def test_a_second_issue_commits_to_the_records_once(chain: Any, tmp_path: Path) -> None:
    first = issue(chain, chain.made["raw"], tmp_path / "one")
    before = size(chain)
    second = issue(chain, chain.made["raw"], tmp_path / "two")
    assert (first.records_new, second.records_new) == (True, False)
    assert second.records.id == first.records.id
    assert size(chain) == before + 2  # the credential and the transaction
    assert second.credential_id != first.credential_id
    assert "stats" in first.not_described
    assert first.descriptor == {"value": 1, "unknown": 1, "not-applicable": 1}
    assert verify(chain, tmp_path / "two").verdict is Verdict.TRUSTED


def test_salts_are_carried_forward(chain: Any, world: Any, tmp_path: Path) -> None:
    first = issue(chain, chain.made["raw"], tmp_path / "one")
    files = dict(world.DOCUMENTS)
    del files["b/twin.txt"]
    files["a/aaa.txt"] = b"a new one\n"
    newer = chain.dataset("newer", "datasets/acme/contracts", files, parents=[chain.made["raw"].id])
    second = issue(chain, newer, tmp_path / "two")
    assert (first.salts_carried, second.salts_carried) == (0, 3)
    assert second.records.parents == (first.records.id,)
    old = list(split_salts((tmp_path / "one" / "records.salts").read_bytes()))
    new = list(split_salts((tmp_path / "two" / "records.salts").read_bytes()))
    # storage order: one, two, three, twin → aaa, one, two, three
    assert new[1:] == old[:3]
    assert new[0] not in old
    assert verify(chain, tmp_path / "two").verdict is Verdict.TRUSTED
    assert verify(chain, tmp_path / "one").verdict is Verdict.TRUSTED


def test_an_older_version_can_be_issued(chain: Any, tmp_path: Path) -> None:
    chain.dataset(
        "newer", "datasets/acme/contracts", {"x.txt": b"x\n"}, parents=[chain.made["raw"].id]
    )
    issue(chain, chain.made["raw"], tmp_path / "d")
    assert verify(chain, tmp_path / "d").verdict is Verdict.TRUSTED


def test_a_filtered_dataset_states_its_counts(chain: Any, tmp_path: Path) -> None:
    result = issue(chain, chain.made["train"], tmp_path / "d")
    subject = parse(result.credential)["credentialSubject"]
    measured = {item["metric"]: item["value"] for item in subject["quality"]}
    assert measured == {"exactDuplicateRate": "0.000000", "droppedRecords:duplicate": "1"}
    assert subject["derivedFrom"][0]["id"] == chain.made["raw"].id.urn
    assert verify(chain, tmp_path / "d").verdict is Verdict.TRUSTED


def test_an_empty_folder_is_taken_and_a_full_one_refused(chain: Any, tmp_path: Path) -> None:
    before = size(chain)
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("mine")
    with pytest.raises(ConflictError) as caught:
        issue(chain, chain.made["raw"], full)
    assert caught.value.kind == "not-empty"
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(full)
    for bad in (tmp_path / "file", tmp_path / "link", tmp_path / "no" / "parent"):
        with pytest.raises(InvalidInputError):
            issue(chain, chain.made["raw"], bad)
    assert size(chain) == before
    empty = tmp_path / "empty"
    empty.mkdir()
    issue(chain, chain.made["raw"], empty)
    assert verify(chain, empty).verdict is Verdict.TRUSTED


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"offer": Offer.of_words(("fly",))}, "unknown-word"),
        ({"offer": Offer.of_words(("train",), ("train",))}, "contradiction"),
        ({"valid_for": timedelta(0)}, "bad-validity"),
        ({"valid_for": timedelta(days=-1)}, "bad-validity"),
        ({"valid_for": timedelta(days=40_000)}, "bad-validity"),
    ],
)
def test_bad_terms_are_refused_at_once(
    chain: Any, tmp_path: Path, changes: dict[str, Any], kind: str
) -> None:
    before = size(chain)
    with pytest.raises(InvalidInputError) as caught:
        issue(chain, chain.made["raw"], tmp_path / "d", **changes)
    assert caught.value.kind == kind
    assert not (tmp_path / "d").exists()
    assert size(chain) == before


def test_only_datasets_of_this_store(chain: Any, world: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        issue(chain, chain.made["checkpoint"], tmp_path / "d")
    (tmp_path / "other").mkdir()
    other = world.Chain(tmp_path / "other")
    with pytest.raises(InvalidInputError):
        issue(other, chain.made["raw"], tmp_path / "d")


def test_a_stranger_s_key_cannot_issue(chain: Any, tmp_path: Path) -> None:
    before = size(chain)
    with pytest.raises(PolicyError):
        issue(chain, chain.made["raw"], tmp_path / "d", signer=signer_for("mallory"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["home"]
    assert size(chain) == before


def test_a_failure_leaves_nothing(
    chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = size(chain)

    def full(*_: Any, **__: Any) -> None:
        raise StorageError("disk-full", "no space")

    for module, step in (
        (delivery_module, "checkout_tree"),
        (dataset_module, "commit_to_records"),
        (dataset_module, "_log"),
        (delivery_module, "write_files"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(module, step, full)
            with pytest.raises(StorageError):
                issue(chain, chain.made["raw"], tmp_path / "d")
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["home"], step
        if step != "write_files":  # by then the credential is logged
            assert size(chain) == before
    issue(chain, chain.made["raw"], tmp_path / "d")
    assert verify(chain, tmp_path / "d").verdict is Verdict.TRUSTED


def test_a_damaged_store_issues_nothing(chain: Any, tmp_path: Path) -> None:
    for pack in (chain.repository.root / "packs").rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        data[len(data) // 4] ^= 0xFF
        os.chmod(pack, 0o600)
        pack.write_bytes(data)
    chain.repository.refresh()
    with pytest.raises(Exception) as caught:  # whichever byte was hit
        issue(chain, chain.made["raw"], tmp_path / "d")
    assert caught.type.__module__ == "lyrikstore.canon.errors"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["home"]


def test_wrong_counts_are_noticed(chain: Any, tmp_path: Path) -> None:
    lying = chain.dataset("lying", "datasets/acme/l", {"a.txt": b"a\n"}, body={"records": 7})
    with pytest.raises(VerificationError) as caught:
        issue(chain, lying, tmp_path / "d")
    assert caught.value.kind == "records-differ"


def test_jsonl_and_csv_records(chain: Any, tmp_path: Path) -> None:
    rows = {"a.jsonl": b'{"a":1}\n{"a":2}\n', "b.jsonl": b'{"a":1}\n'}
    made = chain.dataset(
        "rows", "datasets/acme/rows", rows, body={"reader": "jsonl/1", "records": 3}
    )
    result = issue(chain, made, tmp_path / "d")
    subject = parse(result.credential)["credentialSubject"]
    assert subject["recordsRoot"]["count"] == "3"
    assert subject["quality"][0]["value"] == "0.333333"
    assert verify(chain, tmp_path / "d").verdict is Verdict.TRUSTED


def test_progress_tells_both_parts(chain: Any, tmp_path: Path) -> None:
    told: list[Progress] = []
    issue(chain, chain.made["raw"], tmp_path / "d", progress=told.append)
    total = chain.made["raw"].body["bytes"]
    last = [step for step in told if step.done == 4]
    assert last == [Progress(4, 4, total, phase) for phase in ("records", "data")]


def test_what_a_killed_process_left_beside_is_removed_and_of_one_alive_nothing(
    chain: Any, tmp_path: Path
) -> None:
    destination = tmp_path / "delivery"
    build = (
        "import sys, time, pathlib\n"
        "from lyrikstore.publish.issue.atomic_folder import building\n"
        "with building(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'data').mkdir()\n"
        "    print(folder.name, flush=True)\n"
        "    time.sleep(600)\n"
    )

    def start(name: str) -> tuple[subprocess.Popen[str], str]:
        child = subprocess.Popen(
            [sys.executable, "-c", build, str(tmp_path / name)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        with child.stdout as told:
            return child, told.readline().strip()

    killed, left = start("delivery")
    killed.kill()
    killed.wait()
    alive, kept = start("delivery")
    other, others = start("delivery.more")
    try:
        assert left.startswith(".")  # nobody takes it for a delivery
        assert not (tmp_path / left).exists()
        other.kill()
        other.wait()
        issue(chain, chain.made["raw"], destination)
        assert sorted(path.name for path in tmp_path.iterdir() if "delivery" in path.name) == (
            sorted([kept, others, "delivery"])
        )
    finally:
        alive.kill()
        alive.wait()
        other.kill()


def test_companions_of_rows_are_delivered_and_no_records(chain: Any, tmp_path: Path) -> None:
    files = {"README.md": b"# Rows\n\nand more\n", "rows.jsonl": b'{"text":"a"}\n{"text":"b"}\n'}
    tree = Tree.of(TreeEntry(path, len(data), Digest.of(data)) for path, data in files.items())
    with open_transaction(chain.repository) as transaction:
        for data in (*files.values(), tree.encode()):
            transaction.writer.put_bytes(data)
        manifest = sign_manifest(
            kind="dataset",
            store=chain.repository.store_id,
            name="datasets/acme/rows",
            body={
                **{name: chain.made["raw"].body[name] for name in ("descriptor", "origin")},
                "reader": "jsonl/1",
                "records": 2,
                "bytes": tree.total_bytes,
                "fileCount": 2,
                "companions": ["README.md"],
            },
            signer=chain.signer,
            created=chain.clock(),
            tree=tree.id,
            files=tree.files_id,
        )
        transaction.log_manifest(manifest)
        transaction.commit()
    made = issue(chain, manifest, tmp_path / "delivery")
    assert made.records.body["roots"][0]["count"] == 2
    report = verify(chain, tmp_path / "delivery")
    assert report.check("records.root").state is CheckState.PASS
    assert report.check("terms.partitions").state is CheckState.PASS
