"""Stores are made and opened: what is refused, and what neither writes."""

import errno
import os

import pytest

from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
)
from lyrikstore.history.commit.transaction import create_repository
from lyrikstore.history.manifests.manifest import parse_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import LocalBackend
from tests.history.repository.files import NAME, snapshot
from tests.rewriting import rewrite

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
