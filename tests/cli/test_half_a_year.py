"""Six months of a store end in one file for the auditor, who was not there."""

import json
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.limits import MAX_AUDIT_FILE_BYTES
from lyrikstore.history.repository.repository import Repository
from tests.audit.file import reader
from tests.cli.half_a_year import CANARIES, CLEAN, MODEL, HalfAYear, lived
from tests.conftest import Person

pytestmark = pytest.mark.clock

NOT_KNOWN = {"dropped-list", "document"}
"""What no file without data can answer."""


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> HalfAYear:
    return lived(tmp_path_factory.mktemp("half"))


@pytest.fixture(scope="module")
def audit(half: HalfAYear) -> dict[str, Any]:
    return half.json(half.maker, "audit", MODEL, "-o", "audit.html")


def rows(audit: dict[str, Any], question: str) -> list[list[str]]:
    """Return the cells of an answer's rows."""
    (found,) = [one for one in audit["auditAnswers"] if one["question"] == question]
    return [row["cellTexts"] for table in found["answerTables"] for row in table["tableRows"]]


def verify(person: Person, file: Path, code: int) -> dict[str, Any]:
    done = person.run("verify", file, "--json")
    assert done.code == code, (done.out, done.err)
    return json.loads(done.out)


def states(report: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["state"] for one in report["checks"]}


def test_the_file_answers_the_auditor(half: HalfAYear, audit: dict[str, Any]) -> None:
    unknown = {one["question"] for one in audit["auditAnswers"] if not one["isAnswered"]}
    assert unknown == NOT_KNOWN
    assert {row[0].split()[0] for row in rows(audit, "sources")} == {
        "datasets/acme/clauses",
        "datasets/maker/letters",
    }
    # Both trainings had their rights; the publisher revoked one of them later.
    assert {row[-1] for row in rows(audit, "licensed")} == {"in force"}
    revoked = {row[1] for row in rows(audit, "revoked")}
    assert half.made["bought credential"].removeprefix("blake3:")[:12] in revoked
    used = [row for row in rows(audit, "deployed") if row[1] == "prediction"]
    assert len(used) == 2
    words = {row[4] for row in rows(audit, "approvals")}
    assert "read; the errors on short texts are acceptable" in words
    assert {row[2] for row in rows(audit, "rule")} == {"2"}
    assert any("Tess Train" in row[2] for row in rows(audit, "signers"))
    assert [row[2] for row in rows(audit, "dates")] == [half.auditor.did()]
    assert rows(audit, "missed")
    assert any("Nord Clinic" in row[1] for row in rows(audit, "recipients"))
    assert rows(audit, "reproduced")[0][1] == "match"


def test_it_holds_no_data(half: HalfAYear, audit: dict[str, Any]) -> None:
    page = (half.maker.folder / audit["auditFile"]).read_bytes()
    evidence = reader.evidence_in(page)
    assert CANARIES.findall(evidence) == CANARIES.findall(page) == []
    assert audit["auditFileBytes"] == len(page) < 2_000_000


def test_everybody_gets_the_same_verdict(half: HalfAYear, audit: dict[str, Any]) -> None:
    file = half.maker.folder / audit["auditFile"]
    report = verify(half.auditor, file, 4)
    assert report["verdict"] == "valid-without-data"
    assert states(report)["timestamps"] == "pass"
    assert reader.read(reader.evidence_in(file.read_bytes())) == "sound"
    half.auditor.ok("trust", "add", half.maker.did("default"), "--name", "Maker")
    assert verify(half.auditor, file, 0)["verdict"] == "trusted-without-data"
    shown = half.auditor.ok("audit", file, "--json").json
    assert shown["auditAnswers"] == audit["auditAnswers"]


def test_an_edited_file_is_invalid(half: HalfAYear, audit: dict[str, Any], tmp_path: Path) -> None:
    page = (half.maker.folder / audit["auditFile"]).read_bytes()
    for name, data in {
        "cut.html": page[:-2000],
        "large.html": page + b" " * (MAX_AUDIT_FILE_BYTES + 1 - len(page)),
    }.items():
        (tmp_path / name).write_bytes(data)
        found = half.auditor.run("verify", tmp_path / name, "--json")
        assert found.code == 3, found.err
    other = tmp_path / "other.html"
    other.write_bytes(page.replace(b"<title>", b"<title>Approved: ", 1))
    check = next(
        one for one in verify(half.auditor, other, 0)["checks"] if one["id"] == "audit.file"
    )
    assert (check["state"], check["detail"]["reason"]) == ("warn", "other-page")


def test_what_is_new_since_the_last_time(half: HalfAYear, audit: dict[str, Any]) -> None:
    kept = half.auditor.folder / "kept-in-month-3.checkpoint"
    assert kept.stat().st_size < 500
    since = half.json(half.maker, "audit", "--since", kept)
    assert since["keptSize"] == half.made["kept in month 3"] < since["logSize"]
    # The whole store has what the thief tried, without effect.
    tried = [row for row in rows(since, "failed") if row[-1] == "suspect"]
    assert len(tried) == 1
    file = half.maker.folder / audit["auditFile"]
    assert half.json(half.maker, "audit", CLEAN, "--since", file)["keptSize"] == since["logSize"]


def test_a_rewritten_history_is_named(half: HalfAYear) -> None:
    kept = half.auditor.folder / "kept-in-month-5.checkpoint"
    done = half.forger.run("audit", MODEL, "--since", kept, "-o", "audit.html", "--json")
    assert done.code == 3
    report = json.loads(done.out)["auditReport"]
    check = next(one for one in report["checks"] if one["id"] == "log.checkpoint")
    assert (check["state"], check["detail"]["reason"]) == ("fail", "fork")
    # The file is the proof: both log checkpoints are signed by the same key.
    assert verify(half.buyer, half.forger.folder / "audit.html", 3)["verdict"] == "invalid"


def test_the_log_keeps_three_columns(half: HalfAYear) -> None:
    entries = half.json(half.maker, "log", "--audit")["entries"]
    dated = [one for one in entries if one["existedBy"] is not None]
    assert 0 < len(dated) < half.made["cosigned"]
    assert all(one["existedBy"] is None for one in entries[half.made["cosigned"] :])
    text = half.maker.ok("log", "--audit").out
    assert "because: Acme revoked the clauses" in text
    assert "a laptop was stolen" in text


def test_a_clone_for_an_audit(half: HalfAYear, tmp_path: Path) -> None:
    auditor, copy = half.auditor, tmp_path / "copy"
    auditor.ok("trust", "add", half.maker.did("default"), "--name", "Maker")
    auditor.ok("clone", half.maker.folder, copy, "--for-audit")
    report = auditor.run("verify", "--json", cwd=copy).json
    # Whoever sold the clauses is nobody to the auditor.
    assert report["verdict"] == "valid-without-data"
    assert states(report)["timestamps"] == "pass"
    blobs = Repository.open(copy / ".lyrikstore").blobs
    held = [blobs.read(one, max_bytes=1 << 24) for one in blobs.iter()]
    assert held
    assert [one for data in held for one in CANARIES.findall(data)] == []
    # What an auditor has there answers as the home does.
    asked = auditor.run("audit", MODEL, "--json", cwd=copy).json
    there = half.json(half.maker, "audit", MODEL)
    assert asked["auditAnswers"] == there["auditAnswers"]
