#!/usr/bin/env python3
"""Tries to make a store lose, hide or spoil something, and prints what survived.

    python benchmarks/robustness.py                  the full matrix, as a table
    python benchmarks/robustness.py --quick          a subset, under two minutes
    python benchmarks/robustness.py --only kill      some scenarios
    python benchmarks/robustness.py --json           the same as JSON
    python benchmarks/robustness.py --write-docs     the full matrix into docs/robustness.md
    python benchmarks/robustness.py --resume FILE    keep results, run only what FILE lacks

Needs Debian's strace, and for power loss, full disks and other users: root, e2fsprogs and
xfsprogs. What cannot run is listed with the reason. The exit code is 1 if a target is missed.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from robust import calls, damage, disks, files, kills, limits, writers
from robust.table import Row, UnavailableError, markdown, text

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "robustness.md"
COMMAND = "python benchmarks/robustness.py"
# Thousands of files are written and removed: a disk would take ten times as long, and every
# fault here is injected, except those of `disks`, which bring their own file systems.
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())

Scenario = Callable[..., list[Row]]
SCENARIOS: dict[str, Scenario] = {
    "kill": kills.kill,
    "kill-worker": kills.kill_worker,
    "signals": kills.polite,
    "call-fails": calls.refused,
    "call-kills": calls.killed,
    "full-disk": disks.full,
    "power-loss": disks.power,
    "read-only": disks.read_only,
    "damage": damage.damaged,
    "rollback": damage.rolled_back,
    "writers": writers.parallel,
    "names": files.hostile,
    "shapes": files.shapes,
    "moving": files.moving,
    "limits": limits.starved,
    "streams": limits.streams,
    "surroundings": limits.surroundings,
}


def machine() -> dict[str, str]:
    """Return what the table depends on: when, what, where."""
    from lyrikstore import __version__

    def said(*command: str) -> str:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)
        except OSError:
            return ""
        return (done.stdout or done.stderr).splitlines()[0] if done.returncode == 0 else ""

    tools = [said("strace", "--version").replace(" -- version", ""), said("xfs_io", "-V")]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "lyrikstore": __version__,
        "commit": said("git", "rev-parse", "--short=12", "HEAD") or "no commit",
        "python": platform.python_version(),
        "tools": ", ".join(tool for tool in tools if tool) or "no tools",
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"user id {os.getuid()}",
    }


def run(name: str, base: Path, *, quick: bool) -> list[Row]:
    """Run one scenario in a folder of its own and return its rows."""
    base.mkdir(parents=True)
    try:
        return SCENARIOS[name](base, quick=quick)
    except UnavailableError as reason:
        return [Row(name, skipped=str(reason))]
    finally:
        shutil.rmtree(base, ignore_errors=True)


def main() -> int:
    """Run, report, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="a subset, under two minutes")
    parser.add_argument("--write-docs", action="store_true", help=f"write {DOCS.name}")
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), help="run only these")
    parser.add_argument("--folder", type=Path, help=f"where to work (default: {MEMORY})")
    parser.add_argument("--resume", type=Path, help="keep the results here, scenario by scenario")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or what is mounted would stay
    sys.setrecursionlimit(20_000)  # folders are hundreds of levels deep
    if options.write_docs and options.only:
        parser.error("--write-docs needs every scenario")
    kept: dict[str, list[dict[str, object]]] = {}
    if options.resume and options.resume.exists():
        kept = json.loads(options.resume.read_text("utf-8"))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(
        prefix="lyrikstore-robust-", dir=options.folder or MEMORY
    ) as folder:
        Path(folder).chmod(0o755)
        for name in options.only or SCENARIOS:
            if name in kept:
                rows += map(Row.from_json, kept[name])
                continue
            begin = time.monotonic()
            sys.stderr.write(f"{name} … ")
            sys.stderr.flush()
            found = run(name, Path(folder) / name, quick=options.quick)
            rows += found
            if options.resume:
                kept[name] = [row.to_json() for row in found]
                options.resume.write_text(json.dumps(kept, indent=2), "utf-8")
            sys.stderr.write(
                f"{sum(row.survived for row in found)} of {sum(row.tries for row in found)}, "
                f"{time.monotonic() - begin:.0f} s\n"
            )
    facts = machine()
    if options.json:
        document = {"facts": facts, "rows": [row.to_json() for row in rows]}
        print(json.dumps(document, indent=2))
    else:
        print(text(rows))
    if options.write_docs:
        DOCS.write_text(
            markdown(rows, facts, f"{COMMAND}{' --quick' * options.quick} --write-docs"), "utf-8"
        )
        sys.stderr.write(f"wrote {DOCS}\n")
    return 0 if all(row.held for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
