"""What is said about the suite is so."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests import counts
from tests.conftest import CI_ONLY, GROUPS, REPOSITORY

ABOUT = (REPOSITORY / "tests" / "README.md").read_text("utf-8")
MARKS = {
    line.partition(":")[0]
    for line in tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"][
        "ini_options"
    ]["markers"]
}


def test_minutes_are_those_that_ci_wrote() -> None:
    times = json.loads((REPOSITORY / "tests" / "times.json").read_text("utf-8"))["minutes"]
    measured = {f"{minutes:.0f}" for minutes in times.values()}
    for name in ("README.md", "Makefile", "CONTRIBUTING.md", "tests/README.md"):
        said = re.findall(r"(\d+) min(?:utes)?\b", (REPOSITORY / name).read_text("utf-8"))
        assert set(said) <= measured, name


def test_every_mark_is_explained() -> None:
    assert {*GROUPS, *CI_ONLY} <= MARKS
    assert [mark for mark in sorted(MARKS) if f"`{mark}`" not in ABOUT] == []


def test_one_start_more_than_allowed_fails_a_run_of_everything() -> None:
    most: dict[str, int] = json.loads(counts.CEILINGS.read_text("utf-8"))
    source = pytest.Config.ArgsSource

    def exceeded(more: int, args_source: Any = source.TESTPATHS, keyword: str = "") -> int:
        found = {name: ceiling + more for name, ceiling in most.items()} | {"fsyncs": 1}
        options = SimpleNamespace(keyword=keyword, markexpr="", lf=False)
        stash = {counts._nodes: [dict.fromkeys(found, 0), found]}
        config = SimpleNamespace(args_source=args_source, option=options, stash=stash)
        return len(counts._exceeded(cast("pytest.Config", config)))

    assert exceeded(1) == 2
    assert exceeded(0) == exceeded(1, source.ARGS) == exceeded(1, keyword="some") == 0


def test_what_ci_repeated_is_a_test() -> None:
    lines = (REPOSITORY / "tests" / "repeated.txt").read_text("utf-8").splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    assert all((REPOSITORY / line.partition("::")[0]).is_file() for line in named)


def test_a_test_that_comes_back_fails_ci(tmp_path: Path) -> None:
    # It fails at every first try, and passes when it is run again by itself.
    (tmp_path / "tools").mkdir()
    (tmp_path / "tests").mkdir()
    program = (REPOSITORY / "tools" / "ci_tests.py").read_text("utf-8")
    (tmp_path / "tools" / "ci_tests.py").write_text(program, "utf-8")
    (tmp_path / "test_it.py").write_text(
        "import os\n"
        "def test_shaky(): assert 'last-failed' in os.environ.get('PYTEST_ADDOPTS', '')\n"
        "def test_sound(): pass\n"
    )
    known = tmp_path / "tests" / "repeated.txt"

    def run() -> tuple[int, str]:
        command = [sys.executable, "tools/ci_tests.py", sys.executable, "-m", "pytest", "-q"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, done.stdout

    known.write_text("# none yet\n")
    code, said = run()
    assert code == 0, said
    assert "REPEATED" in said
    assert "test_it.py::test_shaky" in said
    known.write_text("test_it.py::test_shaky\n")
    code, said = run()
    assert code == 1
    assert "CAME BACK" in said
