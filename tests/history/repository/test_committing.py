"""Commits: what readers see of them, what is refused, and many writers and entries."""

import multiprocessing

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    IncompleteError,
    InvalidInputError,
    KeyMaterialError,
    NotFoundError,
    PolicyError,
)
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.checkpoint import Leaf
from lyrikstore.history.log.entries import read_records
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Attachment, Input, sign_manifest
from lyrikstore.history.manifests.names import PrefixRef, parse_name
from lyrikstore.history.repository.partial_clone import read_selection
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.resolve import _by_prefix
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.store.transactions import TransactionLog
from tests.history.repository.files import NAME, snapshot
from tests.kinds import refused


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


def test_what_a_closed_transaction_and_a_manifest_without_files_refuse(shelf):
    with refused("transaction-closed"):
        open_transaction(shelf.repo).writer.put_bytes(b"")
    with open_transaction(shelf.repo) as transaction:
        writer = transaction.writer
        transaction.log_manifest(shelf.manifest(transaction))
        transaction.commit()
    with refused("writer-closed"):
        writer.put_bytes(b"")
    with refused("no-tree"):
        shelf.repo.tree(shelf.repo.manifest(shelf.repo.store_id))
    with refused("log-mismatch"):
        read_records(shelf.repo.backend).covered(1)


def test_a_damaged_mark_of_a_partial_clone(shelf):
    (shelf.root / "partial").write_text("{}")
    with refused("bad-partial"):
        read_selection(shelf.repo.backend)


def test_what_is_held_is_asked_again_where_another_writer_wins_the_slot(shelf, monkeypatch):
    """ATTACK A126: where no lock reaches, somebody revokes between the question and the record."""
    append, won, asked = TransactionLog.append, [], []

    def meanwhile(log, record):
        if not won:
            won.append(record)
            return False
        return append(log, record)

    monkeypatch.setattr(TransactionLog, "append", meanwhile)
    with open_transaction(shelf.repo) as transaction:
        transaction.log_manifest(shelf.manifest(transaction))
        transaction.hold(lambda: asked.append(len(won)))
        transaction.commit()
    assert asked == [0, 1]
