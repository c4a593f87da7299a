#!/usr/bin/env python3
"""What `train` gives without a choice of one's own, beside word counts, on real data sets.

    python benchmarks/candidates.py --data ../shared/data                 three seeds of each
    python benchmarks/candidates.py --data ../shared/data --seeds 1 --sets unfair-tos
    python benchmarks/candidates.py --data ../shared/data --write-docs

DIR holds a folder for each data set, with ``train.jsonl.gz``, ``val.jsonl.gz`` and
``test.jsonl.gz``. The test part is as it came; a seed divides the rest into training and validation
parts, and is the seed of training. Nobody chooses a setting: the config is the one that `plan`
writes. Records with several labels are left out; of few labels, 8 records a label are learned from
and 4 validated on.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import blake2s
from pathlib import Path
from typing import Any

from planning import SETS, Bench, labelled

Row = dict[str, str]

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "training.md"
MARK, END = "<!-- written by benchmarks/candidates.py -->", "<!-- end -->"
FEW = "banking77, 8 a label"
LEARNED, VALIDATED = 8, 4
HEAD = (
    *(
        "data",
        "seeds",
        "train / test",
        "word counts",
        "taken",
        "which",
        "better by (95 %), each seed",
    ),
    *("verdict", "CPU-s at most"),
)
WORDS = {
    "better": "better",
    "no-difference-shown": "no difference shown",
    "worse": "use the word counts",
    "same": "word counts were taken",
}
COUNTS = "tfidf/1"


def divide(rows: Iterable[Row], seed: int, validated: int) -> tuple[list[Row], list[Row]]:
    """Return training and validation part, so many records in the second, in an order by seed."""

    def key(row: Row) -> bytes:
        return blake2s(f"{seed} {row['text']}".encode()).digest()

    ordered = sorted(rows, key=key)
    return ordered[validated:], ordered[:validated]


def few(rows: Iterable[Row], most: int) -> list[Row]:
    """Return the first records of each label."""
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        seen[row["label"]] += 1
        if seen[row["label"]] <= most:
            found.append(row)
    return found


def parts_of(data: Path, name: str, seed: int) -> dict[str, list[Row]]:
    """Return the three parts of a data set."""
    folder = data / name.partition(",")[0]
    known, checked = (list(labelled(folder / f"{part}.jsonl.gz")) for part in ("train", "val"))
    train, validation = divide([*known, *checked], seed, len(checked))
    if name == FEW:
        train, validation = few(train, LEARNED), few(validation, VALIDATED)
    labels = {row["label"] for row in train}
    validation = [row for row in validation if row["label"] in labels]
    return {
        "train": train,
        "validation": validation,
        "test": list(labelled(folder / "test.jsonl.gz")),
    }


def train(bench: Bench, data: Path, name: str, seed: int) -> dict[str, Any]:
    """Plan, train and evaluate once; return what came of it."""
    short = f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
    parts = parts_of(data, name, seed)
    for part, rows in parts.items():
        bench.commit(f"{short}.{part}", rows)
    config = bench.folder / f"{short}.toml"
    bench.do("plan", f"bench/{short}", "-o", config)
    text = config.read_text("utf-8").replace("\nseed = 1\n", f"\nseed = {seed}\n")
    config.write_text(text, "utf-8")
    made = bench.do("train", config)
    bench.do("evaluate", made["name"], "--on", f"bench/{short}.test")
    evaluation = bench.do("show", f"evaluations/bench/{short}")["manifest"]["body"]
    checkpoint = bench.do("show", made["name"])["manifest"]["body"]
    (compared, *_) = [one for one in evaluation["comparisons"] if one["metric"] == "macroF1"]
    model = float(evaluation["model"]["macroF1"]["value"])
    counts = checkpoint["format"] == COUNTS
    difference = compared["difference"]
    return {
        "sizes": [len(parts["train"]), len(parts["test"])],
        "format": checkpoint["format"],
        "tried": {one["format"]: one["score"] for one in made["tried"]},
        "model": model,
        "words": model if counts else float(evaluation["baseline"]["macroF1"]["value"]),
        "interval": None if counts else (difference["low"], difference["high"]),
        "verdict": "same" if counts else compared["verdict"],
        "cpuSeconds": float(made["actualCpuSeconds"]),
    }


def row_of(name: str, runs: Sequence[dict[str, Any]]) -> list[str]:
    """Return the row of a data set."""

    def mean(member: str) -> str:
        return f"{sum(one[member] for one in runs) / len(runs):.3f}"

    learned, tested = runs[0]["sizes"]
    between = [f"{float(a):+.3f} … {float(b):+.3f}" for a, b in filter(None, _intervals(runs))]
    return [
        name,
        f"{len(runs)}",
        f"{learned:,} / {tested:,}",
        mean("words"),
        f"**{mean('model')}**",
        _counted(one["format"] for one in runs),
        ", ".join(between) or "–",
        _counted(WORDS[one["verdict"]] for one in runs),
        f"{max(one['cpuSeconds'] for one in runs):.0f}",
    ]


def _intervals(runs: Sequence[dict[str, Any]]) -> list[tuple[str, str] | None]:
    return [one["interval"] for one in runs]


def _counted(values: Iterable[str]) -> str:
    found = Counter(values).most_common()
    return ", ".join(value if len(found) == 1 else f"{value} ×{count}" for value, count in found)


def _lines(table: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *table)]


def write_docs(table: Sequence[Sequence[str]]) -> None:
    """Write rows into docs/training.md; those of other data sets stay."""
    before, _, rest = DOCS.read_text("utf-8").partition(MARK)
    old, _, after = rest.partition(END)
    rows = {row[0]: row for row in table}
    for line in old.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(HEAD) and cells[0] in {*SETS, FEW}:
            rows.setdefault(cells[0], cells)
    ordered = [rows[name] for name in (*SETS, FEW) if name in rows]
    about = (
        f"Made by `python benchmarks/candidates.py`, last on {datetime.now(UTC):%Y-%m-%d}, on "
        f"{os.cpu_count()} cores ({platform.machine()}) that others used as well: mean macro-F1 on "
        "the locked test part over some seeds, each with a training and validation part of its "
        "own. The base is MiniLM; nobody chose a setting."
    )
    page = "\n\n".join([before.rstrip("\n"), MARK, about, "\n".join(_lines(ordered)), END])
    DOCS.write_text(page + after, "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/training.md if asked; 1 if a verdict is missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", nargs="+", default=[*SETS, FEW])
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    table = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for name in options.sets:
            runs = []
            for seed in range(1, options.seeds + 1):
                runs.append(train(bench, options.data, name, seed))
                sys.stderr.write(f"{name}, seed {seed}: {json.dumps(runs[-1])}\n")
            table.append(row_of(name, runs))
    sys.stdout.write("\n".join(_lines(table)) + "\n")
    if options.write_docs:
        write_docs(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
