"""What only retired versions held is neither pushed nor cloned."""

import random
from datetime import timedelta

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, IncompleteError
from lyrikstore.history.gc.gc import collect
from lyrikstore.history.gc.retention import plan_retirement, retire
from lyrikstore.history.repository.partial_clone import Selection
from lyrikstore.history.sync.negotiate import at_home
from lyrikstore.history.sync.pull import clone
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.backends.memory import MemoryBackend
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.pack.format import PackRef, read_index
from tests.history.sync.conftest import LOG, NAME, NOW, OWNER

SECRET = b"what has to go"
LARGE = random.Random(1).randbytes(2_000_000)
SHARED = random.Random(2).randbytes(300_000)


def holds(backend, blob):
    """Return whether any pack file at a place holds a blob, whoever needs the pack."""
    return any(
        digest.raw in read_index(backend, pack).digests
        for pack in packs_at(backend)
        for digest in [Digest.of(blob)]
    )


def packs_at(backend):
    for name in backend.list("packs/"):
        raw = bytes.fromhex(name.rpartition("/")[2].removesuffix(".pack"))
        yield PackRef(Digest(raw), backend.size(name), "data")


def collected(desk, repository=None):
    return collect(
        repository or desk.repo,
        clock=lambda: NOW,
        signer=OWNER,
        keep=(NAME, 1),
        grace=timedelta(0),
    )


@pytest.fixture
def desk(office):
    """Return a home of two versions; most of the pack of the first is needed by the second."""
    desk = office.home()
    desk.commit({"a": SHARED, "big": LARGE, "s": SECRET})
    desk.commit({"a": SHARED, "big": LARGE + b"more"})
    return desk


@pytest.mark.parametrize("mirror", [True, False])
def test_a_push_carries_none(desk, office, mirror):
    collected(desk)
    remote = LocalBackend(office.folder / "remote")
    desk.push(remote, mirror=mirror)
    assert not holds(remote, SECRET)
    assert holds(remote, SHARED)
    other = office.clone(remote, "other")
    assert not holds(other.repo.backend, SECRET)
    assert not [check for check in verify_blobs(other.repo.blobs) if check.problem]


def test_before_gc_let_go_of_it_nothing_is_pushed_or_cloned(desk, office):
    retire(desk.repo, plan_retirement(desk.repo, NAME, 1), signer=OWNER, clock=lambda: NOW)
    desk.repo.refresh()
    remote = LocalBackend(office.folder / "remote")
    for mirror in (True, False):
        for dry in (True, False):
            with pytest.raises(IncompleteError) as caught:
                desk.push(remote, mirror=mirror, dry_run=dry)
            assert caught.value.kind == "retired"
            assert list(remote.list("")) == []
    assert not desk.repo.is_mirror
    with pytest.raises(IncompleteError) as caught:
        office.clone(desk.repo.backend)
    assert caught.value.kind == "retired"
    begun = LocalBackend(office.folder / f"clone-{office.count}")
    assert not holds(begun, SECRET)
    assert begun.size("format") is None
    collect(desk.repo, clock=lambda: NOW)
    # The same clone goes on where it stopped.
    repository, _ = clone(desk.repo.backend, "home", begun.root, memory=office.memory())
    assert not holds(begun, SECRET)
    assert not [check for check in verify_blobs(repository.blobs) if check.problem]
    desk.push(remote)
    assert not holds(remote, SECRET)


def test_a_clone_without_data_needs_nothing_collected(desk, office):
    retire(desk.repo, plan_retirement(desk.repo, NAME, 1), signer=OWNER, clock=lambda: NOW)
    desk.repo.refresh()
    without = office.clone(desk.repo.backend, selection=Selection())
    assert not holds(without.repo.backend, SECRET)
    with pytest.raises(IncompleteError) as caught:
        office.clone(desk.repo.backend, selection=Selection((NAME,)))
    assert caught.value.kind == "retired"
    collected(desk)
    partial = office.clone(desk.repo.backend, selection=Selection((NAME,)))
    assert holds(partial.repo.backend, SHARED)
    assert not holds(partial.repo.backend, SECRET)


def test_what_the_home_dropped_comes_back_without_the_rest(desk, office, tmp_path):
    remote = MemoryBackend(tmp_path)
    desk.push(remote)
    two = office.clone(remote, "other")
    two.commit({"a": SHARED, "again": LARGE})  # rests on the pack of the first version
    there = at_home(desk.repo, remote, "memory://home", "home", memory=desk.memory, log_signer=LOG)
    for _ in range(2):
        collected(desk, there)
        there.refresh()
    assert not holds(remote, SECRET)
    with pytest.raises(ConflictError) as caught:  # its version succeeds one that is current no more
        two.commit({"x": b"x"}, parents=())
    assert caught.value.kind == "ref-moved"
    two.push(remote)
    assert not holds(remote, SECRET)
    desk.pull(remote)
    state = desk.repo.home_table.refs[NAME]
    tree = desk.repo.tree(desk.repo.manifest(state.id))
    assert all(desk.repo.blobs.is_whole(entry.blake3) for entry in tree.entries)
    assert not [check for check in verify_blobs(desk.repo.blobs) if check.problem]
