"""Stores that deployed a model say of themselves what they said then, and deploy the same."""

import json
from pathlib import Path

import pytest

from tests.compat.frozen import LATER, open_copy, said_by

HERE = Path(__file__).resolve().parent
DEPLOYED = {
    "2026-12-01-deployments": "deployments/acme/letters.onnx",
    "2026-12-01-rights": "deployments/buyer/letters.onnx",
}
SAID = {name: json.loads((HERE / name / "answers.json").read_text()) for name in DEPLOYED}
OF_ITSELF = [
    (name, one) for name, said in SAID.items() for one in sorted(said.keys() - {"verdicts"})
]
OF_VERSIONS = [(name, ref) for name, said in SAID.items() for ref in said["verdicts"]]


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Return copies of the stores, to read."""
    return {name: open_copy(HERE / name, tmp_path_factory.mktemp("copy")) for name in DEPLOYED}


@pytest.fixture(scope="module")
def answers(stores):
    return {name: json.loads(json.dumps(said_by(store))) for name, store in stores.items()}


@pytest.mark.parametrize(("name", "what"), OF_ITSELF)
def test_it_says_of_itself_what_it_said(name, what, answers) -> None:
    assert answers[name][what] == SAID[name][what]


@pytest.mark.parametrize(("name", "ref"), OF_VERSIONS)
def test_each_version_has_its_verdict(name, ref, answers) -> None:
    """Later versions may check more; what was checked then has the answer of then."""
    said, now = SAID[name]["verdicts"][ref], answers[name]["verdicts"][ref]
    assert now["verdict"] == said["verdict"]
    as_expected = {one: LATER.get((one, state), state) for one, state in said["checks"].items()}
    assert {name: now["checks"].get(name) for name in said["checks"]} == as_expected


@pytest.mark.parametrize("name", DEPLOYED)
def test_its_deployment_is_written_again_byte_for_byte(name, stores, tmp_path) -> None:
    stores[name].models.deploy_again(DEPLOYED[name], tmp_path / "again")
    again, first = (files_of(folder) for folder in (tmp_path / "again", HERE / name / "folder"))
    assert again.keys() == first.keys()
    differing = {path for path in again if again[path] != first[path]}
    evidence = {path for path in differing if path.startswith("lyrikstore/log.")}
    assert all(path.endswith(".tlog-proof") for path in differing - evidence)  # of a longer log


def files_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
