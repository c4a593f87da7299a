"""Garbage is collected at a home on another machine, while others push to it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from lyrikstore.canon.errors import ConflictError, InvalidInputError
from lyrikstore.history.gc.gc import Collected, collect
from lyrikstore.history.sync.negotiate import at_home
from lyrikstore.objects.backends.base import Backend, LocalBackend
from lyrikstore.objects.backends.memory import MemoryBackend
from tests.history.sync.conftest import LOG, NAME, NOW, OWNER, Desk, Office


def collect_at(desk: Desk, backend: Backend, keep: int = 1) -> Collected:
    """Collect garbage at the home as somebody at a clone of it."""
    where = backend.root if isinstance(backend, LocalBackend) else f"memory://{id(backend)}"
    there = at_home(desk.repo, backend, where, "origin", memory=desk.memory, log_signer=LOG)
    return collect(
        there,
        clock=lambda: NOW,
        signer=OWNER,
        keep=(NAME, keep),
        grace=timedelta(0),
    )


def text(number: int) -> dict[str, bytes]:
    return {"a.txt": b"%d" % number * 1000}


@pytest.fixture
def desks(office, remote) -> tuple[Desk, Desk]:
    """Return two people with clones of one home that has three versions."""
    desk = office.home()
    for number in range(3):
        desk.commit(text(number))
    desk.push(remote)
    return desk, office.clone(remote, "other")


def test_versions_are_retired_and_packs_deleted_there(desks, remote) -> None:
    one, two = desks
    before = set(remote.list("packs/"))
    found = collect_at(one, remote)
    assert len(found.retirement.versions) == 2
    assert found.retention is not None
    assert found.repacked.dropped
    one.pull(remote)
    assert not collect_at(one, remote, keep=9).swept.waiting
    gone = before - set(remote.list("packs/"))
    assert gone >= {pack.name for pack in found.repacked.dropped}
    two.pull(remote)
    two.commit(text(7))
    two.push(remote)
    one.pull(remote)
    assert one.repo.home_table.refs[NAME].id == two.repo.home_table.refs[NAME].id


def test_a_mirror_is_no_home(office, remote) -> None:
    desk = office.home()
    desk.commit(text(0))
    desk.push(remote, mirror=True)
    with pytest.raises(InvalidInputError) as caught:
        collect_at(desk, remote)
    assert caught.value.kind == "not-home"


class Late(MemoryBackend):
    """Somebody else is faster, once: just before the ``nth`` slot of the log is asked for."""

    def __init__(
        self, home: MemoryBackend, meanwhile: Callable[[], object], *, nth: int = 1
    ) -> None:
        super().__init__(home.scratch, home.files)
        self._meanwhile = meanwhile
        self._left = nth

    def create(self, name: str, source: bytes | Path) -> bool:
        """Let the other act first."""
        self._left -= name.startswith("tx/")
        if not self._left:
            self._left = -1
            self._meanwhile()
        return super().create(name, source)


@pytest.fixture
def bucket(office, tmp_path) -> tuple[MemoryBackend, Desk, Desk]:
    """Return a home without a lock, and two people with clones of it."""
    home = MemoryBackend(tmp_path / "scratch")
    desk = office.home()
    for number in range(3):
        desk.commit(text(number))
    desk.push(home)
    return home, desk, office.clone(home, "other")


def test_a_push_does_not_rely_on_what_is_dropped_meanwhile(bucket) -> None:
    home, one, two = bucket
    two.commit(text(0))  # what the first version held: it is there, for now
    late = Late(home, lambda: collect_at(one, home))
    with pytest.raises(ConflictError) as caught:
        two.push(late)
    assert caught.value.kind == "repacked"
    two.push(home)  # with the packs that it needs
    one.pull(home)
    tree = one.repo.tree(one.repo.manifest(one.repo.home_table.refs[NAME].id))
    assert all(one.repo.blobs.is_whole(entry.blake3) for entry in tree.entries)


def test_garbage_that_a_push_relies_on_meanwhile_stays(bucket) -> None:
    home, one, two = bucket
    two.commit(text(0))
    collect_at(one, Late(home, lambda: two.push(home), nth=2))  # the first retires
    one.pull(home)
    tree = one.repo.tree(one.repo.manifest(one.repo.home_table.refs[NAME].id))
    assert tree.entries[0].bytes == 1000
    assert all(one.repo.blobs.is_whole(entry.blake3) for entry in tree.entries)


class Collecting(MemoryBackend):
    """Somebody else collects garbage, and all of it, just before the ``nth`` reading of a pack."""

    def __init__(self, home: MemoryBackend, meanwhile: Callable[[], object], nth: int) -> None:
        super().__init__(home.scratch, home.files)
        self._meanwhile = meanwhile
        self.left = nth

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Let the other act first."""
        self.left -= name.startswith("packs/")
        if not self.left:
            self.left = -1
            self._meanwhile()
        return super().read(name, start, length)


def test_two_who_collect_at_once_call_nothing_damaged_that_the_other_dropped(tmp_path) -> None:
    nth, over = 1, False
    while not over:
        (tmp_path / str(nth) / "scratch").mkdir(parents=True)
        office = Office(tmp_path / str(nth))
        home, desk = MemoryBackend(office.folder / "scratch"), office.home()
        for number in range(9):  # so many that their packs are joined
            desk.commit(text(number))
        desk.push(home)
        two = office.clone(home, "other")
        late = Collecting(home, lambda h=home, d=two: [collect_at(d, h) for _ in range(3)], nth)
        found = collect_at(desk, late, keep=9)
        assert found.repacked is not None
        assert not found.repacked.skipped
        over = late.left > 0
        nth += 6
    assert nth > 24
