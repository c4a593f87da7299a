"""Copies, rollbacks and altered files: who may not extend a store, and what is named."""

import shutil

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    IncompleteError,
    LyrikstoreError,
    VerificationError,
)
from lyrikstore.history.commit.transaction import open_transaction, recover
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.store.transactions import LogItem
from tests.history.repository.files import NAME
from tests.rewriting import rewrite

# Copies and rollbacks


def test_a_copy_is_refused_while_the_original_stands(shelf, tmp_path):
    shelf.commit()
    copy = tmp_path / "copy"
    shutil.copytree(shelf.root, copy)
    repo = Repository.open(copy, memory=shelf.memory, log_signer=shelf.log)  # reading is fine
    with pytest.raises(ConflictError) as caught, open_transaction(repo):
        pass
    assert caught.value.kind == "copied-store"
    with pytest.raises(ConflictError):  # before anything is worked out that would be logged
        recover(repo)
    text = f"this store is a copy or an old backup of the one at {shelf.root}"
    assert caught.value.message == text
    # An older copy is one too.
    shelf.commit(content={"a": b"2"})
    with pytest.raises(ConflictError) as caught, open_transaction(repo):
        pass
    assert caught.value.message == text
    assert "a log has one home" in caught.value.hint


def test_a_moved_store_goes_on(shelf, tmp_path):
    shelf.commit()
    moved = tmp_path / "moved"
    shelf.root.rename(moved)
    shelf.root = moved
    shelf.repo = Repository.open(moved, memory=shelf.memory, log_signer=shelf.log)
    shelf.commit(content={"a": b"2"})
    assert shelf.memory.last_signed(shelf.repo.policy.logs[0]).location == str(moved)


def test_a_store_reached_by_another_path_goes_on(shelf, tmp_path):
    (tmp_path / "link").symlink_to(shelf.root.parent)
    shelf.repo = Repository.open(
        tmp_path / "link" / ".lyrikstore", memory=shelf.memory, log_signer=shelf.log
    )
    shelf.commit()


def test_an_older_backup_cannot_be_extended(shelf, tmp_path):
    shelf.commit()
    backup = tmp_path / "backup"
    shutil.copytree(shelf.root, backup)
    shelf.commit(content={"a": b"2"})
    shutil.rmtree(shelf.root)
    backup.rename(shelf.root)
    repo = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)
    with pytest.raises(ConflictError) as caught, open_transaction(repo):
        pass
    assert caught.value.kind == "copied-store"
    assert caught.value.hint


def test_a_forked_copy_cannot_be_extended(shelf, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(shelf.root, copy)
    forgetful = LogMemory(tmp_path / "elsewhere")
    other = Repository.open(copy, memory=forgetful, log_signer=shelf.log)
    with open_transaction(other) as tx:
        tx.log_credential(b"only in the copy")
        tx.commit()
    shelf.commit()
    other = Repository.open(copy, memory=shelf.memory, log_signer=shelf.log)
    with pytest.raises(ConflictError), open_transaction(other):
        pass


# Tampering


def test_a_changed_checkpoint(shelf):
    shelf.commit()
    path = shelf.root / "log" / "checkpoint"
    data = path.read_bytes()
    for position in range(0, len(data), 3):
        broken = bytearray(data)
        broken[position] ^= 1
        rewrite(path, bytes(broken))
        with pytest.raises((FormatError, VerificationError)):
            shelf.again()


def test_a_checkpoint_of_another_key(shelf):
    signed = shelf.again().checkpoint
    rewrite(shelf.root / "log" / "checkpoint", signed.head.sign(shelf.stranger))
    with pytest.raises(VerificationError):
        shelf.again()


def test_a_missing_checkpoint(shelf):
    (shelf.root / "log" / "checkpoint").unlink()
    with pytest.raises(VerificationError) as caught:
        shelf.again()
    assert caught.value.kind == "no-checkpoint"


def test_a_missing_record(shelf):
    shelf.commit()
    (shelf.root / "tx" / f"{1:020d}").unlink()
    with pytest.raises(VerificationError) as caught:
        shelf.again()
    assert caught.value.kind == "transaction-missing"


def test_every_bit_of_a_record_counts(shelf):
    shelf.commit()
    path = shelf.root / "tx" / f"{1:020d}"
    data = path.read_bytes()
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 1
        rewrite(path, bytes(broken))
        with pytest.raises(LyrikstoreError):
            shelf.again()


def test_a_damaged_manifest_takes_all_refs_with_it_rather_than_rolling_one_back(shelf):
    shelf.commit()
    pack = shelf.repo.records.transactions[-1].added[0]
    shelf.commit(content={"a": b"2"})
    path = shelf.root / pack.name
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    rewrite(path, bytes(data))
    with pytest.raises((VerificationError, IncompleteError)):
        _ = shelf.again().refs
    path.unlink()
    repo = shelf.again()
    with pytest.raises(IncompleteError):
        _ = repo.refs


def test_changed_and_missing_tiles_are_named(shelf):
    shelf.commit()
    tile = shelf.root / "log" / "tile" / "0" / "000.p" / "4"
    entries = shelf.root / "log" / "tile" / "entries" / "000.p" / "4"
    rewrite(tile, b"\0" * 128)
    entries.unlink()
    wrong = shelf.again().check_tiles()
    assert len(wrong) == 2
    assert any("tile/0/000.p/4 differs" in line for line in wrong)
    assert any("tile/entries/000.p/4 is missing" in line for line in wrong)


def test_logged_garbage_is_flagged_and_moves_nothing(shelf):
    one = shelf.commit()
    with open_transaction(shelf.repo) as tx:
        tx.log_credential(b"{}")
        # What a writer with the log key, but other software, could do.
        tx._items[:] = [LogItem("manifest", Digest.of(b"{}"))]
        tx.commit()
    repo = shelf.again()
    assert repo.refs[NAME].id == one.id
    assert [(item.index, item.reason) for item in repo.flagged] == [(4, "invalid")]
    assert [m.id for _, m in repo.all_manifests()] == [repo.store_id, one.id]
    assert shelf.commit(content={"a": b"2"}).parents == (one.id,)
