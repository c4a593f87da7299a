#!/usr/bin/env python3
"""What a model is unsure of is reviewed, and trains the next model: how much better is that one?

    python benchmarks/review_loop.py --data ../shared/data [--each 5] [--decide 500] [--write-docs]

DIR holds ``banking77/*.jsonl.gz``. A model is trained on a few records of each intent. Real
commands then queue the records of which it is least sure, with its answers as labels; a reviewer
decides them as banking77 labels them, a filter keeps what was decided, and a second model is
trained on both. A third model has as many other records instead, drawn by chance: the difference
between these two is what the queue gives, the rest is what more data gives.
"""

import argparse
import gzip
import json
import os
import platform
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from review import DOCS, SEED, Person, percent, write_table

from lyrikstore.review.folder import open_folder
from lyrikstore.verify.review.model import DecisionFile, RecordDecision, encoded

MARK, END = "<!-- written by benchmarks/review_loop.py -->", "<!-- end of review_loop.py -->"
POOL = 4000
TO_VALIDATE = 2  # records of each intent, which the chosen candidate is trained on, too
MS = 6000  # milliseconds that a decision claims
CONFIG = """purpose = "train"
name = "{name}"
[data]
train = {train}
validation = "bank/validation"
test = "bank/test"
label = "label"
text = "text"
[model]
base = "linear"
candidates = ["tfidf"]
[training]
threads = 1
"""
RECIPE = """recipe = 1
[[step]]
use = "reviewed/1"
review = "reviews/bank/unsure"
unreviewed = "drop"
"""
Row = Mapping[str, Any]


def rows_of(data: Path, part: str) -> list[Row]:
    """Return the rows of a part of banking77."""
    with gzip.open(data / "banking77" / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def few(rows: Iterable[Row], each: int) -> list[Row]:
    """Return the first rows of each label."""
    of_label = defaultdict(list)
    for row in rows:
        of_label[row["label"]].append(row)
    return [row for some in of_label.values() for row in some[:each]]


def written(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows as JSON Lines; return the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


class Bank:
    """Whoever trains the models, and their data."""

    def __init__(self, firm: Person) -> None:
        self.firm = firm
        self.did = firm.did()
        firm.run("init")

    def commit(self, part: str, rows: Iterable[Row]) -> None:
        """Commit a part, with the right to train and evaluate."""
        path = written(self.firm.work / f"{part}.jsonl", rows)
        self.firm.run("commit", path, "-d", f"bank/{part}", "--text", "text", "--label", "label")
        self.permit(part)

    def permit(self, part: str) -> None:
        """Permit what is done here."""
        self.firm.run("permit", f"bank/{part}", "--permit", "train,evaluate,modify")

    def accuracy(self, name: str, *train: str) -> Mapping[str, str]:
        """Train a model; return its accuracy in the test with the interval."""
        parts = json.dumps([f"bank/{part}" for part in train])
        path = self.firm.work / f"{name}.toml"
        path.write_text(CONFIG.format(name=f"checkpoints/bank/{name}", train=parts), "utf-8")
        self.firm.run("train", path)
        model = f"checkpoints/bank/{name}"
        found = self.firm.run("evaluate", model, "--on", "bank/test")["body"]["model"]["accuracy"]
        return dict(found)

    def queue(self, pool: Path, count: int) -> float:
        """Queue as many records of which the model is least sure; return the limit."""
        model = "checkpoints/bank/first"
        answers = self.firm.run("predict", model, pool)["predictions"]
        limit = sorted(float(one["confidence"]) for one in answers)[count]
        words = ("--queue", "below", limit, "--as", "bank/unsure", "--output-trains", "yes")
        self.firm.run("predict", model, pool, *words)
        self.permit("unsure")
        return limit

    def review(self, truth: Mapping[str, str]) -> Any:
        """Decide all that is queued, sign, import and filter; return the figures."""
        (handed,) = self.firm.run(
            "review", "new", "bank/unsure", "--reviewer", self.did, "-o", "queue"
        )["handedOut"]
        folder = self.firm.work / handed["path"]
        opened = open_folder(folder)
        decided = []
        for one in sorted(opened.folder.items, key=lambda item: item.item):
            value = (truth[one.fields["text"]],)
            if one.candidate == value:
                decided.append(RecordDecision(one.item, "accept", MS))
            else:
                decided.append(RecordDecision(one.item, "change", MS, value=value))
        file = DecisionFile(
            "lyrikstore-decisions/1", str(opened.queue.id), self.did, tuple(decided)
        )
        (folder / "decisions.json").write_bytes(encoded(file))
        self.firm.run("review", "sign", folder, "-o", "signed.json")
        figures = self.firm.run("review", "import", "signed.json")["details"]
        (self.firm.work / "reviewed.toml").write_text(RECIPE, "utf-8")
        self.firm.run("filter", "bank/unsure", "--recipe", "reviewed.toml", "--as", "bank/reviewed")
        return figures


def measured(data: Path, each: int, count: int) -> list[tuple[str, str]]:
    """Return the lines of the table."""
    chance = random.Random(SEED)
    train = list({row["id"]: row for row in rows_of(data, "train")}.values())  # some are twice
    chance.shuffle(train)
    first, validation = few(train, each), few(rows_of(data, "val"), TO_VALIDATE)
    taken = {row["id"] for row in first}
    pool = [row for row in train if row["id"] not in taken][:POOL]
    truth = {row["text"]: row["label"] for row in pool}
    with tempfile.TemporaryDirectory() as name:
        bank = Bank(Person(Path(name) / "bank"))
        parts = {"first": first, "validation": validation, "test": rows_of(data, "test")}
        for part, rows in parts.items():
            bank.commit(part, rows)
        before = bank.accuracy("first", "first")
        asked = ({"id": row["id"], "text": row["text"]} for row in pool)
        limit = bank.queue(written(bank.firm.work / "pool.jsonl", asked), count)
        figures = bank.review(truth)
        bank.commit("random", chance.sample(pool, figures["items"]))
        after = bank.accuracy("reviewed", "first", "reviewed")
        control = bank.accuracy("random", "first", "random")
        verdict = bank.firm.run("verify", "checkpoints/bank/reviewed")["verdict"]
    generator = figures["labelError"]
    return [
        ("records of the first model", f"{len(first)}, and {len(validation)} to validate"),
        ("records it was asked about", str(len(pool))),
        ("queued, with a confidence below", f"{figures['items']}, {limit:.3f}"),
        ("answers of it that were changed", percent(generator["rate"])),
        ("accuracy, first model", with_interval(before)),
        ("accuracy, with what was reviewed", with_interval(after)),
        ("accuracy, with as many by chance", with_interval(control)),
        ("gain by review", points(after, before)),
        ("of it, by choosing what is unsure", points(after, control)),
        ("`verify` of the second model", verdict),
    ]


def with_interval(figure: Mapping[str, str]) -> str:
    """Return an accuracy as people read it."""
    return f"{percent(figure['value'])} ({percent(figure['low'])} to {percent(figure['high'])})"


def points(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Return the difference of two accuracies."""
    return f"{(float(one['value']) - float(other['value'])) * 100:+.1f} points"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/ if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--each", type=int, default=5)
    parser.add_argument("--decide", type=int, default=500)
    parser.add_argument("--write-docs", action="store_true", help=f"into {DOCS.name}")
    options = parser.parse_args(arguments)
    lines = measured(options.data, options.each, options.decide)
    about = (
        f"Measured by `python benchmarks/review_loop.py` on {datetime.now(UTC):%Y-%m-%d} "
        f"({os.cpu_count()} cores, {platform.machine()}): questions to a bank, banking77, and "
        "models of the kind `tfidf`. The reviewer answers as banking77 does."
    )
    write_table(about, lines, "## From unsure answers to the next model", MARK, END, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
