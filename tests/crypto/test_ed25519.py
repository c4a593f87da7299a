"""Strict Ed25519 (A24): vectors, and agreement with a second library where it is sound."""

import copy
import json
import pickle
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import force_setattr

from lyrikstore.canon.errors import InvalidInputError, KeyMaterialError, LyrikstoreError
from lyrikstore.crypto.ed25519 import PrivateKey, PublicKey
from tests.kinds import refused

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


def cases(name):
    return json.loads((VECTORS / name).read_text("ascii"))["cases"]


seeds = st.binary(min_size=32, max_size=32)


def named(case):
    return case["id"]


def openssl_accepts(raw, signature, message):
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize("case", cases("ed25519/sign.json"), ids=named)
def test_rfc_8032(case):
    key = PrivateKey.from_seed(bytes.fromhex(case["seed"]))
    message, signature = bytes.fromhex(case["message"]), bytes.fromhex(case["signature"])
    assert key.public.raw.hex() == case["publicKey"]
    assert key.sign(message) == signature
    assert key.public.verify(signature, message)


@pytest.mark.parametrize("case", cases("ed25519/bad-keys.json"), ids=named)
def test_bad_keys_never_become_keys(case):
    with pytest.raises(KeyMaterialError) as caught:
        PublicKey(bytes.fromhex(case["publicKey"]))
    assert caught.value.kind == "weak-key"


def test_the_bad_keys_are_dangerous_elsewhere():
    # The reason for the check: under the identity one fixed signature fits every message.
    raw, forgery = b"\1" + bytes(31), b"\1" + bytes(63)
    assert all(openssl_accepts(raw, forgery, b"%d" % i) for i in range(8))


def test_a_bad_key_that_slipped_in_still_verifies_nothing():
    # Defence in depth: the libsodium call refuses small-order keys by itself.
    forgery = b"\1" + bytes(63)
    for case in cases("ed25519/bad-keys.json"):
        raw = bytes.fromhex(case["publicKey"])
        if len(raw) != 32 or not case["id"].startswith(("small-order", "y-p")):
            continue
        key = PrivateKey.generate().public
        force_setattr(key, "raw", raw)
        assert not any(key.verify(forgery, b"%d" % i) for i in range(32)), case["id"]


@pytest.mark.parametrize("raw", [None, "0" * 32, bytearray(32), 7])
def test_keys_are_bytes(raw):
    with pytest.raises(KeyMaterialError):
        PublicKey(raw)


@pytest.mark.parametrize("case", cases("ed25519/bad-signatures.json"), ids=named)
def test_bad_signatures(case):
    key = PublicKey(bytes.fromhex(case["publicKey"]))
    signature, message = bytes.fromhex(case["signature"]), bytes.fromhex(case["message"])
    assert not key.verify(signature, message)
    # R = identity satisfies the equation: OpenSSL takes it, libsodium does not. Only the holder of
    # the key can make it, to be believed by one verifier and not by another.
    assert openssl_accepts(key.raw, signature, message) == (case["id"] == "small-order-r-0")


@pytest.mark.parametrize("signature", [None, "x" * 64, bytearray(64), 64])
def test_what_is_no_signature_does_not_verify(signature):
    assert not PrivateKey.from_seed(bytes(32)).public.verify(signature, b"")


@given(seeds, st.binary(max_size=200))
def test_same_as_openssl(seed, message):
    ours, theirs = PrivateKey.from_seed(seed), Ed25519PrivateKey.from_private_bytes(seed)
    assert ours.public.raw == theirs.public_key().public_bytes_raw()
    signature = ours.sign(message)
    assert signature == theirs.sign(message)
    assert ours.public.verify(signature, message)
    assert openssl_accepts(ours.public.raw, signature, message)


@given(seeds, st.binary(max_size=50), st.integers(0, 511))
def test_every_flipped_bit_of_a_signature_fails(seed, message, bit):
    key = PrivateKey.from_seed(seed)
    signature = (int.from_bytes(key.sign(message), "little") ^ 1 << bit).to_bytes(64, "little")
    assert not key.public.verify(signature, message)


@given(seeds, st.binary(min_size=1, max_size=50), st.data())
def test_every_flipped_bit_of_a_message_fails(seed, message, data):
    key = PrivateKey.from_seed(seed)
    signature = key.sign(message)
    changed = bytearray(message)
    changed[data.draw(st.integers(0, len(message) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert not key.public.verify(signature, bytes(changed))
    assert not key.public.verify(signature, message + b"\0")
    assert not key.public.verify(signature, message[:-1])


@given(seeds, seeds)
def test_another_key_does_not_verify(a, b):
    first, second = PrivateKey.from_seed(a), PrivateKey.from_seed(b)
    assert second.public.verify(first.sign(b"m"), b"m") == (a == b)


@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_a_sound_key_or_refused(raw):
    try:
        key = PublicKey(raw)
    except KeyMaterialError:
        return
    assert int.from_bytes(raw, "little") & (1 << 255) - 1 < 2**255 - 19
    assert not key.verify(bytes(64), b"")


def test_secrets_do_not_show():
    seed = bytes(range(100, 132))
    key = PrivateKey.from_seed(seed)
    for text in (repr(key), str(key), f"{key}", repr([key]), repr({"k": key})):
        assert seed.hex() not in text
        assert repr(seed)[2:-1] not in text
    assert "<secret>" in repr(key)
    for copier in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(LyrikstoreError):
            copier(key)


def test_wrong_seeds_do_not_show():
    for wrong in (b"hunter2", b"hunter2" * 9, "hunter2" * 4, None):
        with pytest.raises(InvalidInputError) as caught:
            PrivateKey.from_seed(wrong)
        assert "hunter2" not in f"{caught.value!r}{caught.value.details}"


def test_generated_keys_differ():
    keys = {PrivateKey.generate().public for _ in range(20)}
    assert len(keys) == 20


def test_public_keys_are_values():
    a, b = PrivateKey.from_seed(bytes(32)), PrivateKey.from_seed(bytes(32))
    assert a.public == b.public
    assert hash(a.public) == hash(b.public)
    assert pickle.loads(pickle.dumps(a.public)) == a.public


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33), bytearray(32), "x" * 32])
def test_a_seed_is_32_bytes(seed):
    with refused("bad-seed"):
        PrivateKey.from_seed(seed)
