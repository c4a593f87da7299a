"""A task of another package goes the whole way: from a plan to what is deployed, and again."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.train.task import find_task
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.measure import learner_of
from lyrikstore.train.worker.training import fit, loop
from tests.cli.small_runs import configure, parts, refused, supply
from tests.conftest import Person
from tests.train.third_task import MEDIAN
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
    assert "outOfFoldOrdinalScore" in body["metrics"]
    evaluation = acme.ok("evaluate", MODEL, "--on", "acme/stars.test", "--json").json
    assert "ordinalScore" in evaluation["body"]["model"]["measures"]
    baseline = evaluation["body"]["baseline"]
    assert (baseline["method"], baseline["params"]["median"]) == (MEDIAN, "2")
    rows = acme.folder / "stars-test" / "rows.jsonl"
    answers = acme.ok("predict", MODEL, rows, "--json").json["predictions"]
    assert all(set(one["answer"]) <= {"1", "2", "3"} for one in answers)
    check = acme.ok("deploy", MODEL, "--to", "onnx", "-o", "out", "--check", "--json").json["check"]
    assert check["agreeing"] == check["count"]
    for name in (MODEL, evaluation["name"], "out"):
        assert acme.ok("verify", name, "--json").json["verdict"] == "trusted"
    assert acme.ok("reproduce", MODEL, "--json").json["body"]["verdict"] == "match"
    acme.ok("evaluate", evaluation["name"], "--html", "report.html")
    report = (acme.folder / "report.html").read_text()
    assert "ordinalScore" in report
    assert MEDIAN in report
    card = ("card", MODEL, "--profile", "huggingface", "-o", "card.json", "--json")
    metric = f"evaluation.metric:{evaluation['name']} ordinalScore"
    assert metric in stated(acme, card)
    # Where the package is not installed nothing is said of its evaluations.
    acme.environment["PYTHONPATH"] = os.pathsep.join((f"{REPOSITORY}", f"{REPOSITORY / 'cli'}"))
    assert refused(acme, 16, "predict", MODEL, str(rows)).kind in {"unknown-task", "bad-checkpoint"}
    report = acme.run("verify", evaluation["name"], "--json")
    states = {one["detail"].get("reason") for one in report.json["checks"] if "detail" in one}
    assert "unknown-task" in states
    assert acme.run("verify", "out", "--json").json["verdict"] == "trusted"  # which asks no model
    assert metric in stated(acme, card)
    rows = acme.ok("query", "select baseline from evaluations", "--json").json["rows"]
    assert rows == [[MEDIAN]]
    again = ("evaluate", evaluation["name"], "--html", "again.html")
    assert refused(acme, 16, *again).kind == "unknown-task"


def stated(person: Person, card: tuple[str, ...]) -> set[str]:
    person.ok(*card)
    return {
        one["id"] for one in json.loads((person.folder / "card.json").read_text())["statements"]
    }


class Recorded:
    """A learner of another package's."""

    def batches(self, epoch: int) -> list[list[int]]:
        return [[epoch]]

    def learn(self, batch: list[int]) -> float:
        return float(len(batch))


def test_a_task_of_another_package_learns_and_is_measured_by_its_own_learner(
    tmp_path, monkeypatch
) -> None:
    install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    own, opened, trained = Recorded(), [], []

    def open_learner(job: Any, files: Any) -> Recorded:
        opened.append((job["candidate"], files))
        return own

    monkeypatch.setattr(find_task(NAME), "open_learner", open_learner)
    monkeypatch.setattr(
        loop, "train_epochs", lambda job, files, learner, *_: trained.append(learner)
    )
    job = {"task": NAME, "candidate": "lora", "config": {}}
    files = StagedFiles(tmp_path, lambda name, digest: None)
    assert fit.train(job, files, lambda *_: None)["checkpoints"] == []
    assert trained == [own]
    assert learner_of(job, files, []) == own.learn
    assert opened == [("lora", files)] * 2
