"""The policy: default deny, strict reading, and which name matches which pattern."""

import copy
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import FormatError
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.policy.policy import Genesis, Policy, Retired, Role, matches

ADA, BEN, EVE = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (1, 2, 3))
LOG = VerifierKey("example.org/archive", PrivateKey.from_seed(b"\x09" * 32).public)
SOLE = Policy.first(ADA.did, [LOG])


def with_roles(**roles: Role) -> Policy:
    return Policy(1, {"owner": Role((ADA.did,), 1, ("policies/*",), ("policy",)), **roles}, (LOG,))


def test_the_sole_owner_may_say_everything_and_nobody_else_anything():
    assert SOLE.allows(ADA.did, "dataset", "datasets/acme/texts")
    assert SOLE.allows(ADA.did, "policy", "policies/store/main")
    assert not SOLE.allows(BEN.did, "dataset", "datasets/acme/texts")
    assert not SOLE.allows("", "dataset", "datasets/acme/texts")


def test_roles_are_limited_to_names_and_kinds():
    policy = with_roles(trainer=Role((BEN.did,), 1, ("runs/acme/*",), ("run", "checkpoint")))
    assert policy.allows(BEN.did, "run", "runs/acme/one")
    assert not policy.allows(BEN.did, "run", "runs/other/one")
    assert not policy.allows(BEN.did, "dataset", "runs/acme/one")
    assert not policy.allows(ADA.did, "run", "runs/acme/one")


def test_only_owners_change_the_policy_however_wide_a_role_is():
    policy = with_roles(all=Role((BEN.did,), 1, ("*",), ("*",)))
    assert policy.allows(BEN.did, "dataset", "datasets/acme/texts")
    assert not policy.allows(BEN.did, "policy", "policies/store/main")


def test_one_signature_does_not_meet_a_threshold_of_two():
    policy = with_roles(pair=Role((BEN.did, EVE.did), 2, ("*",), ("*",)))
    assert not policy.allows(BEN.did, "dataset", "datasets/acme/texts")


def test_round_trips():
    policy = with_roles(trainer=Role((BEN.did, EVE.did), 2, ("runs/*",), ("run",)))
    assert Policy.parse(policy.to_json()) == policy
    genesis = Genesis("example.org/archive", "0" * 32, policy)
    assert Genesis.parse(genesis.to_json()) == genesis


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.pop("logs"),
        lambda p: p.update(extra=1),
        lambda p: p.update(version=0),
        lambda p: p.update(version=True),
        lambda p: p.update(version="1"),
        lambda p: p.update(roles=[]),
        lambda p: p.update(roles={}),
        lambda p: p["roles"].pop("owner"),
        lambda p: p["roles"].update(Bad=p["roles"]["owner"]),
        lambda p: p["roles"]["owner"].update(keys=[]),
        lambda p: p["roles"]["owner"].update(keys=[1]),
        lambda p: p["roles"]["owner"].update(keys=["did:key:zBad"]),
        lambda p: p["roles"]["owner"].update(keys=["did:web:example.org"]),
        lambda p: p["roles"]["owner"].update(keys=[ADA.did, ADA.did]),
        lambda p: p["roles"]["owner"].update(threshold=2),
        lambda p: p["roles"]["owner"].update(threshold=0),
        lambda p: p["roles"]["owner"].update(threshold=True),
        lambda p: p["roles"]["owner"].update(names=["a?b"]),
        lambda p: p["roles"]["owner"].update(names=["*" * 9]),
        lambda p: p["roles"]["owner"].update(kinds=["Data Set"]),
        lambda p: p["roles"]["owner"].pop("kinds"),
        lambda p: p["roles"]["owner"].update(until="2027"),
        lambda p: p.update(logs=[]),
        lambda p: p.update(logs=["x"]),
        lambda p: p.update(logs=[str(LOG), str(LOG)]),
    ],
)
def test_senseless_policies_are_refused(change):
    value = copy.deepcopy(SOLE.to_json())
    change(value)
    with pytest.raises(FormatError) as caught:
        Policy.parse(value)
    assert caught.value.kind == "bad-policy"


@pytest.mark.parametrize(
    "change",
    [
        lambda g: g.update(origin="a b"),
        lambda g: g.update(origin=""),
        lambda g: g.update(origin="example.org/other"),
        lambda g: g.update(nonce="0" * 31),
        lambda g: g.update(nonce="A" * 32),
        lambda g: g["policy"].update(version=2),
        lambda g: g.pop("nonce"),
        lambda g: g.update(more=1),
    ],
)
def test_senseless_genesis_bodies_are_refused(change):
    value = copy.deepcopy(Genesis("example.org/archive", "0" * 32, SOLE).to_json())
    change(value)
    with pytest.raises(FormatError):
        Genesis.parse(value)


@pytest.mark.parametrize("value", [None, [], "x", {}])
def test_other_json_is_refused(value):
    with pytest.raises(FormatError):
        Policy.parse(value)
    with pytest.raises(FormatError):
        Genesis.parse(value)


@given(st.text("ab/*", max_size=9), st.text("ab/", max_size=9))
def test_patterns_mean_what_shell_stars_mean(pattern, name):
    assert matches(pattern, name) == fnmatchcase(name, pattern)


def test_patterns_try_no_star_again():
    # 100,000⁸ tries, were every place of every star looked at: the run would end before they do.
    for end, whether in (("b", False), ("*", True), ("a", True), ("ab", False)):
        assert matches(f"a*a*a*a*a*a*a*{end}", "a" * 100_000) is whether
    assert matches("*a*b*a*b*", "a" * 50_000 + "b" + "a" * 50_000 + "b")


def test_a_successor_has_a_role_and_is_found_though_keys_succeed_each_other():
    owner = {"owner": Role((ADA.did,), 1, ("policies/*",), ("policy",))}
    chain = (Retired(EVE.did, BEN.did, None), Retired(BEN.did, ADA.did, None))
    assert Policy(2, owner, (LOG,), chain).successor(EVE.did) == ADA.did
    # ATTACK: such a policy is well-formed, and whoever asked never came back.
    ring = (Retired(EVE.did, BEN.did, None), Retired(BEN.did, EVE.did, None))
    assert Policy.parse(Policy(2, owner, (LOG,), ring).to_json()).successor(EVE.did) is None
    assert SOLE.successor(ADA.did) is None
