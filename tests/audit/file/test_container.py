"""The file around the evidence: pages and archives, and hostile ones."""

import base64
import gzip
import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from lyrikstore.audit.file.check import verify_audit_file
from lyrikstore.audit.file.container import around, title_of, write_archive, write_page
from lyrikstore.audit.file.opened import open_evidence
from lyrikstore.canon.json import encode
from lyrikstore.canon.limits import MAX_AUDIT_EVIDENCE_BYTES, MAX_AUDIT_FILE_BYTES
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.trust import parse_trust
from tests.audit.file.conftest import EVIDENCE, VECTORS
from tests.kinds import refused

TRUST = parse_trust(VECTORS["trust"].encode())
OPENED = open_evidence(EVIDENCE)
PAGE = write_page(EVIDENCE, title_of(OPENED))
ANSWERS = encode(VECTORS["answers"])


def verdict(data: bytes, folder: Path, name: str = "audit.html") -> tuple[str, str]:
    """Return the verdict on a file, and the reason of ``audit.file``, or its state."""
    file = folder / name
    file.write_bytes(data)
    at = parse_timestamp(VECTORS["at"])
    report, _ = verify_audit_file(file, trust=TRUST, at=at, memory=None)
    check = report.check("audit.file")
    return str(report.verdict), str(check.detail.get("reason", check.state))


def packed(data: bytes) -> bytes:
    return base64.b64encode(gzip.compress(data))


def page_with(middle: bytes) -> bytes:
    before, after = around(title_of(OPENED))
    return before + middle + after


def test_a_page_is_trusted_and_below_its_limit(tmp_path: Path) -> None:
    assert verdict(PAGE, tmp_path) == ("trusted-without-data", "pass")


def test_the_same_evidence_gives_the_same_bytes() -> None:
    assert write_page(EVIDENCE, title_of(OPENED)) == PAGE
    assert write_archive(EVIDENCE, ANSWERS) == write_archive(EVIDENCE, ANSWERS)


def test_a_title_cannot_leave_its_place() -> None:
    before, _ = around("</title><script>alert(1)</script>")
    assert b"<script>alert" not in before


@pytest.mark.parametrize(
    "edit",
    [
        lambda page: page.replace(b"<title>", b"<title>Approved. ", 1),
        lambda page: page + b"<p>All is well</p>",
        lambda page: page.replace(b"<!doctype html>", b"<!DOCTYPE html>", 1),
    ],
)
def test_another_page_around_it_is_named(tmp_path: Path, edit) -> None:
    assert verdict(edit(PAGE), tmp_path) == ("trusted-without-data", "other-page")


BOMB = gzip.compress(b"\0" * (MAX_AUDIT_EVIDENCE_BYTES + 1))
HOSTILE = {
    "cut": PAGE[: len(PAGE) // 2],
    "cut in the evidence": page_with(packed(EVIDENCE)[:-40]),
    "without evidence": PAGE.replace(b'id="evidence"', b'id="other"'),
    "with two": page_with(packed(EVIDENCE)) + page_with(packed(EVIDENCE)),
    "no base64": page_with(b"*" * 100),
    "no gzip": page_with(base64.b64encode(EVIDENCE)),
    "a bomb": page_with(base64.b64encode(BOMB)),
    "bytes after it": page_with(base64.b64encode(gzip.compress(EVIDENCE) + b"x")),
    "two members of gzip": page_with(
        base64.b64encode(gzip.compress(b"") + gzip.compress(EVIDENCE))
    ),
    "no json": page_with(packed(b"{")),
    "not canonical": page_with(packed(b" " + EVIDENCE)),
    "no text": page_with(packed(b"\xff" + EVIDENCE)),
    "too large": PAGE + b" " * (MAX_AUDIT_FILE_BYTES - len(PAGE) + 1),
    "empty": b"",
    "a broken archive": write_archive(EVIDENCE, ANSWERS)[:-30],
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_file_is_refused(tmp_path: Path, name: str) -> None:
    assert verdict(HOSTILE[name], tmp_path) == ("invalid", "bad-audit")


def test_an_archive_is_trusted_with_its_answers_alone(tmp_path: Path) -> None:
    archive = write_archive(EVIDENCE, ANSWERS)
    assert verdict(archive, tmp_path, "audit.zip") == ("trusted-without-data", "pass")
    said = json.loads(ANSWERS)
    said[0]["state"] = "not-known"
    forged = write_archive(EVIDENCE, encode(said))
    assert verdict(forged, tmp_path, "audit.zip") == ("invalid", "other-answers")


@pytest.mark.parametrize(
    "names",
    [["evidence.json"], ["answers.json", "evidence.json"], ["evidence.json", "answers.json", "a"]],
)
def test_an_archive_with_other_members_is_refused(tmp_path: Path, names: list[str]) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, EVIDENCE if name.startswith("evidence") else ANSWERS)
    assert verdict(file.getvalue(), tmp_path, "audit.zip") == ("invalid", "bad-audit")


def test_too_much_for_a_page_is_refused() -> None:
    with refused("bad-audit"):
        write_page(os.urandom(MAX_AUDIT_FILE_BYTES), "t")
