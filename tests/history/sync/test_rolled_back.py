"""Remotes that were rolled back, forked or damaged, or that claim too much: noticed."""

from dataclasses import replace

import pytest

from lyrikstore.canon.errors import FormatError, LyrikstoreError, VerificationError
from lyrikstore.history.log.checkpoint import LogCheckpoint
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.sync.first_contact import initial_fetch
from lyrikstore.history.sync.negotiate import MAX_ENTRIES
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.store.store import verify_store
from tests.contexts import context_of
from tests.history.sync.compared import contents, same
from tests.history.sync.conftest import LOG, NOW, key


def test_a_rolled_back_remote_is_noticed(office, remote):
    home = office.home()
    home.commit({"a": b"one"})
    home.push(remote)
    old = contents(remote)
    home.commit({"a": b"two"})
    home.push(remote)
    home.repo.refresh()
    for name in set(contents(remote)) - set(old):
        remote.remove(name)
    for name, data in old.items():
        remote.replace(name, data)
    for act in (home.push, home.pull, office.clone):
        with pytest.raises(VerificationError) as caught:
            act(remote)
        assert caught.value.kind == "remote-rolled-back"
    stranger = office.clone(remote, "somebody-else")  # who saw nothing else cannot know
    assert stranger.repo.checkpoint.size == 4


class Busy(LogMemory):
    """The memory of somebody of whom another process does something just before it is read."""

    def __init__(self, directory, meanwhile):
        super().__init__(directory)
        self.left = [meanwhile]

    def last_seen(self, log):
        if self.left:
            self.left.pop()()
        return super().last_seen(log)


def test_a_remote_that_grows_while_it_is_read_was_not_rolled_back(office, remote):
    home = office.home()
    home.commit({"a": b"one"})
    home.push(remote)
    other = office.clone(remote)

    def grow():
        home.commit({"a": b"grown %d" % len(contents(remote))})
        home.push(remote)

    found = initial_fetch(remote, "origin", memory=Busy(office.folder / "memory", grow))
    assert found.signed.size == home.again().checkpoint.size
    other.memory = Busy(office.folder / "memory", grow)
    assert other.pull(remote).after == home.again().checkpoint.size


def test_a_store_that_grows_while_it_is_verified_was_not_rolled_back(office):
    home = office.home()
    home.commit({"a": b"one"})

    def grow():
        home.commit({"a": b"two"})
        log = home.again()
        home.memory.remember_seen(log.store_id, log.checkpoint.head)  # as `verify` does

    memory = Busy(office.folder / "memory", grow)
    report = verify_store(replace(context_of(home.again(), clock=lambda: NOW), memory=memory))
    assert report.check("log.memory").state is CheckState.PASS


def test_a_fork_is_refused_naming_both_heads(office, remote, make_remote):
    home = office.home()
    home.commit({"a": b"one"})
    twin = make_remote("twin")
    home.push(remote)
    for name, data in contents(remote).items():
        twin.create(name, data)
    one, two = office.clone(remote, "first"), office.clone(twin, "second")
    one.commit({"a": b"two"})
    two.commit({"a": b"2"})
    one.push(remote)
    two.push(twin)
    for act in (one.push, one.pull):
        with pytest.raises(VerificationError) as caught:
            act(twin)
        assert caught.value.kind == "remote-forked"
        assert one.repo.checkpoint.root.hex()[:16] in caught.value.message
        assert two.repo.checkpoint.root.hex()[:16] in caught.value.message


@pytest.mark.parametrize("what", ["flip", "cut", "longer", "gone", "swap"])
def test_nothing_damaged_arrives(office, remote, what):
    home = office.home()
    home.commit({"a": b"one" * 1000, "b": b"x" * 3000})
    home.push(remote)
    names = list(remote.list("packs/"))
    name = names[-1]
    data = remote.read(name)
    broken = {
        "flip": data[:40] + bytes([data[40] ^ 1]) + data[41:],
        "cut": data[:-1],
        "longer": data + b"x",
        "swap": remote.read(names[0]),
    }
    if what == "gone":
        remote.remove(name)
    else:
        remote.replace(name, broken[what])
    with pytest.raises(LyrikstoreError):
        office.clone(remote, "other")
    # What did arrive is used once the remote is whole again.
    remote.replace(name, data)
    office.count -= 1
    same(office.clone(remote, "other").repo, home.again())


def test_a_remote_that_claims_too_much(office, remote):
    home = office.home()
    home.push(remote)
    desk = office.clone(remote, "other")
    remote.replace(
        "log/checkpoint", LogCheckpoint(home.repo.origin, MAX_ENTRIES + 1, b"\1" * 32).sign(LOG)
    )
    for act in (desk.pull, desk.push, lambda r: office.clone(r, "third")):
        with pytest.raises(FormatError) as caught:
            act(remote)
        assert caught.value.kind == "too-large"
    remote.replace("log/checkpoint", LogCheckpoint(home.repo.origin, 1000, b"\1" * 32).sign(key(9)))
    for act in (desk.pull, lambda r: office.clone(r, "third")):
        with pytest.raises(VerificationError):
            act(remote)
