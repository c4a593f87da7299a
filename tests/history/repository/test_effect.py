"""What is logged without effect is refused to those who would use it, and its name says why."""

import pytest

from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import change_policy, revoked
from lyrikstore.history.repository.resolve import check_effect
from lyrikstore.train.resolve_checkpoint import resolve_trained
from tests.history.repository.files import NAME
from tests.kinds import refused

NEXT = KeySigner(PrivateKey.from_seed(b"\x09" * 32))


@pytest.fixture
def stolen(shelf):
    """Return a store with two versions, of which a thief signed the second and a name."""
    first = shelf.commit()
    cut = shelf.repo.checkpoint.head.size
    second = shelf.commit(content={"a": b"evil"})
    new = shelf.commit("datasets/acme/evil")
    how = revoked(shelf.owner.did, cut, NEXT.did)
    change_policy(shelf.repo, how, signer=shelf.owner, clock=lambda: shelf.now)
    return shelf.again(), first, second, new, cut


def test_a_version_by_a_compromised_key_is_not_used(stolen) -> None:
    repository, first, second, _, cut = stolen
    check_effect(repository, repository.resolve(str(first.id)))
    assert repository.resolve(NAME).id == first.id
    found = repository.resolve(str(second.id))  # to look at it
    with refused("without-effect") as caught:
        check_effect(repository, found)
    assert caught.value.details == {"reason": "suspect", "index": cut}
    with refused("without-effect"):
        resolve_trained(repository, str(second.id))


def test_a_name_that_a_compromised_key_gave_says_so(stolen) -> None:
    repository, _, _, new, _ = stolen
    with refused("no-ref") as caught:
        repository.resolve(new.name)
    assert str(new.id) in caught.value.hint


def test_what_was_logged_twice_is_used(shelf) -> None:
    one = shelf.commit()
    table = shelf.repo.table
    assert table.apply(len(shelf.repo.entries()), one) == "already-logged"
    assert table.flagged
    check_effect(shelf.repo, one)
