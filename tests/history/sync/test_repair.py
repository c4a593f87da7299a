"""Repairing from another place: every kind of file, damaged in every way."""

import os
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from lyrikstore.canon.errors import VerificationError
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.sync.repair import repair_store
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.transfer import pack_problem
from lyrikstore.verify.store.store import verify_store
from tests.contexts import context_of
from tests.history.sync.conftest import NOW, REMOTES
from tests.kinds import refused
from tests.sweep import evenly, thinned

# Repairing only reads, which the emulators show elsewhere.
EVERY_REMOTE = pytest.mark.parametrize("make_remote", REMOTES, indirect=True)
WHAT = ("packs/", "tx/", "log/tile/", "log/checkpoint", "format")
DAMAGE = tuple(product(WHAT, ("flip", "cut", "empty", "gone", "link")))


def damaged() -> Iterator[Any]:
    """Yield every damage to be repaired from a folder; from the others each kind of file in turn.

    They read the same files by other ways, and the damage is here.
    """
    for one in REMOTES:
        name, marks = (one, ()) if isinstance(one, str) else (one.values[0], one.marks)
        for what, how in DAMAGE if name == "folder" else thinned(DAMAGE, len(WHAT)):
            yield pytest.param(name, what, how, marks=marks)


def whole(desk):
    repo = desk.again()
    assert repo.check_tiles() == []
    assert [one.problem for one in verify_blobs(repo.blobs) if one.problem] == []
    return repo


def test_the_thin_part_damages_every_kind_of_file_in_another_way():
    thin = evenly(DAMAGE, len(WHAT))
    assert [what for what, _ in thin] == list(WHAT)
    assert len({how for _, how in thin}) == len(WHAT)


@pytest.mark.parametrize(("make_remote", "what", "how"), [*damaged()], indirect=["make_remote"])
def test_what_is_damaged_is_restored(office, remote, what, how):
    home = office.home()
    home.commit({"a": b"one" * 100})
    home.commit({"a": b"two" * 100})
    home.push(remote, mirror=True)
    root = home.repo.root
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    head = home.repo.checkpoint.root
    names = [what] if (root / what).is_file() else list(remote.list(what))
    for name in names:
        path = root / name
        data = path.read_bytes()
        path.unlink()
        if how == "link":
            path.symlink_to("/dev/null")
        elif how != "gone":
            broken = {"flip": bytes([data[0] ^ 1]) + data[1:], "cut": data[:-1], "empty": b""}
            path.write_bytes(broken[how])
    repaired = repair_store(root, remote, "origin", memory=home.memory)
    assert {one.name for one in repaired} == set(names)
    assert whole(home).checkpoint.root == head
    for path, data in before.items():
        if path.name != "lock":
            assert path.read_bytes() == data
    kept = len(os.listdir(root / "quarantine"))
    assert kept == (0 if how == "gone" else len(names))
    assert repair_store(root, remote, "origin", memory=home.memory) == []


@EVERY_REMOTE
def test_a_newer_store_is_not_set_back(office, remote):
    home = office.home()
    home.commit({"a": b"one" * 100})
    home.push(remote, mirror=True)
    home.commit({"a": b"two" * 100})
    for name in list(home.repo.backend.list("log/tile/")):
        (home.repo.root / name).unlink()
    assert repair_store(home.repo.root, remote, "origin", memory=home.memory)
    assert whole(home).checkpoint.size == 6


@EVERY_REMOTE
def test_a_damaged_source_repairs_nothing(office, remote):
    home = office.home()
    home.commit({"a": b"one" * 100})
    home.push(remote, mirror=True)
    name = next(iter(remote.list("packs/")))
    for backend in (home.repo.backend, remote):
        spoil(backend, name)
    with refused("not-repaired"):
        repair_store(home.repo.root, remote, "origin", memory=home.memory)
    assert home.repo.backend.size(name) is not None


@EVERY_REMOTE
def test_what_the_source_lacks_too_keeps_nothing_else_from_being_restored(office, remote):
    home = office.home()
    for word in (b"one", b"two", b"three"):
        home.commit({"a": word * 100})
    home.push(remote, mirror=True)
    packs = [pack.name for pack in home.repo.live.packs]
    for name in packs:
        spoil(home.repo.backend, name)
    spoil(remote, packs[0])
    with pytest.raises(
        VerificationError, match="1 pack is damaged or missing here and at"
    ) as raised:
        repair_store(home.repo.root, remote, "origin", memory=home.memory)
    assert raised.value.details["packs"] == packs[:1]
    assert set(raised.value.details["restored"]) == set(packs[1:])
    live = home.repo.live.packs
    assert [one.name for one in live if pack_problem(home.repo.backend, one)] == packs[:1]
    spoil(remote, packs[0])  # which mends it
    repaired = repair_store(home.repo.root, remote, "origin", memory=home.memory)
    assert [one.name for one in repaired] == packs[:1]
    whole(home)


def spoil(backend, name):
    data = backend.read(name)
    backend.replace(name, data[:20] + bytes([data[20] ^ 1]) + data[21:])


@EVERY_REMOTE
def test_verify_looks_at_the_local_log_too(office, make_remote):
    remote = make_remote("local-log")
    home = office.home()
    home.commit({"a": b"one" * 100})
    home.push(remote)
    desk = office.clone(remote)
    desk.commit({"a": b"two" * 100})
    tiles = sorted((desk.repo.root / "local" / "log" / "tile").rglob("*.p/*"))
    report = verify_store(context_of(desk.again(), trust=Trust(), clock=lambda: NOW))
    assert "so are those of the local log" in report.check("log.tiles").summary
    for tile in tiles:
        data = tile.read_bytes()
        tile.chmod(0o600)
        tile.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        report = verify_store(context_of(desk.again(), trust=Trust(), clock=lambda: NOW))
        assert report.verdict == "invalid"
        assert "local/log/tile" in report.check("log.tiles").summary
        tile.write_bytes(data)
    assert tiles
