"""A law firm with real clauses: stores with models of word counts, each trained once."""

import gzip
import json
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Person
from tests.shared_data import DATA

PARTS = {"train": 600, "val": 200, "test": 240}
"""Part → its first rows that are taken: enough to tell, and quick."""

CONFIG = """
purpose = "train"
name = "checkpoints/firm/{name}"
[data]
train = "firm/{name}-train"
validation = "firm/{name}-val"
test = "firm/{name}-test"
label = "{label}"
[model]
base = "linear"
"""


def rows_of(data: str, part: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / data / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def commit(person: Person, name: str, rows: Iterable[dict[str, Any]], label: str) -> str:
    path = person.folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    roles = ("--text", "text", *(("--label", label) if label else ()))
    person.ok("commit", path, "-d", f"firm/{name}", *roles)
    made = person.ok("permit", f"firm/{name}", "--permit", "train,evaluate", "--json").json
    return str(made["credential"]).removeprefix("blake3:")


def train(person: Person, name: str, label: str, more: str = "") -> None:
    config = person.folder / f"{name}.toml"
    config.write_text(CONFIG.format(name=name, label=label) + more, "utf-8")
    person.ok("train", config)


def new_firm(folder: Path) -> Person:
    for one in ("home", "work"):
        (folder / one).mkdir()
    person = Person(folder / "home", folder / "work")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    return person


@pytest.fixture(scope="session")
def terms_of_service(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return a firm that can tell unfair terms, and promised how well."""
    person = new_firm(tmp_path_factory.mktemp("tos"))
    for part, count in PARTS.items():
        rows = rows_of("unfair-tos", part)
        # Every unfair one, and few of the others.
        unfair = [row for row in rows if row["label"] != "Other"]
        taken = [*unfair, *islice((row for row in rows if row["label"] == "Other"), count // 2)]
        if part == "test":
            # ATTACK: what the model has seen, with one word changed, flatters it.
            seen = [row for row in rows_of("unfair-tos", "train") if len(row["text"].split()) > 40]
            taken += [{**row, "id": f"{row['id']}x", "text": row["text"] + " indeed"}
                      for row in seen[:5]]  # fmt: skip
        taken.sort(key=lambda row: str(row["id"]))
        commit(person, f"tos-{part}", taken, "label")
    thresholds = """
[[threshold]]
metric = "macroF1"
at_least = 0.1
[[threshold]]
metric = "recall"
label = "Arbitration"
at_least = 0.999
[[threshold]]
metric = "labelDrift"
at_most = 0.2
"""
    train(person, "tos", "label", thresholds)
    return person


@pytest.fixture(scope="session")
def clauses(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return a firm that finds clauses of contracts, and says what a missed one costs."""
    person = new_firm(tmp_path_factory.mktemp("cuad"))
    for part, count in PARTS.items():
        commit(person, f"cuad-{part}", rows_of("cuad-clauses", part)[:count], "labels")
    costs = """
[cost]
unit = "points"
otherwise = 1
[[cost.mistake]]
expected = "Cap On Liability"
cost = 50
"""
    train(person, "cuad", "labels", costs)
    return person


Evaluate = Callable[..., Any]


@pytest.fixture(scope="session")
def tos_result(terms_of_service: Person) -> dict[str, Any]:
    on = ("--on", "firm/tos-test")
    done = terms_of_service.ok(
        "evaluate", "checkpoints/firm/tos", *on, "--html", "tos.html", "--json"
    )
    result: dict[str, Any] = done.json
    return result


@pytest.fixture(scope="session")
def cuad_result(clauses: Person) -> dict[str, Any]:
    done = clauses.ok("evaluate", "checkpoints/firm/cuad", "--on", "firm/cuad-test", "--json")
    result: dict[str, Any] = done.json
    return result
