"""The vectors of stores: a store as files, and the report on it and on what is in it."""

import base64
import json
from pathlib import Path

import pytest

import make_store

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "stores"
WHOLE = json.loads((VECTORS / "end-to-end.json").read_text())


NOT_PASSED = {
    "log.witness": "n/a",
    "credentials": "noted",  # one was revoked
    "deployment.made-from": "n/a",
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
