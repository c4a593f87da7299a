"""The store of 2026-12-01-deployments says of itself what it said then, and deploys the same."""

import json
from pathlib import Path

import pytest

from tests.compat.frozen import open_copy, said_by

MADE = Path(__file__).resolve().parent / "2026-12-01-deployments"
SAID = json.loads((MADE / "answers.json").read_text())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a copy of the store, to read."""
    return open_copy(MADE, tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def answers(store):
    return json.loads(json.dumps(said_by(store)))


@pytest.mark.parametrize("name", sorted(SAID.keys() - {"verdicts"}))
def test_it_says_of_itself_what_it_said(name, answers) -> None:
    assert answers[name] == SAID[name]


@pytest.mark.parametrize("ref", SAID["verdicts"])
def test_each_version_has_its_verdict(ref, answers) -> None:
    """Later versions may check more; what was checked then has the answer of then."""
    said, now = SAID["verdicts"][ref], answers["verdicts"][ref]
    assert now["verdict"] == said["verdict"]
    assert {name: now["checks"].get(name) for name in said["checks"]} == said["checks"]


def test_its_deployment_is_written_again_byte_for_byte(store, tmp_path) -> None:
    store.models.deploy_again("deployments/acme/letters.onnx", tmp_path / "again")
    again, first = (files_of(folder) for folder in (tmp_path / "again", MADE / "folder"))
    assert again.keys() == first.keys()
    differing = {path for path in again if again[path] != first[path]}
    evidence = {path for path in differing if path.startswith("lyrikstore/log.")}
    assert all(path.endswith(".tlog-proof") for path in differing - evidence)  # of a longer log


def files_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
