"""Each way in which a credential, and files beside it, can be wrong has a reason and verdict."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.schemas import check_schema
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.checks import PROCEDURES, not_proven
from lyrikstore.verify.delivery.delivery import verify_credential, verify_delivery
from tests.verify.delivery.reading import Delivery, reason, states

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
