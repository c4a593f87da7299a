"""A sound delivery is trusted; each way in which its data can be wrong has a reason and verdict."""

import json
import os
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.schemas import check_schema
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.verify.checks import PROCEDURES, not_proven
from tests.verify.delivery.reading import Delivery, reason, states


def test_sound_and_trusted(delivery: Delivery) -> None:
    report = delivery.verify()
    assert report.verdict == "trusted", [c for c in report.checks if c.state != "pass"]
    assert tuple(states(report)) == PROCEDURES["delivery"].checks
    assert {check for check, state in states(report).items() if state == "n/a"} == {
        "attestations",
        "terms.sources",
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
    subject = json.loads(delivery.credential.read_bytes())["credentialSubject"]
    listed = {name: f"urn:{value}" for name, value in report.check("data.tree").detail.items()}
    assert listed == {"tree": subject["id"], "files": subject["files"]}


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


def test_measured_claims_that_nobody_measured_again_are_said_to_be_so(delivery: Delivery) -> None:
    assert not_proven("measurement") not in delivery.verify().not_proven
    claim = {
        "type": "QualityMeasurement",
        "metric": "recordCount",
        "value": "5",
        "basis": "measured",
        "recipe": {"type": "MeasurementRecipe", "use": "recordCount/1"},
    }
    delivery.resign(lambda document: document["credentialSubject"].update(quality=[claim]))
    report = delivery.verify()
    assert report.verdict == "valid"
    assert reason(report, "quality") == "not-recomputed"
    assert not_proven("measurement") in report.not_proven


def test_records_of_another_reader(delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "lyrikstore.history.records.order_root._hashers",
        lambda reader: blake3(derive_key_context=f"another context {reader}"),
    )
    report = delivery.verify()
    assert report.verdict == "invalid"
    assert reason(report, "records.root") == "records-differ"
