"""A home, clones and a remote whose every call can be the last: nothing acknowledged is lost."""

import multiprocessing
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lyrikstore.canon.errors import ConflictError, LyrikstoreError
from lyrikstore.history.commit import appender
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.backends.memory import MemoryBackend
from lyrikstore.testing.backends import CrashError, FaultyBackend
from lyrikstore.verify.log_memory import check_remembered
from lyrikstore.verify.report import CheckState
from tests.history.sync.conftest import NAME, Office
from tests.sweep import EVERY, examples, thinned

pytestmark = pytest.mark.crash


class Faulty(FaultyBackend):
    """Counts also what several threads do, and dies for all of them."""

    def __init__(self, inner, fail_at, fault="crash", *, after=False):
        super().__init__(inner, fail_at, fault, after=after)
        self.guard = threading.RLock()

    def _count(self, doing, *, before):
        with self.guard:
            super()._count(doing, before=before)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(appender, "_PATIENCE", 0.1)


def logged(backend, scratch):
    return [entry.id for entry in Repository.over(backend, location="there").entries()]


def begun(folder):
    """Return an office with its home and the remote that this was pushed to."""
    (folder / "scratch").mkdir(parents=True)
    office = Office(folder)
    remote = MemoryBackend(folder / "scratch")
    home = office.home()
    home.commit({"a": b"one"})
    home.push(remote)
    return office, home, remote


def calls_of_a_push(folder):
    """Return how many calls of its remote the push of one commit makes."""
    office, _, remote = begun(folder)
    clone = office.clone(remote, "one")
    clone.commit({"a": b"two"})
    counting = Faulty(remote, 0)
    clone.push(counting)
    return counting.operations


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", ["crash", "io"])
def test_a_push_that_dies_at_any_call(tmp_path, fault, after):
    calls = calls_of_a_push(tmp_path / "undisturbed")
    assert calls > 10
    for place in thinned(range(1, calls + 1), 5, ci=EVERY):
        folder = tmp_path / str(place)
        office, home, remote = begun(folder)
        one, two = office.clone(remote, "one"), office.clone(remote, "two")
        mine = one.commit({"a": b"two"})
        theirs = two.commit({"b": b"2"}, "datasets/acme/other")
        with suppress(CrashError, LyrikstoreError):
            one.push(Faulty(remote, place, fault, after=after))
        two.push(remote)
        assert theirs.id in logged(remote, folder)
        one.repo = one.again()
        one.push(remote)
        assert one.again().pending == ()
        everything = logged(remote, folder)
        assert everything.count(mine.id) == everything.count(theirs.id) == 1
        home.pull(remote)
        assert home.again().refs[NAME].id == mine.id
        assert home.again().flagged == ()
        assert home.again().check_tiles() == []
        shutil.rmtree(folder)


def test_a_push_that_died_is_done_by_the_next_one(tmp_path):
    # Not taken for somebody else's: a slot that it won is its own.
    for place in thinned(range(1, calls_of_a_push(tmp_path / "undisturbed") + 1), 5, ci=EVERY):
        folder = tmp_path / str(place)
        office, _, remote = begun(folder)
        clone = office.clone(remote, "one")
        mine = clone.commit({"a": b"two"})
        try:
            clone.push(Faulty(remote, place, "crash", after=True))
        except (CrashError, LyrikstoreError):
            clone.repo = clone.again()
            clone.push(remote)
        assert clone.again().pending == ()
        assert logged(remote, folder).count(mine.id) == 1


def state_of(clone):
    return check_remembered(clone.repo, clone.repo.checkpoint, clone.repo.records, clone.memory)


def test_verify_says_what_helps_after_a_push_died(tmp_path):
    by_pull = set()
    calls = calls_of_a_push(tmp_path / "undisturbed")
    for place in range(calls // 2, calls + 1):  # before, no slot is won
        folder = tmp_path / str(place)
        office, _, remote = begun(folder)
        clone = office.clone(remote, "one")
        clone.commit({"a": b"two"})
        with suppress(CrashError, LyrikstoreError):
            clone.push(Faulty(remote, place, "crash"))
        clone.repo = clone.again()
        found = state_of(clone)
        if found.state is CheckState.UNCHECKED:
            assert (found.detail["reason"], found.detail["next"]) == ("behind", "push")
            clone.pull(remote)  # which helps where the record was published, and there only
            by_pull.add(state_of(clone).state is CheckState.PASS)
            clone.push(remote)
            assert state_of(clone).state is CheckState.PASS
        shutil.rmtree(folder)
    assert by_pull == {True, False}


def push_three(folder, url, number, results):
    office = Office(Path(folder), count=number)
    backend = LocalBackend(Path(url))
    desk = office.clone(backend, f"memory-{number}")
    for step in range(3):
        made = desk.commit({"n": b"%d %d" % (number, step)}, f"datasets/acme/n{number}")
        for _ in range(20):
            try:
                desk.push(backend)
            except ConflictError:
                desk.pull(backend)
            else:
                results.put(str(made.id))
                break


def test_eight_pushers_with_three_commits_each(office):
    home = office.home()
    home.commit({"a": b"one"})
    place = office.folder / "remote"
    home.push(LocalBackend(place))
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    people = [
        context.Process(target=push_three, args=(str(office.folder), str(place), n, results))
        for n in range(8)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join(240)
        assert person.exitcode == 0
    acknowledged = {results.get() for _ in range(24)}
    assert len(acknowledged) == 24
    found = Repository.open(place)
    there = [str(entry.id) for entry in found.entries()]
    assert all(there.count(identity) == 1 for identity in acknowledged)
    assert found.flagged == ()
    assert found.check_tiles() == []


def datasets(repo):
    return [manifest for _, manifest in repo.all_manifests() if manifest.tree is not None]


class Sharing(RuleBasedStateMachine):
    """Three desks and one remote."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(prefix="lyrik-sharing-"))
        (self.folder / "scratch").mkdir()
        office = Office(self.folder)
        self.remote = MemoryBackend(self.folder / "scratch")
        home = office.home()
        home.push(self.remote)
        self.desks = [home, office.clone(self.remote, "b"), office.clone(self.remote, "c")]
        self.committed = [set(), set(), set()]
        self.acknowledged = set()
        self.seen = [entry.id for entry in Repository.over(self.remote, location="r").entries()]
        self.count = 0

    @rule(who=st.integers(0, 2), name=st.sampled_from(["x", "y"]))
    def commit(self, who, name):
        self.count += 1
        made = self.desks[who].commit({"a": b"%d" % (self.count % 4)}, f"datasets/acme/{name}")
        self.committed[who].add(made.id)

    @rule(who=st.integers(0, 2), at=st.integers(0, 40), after=st.booleans())
    def push(self, who, at, after):
        desk = self.desks[who]
        try:
            result = desk.push(Faulty(self.remote, at, "crash", after=after))
        except CrashError:
            desk.repo = desk.again()
            return
        except ConflictError:  # somebody else changed the name: pull, and commit again
            return
        self.acknowledged.update(result.logged)

    @rule(who=st.integers(0, 2), at=st.integers(0, 12))
    def pull(self, who, at):
        desk = self.desks[who]
        try:
            desk.pull(Faulty(self.remote, at, "crash"))
        except CrashError:
            desk.repo = desk.again()

    @invariant()
    def nothing_is_lost(self):
        there = Repository.over(self.remote, location="r")
        ids = [entry.id for entry in there.entries()]
        assert ids[: len(self.seen)] == self.seen
        self.seen = ids
        assert self.acknowledged <= set(ids)
        assert there.flagged == ()
        assert all(there.blobs.missing(there.tree(m).digests) == [] for m in datasets(there))
        for desk, committed in zip(self.desks, self.committed, strict=True):
            repo = desk.again()
            home = [entry.id for entry in repo.entries()[: repo.checkpoint.size]]
            assert home == ids[: len(home)]
            here = set(home) | {entry.id for entry in repo.pending}
            assert committed <= here
            assert repo.check_tiles() == []

    def teardown(self):
        shutil.rmtree(self.folder, ignore_errors=True)


TestSharing = Sharing.TestCase
TestSharing.settings = settings(max_examples=examples(8), stateful_step_count=15, deadline=None)


def test_pushers_without_a_lock_between_them(office, tmp_path):
    """Only the exclusive creation of records and the swap of the head keep them apart."""
    home = office.home()
    (tmp_path / "scratch").mkdir()
    remote = MemoryBackend(tmp_path / "scratch")
    home.push(remote)
    desks = [office.clone(remote, f"memory-{number}") for number in range(5)]
    failures = []

    def work(number, desk):
        try:
            for step in range(2):
                desk.commit({"n": b"%d %d" % (number, step)}, f"datasets/acme/n{number}")
                desk.push(remote)
        except LyrikstoreError as error:
            failures.append(error)

    people = [threading.Thread(target=work, args=item) for item in enumerate(desks)]
    for person in people:
        person.start()
    for person in people:
        person.join(120)
    # One that found another's record may say so, and is then free to try again.
    assert {error.kind for error in failures} <= {"busy", "foreign-record"}
    for desk in desks:
        desk.repo = desk.again()
        desk.push(remote)
    found = Repository.over(remote, location="there")
    assert len(found.refs) == 1 + len(desks)
    assert found.flagged == ()
    assert found.check_tiles() == []
    assert all(desk.again().pending == () for desk in desks)
