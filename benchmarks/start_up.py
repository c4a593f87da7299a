#!/usr/bin/env python3
"""Processor time of the commands that only look at a small store, most of which is starting.

    python benchmarks/start_up.py                     with the lyrikstore of this interpreter
    python benchmarks/start_up.py --before PYTHON     beside that of another one
    python benchmarks/start_up.py --write-docs

A store of 24 commits is asked, which are 50 log entries, and one that has a model. Milliseconds
are those of all processes of a command, the median of seven; the aim is twice those of
``lyrikstore --version`` and 60 more.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from measure import environment

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "internals" / "times.md"
MARK, END = "<!-- written by benchmarks/start_up.py -->", "<!-- end of start_up.py -->"
TRIES = 7
COMMITS = 24
"""Of two entries each: with the first of the store they are about 50."""
NAME = "bench/texts"
FROZEN = HERE.parent / "tests" / "compat" / "2026-12-01" / "store"
MODELS = ("--store", "models")
"""A copy of a store that has a trained model."""
COMMANDS = {
    "`lyrikstore --version`": ("--version",),
    "`status FOLDER`": ("status", "texts"),
    "`log`": ("log",),
    f"`log {NAME}`": ("log", NAME),
    f"`show {NAME}`": ("show", NAME),
    "`log CHECKPOINT`, with an evaluation": ("log", "checkpoints/acme/clauses", *MODELS),
    "`show CHECKPOINT`": ("show", "checkpoints/acme/clauses", *MODELS),
    "`show EVALUATION`": ("show", "evaluations/acme/clauses", *MODELS),
}
HEAD = ("command", "CPU-ms", "at most")


class Bench:
    """A key, a store of so many commits, and the folder that they are of."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.env = folder, environment(folder)
        self.do("key", "new", "--no-passphrase")
        self.do("init")
        shutil.copytree(FROZEN, folder / "models")
        (folder / "texts").mkdir()
        for number in range(COMMITS):
            (folder / "texts" / "a.txt").write_text(f"{number}\n", "utf-8")
            self.do("commit", "texts", "-d", NAME)

    def do(self, *arguments: str, python: str = sys.executable) -> float:
        """Run a command and return its processor milliseconds."""
        child = subprocess.Popen(
            [python, "-m", "lyrikstore_cli", *arguments],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{arguments}: exit {child.returncode}")
        return (usage.ru_utime + usage.ru_stime) * 1000


def table(python: str, bench: Bench) -> list[float]:
    """Return the milliseconds of one interpreter's lyrikstore, command by command."""
    for arguments in COMMANDS.values():
        bench.do(*arguments, python=python)  # compiles what is not compiled yet
    taken = [[bench.do(*one, python=python) for one in COMMANDS.values()] for _ in range(TRIES)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/ if asked; 1 if a command takes more than it may."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--before", metavar="PYTHON", default="")
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        now = table(sys.executable, bench)
        before = table(options.before, bench) if options.before else []
    limit = 2 * now[0] + 60
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    for at, title in enumerate(COMMANDS):
        cell = f"{before[at]:.0f} → {now[at]:.0f}" if before else f"{now[at]:.0f}"
        lines.append(f"| {title} | {cell} | {f'{limit:.0f}' if at else ''} |")
    sys.stdout.write("\n".join(lines) + "\n")
    if options.write_docs:
        kept, _, rest = DOCS.read_text("utf-8").partition(MARK)
        after = rest.partition(END)[2]
        about = (
            f"Made by `python benchmarks/start_up.py` on {datetime.now(UTC):%Y-%m-%d} "
            f"({platform.machine()}): processor milliseconds in a store of {COMMITS} commits, the "
            f"median of {TRIES}; at most twice those of `--version`, and 60."
        )
        DOCS.write_text("\n\n".join([kept.rstrip(), MARK, about, "\n".join(lines), END]) + after)
    return int(max(now[1:]) > limit)


if __name__ == "__main__":
    sys.exit(main())
