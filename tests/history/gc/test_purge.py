"""Retention, purge, the same data again, clones: whatever the order, each says what it should."""

import os
import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.history.commit.transaction import create_repository
from lyrikstore.history.gc.gc import check_collected, collect
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.retired import present_tree, retired_versions
from lyrikstore.history.sync.pull import clone
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.pack.format import read_index
from tests.history.conftest import LOG, NOW, ORIGIN, OWNER, Shelf

NAME = "datasets/acme/texts"
COMMON = random.Random(0).randbytes(1000)
CONTENTS = [
    {"same": COMMON, "own": b"own %d" % number, "large": random.Random(number).randbytes(400_000)}
    for number in range(3)
]


def new_shelf(folder):
    root = folder / "project" / ".lyrikstore"
    root.parent.mkdir()
    memory = LogMemory(folder / "memory")
    create_repository(
        root,
        origin=ORIGIN,
        signer=OWNER,
        log_signer=LOG,
        clock=lambda: NOW,
        memory=memory,
    )
    return Shelf(root, memory)


def gc(shelf, **options):
    found = collect(shelf.repo, clock=lambda: shelf.now, signer=shelf.owner, **options)
    shelf.repo.refresh()
    return found


def in_packs(repository):
    return {
        raw
        for pack in repository.live.packs
        for digests in [read_index(repository.backend, pack).digests]
        for raw in (digests[at : at + 32] for at in range(0, len(digests), 32))
    }


STEPS = st.one_of(st.integers(0, 2), st.sampled_from(["keep", "purge", "clone"]))


@given(steps=st.lists(STEPS, min_size=4, max_size=9))
def test_whatever_the_order(tmp_path_factory, steps):
    shelf = new_shelf(tmp_path_factory.mktemp("purge"))
    versions = []
    for number, step in enumerate(steps):
        if isinstance(step, int):
            versions.append((shelf.commit(content=CONTENTS[step]), step))
        elif step == "keep" and versions:
            gc(shelf, keep=(NAME, 1))
        elif step == "purge":
            gc(shelf, purge=True)
            check_collected(shelf.repo)
        elif step == "clone":
            place = shelf.root.parents[1] / f"clone-{number}"
            copy, _ = clone(shelf.repo.backend, "home", place, memory=shelf.memory)
            assert not [check for check in verify_blobs(copy.blobs) if check.problem]
            assert in_packs(copy) == in_packs(shelf.repo)
        retired = retired_versions(shelf.repo)
        live = {content for version, content in versions if version.id not in retired}
        for version, content in versions:
            if version.id in retired:
                with pytest.raises(IncompleteError):
                    present_tree(shelf.repo, version)
                continue
            tree = present_tree(shelf.repo, version)
            assert {
                entry.path: shelf.repo.blobs.read(entry.blake3, max_bytes=1 << 20)
                for entry in tree.entries
            } == CONTENTS[content]
        if step in {"keep", "purge"}:  # what only retired versions had is in no live pack
            gone = {content for version, content in versions if version.id in retired} - live
            found = in_packs(shelf.repo)
            assert not [one for one in gone if Digest.of(CONTENTS[one]["own"]).raw in found]


def test_who_committed_meanwhile_loses_nothing(shelf):
    shelf.commit(content=CONTENTS[0])
    shelf.commit(content=CONTENTS[1])
    late = shelf.commit("datasets/acme/late", CONTENTS[0])
    gc(shelf, keep=(NAME, 1), purge=True)
    check_collected(shelf.repo)
    present_tree(shelf.repo, late)
    assert not [check for check in verify_blobs(shelf.repo.blobs) if check.problem]


def test_a_pack_that_cannot_be_rewritten_is_named(shelf):
    shelf.commit(content=CONTENTS[0])
    shelf.commit(content={"same": COMMON, "large": CONTENTS[0]["large"]})
    pack = max(shelf.repo.live.packs, key=lambda pack: pack.bytes)
    path = shelf.root / pack.name
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(pack.bytes // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    shelf.repo.refresh()
    found = gc(shelf, keep=(NAME, 1), purge=True)
    assert pack.id in found.repacked.skipped
    with pytest.raises(IncompleteError) as caught:
        check_collected(shelf.repo)
    assert caught.value.kind == "not-purged"
    assert pack.name in caught.value.details["left"]


def test_the_waiting_is_over(shelf):
    for number in range(12):
        shelf.commit(content={"n": b"%d" % number})
    assert gc(shelf).swept.waiting
    found = gc(shelf, purge=True)
    assert found.swept.deleted
    assert not found.swept.waiting
    assert not gc(shelf, grace=timedelta(0)).swept.waiting
