"""Records in a remote that nobody published: of writers that died, or planted by somebody."""

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.store.transactions import LogItem, Transaction, TransactionLog
from tests.history.sync.conftest import NAME


def test_who_died_after_winning_a_slot_blocks_nobody(office, remote, monkeypatch):
    home = office.home()
    home.commit({"a": b"one"})
    home.push(remote)
    dead, alive = office.clone(remote, "dead"), office.clone(remote, "alive")
    made = dead.commit({"a": b"two"})
    monkeypatch.setattr("lyrikstore.history.commit.appender._PATIENCE", 0.2)
    with monkeypatch.context() as patch:
        patch.setattr("lyrikstore.history.commit.publisher.create_files", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            dead.push(remote)
    other = alive.commit({"x": b"1"}, "datasets/acme/other")
    alive.push(remote)
    alive.repo.refresh()
    assert alive.repo.refs[NAME].id == made.id
    assert alive.repo.refs["datasets/acme/other"].id == other.id
    # Its author finds it there, and nothing is logged twice.
    assert dead.push(remote).logged == ()
    assert dead.again().pending == ()


def plant_drop(repo, _):
    return Transaction(2, dropped=(repo.live.packs[0].id,))


def plant_stranger(repo, _):
    return Transaction(2, (LogItem("manifest", Digest(b"\7" * 32)),))


def plant_old(repo, old):
    return Transaction(2, (LogItem("manifest", old.id),))


def plant_nothing(repo, _):
    return Transaction(2)


@pytest.mark.parametrize("plant", [plant_drop, plant_stranger, plant_old, plant_nothing])
def test_what_somebody_planted_is_not_signed(office, remote, plant, monkeypatch):
    monkeypatch.setattr("lyrikstore.history.commit.appender._PATIENCE", 0.1)
    home = office.home()
    old = home.commit({"a": b"one"})
    home.push(remote)
    assert TransactionLog(remote).append(plant(home.repo, old))
    desk = office.clone(remote, "other")
    desk.commit({"a": b"two"})
    before = remote.read("log/checkpoint")
    with pytest.raises(ConflictError) as caught:
        desk.push(remote)
    assert caught.value.kind == "foreign-record"
    assert remote.read("log/checkpoint") == before


@pytest.mark.parametrize("plant", [plant_drop, plant_nothing])
def test_a_record_whose_author_is_gone_is_removed_by_hand(office, remote, plant, monkeypatch):
    """Nobody publishes it for its author, least of all one that drops packs; so it can go."""
    monkeypatch.setattr("lyrikstore.history.commit.appender._PATIENCE", 0.1)
    home = office.home()
    home.commit({"a": b"one"})
    home.push(remote)
    assert TransactionLog(remote).append(plant(home.repo, None))
    desk = office.clone(remote, "other")
    made = desk.commit({"a": b"two"})
    with pytest.raises(ConflictError) as caught:
        desk.push(remote)
    assert "remove that file" in caught.value.hint
    remote.remove(caught.value.details["file"])
    assert desk.push(remote).logged == (made.id,)
    late = office.clone(remote, "late")
    assert late.repo.refs[NAME].id == made.id
    assert [one.problem for one in verify_blobs(late.repo.blobs) if one.problem] == []
