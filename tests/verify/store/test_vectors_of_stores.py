"""The vectors of stores: a store as files, and the report on it and on what is in it."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import make_store
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.readers import all_readers
from lyrikstore.verify.report import Report
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.store import verify_store_at

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "stores"
WHOLE = json.loads((VECTORS / "end-to-end.json").read_text())


DAMAGED = json.loads((VECTORS / "damaged.json").read_text())
NOT_PASSED = {
    "log.witness": "n/a",
    "credentials": "noted",  # one was revoked
    "deployment.made-from": "n/a",
    "reviews": "n/a",
    "rules": "n/a",
    "timestamps": "n/a",
}
"""What is not ``pass`` of the whole store: its state, or its reason."""


def written(files: dict[str, str], folder: Path) -> Path:
    """Write a store; return its folder."""
    store = folder / "store"
    for path, data in files.items():
        (store / path).parent.mkdir(parents=True, exist_ok=True)
        (store / path).write_bytes(base64.b64decode(data, validate=True))
    return store


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(WHOLE["files"], tmp_path_factory.mktemp("whole"))


def test_a_whole_store(whole: Path) -> None:
    report = make_store.judge(whole, whole.parent / "seen")
    found = make_store.spelt(report)
    assert found == WHOLE["report"]
    assert found["verdict"] == "trusted"
    assert {
        check["id"]: check["detail"].get("reason", check["state"])
        for check in found["checks"]
        if check["state"] != "pass"
    } == NOT_PASSED


def test_of_what_is_in_it_nothing_is_open() -> None:
    for found in WHOLE["objects"].values():
        assert found["verdict"] == "trusted"
        assert {check["state"] for check in found["checks"]} <= {"pass", "n/a"}
    made = {
        check["id"]
        for found in WHOLE["objects"].values()
        for check in found["checks"]
        if check["state"] == "pass"
    }
    assert made >= {"runs", "checkpoints", "rights", "evaluation.recomputed", "card.sources"}
    assert made >= {"datasets", "records", "approvals"}


@pytest.mark.parametrize("name", sorted(WHOLE["objects"]))
def test_what_is_in_it(whole: Path, name: str) -> None:
    report = make_store.judge(whole, whole.parent / "seen", name)
    assert make_store.spelt(report) == WHOLE["objects"][name]


def _outcome(report: Report, *, broken: bool) -> dict[str, Any]:
    """Return verdict, and reasons of the checks that are neither ``pass`` nor ``n/a``."""
    checks = {
        check.id: str(check.detail.get("reason", check.state))
        for check in report.checks
        if check.state not in {"pass", "n/a"}
    }
    if broken:
        assert len(checks) > 12  # all but those that nothing here needs
        checks = {name: reason for name, reason in checks.items() if reason != "log-broken"}
    return {"verdict": str(report.verdict), "checks": checks}


@pytest.mark.parametrize("case", DAMAGED["cases"], ids=lambda case: case["id"])
def test_stores_and_objects(case: dict[str, Any], tmp_path: Path) -> None:
    base = DAMAGED["base"]
    files = {**base["files"], **case["files"]}
    store = written({path: data for path, data in files.items() if data is not None}, tmp_path)
    trust = parse_trust(case.get("trust", base["trust"]).encode())
    at = parse_timestamp(case.get("at", base["at"]))
    report = verify_store_at(
        store, trust=trust, at=at, readers=all_readers(), memory=LogMemory(tmp_path / "seen")
    )
    expected = {"verdict": case["verdict"], "checks": case["checks"]}
    assert _outcome(report, broken="logBroken" in case) == expected
    for name, object_expected in case.get("objects", {}).items():
        memory = LogMemory(tmp_path / "seen")
        repository = Repository.open(store, memory=memory)
        context = StoreContext(
            repository, memory, tmp_path / "none", clock=lambda: at, believed=trust
        )
        found = verify_object(context, context.resolve(name).id, readers=all_readers())
        assert _outcome(found, broken=False) == object_expected
