"""The benchmarks delete nothing of many files before they have measured everything."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
PUT = """
import sys
from pathlib import Path
from attic import FEW, Attic
work = Path(sys.argv[1])
for name, count in (("few", FEW), ("many", FEW + 1)):
    (work / name).mkdir()
    for number in range(count):
        (work / name / str(number)).touch()
attic = Attic(work)
attic.put(work / "few")
attic.put(work / "many")
attic.put(work / "nothing")
print(sum(path.is_file() for path in work.rglob("*")), (work / "many").exists())
attic.empty()
print(sum(path.is_file() for path in work.rglob("*")))
"""


@pytest.mark.disk  # with less than 20 GB free it would empty the attic
def test_the_attic_keeps_what_has_many_files(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PUT, str(tmp_path)],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["201", "False", "0"]
