"""Terms of partitions on the command line, where a filter only drops rows."""

import json
from pathlib import Path
from typing import Any

import pytest

TERMS = """
[[partition]]
name = "open"
select = [{ path = "licence=MIT" }]
permits = ["train", "evaluate", "commercialUse"]

[[partition]]
name = "rest"
permits = ["evaluate"]
prohibits = ["train"]
"""


def step(use: str, **options: object) -> str:
    given = "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
    return f'recipe = 1\n[[step]]\nuse = "{use}"\n{given}'


def rows(licence: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "text": f"clause {number} of {licence}: " + ("pay the rent" if number % 2 else "repay"),
            "label": ["lease", "loan"][number % 2],
            "licence": licence,
        }
        for number in range(count)
    ]


@pytest.fixture
def store(publisher) -> Any:
    """A source with a file for each licence, as `partition/1` makes them, and terms about it."""
    folder = publisher.folder
    made = [*rows("MIT", 40), {"text": " ", "label": "loan", "licence": "MIT"}, *rows("NDA", 40)]
    (folder / "all.jsonl").write_bytes(b"".join(json.dumps(r).encode() + b"\n" for r in made))
    publisher.ok("commit", "all.jsonl", "-d", "acme/all")
    derive(publisher, "acme/all", "acme/apart", step("partition/1"))
    publisher.ok("checkout", "acme/apart", "apart")
    publisher.ok("commit", "apart", "-d", "acme/source")
    (folder / "terms.toml").write_text(TERMS)
    publisher.ok("permit", "acme/source", "--terms", "terms.toml")
    return publisher


def derive(person, ref: str, name: str, recipe: str) -> None:
    file = Path(person.folder, "recipe.toml")
    file.write_text(recipe)
    person.ok("filter", ref, "--recipe", file, "--as", name)


def partitions(person, ref: str) -> list[str]:
    return person.ok("terms", ref, "--json").json["sources"][0]["partitions"]


def test_a_filter_that_drops_rows_keeps_the_partitions_apart(store) -> None:
    assert partitions(store, "acme/source") == ["open", "rest"]
    derive(store, "acme/source", "acme/kept", step("drop-empty/1"))
    assert partitions(store, "acme/kept") == ["open", "rest"]
    derive(store, "acme/kept", "acme/mit", step("allow/1", column="licence", values=["MIT"]))
    assert partitions(store, "acme/mit") == ["open"]
    derive(store, "acme/mit", "acme/again", step("partition/1", field="label"))
    assert partitions(store, "acme/again") == ["open"]
    derive(store, "acme/source", "acme/masked", step("redact/1"))
    assert partitions(store, "acme/masked") == ["open", "rest"]
