"""Makes ``audit/files.json``: evidence of audit files, what a verifier says of it, and the answers.

``evidence`` is that about the model of ``stores/end-to-end.json``, compressed by gzip, in base64. A
case is an edit of it: ``set`` gives members new values, each by its path from the top; ``drop``
removes members or items. ``checks`` are id and state, or reason, of what is not ``pass``.
``answers`` are those of the case without an edit.
"""

import base64
import gzip
import json
import tempfile
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import make_store
from end_to_end import AT, LOG, MODEL, TRUST, trusted
from lyrikstore.audit.file.answers import answers_of
from lyrikstore.audit.file.check import verify_evidence
from lyrikstore.audit.file.container import AuditPage, around, title_of
from lyrikstore.audit.file.evidence import AuditEvidence
from lyrikstore.audit.file.opened import OpenedEvidence
from lyrikstore.audit.file.select import gather
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import as_json, encode
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import Report

Edit = dict[str, Any]


def judge(data: bytes) -> tuple[dict[str, Any], OpenedEvidence | None]:
    """Return verdict and the checks that are not ``pass``, and the evidence if it can be read."""
    try:
        opened = OpenedEvidence(AuditEvidence.parse(data))
    except FormatError as error:
        return {"refused": error.kind}, None
    page = AuditPage(data, around(title_of(opened)))
    report = verify_evidence(opened, page, trust=trusted(), at=parse_timestamp(AT), memory=None)
    return spelt(report), opened


def spelt(report: Report) -> dict[str, Any]:
    """Return what the vectors say of a report."""
    checks = {
        one.id: str(one.detail.get("reason", one.state))
        for one in report.checks
        if one.state != "pass"
    }
    return {"verdict": str(report.verdict), "checks": checks}


def edited(document: Any, case: Edit) -> bytes:
    """Return the evidence after the edit of a case."""
    changed = deepcopy(document)
    for path, value in case.get("set", []):
        _inside(changed, path)[path[-1]] = value
    for path in case.get("drop", []):
        del _inside(changed, path)[path[-1]]
    return encode(changed)


def _inside(value: Any, path: list[Any]) -> Any:
    for step in path[:-1]:
        value = value[step]
    return value


def _cases(document: Any) -> list[Edit]:
    leaves, objects = document["leaves"], document["objects"]
    note = document["checkpoint"]
    kinds = [json.loads(text).get("kind", "credential") for text in objects]
    run, genesis = kinds.index("run"), kinds.index("genesis")
    changed = objects[run].replace('"run"', '"ran"')
    dataset, credential = kinds.index("dataset"), kinds.index("credential")
    beginning = "\n".join([note.split("\n")[0], "2", *note.split("\n")[2:]])
    origin = note.split("\n")[0]
    forked = LogCheckpoint(origin, 2, bytes(32)).sign(LOG).decode()
    early = [Leaf.parse(_entry(one)).hash for one in leaves[:2]]
    kept = LogCheckpoint(origin, 2, merkle.root(early)).sign(LOG).decode()
    whole = merkle.root([Leaf.parse(_entry(one)).hash for one in leaves])
    stranger = LogCheckpoint(origin, len(leaves), whole).sign(signer_for("stranger")).decode()
    return [
        {"id": "as-written"},
        {"id": "another-version", "set": [[["audit"], 2]]},
        {"id": "another-member", "set": [[["answers"], []]]},
        {"id": "about-two", "set": [[["about", "store"], document["store"]]]},
        {"id": "about-nothing-known", "set": [[["about"], {"path": "a"}]]},
        {"id": "no-namespace", "set": [[["about"], {"namespace": "A/B"}]]},
        {"id": "leaf-of-another-type", "set": [[["leaves", 1], f"x{leaves[1][1:]}"]]},
        {"id": "leaf-in-capitals", "set": [[["leaves", 1], leaves[1].upper()]]},
        {"id": "object-edited", "set": [[["objects", run], changed]]},
        {"id": "objects-out-of-order", "set": [[["objects"], objects[::-1]]]},
        {"id": "object-twice", "set": [[["objects", 1], objects[0]]]},
        {"id": "object-empty", "set": [[["objects", 0], ""]]},
        {"id": "another-store", "set": [[["store"], f"blake3:{'0' * 64}"]]},
        {"id": "checkpoint-edited", "set": [[["checkpoint"], note.replace("\n\n", "\nx\n\n", 1)]]},
        {"id": "checkpoint-of-another-size", "set": [[["checkpoint"], beginning]]},
        {"id": "leaf-dropped", "drop": [["leaves", len(leaves) - 1]]},
        {"id": "leaves-swapped", "set": [[["leaves", 2], leaves[3]], [["leaves", 3], leaves[2]]]},
        {"id": "run-left-out", "drop": [["objects", run]]},
        {"id": "dataset-left-out", "drop": [["objects", dataset]]},
        {"id": "credential-left-out", "drop": [["objects", credential]]},
        {"id": "genesis-left-out", "drop": [["objects", genesis]]},
        {"id": "kept-the-same", "set": [[["since"], note]]},
        {"id": "checkpoint-by-another-key", "set": [[["checkpoint"], stranger]]},
        {"id": "kept-earlier", "set": [[["since"], kept]]},
        {"id": "kept-of-another-history", "set": [[["since"], forked]]},
        {"id": "kept-and-edited", "set": [[["since"], beginning]]},
    ]  # fmt: skip


def _entry(leaf: str) -> bytes:
    kind = {"m": "manifest", "c": "credential", "t": "transaction"}[leaf[0]]
    return f'{{"id":"blake3:{leaf[1:]}","type":"{kind}","v":1}}'.encode()


@cache
def make() -> dict[str, Any]:
    """Return file name → content."""
    files = make_store.make()["stores/end-to-end.json"]["files"]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        for path, data in files.items():
            (store / path).parent.mkdir(parents=True, exist_ok=True)
            (store / path).write_bytes(base64.b64decode(data))
        repository = Repository.open(store, memory=LogMemory(Path(folder) / "seen"))
        about = {"manifest": str(repository.resolve(MODEL).id)}
        data = gather(repository, about).encode()
    document = json.loads(data)
    cases = []
    answers: Any = None
    for case in _cases(document):
        found, opened = judge(edited(document, case))
        if case["id"] == "as-written" and opened is not None:
            answers = as_json(answers_of(opened))
        cases.append({**case, **found})
    return {
        "audit/files.json": {
            "at": AT,
            "trust": TRUST,
            "evidence": base64.b64encode(gzip.compress(data, 9, mtime=0)).decode(),
            "cases": cases,
            "answers": answers,
        }
    }
