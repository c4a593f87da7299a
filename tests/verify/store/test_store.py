"""Stores and lineages, sound and damaged: each damage found, and named under the right check."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, NotFoundError, StorageError
from lyrikstore.canon.json import parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.canon.progress import Progress
from lyrikstore.canon.schemas import check_schema
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.attestation import build_attestation
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.credentials.terms.model import whole
from lyrikstore.credentials.trust import PinnedDocument, Trust
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.history.commit.policy_change import change_policy, rotated
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.publish.status.withdrawals import Withdrawal, withdrawals
from lyrikstore.verify.checks import PROCEDURES
from lyrikstore.verify.report import Report
from lyrikstore.verify.report_text import rights_alone, was_taken_back
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.store import (
    verify_store,
    verify_store_at,
)
from make_credentials import metadata_in

ENVIRONMENT = {"python": "3.11.7", "platform": "linux", "packages": {}, "threads": 2}


@dataclass
class Lineage:
    """A store with a dataset, its credential, a run and what came of it."""

    root: Path
    world: SimpleNamespace
    publisher: Any
    ids: dict[str, Digest]

    @property
    def repository(self) -> Repository:
        memory = self.publisher.memory
        return Repository.open(self.root, memory=memory, log_signer=self.world.LOG)

    def store(self, **changes: Any) -> Report:
        arguments = {"trust": self.world.trusting(self.world.OWNER.did), "at": self.world.NOW}
        return verify_store_at(self.root, **{**arguments, **changes})

    def object(self, name: str, **changes: Any) -> Report:
        arguments = {"trust": self.world.trusting(self.world.OWNER.did), "at": self.world.NOW}
        return verify_object(self.repository, self.ids[name], **{**arguments, **changes})

    def sign(self, kind: str, name: str, body: dict[str, Any], **rest: Any) -> Manifest:
        return sign_manifest(
            kind=kind,
            store=self.repository.store_id,
            name=name,
            body=body,
            **{"signer": self.world.OWNER, "created": self.world.NOW, **rest},
        )

    def log(self, *manifests: Manifest, blobs: tuple[bytes, ...] = ()) -> None:
        with open_transaction(self.repository) as tx:
            for blob in blobs:
                tx.writer.put_bytes(blob)
            for manifest in manifests:
                tx.log_manifest(manifest)
            tx.commit()

    def log_credential(self, data: bytes) -> Digest:
        with open_transaction(self.repository) as tx:
            identity = tx.log_credential(data)
            tx.commit()
        return identity

    def checkpoint(self, name: str, body: dict[str, Any], **rest: Any) -> Manifest:
        data = f"weights of {name}".encode()
        tree = Tree.of([TreeEntry("model.safetensors", len(data), Digest.of(data))])
        sums = rest.pop("sums", f"{sha256(data).hexdigest()}  model.safetensors\n".encode())
        manifest = self.sign(
            "checkpoint",
            name,
            {"format": "transformers/1", **body},
            tree=tree.id,
            files=tree.files_id,
            attachments=[Attachment("sha256sums", Digest.of(sums), len(sums))],
            **rest,
        )
        self.log(manifest, blobs=(data, tree.encode(), sums))
        return manifest

    def run(self, name: str, **changes: Any) -> Manifest:
        right = {
            "dataset": str(self.publisher.manifest.id),
            "credential": str(self.ids["credential"]),
            "issuer": self.world.OWNER.did,
            "permits": ["train"],
            "validUntil": "2027-11-01T00:00:00Z",
        }
        body = {
            "purpose": "train",
            "config": {},
            "seed": 1,
            "order": {"function": "shuffle/1", "records": {"train": 5}},
            "environment": ENVIRONMENT,
            "code": {"package": "lyrikstore", "version": "0", "digest": str(Digest.of(b"code"))},
            "plannedOutputs": ["checkpoints/acme/model"],
            "rights": [right],
            **changes.pop("body", {}),
        }
        inputs = changes.pop("inputs", None) or [
            Input("train", "dataset", self.publisher.manifest.id),
            Input("base", "checkpoint", self.ids["base"]),
        ]
        manifest = self.sign("run", name, body, inputs=inputs, **changes)
        self.log(manifest)
        return manifest

    def trained(self, run: Manifest, **changes: Any) -> Manifest:
        inputs = changes.pop("inputs", None) or [
            Input("run", "run", run.id),
            Input("train", "dataset", self.publisher.manifest.id),
            Input("base", "checkpoint", self.ids["base"]),
        ]
        name = changes.pop("name", "checkpoints/acme/model")
        body = {"origin": "trained", **changes.pop("body", {})}
        return self.checkpoint(name, body, inputs=inputs, **changes)


def make_lineage(home: Path, world: SimpleNamespace) -> Lineage:
    publisher = world.make_publisher(home)
    lineage = Lineage(home / ".lyrikstore", world, publisher, {"dataset": publisher.manifest.id})
    lineage.ids["credential"] = lineage.log_credential(publisher.credential())
    base = lineage.checkpoint(
        "checkpoints/acme/base", {"origin": "imported", "rights": {"asserted": "Apache-2.0"}}
    )
    lineage.ids["base"] = base.id
    run = lineage.run("runs/acme/model")
    lineage.ids["run"] = run.id
    lineage.ids["model"] = lineage.trained(run).id
    return lineage


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, world: SimpleNamespace) -> Lineage:
    return make_lineage(tmp_path_factory.mktemp("sound"), world)


@pytest.fixture
def copied(sound: Lineage, tmp_path: Path) -> Lineage:
    """The same store, to be damaged. Read only: its log key would refuse a copy."""
    shutil.copytree(sound.root, tmp_path / ".lyrikstore")
    return Lineage(tmp_path / ".lyrikstore", sound.world, sound.publisher, sound.ids)


@pytest.fixture
def fresh(tmp_path: Path, world: SimpleNamespace) -> Lineage:
    """A store of its own, to be extended."""
    return make_lineage(tmp_path, world)


def states(report: Report) -> dict[str, str]:
    return {check.id: str(check.state) for check in report.checks}


def problems(report: Report, check: str) -> str:
    return "\n".join(map(str, report.check(check).detail.get("problems", [])))


def flip(path: Path, at: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))


# --- sound --------------------------------------------------------------------------------------


def test_sound_store(sound: Lineage, tmp_path: Path) -> None:
    seen: list[Progress] = []
    report = sound.store(memory=LogMemory(tmp_path / "memory"), progress=seen.append)
    assert report.verdict == "trusted", [c for c in report.checks if c.state != "pass"]
    assert tuple(states(report)) == PROCEDURES["store"].checks
    assert set(states(report).values()) == {"pass", "n/a"}
    assert states(report)["log.witness"] == "n/a"
    assert report.subject == str(sound.repository.store_id)
    assert [step.bytes for step in seen] == sorted(step.bytes for step in seen)
    assert seen[-1].bytes > 0
    check_schema(report.to_json(), "report")


@pytest.mark.parametrize(("share", "unmade"), [(0, {"blobs", "manifests"}), (0.3, {"blobs"})])
def test_checking_less_is_incomplete_and_finds_what_it_looks_at(
    copied: Lineage, share: float, unmade: set[str]
) -> None:
    report = copied.store(share=share)
    assert report.verdict == "incomplete"
    assert {check.id for check in report.checks if check.state == "unchecked"} == unmade
    assert report.check("blobs").detail["reason"] == ("sampled" if share else "not-read")
    check_schema(report.to_json(), "report")
    pack = copied.repository.live.packs[-1]
    (copied.root / pack.name).unlink()
    report = copied.store(share=share)
    assert report.verdict == "invalid"
    assert "is missing" in problems(report, "blobs")


def test_founder_nobody_knows(sound: Lineage) -> None:
    report = sound.store(trust=Trust())
    assert report.verdict == "valid"
    assert report.check("store.genesis").detail["reason"] == "unknown-founder"


def test_sound_object(sound: Lineage) -> None:
    report = sound.object("model")
    assert report.verdict == "trusted", [c for c in report.checks if c.state != "pass"]
    assert tuple(states(report)) == PROCEDURES["object"].checks
    assert report.check("manifests").detail["manifests"] == 4
    assert report.check("rights").detail["rights"] == 1
    assert any("Apache-2.0" in text for text in report.not_proven)
    assert any("replayed" in text for text in report.not_proven)
    check_schema(report.to_json(), "report")


@pytest.mark.parametrize(
    ("sums", "said"),
    [
        (f"{'0' * 64}  model.safetensors\n", "of 'model.safetensors'"),
        ("", "of 'model.safetensors'"),
        ("{0}  other.safetensors\n", "of 'model.safetensors'"),
        (f"{{0}}  model.safetensors\n{'0' * 64}  more.safetensors\n", "name more"),
        ("\x80{0}  model.safetensors\n", "of 'model.safetensors'"),
    ],
)
def test_a_checkpoint_has_the_sha_256_that_it_says(fresh: Lineage, sums: str, said: str) -> None:
    # ATTACK A20: whoever checks by SHA-256, as most tools do, takes other weights for the signed.
    name = "checkpoints/acme/other"
    right = sha256(f"weights of {name}".encode()).hexdigest()
    body = {"origin": "imported", "rights": {"asserted": "Apache-2.0"}}
    text = sums.format(right).encode("latin-1")
    fresh.ids["other"] = fresh.checkpoint(name, body, sums=text).id
    check = fresh.object("other").check("manifests")
    assert check.state == "fail"
    assert said in check.summary


def test_dataset_has_no_runs(sound: Lineage) -> None:
    report = sound.object("dataset")
    assert report.verdict == "trusted"
    assert states(report)["runs"] == states(report)["rights"] == "n/a"


def test_rights_by_nobody_known(sound: Lineage) -> None:
    report = sound.object("model", trust=Trust())
    assert report.verdict == "valid"
    assert states(report)["rights"] == "warn"


# --- damaged files ------------------------------------------------------------------------------


def test_flipped_pack_byte(copied: Lineage) -> None:
    packs = sorted((copied.root / "packs").rglob("*.pack"))
    for pack in packs:
        before = pack.read_bytes()
        flip(pack)
        report = copied.store()
        assert report.verdict == "invalid", pack
        pack.write_bytes(before)
    assert copied.store().verdict == "trusted"


def test_pack_that_begins_with_zeros_is_named(copied: Lineage) -> None:
    # Also where the store cannot even be opened without it.
    for pack in sorted((copied.root / "packs").rglob("*.pack")):
        before = pack.read_bytes()
        pack.chmod(0o600)
        pack.write_bytes(bytes(64) + before[64:])
        report = copied.store()
        assert report.verdict == "invalid"
        assert pack.name[:12] in problems(report, "blobs")
        pack.write_bytes(before)


def test_missing_pack(copied: Lineage) -> None:
    genesis_pack = copied.repository.live.packs[0].name
    pack = next(p for p in copied.repository.live.packs[1:] if p.name != genesis_pack)
    (copied.root / pack.name).unlink()
    report = copied.store()
    assert report.verdict == "invalid"
    assert "missing" in problems(report, "blobs")


def test_tiles_altered(copied: Lineage) -> None:
    tiles = [path for path in sorted((copied.root / "log/tile").rglob("*")) if path.is_file()]
    assert len(tiles) > 4  # also partial ones of older sizes
    for tile in tiles:
        before = tile.read_bytes()
        flip(tile)
        report = copied.store()
        assert report.verdict == "invalid", tile
        assert states(report)["log.tiles"] == "fail"
        tile.write_bytes(before)


def test_tiles_missing(copied: Lineage) -> None:
    size = copied.repository.checkpoint.size
    (copied.root / f"log/tile/0/000.p/{size}").unlink()
    report = copied.store()
    assert report.verdict == "incomplete"
    assert "missing" in problems(report, "log.tiles")


def test_partial_tiles_of_older_sizes_are_checked_whole(copied: Lineage) -> None:
    size = copied.repository.checkpoint.size
    folder = copied.root / "log/tile"
    older = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != str(size)]
    assert len(older) >= 4
    for tile in older:
        before = tile.read_bytes()
        for damage in (before[:-1], before[: len(before) // 2], b"", before + b"x"):
            tile.write_bytes(damage)
            assert states(copied.store())["log.tiles"] == "fail", tile
        tile.unlink()
        assert copied.store().verdict == "incomplete", tile
        tile.symlink_to("/etc/passwd")
        assert copied.store().verdict != "trusted", tile
        tile.unlink()
        tile.write_bytes(before)
    assert copied.store().verdict == "trusted"


def test_a_memory_that_cannot_be_written_is_a_warning(
    copied: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise StorageError("disk-full", "no space left")

    monkeypatch.setattr(LogMemory, "remember_seen", full)
    report = copied.store(memory=LogMemory(copied.root.parent / "memory"))
    assert report.verdict == "trusted"
    assert states(report)["log.memory"] == "warn"


@pytest.mark.parametrize(
    ("name", "check"),
    [("format", "store.format"), ("log/checkpoint", "log.checkpoint")],
)
def test_small_files(copied: Lineage, name: str, check: str) -> None:
    path = copied.root / name
    flip(path, 0.1)
    report = copied.store()
    assert report.verdict == "invalid"
    assert states(report)[check] == "fail"
    assert tuple(states(report)) == PROCEDURES["store"].checks
    check_schema(report.to_json(), "report")


def test_no_checkpoint(copied: Lineage) -> None:
    (copied.root / "log/checkpoint").unlink()
    report = copied.store()
    assert report.verdict == "invalid"
    assert report.check("log.checkpoint").detail["reason"] == "no-checkpoint"


def test_transaction_records(copied: Lineage) -> None:
    records = sorted((copied.root / "tx").iterdir())
    for record in records:
        before = record.read_bytes()
        flip(record, 0.05)  # in a member name
        assert copied.store().verdict == "invalid", record
        record.write_bytes(before.replace(b'"v":1', b'"v":2'))
        report = copied.store()
        assert report.verdict == "incomplete"
        assert report.check("log.transactions").detail["reason"] == "newer-format"
        record.write_bytes(before)
    records[-1].unlink()
    report = copied.store()
    assert report.verdict == "invalid"
    assert report.check("log.transactions").detail["reason"] == "transaction-missing"


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("x")])
def test_something_else_where_a_record_was(copied: Lineage, make: Callable[[Path], None]) -> None:
    record = min((copied.root / "tx").iterdir())
    record.unlink()
    make(record)
    report = copied.store()
    assert report.verdict == "invalid"
    assert tuple(states(report)) == PROCEDURES["store"].checks


def test_genesis_that_the_first_record_does_not_name(copied: Lineage) -> None:
    record = copied.root / "tx" / f"{0:020d}"
    before = record.read_bytes()
    digest = copied.repository.store_id.hex.encode()
    at = before.index(digest)
    record.chmod(0o600)
    for place in range(at, at + len(digest)):
        other = b"0" if before[place : place + 1] != b"0" else b"1"
        record.write_bytes(before[:place] + other + before[place + 1 :])
        report = copied.store()
        assert report.verdict == "incomplete"
        assert report.check("log.transactions").detail["reason"] == "no-blob"
        assert tuple(states(report)) == PROCEDURES["store"].checks


def test_writer_that_died_while_publishing(
    fresh: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LocalBackend.replace

    def die(self: LocalBackend, name: str, source: bytes | Path) -> None:
        if name == "log/checkpoint":
            raise KeyboardInterrupt
        real(self, name, source)

    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            fresh.log_credential(fresh.publisher.credential(terms=whole(["evaluate"])))
    report = fresh.store(memory=fresh.publisher.memory)
    assert report.verdict == "trusted", [c for c in report.checks if c.state != "pass"]
    assert states(report)["log.transactions"] == "warn"
    assert {check for check, state in states(report).items() if state != "pass"} == {
        "log.transactions",
        "log.witness",
    }
    # The files of the next size are checked all the same.
    size = fresh.repository.checkpoint.size + 2
    for tile in (f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
        before = (fresh.root / "log" / tile).read_bytes()
        flip(fresh.root / "log" / tile)
        assert "differs" in problems(fresh.store(), "log.tiles")
        (fresh.root / "log" / tile).write_bytes(before)


def test_what_is_published_while_the_store_is_verified_is_no_damage(fresh: Lineage) -> None:
    class Busy(LogMemory):
        """Somebody commits just after the records were read, before the tiles are."""

        committed = False

        def check_seen(self, *arguments: Any) -> Any:
            if not self.committed:
                self.committed = True
                fresh.run("runs/acme/meanwhile")
            return super().check_seen(*arguments)

    size = fresh.repository.checkpoint.size
    report = fresh.store(memory=Busy(fresh.root.parent / "reader"))
    assert fresh.repository.checkpoint.size > size
    assert report.verdict == "trusted", [c for c in report.checks if c.state == "fail"]
    assert states(report)["log.tiles"] == "pass"


@pytest.mark.parametrize("data", [b"", b"{}", b'{"v":2}'])
def test_planted_record_is_a_warning(copied: Lineage, data: bytes) -> None:
    count = len(copied.repository.records.transactions)
    (copied.root / "tx" / f"{count:020d}").write_bytes(data)
    report = copied.store()
    assert report.verdict == "trusted"
    assert states(report)["log.transactions"] == "warn"


def test_no_store_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no store"):
        verify_store_at(tmp_path, trust=Trust(), at=None)  # type: ignore[arg-type]


def test_newer_store_is_no_verdict(copied: Lineage) -> None:
    (copied.root / "format").chmod(0o600)
    (copied.root / "format").write_bytes(b"lyrikstore 2\n")
    with pytest.raises(FormatError) as caught:
        copied.store()
    assert caught.value.kind == "newer-format"


def test_stray_pack_is_a_warning(copied: Lineage) -> None:
    stray = copied.root / "packs/00" / ("0" * 64 + ".pack")
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    report = copied.store()
    assert report.verdict == "trusted"
    assert states(report)["orphans"] == "warn"


def test_rollback_is_seen(fresh: Lineage, tmp_path: Path) -> None:
    memory = LogMemory(tmp_path / "auditor")
    older = tmp_path / "older"
    shutil.copytree(fresh.root, older)
    fresh.log_credential(fresh.publisher.credential(terms=whole(["evaluate"])))
    assert fresh.store(memory=memory).verdict == "trusted"
    trust = fresh.world.trusting(fresh.world.OWNER.did)
    report = verify_store_at(older, trust=trust, at=fresh.world.NOW, memory=memory)
    assert report.verdict == "invalid"
    assert report.check("log.memory").detail["reason"] == "rollback"


# --- statements that should not have been made ---------------------------------------------------


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
    assert report.verdict == "trusted"
    assert "expired" in problems(report, "credentials")


def _other_train(lineage: Lineage) -> dict[str, Any]:
    records = lineage.publisher.manifest
    other = lineage.sign(
        "dataset",
        "datasets/acme/other",
        {**records.body},
        tree=records.tree,
        files=records.files,
        attachments=records.attachments,
    )
    lineage.log(other)
    run = lineage.repository.manifest(lineage.ids["run"])
    parent = lineage.repository.resolve("checkpoints/acme/model").id
    return {
        "run": run,
        "inputs": [
            Input("run", "run", run.id),
            Input("train", "dataset", other.id),
            Input("base", "checkpoint", lineage.ids["base"]),
        ],
        "parents": [parent],
    }


def test_checkpoint_claims_other_data_than_its_run(fresh: Lineage) -> None:
    arguments = _other_train(fresh)  # attack case A40
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
    told = {"step": 1, "task": "text-classification", "labels": ["a", "b"]}
    source = fresh.trained(run, parents=[parent], body=told)
    kept = [one for one in source.inputs if one.role not in {"run", left_out} or not left_out]
    made = fresh.checkpoint(
        "checkpoints/acme/derived",
        {"origin": "derived", "operation": {"use": use}, **told, **change},
        inputs=[Input("source", "checkpoint", source.id), *kept],
    )
    fresh.ids["derived"] = made.id
    assert states(fresh.object("derived"))["runs"] == state


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
    told = {"name": "somebody's model", "outputTerms": {"permitsTraining": terms}}
    files = {"tree": records.tree, "files": records.files, "attachments": records.attachments}
    body = {**records.body, "origin": "generated", "generators": [told]}
    written = fresh.sign("dataset", "datasets/acme/written", body, **files)
    fresh.log(written)
    inputs = [Input("train", "dataset", records.id), Input(role, "dataset", written.id)]
    run = fresh.run("runs/acme/model", inputs=inputs, parents=[fresh.ids["run"]])
    inputs = [Input("run", "run", run.id), *inputs]
    parents = [fresh.ids["model"]]
    fresh.ids["model"] = fresh.trained(run, inputs=inputs, parents=parents).id
    assert ("output terms" in problems(fresh.object("model"), "runs")) is (terms == "no")


@pytest.mark.parametrize("watched", [True, False])
def test_what_a_run_was_to_observe(fresh: Lineage, watched: bool) -> None:
    seen = "reads-and-writes" if watched else "nothing"
    execution = {"by": "command", "command": ["true", ""], "observed": seen}
    run = fresh.run("runs/acme/model", body={"execution": execution}, parents=[fresh.ids["run"]])
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
    told = {"task": "sft", "text": {"maxTokens": 9}, "prompt": prompt(model)}
    parents = [fresh.ids["model"]]
    fresh.ids["model"] = fresh.trained(announced, body=told, parents=parents).id
    said = problems(fresh.object("model"), "runs")
    assert ("choices are not those of its run" in said) is not holds
    assert bool(said) is not holds


def _evaluation(
    lineage: Lineage, test: Digest, rights: list[dict[str, Any]] | None = None, **changes: Any
) -> str:
    def share(value: str) -> dict[str, str]:
        return {"value": value, "low": "0.1", "high": "0.9"}

    few = {"accuracy": share("0.5"), "macroF1": share("0.3")}
    measured = {
        **few,
        "perClass": {"x": {"precision": "1", "recall": "1", "f1": "1", "support": 4}},
        "latencyMs": {"p50": "4.2", "p95": "9.9", "n": 4},
        "wallSeconds": "1.5",
        "cpuSeconds": "2.5",
        "peakMemoryBytes": 1,
    }
    model = lineage.repository.manifest(lineage.ids["model"])
    manifest = lineage.sign(
        "evaluation",
        "evaluations/acme/model",
        {
            "split": "test",
            "count": 4,
            "task": "text-classification",
            "model": measured,
            "baseline": {"method": "tf-idf", "params": {}, **measured},
            "majority": few,
            "confidence": {"method": "bootstrap", "level": "0.95", "resamples": 9, "seed": 1},
            "environment": ENVIRONMENT,
            "overlap": {"exact": 0, "checked": "record ids"},
            "worst": [],
            **({} if rights is None else {"rights": rights}),
        },
        inputs=[
            Input("checkpoint", "checkpoint", model.id),
            Input("test", "dataset", test),
            *(Input("train", "dataset", item.id) for item in model.inputs_in("train")),
        ],
        **changes,
    )
    lineage.log(manifest)
    lineage.ids["evaluation"] = manifest.id
    return problems(lineage.object("evaluation"), "runs")


def test_an_evaluation_on_what_was_learnt(fresh: Lineage) -> None:
    assert "trained on" in _evaluation(fresh, fresh.publisher.manifest.id)
    # The same files once more, under another name.
    again = next(item.id for item in _other_train(fresh)["inputs"] if item.role == "train")
    parents = [fresh.ids["evaluation"]]
    assert "trained on" in _evaluation(fresh, again, parents=parents)


@pytest.mark.parametrize("named", [True, False])
def test_an_evaluation_on_another_test_set_than_the_run_named(fresh: Lineage, named: bool) -> None:
    test, right = _test_right(fresh)
    old = fresh.repository.manifest(fresh.ids["run"])
    planned = Input("test", "dataset", test if named else fresh.publisher.manifest.id)
    run = fresh.sign("run", old.name, old.body, inputs=[*old.inputs, planned], parents=[old.id])
    fresh.log(run)
    parent = fresh.repository.resolve("checkpoints/acme/model").id
    inputs = [one for one in fresh.repository.manifest(parent).inputs if one.role != "run"]
    inputs = [Input("run", "run", run.id), *inputs]
    fresh.ids["model"] = fresh.trained(run, inputs=inputs, parents=[parent]).id
    assert ("named another test set" in _evaluation(fresh, test, [right])) == (not named)


def test_a_baseline_that_learnt_from_other_data(fresh: Lineage) -> None:
    test, right = _test_right(fresh)
    assert "other data" not in _evaluation(fresh, test, [right])
    honest = fresh.repository.manifest(fresh.ids["evaluation"])
    inputs = [replace(one, id=test) if one.role == "train" else one for one in honest.inputs]
    made = fresh.sign("evaluation", honest.name, honest.body, inputs=inputs, parents=[honest.id])
    fresh.log(made)
    fresh.ids["evaluation"] = made.id
    assert "other data than the model" in problems(fresh.object("evaluation"), "runs")


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
    assert "not logged before it" in problems(fresh.object("late"), "runs")


def _evaluable(lineage: Lineage) -> dict[str, Any]:
    data = lineage.publisher.credential(
        terms=whole(["evaluate"], ["train"]),
        id="urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1c",
    )
    return _right(lineage, credential=str(lineage.log_credential(data)))


RIGHTS: dict[str, tuple[Callable[[Lineage], dict[str, Any]], str]] = {
    "none recorded": (lambda lineage: {"rights": []}, "recorded no right"),
    "purpose not permitted": (lambda lineage: {"purpose": "redistribute"}, "does not permit"),
    # ATTACK: the terms let one evaluate, and nobody train.
    "trained, to evaluate": (
        lambda lineage: {**_evaluable(lineage), "purpose": "evaluate"},
        "prohibited: train",
    ),
    "credential not logged": (
        lambda lineage: _right(lineage, credential=str(Digest.of(b"nothing"))),
        "is not here",
    ),
    "a manifest instead": (
        lambda lineage: _right(lineage, credential=str(lineage.ids["base"])),
        "is not here",
    ),
    "another issuer": (
        lambda lineage: _right(lineage, issuer=lineage.world.MALLORY.did),
        "another issuer",
    ),
}


def _right(lineage: Lineage, **changes: str) -> dict[str, Any]:
    run = lineage.repository.manifest(lineage.ids["run"])
    return {"rights": [{**run.body["rights"][0], **changes}]}


@pytest.mark.parametrize("case", RIGHTS)
def test_rights_that_do_not_hold(fresh: Lineage, case: str) -> None:
    change, expected = RIGHTS[case]
    run = fresh.run("runs/acme/other", body=change(fresh))
    fresh.ids["other"] = run.id
    report = fresh.object("other")
    assert report.verdict == "invalid"
    assert expected in problems(report, "rights")


def test_rights_after_the_end(fresh: Lineage) -> None:
    late = fresh.world.NOW + timedelta(days=700)
    fresh.ids["late"] = fresh.run("runs/acme/late", created=late).id
    assert "not in force" in problems(fresh.object("late"), "rights")


def test_rights_from_a_credential_logged_later(fresh: Lineage) -> None:
    data = fresh.publisher.credential(terms=whole(["train"]))
    run = fresh.run("runs/acme/eager", body=_right(fresh, credential=str(Digest.of(data))))
    fresh.log_credential(data)
    fresh.ids["eager"] = run.id
    assert fresh.object("eager").check("rights").detail["reason"] == "not-logged"


def _test_right(lineage: Lineage, **changes: Any) -> tuple[Digest, dict[str, Any]]:
    """Return a test set of other files, with a credential that lets it be evaluated on."""
    publisher = lineage.publisher
    tree = Tree.of([TreeEntry("t.txt", 1, Digest.of(b"t"))])
    body = {**publisher.manifest.body, "records": 1, "fileCount": 1, "bytes": 1}
    test = lineage.sign("dataset", "datasets/acme/test", body, tree=tree.id, files=tree.files_id,
                        attachments=publisher.manifest.attachments)  # fmt: skip
    lineage.log(test, blobs=(b"t", tree.encode()))
    credential = lineage.log_credential(_about_test(lineage, test, "evaluate"))
    right = {
        "dataset": str(test.id),
        "credential": str(credential),
        "issuer": lineage.world.OWNER.did,
        "permits": ["evaluate"],
        **changes,
    }
    return test.id, right


def _about_test(lineage: Lineage, test: Manifest, *permits: str) -> bytes:
    repository = lineage.repository
    changes = {"manifest": test, "tree": repository.tree(test), "records": None}
    index, terms = repository.index_of(test.id), whole(permits)
    data: bytes = lineage.publisher.credential(**changes, log_index=index, terms=terms)
    return data


def test_an_evaluation_rests_on_the_rights_it_recorded(fresh: Lineage) -> None:
    test, right = _test_right(fresh)
    _evaluation(fresh, test, [right])
    report = fresh.object("evaluation")
    assert states(report)["rights"] == "pass", report.check("rights")
    assert report.check("rights").detail["rights"] == 2  # of the run, and its own
    assert "'evaluate', 'train'" in report.check("rights").summary
    stranger = fresh.object("evaluation", trust=Trust())
    assert states(stranger)["rights"] == "warn"


@pytest.mark.parametrize(
    ("rights", "state", "expected"),
    [
        (lambda right: None, "unchecked", "records no rights"),
        (lambda right: [], "fail", "the evaluation recorded no right"),
        (lambda right: [{**right, "issuer": "did:key:z6MkOther"}], "fail", "another issuer"),
        (lambda right: [{**right, "credential": str(Digest.of(b""))}], "fail", "is not here"),
        (lambda right: [{**right, "dataset": str(Digest.of(b""))}], "fail", "recorded no right"),
    ],
)
def test_an_evaluation_without_a_right_is_not_permitted(
    fresh: Lineage, rights: Callable[[Any], Any], state: str, expected: str
) -> None:
    test, right = _test_right(fresh)
    _evaluation(fresh, test, rights(right))
    report = fresh.object("evaluation")
    assert states(report)["rights"] == state
    assert expected in problems(report, "rights")
    assert report.verdict == ("incomplete" if state == "unchecked" else "invalid")


def test_what_permits_training_permits_no_evaluation(fresh: Lineage) -> None:
    test, right = _test_right(fresh)
    manifest = fresh.repository.manifest(test)
    data = _about_test(fresh, manifest, "train")
    other = {**right, "credential": str(fresh.log_credential(data))}
    _evaluation(fresh, test, [other])
    assert "does not permit it" in problems(fresh.object("evaluation"), "rights")
    # Logged after the evaluation that names it.
    late = _about_test(fresh, manifest, "evaluate", "test")
    named = {**right, "credential": str(Digest.of(late))}
    _evaluation(fresh, test, [named], parents=[fresh.ids["evaluation"]])
    fresh.log_credential(late)
    assert "logged after" in problems(fresh.object("evaluation"), "rights")
    after, parents = fresh.world.NOW + timedelta(days=700), [fresh.ids["evaluation"]]
    _evaluation(fresh, test, [right], created=after, parents=parents)
    assert "not in force" in problems(fresh.object("evaluation"), "rights")


def test_verify_store_on_an_open_one(sound: Lineage) -> None:
    report = verify_store(
        sound.repository, trust=sound.world.trusting(sound.world.OWNER.did), at=sound.world.NOW
    )
    assert report.verdict == "trusted"


# --- rights by grant ----------------------------------------------------------------------------


def granted(lineage: Lineage, holder: str, **changes: Any) -> dict[str, Any]:
    """Log terms under which training may be granted, and a grant; return the right it gives."""
    from lyrikstore.credentials.issue import issue, reference_to
    from lyrikstore.credentials.model.credential import Claims
    from lyrikstore.credentials.model.grant import build_grant
    from lyrikstore.credentials.terms.model import whole

    world = lineage.world
    terms = lineage.publisher.credential(terms=whole(["evaluate"], grantable=["train"]))
    arguments: dict[str, Any] = {
        "about": Claims.of(json.loads(terms)["credentialSubject"]),
        "terms": reference_to(terms),
        "holder": holder,
        "permits": ["train"],
        "issuer": world.OWNER.did,
        "valid_from": world.NOW - timedelta(days=1),
        "valid_until": world.NOW + timedelta(days=30),
        **changes,
    }
    grant = issue(build_grant(metadata_in(arguments), **arguments), world.OWNER, world.NOW)
    return {
        "dataset": str(lineage.publisher.manifest.id),
        "credential": str(lineage.log_credential(terms)),
        "grant": str(lineage.log_credential(grant)),
        "issuer": world.OWNER.did,
        "permits": ["evaluate", "train"],
    }


@pytest.mark.parametrize(
    ("holder", "changes", "problem"),
    [
        ("owner", {}, ""),
        ("mallory", {}, "granted to"),
        ("owner", {"valid_until": datetime(2026, 11, 24, 1, tzinfo=UTC)}, "expired"),
        ("owner", {"permits": ["evaluate"]}, "does not permit"),
    ],
)
def test_a_run_may_rest_on_a_grant(
    fresh: Lineage, holder: str, changes: dict[str, Any], problem: str
) -> None:
    world = fresh.world
    did = world.OWNER.did if holder == "owner" else world.MALLORY.did
    right = granted(fresh, did, **changes)
    run = fresh.run("runs/acme/granted", body={"rights": [right]})
    fresh.ids["granted"] = run.id
    report = fresh.object("granted")
    assert problem in problems(report, "rights")
    assert states(report)["rights"] == ("fail" if problem else "pass")
    if not problem:
        assert fresh.store().verdict == "trusted"


def test_a_run_may_rest_on_a_grant_to_an_organisation(fresh: Lineage) -> None:
    world, web = fresh.world, "did:web:buyer.example"
    right = granted(fresh, web)
    fresh.ids["granted"] = fresh.run("runs/acme/granted", body={"rights": [right]}).id
    report = fresh.object("granted")
    assert "you pinned no document" in problems(report, "rights")
    assert (states(report)["rights"], report.verdict) == ("unchecked", "incomplete")
    for signer, state in ((world.OWNER, "pass"), (world.MALLORY, "fail")):
        key = encode_multikey(signer.public)
        document = json.dumps(build_document(web, {key: key})).encode()
        trust = replace(world.trusting(world.OWNER.did), documents=(PinnedDocument(web, document),))
        assert states(fresh.object("granted", trust=trust))["rights"] == state


# --- models whose rights were taken back ---------------------------------------------------------

LIST = "https://data.example/status/revocation.json"


def _list(lineage: Lineage, made: datetime, *, value: bool, signer: Any = None) -> Digest:
    bits = bytearray(STATUS_LIST_ENTRIES // 8)
    bits[0] = 0b10000000 if value else 0
    by = signer or lineage.world.OWNER
    data = sign_list(LIST, "revocation", bytes(bits), by, made, timedelta(days=90))
    return lineage.log_credential(data)


def _model_by_revocable_right(lineage: Lineage) -> Manifest:
    _list(lineage, lineage.world.NOW, value=False)
    status = [StatusEntry("revocation", 0, LIST)]
    name = "urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1d"
    credential = lineage.publisher.credential(status=status, id=name)
    right = _right(lineage, credential=str(lineage.log_credential(credential)))
    outputs = {"plannedOutputs": ["checkpoints/acme/other"]}
    run = lineage.run("runs/acme/other", body={**right, **outputs})
    return lineage.trained(run, name="checkpoints/acme/other")


def test_a_store_says_which_model_rests_on_a_right_that_was_taken_back(fresh: Lineage) -> None:
    model = _model_by_revocable_right(fresh)
    run = fresh.repository.manifest(model.inputs_in("run")[0].id)
    (right,) = run.body["rights"]
    assert fresh.store().verdict == "trusted"
    later = fresh.world.NOW + timedelta(hours=1)
    _list(fresh, later, value=True, signer=fresh.world.MALLORY)
    assert fresh.store(at=later).verdict == "trusted"
    assert withdrawals(fresh.repository, [right]) == {}
    taken = _list(fresh, later, value=True)
    report = fresh.store(at=later)
    check = report.check("rights")
    assert (report.verdict, check.state) == ("valid", "warn"), check
    assert check.detail["reason"] == "taken-back-later"
    assert check.detail["models"] == [str(model.id)]
    assert model.name in problems(report, "rights")
    assert was_taken_back(rights_alone(report))
    check_schema(report.to_json(), "report")
    index = fresh.repository.index_of(taken, "credential")
    identity = Digest.parse(right["credential"])
    assert withdrawals(fresh.repository, [right]) == {identity: Withdrawal("revoked", taken, index)}
    assert withdrawals(fresh.repository, [right], set()) == {}
    _list(fresh, later + timedelta(hours=1), value=False)  # a suspension would end so
    assert withdrawals(fresh.repository, [right]) == {}


def test_a_store_with_a_model_by_no_right_is_invalid(fresh: Lineage) -> None:
    body = {"rights": [], "plannedOutputs": ["checkpoints/acme/other"]}
    run = fresh.run("runs/acme/other", body=body)
    assert fresh.store().verdict == "trusted"  # nothing came of it
    model = fresh.trained(run, name="checkpoints/acme/other")
    report = fresh.store()
    assert (report.verdict, report.check("rights").detail["reason"]) == ("invalid", "none-recorded")
    assert report.check("rights").detail["models"] == [str(model.id)]


def test_an_evaluation_by_no_right_names_its_model(fresh: Lineage) -> None:
    test, _ = _test_right(fresh)
    _evaluation(fresh, test, [])
    report = fresh.store()
    assert (report.verdict, report.check("rights").detail["reason"]) == ("invalid", "none-recorded")
    assert report.check("rights").detail["models"] == [str(fresh.ids["model"])]
