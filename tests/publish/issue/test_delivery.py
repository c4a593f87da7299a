"""A delivery verifies, and holds what its version has."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.canon.progress import Progress
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.history.records.order_root import split_salts
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.verify.report import CheckState, Verdict
from tests.publish.issue.deliveries import issue, size, verify


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
        *("issuer.document", "trust.allowed", "attestations", "terms.sources"),
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


def test_progress_reports_both_parts(chain: Any, tmp_path: Path) -> None:
    reported: list[Progress] = []
    issue(chain, chain.made["raw"], tmp_path / "d", progress=reported.append)
    total = chain.made["raw"].body["bytes"]
    last = [step for step in reported if step.done == 4]
    assert last == [Progress(4, 4, total, phase) for phase in ("records", "data")]


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
