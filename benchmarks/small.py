"""Start-up, credentials, small commits with a metadata sheet, and memory at many files."""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from figures import Bound
from measure import Sample, environment, must, warm
from work import RACY, Plan

HERE = Path(__file__).resolve().parent
FLOOR = HERE / "floor.py"
PEER = HERE.parent / "tests" / "interop" / "digitalbazaar"
FILES = 2_600
VERSIONS = 500
NAME = "bench/corpus"
MEMORY_LIMIT, MANY_LIMIT, GROWTH_LIMIT = 400.0, 1024.0, 1.2
FEW, MANY, MOST = 50_000, 500_000, 1_000_000


@dataclass(frozen=True)
class Row:
    """A measurement, its floor and, where there is one, its limit.

    Attributes:
        judged: What the limit is for: ``value`` or ``ratio`` at most, or ``least ratio``.
    """

    group: str
    what: str
    unit: str
    values: Sequence[float]
    floor_name: str = ""
    floor: float | None = None
    limit: float | None = None
    judged: str = "value"

    @property
    def value(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """The measurement divided by its floor."""
        return self.value / self.floor if self.floor else None

    @property
    def held(self) -> bool:
        """Whether the limit, if there is one, is kept."""
        found = self.value if self.judged == "value" else self.ratio
        if self.limit is None or found is None:
            return True
        return found >= self.limit if self.judged == "least ratio" else found <= self.limit


class Person:
    """A fresh HOME with a key, and an empty store."""

    def __init__(self, base: Path) -> None:
        self.folder = base / "work"
        self.folder.mkdir(parents=True)
        self.env = environment(base / "home")
        (base / "home").mkdir()
        self.run("key", "new", "--no-passphrase")
        self.run("init")

    def run(self, *arguments: object) -> Sample:
        """Run a lyrikstore command that must succeed."""
        command = [sys.executable, "-m", "lyrikstore_cli", *map(str, arguments)]
        return must(command, cwd=self.folder, env=self.env)


def startup(base: Path, plan: Plan) -> list[Row]:
    """How long the program takes to say anything."""

    def times(*arguments: str) -> list[float]:
        command = [sys.executable, *arguments]
        runs = [must(command, cwd=base, env=environment(base)) for _ in range(plan.repeat + 5)]
        return [1000 * sample.wall for sample in runs[1:]]  # the first fills the caches

    named = ("python -c ''", statistics.median(times("-c", "")))
    helped = times("-m", "lyrikstore_cli", "--help")
    return [
        Row("startup", "lyrikstore --help", "ms", helped, *named, limit=150.0),
        Row("startup", "import lyrikstore", "ms", times("-c", "import lyrikstore"), *named),
    ]


def credentials(base: Path, plan: Plan) -> list[Row]:
    """Credentials issued and verified per second of one processor, in turn with a peer."""
    rates: dict[str, list[float]] = {}
    peer = _digitalbazaar()
    for _ in range(plan.repeat):
        (sample,) = _floor("credentials", base, repeat=1)
        found = json.loads(sample.out)
        if peer is not None:
            one = min(os.sched_getaffinity(0))  # node collects its garbage on another, else
            line = f"taskset --cpu-list {one} {peer} rate < {base / 'question.json'}"
            timed = json.loads(must(line, cwd=PEER, env=environment(base)).out)
            found |= {f"peer's {name}": rate for name, rate in timed.items()}
        for name, rate in found.items():
            rates.setdefault(name, []).append(rate)
    rows = []
    size = statistics.median(rates["bytes"]) / 1000
    alone = "verify nothing but its signature: libsodium's Ed25519, one core"
    for name, bare in (("issue", "sign"), ("verify", "check")):
        what = f"{name} a dataset credential of {size:.1f} kB, one core"
        named = f"rfc8785, SHA-256 and PyNaCl {bare} the same documents"
        floor = statistics.median(rates[bare])
        rows.append(Row("credentials", what, "per s", rates[name], named, floor))
        if peer is not None:
            named = "@digitalbazaar/vc, eddsa-jcs-2022, the same documents"
            floor = statistics.median(rates[f"peer's {name}"])
            row = Row("credentials", what, "per s", rates[name], named, floor, 3.0, "least ratio")
            rows.append(row)
    # Beside the row before: how many times the peer's rate is out of anybody's reach in this way.
    rows.append(Row("credentials", alone, "per s", rates["signature"], named, floor))
    return rows


def _digitalbazaar() -> str | None:
    # Its modules are what tests/interop installed, or what npm can.
    if shutil.which("node") is None:
        return None
    if not (PEER / "node_modules").is_dir():
        if shutil.which("npm") is None:
            return None
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=PEER, check=True)
    return "node peer.mjs"


def commit(base: Path, plan: Plan) -> list[Row]:
    """Commit, unchanged re-commit and verify of a few small files, also with a sheet."""
    (source,) = plan.corpus("docs")
    corpus = base / "corpus"
    for path in sorted(source.rglob("*.txt"))[:FILES]:
        target = corpus / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    files = sorted(corpus.rglob("*.txt"))
    size = sum(path.stat().st_size for path in files)
    sheet = base / "sheet.xlsx"
    _sheet(sheet, [path.relative_to(corpus) for path in files])
    time.sleep(RACY)
    hashing = _median(_floor("hash", base, corpus, repeat=plan.repeat))
    taken: dict[str, list[float]] = {}
    for number in range(plan.repeat):
        person, other = Person(base / f"person-{number}"), Person(base / f"other-{number}")
        plain = ("commit", corpus, "-d", NAME)
        for what, who, arguments in (
            ("first", person, plain),
            ("again", person, plain),
            ("verify", person, ("verify",)),
            ("first, sheet", other, (*plain, "--metadata", sheet)),
            ("again, sheet", other, (*plain, "--metadata", sheet)),
        ):
            taken.setdefault(what, []).append(who.run(*arguments).wall)
    first, with_sheet = (statistics.median(taken[name]) for name in ("first", "first, sheet"))
    text = f"{len(files):,} files, {size / 1e6:.1f} MB"
    by_hashing = ("Python reads and hashes the files", hashing)
    again = Row(
        "commit",
        "commit again with its sheet, unchanged",
        "s",
        taken["again, sheet"],
        "the first with its sheet",
        with_sheet,
        limit=0.25,
        judged="ratio",
    )
    return [
        Row("commit", f"first commit ({text})", "s", taken["first"], *by_hashing),
        Row("commit", "commit again, unchanged", "s", taken["again"], "the first commit", first),
        Row("commit", "first commit with an XLSX sheet", "s", taken["first, sheet"]),
        again,
        Row("commit", f"verify the store ({text})", "s", taken["verify"], *by_hashing),
    ]


def history(base: Path, plan: Plan) -> list[Row]:
    """What a command takes in a store with a long history, and with one version."""
    taken: dict[tuple[str, int], float] = {}
    runs: dict[str, list[float]] = {}
    for count in (1, VERSIONS):
        person = Person(base / f"person-{count}")
        folder = person.folder / "data"
        folder.mkdir()
        must(
            [sys.executable, "-c", _HISTORY, str(folder), NAME, str(count)],
            cwd=person.folder,
            env=person.env,
        )
        for what, arguments in (
            ("status", ("status",)),
            ("show the newest version", ("show", NAME)),
            ("commit the next version", ("commit", folder, "-d", NAME)),
            ("verify the store", ("verify",)),
        ):
            walls = []
            for _ in range(plan.repeat):
                if what.startswith("commit"):
                    (folder / "a.txt").write_text(f"{count} {random.random()}")
                walls.append(1000 * person.run(*arguments).wall)
            runs[what] = walls
            taken[what, count] = statistics.median(walls)
    few = "in a store with one version"
    return [
        Row("history", f"{what}, after {VERSIONS:,}", "ms", walls, few, taken[what, 1])
        for what, walls in runs.items()
    ]


_HISTORY = """
import sys
from pathlib import Path
from lyrikstore import KeyFolder, Store
config, state = Path.home() / ".config/lyrikstore", Path.home() / ".local/state/lyrikstore"
keys = KeyFolder(config / "keys")
store = Store.open(
    ".",
    keys=keys,
    signer=keys.signer(),
    memory_dir=state / "logs",
    trust_file=config / "trust.toml",
    cache_dir=Path.home() / ".cache/lyrikstore",
)
for number in range(int(sys.argv[3])):
    Path(sys.argv[1], "a.txt").write_text(str(number))
    store.datasets.commit(Path(sys.argv[1]), sys.argv[2])
"""


def memory(base: Path, plan: Plan) -> list[Bound]:
    """Peak memory at a million files, and the cost of a file among many and among few."""
    bounds, cost = [], {}
    for full in (FEW, MANY, MOST):
        count = max(1000, round(full * plan.scale))
        (corpus,) = plan.corpus("many", count=count)
        warm(corpus)
        person = Person(base / f"person-{count}")
        line = ("commit", corpus, "-d", NAME)
        taken = {
            "commit": person.run(*line),
            "commit again": person.run(*line),
            "verify": person.run("verify"),
        }
        if full == MOST:
            for what, sample in taken.items():
                name = f"peak memory, {what}, {count:,} files"
                bounds.append(Bound(name, "MiB", sample.peak / 2**20, MANY_LIMIT))
        for what, sample in taken.items():
            bounds.append(Bound(f"{what}, {count:,} files", "s", sample.wall))
            cost[what, full] = sample.wall / count
        plan.attic.put(person.folder)
    for what in ("commit", "commit again", "verify"):
        name = f"{what}: cost of a file among {MANY * plan.scale:,.0f}, by {FEW * plan.scale:,.0f}"
        value = cost[what, MANY] / cost[what, FEW]
        bounds.append(Bound(name, "×", value, GROWTH_LIMIT))
    return bounds


SMALL: dict[str, Callable[[Path, Plan], list[Row]]] = {
    "startup": startup,
    "commit": commit,
    "credentials": credentials,
    "history": history,
}


def _floor(task: str, base: Path, *arguments: object, repeat: int) -> list[Sample]:
    command = [sys.executable, str(FLOOR), task, *map(str, arguments or (base,))]
    return [must(command, cwd=base, env=environment(base)) for _ in range(repeat)]


def _median(samples: list[Sample]) -> float:
    return statistics.median(sample.wall for sample in samples)


def _sheet(path: Path, files: Sequence[Path]) -> None:
    # A row of eight columns for each file.
    import openpyxl

    chance = random.Random(20261125)
    words = ("court", "appeal", "licence", "notice", "party", "contract", "statute", "ruling")
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("files")
    sheet.append(["path", *(f"column {number}" for number in range(8))])
    for file in files:
        sheet.append([str(file), *(" ".join(chance.choices(words, k=3)) for _ in range(8))])
    workbook.save(path)
