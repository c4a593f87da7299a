"""Every way a delivery can be wrong, each with its own reason and verdict."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.schemas import check_schema
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.verify.checks import PROCEDURES, not_proven
from lyrikstore.verify.delivery.delivery import verify_credential, verify_delivery
from lyrikstore.verify.report import Report

Delivery = Any
Publisher = Any


def states(report: Report) -> dict[str, str]:
    return {check.id: str(check.state) for check in report.checks}


def reason(report: Report, check: str) -> Any:
    return report.check(check).detail.get("reason")


def test_sound_and_trusted(delivery: Delivery) -> None:
    report = delivery.verify()
    assert report.verdict == "trusted", [c for c in report.checks if c.state != "pass"]
    assert tuple(states(report)) == PROCEDURES["delivery"].checks
    assert {check for check, state in states(report).items() if state == "n/a"} == {
        "attestations",
        "issuer.document",
        "trust.allowed",
        "status",
        "log.witness",
        "regulatory",
        "quality",
        "quality.stated",
        "log.memory",
    }
    assert {check for check, state in states(report).items() if state == "stated"} == {
        "terms",
        "age",
    }
    assert not_proven("revocation") in report.not_proven
    assert any("true" in text for text in report.not_proven)
    assert any("lawfully" in text for text in report.not_proven)
    check_schema(report.to_json(), "report")


def test_names_do_not_matter_and_strangers_do_no_harm(delivery: Delivery) -> None:
    for i, path in enumerate(sorted(delivery.folder.iterdir())):
        if path.is_file() and path != delivery.credential:
            path.rename(delivery.folder / f"renamed{i}")
    (delivery.folder / "holiday.jpg").write_bytes(os.urandom(1000))
    assert delivery.verify().verdict == "trusted"


def test_unknown_issuer_is_valid_at_best(delivery: Delivery) -> None:
    delivery.trust = Trust()
    report = delivery.verify()
    assert report.verdict == "valid"
    assert reason(report, "trust.issuer") == "unknown-issuer"
    assert reason(report, "log.anchor") == "unknown-founder"


@pytest.mark.parametrize(
    "entry",
    [
        {"names": ("datasets/other/*",)},
        {"roles": ("auditor",)},
        {"stores": (Digest.of(b"another store"),)},
        {"until": datetime(2026, 11, 1, tzinfo=UTC)},
        {"since": datetime(2026, 12, 1, tzinfo=UTC)},
    ],
)
def test_trust_is_for_something(
    delivery: Delivery, world: SimpleNamespace, entry: dict[str, Any]
) -> None:
    delivery.trust = Trust((TrustedIssuer(world.OWNER.did, "Acme", **entry),))
    report = delivery.verify()
    assert report.verdict == "valid"
    assert reason(report, "trust.issuer") == "out-of-scope"


# --- the data -----------------------------------------------------------------------------------


def test_tampered_byte(delivery: Delivery) -> None:
    path = delivery.data / "a/two.txt"
    path.write_bytes(path.read_bytes().replace(b"second", b"secund"))
    report = delivery.verify()
    assert report.verdict == "invalid"
    check = report.check("data.files")
    assert check.detail["differs"] == [{"path": "a/two.txt", "reason": "content"}]
    assert "'a/two.txt'" in check.summary
    assert states(report)["records.root"] == "unchecked"


def test_truncated_file(delivery: Delivery) -> None:
    (delivery.data / "z.txt").write_bytes(b"the last")
    check = delivery.verify().check("data.files")
    assert check.detail["differs"] == [{"path": "z.txt", "reason": "size"}]


def test_missing_file_is_incomplete(delivery: Delivery) -> None:
    (delivery.data / "z.txt").unlink()
    (delivery.data / "empty.txt").unlink()
    report = delivery.verify()
    assert report.verdict == "incomplete"
    assert report.check("data.files").detail["missing"] == ["empty.txt", "z.txt"]


def test_extra_file(delivery: Delivery) -> None:
    (delivery.data / "b/more.txt").write_bytes(b"x")
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert report.check("data.files").detail["extra"] == ["b/more.txt"]


def test_renamed_file(delivery: Delivery) -> None:
    (delivery.data / "z.txt").rename(delivery.data / "y.txt")
    report = delivery.verify()
    assert report.verdict == "invalid"
    detail = report.check("data.files").detail
    assert detail["renamed"] == [{"from": "z.txt", "to": "y.txt"}]
    assert "missing" not in detail
    assert "extra" not in detail


def test_renamed_to_litter_is_not_litter(delivery: Delivery) -> None:
    (delivery.data / "z.txt").rename(delivery.data / ".DS_Store")
    assert delivery.verify().verdict == "invalid"


def test_swapped_files(delivery: Delivery) -> None:
    one, three = delivery.data / "a/one.txt", delivery.data / "b/three.txt"
    first, second = one.read_bytes(), three.read_bytes()
    one.write_bytes(second)
    three.write_bytes(first)
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert report.check("data.files").detail["swapped"] == [["a/one.txt", "b/three.txt"]]


def test_copied_over_names_whose_content_it_is(delivery: Delivery) -> None:
    (delivery.data / "z.txt").write_bytes((delivery.data / "a/one.txt").read_bytes())
    check = delivery.verify().check("data.files")
    assert check.detail["differs"] == [{"path": "z.txt", "reason": "size", "holds": "a/one.txt"}]


def test_differing_beats_missing(delivery: Delivery) -> None:
    (delivery.data / "z.txt").unlink()
    (delivery.data / "a/one.txt").write_bytes(b"other")
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert {"differs", "missing"} <= report.check("data.files").detail.keys()


def test_desktop_litter_is_a_warning(delivery: Delivery) -> None:
    for name in (".DS_Store", "a/Thumbs.db", "b/desktop.ini", "a/._one.txt"):
        (delivery.data / name).write_bytes(b"junk")
    report = delivery.verify()
    assert report.verdict == "trusted"
    check = report.check("data.files")
    assert check.state == "warn"
    assert check.detail["litterCount"] == 4


def test_links_are_never_followed(delivery: Delivery) -> None:
    path = delivery.data / "z.txt"
    content = path.read_bytes()
    path.unlink()
    outside = delivery.folder / "outside"
    outside.write_bytes(content)
    path.symlink_to(outside)
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert report.check("data.files").detail["differs"] == [
        {"path": "z.txt", "reason": "not-a-file"}
    ]


def test_link_to_a_folder_is_an_extra(delivery: Delivery) -> None:
    (delivery.data / "loop").symlink_to(delivery.data)
    assert delivery.verify().check("data.files").detail["extra"] == ["loop"]


def test_a_folder_too_deep_to_list_leaves_the_answer_open(delivery: Delivery) -> None:
    here = os.open(delivery.data, os.O_RDONLY)
    for _ in range(20):  # together longer than any path that can be named
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    report = delivery.verify()
    assert reason(report, "data.files") == "unreadable"
    assert report.verdict == "incomplete"


def test_fifo_does_not_hang(delivery: Delivery) -> None:
    os.mkfifo(delivery.data / "pipe")
    (delivery.data / "z.txt").unlink()
    os.mkfifo(delivery.data / "z.txt")
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert report.check("data.files").detail["extra"] == ["pipe"]


def test_names_that_attack_the_terminal(delivery: Delivery) -> None:
    evil = os.fsencode(delivery.data) + b"/\x1b[2Jok\xff\n.txt"
    with open(evil, "wb") as file:
        file.write(b"x")
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert report.check("data.files").summary.isprintable()
    check_schema(json.loads(json.dumps(report.to_json())), "report")
    json.dumps(report.to_json(), ensure_ascii=False).encode()


def test_unreadable_file_is_incomplete(delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: Any, flags: int, *rest: Any, **more: Any) -> int:  # root may read everything
        if str(path).endswith("data/z.txt"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    report = delivery.verify()
    assert report.verdict == "incomplete"
    assert report.check("data.files").detail["unreadable"] == ["z.txt"]


def test_no_data_given_is_incomplete(delivery: Delivery) -> None:
    report = delivery.verify(data=None)
    assert report.verdict == "incomplete"
    assert reason(report, "data.files") == "no-data"


def test_no_record_reader_is_incomplete(delivery: Delivery) -> None:
    report = delivery.verify(record_ids=None)
    assert report.verdict == "incomplete"
    assert reason(report, "records.root") == "not-recomputed"


def test_records_of_another_reader(delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "lyrikstore.history.records.order_root._hashers",
        lambda reader: blake3(derive_key_context=f"another context {reader}"),
    )
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "records.root") == "records-differ"


# --- the files beside the credential ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("manifest.json", "manifest"),
        ("records.json", "records.root"),
        ("records.salts", "records.root"),
        ("tree.jsonl", "data.tree"),
        ("genesis.json", "log.anchor"),
        ("log.tlog-proof", "log.inclusion"),
        ("LICENCE.txt", "terms"),
    ],
)
@pytest.mark.parametrize("damage", ["gone", "flipped"])
def test_each_sibling_counts(delivery: Delivery, name: str, check: str, damage: str) -> None:
    path = delivery.folder / name
    if damage == "gone":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
    report = delivery.verify()
    if name == "log.tlog-proof" and damage == "flipped":
        assert report.verdict == "invalid"  # found by its head, not by a digest
        assert states(report)[check] == "fail"
    else:
        assert report.verdict == "incomplete"
        assert states(report)[check] == "unchecked"


def test_without_the_list_the_files_still_count(delivery: Delivery) -> None:
    (delivery.folder / "tree.jsonl").unlink()
    assert states(delivery.verify())["data.files"] == "pass"
    (delivery.data / "a" / ".DS_Store").write_bytes(b"x")
    littered = delivery.verify()
    assert (littered.verdict, reason(littered, "data.files")) == ("incomplete", "litter")
    assert littered.check("data.files").detail["litter"] == ["a/.DS_Store"]
    (delivery.data / "z.txt").write_bytes(b"other")
    assert delivery.verify().verdict == "invalid"


def test_sibling_links_and_giants_are_left_out(
    delivery: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = delivery.folder / "manifest.json"
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert reason(delivery.verify(), "manifest") == "missing-file"
    path.unlink()
    elsewhere.rename(path)
    monkeypatch.setattr("lyrikstore.verify.delivery.folder.MAX_SIBLING_BYTES", 100)
    assert reason(delivery.verify(), "manifest") == "missing-file"


# --- the credential -----------------------------------------------------------------------------


def test_edited_claim(delivery: Delivery) -> None:
    def permit(document: dict[str, Any]) -> None:
        (partition,) = document["credentialSubject"]["licence"]["partitions"]
        partition["permits"] = ["train", "redistribute"]
        del partition["prohibits"]

    delivery.edit(permit)
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "proof") == "edited"
    assert "edited" in report.check("proof").summary
    assert states(report)["data.files"] == "pass"  # still said, for what it is worth


def test_expired(delivery: Delivery) -> None:
    end = datetime(2027, 11, 1, tzinfo=UTC)
    delivery.at = end + timedelta(seconds=300)
    assert delivery.verify().verdict == "trusted"
    delivery.at = end + timedelta(seconds=301)
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "period") == "expired"
    assert "2027-11-01T00:00:00Z" in report.check("period").summary


def test_not_yet_valid(delivery: Delivery) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    delivery.at = start - timedelta(seconds=300)
    assert delivery.verify().verdict == "trusted"
    delivery.at = start - timedelta(seconds=301)
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "period") == "not-yet-valid"


def test_foreign_key(delivery: Delivery, world: SimpleNamespace) -> None:
    delivery.resign(lambda d: None, signer=world.MALLORY)
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "issuer.binding") == "foreign-key"
    assert states(report)["proof"] == "pass"
    assert states(report)["trust.issuer"] == "unchecked"


def test_self_made_key(delivery: Delivery, world: SimpleNamespace) -> None:
    def claim(document: dict[str, Any]) -> None:
        document["issuer"] = {"id": world.MALLORY.did, "name": "Acme Data Ltd"}

    delivery.resign(claim, signer=world.MALLORY)
    report = delivery.verify()
    assert report.verdict == "valid"
    assert reason(report, "trust.issuer") == "unknown-issuer"
    assert "anybody can make a key" in report.check("trust.issuer").summary


def test_status_entry_cannot_be_judged(delivery: Delivery) -> None:
    entry = {
        "id": "https://publisher.example/status/1#7",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": "https://publisher.example/status/1",
    }
    delivery.resign(lambda d: d.update(credentialStatus=entry))
    report = delivery.verify()
    assert report.verdict == "incomplete"
    assert reason(report, "status") == "no-list"
    assert not_proven("revocation") not in report.not_proven


def test_not_json_at_all(delivery: Delivery) -> None:
    for data in (b"", b"[]", b"\xef\xbb\xbf{}", b'{"a":1,"a":2}', b"{" * 100, b"\x00" * 2_000_000):
        report = verify_delivery(
            OpenedCredential(data),
            siblings={},
            data=None,
            record_ids=None,
            trust=Trust(),
            at=delivery.at,
        )
        assert report.verdict == "invalid"
        assert states(report)["format"] == "fail"
        assert tuple(states(report)) == PROCEDURES["delivery"].checks
        check_schema(report.to_json(), "report")


def test_credential_alone(credential: bytes, world: SimpleNamespace) -> None:
    report = verify_credential(
        OpenedCredential(credential), trust=world.trusting(world.OWNER.did), at=world.NOW
    )
    assert report.verdict == "trusted"
    assert any("none was looked at" in text for text in report.not_proven)
    check_schema(report.to_json(), "report")


# --- what a dishonest publisher signs -----------------------------------------------------------


COUNTS = ("Count", "Size")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", "datasets/acme/other"),
        ("recordCount", "6"),
        ("byteSize", "1"),
        ("fileCount", 6),
        ("age", {"type": "DataAge", "snapshotAt": "2026-11-23T00:00:00Z"}),
        ("files", Digest.of(b"x").urn),
        ("descriptor", []),
    ],
)
def test_credential_and_manifest_disagree(delivery: Delivery, member: str, value: Any) -> None:
    def change(document: dict[str, Any]) -> None:
        subject = document["credentialSubject"]
        subject[member] = value
        (partition,) = subject["licence"]["partitions"]
        partition.update({name: subject[name] for name in partition if name.endswith(COUNTS)})

    delivery.resign(change)
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "manifest") == "disagrees"


def test_another_position_in_the_log(delivery: Delivery) -> None:
    delivery.resign(lambda d: d["credentialSubject"]["log"].update(index=1))
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "log.inclusion") == "other-index"


def test_another_log(delivery: Delivery) -> None:
    delivery.resign(lambda d: d["credentialSubject"]["log"].update(origin="other.example"))
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "log.anchor") == "other-log"


def test_another_records_root(delivery: Delivery) -> None:
    delivery.resign(lambda d: d["credentialSubject"]["recordsRoot"].update(hashValue="0" * 64))
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "records.root") == "disagrees"


def test_no_records_root_is_not_applicable(delivery: Delivery, publisher: Publisher) -> None:
    delivery.credential.write_bytes(publisher.credential(records=None))
    report = delivery.verify()
    assert report.verdict == "trusted"
    assert states(report)["records.root"] == "n/a"


def test_checkpoint_by_another_key(
    delivery: Delivery, publisher: Publisher, world: SimpleNamespace
) -> None:
    proof = publisher.repository.proof_for(publisher.index)
    head = publisher.repository.checkpoint.head
    forged = type(proof)(proof.index, proof.hashes, head.sign(world.MALLORY))
    (delivery.folder / "log.tlog-proof").write_bytes(forged.encode())
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "log.inclusion") == "unknown-log-key"


def test_proof_of_another_entry(delivery: Delivery, publisher: Publisher) -> None:
    proof = publisher.repository.proof_for(0)
    moved = type(proof)(publisher.index, proof.hashes, proof.checkpoint)
    (delivery.folder / "log.tlog-proof").write_bytes(moved.encode())
    assert reason(delivery.verify(), "log.inclusion") == "bad-inclusion"


def test_several_proofs_one_good(delivery: Delivery, publisher: Publisher) -> None:
    (delivery.folder / "a.tlog-proof").write_bytes(publisher.repository.proof_for(0).encode())
    assert delivery.verify().verdict == "trusted"


# --- memory of logs -----------------------------------------------------------------------------


def test_log_memory(delivery: Delivery, publisher: Publisher, tmp_path: Path) -> None:
    delivery.memory = LogMemory(tmp_path / "memory")
    assert states(delivery.verify())["log.memory"] == "pass"
    report = delivery.verify()
    assert "remembered" in report.check("log.memory").summary
    key = publisher.repository.log_keys[0]
    head = publisher.repository.checkpoint.head
    assert delivery.memory.last_seen(key).head == head


def test_forked_log_is_caught(
    delivery: Delivery, publisher: Publisher, world: SimpleNamespace, tmp_path: Path
) -> None:
    delivery.memory = LogMemory(tmp_path / "memory")
    key = publisher.repository.log_keys[0]
    head = publisher.repository.checkpoint.head
    delivery.memory.remember_seen(key, type(head)(head.origin, head.size, b"\1" * 32))
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "log.memory") == "fork"


def test_a_log_that_is_not_shown_to_be_the_one_remembered_is_not_trusted(
    delivery: Delivery, publisher: Publisher, tmp_path: Path
) -> None:
    key = publisher.repository.log_keys[0]
    head = publisher.repository.checkpoint.head
    for size in (head.size - 1, head.size + 1):
        delivery.memory = LogMemory(tmp_path / f"memory{size}")
        delivery.memory.remember_seen(key, type(head)(head.origin, size, b"\1" * 32))
        report = delivery.verify()
        assert report.verdict == "incomplete"
        assert reason(report, "log.memory") == "no-consistency"
        # Nothing is remembered of it.
        assert delivery.memory.last_seen(publisher.repository.store_id) is None


def test_nothing_is_remembered_of_invalid_deliveries(
    delivery: Delivery, publisher: Publisher, tmp_path: Path
) -> None:
    delivery.memory = LogMemory(tmp_path / "memory")
    (delivery.data / "z.txt").write_bytes(b"other")
    delivery.verify()
    key = publisher.repository.log_keys[0]
    assert delivery.memory.last_seen(key) is None


def test_pinned_log_anchors(delivery: Delivery, publisher: Publisher) -> None:
    from lyrikstore.credentials.trust import TrustedLog

    key = publisher.repository.log_keys[0]
    delivery.trust = Trust((), (TrustedLog(key.name, key),))
    report = delivery.verify()
    assert states(report)["log.anchor"] == "pass"
    assert report.verdict == "valid"  # the issuer is still unknown
