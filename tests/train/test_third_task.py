"""A task of another package goes the whole way: from a plan to what is deployed, and again."""

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.small_runs import configure, parts, refused, supply
from tests.conftest import Person
from tests.worker_forks import REPOSITORY

pytestmark = pytest.mark.train
NAME = "ordinal-classification"
MODEL = "checkpoints/acme/stars"
ENTRY = f"[lyrikstore.tasks]\n{NAME} = third_task:TASK\n"


def install(folder: Path) -> None:
    """Write a package with the task, as an installer leaves it."""
    about = folder / "third_task-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: third-task\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY)
    shutil.copy(REPOSITORY / "tests" / "train" / "third_task.py", folder)


@pytest.fixture
def acme(new_person, tmp_path) -> Person:
    install(tmp_path / "installed")
    made = new_person("acme")
    path = (tmp_path / "installed", REPOSITORY, REPOSITORY / "cli")
    made.environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
    made.ok("key", "new", "--no-passphrase")
    made.ok("init", "--origin", "acme.example/models")
    supply(made, "stars", parts(("1", "2", "3")))
    return made


def test_a_task_of_another_package_goes_from_a_plan_to_a_deployment(acme) -> None:
    config = configure(acme, "stars", candidates=["tfidf"], top=f'task = "{NAME}"')
    assert acme.ok("plan", config, "--json").json["task"] == NAME
    acme.ok("train", config)
    run = acme.ok("show", "runs/acme/stars", "--json").json["manifest"]["body"]
    assert (run["task"], run["environment"]["packages"]["third-task"]) == (NAME, "1.0")
    body = acme.ok("show", MODEL, "--json").json["manifest"]["body"]
    assert body["task"] == NAME
    assert "validationOrdinalScore" in body["metrics"]
    evaluation = acme.ok("evaluate", MODEL, "--on", "acme/stars.test", "--json").json
    assert "ordinalScore" in evaluation["body"]["model"]["measures"]
    rows = acme.folder / "stars-test" / "rows.jsonl"
    answers = acme.ok("predict", MODEL, rows, "--json").json["predictions"]
    assert all(set(one["answer"]) <= {"1", "2", "3"} for one in answers)
    check = acme.ok("deploy", MODEL, "--to", "onnx", "-o", "out", "--check", "--json").json["check"]
    assert check["agreeing"] == check["count"]
    for name in (MODEL, evaluation["name"], "out"):
        assert acme.ok("verify", name, "--json").json["verdict"] == "trusted"
    assert acme.ok("reproduce", MODEL, "--json").json["body"]["verdict"] == "match"
    # Where the package is not installed nothing is said of its evaluations.
    acme.environment["PYTHONPATH"] = os.pathsep.join((f"{REPOSITORY}", f"{REPOSITORY / 'cli'}"))
    assert refused(acme, 16, "predict", MODEL, str(rows)).kind in {"unknown-task", "bad-checkpoint"}
    report = acme.run("verify", evaluation["name"], "--json")
    states = {one["detail"].get("reason") for one in report.json["checks"] if "detail" in one}
    assert "unknown-task" in states
    assert acme.run("verify", "out", "--json").json["verdict"] == "trusted"  # which asks no model
