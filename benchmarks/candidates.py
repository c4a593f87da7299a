#!/usr/bin/env python3
"""What `train` gives without a choice of one's own, beside what scikit-learn gives in ten lines.

    python benchmarks/candidates.py --data ../shared/data                 the whole sweep: hours
    python benchmarks/candidates.py --data ../shared/data --sets banking77 --rows 60 --draws 2
    python benchmarks/candidates.py --data ../shared/data --ways train    ours alone
    python benchmarks/candidates.py --data ../shared/data --write-docs

DIR holds a folder for each data set, with ``train.jsonl.gz``, ``val.jsonl.gz`` and
``test.jsonl.gz``. A draw takes so many records of training and validation part by chance, of the
commonest labels where they are few, and a fifth of them is the validation part; the ways beside
ours learn from both. All ways answer the same records of the test part, 1,000 at most. Records
with several labels are left out. The config is the one that `plan` writes, but for its candidates.

What was measured is in the file of results, a line each; what it has is not measured again, so a
sweep that was stopped goes on. Remove the file, or the lines of a way, to measure anew.
"""

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import blake2s
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from planning import Bench, labelled
from sklearn_ways import VECTORS, WORDS, answer

Row = dict[str, str]

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "internals" / "training.md"
MARK, END = "<!-- written by benchmarks/candidates.py -->", "<!-- end -->"
OURS = "train"
PEERS = (WORDS, VECTORS)
ROWS = (60, 100, 200, 400)
ALL = "all"
DRAWS, DRAWS_OF_ALL = 10, 3
TESTED, VALIDATED = 1000, 5
"""Most records that are answered; one of so many learned from is for validation."""
MARGIN = 0.01
"""How far ours may be behind the best of the others, on the mean of the draws."""
CANDIDATES = ("tfidf", "embeddings")
HEAD = ("data", "rows", "labels", "draws", OURS, "taken", *PEERS, "to the best", "CPU-s each")


class Source(NamedTuple):
    """A data set.

    Attributes:
        text: The field with the text.
        labels: How many labels there are where records are few: the commonest.
        most: Records of one label at most, where they are few; 0: any number.
    """

    text: str = "text"
    labels: int = 6
    most: int = 0


SETS = {
    "banking77": Source(),
    "cuad-clauses": Source(labels=5),
    "unfair-tos": Source(labels=5, most=100),
    "medquad": Source(text="answer"),
    "pubmedqa": Source(text="question", labels=3),
}


class Cell(NamedTuple):
    """What is measured: a data set, how many rows, and the number of the draw."""

    name: str
    rows: str
    draw: int


class Parts(NamedTuple):
    """Records to learn from, to validate on, and to answer."""

    train: list[Row]
    validation: list[Row]
    test: list[Row]


def shuffled(rows: Sequence[Row], seed: str) -> list[Row]:
    """Return rows in an order by a seed, each text once."""
    once = {row["text"]: row for row in rows}
    return sorted(once.values(), key=lambda row: blake2s(f"{seed} {row['text']}".encode()).digest())


def capped(rows: Sequence[Row], most: int) -> list[Row]:
    """Return the first rows of each label, so many at most."""
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        seen[row["label"]] += 1
        if not most or seen[row["label"]] <= most:
            found.append(row)
    return found


def draw(data: Path, cell: Cell) -> Parts | None:
    """Return the parts of a draw; None: there are not so many records."""
    source, folder = SETS[cell.name], data / cell.name
    known = [
        row
        for part in ("train", "val")
        for row in labelled(folder / f"{part}.jsonl.gz", source.text)
    ]
    tested = list(labelled(folder / "test.jsonl.gz", source.text))
    pool, test = shuffled(known, f"draw {cell.draw}"), shuffled(tested, "test")
    if cell.rows != ALL:
        common = {one for one, _ in Counter(row["label"] for row in known).most_common()}
        ordered = sorted(common, key=lambda one: (-sum(r["label"] == one for r in known), one))
        labels = set(ordered[: source.labels])
        pool = capped([row for row in pool if row["label"] in labels], source.most)
        test = capped([row for row in test if row["label"] in labels], source.most)
        if len(pool) < int(cell.rows):
            return None
        pool = shuffled(pool, f"rows {cell.draw}")[: int(cell.rows)]
    validation, train = pool[: len(pool) // VALIDATED], pool[len(pool) // VALIDATED :]
    learned = {row["label"] for row in train}
    validation = [row for row in validation if row["label"] in learned]
    return Parts(train, validation, test[:TESTED])


def ours(bench: Callable[[], Bench], parts: Parts, cell: Cell, candidates: str) -> dict[str, Any]:
    """Plan, train and predict by the command line; return what came of it."""
    from sklearn.metrics import f1_score

    desk, short = bench(), f"{cell.name}-{cell.rows}-{cell.draw}"
    desk.commit(f"{short}.train", parts.train)
    desk.commit(f"{short}.validation", parts.validation)
    config = desk.folder / f"{short}.toml"
    desk.do("plan", f"bench/{short}", "-o", config)
    text = config.read_text("utf-8").replace("\nseed = 1\n", f"\nseed = {cell.draw}\n")
    if candidates:
        text = re.sub("(?m)^candidates = .*$", f"candidates = {candidates}", text)
    config.write_text(text, "utf-8")
    made = desk.do("train", config)
    asked, given = desk.folder / f"{short}.jsonl", desk.folder / f"{short}.answers.jsonl"
    lines = [json.dumps({"text": row["text"]}) + "\n" for row in parts.test]
    asked.write_text("".join(lines), "utf-8")
    desk.do("predict", made["name"], asked, "-o", given)
    found = [most_probable(json.loads(line)) for line in given.read_text("utf-8").splitlines()]
    right = [row["label"] for row in parts.test]
    checkpoint = desk.do("show", made["name"])["manifest"]["body"]
    return {
        "macroF1": float(f1_score(right, found, average="macro", zero_division=0)),
        "taken": checkpoint["format"],
        "cpuSeconds": float(made["actualCpuSeconds"]),
    }


def most_probable(answered: dict[str, Any]) -> str:
    """Return the label of most probability, whether or not it is given as the answer."""
    return str(answered["candidates"][0]["label"])


def peer(way: str, parts: Parts, cell: Cell) -> dict[str, Any]:
    """Let scikit-learn learn from both parts; return what came of it."""
    begun = time.process_time()
    found = answer(way, [*parts.train, *parts.validation], parts.test, cell.draw)
    return {"macroF1": found, "cpuSeconds": round(time.process_time() - begun, 1)}


class Results:
    """What was measured, in a file to which each is added as it comes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[tuple[Cell, str], dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                one = json.loads(line)
                self._known[Cell(one["data"], one["rows"], one["draw"]), one["way"]] = one

    def has(self, cell: Cell, way: str) -> bool:
        """Return whether this was measured."""
        return (cell, way) in self._known

    def add(self, cell: Cell, way: str, found: dict[str, Any]) -> None:
        """Keep what was measured."""
        one = {"data": cell.name, "rows": cell.rows, "draw": cell.draw, "way": way, **found}
        self._known[cell, way] = one
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(one) + "\n")
        sys.stderr.write(json.dumps(one) + "\n")

    def of(self, name: str, rows: str) -> list[dict[str, dict[str, Any]]]:
        """Return the draws of a cell that all ways have answered."""
        draws = sorted({cell.draw for cell, _ in self._known if cell[:2] == (name, rows)})
        found = []
        for number in draws:
            each = {way: self._known.get((Cell(name, rows, number), way)) for way in (OURS, *PEERS)}
            whole = {way: one for way, one in each.items() if one is not None}
            if len(whole) == len(each):
                found.append(whole)
        return found


def row_of(name: str, draws: Sequence[dict[str, dict[str, Any]]]) -> list[str]:
    """Return a row of the table."""
    means = {way: mean(one[way]["macroF1"] for one in draws) for way in (OURS, *PEERS)}
    behind = means[OURS] - max(means[way] for way in PEERS)
    taken = Counter(one[OURS]["taken"] for one in draws).most_common()
    seconds = [mean(one[way]["cpuSeconds"] for one in draws) for way in (OURS, *PEERS)]
    first = draws[0][OURS]
    return [
        name,
        f"{first['learned']:,}",
        f"{first['labels']}",
        f"{len(draws)}",
        f"**{means[OURS]:.3f}**",
        ", ".join(one if len(taken) == 1 else f"{one} ×{count}" for one, count in taken),
        *(f"{means[way]:.3f}" for way in PEERS),
        f"{behind:+.3f}" + ("" if behind >= -MARGIN else " (!)"),
        " / ".join(f"{one:.0f}" for one in seconds),
    ]


def write_docs(table: Sequence[Sequence[str]], about: str) -> None:
    """Write the table into docs/internals/training.md."""
    before, _, rest = DOCS.read_text("utf-8").partition(MARK)
    after = rest.partition(END)[2]
    page = "\n\n".join([before.rstrip("\n"), MARK, about, "\n".join(_lines(table)), END])
    DOCS.write_text(page + after, "utf-8")


def _lines(table: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *table)]


def measure(options: argparse.Namespace, results: Results) -> None:
    """Measure what the results do not have yet."""
    candidates = json.dumps(list(options.candidates)) if options.candidates else ""
    with tempfile.TemporaryDirectory() as folder:
        made: list[Bench] = []

        def bench() -> Bench:
            if not made:
                made.append(Bench(Path(folder)))
            return made[0]

        # Draw by draw, so that a sweep that is stopped has something of each size.
        for number in range(1, options.draws + 1):
            for rows in options.rows:
                for name in options.sets:
                    cell = Cell(name, rows, number)
                    ways = [way for way in options.ways if not results.has(cell, way)]
                    if not ways or (rows == ALL and number > DRAWS_OF_ALL):
                        continue
                    parts = draw(options.data, cell)
                    if parts is None:
                        continue
                    about = {
                        "learned": len(parts.train) + len(parts.validation),
                        "tested": len(parts.test),
                        "labels": len({row["label"] for row in parts.train}),
                    }
                    for way in ways:
                        if way == OURS:
                            found = ours(bench, parts, cell, candidates)
                        else:
                            found = peer(way, parts, cell)
                        results.add(cell, way, found | about)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/internals/ if asked; 1 if ours is too far behind."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--rows", nargs="+", default=[*map(str, ROWS), ALL])
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--ways", nargs="+", choices=[OURS, *PEERS], default=[OURS, *PEERS])
    parser.add_argument(
        "--candidates", nargs="*", default=list(CANDIDATES), help="none: as `plan` writes them"
    )
    parser.add_argument("--results", type=Path, default=Path("candidates.jsonl"))
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    results = Results(options.results)
    measure(options, results)
    cells = [(name, results.of(name, rows)) for name in SETS for rows in [*map(str, ROWS), ALL]]
    table = [row_of(name, draws) for name, draws in cells if draws]
    sys.stdout.write("\n".join(_lines(table)) + "\n")
    if options.write_docs:
        write_docs(
            table,
            f"Made by `python benchmarks/candidates.py`, last on {datetime.now(UTC):%Y-%m-%d}, on "
            f"{os.cpu_count()} cores ({platform.machine()}) that others used as well: mean "
            f"macro-F1 on at most {TESTED:,} records of the locked test part. Each draw takes so "
            "many rows by chance, of few labels where there are few; a fifth of them is the "
            f"validation part. `{OURS}` is the config that `plan` writes, its candidates "
            f"{', '.join(f'`{one}`' for one in options.candidates) or 'all that it names'}; "
            f"the others are scikit-learn on the same rows, C by five-fold cross-validation: word "
            "1–2-grams and character 2–5-grams, and the vectors of MiniLM, the base model of ours. "
            f"`to the best` is {OURS} less the better of them; CPU-s in the order of the columns, "
            "those of MiniLM without texts that an earlier draw has read.",
        )
    return int(any(row[-2].endswith("(!)") for row in table))


if __name__ == "__main__":
    raise SystemExit(main())
