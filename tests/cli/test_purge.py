"""``gc --purge``: of what no version needs, no 64 bytes in a row are left anywhere that is ours."""

import csv
import random
import shutil
from itertools import takewhile

import numpy as np
import pytest

from tests.held import contents

NAME = "acme/texts"
RUN = 64
_STEP = RUN // 2
"""Any run of 64 bytes has a whole one of these blocks in it, wherever it begins."""


def canary(seed, size):
    """Return text that occurs nowhere else, and shrinks a little as text does."""
    return random.Random(seed).randbytes(size // 2).hex()[:size]


def holds(secret, data):
    """Return whether any 64 bytes in a row of ``secret`` are in ``data``."""
    if len(data) < RUN:
        return False
    blocks: dict[bytes, list[int]] = {}
    for at in range(0, len(secret) - _STEP + 1, _STEP):
        blocks.setdefault(secret[at : at + _STEP], []).append(at)
    heads = np.array([int.from_bytes(block[:8], "little") for block in blocks], "<u8")
    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), 8)
    found = np.flatnonzero(np.isin(np.ascontiguousarray(windows).view("<u8").ravel(), heads))
    return any(
        _common(secret, at, data, place) >= RUN
        for place in found.tolist()
        for at in blocks.get(data[place : place + _STEP], ())
    )


def _common(secret, at, data, place):
    # How far both agree around the block, as far as it matters.
    before = zip(
        secret[max(at - RUN, 0) : at][::-1], data[max(place - RUN, 0) : place][::-1], strict=False
    )
    after = zip(secret[at : at + RUN], data[place : place + RUN], strict=False)
    return sum(len(list(takewhile(_agree, way))) for way in (before, after))


def _agree(two):
    return two[0] == two[1]


def places(secret, *folders):
    """Return the files in which 64 bytes or more of ``secret`` are found."""
    return sorted(
        path.relative_to(folder.parent).as_posix()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and any(holds(secret, data) for data in contents(path))
    )


@pytest.fixture
def keeper(publisher):
    """Return somebody with temporary files of their own, and what is ours of theirs."""
    temporary = publisher.folder.parent / "tmp"
    temporary.mkdir()
    publisher.environment["TMPDIR"] = str(temporary)
    publisher.environment["TZ"] = "UTC"  # each command in a process of its own, which reads both
    return publisher


def ours(person, store=None):
    cache = person.home / ".cache"
    cache.mkdir(exist_ok=True)
    return (store or person.folder / ".lyrikstore", cache, person.folder.parent / "tmp")


def commit(person, files, notes=None):
    data = person.folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    for path, text in files.items():
        (data / path).write_text(text)
    sheet = person.folder / "sheet.csv"
    with sheet.open("w", newline="") as file:
        rows = [(path, (notes or {}).get(path, "none")) for path in files]
        csv.writer(file).writerows([("path", "note"), *rows])
    person.ok("commit", data, "-d", NAME, "--metadata", sheet, "--yes")


def leave_traces(person, secret):
    """Let the index be built, and leave what commands that were killed would leave."""
    person.ok("query", "select count(*) from metadata")
    store = person.folder / ".lyrikstore"
    cache = next(path for path in (person.home / ".cache/lyrikstore").iterdir() if path.is_dir())
    index = next(cache.glob("index-*.duckdb"))
    shutil.copy(index, index.with_name(f"{index.name}.set-aside"))
    (index.with_name(f"{index.name}.{'0' * 16}.new")).write_bytes(secret)
    for place in (
        store / "tmp" / f"1-{'a' * 16}.{'b' * 12}",
        store / "quarantine" / "packs-ab-cd.pack.0011",
        store / "staging" / "work-0011223344556677" / "train.jsonl",
        cache / "staging" / "work-0011223344556677" / "text",
        cache / "sheet-0123456789ab.new",
        person.folder.parent / "tmp" / "lyrikstore-gc-abc" / f"1-{'a' * 16}",
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(secret)


SECRETS = {
    "large": canary(1, 3_000_000),  # in chunks, some of which a later version shares
    "small": canary(2, 5_000),  # in one block with files that stay
    "tiny": canary(3, RUN),
}


@pytest.mark.parametrize("what", [pytest.param("large", marks=pytest.mark.ci), "small", "tiny"])
def test_nothing_is_left(keeper, what):
    text = SECRETS[what]
    secret = text.encode()
    shared = canary(9, 1_500_000) if what == "large" else ""
    rest = {f"{number}.txt": canary(100 + number, 3_000) for number in range(20)}
    commit(keeper, {"a.txt": shared + text, **rest})
    commit(keeper, {"a.txt": shared + "later", **rest})
    leave_traces(keeper, secret)
    assert len(places(secret, *ours(keeper))) >= 7
    done = keeper.ok("gc", "--keep", "1", "--purge", NAME, "--json").json
    assert places(secret, *ours(keeper)) == []
    assert done["waiting"] == []
    assert done["purged"]["freedBytes"] > done["deletedBytes"] > 0
    assert done["purged"]["retiredVersions"] == 1
    assert done["purged"]["remotesNotReached"] == []
    assert "backups" in done["purged"]["unknownCopies"]
    # The rest is whole, and stays so.
    assert keeper.ok("verify", "--json").json["verdict"] == "trusted"
    keeper.ok("checkout", NAME, "now")
    assert (keeper.folder / "now" / "a.txt").read_text() == shared + "later"
    keeper.ok("query", "select * from metadata")
    keeper.ok("status")
    assert places(secret, *ours(keeper)) == []
    clone = keeper.folder / "clone"
    keeper.ok("clone", keeper.folder, clone)
    assert places(secret, clone) == []
    keeper.ok("verify", cwd=clone)
    # The same text again is another version, and there again.
    commit(keeper, {"a.txt": shared + text, **rest})
    keeper.ok("checkout", NAME, "again")
    assert (keeper.folder / "again" / "a.txt").read_text() == shared + text
    assert keeper.fails(5, "checkout", f"{NAME}~2", "old", "--json").kind == "retired"
    keeper.ok("gc", "--purge")
    keeper.ok("verify")


def test_what_a_sheet_said_is_in_the_tree_alone(keeper):
    note = canary(4, 3_000)
    commit(keeper, {"a.txt": "one"}, {"a.txt": note})
    keeper.ok("query", "select * from metadata")
    commit(keeper, {"a.txt": "two"})
    store, *others = ours(keeper)
    assert places(note.encode(), *others) != []
    keeper.ok("gc", "--keep", "1", "--purge", NAME)
    assert places(note.encode(), *others) == []
    # The tree is what the signed version is checked by: it stays, and nothing else does.
    assert [place.partition("/")[2][:6] for place in places(note.encode(), store)] == ["packs/"]
    keeper.ok("query", "select * from metadata")
    assert places(note.encode(), *others) == []
    assert "hold paths and sheets" in keeper.ok("gc", "--purge").out


def test_a_blob_of_another_version_stays(keeper):
    text = canary(5, 2_000)
    commit(keeper, {"a.txt": text, "b.txt": "one"})
    commit(keeper, {"moved.txt": text})
    keeper.ok("gc", "--keep", "1", "--purge", NAME)
    keeper.ok("checkout", NAME, "now")
    assert (keeper.folder / "now" / "moved.txt").read_text() == text
    keeper.ok("verify")


def test_a_preview_changes_nothing(keeper):
    secret = canary(6, 2_000)
    commit(keeper, {"a.txt": secret})
    commit(keeper, {"a.txt": "later"})
    leave_traces(keeper, secret.encode())
    before = places(secret.encode(), *ours(keeper))
    done = keeper.ok("gc", "--keep", "1", "--purge", NAME, "-n", "--json").json
    assert done["purged"] is None
    assert len(done["retired"]) == 1
    assert places(secret.encode(), *ours(keeper)) == before


def test_what_is_left_is_named(keeper):
    secret = canary(7, 2_000)
    commit(keeper, {"a.txt": secret, "b.txt": "same"})
    commit(keeper, {"a.txt": "later", "b.txt": "same"})
    unknown = keeper.folder / ".lyrikstore" / "cache" / "copy"
    unknown.parent.mkdir(exist_ok=True)
    unknown.write_text(secret)
    error = keeper.fails(5, "gc", "--keep", "1", "--purge", NAME, "--json").error
    assert error["kind"] == "not-purged"
    assert error["details"]["left"] == ["cache/copy"]
    unknown.unlink()
    keeper.ok("gc", "--purge")
    assert places(secret.encode(), *ours(keeper)) == []


def test_a_grace_is_no_purge(keeper):
    keeper.fails(2, "gc", "--purge", "--grace", "0")
    keeper.fails(2, "gc", "--purge", "--repack-at", "25")


def test_at_a_home_elsewhere_and_in_its_clone(keeper):
    secret = canary(8, 50_000)
    commit(keeper, {"a.txt": secret, "b.txt": "same"})
    home, backup = keeper.folder / "home", keeper.folder / "backup"
    keeper.ok("remote", "add", "origin", home)
    keeper.ok("remote", "add", "backup", backup, "--mirror")
    keeper.ok("push", "origin")
    keeper.ok("push", "backup")
    # Committed in the clone: its local log has packs of its own.
    commit(keeper, {"a.txt": secret + "more", "b.txt": "same"})
    keeper.ok("push", "origin")
    commit(keeper, {"a.txt": "later", "b.txt": "same"})
    keeper.ok("push", "origin")
    assert places(secret.encode(), *ours(keeper)) != []
    assert places(secret.encode(), home) != []
    command = ("gc", "--remote", "origin", "--keep", "1", "--purge", NAME, "--json")
    done = keeper.ok(*command).json
    assert places(secret.encode(), home, *ours(keeper)) == []
    assert [one["name"] for one in done["purged"]["remotesNotReached"]] == ["backup"]
    assert places(secret.encode(), backup) != []
    keeper.ok("verify")
    # What waits here may rest on what would go.
    commit(keeper, {"a.txt": "waits", "b.txt": "same"})
    for command in (("gc", "--purge"), ("gc", "--purge", "--remote", "origin")):
        assert keeper.fails(16, *command, "--json").kind == "not-pushed"
    keeper.ok("push", "origin")
    keeper.ok("gc", "--purge")
    keeper.ok("push", "backup")
    keeper.ok("clone", home, keeper.folder / "again")
    keeper.ok("verify", cwd=keeper.folder / "again")
    # A mirror is purged where it lies: what its home dropped goes.
    keeper.ok("gc", "--purge", "--store", backup)
    assert places(secret.encode(), backup) == []
