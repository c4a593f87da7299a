"""The developer's way, from rows to a model card, on real clauses and without a network."""

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.small_runs import BASE, supply_base
from tests.conftest import Person, Result
from tests.shared_data import DATA, needs_data

pytestmark = [pytest.mark.train, pytest.mark.ci, needs_data]
ROWS, SHARE = 400, 6
PROMISES = re.compile(
    r"\b(complian(t|ce)|safe(ly)?|proven|guarantee\w*|certified|lawful(ly)?|unbiased|accurate)\b",
    re.IGNORECASE,
)
NOT = re.compile(r"\b(not|no|nobody|nothing|never|whether|unless|until)\b", re.IGNORECASE)
APART = ("unshare", "--net", "--map-root-user")


class Offline(Person):
    """Somebody whose computer has no network."""

    def command(self, *arguments: object) -> list[str]:
        return [*APART, *super().command(*arguments)]


def write_rows(path: Path) -> None:
    """Write a part of UNFAIR-ToS: all unfair clauses of the first rows, and of the others a few."""
    kept = []
    with gzip.open(DATA / "unfair-tos" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            if json.loads(line)["label"] != "Other" or number % SHARE == 0:
                kept.append(line)
    path.parent.mkdir()
    path.write_text("".join(kept[:ROWS]))


def printed(result: Result) -> str:
    """Return what a command said, after a look for words that nobody can keep."""
    said = result.out + result.err
    for line in said.splitlines():
        assert not PROMISES.search(line) or NOT.search(line), line
    return said


@pytest.fixture
def developer(tmp_path: Path) -> Person:
    apart = (
        shutil.which("unshare")
        and not subprocess.run([*APART, "true"], capture_output=True, check=False).returncode
    )
    person = (Offline if apart else Person)(tmp_path / "home", tmp_path / "work")
    person.home.mkdir()
    person.folder.mkdir()
    return person


def test_from_rows_to_a_card(developer) -> None:
    write_rows(developer.folder / "clauses" / "rows.jsonl")
    supply_base(developer)
    way: dict[str, tuple[tuple[str, ...], int]] = {
        "key": (("key", "new", "--no-passphrase"), 8),
        "init": (("init",), 8),
        "base": (("commit", "base", "-d", BASE), 12),
        "commit": (("commit", "clauses", "-d", "acme/clauses", "--licence", "CC-BY-4.0"), 16),
        "permit": (("permit", "acme/clauses", "--permit", "train,evaluate"), 12),
        "filter": (("filter", "acme/clauses", "--recipe", "legal", "--as", "acme/clean"), 30),
        "plan": (("plan", "acme/clean"), 30),
        "train": (("train", "train.toml"), 40),
        "evaluate": (("evaluate", "checkpoints/acme/clean", "--on", "acme/clean.test"), 40),
        "card": (("card", "checkpoints/acme/clean", "-o", "CARD.md"), 12),
    }  # fmt: skip
    for name, (arguments, most) in way.items():
        if name == "train":
            config = developer.folder / "train.toml"
            text = config.read_text()
            assert 'base = "checkpoints/acme/base"' in text
            config.write_text(
                re.sub(r"candidates = .*", 'candidates = ["tfidf", "embeddings", "blend"]', text)
            )
        said = printed(developer.ok(*arguments))
        assert 0 < len(said.splitlines()) <= most, (name, said)
    kinds = [
        (one, developer.ok("show", one, "--json").json["manifest"]["kind"])
        for one in (
            "datasets/acme/clean.train",
            "runs/acme/clean",
            "checkpoints/acme/clean",
            "evaluations/acme/clean",
        )
    ]
    assert [kind for _, kind in kinds] == ["dataset", "run", "checkpoint", "evaluation"]
    body = developer.ok("show", "checkpoints/acme/clean", "--json").json["manifest"]["body"]
    assert len(body["chosen"]["candidates"]) == 3
    measured = developer.ok("show", "evaluations/acme/clean", "--json").json["manifest"]["body"]
    verdicts = {one["verdict"] for one in measured["comparisons"]}
    assert verdicts <= {"better", "no-difference-shown", "worse"}
    card = (developer.folder / "CARD.md").read_text("utf-8")
    for line in card.splitlines():
        assert not PROMISES.search(line) or NOT.search(line), line
    report = developer.ok("verify", "CARD.md", "--json")
    assert report.json["verdict"] == "trusted"
    assert report.check("evaluation.recomputed")["state"] == "pass"
