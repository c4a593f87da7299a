#!/usr/bin/env python3
"""Measures lyrikstore next to a named floor, in the same run, on this machine.

    python benchmarks/run.py                  tables
    python benchmarks/run.py --json           the same as JSON
    python benchmarks/run.py --write-docs     the same into docs/performance.md
    python benchmarks/run.py --only commit startup

Every measured command is a process of its own with a fresh HOME; the figure is the median of
``--repeat`` runs, with the range beside it. The exit code is 1 if a limit is broken.
"""

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "performance.md"
FLOOR = HERE / "floor.py"
FILES, MEAN_BYTES, MANY = 2_600, 7_000, 20_000
NAME = "bench/corpus"
PACKAGES = ("blake3", "zstandard", "cryptography", "pynacl", "rfc8785", "click", "rich")
WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "or",
    "any",
    "licence",
    "software",
    "copy",
    "right",
    "party",
    "terms",
    "work",
    "agreement",
    "grant",
    "shall",
    "such",
    "conditions",
    "notice",
    "liability",
    "warranty",
    "distribute",
    "modify",
    "use",
    "source",
    "code",
    "provided",
    "without",
    "limitation",
    "damages",
    "copyright",
    "holder",
    "permission",
    "granted",
    "hereby",
    "redistributions",
    "must",
    "retain",
]


@dataclass(frozen=True)
class Sample:
    """What one process took."""

    wall: float
    cpu: float
    peak: int
    out: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Row:
    """One line of the table: a measurement, its floor and, where there is one, its limit."""

    group: str
    what: str
    unit: str
    value: float
    low: float
    high: float
    floor_name: str = ""
    floor: float | None = None
    limit: float | None = None
    at_least: bool = False
    judged: str = "value"

    @property
    def ratio(self) -> float | None:
        """The measurement divided by its floor."""
        return self.value / self.floor if self.floor else None

    @property
    def held(self) -> bool:
        """Whether the limit, if there is one, is kept."""
        found = self.ratio if self.judged == "ratio" else self.value
        if self.limit is None or found is None:
            return True
        return found >= self.limit if self.at_least else found <= self.limit


class Person:
    """A fresh HOME with a key and, after :meth:`store`, an empty store."""

    def __init__(self, base: Path) -> None:
        self.home = base / "home"
        self.home.mkdir(parents=True)
        self.base = base
        self.folder = base
        self.run("key", "new", "--no-passphrase")

    def store(self, name: str) -> None:
        """Make an empty store in a folder of its own and work there from now on."""
        self.folder = self.base / name
        self.folder.mkdir()
        self.run("init")

    def run(self, *arguments: object) -> Sample:
        """Run a lyrikstore command that must succeed."""
        return process(
            [sys.executable, "-m", "lyrikstore_cli", *map(str, arguments)],
            cwd=self.folder,
            home=self.home,
        )


def process(arguments: Sequence[str], *, cwd: Path, home: Path | None = None) -> Sample:
    """Run a process to its end and return what it took; a failure ends the benchmark."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    environment = {**kept, "HOME": str(home or cwd), "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        child = subprocess.Popen(
            arguments, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode:
            sys.exit(f"{' '.join(arguments)}: exit {child.returncode}\n{err.read().decode()}")
        return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, out.read())


def make_corpus(folder: Path, files: int) -> int:
    """Write ``files`` texts, the same on every machine, and return their bytes together."""
    chance = random.Random(20261124)
    total = 0
    for number in range(files):
        size = min(200_000, int(MEAN_BYTES * chance.lognormvariate(-0.5, 1.0)))
        words = []
        length = 0
        while length < size:
            word = chance.choice(WORDS) if chance.random() < 0.9 else f"{chance.getrandbits(40):x}"
            words.append(word)
            length += len(word) + 1
        data = (" ".join(words) + "\n").encode()
        path = folder / f"{number % 40:02d}" / f"text-{number:05d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        total += len(data)
    return total


def make_sheet(path: Path, corpus: Path) -> None:
    """Write an XLSX sheet with a row of eight columns for each file of ``corpus``."""
    import openpyxl

    chance = random.Random(20261125)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("files")
    sheet.append(["path", *(f"column {number}" for number in range(8))])
    for file in sorted(corpus.rglob("*.txt")):
        cells = [" ".join(chance.choices(WORDS, k=3)) for _ in range(8)]
        sheet.append([str(file.relative_to(corpus)), *cells])
    book.save(path)


def floor(task: str, *arguments: object, repeat: int, cwd: Path) -> list[Sample]:
    """Run a task of ``floor.py`` in processes of its own."""
    command = [sys.executable, str(FLOOR), task, *map(str, arguments)]
    return [process(command, cwd=cwd) for _ in range(repeat)]


def row(group: str, what: str, unit: str, values: Sequence[float], **more: object) -> Row:
    """Return a row from repeated values: median and range."""
    return Row(group, what, unit, statistics.median(values), min(values), max(values), **more)  # type: ignore[arg-type]


def measure_store(base: Path, repeat: int) -> list[Row]:
    """Commit, unchanged re-commit and verify of a corpus of small files."""
    corpus = base / "corpus"
    size = make_corpus(corpus, FILES)
    sheet = base / "sheet.xlsx"
    make_sheet(sheet, corpus)
    time.sleep(2.5)  # younger files are "racy" and would rightly be read again
    hashing = statistics.median(s.wall for s in floor("hash", corpus, repeat=repeat, cwd=base))
    first, again, check, reading = [], [], [], []
    first_sheet, again_sheet = [], []
    for number in range(repeat):
        person = Person(base / f"person-{number}")
        person.store("store")
        first.append(person.run("commit", corpus, "-d", NAME))
        again.append(person.run("commit", corpus, "-d", NAME))
        check.append(person.run("verify"))
        with_sheet = ("commit", corpus, "-d", "bench/sheet", "--metadata", sheet)
        other = Person(base / f"other-{number}")
        other.store("store")
        first_sheet.append(other.run(*with_sheet))
        again_sheet.append(other.run(*with_sheet))
        reading += floor("hash", person.folder / ".lyrikstore", repeat=1, cwd=base)
    text = f"{FILES:,} files, {size / 1e6:.1f} MB"
    walls = [s.wall for s in first]
    median = statistics.median(walls)
    read = statistics.median(s.wall for s in reading)
    by_hashing = {"floor_name": "Python reads and hashes the files", "floor": hashing}
    return [
        row("commit", f"first commit ({text})", "s", walls, **by_hashing),
        row(
            "commit",
            "commit again, unchanged",
            "s",
            [s.wall for s in again],
            floor_name="the first commit",
            floor=median,
        ),
        row("commit", "first commit with an XLSX sheet", "s", [s.wall for s in first_sheet]),
        row(
            "commit",
            "commit again with its sheet, unchanged",
            "s",
            [s.wall for s in again_sheet],
            floor_name="the first with its sheet",
            floor=statistics.median(s.wall for s in first_sheet),
            limit=0.25,
            judged="ratio",
        ),
        row(
            "verify",
            f"verify the store ({text})",
            "s",
            [s.wall for s in check],
            floor_name="Python reads and hashes the store's files",
            floor=read,
        ),
    ]


def measure_memory(base: Path, repeat: int) -> list[Row]:
    """Peak memory of commit and verify at two sizes."""
    del repeat  # a peak hardly varies, and 20,000 files take their time
    rows = []
    idle = process([sys.executable, "-c", "pass"], cwd=base).peak / 1e6
    for files in (FILES, MANY):
        corpus = base / f"corpus-{files}"
        size = make_corpus(corpus, files)
        person = Person(base / f"person-{files}")
        person.store("store")
        commit = person.run("commit", corpus, "-d", NAME)
        check = person.run("verify")
        text = f"{files:,} files, {size / 1e6:.0f} MB"
        for what, sample in (("commit", commit), ("verify", check)):
            name = {"floor_name": "an idle Python", "floor": idle}
            rows.append(row("memory", f"{what}, {text}", "MB", [sample.peak / 1e6], **name))
            rows.append(row("memory", f"{what}, {text}: time", "s", [sample.wall]))
        shutil.rmtree(corpus)
    return rows


def measure_credentials(base: Path, repeat: int) -> list[Row]:
    """Credentials issued and verified per second, in one thread."""
    rates: dict[str, list[float]] = {}
    for sample in floor("credentials", base, repeat=repeat, cwd=base):
        for name, rate in json.loads(sample.out).items():
            rates.setdefault(name, []).append(rate)
    rows = []
    for name, peer in (("issue", "sign"), ("verify", "check")):
        named = f"rfc8785, SHA-256 and PyNaCl {peer} the same document"
        rows.append(
            row(
                "credentials",
                f"{name} a dataset credential",
                "per s",
                rates[name],
                floor_name=named,
                floor=statistics.median(rates[peer]),
            )
        )
    return rows


def measure_startup(base: Path, repeat: int) -> list[Row]:
    """How long the program takes to say anything."""
    runs = max(repeat, 7)

    def times(*arguments: str) -> list[float]:
        command = [sys.executable, *arguments]
        process(command, cwd=base)  # once, so that byte code and page cache are there
        return [1000 * process(command, cwd=base).wall for _ in range(runs)]

    idle = statistics.median(times("-c", ""))
    named = {"floor_name": "python -c ''", "floor": idle}
    return [
        row(
            "startup",
            "lyrikstore --help",
            "ms",
            times("-m", "lyrikstore_cli", "--help"),
            limit=150.0,
            **named,
        ),
        row("startup", "import lyrikstore", "ms", times("-c", "import lyrikstore"), **named),
    ]


MEASURES: dict[str, Callable[[Path, int], list[Row]]] = {
    "startup": measure_startup,
    "commit": measure_store,
    "credentials": measure_credentials,
    "memory": measure_memory,
}


def machine() -> dict[str, str]:
    """Return what the figures depend on: when, what, on which class of machine."""
    from lyrikstore import __version__

    processor = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[1]
    return {
        "load": f"{load:.1f}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "lyrikstore": __version__,
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "machine": f"{os.cpu_count()} cores of {processor}, {memory:.0f} GiB, {platform.system()}",
    }


def number(value: float) -> str:
    """Write a number with three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cells(item: Row) -> list[str]:
    """Return the cells of a row."""
    ratio = item.ratio
    spread = "" if item.low == item.high else f" ({number(item.low)} to {number(item.high)})"
    limit = ""
    if item.limit is not None:
        unit = "× floor" if item.judged == "ratio" else item.unit
        word = "≥" if item.at_least else "≤"
        limit = f"{word} {item.limit:g} {unit}: {'kept' if item.held else 'BROKEN'}"
    return [
        item.what,
        f"{number(item.value)} {item.unit}{spread}",
        item.floor_name,
        f"{number(item.floor)} {item.unit}" if item.floor else "",
        f"{number(ratio)} ×" if ratio else "",
        limit,
    ]


HEAD = ["measured", "median (range)", "floor", "of the floor", "ratio", "limit"]


def markdown(rows: Sequence[Row], facts: dict[str, str], repeat: int) -> str:
    """Return the page for ``docs/performance.md``."""
    lines = [
        "# Performance",
        "",
        "Written by `python benchmarks/run.py --write-docs`; do not edit.",
        "",
        f"Measured on {facts['date']} with lyrikstore {facts['lyrikstore']} and Python",
        f"{facts['python']} ({facts['packages']}),",
        f"on {facts['machine']}; load average {facts['load']}, the benchmark included.",
        f"Each command ran as a process of its own, {repeat} times, with a warm page cache; every",
        "figure stands next to a floor measured in the same run, because figures of two machines",
        "cannot be compared, but ratios can.",
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{' --- |' * len(HEAD)}",
        *(f"| {' | '.join(cells(item))} |" for item in rows),
        "",
        "What the floors leave out: the floor of `commit` reads and hashes the same files, but",
        "stores, compresses, syncs and signs nothing; the floor of `verify` hashes the files of",
        "the store, but unpacks nothing and checks no signature; the floor of credentials makes or",
        "checks one signature over the same document, but knows no profile, schema, period or",
        "trust. Memory is the peak resident size of the whole process, the interpreter included.",
        "",
    ]
    return "\n".join(lines)


def table(rows: Sequence[Row]) -> str:
    """Return a table for the terminal."""
    body = [HEAD, *(cells(item) for item in rows)]
    widths = [max(len(line[column]) for line in body) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in body
    )


def main() -> int:
    """Measure, report, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write-docs", action="store_true", help=f"write {DOCS.name}")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), help="measure only these")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each command (default 3)")
    options = parser.parse_args()
    if options.write_docs and options.only:
        parser.error("--write-docs needs every measurement")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="lyrikstore-benchmark-") as folder:
        for name in options.only or MEASURES:
            sys.stderr.write(f"measuring {name}\n")
            base = Path(folder) / name
            base.mkdir()
            rows += MEASURES[name](base, options.repeat)
    facts = machine()
    if options.json:
        found = [{**asdict(item), "ratio": item.ratio, "held": item.held} for item in rows]
        print(json.dumps({"facts": facts, "repeat": options.repeat, "rows": found}, indent=2))
    else:
        print(table(rows))
    if options.write_docs:
        DOCS.write_text(markdown(rows, facts, options.repeat), "utf-8")
        sys.stderr.write(f"wrote {DOCS}\n")
    return 0 if all(item.held for item in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
