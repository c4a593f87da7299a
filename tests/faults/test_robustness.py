"""Every scenario of ``benchmarks/robustness.py``, its quick subset, one test each."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

SCRIPT = REPOSITORY / "benchmarks" / "robustness.py"
# Read, not imported: a script's own modules are not on the path of the tests.
SCENARIOS = re.findall(r'^    "([a-z-]+)": Scenario\(', SCRIPT.read_text("utf-8"), re.MULTILINE)
TRACED = {"call-fails", "call-kills", "loading", "model-call-fails", "model-call-kills"}
MATRIX = 3 * 3600


def survive(name: str, folder: Path, *options: str, timeout: float) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--only", name, "--json", *options],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode in {0, 1}, done.stderr
    rows = json.loads(done.stdout)["rows"]
    findings = [f"{row['scenario']}: {finding}" for row in rows for finding in row["findings"]]
    assert done.returncode == 0, "\n".join(findings)
    if all(row["skipped"] for row in rows):
        pytest.skip(f"NOT RUN, {rows[0]['skipped']}")


def scenarios(*marks: pytest.MarkDecorator) -> list:
    return [
        pytest.param(name, marks=[*marks, pytest.mark.faults] if name in TRACED else list(marks))
        for name in SCENARIOS
    ]


WARM = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from robust.warm import Command
code, out, *_ = Command(["--version"], cwd=Path.cwd(), environment=dict(os.environ)).finish(60)
print(code, out.decode().strip(), "lyrikstore_cli.main" in sys.modules)
"""


def test_what_one_command_had_to_load_the_next_finds_loaded(tmp_path: Path) -> None:
    # Else the sweeps would hit the loading of modules, not the work, and take three times as long.
    done = subprocess.run(
        [sys.executable, "-c", WARM, SCRIPT.parent], cwd=tmp_path, capture_output=True, text=True
    )
    assert re.fullmatch(r"0 lyrikstore, version \S+ True\n", done.stdout), done


PAGE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import robustness
from robust import calls, table
rows = [table.Row.from_json(row) for row in json.loads(robustness.KEPT.read_text("utf-8"))]
assert {row.option for row in rows} == set(robustness.SCENARIOS)
command = f"{robustness.COMMAND} --write-docs"
assert table.markdown(rows, calls.faults(), command) == robustness.DOCS.read_text("utf-8")
"""


def test_the_page_is_made_of_the_rows_that_are_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PAGE, SCRIPT.parent], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_list_of_scenarios_was_found() -> None:
    assert len(SCENARIOS) >= 18


@pytest.mark.parametrize("name", scenarios())
def test_quick(name: str, tmp_path: Path) -> None:
    survive(name, tmp_path, "--quick", timeout=500)


@pytest.mark.timeout(MATRIX)
@pytest.mark.parametrize("name", scenarios(pytest.mark.slow))
def test_full(name: str, tmp_path: Path) -> None:
    survive(name, tmp_path, timeout=MATRIX)


@pytest.mark.timeout(500)
def test_processes_that_share_a_folder_of_results_share_the_work(tmp_path: Path) -> None:
    options = ("--quick", "--only", "kill-worker", "--json", "--resume", tmp_path / "results")
    several = [
        subprocess.Popen(
            [sys.executable, SCRIPT, *options],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [process.communicate() for process in several]
    assert [process.returncode for process in several] == [0, 0], told
    assert json.loads(told[0][0])["rows"] == json.loads(told[1][0])["rows"]
    assert sorted("kill-worker: 2 of 2" in err for _, err in told) == [False, True]
