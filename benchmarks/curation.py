#!/usr/bin/env python3
"""Measures what curation takes: millions of rows, and gigabytes of documents with a faulty sheet.

    python benchmarks/curation.py                     10 million rows, 1 million, 10 GB
    python benchmarks/curation.py --scale 0.01        smaller, to see that it runs
    python benchmarks/curation.py --only rows --write-docs

Filters are killed on the way and started again: the result must be the one of an undisturbed run.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import papers
from measure import Sample, environment, remove, run, warm

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "internals" / "performance.md"
MARK = "<!-- written by benchmarks/curation.py -->"
ROWS, NEAR, BYTES = 10_000_000, 1_000_000, 10e9
GIB = 1 << 30
LIMITS = {"rows": 2 * GIB, "near": 4 * GIB, "documents": 2 * GIB}
STEPS = (
    'use = "where/1"\nsql = "n >= 0"',
    'use = "map/1"\ntrim = ["label"]\nvalues.label = { "Lease" = "lease" }',
    'use = "drop-duplicates/2"',
    'use = "redact/1"',
    'use = "split/2"\nby = "matter"',
)
DOCUMENT_STEPS = (
    'use = "extract-text/1"',
    'use = "chunk/1"',
    'use = "drop-duplicates/2"',
    'use = "redact/1"',
    'use = "split/2"\nby = "matter"',
)
READ = """
import io, sys, time
from lyrikstore.curate.readers.records import iter_batches
from lyrikstore.curate.readers.row_values import RowValues, RowValuesReader
from lyrikstore.curate.readers.rows import parse_row
from lyrikstore.curate.readers.statistics import RowStatistics
from lyrikstore.history.records.order_root import record_ids
import duckdb
import numpy
data = open(sys.argv[1], "rb").read()
connection = duckdb.connect(config={"threads": "1"})

def seconds(work):
    begin = time.process_time()
    work()
    return time.process_time() - begin

def ours(hashes=True):
    reader, statistics = RowValuesReader(), RowStatistics()
    for batch in iter_batches("jsonl/1", "f", io.BytesIO(data)):
        values = reader.read(batch.rows) or RowValues.of(list(map(parse_row, batch.rows)))
        statistics.add(values, ("label",))
        if hashes:
            record_ids("jsonl/1", batch.rows)

def theirs(more=""):
    connection.sql(f"SUMMARIZE SELECT *{more} FROM read_json('{sys.argv[1]}') row").fetchall()

# In turn, and the least of seven: whatever else the machine does meets all of them.
works = (ours, lambda: ours(False), lambda: theirs(", sha256(row::VARCHAR)"), theirs)
taken = [[seconds(work) for work in works] for _ in range(7)]
print(*(len(data) / 1e6 / min(column) for column in zip(*taken)))
"""

Row = tuple[str, ...]


class Bench:
    """A key, a store and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = environment(folder)
        self.program = [sys.executable, "-m", "lyrikstore_cli"]
        (folder / "store").mkdir()
        self.do("key", "new", "--no-passphrase")
        self.do("init")

    def do(self, *arguments: object, limit: float = 7200.0, fails: bool = False) -> Sample:
        """Run a command in the store's folder."""
        store = self.folder / "store"
        line = [*self.program, *map(str, arguments)]
        sample = run(line, cwd=store, env=self.env, limit=limit)
        if bool(sample.code) != fails:
            sys.exit(f"{' '.join(line)}: exit {sample.code}\n{sample.err}")
        return sample

    def recipe(self, steps: Sequence[str]) -> Path:
        """Write a recipe and return its path."""
        path = self.folder / f"recipe-{len(list(self.folder.glob('recipe-*')))}.toml"
        path.write_text("recipe = 1\n" + "".join(f"[[step]]\n{step}\n" for step in steps))
        return path

    def tree_of(self, name: str) -> str:
        """Return the id of what a version holds."""
        shown = json.loads(self.do("show", name, "--json").out)
        return str(shown["manifest"]["tree"])


def write_rows(path: Path, count: int) -> None:
    """Write rows as a data base exports them: 2% hold an address, 3% are there twice."""
    chance = random.Random(18)
    with path.open("w") as file:
        line = ""
        for number in range(count):
            if number % 33 or not line:
                text = " ".join(chance.choices(papers.WORDS, k=22))
                if number % 50 == 0:
                    text += f" write to jo{number}@example.org"
                label = chance.choice(("lease", "lease ", "Lease", "letter"))
                row = {"n": number, "text": text, "label": label, "matter": f"m{number // 20}"}
                line = json.dumps(row)
            file.write(line + "\n")


def rows(bench: Bench, scale: float) -> Iterator[Row]:
    """Commit many rows, filter them, killed once and taken up again."""
    count = round(ROWS * scale)
    data = bench.folder / "rows"
    data.mkdir()
    write_rows(data / "rows.jsonl", count)
    size = (data / "rows.jsonl").stat().st_size
    warm(data)
    sample = bench.do("commit", data, "-d", "bench/rows")
    yield _row("rows: commit", count, size, sample, LIMITS["rows"])
    arguments = ("filter", "bench/rows", "--recipe", bench.recipe(STEPS), "--as", "bench/done")
    sample = bench.do(*arguments)
    yield _row("rows: where, map, duplicates, redact, split", count, size, sample, LIMITS["rows"])
    again = (*arguments[:-1], "bench/again")
    bench.do(*again, limit=sample.wall / 2, fails=True)
    resumed = bench.do(*again)
    if bench.tree_of("bench/again.train") != bench.tree_of("bench/done.train"):
        sys.exit("the filter that was killed made something else")
    yield _row("rows: the same, killed halfway, taken up", count, size, resumed, LIMITS["rows"])
    part = bench.folder / "part.jsonl"
    with (data / "rows.jsonl").open("rb") as whole:
        part.write_bytes(whole.read(200_000_000).rpartition(b"\n")[0] + b"\n")
    found = run([sys.executable, "-c", READ, str(part)], cwd=bench.folder, env=bench.env)
    if found.code:
        sys.exit(f"reading rows: exit {found.code}\n{found.err}")
    ours, alone, hashed, theirs = map(float, found.out.split())
    for what, mine, peer, their_work in (
        ("rows: to ids and statistics, one core", ours, hashed, "SUMMARIZE with a SHA-256 a row"),
        ("rows: to statistics, one core", alone, theirs, "SUMMARIZE"),
    ):
        kept = "" if mine is alone else "0.80 kept" if mine >= 0.8 * peer else "0.80 BROKEN"
        yield (
            what,
            f"{mine:.0f} MB/s",
            f"{mine / peer:.2f} of DuckDB's read_json and {their_work}",
            "",
            kept,
        )
    remove(data)


def near(bench: Bench, scale: float) -> Iterator[Row]:
    """Find near duplicates."""
    count = round(NEAR * scale)
    data = bench.folder / "near"
    data.mkdir()
    write_rows(data / "rows.jsonl", count)
    size = (data / "rows.jsonl").stat().st_size
    bench.do("commit", data, "-d", "bench/near")
    recipe = bench.recipe(['use = "near-duplicates/1"'])
    sample = bench.do("filter", "bench/near", "--recipe", recipe, "--as", "bench/far")
    yield _row("rows: near duplicates", count, size, sample, LIMITS["near"])
    remove(data)


def documents(bench: Bench, scale: float) -> Iterator[Row]:
    """Commit documents with a sheet that is faulty first, and make chunks of them."""
    data = bench.folder / "docs" / "papers"
    data.parent.mkdir()
    count = papers.make(data, int(BYTES * scale))
    size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    sheets = data.parent
    begin = time.perf_counter()
    arguments = ("commit", data, "-d", "bench/papers", "--label", "type", "--metadata")
    line = [*bench.program, *map(str, arguments), str(sheets / "faulty.csv"), "--json"]
    failed = subprocess.run(
        line, cwd=bench.folder / "store", env=bench.env, capture_output=True, check=False
    )
    said = json.loads(failed.stderr)["details"]["mistakesCount"]
    yield (
        "documents: a faulty sheet",
        f"{time.perf_counter() - begin:.1f} s",
        f"{said} mistakes in one run",
        "",
        "",
    )
    sample = bench.do(*arguments, sheets / "good.csv")
    yield _row("documents: commit", count, size, sample, LIMITS["documents"])
    recipe = bench.recipe(DOCUMENT_STEPS)
    arguments = ("filter", "bench/papers", "--recipe", recipe, "--as", "bench/chunks")
    bench.do(*arguments, limit=max(2.0, size / 1e9 * 6), fails=True)
    sample = bench.do(*arguments)
    yield _row(
        "documents: text, chunks, split; killed and taken up", count, size, sample,
        LIMITS["documents"],
    )  # fmt: skip
    remove(data.parent)


def _row(what: str, count: int, size: int, sample: Sample, limit: int) -> Row:
    return (
        f"{what} ({count:,}, {size / 1e9:.2f} GB)",
        f"{sample.wall:.1f} s",
        f"{sample.cpu:.0f} s of processor",
        f"{sample.peak / GIB:.2f} GiB",
        f"{limit // GIB} GiB {'kept' if sample.peak <= limit else 'BROKEN'}",
    )


GROUPS = {"rows": rows, "near": near, "documents": documents}


def main() -> int:
    """Measure, print, and return 1 if a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", action="append", choices=GROUPS)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--write-docs", action="store_true", help=f"into {DOCS.name}")
    options = parser.parse_args()
    lines = [("work", "time", "besides", "peak memory", "limit"), ("---",) * 5]
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        bench = Bench(Path(folder))
        for name in options.only or GROUPS:
            for line in GROUPS[name](bench, options.scale):
                lines.append(line)
                print(" | ".join(line), flush=True)
    if options.write_docs:
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        text, _, rest = DOCS.read_text("utf-8").partition(MARK)
        text, later = text.rstrip("\n"), "".join(rest.partition("\n<!-- written by ")[1:])
        about = (
            f"Measured by `python benchmarks/curation.py` on {time.strftime('%Y-%m-%d')}, "
            f"{os.cpu_count()} cores. Peaks are of all processes together."
        )
        DOCS.write_text(f"{text}\n\n{MARK}\n\n## Curation\n\n{about}\n\n{table}\n{later}", "utf-8")
    return int(any("BROKEN" in line[-1] for line in lines))


if __name__ == "__main__":
    sys.exit(main())
