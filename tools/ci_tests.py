"""Run the tests of CI, and what failed once more.

    python tools/ci_tests.py COMMAND...     a command that runs pytest, such as make test WHAT=--ci

Tests that run side by side on a busy machine can fail by what a change did not break. What fails
is therefore run again, by itself. A test that passes then was *repeated*: it is named at the end of
the output, and belongs into ``tests/repeated.txt`` until somebody has mended it. One that is named
there already fails the run: it came back.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
KNOWN = ROOT / "tests" / "repeated.txt"


def failed() -> list[str]:
    """Return the tests that failed last."""
    return sorted(json.loads(FAILED.read_text("utf-8"))) if FAILED.exists() else []


def known() -> set[str]:
    """Return the tests that were repeated before."""
    lines = KNOWN.read_text("utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def main() -> int:
    """Run it, and return the exit status."""
    command = sys.argv[1:]
    FAILED.unlink(missing_ok=True)
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    again = failed()
    if not status or not again:
        # A run that ended for another reason has nothing to repeat.
        return status
    print(f"\n{len(again)} failed and run again:", *again, sep="\n  ", flush=True)
    only = {**os.environ, "PYTEST_ADDOPTS": "--last-failed --last-failed-no-failures=none"}
    status = subprocess.run(command, cwd=ROOT, env=only, check=False).returncode
    passed = sorted(set(again) - set(failed())) if status in {0, 1, 2} else []
    back = [name for name in passed if name in known()]
    for title, names in (
        (f"REPEATED, to be mended; until then name them in {KNOWN.relative_to(ROOT)}:", passed),
        ("CAME BACK, which fails this run:", back),
    ):
        if names:
            print(f"\n{title}", *names, sep="\n  ", flush=True)
    return status or bool(back)


if __name__ == "__main__":
    sys.exit(main())
