"""What a dishonest publisher signs and logs, and what a verifier remembers of logs."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.consistency_file import consistency_file
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.verify.delivery.log import mark_damaged
from lyrikstore.verify.delivery.siblings import SiblingFiles
from tests.verify.delivery.reading import Delivery, Publisher, reason, states

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


def test_no_byte_of_the_consistency_file_can_be_changed_unseen(
    delivery: Delivery, publisher: Publisher
) -> None:
    """ATTACK A101: what is damaged counts as absent, and the rest of a delivery shows enough."""
    hashes = publisher.repository.records.hashes
    origin = publisher.repository.origin
    file, leaves = consistency_file(origin, hashes, [2], leaves=len(hashes))
    files = {"log.consistency.json": file.encode(), "log.leaves": leaves}
    for name, data in files.items():
        (delivery.folder / name).write_bytes(data)
    report = delivery.verify()
    (sound,) = [one for one in report.checks if one.id == "log.memory"]
    assert sound.state == "n/a"
    assert mark_damaged([sound], SiblingFiles(files), origin) == [sound]
    for name, data in files.items():
        for at in range(len(data)):
            changed = bytearray(data)
            changed[at] ^= 1
            siblings = SiblingFiles({**files, name: bytes(changed)})
            (check,) = mark_damaged([sound], siblings, origin)
            assert check.detail["reason"] == "damaged-consistency", (name, at)
    (delivery.folder / "log.leaves").write_bytes(leaves[1:] + leaves[:1])
    assert reason(delivery.verify(), "log.memory") == "damaged-consistency"


# --- memory of logs -----------------------------------------------------------------------------


def test_log_memory(delivery: Delivery, publisher: Publisher, tmp_path: Path) -> None:
    delivery.memory = LogMemory(tmp_path / "memory")
    assert states(delivery.verify())["log.memory"] == "pass"
    report = delivery.verify()
    assert "remembered" in report.check("log.memory").summary
    key = publisher.repository.log_keys[0]
    head = publisher.repository.checkpoint.head
    assert delivery.memory.last_seen(key).head == head


def test_a_memory_that_cannot_be_read_leaves_the_answer_open(
    delivery: Delivery, publisher: Publisher, tmp_path: Path
) -> None:
    delivery.memory = LogMemory(tmp_path / "memory")
    delivery.memory.remember_seen(
        publisher.repository.log_keys[0], publisher.repository.checkpoint.head
    )
    for path in (tmp_path / "memory").rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")
    report = delivery.verify()
    assert report.verdict == "incomplete"
    assert reason(report, "log.memory") == "bad-memory"


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
