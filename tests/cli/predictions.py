"""Configs, documents and a model of their words, for tests of ``predict``."""

import json
from pathlib import Path
from typing import Any

from tests.cli.tour import SPLIT, topics
from tests.conftest import Person

MODEL = "checkpoints/acme/topics"
STATUS = "https://acme.example/status"
TRAIN = """purpose = "train"
name = "checkpoints/acme/topics"
[data]
train = "acme/topics.train"
validation = "acme/topics.validation"
label = "page"
[model]
base = "linear"
[training]
threads = 1
"""
ENCODER = TRAIN.replace('acme/topics"\n[data]', 'acme/read"\n[data]').replace(
    'base = "linear"',
    'base = "checkpoints/acme/minilm"\nmax_tokens = 64\ncandidates = ["embeddings"]',
)
TAGS = """purpose = "train"
name = "checkpoints/acme/tags"
task = "multi-label"
[data]
train = "acme/tags.train"
validation = "acme/tags.validation"
label = "labels"
fields = ["length"]
[model]
base = "linear"
[training]
threads = 1
"""
SPLIT_ROWS = SPLIT.replace('by = "paragraph"', 'by = "number"')


def with_documents(person: Person) -> Person:
    """Give somebody documents, the right to use them, and a model of their words."""
    topics(person.folder)
    (person.folder / "split.toml").write_text(SPLIT)
    person.ok("commit", "texts", "-d", "acme/pages", "--metadata", "sheet.csv", "--licence", "MIT")
    person.ok("filter", "acme/pages", "--recipe", "split.toml", "--as", "acme/topics")
    terms = ("--permit", "train,evaluate", "--require", "attribution", "--status-url", STATUS)
    person.ok("issue", "acme/pages", "-o", "delivery", *terms)
    (person.folder / "train.toml").write_text(TRAIN)
    person.ok("train", "train.toml")
    return person


def predict(person: Person, *arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = person.ok("predict", *arguments, "--json").json
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def signed(person: Person, name: str) -> dict[str, Any]:
    body: dict[str, Any] = person.ok("show", name, "--json").json["manifest"]["body"]
    return body


def text(owner: Person, name: str) -> str:
    return (owner.folder / "texts" / name).read_text()


def with_two_models(root: Path) -> Person:
    """Return somebody with a model of documents and one of rows, both of word counts."""
    person = Person(root / "home", root / "work")
    person.home.mkdir()
    person.folder.mkdir()
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    with_documents(person)
    (person.folder / "rows").mkdir()
    with (person.folder / "rows" / "rows.jsonl").open("w") as file:
        for number, one in enumerate(sorted((person.folder / "texts").glob("*-*.txt"))):
            said, labels = one.read_text(), [one.stem.rpartition("-")[0]]
            row = {
                "text": said,
                "labels": labels + ["long"] * (len(said) > 300),
                "length": len(said),
                "number": number,
                "id": f"p{number}",
            }
            file.write(json.dumps(row) + "\n")
    (person.folder / "split-rows.toml").write_text(SPLIT_ROWS)
    person.ok("commit", "rows", "-d", "acme/rows")
    person.ok("filter", "acme/rows", "--recipe", "split-rows.toml", "--as", "acme/tags")
    person.ok("permit", "acme/rows", "--permit", "train,evaluate")
    (person.folder / "tags.toml").write_text(TAGS)
    person.ok("train", "tags.toml")
    return person
