"""Trust that keys inherit: each key is looked at once, and a circle has nobody's word."""

from datetime import timedelta
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.multikey import did_key
from lyrikstore.history.policy.key_history import KeyHistory, Ruled
from lyrikstore.history.policy.policy import OWNER, Policy, Retired, Role
from lyrikstore.verify.credential.key_succession import inherited
from lyrikstore.verify.delivery.founder import check_founder

KEYS = [did_key(PrivateKey.from_seed(bytes([number]) * 32).public) for number in range(64)]


def ruled(steps: list[tuple[str, str, str]], *founders: str) -> KeyHistory:
    """The history in which each step's author, its first item, replaces the second by the third."""
    owners, retired = list(founders), []
    policies = [policy(0, owners, retired, founders[0])]
    for number, (author, old, new) in enumerate(steps, 1):
        owners = [new if key == old else key for key in owners]
        retired.append(Retired(old, new))
        policies.append(policy(number, owners, retired, author))
    return KeyHistory(tuple(policies))


def policy(number: int, owners: list[str], retired: list[Retired], author: str) -> Ruled:
    roles = {OWNER: Role(tuple(owners), 1, ("*",), ("*",))}
    rules = Policy(number + 1, roles, (), tuple(retired))
    return Ruled(number, rules, author, Digest.of(bytes([number])))


def test_owners_who_replace_each_other_cost_no_more_than_others() -> None:
    (one, other), steps = KEYS[:2], []
    for number in range(2, 62, 2):  # a path for every choice of whom to ask first: 2^30
        steps += [(other, one, KEYS[number]), (KEYS[number], other, KEYS[number + 1])]
        one, other = KEYS[number], KEYS[number + 1]
    asked: list[str] = []

    def believes(did: str) -> TrustedIssuer | None:
        asked.append(did)
        return TrustedIssuer(did, "founder") if did in KEYS[:2] else None

    found = inherited(other, ruled(steps, *KEYS[:2]), believes, nobody)
    assert found is not None
    assert found.entry.did in KEYS[:2]
    assert found.keys == set(KEYS[:61])
    assert len(asked) <= 2 * len(KEYS)


def test_a_circle_is_nobodys_word() -> None:
    known, heir, stranger = KEYS[:3]
    steps = [(stranger, known, heir), (heir, stranger, KEYS[3]), (KEYS[3], heir, KEYS[4])]
    history = ruled(steps, known, stranger)
    for key in (heir, KEYS[3], KEYS[4]):
        assert inherited(key, history, lambda did: entry_of(did, known), nobody) is None
    history = ruled([(known, known, heir)], known)
    assert inherited(heir, history, lambda did: entry_of(did, known), nobody)


def test_a_key_that_is_named_and_not_believed_hands_nothing_on() -> None:
    known, ended, heir = KEYS[:3]
    history = ruled([(known, known, ended), (ended, ended, heir)], known)
    believes = partial(entry_of, known=known)
    assert inherited(heir, history, believes, nobody) is not None
    assert inherited(heir, history, believes, partial(entry_of, known=ended)) is None


@pytest.mark.parametrize(("named", "state"), [(False, "pass"), (True, "warn")])
def test_a_store_is_owned_by_the_heir_of_an_heir(
    publisher: Any, world: SimpleNamespace, named: bool, state: str
) -> None:
    """Of a founder whom nobody knows; but not where belief in the key between them has ended."""
    known, between, heir = KEYS[:3]
    steps = [(known, known, between), (between, between, heir)]
    entries = [TrustedIssuer(known, "known")]
    if named:
        entries.append(TrustedIssuer(between, "between", until=world.NOW - timedelta(days=1)))
    check = check_founder(
        publisher.repository.genesis,
        ruled(steps, known),
        lambda key: key == heir,
        trust=Trust(tuple(entries)),
        at=world.NOW,
    )
    assert check.state == state, check


def nobody(_: str) -> TrustedIssuer | None:
    return None


def entry_of(did: str, known: str) -> TrustedIssuer | None:
    return TrustedIssuer(did, "founder") if did == known else None


def test_a_chain_of_a_thousand_keys_is_followed_to_its_end() -> None:
    chain = [f"did:key:{number}" for number in range(1001)]
    retired = [Retired(old, new) for old, new in pairwise(chain)]
    founded, after = policy(0, chain[:1], [], chain[0]), policy(1, chain[-1:], retired, chain[0])
    history = KeyHistory((founded, after))
    assert inherited(chain[-1], history, nobody, nobody) is None
    found = inherited(chain[-1], history, lambda did: entry_of(did, chain[0]), nobody)
    assert found is not None
    assert (found.predecessor, found.keys) == (chain[-2], set(chain[:-1]))
