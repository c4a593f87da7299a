"""Push, pull and clone: what moves, what is refused, and what a clone says that it lacks."""

import shutil

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    IncompleteError,
    InvalidInputError,
    LyrikstoreError,
    StorageError,
    VerificationError,
)
from lyrikstore.history.repository.clone import MARK, MirrorMarker
from lyrikstore.history.repository.partial_clone import Selection
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import LocalBackend
from tests.history.sync.compared import contents, same
from tests.history.sync.conftest import LOG, NAME, Desk
from tests.kinds import refused


def test_the_first_push_moves_the_home(office, remote):
    home = office.home()
    first = home.commit({"a": b"one"})
    result = home.push(remote)
    assert (result.what, result.before, result.after) == ("moved", 0, 4)
    assert home.again().is_mirror
    desk = office.clone(remote, "other")
    assert desk.repo.refs[NAME].id == first.id
    same(home.again(), desk.repo)
    second = desk.commit({"a": b"two"})
    assert [entry.id for entry in desk.repo.pending] == [second.id]
    assert desk.repo.refs[NAME].id == second.id
    with pytest.raises(InvalidInputError) as caught:
        desk.repo.proof_for(desk.repo.index_of(second.id))
    assert caught.value.kind == "not-pushed"
    result = desk.push(remote)
    assert (result.what, result.logged, result.pending) == ("appended", (second.id,), 0)
    assert desk.again().pending == ()
    home.pull(remote)
    assert home.again().refs[NAME].history == (second.id, first.id)
    same(home.again(), desk.again())
    # And back: the first folder is a clone like any other now.
    third = home.commit({"a": b"three"})
    home.push(remote)
    desk.pull(remote)
    assert desk.again().refs[NAME].id == third.id
    assert desk.push(remote).before == desk.push(remote).after


def test_a_clone_of_the_home_folder_itself(office):
    home = office.home()
    home.commit({"a": b"one"})
    place = LocalBackend(home.repo.root)
    desk = office.clone(place, "other")
    made = desk.commit({"a": b"two"})
    desk.push(place)
    assert home.again().refs[NAME].id == made.id
    home.repo.refresh()
    assert home.commit({"a": b"three"}).parents == (made.id,)


def test_a_mirror_is_filled_and_never_extended(office, remote):
    home = office.home()
    home.commit({"a": b"one"})
    assert home.push(remote, mirror=True).what == "filled"
    assert not home.again().is_mirror
    before = contents(remote)
    assert home.push(remote, mirror=True).packs.files == 0
    assert contents(remote) == before
    home.commit({"a": b"two"})
    assert home.push(remote, mirror=True).after == 6
    desk = office.clone(remote, "other")
    same(home.again(), desk.repo)
    desk.commit({"a": b"three"})
    result = desk.push(remote)
    assert (result.what, result.pending) == ("filled", 1)
    assert home.again().checkpoint.size == 6


def test_a_moved_ref_pushes_nothing(office, remote):
    home = office.home()
    home.commit({"a": b"one"})
    home.push(remote)
    desk = office.clone(remote, "other")
    theirs = desk.commit({"a": b"theirs"})
    desk.push(remote)
    ours = home.commit({"a": b"ours"})
    other = home.commit({"a": b"1"}, "datasets/acme/other")
    before = contents(remote)
    for _ in range(2):
        with pytest.raises(ConflictError) as caught:
            home.push(remote)
        assert caught.value.kind == "ref-moved"
        assert caught.value.details["current"] == str(theirs.id)
        assert contents(remote) == before
    home.pull(remote)
    assert home.repo.refs[NAME].id == theirs.id
    result = home.push(remote)
    assert result.logged == (other.id,)
    assert [manifest.id for manifest in result.overtaken] == [ours.id]
    again = home.commit({"a": b"ours"})
    assert again.parents == (theirs.id,)
    # Its files lie in the packs of the version that was overtaken: those go along.
    assert home.push(remote).logged == (again.id,)
    assert home.again().refs[NAME].history[:2] == (again.id, theirs.id)
    same(office.clone(remote, "third").repo, home.again())
    tree = home.repo.tree(again)
    assert office.clone(remote, "x").repo.blobs.missing(tree.digests) == []


def test_a_dry_run_changes_nothing(office, remote):
    home = office.home()
    home.commit({"a": b"one"})
    assert home.push(remote, dry_run=True).packs.files == 3
    assert contents(remote) == {}
    assert not home.again().is_mirror
    home.push(remote)
    desk = office.clone(remote, "other")
    desk.commit({"a": b"two"})
    before = contents(remote)
    assert desk.push(remote, dry_run=True).after == 6
    assert contents(remote) == before
    desk.push(remote)
    here = contents(home.repo.backend)
    assert home.pull(remote, dry_run=True).after == 6
    assert contents(home.repo.backend) == here


def test_two_homes_are_refused(office, remote, make_remote):
    home = office.home()
    home.commit({"a": b"one"})
    shutil.copytree(home.repo.root, office.folder / "copy")
    with pytest.raises(ConflictError) as caught:
        home.push(LocalBackend(office.folder / "copy"))
    assert caught.value.kind == "two-homes"
    home.push(remote)
    with pytest.raises(ConflictError) as caught:
        office.clone(remote).push(make_remote("elsewhere"))
    assert caught.value.kind == "no-home"


def test_a_move_that_was_cut_off_goes_on_and_nowhere_else(office, remote, make_remote, monkeypatch):
    home = office.home()
    home.commit({"a": b"one"})
    with monkeypatch.context() as patch:
        patch.setattr("lyrikstore.history.sync.push.copy_log", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            home.push(remote)
    assert home.again().is_mirror
    home.commit({"a": b"two"})  # work goes on meanwhile
    with pytest.raises(ConflictError):
        home.push(make_remote("elsewhere"))
    assert home.push(remote).what == "moved"
    assert home.push(remote).what == "appended"
    assert home.again().pending == ()


def test_another_store_than_expected_is_refused(office, remote):
    home = office.home()
    home.push(remote)
    with pytest.raises(LyrikstoreError):
        office.clone(remote, expected=Digest(b"\7" * 32))


def test_partial_clones_say_what_is_missing(office, remote):
    home = office.home()
    big = bytes(range(256)) * 8192
    one = home.commit({"a": b"first" * 100, "large": big})
    two = home.commit({"b": b"second" * 100}, "datasets/acme/other")
    home.push(remote)
    none = office.clone(remote, "x", selection=Selection())
    assert none.repo.refs[NAME].id == one.id
    with pytest.raises(IncompleteError) as caught:
        none.repo.blobs.open(none.repo.tree(one).entries[0].blake3)
    assert caught.value.kind == "not-fetched"
    assert not none.repo.blobs.has(Digest.of(big))
    some = office.clone(remote, "x", selection=Selection(("acme/other",)))
    for entry in some.repo.tree(two).entries:
        assert some.repo.blobs.read(entry.blake3, max_bytes=1 << 20) == b"second" * 100
    assert not some.repo.blobs.has(Digest.of(big))
    made = some.commit({"b": b"third"}, "datasets/acme/other")
    some.push(remote)
    home.pull(remote)
    assert home.again().refs["datasets/acme/other"].id == made.id
    with pytest.raises(IncompleteError):
        some.push(LocalBackend(office.folder / "mirror"), mirror=True)
    assert some.pull(remote, all_data=True).missing == 0
    assert some.repo.blobs.read(Digest.of(big), max_bytes=1 << 30) == big
    same(some.again(), home.again())


def test_a_read_only_remote_can_be_cloned_and_pulled(office, remote, monkeypatch):
    home = office.home()
    home.commit({"a": b"one"})
    home.push(remote)

    class ReadOnly(type(remote)):
        def create(self, name, source):
            raise StorageError("read-only", "no")

        replace = swap = remove = create

    remote.__class__ = ReadOnly
    desk = office.clone(remote, "other")
    assert desk.pull(remote).after == 4
    desk.commit({"a": b"two"})
    with pytest.raises(StorageError):
        desk.push(remote)
    assert len(desk.again().pending) == 1


def test_a_damaged_mark_is_said(office):
    home = office.home()
    (home.repo.root / MARK).write_bytes(b"{}")
    with pytest.raises(FormatError) as caught:
        home.again()
    assert caught.value.kind == "bad-mirror"
    (home.repo.root / MARK).write_bytes(MirrorMarker().encode())
    assert home.again().is_mirror


@pytest.mark.parametrize(("file", "kind"), [(MARK, "bad-mirror"), ("local/key", "bad-local-log")])
def test_a_lost_file_does_not_hide_what_waits_to_be_pushed(office, remote, file, kind):
    home = office.home()
    home.commit({"a": b"one"})
    home.push(remote)
    desk = office.clone(remote, "other")
    desk.commit({"a": b"two"})
    (desk.repo.root / file).unlink()
    with pytest.raises((FormatError, VerificationError)) as caught:
        desk.again()
    assert caught.value.kind == kind


@pytest.mark.parametrize("make_remote", ["folder"], indirect=True)
def test_a_copy_does_not_set_a_mirror_back(office, remote):
    home = office.home()
    home.commit({"a": b"one"})
    before = office.folder / "before"
    shutil.copytree(home.repo.root, before)
    home.commit({"a": b"two"})
    home.push(remote, mirror=True)
    memory = office.memory("fresh")
    copy = Desk(Repository.open(before, memory=memory, log_signer=LOG), memory, LOG)
    with refused("remote-ahead"):
        copy.push(remote, mirror=True)
