#!/usr/bin/env python3
"""Processor seconds of the smallest jobs with a model, most of which are loading.

    python benchmarks/small_jobs.py                     with the lyrikstore of this interpreter
    python benchmarks/small_jobs.py --before PYTHON     beside that of another one
    python benchmarks/small_jobs.py --before PYTHON --write-docs

24 short rows are learnt, 8 tested, one text is answered: by word counts, by a small encoder with an
adapter of one epoch, and by that encoder frozen. Seconds are those of all processes of a command,
the least of three.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from measure import must
from planning import Bench

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "internals" / "times.md"
MARK, END = "<!-- written by benchmarks/small_jobs.py -->", "<!-- end of small_jobs.py -->"
TRIES = 3
LIMIT = 600.0
CONFIG = """purpose = "train"
name = "checkpoints/bench/{name}"
[data]
train = "bench/rows.train"
validation = "bench/rows.validation"
test = "bench/rows.test"
label = "label"
text = "text"
[model]
{model}
[training]
epochs = 1
batch_size = 4
threads = 1
"""
ENCODER = 'base = "checkpoints/bench/minilm"\nmax_tokens = 16\ncandidates = ["{}"]'
MODELS = {
    "word counts": ("words", 'base = "linear"'),
    "an adapter": ("adapter", ENCODER.format("lora")),
    "a frozen encoder": ("vectors", ENCODER.format("embeddings")),
}
HEAD = ("model", "`train`", "`evaluate`", "`predict`, one text", "`deploy --to onnx --check`")


def rows(count: int, seed: int) -> list[dict[str, str]]:
    """Return rows whose first word says which of two labels they have."""
    return [
        {
            "text": f"{('alpha', 'beta')[at % 2]} word{at * 7 % 23} word{at * 3 % 19} s{seed}x{at}",
            "label": "ab"[at % 2],
        }
        for at in range(count)
    ]


def table(python: str) -> list[list[float]]:
    """Return the seconds of one interpreter's lyrikstore: models × jobs."""
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        for seed, (part, count) in enumerate({"train": 24, "validation": 8, "test": 8}.items()):
            bench.commit(f"rows.{part}", rows(count, seed))
        (bench.folder / "asked.txt").write_text("alpha word1 word2", "utf-8")
        return [_jobs(python, bench, *about) for about in MODELS.values()]


def _jobs(python: str, bench: Bench, name: str, model: str) -> list[float]:
    (bench.folder / f"{name}.toml").write_text(CONFIG.format(name=name, model=model), "utf-8")
    checkpoint = f"checkpoints/bench/{name}"
    done = [
        _least(python, bench, lambda _: ("train", f"{name}.toml")),
        _least(python, bench, lambda _: ("evaluate", checkpoint, "--on", "bench/rows.test")),
        _least(python, bench, lambda _: ("predict", checkpoint, "asked.txt")),
        _least(
            python,
            bench,
            lambda at: ("deploy", checkpoint, "--to", "onnx", "-o", f"{name}-{at}", "--check"),
        ),
    ]
    sys.stderr.write(f"{python}: {name}: {json.dumps(done)}\n")
    return done


def _least(python: str, bench: Bench, job: Callable[[int], Sequence[str]]) -> float:
    taken = []
    for at in range(TRIES):
        line = [python, "-m", "lyrikstore_cli", *job(at)]
        taken.append(must(line, cwd=bench.folder, env=bench.env, limit=LIMIT).cpu)
    return min(taken)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/internals/times.md if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--before", metavar="PYTHON", default="")
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    now = table(sys.executable)
    before = table(options.before) if options.before else []
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    for at, model in enumerate(MODELS):
        cells = [f"{seconds:.1f}" for seconds in now[at]]
        if before:
            cells = [f"{one:.1f} → {two}" for one, two in zip(before[at], cells, strict=True)]
        lines.append(f"| {model} | {' | '.join(cells)} |")
    sys.stdout.write("\n".join(lines) + "\n")
    if options.write_docs:
        kept, _, rest = DOCS.read_text("utf-8").partition(MARK)
        after = rest.partition(END)[2]
        about = (
            f"Made by `python benchmarks/small_jobs.py` on {datetime.now(UTC):%Y-%m-%d} "
            f"({platform.machine()}): processor seconds of all processes of a command, the least "
            f"of {TRIES}."
        )
        DOCS.write_text("\n\n".join([kept.rstrip(), MARK, about, "\n".join(lines), END]) + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
