"""The same version, whoever makes it: processes, locale, time zone, hashes, order of files."""

import json
import random
import shutil
from pathlib import Path

import pytest

from tests.conftest import Person

RECIPE = """
recipe = 1
[[step]]
use = "where/1"
sql = "n % 17 <> 3 AND lower(text) <> 'none'"
[[step]]
use = "map/1"
trim = ["label"]
values.label = { "İstanbul" = "city" }
[[step]]
use = "drop-duplicates/2"
[[step]]
use = "redact/3"
detectors = ["patterns"]
[[step]]
use = "near-duplicates/1"
[[step]]
use = "balance/1"
most = 150
[[step]]
use = "split/3"
by = "group"
"""
WORDS = "lease ISTANBUL istanbul Straße STRASSE ﬁne résumé 契約 0.10 1e3 rent term party"
# What asks how many processes pay has it that they always do.
SPREAD_OUT = """
import sys
from lyrikstore.curate.recipes import engine
engine.MANY_BYTES = 0
engine.cores = lambda: 2
from lyrikstore_cli.__main__ import start
sys.argv[0] = "lyrikstore"
start()
"""


class Elsewhere(Person):
    """Somebody whose filters always share the work between two processes."""

    def command(self, *arguments: object) -> list[str]:
        python, *_ = super().command()
        return [python, "-c", SPREAD_OUT, *map(str, arguments)]


def write(folder: Path) -> None:
    chance = random.Random(1)
    for number in range(6):
        rows = []
        for n in range(number * 100, number * 100 + 100):
            text = " ".join([*chance.choices(WORDS.split(), k=12), f"jo{n % 40}@example.org"])
            label = chance.choice(["a", " a", "İstanbul", "b", None])
            rows.append({"n": n, "x": 1.50, "text": text, "label": label, "group": f"g{n % 23}"})
        lines = [json.dumps(row, ensure_ascii=number % 2 == 0) + "\n" for row in rows]
        (folder / f"{number}.jsonl").write_text("".join(lines), "utf-8")


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param(
            {"PYTHONHASHSEED": "1", "LC_ALL": "C", "LANG": "C", "TZ": "Pacific/Apia"},
            marks=pytest.mark.ci,
        ),
        {"PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
    ],
    ids=["C", "Turkish"],
)
def test_who_filters_does_not_matter(publisher, environment) -> None:
    folder = publisher.folder / "rows"
    folder.mkdir()
    write(folder)
    (publisher.folder / "recipe.toml").write_text(RECIPE, "utf-8")
    first = publisher.ok("commit", "rows", "-d", "acme/rows", "--group", "group", "--json").json
    arguments = ("filter", "acme/rows", "--recipe", "recipe.toml", "--as", "acme/done", "--json")
    done = publisher.ok(*arguments).json
    assert done["changed"]
    assert done["droppedFor"]
    assert done["changedFor"]

    # Another folder, in which the files were made in another order.
    other = publisher.folder / "other"
    other.mkdir()
    for file in sorted(folder.iterdir(), reverse=True):
        shutil.copy(file, other)
    elsewhere = Elsewhere(publisher.home, publisher.folder, environment)
    again = elsewhere.ok("commit", "other", "-d", "acme/rows", "--group", "group", "--json").json
    assert not again["changed"]
    assert again["id"] == first["id"]
    again = elsewhere.ok(*arguments).json
    assert not again["changed"]  # not one byte of a manifest differs
    assert again["parts"] == done["parts"]
