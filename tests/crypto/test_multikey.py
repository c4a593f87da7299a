"""One key, one spelling."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lyrikstore.canon.errors import FormatError, KeyMaterialError
from lyrikstore.canon.limits import MAX_BASE58_DIGITS
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.multikey import (
    BASE58_ALPHABET,
    decode_base58,
    did_key,
    encode_base58,
    encode_multikey,
    fingerprint,
    key_words,
    parse_did_key,
    parse_multikey,
    parse_verification_method,
    verification_method,
)
from tests.kinds import refused

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


def cases(name):
    return json.loads((VECTORS / name).read_text("ascii"))["cases"]


keys = st.binary(min_size=32, max_size=32).map(lambda seed: PrivateKey.from_seed(seed).public)


@pytest.mark.parametrize("case", cases("multikey/good.json"))
def test_good_spellings(case):
    key = PrivateKey.from_seed(bytes.fromhex(case["seed"])).public
    assert key.raw.hex() == case["publicKey"]
    assert encode_multikey(key) == case["multikey"]
    assert did_key(key) == case["did"]
    assert verification_method(key) == case["verificationMethod"]
    assert parse_multikey(case["multikey"]) == key
    assert parse_did_key(case["did"]) == key
    assert parse_verification_method(case["verificationMethod"]) == key
    assert " ".join(key_words(key)) == case["words"]
    assert fingerprint(key) == case["fingerprint"]


@pytest.mark.parametrize("case", cases("multikey/refuse.json"), ids=lambda c: c["id"])
def test_refused_spellings(case):
    text = case["text"]
    with pytest.raises(KeyMaterialError) as caught:
        parse_verification_method(text)
    assert caught.value.kind in {"bad-key", "weak-key"}
    assert len(caught.value.message) < 200
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "case",
    [c for c in cases("multikey/refuse.json") if c["id"] not in {"no-fragment", "multikey-only"}],
    ids=lambda c: c["id"],
)
def test_refused_as_a_did_and_as_a_multikey_too(case):
    did, _, body = case["text"].partition("#")
    with pytest.raises(KeyMaterialError):
        parse_did_key(case["text"])
    if f"did:key:{body}" == did:  # the body itself is bad
        with pytest.raises(KeyMaterialError):
            parse_did_key(did)
        with pytest.raises(KeyMaterialError):
            parse_multikey(body)


@pytest.mark.parametrize("value", [None, 7, b"z6Mk", ["z6Mk"], {}])
def test_other_types(value):
    for parse in (parse_multikey, parse_did_key, parse_verification_method):
        with pytest.raises(KeyMaterialError):
            parse(value)
    with refused("bad-base58"):
        decode_base58(value)


@given(keys)
def test_round_trip(key):
    assert parse_multikey(encode_multikey(key)) == key
    assert parse_did_key(did_key(key)) == key
    assert parse_verification_method(verification_method(key)) == key
    assert encode_multikey(key).startswith("z6Mk")


@given(keys, st.integers(0, 47), st.sampled_from(BASE58_ALPHABET + "0OIl \n-"))
def test_every_changed_character_is_another_key_or_none(key, place, character):
    text = encode_multikey(key)
    changed = text[:place] + character + text[place + 1 :]
    try:
        assert (parse_multikey(changed) == key) == (changed == text)
    except KeyMaterialError:
        assert changed != text


@given(keys, keys)
def test_the_fragment_is_the_key(a, b):
    text = f"{did_key(a)}#{encode_multikey(b)}"
    if a == b:
        assert parse_verification_method(text) == a
    else:
        with pytest.raises(KeyMaterialError):
            parse_verification_method(text)


@given(st.binary(max_size=70))
def test_base58_round_trip(data):
    assert decode_base58(encode_base58(data)) == data


@given(st.text(alphabet=BASE58_ALPHABET, max_size=MAX_BASE58_DIGITS))
def test_base58_is_one_to_one(text):
    assert encode_base58(decode_base58(text)) == text


@given(st.integers(0, 2048), st.sampled_from(BASE58_ALPHABET[1:]), st.randoms())
@example(2048, "z", random.Random(1))
@example(2000, "z", random.Random(1))
def test_base58_is_the_number_whatever_its_length(length, first, rng):
    text = (first + "".join(rng.choices(BASE58_ALPHABET, k=length)))[:length]
    number = 0
    for character in text:
        number = number * 58 + BASE58_ALPHABET.index(character)
    assert int.from_bytes(decode_base58(text, max_length=2048), "big") == number


def test_base58_known_values():
    # draft-msporny-base58, section 5
    assert encode_base58(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert encode_base58(bytes.fromhex("0000287fb4cd")) == "11233QC4"
    assert decode_base58("") == b""


def test_base58_is_capped_before_it_is_read():
    for length in (MAX_BASE58_DIGITS + 1, 10_000_000):
        with pytest.raises(FormatError, match="more than 128"):
            decode_base58("2" * length)
        with pytest.raises(FormatError, match="more than 128"):
            decode_base58("0" * length)  # which is no digit, had anybody looked
    with pytest.raises(FormatError, match="not a base58 character"):
        decode_base58("0" * MAX_BASE58_DIGITS)
