"""Keys over time: what policies say of them counts by log index, whoever says it and whenever."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
)
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import revoked, rotated, with_writer
from lyrikstore.history.log.checkpoint import Place
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest, sign_manifest
from lyrikstore.history.policy.key_history import KeyHistory, KeyStatus
from lyrikstore.history.policy.policy import Genesis, Policy, Retired
from lyrikstore.history.policy.policy_chain import follow_policies
from lyrikstore.history.repository.log_keys import (
    LOG_KEYS,
    copy_log_keys,
    read_log_keys,
    write_log_keys,
)
from lyrikstore.objects.backends.base import LocalBackend
from tests.rewriting import rewrite

ADA, BEN, CAT, DAN = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in range(1, 5))
LOG = VerifierKey("example.org/archive", PrivateKey.from_seed(b"\x09" * 32).public)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
FIRST = Policy.first(ADA.did, [LOG])
FOUNDED = sign_manifest(
    kind="genesis",
    store=None,
    name=GENESIS_NAME,
    body=Genesis(LOG.name, "0" * 32, FIRST).to_json(),
    signer=ADA,
    created=NOW,
)


def step(policy: Policy, parent: Manifest, signer: KeySigner) -> Manifest:
    return sign_manifest(
        kind="policy",
        store=FOUNDED.id,
        name=GENESIS_NAME,
        body={"policy": policy.to_json()},
        parents=[parent.id],
        signer=signer,
        created=NOW,
    )


def chain(*steps) -> tuple[KeyHistory, list[Manifest]]:
    """Return the history of changes, each with who signs it and where it is logged."""
    manifests, places, policy, parent = [], {}, FIRST, FOUNDED
    for change, signer, index in steps:
        policy = replace(change(policy), version=policy.version + 1)
        parent = step(policy, parent, signer)
        manifests.append(parent)
        places[parent.id] = index
    return follow(manifests, places), manifests


def follow(manifests, places) -> KeyHistory:
    """Return the history of manifests that one log has at these places."""

    def shown(item: Manifest, _) -> list[Place]:
        return [Place(places[item.id])] if item.id in places else []

    return follow_policies(FOUNDED, FIRST, manifests, shown)


def test_a_store_that_never_changed() -> None:
    history, _ = chain()
    assert history.state_of(ADA.did).standing is KeyStatus.CURRENT
    assert history.state_of(BEN.did).standing is KeyStatus.UNKNOWN
    assert history.in_force(0) == history.in_force(10**6) == FIRST
    assert history.named_by(ADA.did) == []


def test_a_rotation_counts_from_its_index_on() -> None:
    history, _ = chain((rotated(ADA.did, BEN.did), ADA, 7))
    state = history.state_of(ADA.did)
    assert (state.standing, state.since) == (KeyStatus.SUCCEEDED, 7)
    assert state.counts_at(6)
    assert not state.counts_at(7)
    assert ADA.did in history.in_force(7).keys
    assert history.in_force(8).keys == {BEN.did}
    assert history.named_by(BEN.did) == [(ADA.did, ADA.did)]


def test_successions_chain_and_end_at_a_suspect_key() -> None:
    steps = [(rotated(ADA.did, BEN.did), ADA, 5), (rotated(BEN.did, CAT.did), BEN, 9)]
    history, _ = chain(*steps)
    assert history.named_by(CAT.did) == [(BEN.did, BEN.did), (ADA.did, ADA.did)]
    for suspect, expected in ((5, [(BEN.did, BEN.did)]), (6, history.named_by(CAT.did))):
        later, _ = chain(*steps, (revoked(ADA.did, suspect), CAT, 20))
        assert later.named_by(CAT.did) == expected, suspect
        assert later.state_of(ADA.did).standing is KeyStatus.COMPROMISED
    worse, _ = chain(*steps, (revoked(BEN.did, 9), CAT, 20))
    assert worse.named_by(CAT.did) == []


def test_a_suspect_key_loses_its_roles_in_the_past() -> None:
    history, _ = chain((with_writer(BEN.did, None), ADA, 3), (revoked(BEN.did, 10), ADA, 30))
    assert BEN.did in history.in_force(9).keys
    assert BEN.did not in history.in_force(10).keys
    assert history.in_force(10).allows(ADA.did, "dataset", "datasets/a/b")
    assert not history.in_force(12).allows(BEN.did, "dataset", "datasets/a/b")


def test_a_key_left_out_without_a_word_counts_as_replaced() -> None:
    def quietly(policy: Policy) -> Policy:
        return replace(policy, roles={"owner": policy.roles["owner"]})

    history, _ = chain((with_writer(BEN.did, None), ADA, 3), (quietly, ADA, 8))
    state = history.state_of(BEN.did)
    assert (state.standing, state.since, state.retired) == (KeyStatus.SUCCEEDED, 8, None)


def test_what_breaks_the_chain_ends_it() -> None:
    _, (second, third) = chain(
        (rotated(ADA.did, BEN.did), ADA, 5), (rotated(BEN.did, CAT.did), BEN, 9)
    )
    foreign = step(replace(rotated(ADA.did, DAN.did)(FIRST), version=2), FOUNDED, DAN)

    def of(places: list[tuple[Manifest, int]], *items: Manifest) -> int:
        logged = {item.id: index for item, index in places}
        return follow(items, logged).current.version

    assert of([(second, 5), (third, 9)], third, second) == 3  # in any order
    assert of([(third, 9)], second, third) == 1  # the first is not shown to be logged
    assert of([(second, 9), (third, 5)], second, third) == 2  # logged before its parent
    assert of([(foreign, 2)], foreign) == 1  # by somebody who is no owner
    assert of([(second, 5), (foreign, 2)], foreign, second) == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (rotated(BEN.did, CAT.did), NotFoundError),
        (rotated(ADA.did, ADA.did), ConflictError),
        (revoked(BEN.did, 3), NotFoundError),
        (revoked(ADA.did, 3), InvalidInputError),  # nobody left
        (revoked(ADA.did, None), InvalidInputError),
    ],
)
def test_changes_that_make_no_sense(change, error) -> None:
    with pytest.raises(error):
        change(FIRST)


def test_nothing_that_was_said_of_a_key_is_revoked() -> None:
    policy = replace(revoked(ADA.did, 5, BEN.did)(FIRST), version=2)
    assert policy.may_follow(FIRST)
    for retired in (
        (),
        (Retired(ADA.did, BEN.did),),
        (Retired(ADA.did, BEN.did, 6),),
        (Retired(ADA.did, CAT.did, 5),),
        (Retired(ADA.did, None, 5),),
    ):
        assert not replace(policy, version=3, retired=retired).may_follow(policy)
    assert replace(policy, version=3, retired=(Retired(ADA.did, BEN.did, 4),)).may_follow(policy)
    with pytest.raises(ConflictError):
        revoked(ADA.did, 5)(policy)
    with pytest.raises(ConflictError):
        rotated(BEN.did, ADA.did)(policy)


@pytest.mark.parametrize(
    "retired",
    [
        [],
        {},
        "x",
        [{}],
        ["x"],
        [{"key": "did:key:z6Mk"}],
        [{"key": ADA.did}],  # it still has a role
        [{"key": BEN.did, "more": 1}],
        [{"key": BEN.did}, {"key": BEN.did, "suspectFrom": 3}],
        [{"key": BEN.did, "successor": BEN.did}],
        [{"key": BEN.did, "successor": CAT.did}],  # which has no role
        [{"key": BEN.did, "successor": None}],
        [{"key": BEN.did, "suspectFrom": 0}],
        [{"key": BEN.did, "suspectFrom": -1}],
        [{"key": BEN.did, "suspectFrom": True}],
        [{"key": BEN.did, "suspectFrom": "3"}],
        [{"key": BEN.did, "suspectFrom": 2**53}],
        [{"key": BEN.did, "suspectFrom": None}],
    ],
)
def test_senseless_lists_of_retired_keys_are_refused(retired) -> None:
    value = {**FIRST.to_json(), "version": 2, "retired": retired}
    with pytest.raises(FormatError):
        Policy.parse(value)


def test_a_genesis_retires_nobody() -> None:
    body = Genesis(LOG.name, "0" * 32, FIRST).to_json()
    body["policy"]["retired"] = [{"key": BEN.did}]
    with pytest.raises(FormatError):
        Genesis.parse(body)


SUCCESSION = step(replace(rotated(ADA.did, BEN.did)(FIRST), version=2), FOUNDED, ADA).encode()
COMPROMISE = step(replace(revoked(ADA.did, 5, BEN.did)(FIRST), version=2), FOUNDED, ADA).encode()


@pytest.mark.parametrize("statement", [SUCCESSION, COMPROMISE], ids=["succession", "compromise"])
def test_any_flipped_byte_of_a_statement_is_noticed(statement: bytes) -> None:
    for at in range(len(statement)):
        changed = statement[:at] + bytes([statement[at] ^ 1]) + statement[at + 1 :]
        with pytest.raises(LyrikstoreError):
            parse_manifest(changed)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=4),
    st.integers(0, 60),
)
def test_a_key_never_counts_again_later(steps: list[tuple[int, bool]], index: int) -> None:
    """Whatever policies say, if something logged at an index does not count, nothing later does."""
    keys = [KeySigner(PrivateKey.from_seed(bytes([50 + n]) * 32)) for n in range(len(steps) + 1)]
    changes = [(rotated(ADA.did, keys[0].did), ADA, 5)]
    signer = keys[0]
    for number, (suspect, named) in enumerate(steps):
        after = keys[number + 1]
        change = (
            revoked(signer.did, suspect, after.did) if named else rotated(signer.did, after.did)
        )
        changes.append((change, signer, 10 * (number + 1)))
        signer = after
    history, _ = chain(*changes)
    assert history.current.version == len(changes) + 1
    for key in (ADA, *keys):
        state = history.state_of(key.did)
        if not state.counts_at(index):
            assert not state.counts_at(index + 1)
        if not state.counts_at(index) and index > 45:
            assert key.did not in history.in_force(index).keys


@given(st.integers(0, 60), st.integers(1, 60))
def test_a_later_word_never_makes_anything_count(index: int, suspect: int) -> None:
    before, _ = chain((rotated(ADA.did, BEN.did), ADA, 7))
    after, _ = chain((rotated(ADA.did, BEN.did), ADA, 7), (revoked(ADA.did, suspect), BEN, 30))
    assert after.state_of(ADA.did).counts_at(index) <= before.state_of(ADA.did).counts_at(index)


def test_added_log_keys_are_shown_by_a_whole_file_or_not_at_all(tmp_path) -> None:
    more = PrivateKey.from_seed(b"\x0a" * 32).public
    _, (rotation, admission) = chain(
        (rotated(ADA.did, BEN.did), ADA, 5), (with_writer(CAT.did, more), BEN, 9)
    )
    backend = LocalBackend(tmp_path)
    assert read_log_keys(backend, FOUNDED).keys == (LOG,)
    write_log_keys(backend, [rotation, admission])
    found = read_log_keys(backend, FOUNDED)
    assert found.keys == (LOG, VerifierKey(LOG.name, more))
    place = tmp_path / LOG_KEYS
    whole = place.read_bytes()
    for at in range(0, len(whole), 7):
        rewrite(place, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert read_log_keys(backend, FOUNDED).keys == (LOG,), at
    for changed in (
        b"",
        whole[:-1],
        whole + whole,
        admission.encode() + b"\n",  # its parent is missing, and who may sign it is not known
        admission.encode() + b"\n" + rotation.encode() + b"\n" + b"{}\n",
        b"x" * ((1 << 20) + 1),
    ):
        place.write_bytes(changed)
        assert read_log_keys(backend, FOUNDED).keys == (LOG,)
    copy = LocalBackend(tmp_path / "copy")
    rewrite(place, whole)
    copy_log_keys(backend, copy, FOUNDED)
    assert read_log_keys(copy, FOUNDED) == found
    place.write_bytes(b"spoilt\n")
    copy_log_keys(backend, copy, FOUNDED)  # a source that shows less takes nothing away
    assert read_log_keys(copy, FOUNDED) == found
