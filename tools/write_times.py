"""Write how long CI took, into ``tests/times.json``: what README and Makefile may say.

    python tools/write_times.py NAME=SECONDS...      what is not named stays as it was

``.ci/run`` does so at its end; whoever lands a change that makes it longer or shorter commits the
file of a run on two quiet cores.
"""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "tests" / "times.json"
SECONDS = ROOT / ".pytest_cache" / "v" / "lyrikstore" / "seconds"
"""What the tests of each folder took, as the last run of them left it (``tests/counts.py``)."""


def main() -> None:
    """Write the file, and print it."""
    found = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {"minutes": {}}
    taken = (one.partition("=") for one in sys.argv[1:])
    found["minutes"] |= {name: round(float(seconds) / 60, 1) for name, _, seconds in taken}
    found |= {"date": f"{datetime.now(UTC):%Y-%m-%d}", "cores": os.cpu_count()}
    found |= {"machine": platform.machine(), "python": platform.python_version()}
    if SECONDS.exists():
        found["secondsOfFolders"] = json.loads(SECONDS.read_text("utf-8"))
    text = json.dumps(found, indent=2, sort_keys=True) + "\n"
    FILE.write_text(text, "utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
