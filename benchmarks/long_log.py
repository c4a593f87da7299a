#!/usr/bin/env python3
"""Times `verify` and `deploy` in a store with a long log.

    python benchmarks/long_log.py [--entries 10000] [--work DIR] [--code CHECKOUT …]

A small classifier is trained, and the filter of its data is logged under other names until the log
is long enough: manifests that no data has to be read for.
Each command then runs in a copy of that store: by this checkout, and by every other that ``--code``
names, in turn. Processor seconds of the whole tree of processes, and the peak of memory, are said.
It compares two checkouts, by hand: no page has its figures, and `make measure` leaves it out.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from measure import Sample, must
from small import Person

HERE = Path(__file__).resolve().parent
COMMANDS = {
    "verify": ("verify",),
    "verify MODEL": ("verify", "checkpoints/acme/rows"),
    "deploy": ("deploy", "checkpoints/acme/rows", "--to", "onnx", "-o", "deployed"),
}
SPLIT = """recipe = 1
[[step]]
use = "split/1"
by = "id"
seed = "1"
train = 0.6
validation = 0.2
test = 0.2
"""
CONFIG = """purpose = "train"
name = "checkpoints/acme/rows"
[data]
train = "acme/rows.train"
validation = "acme/rows.validation"
test = "acme/rows.test"
label = "label"
text = "text"
[model]
base = "linear"
[training]
epochs = 1
threads = 1
"""
BATCH = 500


def build(base: Path, entries: int) -> Person:
    """Return somebody with a model, in a store with so many log entries."""
    person, chance = Person(base), random.Random(1)
    rows = [
        {
            "id": str(number),
            "text": " ".join(["alpha" if number % 2 else "beta", *chance.choices("abcdefg", k=9)]),
            "label": "ab"[number % 2],
        }
        for number in range(200)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (person.folder / "rows.jsonl").write_text(lines)
    (person.folder / "split.toml").write_text(SPLIT)
    (person.folder / "train.toml").write_text(CONFIG)
    person.run("commit", "rows.jsonl", "-d", "acme/rows", "--text", "text", "--label", "label")
    person.run("filter", "acme/rows", "--recipe", "split.toml", "--as", "acme/rows")
    person.run("permit", "acme/rows", "--permit", "train,evaluate")
    person.run("train", "train.toml")
    lengthen(person, entries)
    return person


def lengthen(person: Person, entries: int) -> None:
    """Log the filter again under other names, until the log has so many entries."""
    from lyrikstore.api import KeyFolder, Store
    from lyrikstore.history.commit.transaction import open_transaction
    from lyrikstore.history.manifests.manifest import sign_manifest

    home = Path(person.env["HOME"])
    keys = KeyFolder(home / ".config" / "lyrikstore" / "keys")
    store = Store.open(
        person.folder,
        memory_dir=home / ".local" / "state" / "lyrikstore" / "logs",
        trust_file=home / ".config" / "lyrikstore" / "trust.toml",
        keys=keys,
        signer=keys.signer(),
    )
    every = (one for _, one in store.repository.all_manifests())
    made = next(one for one in every if one.kind == "filter")
    while (left := entries - store.repository.checkpoint.size) > 0:
        size = store.repository.checkpoint.size
        with open_transaction(store.repository) as transaction:
            for number in range(min(left, BATCH)):
                manifest = sign_manifest(
                    kind=made.kind,
                    store=made.store,
                    name=f"filters/acme/copy{size + number}",
                    body=made.body,
                    signer=store.signer(),
                    created=store.clock(),
                )
                transaction.log_manifest(manifest)
            transaction.commit()


def run(person: Person, base: Path, code: Path, command: tuple[str, ...]) -> Sample:
    """Run a command of one checkout in a copy of the store."""
    copy = base / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(base / "made", copy, symlinks=True)
    for file in copy.glob("home/.local/state/lyrikstore/logs/signed/*.json"):
        text = file.read_text().replace(str(base / "made"), str(copy))
        file.write_text(text)  # where the store lies is remembered
    path = os.pathsep.join(map(str, (code, code / "cli")))
    env = {**person.env, "HOME": str(copy / "home"), "PYTHONPATH": path}
    return must([sys.executable, "-m", "lyrikstore_cli", *command], cwd=copy / "work", env=env)


def main() -> int:
    """Build the store and time the commands."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--code", type=Path, action="append", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as name:
        base = Path(name)
        person = build(base / "made", options.entries)
        for what, command in COMMANDS.items():
            for code in (*options.code, HERE.parent):
                found = run(person, base, code.resolve(), command)
                print(f"{what}: {found.cpu:.2f} s, {found.peak / 1e6:.0f} MB ({code})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
