"""A log key that was retired: what a thief who kept it can still do, and to whom."""

import shutil
from dataclasses import replace

import pytest

from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    KeyMaterialError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import change_policy, with_writer, without_log_key
from lyrikstore.history.commit.publisher import Publisher
from lyrikstore.history.log.entries import NO_RECORDS, read_records
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.store.transactions import Transaction, TransactionLog
from lyrikstore.verify.store.store import verify_store
from tests.contexts import context_of
from tests.history.sync.conftest import LOG, NOW, OWNER, Desk

NEXT = KeySigner(PrivateKey.from_seed(b"\x03" * 32))


def change(desk, how, log_signer):
    desk.repo.log_signer = log_signer
    made = change_policy(desk.repo, how, signer=OWNER, clock=lambda: NOW)
    desk.repo.refresh()
    return made


def extend(root):
    """Append to the store in ``root`` as a thief would, who minds no policy, with the old key."""
    repo = Repository.open(root)
    log = TransactionLog(repo.backend)
    assert log.append(Transaction(len(repo.records.transactions)))
    publisher = Publisher(repo.backend, root, VerifierKey(repo.origin, LOG.public), LOG, None)
    assert publisher.publish(read_records(repo.backend, NO_RECORDS), repo.checkpoint)


@pytest.fixture
def home(office) -> Desk:
    """Return a store with two log keys."""
    home = office.home()
    home.commit({"a": b"one"})
    change(home, with_writer(OWNER.did, NEXT.public), LOG)
    return home


def folder_of(home):
    return LocalBackend(home.repo.root)


def refuses(act, kind="retired-log-key"):
    with pytest.raises(VerificationError) as caught:
        act()
    assert caught.value.kind == kind
    return caught.value


def test_what_was_signed_before_stays_good(office, home):
    reader = office.clone(folder_of(home), "reader")
    before = home.repo.checkpoint
    made = change(home, without_log_key(LOG.public), NEXT)
    assert made.policy.log_keys == (VerifierKey(home.repo.origin, NEXT.public),)
    home.log = NEXT
    home.commit({"a": b"two"})
    assert reader.pull(folder_of(home)).before == before.size
    assert reader.again().refs == home.again().refs
    assert office.clone(folder_of(home), "late").again().refs == home.again().refs
    context = context_of(home.again(), clock=lambda: NOW)
    report = verify_store(replace(context, memory=home.memory))
    assert [check for check in report.checks if check.state == "fail"] == []


def test_who_saw_the_retirement_follows_no_log_by_the_old_key(office, home):
    reader = office.clone(folder_of(home), "reader")
    change(home, without_log_key(LOG.public), NEXT)
    reader.pull(folder_of(home))
    extend(home.repo.root)
    before = reader.repo.checkpoint.note
    error = refuses(lambda: reader.pull(folder_of(home)))
    assert "clone" in error.hint
    assert reader.again().checkpoint.note == before


def test_nobody_gets_refs_from_a_log_that_says_its_own_key_was_retired(office, home):
    behind = office.clone(folder_of(home), "behind")
    change(home, without_log_key(LOG.public), NEXT)
    extend(home.repo.root)
    refuses(lambda: home.again().refs)
    refuses(lambda: office.clone(folder_of(home), "stranger").again().refs)
    behind.pull(folder_of(home))  # it learns of the retirement by this pull
    refuses(lambda: behind.again().refs)
    report = verify_store(context_of(home.again(), trust=Trust(), clock=lambda: NOW))
    assert report.verdict == "invalid"
    [check] = [check for check in report.checks if check.id == "log.checkpoint"]
    assert (check.state, check.detail["reason"]) == ("fail", "retired-log-key")


def test_a_fork_without_the_retirement_fools_only_who_saw_nothing_later(office, home, tmp_path):
    reader = office.clone(folder_of(home), "reader")
    fork = tmp_path / "fork"
    shutil.copytree(home.repo.root, fork)
    change(home, without_log_key(LOG.public), NEXT)
    reader.pull(folder_of(home))
    for _ in range(3):
        extend(fork)
    refuses(lambda: reader.pull(LocalBackend(fork)), "remote-forked")
    refuses(lambda: office.clone(LocalBackend(fork), "reader"), "remote-forked")
    stranger = office.clone(
        LocalBackend(fork), "stranger"
    )  # nothing there tells it from the true one
    assert stranger.again().refs


def test_no_key_signs_for_its_own_retirement(home):
    with pytest.raises(KeyMaterialError) as caught:
        change(home, without_log_key(LOG.public), LOG)
    assert caught.value.kind == "wrong-log-key"
    change(home, without_log_key(LOG.public), NEXT)
    with pytest.raises(KeyMaterialError):
        home.commit({"a": b"by the old key"})
    home.log = NEXT
    home.commit({"a": b"two"})


def test_the_last_key_stays_and_none_comes_back(home):
    change(home, without_log_key(LOG.public), NEXT)
    with pytest.raises(InvalidInputError) as caught:
        change(home, without_log_key(NEXT.public), NEXT)
    assert "admit" in caught.value.hint
    with pytest.raises(NotFoundError):
        change(home, without_log_key(LOG.public), NEXT)
    with pytest.raises(ConflictError) as caught:
        change(home, with_writer(OWNER.did, LOG.public), NEXT)
    assert caught.value.kind == "key-used"
