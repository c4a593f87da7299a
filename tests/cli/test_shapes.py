"""Three steps of a 3B model in four bits: the same bytes twice, and the memory that was planned."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.train, pytest.mark.slow, pytest.mark.timeout(3600)]

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "writers.py"
MOST_BYTES = 24 * 10**9
"""Of weights, their copy in the store and the worker's."""


def test_a_large_shape_takes_three_steps_in_the_memory_that_was_planned():
    if shutil.disk_usage(tempfile.gettempdir()).free < MOST_BYTES:
        pytest.skip("NOT RUN, needs 24 GB of disk")
    line = [sys.executable, str(PROGRAM), "--shapes", "3B"]
    said = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    (row,) = (one for one in said.splitlines() if one.startswith("| 3B"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2] == "the same bytes twice"
    planned, taken = (int(one.replace(",", "")) for one in cells[-1].split(" / "))
    assert abs(planned / taken - 1) <= 0.1
