"""Credentials in a repository: logged with their bytes, found by them."""

import json

import pytest

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.limits import MAX_CREDENTIAL_BYTES
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.objects.store.transactions import LogItem
from tests.history.repository.files import NAME


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
