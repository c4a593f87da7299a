"""The vectors hold in a second implementation that shares nothing with ours."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.node
def test_node_agrees_with_every_vector():
    done = subprocess.run(
        [shutil.which("node"), HERE / "verify_vectors.mjs", HERE.parents[1] / "spec" / "vectors"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["problems"] == []
    assert result["checked"] > 100
