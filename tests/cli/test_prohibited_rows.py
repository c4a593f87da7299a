"""Rows that were bought and may not be trained on: left out of a union, and copied in disguise."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.small_runs import configure, lines, rows, supply

pytestmark = pytest.mark.train

OWN = 'recipe = 1\n[[step]]\nuse = "where/1"\nsql = "id LIKE \'{}-%\'"\n'


@pytest.fixture
def buyer(new_person, publisher) -> Any:
    """Somebody with bought rows, and a union of these with some of their own."""
    folder = publisher.folder / "rows"
    folder.mkdir()
    (folder / "rows.jsonl").write_text(lines(rows(12, seed=7)))
    publisher.ok("commit", folder, "-d", "press/rows")
    arguments = ("--permit", "evaluate", "--prohibit", "train")
    publisher.ok("issue", "press/rows", "-o", publisher.folder / "delivery", *arguments)
    person = new_person("buyer")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    person.ok("trust", "add", publisher.did(), "--name", "Press")
    person.ok("import", publisher.folder / "delivery", "--as", "acme/bought")
    supply(person, "mix", {"validation": rows(8, seed=2), "test": rows(8, seed=3)})
    return person


def union(person: Any, seed: int) -> None:
    recipe = Path(person.folder, "recipe.toml")
    recipe.write_text(OWN.format(seed))
    sources = ("acme/bought", "acme/own.rows")
    person.ok("filter", *sources, "--recipe", recipe, "--as", "acme/mix.train")


def test_a_union_without_bought_rows_and_with_some_in_disguise(buyer) -> None:
    """ATTACK: rows that may not be trained on are one's own with other letters."""
    copied = [
        {"id": f"1-copy-{n}", "label": one["label"], "text": one["text"].upper()}
        for n, one in enumerate(rows(12, seed=7)[::-1][:5])
    ]
    supply(buyer, "own", {"rows": [*rows(24, seed=1), *copied]})
    union(buyer, 7)
    config = configure(buyer, "mix")
    (missing,) = buyer.fails(14, "train", config, "--json").error["details"]["missing"]
    assert missing["holds"] == "some"

    union(buyer, 1)
    terms = buyer.ok("terms", "acme/mix.train", "--purpose", "train", "--json").json
    assert [one["name"] for one in terms["sources"]] == ["datasets/acme/own.rows"]
    assert [one["name"] for one in terms["freed"]] == ["datasets/acme/bought"]
    made = buyer.ok("train", config, "--json").json
    assert [one["reason"] for one in made["warnings"]] == ["same-bytes", "few-validation"]
    affected = buyer.ok("impact", "acme/bought", "--json").json["affected"]
    holds = {one["name"]: one["holds"] for one in affected}
    assert holds["checkpoints/acme/mix"] == "none"

    report = buyer.ok("verify", "checkpoints/acme/mix", "--json").json
    checks = {one["id"]: one for one in report["checks"]}
    assert checks["rights"]["detail"]["without"] == ["datasets/acme/bought"]
    found = checks["rights.same-bytes"]
    assert (found["state"], found["detail"]["reason"]) == ("warn", "prohibited-elsewhere")
    (shared,) = found["detail"]["shared"]
    assert (shared["files"], shared["records"], shared["prohibits"]) == (0, 5, ["train"])
