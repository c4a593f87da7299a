"""Copying packs to a folder: in groups, each verified, durable before it has its name."""

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.progress import Progress, silent
from lyrikstore.objects import transfer
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.backends.memory import MemoryBackend
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.transfer import copy_packs
from tests.kinds import refused


@pytest.fixture(params=[LocalBackend, MemoryBackend])
def source(request, tmp_path):
    (tmp_path / "source").mkdir()
    return request.param(tmp_path / "source")


@pytest.fixture
def target(tmp_path):
    return LocalBackend(tmp_path / "target")


def make(backend, count):
    packs = []
    for number in range(count):
        data = b"%d" % number * 1000
        packs.append(PackRef(Digest.of(data), len(data), "data"))
        backend.create(packs[-1].name, data)
    return packs


def test_every_pack_of_every_group_arrives(source, target, monkeypatch):
    monkeypatch.setattr(transfer, "_GROUP_FILES", 2)
    packs, reported = make(source, 5), []
    target.create(packs[3].name, b"half")  # a leftover under its name
    moved = copy_packs(source, target, packs, reported.append)
    assert (moved.files, moved.bytes) == (5, 5000)
    assert reported[-1] == Progress(5, 5, 5000)
    assert [target.read(pack.name) for pack in packs] == [source.read(pack.name) for pack in packs]
    assert list(target.scratch.iterdir()) == []
    assert copy_packs(source, target, packs).files == 0


def test_what_arrived_before_a_damaged_pack_stays(source, target, monkeypatch):
    monkeypatch.setattr(transfer, "_GROUP_FILES", 2)
    packs = make(source, 5)
    sound = source.read(packs[2].name)
    source.replace(packs[2].name, sound[:-1] + b"x")
    with refused("pack-damaged"):
        copy_packs(source, target, packs)
    assert list(target.list("packs/")) == sorted(pack.name for pack in packs[:2])
    assert list(target.scratch.iterdir()) == []
    source.replace(packs[2].name, sound)
    assert copy_packs(source, target, packs).files == 3


def test_nothing_is_made_where_nothing_is_to_be_copied(source, target):
    assert copy_packs(source, target, []).files == 0
    assert not target.root.exists()


def test_what_other_threads_hear_once_it_is_over():
    tally = transfer._Tally(1, silent)
    tally.move(1)
    tally.stopped = True
    with refused("stopped"):
        tally.move(1)
