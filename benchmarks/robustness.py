#!/usr/bin/env python3
"""Tries to make a store lose, hide or spoil something, and prints what survived.

    python benchmarks/robustness.py                  the full matrix, as a table
    python benchmarks/robustness.py --quick          a subset, a few minutes
    python benchmarks/robustness.py --only kill      some scenarios
    python benchmarks/robustness.py --json           the same as JSON
    python benchmarks/robustness.py --every 1        let every call fail, not every third one
    python benchmarks/robustness.py --write-docs     the full matrix into docs/robustness.md
    python benchmarks/robustness.py --only serve --write-docs
                                                     these rows anew, the others stay; the page
                                                     says of which run and commit each row is
    python benchmarks/robustness.py --only call-fails --part commit push --write-docs
                                                     these commands of these rows
    python benchmarks/robustness.py --only --write-docs
                                                     no row anew, only the page
    python benchmarks/robustness.py --resume FOLDER  keep results, run only what FOLDER lacks;
                                                     several at once share the work

Needs Debian's strace, and for power loss, full disks and other users: root, e2fsprogs and
xfsprogs. What cannot run is listed with the reason. The exit code is 1 if a target is missed.
"""

import argparse
import fcntl
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from robust import (
    calls,
    cluster,
    copies,
    damage,
    disks,
    files,
    kills,
    limits,
    loading,
    machines,
    serving,
    writers,
)
from robust.evidence import WORKS
from robust.models import MODELS
from robust.table import Row, UnavailableError, joined, markdown, text, total
from robust.work import MOVING

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "robustness.md"
KEPT = HERE / "robust" / "rows.json"
"""What the page was made from, a row a line: rows that are not run again stay."""
EVERY = 3
COMMAND = "python benchmarks/robustness.py"
# Thousands of files are written and removed: a disk would take ten times as long, and every
# fault here is injected, except those of `disks`, which bring their own file systems.
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())


@dataclass(frozen=True)
class Scenario:
    """What is done to a store.

    Attributes:
        run: Gets a folder, the name of a part where there are parts, and ``quick``; returns rows.
        parts: What may run apart, and in several processes.
        sweeps: It goes through the system calls, and gets ``every`` as well.
    """

    run: Callable[..., list[Row]]
    parts: Sequence[str] = ("",)
    sweeps: bool = False


SCENARIOS = {
    "kill": Scenario(kills.kill, tuple(WORKS)),
    "kill-worker": Scenario(kills.kill_worker),
    "signals": Scenario(kills.polite, tuple(kills.POLITE)),
    "call-fails": Scenario(calls.refused, tuple(WORKS), sweeps=True),
    "call-kills": Scenario(calls.killed, calls.WRITING, sweeps=True),
    "loading": Scenario(loading.unreadable, tuple(MOVING)),
    "full-disk": Scenario(disks.full, ("store", "HOME")),
    "small-disk": Scenario(disks.small, (*calls.WRITING, "checkout")),
    "power-loss": Scenario(disks.power, disks.SYSTEMS),
    "read-only": Scenario(disks.read_only),
    "damage": Scenario(damage.damaged, tuple(damage.NAMED)),
    "damaged-remote": Scenario(copies.damaged_remote),
    "repair": Scenario(copies.repaired),
    "delivery": Scenario(copies.delivered),
    "rollback": Scenario(damage.rolled_back),
    "writers": Scenario(writers.parallel, writers.WHERE),
    "crowd": Scenario(writers.crowded),
    "sharing": Scenario(writers.sharing),
    "machines": Scenario(machines.together, machines.WHERE),
    "names": Scenario(files.hostile),
    "shapes": Scenario(files.shapes),
    "moving": Scenario(files.moving),
    "limits": Scenario(limits.starved, tuple(WORKS)),
    "streams": Scenario(limits.streams, tuple(WORKS)),
    "surroundings": Scenario(limits.surroundings),
    "model-kill": Scenario(kills.kill, tuple(MODELS)),
    "model-call-fails": Scenario(calls.refused, tuple(MODELS), sweeps=True),
    "model-call-kills": Scenario(calls.killed, ("card",), sweeps=True),
    "model-limits": Scenario(limits.starved, limits.OF_MODELS),
    "serve": Scenario(serving.badly),
    "cluster": Scenario(cluster.spread, cluster.SHARED),
}


def conditions(every: int, *, quick: bool) -> str:
    """Return what a row depends on beside the commit: when, with what, where."""
    from lyrikstore import __version__

    def said(*command: str) -> str:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)
        except OSError:
            return ""
        return (done.stdout or done.stderr).splitlines()[0] if done.returncode == 0 else ""

    tools = [said("strace", "--version").replace(" -- version", ""), said("xfs_io", "-V")]
    return ", ".join(
        [
            datetime.now(UTC).strftime("%Y-%m-%d"),
            f"--every {every}{' --quick' * quick}",
            f"lyrikstore {__version__}",
            f"Python {platform.python_version()}",
            *filter(None, tools),
            f"{os.cpu_count()} cores",
            f"{platform.system()} {platform.release()}",
            f"user id {os.getuid()}",
        ]
    )


def commit() -> str:
    """Return the commit that runs, with a + where the program itself was changed since."""

    def said(*command: str) -> str:
        done = subprocess.run(
            ["git", *command], capture_output=True, text=True, check=False, cwd=HERE.parent
        )
        return done.stdout.strip()

    changed = said("status", "--porcelain", "--", "lyrikstore", "cli")
    return (said("rev-parse", "--short=10", "HEAD") or "no commit") + "+" * bool(changed)


@dataclass(frozen=True)
class Part:
    """A part of a scenario, and where its result is kept.

    Attributes:
        scenario: The name of the scenario.
        name: The name of the part; empty where there is one only.
        quick: Fewer tries.
        every: How many calls of a kind there are to one that fails.
        results: A folder. Several processes that are given the same share the work.
    """

    scenario: str
    name: str
    quick: bool
    every: int
    results: Path

    @property
    def title(self) -> str:
        """What the part is called."""
        return f"{self.scenario} {self.name}".strip()

    @property
    def path(self) -> Path:
        """The file of the result."""
        stem = re.sub("[^A-Za-z0-9]+", "-", self.title)
        stem += f"-{self.every}" * SCENARIOS[self.scenario].sweeps
        return self.results / f"{'quick-' * self.quick}{stem}.json"

    def read(self) -> list[Row] | None:
        """Return the result if it is there."""
        if not self.path.exists():
            return None
        return [Row.from_json(row) for row in json.loads(self.path.read_text("utf-8"))["rows"]]

    def work(self, base: Path, *, wait: bool) -> bool:
        """Run the part in ``base`` unless it was run before; return whether its result is there.

        Args:
            base: A folder to make and to remove.
            wait: If another process is at it, wait for that one.
        """
        with self.path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                return False
            if self.path.exists():
                return True
            begin, before = time.monotonic(), commit()
            rows = self._run(base)
            seconds = round(time.monotonic() - begin, 1)
            ran = conditions(self.every, quick=self.quick)
            commits = " ".join(dict.fromkeys((before, commit())))  # the tree may have moved on
            for row in rows:
                row.commit, row.option, row.ran = commits, self.scenario, ran
            record = {"seconds": seconds, "rows": [row.to_json() for row in rows]}
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(record, indent=2), "utf-8")
            new.replace(self.path)
        whole = total(rows)
        sys.stderr.write(f"{self.title}: {whole.survived} of {whole.tries}, {seconds:.0f} s\n")
        return True

    def _run(self, base: Path) -> list[Row]:
        base.mkdir(parents=True)
        scenario = SCENARIOS[self.scenario]
        more = {"every": self.every} if scenario.sweeps else {}
        try:
            return scenario.run(base, *filter(None, [self.name]), quick=self.quick, **more)
        except UnavailableError as reason:
            return [Row(self.title, skipped=str(reason))]
        finally:
            shutil.rmtree(base, ignore_errors=True)


def write_docs(new: list[Row], *, part: bool) -> None:
    """Write the page anew, with ``new`` in the place of the rows of the same scenarios.

    Args:
        new: The rows.
        part: They are not all of their scenarios: only rows of the same name go.
    """
    kept = [Row.from_json(row) for row in json.loads(KEPT.read_text("utf-8"))]
    ran = {row.option for row in new}
    fresh = {(row.option, row.scenario): row for row in new}
    known = [
        fresh.pop((row.option, row.scenario), row)
        for row in kept
        if part or row.option not in ran or (row.option, row.scenario) in fresh
    ]
    known += fresh.values()
    rows = [row for name in SCENARIOS for row in known if row.option == name]
    lines = (json.dumps(row.to_json(), ensure_ascii=False) for row in rows)
    KEPT.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")
    DOCS.write_text(markdown(rows, calls.faults(), f"{COMMAND} --write-docs"), "utf-8")
    sys.stderr.write(f"wrote {DOCS}\n")


def main() -> int:
    """Run, report, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="a subset, a few minutes")
    parser.add_argument("--write-docs", action="store_true", help=f"write {DOCS.name}")
    parser.add_argument(
        "--every",
        type=int,
        default=EVERY,
        metavar="N",
        help=f"let every N-th call fail (default: {EVERY})",
    )
    parser.add_argument("--only", nargs="*", choices=list(SCENARIOS), help="run only these")
    parser.add_argument("--part", nargs="+", metavar="COMMAND", help="of these only some parts")
    parser.add_argument("--folder", type=Path, help=f"where to work (default: {MEMORY})")
    parser.add_argument(
        "--resume", type=Path, metavar="FOLDER", help="keep results here, run what it lacks"
    )
    options = parser.parse_args()
    # In a shell's background it is ignored, and would be in every command that is interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or what is mounted would stay
    sys.setrecursionlimit(20_000)  # folders are hundreds of levels deep
    if options.every < 1:
        parser.error("--every takes a number from 1")
    with tempfile.TemporaryDirectory(
        prefix="lyrikstore-robust-", dir=options.folder or MEMORY
    ) as folder:
        Path(folder).chmod(0o755)
        results = options.resume or Path(folder) / "results"
        results.mkdir(parents=True, exist_ok=True)
        parts = [
            Part(name, part, options.quick, options.every, results)
            for name in (SCENARIOS if options.only is None else options.only)
            for part in SCENARIOS[name].parts
            if not options.part or part in options.part
        ]
        places = [Path(folder) / str(number) for number in range(len(parts))]
        left = [
            (part, place)
            for part, place in zip(parts, places, strict=True)
            if not part.work(place, wait=False)
        ]
        for part, place in left:
            part.work(place, wait=True)
        rows = joined(row for part in parts for row in part.read() or [])
    if options.json:
        print(json.dumps({"rows": [row.to_json() for row in rows]}, indent=2))
    else:
        print(text(rows))
    if options.write_docs:
        write_docs(rows, part=bool(options.part))
    return 0 if all(row.held for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
