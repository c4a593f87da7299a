"""Writers that die, and what lies where the next record goes: nothing is lost or signed unasked."""

import errno
import os

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, StorageError
from lyrikstore.history.commit import publisher
from lyrikstore.history.commit.transaction import open_transaction, recover
from lyrikstore.history.log.entries import read_records
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.store.transactions import LogItem, Transaction, TransactionLog
from lyrikstore.objects.store.writer import BlobWriter
from tests.history.repository.files import NAME, snapshot


def crash_at(monkeypatch, target, name, after=0):
    calls = []
    original = getattr(target, name)

    def maybe(*arguments, **options):
        calls.append(name)
        if len(calls) > after:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(target, name, maybe)


@pytest.mark.parametrize(
    ("target", "name", "after"),
    [
        (publisher, "create_files", 0),
        # The last name that is given by a link is that of a file of the log.
        (os, "link", 3),
        (LogMemory, "remember_signed", 0),
        # The first file replaced is the memory of what is about to be committed.
        (LocalBackend, "replace", 1),
        (LocalBackend, "replace", 2),
    ],
)
def test_a_writer_that_dies_while_publishing(shelf, monkeypatch, target, name, after):
    one = shelf.commit()
    published = (shelf.root / "log" / "checkpoint").read_bytes()
    with monkeypatch.context() as patch:
        # Entering the transaction publishes nothing here, so the first call is the commit's.
        crash_at(patch, target, name, after)
        with pytest.raises(KeyboardInterrupt):
            shelf.commit(content={"a.txt": b"two"})
    if (shelf.root / "log" / "checkpoint").read_bytes() == published:
        # Readers ignore the slot that was won but not published.
        reader = shelf.again()
        assert reader.refs[NAME].id == one.id
        assert len(reader.entries()) == 4
        assert len(reader.records.transactions) == 2
        assert reader.check_tiles() == []
    # The next transaction finishes it, whatever it is about.
    repo = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)
    with open_transaction(repo):
        pass
    assert repo.refs[NAME].history[-1] == one.id
    assert len(repo.refs[NAME].history) == 2
    assert repo.check_tiles() == []
    assert len(shelf.again().entries()) == 6


@pytest.mark.parametrize(("target", "name"), [(LogMemory, "intend"), (TransactionLog, "append")])
def test_a_writer_that_dies_before_it_wins_a_slot(shelf, monkeypatch, target, name):
    with monkeypatch.context() as patch:
        crash_at(patch, target, name)
        with pytest.raises(KeyboardInterrupt):
            shelf.commit()
    assert len(shelf.again().records.transactions) == 1
    shelf.repo.refresh()
    shelf.commit()
    assert len(shelf.again().entries()) == 4


def test_recovery_shows_what_was_committed_before_its_writer_died(shelf, monkeypatch):
    one = shelf.commit()
    with monkeypatch.context() as patch:
        crash_at(patch, publisher, "create_files")
        with pytest.raises(KeyboardInterrupt):
            shelf.commit(content={"a.txt": b"two"})
    repo = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)
    assert repo.refs[NAME].id == one.id
    recover(repo)
    assert len(repo.refs[NAME].history) == 2
    before = snapshot(shelf.root)
    recover(repo)
    assert snapshot(shelf.root) == before
    # Whoever recovers first builds on what is current, and need not be told to run again.
    shelf.repo = repo
    shelf.commit(content={"a.txt": b"three"})
    assert len(shelf.again().refs[NAME].history) == 3


def test_a_lost_slot_is_followed_by_the_next(shelf, monkeypatch):
    original = TransactionLog.append
    rival = []

    def slower(self, transaction):
        if not rival:
            # Another machine with the log key, but without our lock, wins this slot.
            rival.append(
                original(self, Transaction(transaction.seq, (LogItem("credential", lost),)))
            )
            repo = shelf.again()
            (key,) = repo.policy.logs
            other = publisher.Publisher(repo.backend, shelf.root, key, shelf.log, None)
            other.publish(read_records(repo.backend), repo.checkpoint)
        return original(self, transaction)

    with open_transaction(shelf.repo) as tx:
        lost = tx.log_credential(b"theirs")
        tx.commit()
    monkeypatch.setattr(TransactionLog, "append", slower)
    made = shelf.commit()
    repo = shelf.again()
    assert rival == [True]
    assert repo.refs[NAME].id == made.id
    assert [entry.seq for entry in repo.entries()] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert repo.check_tiles() == []


def drop_all(repo):
    return Transaction(3, dropped=tuple(pack.id for pack in repo.live.packs)).encode()


def log_at_will(_):
    return Transaction(3, (LogItem("manifest", Digest(b"\7" * 32)),)).encode()


@pytest.mark.parametrize(
    "forge", [drop_all, log_at_will, lambda _: b"", lambda _: b'{"v":2}'], ids=lambda f: f.__name__
)
def test_a_record_that_nobody_here_made_is_neither_read_nor_signed(shelf, forge):
    shelf.commit()
    shelf.commit(content={"a": b"2"})
    published = (shelf.root / "log" / "checkpoint").read_bytes()
    planted = shelf.root / "tx" / f"{3:020d}"
    planted.write_bytes(forge(shelf.repo))
    for _ in range(2):
        repo = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)
        assert len(repo.entries()) == 6
        assert repo.refs[NAME].history == shelf.repo.refs[NAME].history
        with pytest.raises(ConflictError) as caught:
            recover(repo)
        assert caught.value.kind == "foreign-record"
        assert planted.name in caught.value.message
        assert caught.value.hint
        with pytest.raises(ConflictError):
            shelf.commit(content={"a": b"3"})
    assert (shelf.root / "log" / "checkpoint").read_bytes() == published
    assert shelf.again().check_tiles() == []
    planted.unlink()
    shelf.commit(content={"a": b"3"})
    assert len(shelf.again().entries()) == 8


def test_an_intention_is_for_one_record(shelf, monkeypatch):
    """What dies between intention and record leaves no licence for another record."""
    with monkeypatch.context() as patch:
        crash_at(patch, TransactionLog, "append")
        with pytest.raises(KeyboardInterrupt):
            shelf.commit()
    record = Transaction(1, (LogItem("credential", Digest(b"\7" * 32)),))
    assert TransactionLog(shelf.repo.backend).append(record)
    with pytest.raises(ConflictError) as caught:
        shelf.commit()
    assert caught.value.kind == "foreign-record"


@pytest.mark.parametrize("name", [f"{9:020d}", "\u0663" * 20, f"{2:020d}~", "x"])
def test_stray_names_among_the_records_harm_nobody(shelf, name):
    shelf.commit()
    (shelf.root / "tx" / name).write_bytes(b"{}")
    assert len(shelf.again().entries()) == 4
    shelf.commit(content={"a": b"2"})
    assert len(shelf.again().entries()) == 6


def test_a_link_in_the_place_of_the_next_record(shelf):
    (shelf.root / "tx" / f"{1:020d}").symlink_to("/dev/null")
    assert len(shelf.again().entries()) == 2
    with pytest.raises(ConflictError):
        shelf.commit()


def test_running_out_of_file_handles_is_not_called_damage(shelf, monkeypatch):
    """The new packs are looked at before the record: that they cannot be opened is no loss."""
    original = os.open
    finish = BlobWriter.finish

    def exhausted(path, *arguments, **options):
        if str(path).endswith(".pack"):
            raise OSError(errno.EMFILE, "Too many open files")
        return original(path, *arguments, **options)

    def finish_then_fail(self):
        changes = finish(self)
        monkeypatch.setattr(os, "open", exhausted)
        return changes

    monkeypatch.setattr(BlobWriter, "finish", finish_then_fail)
    with pytest.raises(StorageError) as caught:
        shelf.commit()
    assert caught.value.errno == errno.EMFILE
    monkeypatch.undo()
    assert len(shelf.again().records.transactions) == 1


def test_a_damaged_leftover_tile_is_written_again(shelf):
    path = shelf.root / "log" / "tile" / "0" / "000.p" / "4"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"garbage")
    shelf.commit()
    assert shelf.again().check_tiles() == []
