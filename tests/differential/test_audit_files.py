"""Command line and page give one report and the same answers to changed evidence."""

import base64
import json
import random
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import make_audit
from end_to_end import AT, LOG, TRUST, trusted
from lyrikstore.audit.file.answers import answers_of
from lyrikstore.audit.file.check import verify_evidence
from lyrikstore.audit.file.container import AuditPage, around, title_of
from lyrikstore.audit.file.evidence import AuditEvidence
from lyrikstore.audit.file.opened import OpenedEvidence
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import as_json, encode
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint
from tests import npm
from tests.audit.file.conftest import EVIDENCE
from tests.differential.judges import PAGE

pytestmark = [pytest.mark.page]
WORDS = ("blake3:", '"name"', "approve", "z6Mk", "2026", "1", "revoke", '"kind"')


def changed(dice: random.Random) -> bytes:
    """Return evidence of another log, which the true log key signs: nothing else stops a reader."""
    document = deepcopy(json.loads(EVIDENCE))
    leaves, objects = document["leaves"], document["objects"]
    for _ in range(dice.randint(1, 3)):
        at, other = dice.randrange(len(leaves)), dice.randrange(len(leaves))
        match dice.randrange(7):
            case 0:
                del objects[dice.randrange(len(objects))]
            case 1:
                leaves[at], leaves[other] = leaves[other], leaves[at]
            case 2:
                leaves.insert(at, leaves[other])
            case 3:
                leaves[at] = dice.choice("mct") + leaves[at][1:]
            case 4:
                del leaves[at]
            case 5:
                document["store"] = f"blake3:{leaves[at][1:]}"
            case 6:
                text = dice.choice(objects).replace(dice.choice(WORDS), dice.choice(WORDS), 1)
                leaves.insert(max(at, 1), dice.choice("mc") + Digest.of(text.encode()).hex)
                objects.append(text)
    named = {leaf[1:] for leaf in leaves}
    ids = {Digest.of(text.encode()).hex: text for text in objects}
    document["objects"] = [ids[one] for one in sorted(ids) if one in named]
    root = merkle.root([Leaf.parse(make_audit._entry(leaf)).hash for leaf in leaves])
    origin = document["checkpoint"].split("\n")[0]
    document["checkpoint"] = LogCheckpoint(origin, len(leaves), root).sign(LOG).decode()
    return encode(document)


def by_python(evidence: bytes) -> dict[str, Any]:
    """Return what the command line says of evidence in a page."""
    try:
        opened = OpenedEvidence(AuditEvidence.parse(evidence))
    except FormatError as error:
        return {"refused": error.kind}
    page = AuditPage(evidence, around(title_of(opened)))
    report = verify_evidence(opened, page, trust=trusted(), at=parse_timestamp(AT), memory=None)
    return {
        "verdict": str(report.verdict),
        "checks": [
            [one.id, str(one.state), str(one.detail.get("reason", ""))] for one in report.checks
        ],
        "subject": report.subject,
        "issuer": report.issuer,
        "notProven": list(report.not_proven),
        "answers": encode(as_json(answers_of(opened))).decode(),
    }


@pytest.mark.parametrize(
    "count", [pytest.param(60, id="some"), pytest.param(3000, id="many", marks=pytest.mark.slow)]
)
def test_both_say_the_same(count: int) -> None:
    npm.generated(PAGE)
    dice = random.Random(count)
    cases = [EVIDENCE, *(changed(dice) for _ in range(count))]
    lines = [
        json.dumps({"evidence": base64.b64encode(one).decode(), "trust": TRUST, "at": AT})
        for one in cases
    ]
    done = subprocess.run(
        ["node", Path(__file__).with_name("audit.mjs"), PAGE],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(said) == len(cases)
    for number, (one, by_page) in enumerate(zip(cases, said, strict=True)):
        assert by_page == by_python(one), f"case {number}"
    assert {one["verdict"] for one in said} >= {"invalid", "incomplete", "trusted-without-data"}
