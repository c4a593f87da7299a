"""Every scenario of :mod:`tests.faults.robustness`: a quick subset, and the full matrix.

``pytest --whole -rP`` prints the table of each as well; docs/internals/robustness.md says what is
promised.
"""

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.faults.robustness import SCENARIOS

TRACED = {"call-fails", "call-kills", "loading", "model-call-fails", "model-call-kills"}
MATRIX = 3 * 3600
SHORT = {"full-disk", "power-loss", "rollback"}
"""What ``make test`` has of it; the quick subset of the others is in CI."""


def survive(*options: str, timeout: float) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.robustness", *options],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    print(done.stdout)
    if done.returncode == 5:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


LONGEST = ("model-call-fails", "model-call-kills")
"""Minutes each, most of them to load libraries: with these alone CI would take too long."""


def marked(name: str, *values: str, part: str) -> "pytest.ParameterSet":
    names = ["faults"] * (name in TRACED) + [part] * bool(part)
    marks = [getattr(pytest.mark, one) for one in names]
    return pytest.param(name, *values, marks=marks)


WARM = """
import os
from pathlib import Path
from tests.warm import Command
code, out, *_ = Command(["--version"], cwd=Path.cwd(), environment=dict(os.environ)).finish(60)
import sys
print(code, out.decode().strip(), "lyrikstore_cli.main" in sys.modules)
"""


def test_what_one_command_had_to_load_the_next_finds_loaded() -> None:
    # Else the sweeps would hit the loading of modules, not the work, and take three times as long.
    done = subprocess.run(
        [sys.executable, "-c", WARM], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert re.fullmatch(r"0 lyrikstore, version \S+ True\n", done.stdout), done


@pytest.mark.parametrize(
    "name",
    [
        marked(name, part="" if name in SHORT else "slow" if name in LONGEST else "ci")
        for name in SCENARIOS
    ],
)
def test_quick(name: str) -> None:
    survive("--quick", "--only", name, timeout=500)


@pytest.mark.timeout(MATRIX)
@pytest.mark.parametrize(
    ("name", "part"),
    [
        marked(name, one, part="slow")
        for name, scenario in SCENARIOS.items()
        for one in scenario.parts
    ],
)
def test_full(name: str, part: str) -> None:
    survive("--only", name, *filter(None, ["--part", part]), timeout=MATRIX)
