"""Small data and small models, for runs by the real command line that take seconds."""

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.conftest import Person, Result
from tests.faults.robust.models import write_base

WORDS = [f"word{number}" for number in range(100)]
BASE = "checkpoints/acme/base"
ENCODERS = ("embeddings", "lora", "full")
CONFIG = """purpose = "train"
name = "checkpoints/acme/{name}"
{top}
[data]
train = "acme/{name}.train"
validation = "acme/{name}.validation"
test = "acme/{name}.test"
label = "label"
text = "text"
[model]
base = "{base}"
{model}
[training]
epochs = 1
threads = 1
batch_size = 4
{training}
"""
Row = dict[str, Any]


def rows(count: int, labels: Sequence[Any] = ("a", "b"), *, seed: int = 0) -> list[Row]:
    """Return rows whose texts say which of two labels they have; labels come in turn."""
    chance = random.Random(seed)
    return [
        {
            "id": f"{seed}-{number}",
            "text": " ".join(
                [
                    "alpha" if number % 2 else "beta",
                    *chance.choices(WORDS, k=6),
                    f"s{seed}x{number}",
                ]
            ),
            "label": labels[number % len(labels)],
        }
        for number in range(count)
    ]


def parts(labels: Sequence[Any] = ("a", "b")) -> dict[str, list[Row]]:
    """Return rows to train, validate and test with."""
    return {
        "train": rows(24, labels, seed=1),
        "validation": rows(8, labels, seed=2),
        "test": rows(8, labels, seed=3),
    }


def lines(some: Iterable[Row]) -> str:
    """Return rows as JSON Lines."""
    return "".join(f"{json.dumps(row)}\n" for row in some)


def supply(person: Person, name: str, data: dict[str, list[Row]]) -> None:
    """Commit the parts of some data under a name, with the right to train and evaluate."""
    for part, some in data.items():
        folder = person.folder / f"{name}-{part}"
        folder.mkdir()
        (folder / "rows.jsonl").write_text(lines(some))
        called = f"acme/{name}.{part}"
        person.ok("commit", folder, "-d", called, "--text", "text", "--label", "label")
        person.ok("permit", called, "--permit", "train,evaluate")


def supply_base(person: Person, name: str = "base") -> Path:
    """Write a small encoder to a folder; return it."""
    folder = person.folder / name
    write_base(folder)
    return folder


def configure(
    person: Person,
    name: str,
    *,
    base: str = "linear",
    candidates: Sequence[str] = (),
    training: str = "",
    top: str = "",
    more: str = "",
) -> str:
    """Write a config; return the name of its file."""
    model = f"candidates = {json.dumps(list(candidates))}\n" if candidates else ""
    if base != "linear":
        model += "max_tokens = 16\n"
    text = CONFIG.format(name=name, base=base, model=model, training=training, top=top)
    (person.folder / f"{name}.toml").write_text(text + more)
    return f"{name}.toml"


def entries(person: Person) -> list[str]:
    """Return the names of the manifests and credentials that were logged."""
    found = person.ok("log", "--audit", "--json").json["entries"]
    return [one["name"] for one in found if one.get("name")]


def leftovers(person: Person) -> list[Path]:
    """Return the folders of work that somebody left."""
    return list((person.folder / ".lyrikstore" / "staging").glob("work-*"))


def refused(person: Person, code: int, *arguments: str, announced: bool = False) -> Result:
    """Run what has to fail, with a next step, and leave at most the announcement of a run."""
    before = entries(person)
    result = person.fails(code, *arguments, "--json")
    assert result.error["hint"], result.err
    after = entries(person)[len(before) :]
    assert len(after) == int(announced), after
    assert all(name.startswith("runs/") for name in after)
    assert leftovers(person) == []
    return result
