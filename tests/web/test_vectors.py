"""The page's verifier over the same vectors as Python's, under node."""

import subprocess
from pathlib import Path

import pytest

from tests import npm

PAGE = Path(__file__).resolve().parents[2] / "page"


@pytest.mark.page
def test_the_page_answers_every_vector() -> None:
    npm.generated(PAGE)
    done = subprocess.run(
        ["node", "--test", "test/"], cwd=PAGE, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-4000:]
    counts = dict(
        line.removeprefix("# ").split(" ")
        for line in done.stdout.splitlines()
        if line.startswith(("# pass ", "# fail ", "# skipped "))
    )
    assert int(counts["pass"]) > 1600, counts
    assert counts["fail"] == counts["skipped"] == "0"
