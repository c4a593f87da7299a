"""Five data sets, each by its recipe in examples/rows, typed as its README says, and then sold."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY, Person
from tests.pages import Shell, commands
from tests.shared_data import DATA, needs_data

ROWS = REPOSITORY / "examples" / "rows"
PARTS = ("train", "validation", "test")
Parts = dict[str, list[dict[str, Any]]]


def section(title: str) -> list[str]:
    text = (ROWS / "README.md").read_text("utf-8")
    (found,) = re.findall(rf"^## {title}\b.*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return list(commands(found))


def lines(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for file in sorted(folder.rglob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]


def normalised(text: str) -> str:
    return " ".join(text.casefold().split())


def apart(kept: Parts, field: str, form: Callable[[str], str] = normalised) -> None:
    train, validation, test = ({form(row[field]) for row in kept[part]} - {""} for part in PARTS)
    assert not train & validation
    assert not train & test
    assert not validation & test


def check_cuad(kept, results, dropped) -> None:
    assert results[0]["fieldRoles"] == {"text": ["text"], "label": "labels", "id": "id"}
    assert dropped == {"duplicate-normalised": 5}
    several = sum(len(row["labels"]) > 1 for rows in kept.values() for row in rows)
    assert several > 390
    assert results[1]["reportedFor"]["found-person"] > 0
    apart(kept, "text")


def check_medquad(kept, results, dropped) -> None:
    assert "id" not in results[0]["fieldRoles"]
    assert any("'id'" in note for note in results[0]["notes"])
    assert dropped["where-false"] == 12
    assert dropped["label-conflict"] > 0
    assert results[1]["changedFor"]["redacted-phone"] > 0
    apart(kept, "answer")
    apart(kept, "focus", str)


def check_pubmedqa(kept, results, dropped) -> None:
    assert results[0]["fieldRoles"]["text"] == ["question", "contexts"]
    assert set(dropped) <= {"where-false", "where-null"}
    assert not [row for rows in kept.values() for row in rows if "long_answer" in row]


def check_banking77(kept, results, dropped) -> None:
    assert dropped == {"duplicate-exact": 12}
    labels = {row["label"] for rows in kept.values() for row in rows}
    assert len(labels) == 77
    assert all(re.fullmatch("[a-z_]+", label) for label in labels)
    apart(kept, "text")


def check_unfair_tos(kept, results, dropped) -> None:
    others = {part: sum(row["label"] == "Other" for row in kept[part]) for part in PARTS}
    assert others == {"train": 1000, "validation": 352, "test": 896}
    assert dropped == {"balanced": 1207}
    apart(kept, "text")


GIVEN = {
    "CUAD": (5286, "cuad", check_cuad),
    "MedQuAD": (16358, "medquad", check_medquad),
    "PubMedQA": (1000, "pubmedqa", check_pubmedqa),
    "Banking77": (13083, "banking77", check_banking77),
    "UNFAIR-ToS": (3822, "unfair-tos", check_unfair_tos),
}
"""Section of the README → rows, name of the delivery, and what must be so of its parts."""
RUNS = {"MedQuAD": "slow"}
"""Those that not even CI runs."""


@needs_data
@pytest.mark.parametrize(
    "title",
    # Personal data in 16,000 answers takes two minutes.
    [pytest.param(one, marks=getattr(pytest.mark, RUNS.get(one, "ci"))) for one in GIVEN],
)
def test_rows_are_filtered_split_and_sold(new_person, publisher: Person, title) -> None:
    count, name, check = GIVEN[title]
    shell = Shell(publisher, {"../shared/data": str(DATA), "examples/rows": str(ROWS)})
    results = [json.loads(shell.ok(f"{line} --json")) for line in section(title)]
    read = sum(one["recordCount"] for one in results if "recordCount" in one)
    assert read == count
    filtered = [one for one in results if "parts" in one]
    parts = [part for one in filtered for part in one["parts"]]
    kept = {}
    for part in parts:
        counts, called = part["counts"], part["name"].rpartition(".")[2]
        assert counts["in"] == counts["kept"] + counts["dropped"] + counts["elsewhere"]
        publisher.ok("checkout", part["name"], called)
        kept[called] = lines(publisher.folder / called)
        assert len(kept[called]) == counts["kept"]
    assert set(kept) == set(PARTS)
    dropped = sum(sum(one["droppedFor"].values()) for one in filtered)
    assert sum(map(len, kept.values())) == count - dropped
    check(kept, results, {reason: n for one in filtered for reason, n in one["droppedFor"].items()})

    buyer = new_person("buyer")
    shutil.copytree(publisher.folder / name, buyer.folder / name)
    assert buyer.fails(4, "verify", name, "--json").json["verdict"] == "valid"
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    report = buyer.ok("verify", name, "--json")
    assert report.json["verdict"] == "trusted"
    assert report.check("records.root")["state"] == "pass"
    assert len(lines(buyer.folder / name / "data")) == len(kept["train"])
