#!/usr/bin/env python3
"""What an answer costs: `predict` about one text, and a row of `predict` and of `evaluate`.

    python benchmarks/answering.py --data ../shared/data
    python benchmarks/answering.py --data ../shared/data --write-docs

Word counts and embeddings are trained on 300 sentences of unfair-tos. Rows of `predict` and
`evaluate` are the difference between many and few, so that loading is none of it; of `evaluate` the
model alone counts, since a baseline and figures are beside it.
"""

import argparse
import json
import os
import platform
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from measure import must
from planning import TRAINING, Bench, labelled, rows

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "internals" / "performance.md"
MARK, END = "<!-- written by benchmarks/answering.py -->", "<!-- end of answering.py -->"
DATA = "unfair-tos"
CANDIDATES = ("tfidf", "embeddings")
FEW, MANY = 100, 1500
TRIES = 5
START, RATIO = 1.5, 1.3
"""CPU-seconds of `predict` about one text with word counts, and rows of `evaluate` by `predict`."""
HEAD = ("model", "predict one text, CPU-s", "predict, ms a row", "evaluate, ms a row", "ratio")


def seconds(bench: Bench, *arguments: object) -> float:
    """Return the processor seconds of a command."""
    line = [sys.executable, "-m", "lyrikstore_cli", *map(str, arguments), "--json"]
    return must(line, cwd=bench.folder, env=bench.env, limit=TRAINING).cpu


def prepare(bench: Bench, data: Path) -> None:
    """Train the models, and lay ready what they answer."""
    train = list(rows(data / DATA / "train.jsonl.gz", 300))
    known, seen = {row["label"] for row in train}, {row["text"] for row in train}
    bench.commit("t.train", train)
    checking = [row for row in rows(data / DATA / "val.jsonl.gz", 60) if row["label"] in known]
    bench.commit("t.validation", checking)
    # Before the runs: a test set that came later is none.
    parts = ("test", "train", "val")
    others = [row for part in parts for row in labelled(data / DATA / f"{part}.jsonl.gz")]
    new = [row for row in others if row["label"] in known and row["text"] not in seen]
    (bench.folder / "one.txt").write_text("We may end your account at any time.\n", "utf-8")
    for count in (FEW, MANY):
        some = new[:count]
        bench.commit(f"rows-{count}", some)
        lines = [json.dumps({"text": row["text"]}) + "\n" for row in some]
        (bench.folder / f"{count}.jsonl").write_text("".join(lines), "utf-8")
    for candidate in CANDIDATES:
        config = bench.folder / f"{candidate}.toml"
        bench.do("plan", "bench/t", "-o", config)
        text = config.read_text("utf-8")
        text = re.sub("(?m)^candidates = .*$", f'candidates = ["{candidate}"]', text)
        text = re.sub("(?m)^name = .*$", f'name = "checkpoints/bench/{candidate}"', text)
        config.write_text(text, "utf-8")
        bench.do("train", config)


def measured(bench: Bench, candidate: str) -> tuple[float, float, float]:
    """Return seconds of one answer from the start, and milliseconds of a row of both commands."""
    name = f"checkpoints/bench/{candidate}"
    start = statistics.median(seconds(bench, "predict", name, "one.txt") for _ in range(TRIES))
    predicted, evaluated = [], []
    for count in (FEW, MANY):
        command = ("predict", name, f"{count}.jsonl", "-o", f"{candidate}-{count}.jsonl")
        predicted.append(seconds(bench, *command))
        found = bench.do("evaluate", name, "--on", f"bench/rows-{count}")
        evaluated.append(float(found["body"]["model"]["cpuSeconds"]))
    each = [1000 * (many - few) / (MANY - FEW) for few, many in (predicted, evaluated)]
    return start, each[0], each[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/ if asked; 1 if something takes more than it may."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    table, kept = [], True
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        prepare(bench, options.data)
        for candidate in CANDIDATES:
            start, asked, tested = measured(bench, candidate)
            # Of word counts a row is a tenth of a millisecond, which noise is, too.
            kept &= start <= START if candidate == "tfidf" else tested <= RATIO * asked
            ratio = "" if candidate == "tfidf" else f"{tested / asked:.2f}"
            table.append([candidate, f"{start:.2f}", f"{asked:.2f}", f"{tested:.2f}", ratio])
    lines = [f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *table)]
    sys.stdout.write("\n".join(lines) + "\n")
    if options.write_docs:
        before, _, rest = DOCS.read_text("utf-8").partition(MARK)
        about = (
            f"Measured by `python benchmarks/answering.py` on {datetime.now(UTC):%Y-%m-%d}, "
            f"{os.cpu_count()} cores ({platform.machine()}) that others used as well: processor "
            "time of whole commands, of `evaluate` that of the model, MiniLM as the base. At most "
            f"{START} CPU-s for one text with word counts, and {RATIO} × `predict` for a row of "
            f"`evaluate`: limits are {'kept' if kept else 'BROKEN'}."
        )
        page = "\n\n".join([before.rstrip("\n"), MARK, "## Answers", about, "\n".join(lines), END])
        DOCS.write_text(page + (rest.partition(END)[2] or "\n"), "utf-8")
    return int(not kept)


if __name__ == "__main__":
    raise SystemExit(main())
