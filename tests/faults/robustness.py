"""Tries to make a store lose, hide or spoil something, and prints what survived.

    python -m tests.faults.robustness                          the full matrix, as a table
    python -m tests.faults.robustness --quick                  a subset, a few minutes
    python -m tests.faults.robustness --only kill signals      some scenarios
    python -m tests.faults.robustness --only kill --part push  of one command
    python -m tests.faults.robustness --every 1                let every call fail, not every third

Needs Debian's strace, and for power loss, full disks and other users: root, e2fsprogs and
xfsprogs. What cannot run is listed with the reason. The exit code is 1 if something did not
survive, and 5 if nothing could run. ``test_robustness.py`` runs the same, scenario by scenario.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.robust.models import MODELS
from tests.faults.robust.outcome import Row, UnavailableError, joined, text
from tests.faults.robust.signing import WORKS
from tests.faults.robust.work import MANY_FILES, MOVING
from tests.faults.scenarios import (
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

EVERY = 3
# Thousands of files are written and removed: a disk would take ten times as long, and every
# fault here is injected, except those of `disks`, which bring their own file systems.
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())


@dataclass(frozen=True)
class Scenario:
    """What is done to a store.

    Attributes:
        run: Gets a folder, the name of a part where there are parts, and ``quick``; returns rows.
        parts: What may run apart.
        quick: The parts of a quick run; all of them if there is none.
        sweeps: It goes through the system calls, and gets ``every`` as well.
    """

    run: Callable[..., list[Row]]
    parts: Sequence[str] = ("",)
    quick: Sequence[str] = ()
    sweeps: bool = False


SCENARIOS = {
    "kill": Scenario(kills.kill, tuple(WORKS), ("commit", MANY_FILES, "filter", "push", "gc")),
    "kill-worker": Scenario(kills.kill_worker),
    "signals": Scenario(kills.polite, tuple(kills.POLITE)),
    "call-fails": Scenario(calls.refused, tuple(WORKS), ("commit", "push"), sweeps=True),
    "call-kills": Scenario(calls.killed, calls.WRITING, ("commit", "push"), sweeps=True),
    "loading": Scenario(loading.unreadable, tuple(MOVING), ("commit", "push")),
    "full-disk": Scenario(disks.full, ("store", "HOME")),
    "small-disk": Scenario(disks.small, (*calls.WRITING, "checkout")),
    "power-loss": Scenario(disks.power, disks.SYSTEMS, ("ext4", "xfs")),
    "read-only": Scenario(disks.read_only),
    "damage": Scenario(damage.damaged, tuple(damage.NAMED)),
    "damaged-remote": Scenario(copies.damaged_remote),
    "repair": Scenario(copies.repaired),
    "delivery": Scenario(copies.delivered),
    "rollback": Scenario(damage.rolled_back),
    "writers": Scenario(writers.parallel, writers.WHERE),
    "crowd": Scenario(writers.crowded),
    "sharing": Scenario(writers.sharing),
    "machines": Scenario(machines.together, machines.WHERE, ("folder",)),
    "names": Scenario(files.hostile),
    "shapes": Scenario(files.shapes),
    "moving": Scenario(files.moving),
    "limits": Scenario(limits.starved, tuple(WORKS), ("commit",)),
    "streams": Scenario(limits.streams, tuple(WORKS), ("commit",)),
    "surroundings": Scenario(limits.surroundings),
    "model-kill": Scenario(kills.kill, tuple(MODELS), ("card",)),
    "model-call-fails": Scenario(calls.refused, tuple(MODELS), ("card",), sweeps=True),
    "model-call-kills": Scenario(calls.killed, ("card",), sweeps=True),
    "model-limits": Scenario(limits.starved, limits.OF_MODELS, ("card",)),
    "serve": Scenario(serving.badly),
    "cluster": Scenario(cluster.spread, cluster.SHARED, ("commit",)),
}


def run(name: str, part: str, base: Path, *, quick: bool, every: int = EVERY) -> list[Row]:
    """Run a part of a scenario in ``base``, a folder to make and to remove."""
    scenario = SCENARIOS[name]
    more = {"every": every} if scenario.sweeps else {}
    base.mkdir(parents=True)
    try:
        return scenario.run(base, *filter(None, [part]), quick=quick, **more)
    except UnavailableError as reason:
        return [Row(f"{name} {part}".strip(), skipped=str(reason))]
    finally:
        shutil.rmtree(base, ignore_errors=True)


def main() -> int:
    """Run, report, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a subset, a few minutes")
    parser.add_argument(
        "--every",
        type=int,
        default=EVERY,
        metavar="N",
        help=f"let every N-th call fail (default: {EVERY})",
    )
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), help="run only these")
    parser.add_argument("--part", nargs="+", metavar="COMMAND", help="of these only some parts")
    parser.add_argument("--folder", type=Path, help=f"where to work (default: {MEMORY})")
    options = parser.parse_args()
    # In a shell's background it is ignored, and would be in every command that is interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or what is mounted would stay
    sys.setrecursionlimit(20_000)  # folders are hundreds of levels deep
    if options.every < 1:
        parser.error("--every takes a number from 1")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(
        prefix="lyrikstore-robust-", dir=options.folder or MEMORY
    ) as folder:
        Path(folder).chmod(0o755)
        for name in options.only or SCENARIOS:
            scenario = SCENARIOS[name]
            parts = scenario.quick if options.quick and scenario.quick else scenario.parts
            for part in parts:
                if not options.part or part in options.part:
                    base = Path(folder) / "part"
                    rows += run(name, part, base, quick=options.quick, every=options.every)
    rows = joined(rows)
    print(text(rows))
    if all(row.skipped for row in rows):
        return 5
    return 0 if all(row.held for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
