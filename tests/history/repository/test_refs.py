"""Refs follow from the log: who may move them, in what order, and what is flagged."""

from datetime import UTC, datetime

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, VerificationError
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import revoked
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.history.policy.policy import Genesis, Policy, Role
from lyrikstore.history.repository.refs import REASONS, RefTable, check_genesis
from tests.kinds import refused

ADA, BEN = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (1, 2))
LOG = VerifierKey("example.org/archive", PrivateKey.from_seed(b"\x09" * 32).public)
NAME = "datasets/acme/texts"
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def genesis(nonce="0" * 32, signer=ADA, policy=None):
    return sign_manifest(
        kind="genesis",
        store=None,
        name=GENESIS_NAME,
        body=Genesis(LOG.name, nonce, policy or Policy.first(ADA.did, [LOG])).to_json(),
        signer=signer,
        created=NOW,
    )


@pytest.fixture
def make(shelf):
    def build(message="", *, store=None, signer=ADA, name=NAME, parents=()):
        return sign_manifest(
            kind="dataset",
            store=store or FOUNDED.id,
            name=name,
            body=shelf.dataset_body(),
            tree=Digest(b"\1" * 32),
            files=Digest(b"\2" * 32),
            parents=parents,
            signer=signer,
            created=NOW,
            message=message,
        )

    return build


def policy_manifest(version=2, parents=None, signer=ADA, logs=(LOG,), name=GENESIS_NAME):
    roles = {
        "owner": Role((ADA.did,), 1, ("*",), ("*",)),
        "helper": Role((BEN.did,), 1, ("*",), ("dataset",)),
    }
    return sign_manifest(
        kind="policy",
        store=FOUNDED.id,
        name=name,
        body={"policy": Policy(version, roles, tuple(logs)).to_json()},
        parents=(FOUNDED.id,) if parents is None else parents,
        signer=signer,
        created=NOW,
    )


FOUNDED = genesis()


@pytest.fixture
def table():
    table = RefTable()
    assert table.apply(0, FOUNDED) is None
    return table


def test_genesis_founds_the_store(table):
    assert table.store == FOUNDED.id
    assert table.refs[GENESIS_NAME].history == (FOUNDED.id,)
    assert table.policy == Policy.first(ADA.did, [LOG])


def test_versions_succeed_each_other(table, make):
    one = make("1")
    two = make("2", parents=(one.id,))
    assert table.apply(5, one) is None
    assert table.apply(9, two) is None
    state = table.refs[NAME]
    assert (state.id, state.index, state.history) == (two.id, 9, (two.id, one.id))
    assert table.flagged == []


def test_a_version_that_does_not_know_the_current_one_is_flagged(table, make):
    one = make("1")
    two, rival = make("2", parents=(one.id,)), make("rival", parents=(one.id,))
    for index, item in enumerate((one, two), 1):
        table.apply(index, item)
    assert table.apply(3, rival) == "not-a-successor"
    assert table.apply(4, make("lost history")) == "not-a-successor"
    assert table.refs[NAME].id == two.id
    assert [item.index for item in table.flagged] == [3, 4]
    assert table.flagged[0].summary == REASONS["not-a-successor"]


def test_a_merge_may_have_the_current_one_as_any_parent(table, make):
    one, other = make("1"), make("x", name="datasets/acme/other")
    for index, item in enumerate((one, other), 1):
        table.apply(index, item)
    assert table.apply(3, make("2", parents=(other.id, one.id))) is None


def test_logging_an_old_version_again_rolls_nothing_back(table, make):
    one = make("1")
    two = make("2", parents=(one.id,))
    for index, item in enumerate((one, two), 1):
        table.apply(index, item)
    assert table.apply(3, one) == "already-logged"
    assert table.refs[NAME].id == two.id


def test_strangers_move_nothing(table, make):
    assert table.apply(1, make(signer=BEN)) == "unauthorised"
    assert NAME not in table.refs


def test_manifests_of_other_stores_move_nothing(table, make):
    assert table.apply(1, make(store=genesis("1" * 32).id)) == "other-store"


def test_a_second_genesis_moves_nothing(table):
    assert table.apply(1, genesis("2" * 32)) == "second-genesis"
    assert table.store == FOUNDED.id


def test_the_log_must_begin_with_a_genesis(make):
    with pytest.raises(VerificationError):
        RefTable().apply(0, make())
    with pytest.raises(VerificationError):
        RefTable().apply(1, FOUNDED)


def test_a_genesis_by_somebody_it_does_not_name_founds_nothing():
    with pytest.raises(VerificationError) as caught:
        check_genesis(genesis(signer=BEN))
    assert caught.value.kind == "bad-genesis"


def test_a_genesis_whose_policy_makes_no_sense_founds_nothing():
    roles = {"owner": Role((ADA.did,), 1, ("*",), ("*",))}
    other = VerifierKey("example.org/other", LOG.key)
    with pytest.raises(VerificationError):
        check_genesis(genesis(policy=Policy(1, roles, (other,))))


def test_a_policy_counts_from_its_log_index_on(table, make):
    early, late = make("early", signer=BEN), make("late", signer=BEN)
    assert table.apply(1, early) == "unauthorised"
    assert table.apply(2, policy_manifest()) is None
    assert table.policy.version == 2
    assert table.apply(3, late) is None
    assert table.apply(4, early) == "already-logged"  # judged then, not now
    assert table.refs[NAME].id == late.id


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 3}, "bad-policy"),
        ({"logs": (VerifierKey(LOG.name, BEN.public),)}, "bad-policy"),
        ({"name": "policies/store/other"}, "bad-policy"),
        ({"parents": ()}, "not-a-successor"),
        ({"signer": BEN}, "unauthorised"),
    ],
)
def test_policies_that_do_not_count(table, changes, reason):
    assert table.apply(1, policy_manifest(**changes)) == reason
    assert table.policy.version == 1


def test_a_helper_cannot_change_the_policy(table):
    first = policy_manifest()
    table.apply(1, first)
    assert table.apply(2, policy_manifest(3, (first.id,), BEN)) == "unauthorised"
    assert table.apply(3, policy_manifest(2, (first.id,))) == "bad-policy"
    assert table.apply(4, policy_manifest(3, (first.id,))) is None


def test_a_copy_is_independent(table, make):
    copy = table.copy()
    copy.apply(1, make())
    assert NAME in copy.refs
    assert NAME not in table.refs


def test_flags_have_known_reasons(table):
    with pytest.raises(InvalidInputError):
        table.flag(1, FOUNDED.id, "because")


def test_a_key_is_retired_once_and_a_flag_has_a_reason():
    change = revoked(ADA.did, 5, BEN.did)
    once = change(Policy.first(ADA.did, [LOG]))
    with refused("revoked-already"):
        change(once)
    with refused("bad-reason"):
        RefTable().flag(0, FOUNDED.id, "nonsense")
