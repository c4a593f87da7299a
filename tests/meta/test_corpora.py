"""The corpora of the benchmarks are the same bytes on every machine and with any worker count."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "corpora.py"
WORDS = Path("/usr/share/dict/words")


def make(folder: Path, *options: str) -> str:
    names = ["docs", "shards", "versions", "many"]
    command = [sys.executable, str(SCRIPT), *names, "--scale", "0.001", "--count", "300"]
    subprocess.run([*command, "--folder", str(folder), *options], check=True, capture_output=True)
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.mark.skipif(not WORDS.exists(), reason="NOT RUN, install wamerican")
def test_corpora_are_deterministic(tmp_path: Path) -> None:
    assert make(tmp_path / "one", "--workers", "1") == make(tmp_path / "two", "--workers", "3")
    made = {path.name.split("-")[0] for path in (tmp_path / "one").iterdir()}
    assert made == {"docs", "shards", "version", "versions", "many"}
