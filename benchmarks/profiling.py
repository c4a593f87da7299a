"""Where the time of each command goes, against the least that each phase can take.

Nothing in the product knows of this: processor time is the kernel's, waiting for the disk is
counted by ``strace`` (fsync only, through seccomp, so that nothing else is slowed down), the main
process's functions by cProfile, and the phases are timed one by one by ``phases.py``.
"""

import json
import pstats
import re
import shutil
import statistics
import sys
from pathlib import Path

from figures import OURS, Figures
from measure import Sample, environment, must, run
from peers import TOOLS
from report import Table, number
from work import Plan, Turn

HERE = Path(__file__).resolve().parent
LEVEL, CHUNK = 1, 8192
STORING = ("start", "list", "read", "hash", "chunk", "compress", "write")
PHASES = {
    "commit": STORING,
    "commit again": ("start", "list"),
    "status": ("start", "list"),
    "verify": ("start", "read back", "decompress", "hash back"),
    "checkout": ("start", "read back", "decompress", "hash back", "write files"),
}
FUNCTIONS = 6


def profiles(base: Path, plan: Plan) -> list[Table]:
    """Return a table of phases and one of functions for docs and for shards."""
    tables = []
    for corpus in ("docs", "shards"):
        (source,) = plan.corpus(corpus)
        turn = Turn(plan, corpus, next(t for t in TOOLS if t.name == OURS), Figures())
        plan.attic.put(turn.desk.base)
        place = base / "floor"
        place.mkdir()
        floor = _floor(source, place)
        plan.attic.put(place)
        tables += _commands(turn, source, corpus, floor)
        plan.attic.put(turn.desk.base)
    return tables


def _floor(source: Path, place: Path) -> dict[str, float]:
    program = [sys.executable, str(HERE / "phases.py")]
    command = [*program, str(source), str(place), str(LEVEL), str(CHUNK)]
    found = dict(json.loads(must(command, cwd=place, env=environment(place)).out))
    idle = [sys.executable, "-m", "lyrikstore_cli", "--version"]
    starts = [must(idle, cwd=place, env=environment(place)).cpu for _ in range(3)]
    return {"start": statistics.median(starts), **found}


def _commands(turn: Turn, source: Path, corpus: str, floor: dict[str, float]) -> list[Table]:
    every = list(dict.fromkeys(phase for phases in PHASES.values() for phase in phases))
    lines = [["command", "wall s", "CPU s", *every, "the rest (CPU)", "fsync, wall"]]
    functions = [["command", "own time s", "calls", "function of the main process"]]
    out = turn.desk.base / "out"

    def before(command: str) -> None:
        if command == "commit":
            turn.fresh(source)
        turn.plan.attic.put(out)

    for command, phases in PHASES.items():
        operation = "commit" if command == "commit again" else command
        samples = []
        for _ in range(turn.plan.repeat):
            before(command)
            samples.append(turn.once(operation))
        if any(sample.code for sample in samples):
            lines.append([command, f"exit {samples[0].code}", *[""] * (len(every) + 3)])
            continue
        before(command)
        waited = _fsync(turn, operation)
        before(command)
        functions += [[command, *found] for found in _functions(turn, operation)]
        lines.append(_line(command, phases, every, samples, floor, waited))
    title = f"Profile, {corpus}: processor seconds against the floor of each phase"
    named = f"Profile, {corpus}: where the main process spends its own time (under cProfile)"
    return [(title, lines), (named, functions)]


def _line(
    command: str,
    phases: tuple[str, ...],
    every: list[str],
    samples: list[Sample],
    floor: dict[str, float],
    waited: str,
) -> list[str]:
    wall = statistics.median(sample.wall for sample in samples)
    cpu = statistics.median(sample.cpu for sample in samples)
    spent = [number(floor.get(phase, 0.0)) if phase in phases else "" for phase in every]
    rest = cpu - sum(floor.get(phase, 0.0) for phase in phases)
    return [command, number(wall), number(cpu), *spent, f"{rest:.2f}", waited]


def _fsync(turn: Turn, operation: str) -> str:
    if shutil.which("strace") is None:
        return "no strace"
    report = turn.desk.base / "strace"
    calls = "fsync,fdatasync,sync_file_range"
    line = turn.desk.line(operation).replace(
        "lyrikstore ",
        f"strace -f --seccomp-bpf -c -w -U total-time,calls,name -e trace={calls} "
        f"-o {report} lyrikstore ",
        1,
    )
    sample = run(line, cwd=turn.desk.tree, env={**turn.desk.env, "V": "traced"})
    if sample.code or not report.exists():
        return f"exit {sample.code}"
    found = re.findall(r"^\s*([\d.]+)\s+(\d+)\s+\w*sync", report.read_text(), re.MULTILINE)
    seconds = sum(float(value) for value, _ in found)
    return f"{seconds:.2f} s in {sum(int(count) for _, count in found)} calls"


def _functions(turn: Turn, operation: str) -> list[list[str]]:
    report = turn.desk.base / "profile"
    program = f"{sys.executable} {HERE / 'profiled.py'} {report} "
    line = turn.desk.line(operation).replace("lyrikstore ", program, 1)
    sample = run(line, cwd=turn.desk.tree, env={**turn.desk.env, "V": "profiled"})
    if sample.code or not report.exists():
        sys.exit(f"{operation} left no profile")
    stats = pstats.Stats(str(report)).stats  # type: ignore[attr-defined]
    ranked = sorted(stats.items(), key=lambda item: -item[1][2])[:FUNCTIONS]
    return [[number(own), f"{calls:,}", _name(*where)] for where, (_, calls, own, *_) in ranked]


def _name(file: str, line: int, function: str) -> str:
    del line
    inside = re.search(r".*/(lyrikstore(?:_cli)?/.*)\.py$", file)
    module = inside.group(1).replace("/", ".") if inside else Path(file).stem
    return function.strip("<>") if file == "~" else f"{module}.{function}"
