"""The work that every tool does in turn: docs, shards, versions."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from attic import Attic
from figures import OURS, Figure, Figures
from measure import Sample, copy, drop_caches, must, run, same, stored, warm
from peers import TOOLS, Desk, Tool

HERE = Path(__file__).resolve().parent
RACY = 2.5  # files changed less than this ago would rightly be read again
MODES = ("scattered", "clustered")


@dataclass(frozen=True)
class Plan:
    """How a run goes.

    Attributes:
        work: Folder for everything; corpora stay in ``corpora`` below it.
        repeat: Runs of each operation; fewer once ``budget`` seconds went into it.
        limit: Seconds after which a command is killed.
        cold: Empty the page cache before every command.
        everywhere: Run every tool on every corpus.
    """

    work: Path
    found: dict[str, tuple[Path, str]]
    scale: float = 1.0
    repeat: int = 3
    budget: float = 12.0
    limit: float = 150.0
    cold: bool = False
    everywhere: bool = False

    @cached_property
    def attic(self) -> Attic:
        """Where goes what is not needed any more."""
        return Attic(self.work)

    def corpus(self, *names: str, count: int = 0) -> list[Path]:
        """Return the paths of corpora, made if need be.

        In a process of its own: the memory of whoever starts a command counts as the command's.
        """
        folder = self.work / "corpora"
        command = [sys.executable, str(HERE / "corpora.py"), *names, "--folder", str(folder)]
        command += ["--scale", str(self.scale), "--count", str(count)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            sys.exit(done.returncode)
        return [Path(line) for line in done.stdout.splitlines()]

    def tools(self, corpus: str) -> list[Tool]:
        """Return the tools that are to run on a corpus, ours first."""
        chosen = [tool for tool in TOOLS if self.everywhere or corpus in tool.corpora]
        return [tool for tool in chosen if tool.name in self.found]


class Turn:
    """One tool's turn on one corpus."""

    def __init__(self, plan: Plan, corpus: str, tool: Tool, figures: Figures) -> None:
        self.plan = plan
        self.corpus = corpus
        self.tool = tool
        self.figures = figures
        self.desk = Desk(
            tool, plan.work / f"{corpus}-{tool.name.split(',')[0]}", plan.found[tool.name][0]
        )
        self._label = 0

    def fresh(self, source: Path | None) -> None:
        """Start from nothing: a new working copy of ``source`` and an empty store."""
        desk = self.desk
        if source is not None and (self.tool.touches or not desk.tree.exists()):
            self.plan.attic.put(desk.base)
            desk.tree.mkdir(parents=True)
            copy(source, desk.tree / "data", linked=not self.tool.touches)
            warm(desk.tree)
        for place in (desk.store, desk.base / "home", desk.base / "cache"):
            self.plan.attic.put(place)
        for place in (desk.base / "home", desk.base / "cache"):
            place.mkdir(parents=True)
        must(desk.line("init"), cwd=desk.tree, env=desk.env)

    def prepare(self, operation: str) -> bool:
        """Run a line that is not measured, and say whether it went well."""
        line = self.desk.line(operation)
        made = run(line or "true", cwd=self.desk.tree, env=self.desk.env)
        if made.code:
            sys.stderr.write(f"  {self.tool.name} {operation}: exit {made.code} {made.err}\n")
        return made.code == 0

    def once(self, operation: str) -> Sample:
        """Run an operation's line once."""
        self._label += 1
        env = {**self.desk.env, "V": f"v{self._label}"}
        if self.plan.cold:
            drop_caches()
        line = self.desk.line(operation)
        return run(line, cwd=self.desk.tree, env=env, limit=self.plan.limit)

    def measure(
        self,
        operation: str,
        name: str = "",
        *,
        before: Callable[[], object] | None = None,
        times: int = 0,
    ) -> Figure | None:
        """Measure an operation, as often as the plan says, if the tool has it."""
        if not self.desk.line(operation):
            return None
        figure = Figure(self.corpus, self.tool.name, name or operation)
        begin = 0.0
        for _ in range(times or self.plan.repeat):
            if before is not None:
                before()
            sample = self.once(operation)
            if sample.code:
                figure.note = f"exit {sample.code}"
                last = sample.err.strip().splitlines()[-1:] or [""]
                sys.stderr.write(
                    f"  {self.tool.name} {figure.operation}: {sample.code} {last[0]}\n"
                )
                figure.samples = []
                break
            figure.samples.append(sample)
            begin += sample.wall
            if begin > self.plan.budget and self.tool.name != OURS and not times:
                break
        return self.figures.add(figure)

    def weigh(self, name: str = "bytes") -> None:
        """Note the size of the store."""
        if not self.desk.holds:
            return
        size, files = stored(*self.desk.holds)
        self.figures.add(Figure(self.corpus, self.tool.name, name, bytes=size, files=files))

    def checkout(self, source: Path) -> None:
        """Measure the checkout, and compare what it wrote with the source."""
        out = self.desk.base / "out"
        figure = self.measure("checkout", before=lambda: self.plan.attic.put(out))
        if figure and figure.samples and not same(source, out / "data"):
            figure.samples, figure.note = [], "differs from the source"
        self.plan.attic.put(out)

    def push(self) -> None:
        """Measure the push to an empty folder."""
        numbers = iter(range(100))

        def new_remote() -> None:
            name = f"r{next(numbers)}"
            remote = self.desk.base / name
            remote.mkdir()
            self.desk.env |= {"REMOTE": str(remote), "R": name}
            self.prepare("push_init")

        self.measure("push", before=new_remote)
        for number in range(next(numbers)):
            self.plan.attic.put(self.desk.base / f"r{number}")


def docs(plan: Plan, figures: Figures) -> None:
    """Fifty thousand small files."""
    (source,) = plan.corpus("docs")
    for turn in _turns(plan, "docs", figures):
        _whole(turn, source)
        if turn.tool.name == OURS:
            _one_changed(turn)
        if turn.tool.status:
            command = [sys.executable, str(HERE / "corpora.py"), "amend"]
            must(
                [*command, "--folder", str(turn.desk.tree / "data")],
                cwd=HERE,
                env=turn.desk.env,
            )
            turn.measure("commit", "commit of version 2", times=1)
            turn.weigh("bytes with version 2")


def shards(plan: Plan, figures: Figures) -> None:
    """Eight shards and a checkpoint."""
    (source,) = plan.corpus("shards")
    for turn in _turns(plan, "shards", figures):
        _whole(turn, source)


def versions(plan: Plan, figures: Figures) -> None:
    """Five versions of one shard, with scattered and with clustered edits."""
    paths = plan.corpus("versions")
    for number, mode in enumerate(MODES):
        files = [paths[0], *paths[1 + 4 * number : 5 + 4 * number]]
        whole = sum(path.stat().st_size for path in files)
        figures.add(Figure(mode, "whole files", "bytes", bytes=whole, files=len(files)))
        for turn in _turns(plan, mode, figures):
            _grow(turn, files)


WORK: dict[str, Callable[[Plan, Figures], None]] = {
    "docs": docs,
    "shards": shards,
    "versions": versions,
}


def _turns(plan: Plan, corpus: str, figures: Figures) -> Iterator[Turn]:
    for tool in plan.tools("versions" if corpus in MODES else corpus):
        begin = time.perf_counter()
        turn = Turn(plan, corpus, tool, figures)
        plan.attic.put(turn.desk.base)
        plan.attic.rest()
        yield turn
        plan.attic.put(turn.desk.base)
        seconds = time.perf_counter() - begin
        sys.stderr.write(f"{corpus}: {tool.name} ({seconds:.0f} s)\n")


def _whole(turn: Turn, source: Path) -> None:
    made = turn.measure("commit", before=lambda: turn.fresh(source))
    if made is None or not made.samples:
        return
    turn.weigh()
    if turn.prepare("data_init"):
        turn.measure("data", "verify --data")
    turn.measure("status")
    turn.measure("verify")
    if turn.tool.checkout:
        turn.checkout(source)
    turn.push()


def _one_changed(turn: Turn) -> None:
    files = sorted((turn.desk.tree / "data").rglob("*.txt"))
    places = iter(range(0, len(files), max(1, len(files) // 16)))

    def change() -> None:
        path = files[next(places)]
        data = path.read_bytes()
        path.unlink()  # a hard link to the corpus
        path.write_bytes(data + b"One more line.\n")
        time.sleep(RACY)

    turn.measure("commit", "commit, one file changed", before=change)


def _grow(turn: Turn, files: list[Path]) -> None:
    data = turn.desk.tree / "data"
    first = turn.plan.work / "first"
    turn.plan.attic.put(first)
    first.mkdir()
    (first / "rows.jsonl").hardlink_to(files[0])
    made = turn.measure("commit", before=lambda: turn.fresh(first))
    turn.plan.attic.put(first)
    if made is None or not made.samples:
        return
    turn.weigh("bytes of the first")

    def next_version() -> None:
        path = later.pop(0)
        (data / "rows.jsonl").unlink()
        if turn.tool.touches:
            (data / "rows.jsonl").write_bytes(path.read_bytes())
        else:
            (data / "rows.jsonl").hardlink_to(path)

    later = list(files[1:])
    turn.measure("commit", "commit of the next", before=next_version, times=len(later))
    turn.weigh()
    turn.measure("verify")
    if turn.tool.checkout:
        turn.checkout(data)


def as_json(figure: Figure) -> dict[str, object]:
    """Return a figure for the JSON output."""
    runs = [{"wall": s.wall, "cpu": s.cpu, "peak": s.peak, "pace": s.pace} for s in figure.samples]
    fields = {name: getattr(figure, name) for name in ("corpus", "tool", "operation")}
    return json.loads(
        json.dumps(
            {
                **fields,
                "value": figure.value,
                "bytes": figure.bytes,
                "files": figure.files,
                "note": figure.note,
                "runs": runs,
            }
        )
    )
