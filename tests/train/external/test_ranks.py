"""Several processes that train one model, by the script of docs/any-trainer.md."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.cli.small_runs import entries, leftovers, lines, rows
from tests.conftest import REPOSITORY, Person

pytestmark = [pytest.mark.train, pytest.mark.sandbox]
MODEL = "checkpoints/acme/model"
# Every rank has a child in a session of its own, which writes to the output for as long as it runs.
CHILD = """
import subprocess
subprocess.Popen([sys.executable, "child.py", *sys.argv[2:]], start_new_session=True)
"""
WRITE = """
import pathlib, sys, time
while True:
    pathlib.Path(sys.argv[1], "late.txt").write_text(str(time.monotonic()))
    time.sleep(0.01)
"""
ENDS = {
    "a rank is killed": (
        "(epoch, rank) == (1, 1) and os.kill(os.getpid(), signal.SIGKILL)",
        "Signal 9",
    ),
    "a rank fails": ("(epoch, rank) == (1, 1) and sys.exit(77)", "exitcode  : 77"),
    "the launcher is killed": (
        "(epoch, rank) == (1, 1) and os.kill(os.getppid(), signal.SIGKILL)",
        "reached",
    ),
}


@pytest.fixture
def trainer(publisher: Person) -> Person:
    """Give somebody with rows, of which the last batch has one, and the script of the page."""
    folder = publisher.folder / "rows"
    folder.mkdir()
    (folder / "rows.jsonl").write_text(lines(rows(25)))
    publisher.ok("commit", folder, "-d", "acme/rows", "--text", "text", "--label", "label")
    publisher.ok("permit", "acme/rows", "--permit", "train")
    (publisher.folder / "ranks.py").write_text(script())
    # Where our package is installed it is the interpreter's; here it is made of these sources.
    ours = publisher.folder / "ours"
    for name in ("lyrikstore", "schemas", "spec"):
        ignored = shutil.ignore_patterns("__pycache__", "vectors")
        shutil.copytree(REPOSITORY / name, ours / name, ignore=ignored)
    git = ("git", "-C", publisher.folder, "-c", "user.name=a", "-c", "user.email=a@b.example")
    for arguments in (("init", "-q"), ("add", "ranks.py", "ours"), ("commit", "-qm", "ranks")):
        subprocess.run([*git, *arguments], check=True)
    publisher.environment["PYTHONPATH"] = f"{ours}:{REPOSITORY / 'cli'}"
    return publisher


def script() -> str:
    page = (REPOSITORY / "docs" / "any-trainer.md").read_text("utf-8")
    (found,) = re.findall(r"```python\n(# ranks\.py\n.*?)```", page, re.DOTALL)
    return found


def on_ranks(count: int, *more: str, options: tuple[str, ...] = ()) -> tuple[str, ...]:
    return (
        *("train", "--input", "acme/rows", "--as", "acme/model"),
        *("--env", "PYTHONPATH", *options, "--"),
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *("--nproc-per-node", str(count), "ranks.py", "{input}", "{output}", *more),
    )


def running(mark: str) -> bool:
    return mark in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


@pytest.mark.ci
def test_ranks_give_one_checkpoint(trainer) -> None:
    before = entries(trainer)
    made = trainer.ok(*on_ranks(2, options=("--json",))).json
    assert entries(trainer)[len(before) :] == ["runs/acme/model", MODEL]
    assert leftovers(trainer) == []
    assert (made["confinement"], made["openedNetwork"]) == ("bubblewrap", False)
    assert made["warnings"] == []
    run = trainer.ok("show", "runs/acme/model", "--json").json["manifest"]["body"]
    words = on_ranks(2)
    assert run["execution"]["command"] == list(words[words.index("--") + 1 :])
    assert trainer.ok("verify", MODEL, "--json").json["verdict"] == "trusted"


@pytest.mark.ci
def test_the_model_does_not_depend_on_the_number_of_ranks(trainer) -> None:
    models, trees = [], []
    for number, ranks in enumerate((1, 2, 2, 4)):
        trainer.ok(*on_ranks(ranks))
        trees.append(trainer.ok("show", MODEL, "--json").json["manifest"]["tree"])
        trainer.ok("checkout", MODEL, f"model-{number}")
        models.append(load_file(trainer.folder / f"model-{number}" / "model.safetensors"))
    assert trees[1] == trees[2]
    for model in models[1:]:
        assert model.keys() == models[0].keys()
        for name, weights in model.items():
            np.testing.assert_allclose(weights, models[0][name], rtol=0, atol=1e-6)


@pytest.mark.ci
@pytest.mark.parametrize("end", ENDS)
def test_a_rank_that_is_lost_gives_nothing(trainer, end) -> None:
    mark = f"of-{os.getpid()}"
    statement, sign = ENDS[end]
    break_off(trainer, statement)
    before = entries(trainer)
    done = subprocess.run(
        trainer.command(*on_ranks(2, mark, options=("--json",))),
        cwd=trainer.folder,
        env=trainer.variables(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 18, done.stderr
    error = json.loads(done.stderr.splitlines()[-1])
    assert error["kind"] == "worker-failed"
    assert error["hint"]
    assert error["details"]["exitCode"]
    assert any(sign in line for line in error["details"]["log"])
    assert not running(mark)
    assert entries(trainer)[len(before) :] == ["runs/acme/model"]
    assert leftovers(trainer) == []


@pytest.mark.ci
def test_what_ranks_leave_running_does_not_write_to_the_model(trainer) -> None:
    mark = f"left-{os.getpid()}"
    break_off(trainer, "None")
    trainer.ok(*on_ranks(2, mark))
    assert not running(mark)
    assert trainer.ok("verify", MODEL, "--json").json["verdict"] == "trusted"


def break_off(person: Person, statement: str) -> None:
    """Have each rank start a child that writes, and run a statement after every epoch."""
    (person.folder / "child.py").write_text(WRITE)
    path = person.folder / "ranks.py"
    text = path.read_text()
    for old, new in (
        ("\nlines = ", f"\nimport os, signal{CHILD}\nlines = "),
        ("\nif rank == 0:", f"\n    print('reached', flush=True); {statement}\nif rank == 0:"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
