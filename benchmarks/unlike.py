#!/usr/bin/env python3
"""How many texts a model calls unlike its training data: of its own test part, and of others.

    python benchmarks/unlike.py --data ../shared/data
    python benchmarks/unlike.py --data ../shared/data --write-docs

DIR holds a folder for each data set. Models of questions to a bank (banking77) are asked the first
300 different questions of MedQuAD, which are about illnesses; the limit is that of the validation
part.
"""

import argparse
import gzip
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from planning import Bench, labelled

DOCS = Path(__file__).resolve().parent.parent / "docs" / "internals" / "training.md"
MARK, END = "<!-- written by benchmarks/unlike.py -->", "<!-- end of unlike.py -->"
PARTS = {"train": "train", "validation": "val", "test": "test"}
MODELS = {"tfidf": "linear", "embeddings": "checkpoints/bench/minilm"}
ASKED = 300
HEAD = ("model", "limit", "own test part", "questions about illnesses")
CONFIG = """purpose = "train"
name = "checkpoints/bench/{name}"
[data]
train = "bench/bank.train"
validation = "bench/bank.validation"
test = "bench/bank.test"
label = "label"
[model]
base = "{base}"
candidates = ["{name}"]
"""


def questions(path: Path) -> Iterator[str]:
    """Yield the different questions of MedQuAD, in order."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        found = (json.loads(line).get("question") for line in file)
        yield from dict.fromkeys(one for one in found if one)


def row_of(bench: Bench, name: str, asked: Path) -> list[str]:
    """Train a model, and return how many of its test part and of other texts are unlike."""
    config = bench.folder / f"{name}.toml"
    config.write_text(CONFIG.format(name=name, base=MODELS[name]), "utf-8")
    made = bench.do("train", config)["name"]
    tested = bench.do("evaluate", made, "--on", "bench/bank.test")["name"]
    limit = bench.do("show", made)["manifest"]["body"]["unlike"]
    evaluation = bench.do("show", tested)["manifest"]["body"]
    answers = bench.do("predict", made, asked)["predictions"]
    flagged = sum("unlike" in one["abstainedFor"] for one in answers)
    shares = evaluation["unlike"]["count"] / evaluation["count"], flagged / len(answers)
    return [name, f"{limit['limit']} ({limit['method']})", *(f"{share:.1%}" for share in shares)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/internals/training.md if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for part, file in PARTS.items():
            rows = list(labelled(options.data / "banking77" / f"{file}.jsonl.gz"))
            bench.commit(f"bank.{part}", rows)
        asked = bench.folder / "asked.jsonl"
        texts = islice(questions(options.data / "medquad" / "test.jsonl.gz"), ASKED)
        asked.write_text("".join(json.dumps({"text": one}) + "\n" for one in texts), "utf-8")
        table = [row_of(bench, name, asked) for name in MODELS]
    lines = [f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *table)]
    sys.stdout.write("\n".join(lines) + "\n")
    if options.write_docs:
        about = f"Made by `python benchmarks/unlike.py` on {datetime.now(UTC):%Y-%m-%d}: banking77."
        before, _, rest = DOCS.read_text("utf-8").partition(MARK)
        after = rest.partition(END)[2]
        page = "\n\n".join([before.rstrip("\n"), MARK, about, "\n".join(lines), END])
        DOCS.write_text(page + after, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
