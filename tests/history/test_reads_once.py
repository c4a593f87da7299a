"""What a command reads and verifies, it reads and verifies once (spec §8.6)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.small_runs import configure, lines, rows
from tests.conftest import Person

pytestmark = pytest.mark.train

MOST = 1.2
"""How often, on average, one thing may be read or verified in a command."""

SPLIT = """recipe = 1
[[step]]
use = "split/1"
by = "id"
seed = "1"
train = 0.6
validation = 0.2
test = 0.2
"""
COMMANDS = (
    "commit rows.jsonl -d acme/rows --text text --label label -m again",
    "issue acme/rows -o delivery --permit evaluate",
    "verify ../work/delivery",
    "verify",
    "verify checkpoints/acme/rows",
    "card checkpoints/acme/rows",
    "deploy checkpoints/acme/rows --to onnx -o deployed",
    "reproduce checkpoints/acme/rows",
)


def test_commands_read_and_verify_each_thing_once(
    new_person: Callable[[str], Person], tmp_path: Path
) -> None:
    person = new_person("acme")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    (person.folder / "rows.jsonl").write_text(lines(rows(60)))
    (person.folder / "split.toml").write_text(SPLIT)
    person.ok(*["commit", "rows.jsonl", "-d", "acme/rows", "--text", "text", "--label", "label"])
    person.ok(*["filter", "acme/rows", "--recipe", "split.toml", "--as", "acme/rows"])
    person.ok(*["permit", "acme/rows", "--permit", "train,evaluate"])
    person.ok("train", configure(person, "rows"))
    person.ok(*["evaluate", "checkpoints/acme/rows", "--on", "acme/rows.test"])
    (person.folder / "rows.jsonl").write_text(lines(rows(61)))
    (person.folder.parent / "buyer").mkdir()  # who has no store
    found = {one: _counted(person, one, tmp_path / "counts.json") for one in COMMANDS}
    for name, counts in found.items():
        said = ", ".join(f"{what} {n['calls']}:{n['distinct']}" for what, n in counts.items())
        print(f"{said:40} {name}")
    too_many = [
        f"{name}: {what} {n['calls']} for {n['distinct']}"
        for name, counts in found.items()
        for what, n in counts.items()
        if n["calls"] > MOST * n["distinct"]
    ]
    assert not too_many


def _run(person: Person, command: str) -> None:
    person.ok(*command.split())


def _counted(person: Person, command: str, place: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.reads", str(place), *command.split()],
        cwd=person.folder if ".." not in command else person.folder.parent / "buyer",
        env={**person.variables(), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(place.read_text())
    return found
