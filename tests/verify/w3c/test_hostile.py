"""What attackers hand over gets its verdict from its own check, in little time and memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.limits import MAX_PRESENTED
from lyrikstore.canon.schemas import check_schema
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.verify.credential.status import Notices
from lyrikstore.verify.delivery.delivery import verify_credential
from lyrikstore.verify.report import Report
from lyrikstore.verify.w3c.presentation import verify_presentation
from lyrikstore.verify.w3c.resources import Resources
from lyrikstore.verify.w3c.verify import Surroundings, verify_w3c

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "spec" / "vectors" / "verdicts"
CASES = [
    {"lists": [], "resources": {}, **file["base"], **case}
    for name in ("lyrik", "w3c")
    for file in (json.loads((VECTORS / f"hostile-{name}.json").read_text("ascii")),)
    for case in file["cases"]
]
GRANTS = json.loads((VECTORS / "grants.json").read_text("ascii"))["base"]


def many_grants() -> dict[str, Any]:
    """Return a presentation of as many grants as are looked at, beside many terms of others.

    Each has another spelling than the canonical one, which is slow to read.
    """
    presentation = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": [json.loads(GRANTS["target"])] * MAX_PRESENTED,
    }
    terms = GRANTS["files"]["credential.json"].replace("byteSize", "size")
    return {
        "profile": "w3c",
        "id": "many-grants-many-terms",
        "kind": "presentation",
        "lists": [],
        "at": GRANTS["at"],
        "trust": GRANTS["trust"],
        "document": json.dumps(presentation),
        "resources": {f"{number}.json": [terms, ["\n", number]] for number in range(1000)},
        "verdict": "invalid",
        "checks": {"proof": "no-proof", "presented": "invalid"},
    }


CASES.append(many_grants())
MAX_KIB = 200 << 10
MAX_SECONDS = 1.0


def name(case: dict[str, Any]) -> str:
    return f"{case['profile']}-{case['id']}"


def content(pieces: Any) -> bytes:
    if isinstance(pieces, dict):
        return bytes.fromhex(pieces["hex"])
    if isinstance(pieces, str):
        return pieces.encode()
    return b"".join(
        piece.encode() if isinstance(piece, str) else piece[0].encode() * piece[1]
        for piece in pieces
    )


def judge(case: dict[str, Any]) -> Report:
    document, trust = content(case["document"]), parse_trust(case["trust"].encode())
    at = parse_timestamp(case["at"])
    notices = Notices.among(map(OpenedCredential, (content(pieces) for pieces in case["lists"])))
    if case["profile"] == "lyrik":
        return verify_credential(OpenedCredential(document), trust=trust, at=at, notices=notices)
    surroundings = Surroundings(
        trust=trust,
        at=at,
        notices=notices,
        resources=Resources({n: content(p) for n, p in case["resources"].items()}),
    )
    if case["kind"] == "credential":
        return verify_w3c(document, surroundings)
    asked = {name: case.get(name) for name in ("challenge", "domain")}
    return verify_presentation(document, surroundings, **asked)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_verdict(case: dict[str, Any]) -> None:
    report = judge(case)
    made = {check.id: check.detail.get("reason", str(check.state)) for check in report.checks}
    assert {check: made[check] for check in case["checks"]} == case["checks"]
    assert report.verdict == case["verdict"], made
    for check, detail in case.get("detail", {}).items():
        assert report.check(check).detail.items() >= detail.items()
    answer = report.to_json()
    check_schema(answer, "report")
    for check in answer["checks"]:
        assert check["summary"].isprintable(), check


def test_ids_are_unique() -> None:
    ids = [(case["profile"], case["id"]) for case in CASES]
    assert len(set(ids)) == len(ids)


def spend(case: dict[str, Any]) -> tuple[float, int]:
    """Return the processor seconds and the peak KiB of a process that judges ``case``."""
    child = os.fork()
    if child == 0:
        judge(case)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss


@pytest.fixture(scope="module")
def costs() -> dict[str, tuple[float, int]]:
    """What each case costs, measured in a small process: a fork's peak begins at its parent's."""
    script = (
        "import json, sys; from tests.verify.w3c.test_hostile import CASES, spend; "
        "import jsonschema_rs; print(json.dumps([spend(case) for case in CASES]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, timeout=300
    )
    return dict(zip(map(name, CASES), json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("case", CASES, ids=name)
def test_costs_little(case: dict[str, Any], costs: dict[str, tuple[float, int]]) -> None:
    seconds, peak = costs[name(case)]
    assert seconds <= MAX_SECONDS
    assert peak <= MAX_KIB
