"""What commands that were killed leave of rows: where, for whom to read, and how long."""

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_interrupted import KILLED
from tests.conftest import Person

CANARY = "a-canary-that-occurs-nowhere-else"
RECIPE = """recipe = 1
[[step]]
use = "redact/1"
[[step]]
use = "drop-duplicates/1"
[[step]]
use = "map/1"
set = { seen = "yes" }
"""
FILTER = ("filter", "acme/rows", "--recipe", "recipe.toml", "--as", "acme/clean")
DIES_LATE = "lyrikstore.curate.recipes.apply.measure_shards"


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def keeper(publisher: Person) -> Person:
    temporary = publisher.folder.parent / "tmp"
    temporary.mkdir()
    publisher.environment["TMPDIR"] = str(temporary)
    data = publisher.folder / "data"
    data.mkdir()
    rows = [{"text": f"{CANARY} number {n}", "n": n} for n in range(20)]
    (data / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (publisher.folder / "recipe.toml").write_text(RECIPE)
    publisher.ok("commit", data, "-d", "acme/rows", "--text", "text")
    return publisher


def killed(person: Person, at: str, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, at, *command],
        cwd=person.folder,
        env=person.variables() | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def places(person: Person) -> list[Path]:
    """Return what holds rows outside the data and the store's objects; all is for its owner."""
    store, cache = person.folder / ".lyrikstore", person.home / ".cache"
    found = []
    for folder in (store / "staging", store / "cache", cache, person.folder.parent / "tmp"):
        for path in folder.rglob("*"):
            if path.is_file() and CANARY.encode() in path.read_bytes():
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
                assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0, path.parent
                found.append(path)
    return found


def in_staging(person: Person) -> list[str]:
    return sorted(one.name for one in (person.folder / ".lyrikstore/staging").iterdir())


def test_a_filter_that_was_killed(keeper: Person) -> None:
    keeper.ok(*FILTER[:-1], "acme/whole")
    assert in_staging(keeper) == ["lock"]
    assert places(keeper) == []
    killed(keeper, DIES_LATE, *FILTER)
    staging = keeper.folder / ".lyrikstore" / "staging"
    left = places(keeper)
    assert {path.parent.name for path in left} >= {"stage-1", "shards"}
    assert all(path.is_relative_to(staging) for path in left)
    for path in (staging, *staging.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    # None of it is pushed.
    keeper.ok("remote", "add", "origin", keeper.folder / "home")
    keeper.ok("push", "origin")
    assert not (keeper.folder / "home" / "staging").exists()
    # A trial and another filter leave it, and so does a garbage collection on the same day.
    keeper.ok(*FILTER, "-n")
    keeper.ok("gc")
    assert places(keeper) == left
    keeper.ok(*FILTER)
    assert places(keeper) == []
    assert in_staging(keeper) == ["lock"]
    whole, clean = (
        keeper.ok("show", name, "--json").json["manifest"]["tree"]
        for name in ("acme/whole", "acme/clean")
    )
    assert whole == clean
    # What failed leaves nothing.
    (keeper.folder / "recipe.toml").write_text(
        'recipe = 1\n[[step]]\nuse = "where/1"\nsql = "n < 0"\n'
    )
    keeper.fails(17, *FILTER)
    assert places(keeper) == []
    assert in_staging(keeper) == ["lock"]


def test_what_nobody_goes_on_with_goes(keeper: Person) -> None:
    for collect in (("gc",), ("gc", "--purge")):
        killed(keeper, DIES_LATE, *FILTER)
        assert places(keeper) != []
        if collect == ("gc",):
            (lock,) = (keeper.folder / ".lyrikstore" / "staging").glob("kept-*/lock")
            os.utime(lock, (1, 1))
        keeper.ok(*collect)
        assert places(keeper) == []
        assert in_staging(keeper) == ["lock"]


def test_a_commit_that_was_killed(keeper: Person) -> None:
    data = keeper.folder / "packed"
    data.mkdir()
    (data / "rows.jsonl.gz").write_bytes(gzip.compress(f'{{"text":"{CANARY}"}}\n'.encode()))
    command = ("commit", str(data), "-d", "acme/packed", "--text", "text")
    killed(keeper, "lyrikstore.curate.commit.commit._store", *command)
    (left,) = places(keeper)
    assert left.is_relative_to(keeper.home)  # what is unpacked is what will be signed
    keeper.ok(*command)
    assert places(keeper) == []


def test_what_is_remembered_of_content_goes_by_a_purge(keeper: Person) -> None:
    sheet = keeper.folder / "sheet.csv"
    sheet.write_text(f"path,note\nrows.jsonl,{CANARY}\ngone.txt,other\n")
    data = keeper.folder / "data"
    sheeted = ("commit", data, "-d", "acme/texts", "--metadata", sheet, "--allow-orphans")
    keeper.ok(*sheeted, "--reader", "document/1")
    keeper.ok("query", "select count(*) from metadata")
    assert {path.name.partition("-")[0] for path in places(keeper)} == {"sheet", "index"}
    for path in (keeper.home / ".cache" / "lyrikstore").glob("*/*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    (data / "rows.jsonl").write_text("other\n")
    sheet.write_text("path,note\nrows.jsonl,other\n")
    keeper.ok(*sheeted, "--reader", "document/1", "--yes")
    keeper.ok("gc", "--keep", "1", "--purge", "acme/texts")
    assert places(keeper) == []
