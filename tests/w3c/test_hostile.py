"""What attackers hand over gets its verdict from its own check, for little work and memory."""

import json
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
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.delivery.delivery import verify_credential
from lyrikstore.verify.report import Report
from lyrikstore.w3c.profile.presentation import verify_presentation
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.profile.verify import Surroundings, verify_w3c

ROOT = Path(__file__).resolve().parents[2]
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
MAX_CALLS = 3_000_000  # a dear one takes two million, of a document of 1 MiB


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
    status_updates = StatusUpdates.among(
        map(OpenedCredential, (content(pieces) for pieces in case["lists"]))
    )
    if case["profile"] == "lyrik":
        return verify_credential(
            OpenedCredential(document), trust=trust, at=at, status_updates=status_updates
        )
    surroundings = Surroundings(
        trust=trust,
        at=at,
        status_updates=status_updates,
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


MEASURE = """
import json, sys
import jsonschema_rs  # is loaded for the schemas of the first case otherwise, and counted there
from tests.w3c.test_hostile import CASES, judge

def count(frame, event, what):
    calls[-1] += event in ("call", "c_call")

calls, peaks = [], []
for case in CASES:
    calls.append(0)
    sys.setprofile(count)
    judge(case)
    sys.setprofile(None)
    with open("/proc/self/status") as file:
        peaks += (int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
print(json.dumps([calls, peaks]))
"""


def test_each_costs_little() -> None:
    """In calls of functions, and in memory of a process of its own: the peak until each is judged.

    Not what the kernel says of a child that has ended, which begins at the peak of its parent.
    """
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=ROOT, capture_output=True, check=True, timeout=300
    )
    calls, peaks = json.loads(done.stdout)
    cost = {
        name(case): (count, peak) for case, count, peak in zip(CASES, calls, peaks, strict=True)
    }
    assert all(count > 100 for count in calls)
    assert {one: count for one, (count, _) in cost.items() if count > MAX_CALLS} == {}
    assert next((one for one, (_, peak) in cost.items() if peak > MAX_KIB), None) is None
