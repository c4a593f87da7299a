"""The repository: what commits do, what readers see, and who is kept out."""

import errno
import json
import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    IncompleteError,
    InvalidInputError,
    KeyMaterialError,
    LyrikstoreError,
    NotFoundError,
    PolicyError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.limits import MAX_CREDENTIAL_BYTES
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit import publisher
from lyrikstore.history.commit.transaction import create_repository, open_transaction, recover
from lyrikstore.history.log.checkpoint import Leaf
from lyrikstore.history.log.entries import read_records
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Attachment, Input, parse_manifest, sign_manifest
from lyrikstore.history.manifests.names import PrefixRef, parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.resolve import _by_prefix
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.store.transactions import LogItem, Transaction, TransactionLog
from lyrikstore.objects.store.writer import BlobWriter

NAME = "datasets/acme/texts"


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(root)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
    }


def rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


# Making


def test_a_new_store(shelf):
    repo = shelf.again()
    assert repo.origin == shelf.origin
    assert repo.store_id == repo.genesis.id
    assert [entry.type for entry in repo.entries()] == ["manifest", "transaction"]
    assert repo.policy.allows(shelf.owner.did, "dataset", NAME)
    assert list(repo.refs) == ["policies/store/main"]
    assert repo.flagged == ()
    assert repo.check_tiles() == []
    assert sorted(path.name for path in shelf.root.parent.iterdir()) == [".lyrikstore"]


def test_two_stores_of_one_owner_are_two(shelf, tmp_path):
    other = create_repository(
        tmp_path / "other",
        origin="example.org/other",
        signer=shelf.owner,
        log_signer=shelf.log,
        clock=lambda: shelf.now,
        memory=shelf.memory,
    )
    assert other.store_id != shelf.repo.store_id


def create_again(shelf, root, **changes):
    options = {
        "origin": "example.org/second",
        "signer": shelf.owner,
        "log_signer": shelf.log,
        "clock": lambda: shelf.now,
        "memory": shelf.memory,
    }
    return create_repository(root, **(options | changes))


@pytest.mark.parametrize(
    ("changes", "error", "kind"),
    [
        ({"origin": "a b"}, InvalidInputError, "bad-origin"),
        ({"origin": "example.org/archive"}, ConflictError, "log-key-used"),
    ],
)
def test_stores_that_cannot_be_made(shelf, tmp_path, changes, error, kind):
    with pytest.raises(error) as caught:
        create_again(shelf, tmp_path / "new", **changes)
    assert caught.value.kind == kind
    assert not (tmp_path / "new").exists()


def test_one_key_cannot_be_owner_and_log_key(shelf, tmp_path):
    with pytest.raises(InvalidInputError) as caught:
        create_again(shelf, tmp_path / "new", log_signer=shelf.owner)
    assert caught.value.kind == "same-key"


def test_nothing_is_overwritten(shelf, tmp_path):
    (tmp_path / "taken").mkdir()
    for root in (shelf.root, tmp_path / "taken"):
        with pytest.raises(ConflictError) as caught:
            create_again(shelf, root)
        assert caught.value.kind == "store-exists"


def test_a_failed_making_leaves_nothing_and_can_be_tried_again(shelf, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, "replace", full)
        with pytest.raises(StorageError) as caught:
            create_again(shelf, tmp_path / "new")
        assert caught.value.kind == "disk-full"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("new")]
    assert create_again(shelf, tmp_path / "new").origin == "example.org/second"


def test_a_parent_folder_must_exist(shelf, tmp_path):
    with pytest.raises(LyrikstoreError):
        create_again(shelf, tmp_path / "no" / "such")


# Opening


def test_no_store(tmp_path):
    for root in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NotFoundError) as caught:
            Repository.open(root)
        assert caught.value.kind == "no-store"


@pytest.mark.parametrize(
    ("text", "kind"),
    [(b"lyrikstore 2\n", "newer-format"), (b"lyrik\n", "bad-store"), (b"", "bad-store")],
)
def test_stores_of_another_format(shelf, text, kind):
    rewrite(shelf.root / "format", text)
    with pytest.raises(FormatError) as caught:
        Repository.open(shelf.root)
    assert caught.value.kind == kind
    assert caught.value.hint


def test_reading_writes_nothing(shelf):
    made = shelf.commit()
    before = snapshot(shelf.root)
    repo = shelf.again()
    assert repo.resolve(NAME).id == made.id
    repo.tree(made)
    repo.proof_for(0)
    repo.check_tiles()
    assert snapshot(shelf.root) == before


def test_a_read_only_file_system(shelf, monkeypatch):
    made = shelf.commit()
    original = os.open

    def read_only(path, flags, *arguments, **options):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return original(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", read_only)
    assert shelf.again().resolve(NAME).id == made.id
    with pytest.raises(StorageError) as caught:
        shelf.commit(content={"b": b"2"})
    assert caught.value.kind == "read-only"


def test_opening_reads_no_manifest_but_the_genesis(shelf, monkeypatch):
    for number in range(5):
        shelf.commit(content={"a": b"%d" % number})
    read = []

    def parse(data):
        read.append(data)
        return parse_manifest(data)

    monkeypatch.setattr("lyrikstore.history.repository.store_view.parse_manifest", parse)
    repo = Repository.open(shelf.root)
    assert read == [repo.genesis.encode()]


# Committing


def test_versions(shelf):
    one = shelf.commit()
    two = shelf.commit(content={"a.txt": b"hello2"})
    repo = shelf.again()
    assert repo.refs[NAME].history == (two.id, one.id)
    assert [item.id for item in repo.history(NAME)] == [two.id, one.id]
    assert repo.tree(two).by_path["a.txt"].blake3 == Digest.of(b"hello2")
    assert repo.blobs.read(Digest.of(b"hello"), max_bytes=10) == b"hello"
    assert [m.id for _, m in repo.all_manifests()] == [repo.store_id, one.id, two.id]
    assert [entry.index for entry, _ in repo.all_manifests()] == [0, 2, 4]
    assert repo.check_tiles() == []


def test_an_open_view_sees_a_later_commit_after_refresh(shelf):
    reader = shelf.again()
    made = shelf.commit()
    assert NAME not in reader.refs
    reader.refresh()
    assert reader.resolve(NAME).id == made.id


def test_resolving(shelf):
    one = shelf.commit()
    two = shelf.commit(content={"a.txt": b"hello2"})
    repo = shelf.again()
    for text in ("acme/texts", NAME, str(two.id), two.id.hex, two.id.hex[:12], "acme/texts~0"):
        assert repo.resolve(text).id == two.id
    assert repo.resolve("acme/texts~1").id == one.id
    assert str(parse_name("acme/texts")) == NAME


@pytest.mark.parametrize(
    ("text", "error", "kind"),
    [
        ("acme/text", NotFoundError, "no-ref"),
        ("acme/texts~1", NotFoundError, "no-version"),
        ("0" * 64, NotFoundError, "no-id"),
        ("00000000", NotFoundError, "no-id"),
        ("x", InvalidInputError, "bad-ref"),
    ],
)
def test_what_does_not_resolve(shelf, text, error, kind):
    shelf.commit()
    with pytest.raises(error) as caught:
        shelf.again().resolve(text)
    assert caught.value.kind == kind


def test_a_near_miss_is_suggested(shelf):
    shelf.commit()
    with pytest.raises(NotFoundError) as caught:
        shelf.again().resolve("acme/text")
    assert NAME in caught.value.hint


def test_an_ambiguous_prefix(shelf):
    shelf.commit()
    with pytest.raises(InvalidInputError) as caught:
        _by_prefix(shelf.again(), PrefixRef(""))
    assert caught.value.kind == "ambiguous"


def test_indices_and_proofs(shelf):
    made = shelf.commit()
    repo = shelf.again()
    for entry in repo.entries():
        proof = repo.proof_for(entry.index)
        assert proof.verify(Leaf(entry.type, entry.id), repo.policy.logs).size == 4
    assert repo.index_of(made.id) == 2
    with pytest.raises(InvalidInputError):
        repo.proof_for(4)
    with pytest.raises(NotFoundError):
        repo.index_of(Digest(b"\0" * 32))


def test_a_blob_is_not_a_manifest_just_because_it_looks_like_one(shelf):
    with open_transaction(shelf.repo) as tx:
        real = shelf.manifest(tx)
        smuggled = shelf.manifest(tx, "datasets/acme/other")
        tx.writer.put_bytes(smuggled.encode())
        tx.log_manifest(real)
        tx.commit()
    repo = shelf.again()
    assert repo.blobs.has(smuggled.id)
    for text in (str(smuggled.id), smuggled.id.hex[:10]):
        with pytest.raises(NotFoundError):
            repo.resolve(text)
    with pytest.raises(NotFoundError):
        repo.manifest(smuggled.id)
    transaction = next(entry for entry in repo.entries() if entry.type == "transaction")
    with pytest.raises(NotFoundError):
        repo.manifest(transaction.id)


def test_an_abandoned_transaction_leaves_nothing(shelf):
    before = snapshot(shelf.root)
    with pytest.raises(KeyboardInterrupt):
        _interrupted(shelf)
    with open_transaction(shelf.repo) as tx:
        tx.writer.put_bytes(b"x" * 100)
    after = snapshot(shelf.root)
    assert {name for name in after if not name.startswith(("tmp", "lock"))} == {
        name for name in before if not name.startswith(("tmp", "lock"))
    }
    assert not list((shelf.root / "tmp").iterdir())
    with pytest.raises(InvalidInputError):
        tx.commit()


def _interrupted(shelf):
    with open_transaction(shelf.repo) as tx:
        tx.log_manifest(shelf.manifest(tx))
        raise KeyboardInterrupt


def test_nothing_to_log(shelf):
    transaction = open_transaction(shelf.repo)
    with transaction as tx, pytest.raises(InvalidInputError) as caught:
        tx.commit()
    assert caught.value.kind == "nothing-to-log"


def test_reading_views_cannot_write(shelf):
    with pytest.raises(InvalidInputError) as caught:
        open_transaction(shelf.again())
    assert caught.value.kind == "no-memory"
    with pytest.raises(KeyMaterialError) as caught:
        open_transaction(Repository.open(shelf.root, memory=shelf.memory))
    assert caught.value.kind == "no-signer"


def test_the_wrong_log_key(shelf):
    for signer in (shelf.owner, shelf.stranger):
        shelf.repo.log_signer = signer
        with pytest.raises(KeyMaterialError) as caught:
            open_transaction(shelf.repo)
        assert caught.value.kind == "wrong-log-key"


def test_a_ref_that_moved_meanwhile(shelf):
    one = shelf.commit()
    second = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)
    with open_transaction(second) as tx:
        late = shelf.manifest(tx, content={"a": b"late"}, parents=(one.id,))
        two = shelf.commit(content={"a": b"early"})
        tx.log_manifest(late)
        with pytest.raises(ConflictError) as caught:
            tx.commit()
    assert caught.value.kind == "ref-moved"
    assert caught.value.details["current"] == str(two.id)
    assert shelf.again().refs[NAME].id == two.id
    assert shelf.again().flagged == ()


def test_two_writers_of_different_names(shelf):
    second = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)
    with open_transaction(second) as tx:
        other = shelf.manifest(tx, "datasets/acme/other")
        one = shelf.commit()
        tx.log_manifest(other)
        assert tx.commit() == [4]
    repo = shelf.again()
    assert repo.refs[NAME].id == one.id
    assert repo.refs["datasets/acme/other"].id == other.id


def test_strangers_are_refused_before_anything_is_written(shelf):
    with pytest.raises(PolicyError) as caught:
        shelf.commit(signer=shelf.stranger)
    assert caught.value.kind == "unauthorised"
    assert len(shelf.again().entries()) == 2


def test_a_manifest_for_another_store_is_refused(shelf):
    with pytest.raises(InvalidInputError):
        shelf.commit(store=Digest(b"\5" * 32))


def test_blobs_must_be_there(shelf):
    for changes in (
        {"tree": Digest(b"\5" * 32)},
        {"attachments": (Attachment("decisions", Digest(b"\6" * 32), 3),)},
    ):
        with pytest.raises(IncompleteError) as caught:
            shelf.commit(**changes)
        assert caught.value.kind == "blob-missing"
    with pytest.raises(InvalidInputError):
        _commit_wrong_files(shelf)
    assert len(shelf.again().entries()) == 2


def _commit_wrong_files(shelf):
    with open_transaction(shelf.repo) as tx:
        made = shelf.manifest(tx)
        options = {"tree": made.tree, "files": Digest(b"\7" * 32)}
        tx.log_manifest(shelf.manifest(tx, **options))
        tx.commit()


def test_inputs_must_be_logged_and_of_their_kind(shelf):
    source = shelf.commit()
    with pytest.raises(NotFoundError):
        _commit_records(shelf, Input("dataset", "dataset", Digest(b"\5" * 32)))
    made = _commit_records(shelf, Input("dataset", "dataset", source.id))
    with pytest.raises(InvalidInputError) as caught:
        _commit_records(shelf, Input("dataset", "dataset", made.id), name="records/acme/other")
    assert "is a records, not a dataset" in caught.value.message


def _commit_records(shelf, item, name="records/acme/texts"):
    with open_transaction(shelf.repo) as tx:
        salts = tx.writer.put_bytes(b"\0" * 16)
        made = sign_manifest(
            kind="records",
            store=shelf.repo.store_id,
            name=name,
            body={
                "reader": "document/1",
                "roots": [{"type": "order", "root": "0" * 64, "count": 1}],
            },
            inputs=(item,),
            attachments=(Attachment("salts", salts, 16),),
            signer=shelf.owner,
            created=shelf.now,
        )
        tx.log_manifest(made)
        tx.commit()
    return made


# Credentials


def test_credentials(shelf):
    made = shelf.commit()
    data = json.dumps(
        {
            "credentialSubject": {
                "id": made.tree.urn,
                "manifest": made.id.urn,
                "score": 0.5,
                "x": None,
            }
        }
    ).encode()
    with open_transaction(shelf.repo) as tx:
        identity = tx.log_credential(data)
        foreign = tx.log_credential(b"not json")
        assert tx.commit() == [4, 5]
    repo = shelf.again()
    assert repo.credential(identity) == data
    assert repo.credential(foreign) == b"not json"
    for about in (made.id, made.tree):
        assert [entry.id for entry in repo.credentials_about(about)] == [identity]
    assert repo.credentials_about(repo.store_id) == []
    with pytest.raises(NotFoundError):
        repo.credential(made.id)


def test_the_same_bytes_as_credential_and_as_manifest(shelf):
    with open_transaction(shelf.repo) as tx:
        made = shelf.manifest(tx)
        tx.log_credential(made.encode())
        tx.log_manifest(made)
        assert tx.commit() == [2, 3]
    repo = shelf.again()
    assert repo.resolve(NAME).id == made.id
    assert repo.resolve(str(made.id)).id == made.id
    assert repo.credential(made.id) == made.encode()
    assert (repo.index_of(made.id), repo.index_of(made.id, "credential")) == (3, 2)


def test_a_credential_that_nobody_could_read_is_not_logged(shelf):
    with open_transaction(shelf.repo) as tx:
        with pytest.raises(InvalidInputError) as caught:
            tx.log_credential(bytes(MAX_CREDENTIAL_BYTES + 1))
        assert caught.value.kind == "too-large"
        largest = tx.log_credential(bytes(MAX_CREDENTIAL_BYTES))
        # What a writer with the log key, but other software, could do.
        tx._items.append(LogItem("credential", tx.writer.put_bytes(b"x" * (2 << 20))))
        tx.commit()
    repo = shelf.again()
    assert len(repo.credential(largest)) == MAX_CREDENTIAL_BYTES
    assert repo.credentials_about(repo.store_id) == []


# Crashes


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


# Copies and rollbacks


def test_a_copy_is_refused_while_the_original_stands(shelf, tmp_path):
    shelf.commit()
    copy = tmp_path / "copy"
    shutil.copytree(shelf.root, copy)
    repo = Repository.open(copy, memory=shelf.memory, log_signer=shelf.log)  # reading is fine
    with pytest.raises(ConflictError) as caught, open_transaction(repo):
        pass
    assert caught.value.kind == "copied-store"
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


def test_many_entries_fill_tiles(shelf):
    with open_transaction(shelf.repo) as tx:
        for number in range(300):
            tx.log_credential(b"%d" % number)
        tx.commit()
    shelf.commit()
    repo = shelf.again()
    assert len(repo.entries()) == 305
    assert repo.check_tiles() == []
    entry = repo.entries()[299]
    proof = repo.proof_for(299)
    assert proof.verify(Leaf(entry.type, entry.id), repo.policy.logs).size == 305


def _commit_in_a_process(root, state, number, barrier):
    repo = Repository.open(root, memory=LogMemory(state), log_signer=_LOG)
    barrier.wait()
    with open_transaction(repo) as tx:
        tx.log_credential(b"credential %d" % number)
        tx.commit()


_LOG = KeySigner(PrivateKey.from_seed(b"\x02" * 32))


def test_writers_in_several_processes_take_turns(shelf, tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    writers = [
        context.Process(
            target=_commit_in_a_process, args=(shelf.root, tmp_path / "memory", number, barrier)
        )
        for number in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * 4
    repo = shelf.again()
    logged = [repo.credential(e.id) for e in repo.entries() if e.type == "credential"]
    assert sorted(logged) == [b"credential %d" % number for number in range(4)]
    assert repo.check_tiles() == []


def test_a_tree_so_large_that_it_is_stored_in_chunks(shelf):
    with open_transaction(shelf.repo) as tx:
        empty = tx.writer.put_bytes(b"")
        for count in (9_000, 9_001):
            tree = Tree.of(TreeEntry(f"{n:06d}{'x' * 100}", 0, empty, None) for n in range(count))
            tx.writer.put_bytes(tree.encode())
        made = shelf.manifest(tx, tree=tree.id, files=tree.files_id)
        tx.log_manifest(made)
        tx.commit()
    assert len(tree.encode()) > 1 << 20
    assert shelf.again().tree(made) == tree
