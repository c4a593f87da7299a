"""eddsa-jcs-2022: the W3C example byte for byte, and every way to cheat we know."""

import copy
import json
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    VerificationError,
)
from lyrikstore.canon.json import encode, parse
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.multikey import decode_base58, encode_base58
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof, signed_bytes, verify_proof
from lyrikstore.testing.keys import TestIssuer, key_for, signer_for
from lyrikstore.w3c.proofs.proof_set import verify_proofs
from tests.sweep import examples

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors"
GOOD = json.loads((VECTORS / "proofs/good.json").read_text("ascii"))["cases"]
BAD = json.loads((VECTORS / "proofs/bad.json").read_text("ascii"))["cases"]
CREATED = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def named(case):
    return case["id"]


@pytest.mark.parametrize("case", GOOD, ids=named)
def test_good_proofs(case):
    document = case["document"]
    before = copy.deepcopy(document)
    if case["profile"] == "lyrik":
        verified = verify_proof(document)
        created, without = verified.created, verified.document_without_proof
    else:
        whole = verify_proofs(document, at=CREATED)
        (verified,) = whole.proofs
        created, without = verified.options["created"], whole.document
    key = PrivateKey.from_seed(bytes.fromhex(case["seed"]))
    assert without == case["verifiedDocument"]
    assert verified.key == key.public
    assert verified.verification_method == document["proof"]["verificationMethod"]
    assert created == document["proof"].get("created")
    assert "proofValue" not in verified.options
    assert document == before
    # Each step by itself, as the specification prints it.
    assert sha256(encode(verified.options)).hexdigest() == case["proofHash"]
    assert sha256(encode(case["verifiedDocument"])).hexdigest() == case["documentHash"]
    message = bytes.fromhex(case["proofHash"] + case["documentHash"])
    assert signed_bytes(case["verifiedDocument"], verified.options) == message
    assert key.sign(message).hex() == case["signature"]
    assert "z" + encode_base58(key.sign(message)) == document["proof"]["proofValue"]


@pytest.mark.parametrize("case", [c for c in GOOD if c["profile"] == "w3c"], ids=named)
def test_the_lyrik_profile_is_stricter(case):
    with pytest.raises(VerificationError) as caught:
        verify_proof(case["document"])
    assert caught.value.kind == "bad-proof"


@pytest.mark.parametrize("case", BAD, ids=named)
def test_bad_proofs(case):
    with pytest.raises(LyrikstoreError) as caught:
        verify_proof(case["document"])
    assert caught.value.kind == case["kind"]
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


LENIENT = {"unknown-member", "created-no-zone", "proof-list", "proof-twice"}


@pytest.mark.parametrize("case", BAD, ids=named)
def test_bad_proofs_in_the_w3c_profile(case):
    if case["id"] in LENIENT:
        verify_proofs(case["document"], at=CREATED)
        return
    with pytest.raises(LyrikstoreError):
        verify_proofs(case["document"], at=CREATED)


@pytest.mark.parametrize(
    "text",
    [
        '{"issuer":"a","issuer":"b","proof":{}}',
        '{"a":9007199254740993,"proof":{}}',
        '{"a":NaN,"proof":{}}',
        '{"a":"\\ud800","proof":{}}',
        '{"a":1,"proof":{},"proof":{}}',
        '\ufeff{"a":1,"proof":{}}',
        '{"a":1,"proof":{}} ',
        '{"a":1,"proof":{}}{}',
        '{"a":' + "[" * 20_000 + "]" * 20_000 + "}",
    ],
)
def test_texts_that_two_parsers_read_differently_never_reach_the_proof(text):
    if text.endswith(" "):
        parse(text.encode())  # white space is no attack; canonical bytes are demanded elsewhere
        return
    with pytest.raises(FormatError):
        parse(text.encode())


def test_unparsable_values_built_in_memory_do_not_verify():
    good = GOOD[1]["document"]
    for value in (float("nan"), 2**53 + 1, "\ud800", b"x", object()):
        with pytest.raises(FormatError):
            verify_proof({**good, "x": value})


def test_document_and_proof_share_no_list():
    context = ["https://www.w3.org/ns/credentials/v2"]
    secured = add_proof({"@context": context}, signer_for("a"))
    secured["@context"].append("x:y")
    assert secured["proof"]["@context"] == ["https://www.w3.org/ns/credentials/v2"]


def test_manifest_proofs_repeat():
    document = {"lyrikstore": 1, "kind": "dataset"}
    first = add_proof(document, signer_for("a"))
    assert encode(first) == encode(add_proof(document, signer_for("a")))
    assert set(first["proof"]) == {
        "type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"
    }  # fmt: skip
    assert document == {"lyrikstore": 1, "kind": "dataset"}


def test_purpose():
    document = add_proof({"a": 1}, signer_for("a"), purpose="authentication")
    assert verify_proof(document, purpose="authentication").document_without_proof == {"a": 1}
    with pytest.raises(VerificationError):
        verify_proof(document)


def test_a_second_proof_is_refused():
    document = add_proof({"a": 1}, signer_for("a"))
    with pytest.raises(InvalidInputError):
        add_proof(document, signer_for("a"))


def test_a_lying_signer_is_caught():
    class Lying(KeySigner):
        def sign(self, message):
            return key_for("somebody else").sign(message)

    class Broken(KeySigner):
        def sign(self, message):
            return b""

    for signer in (Lying(key_for("a")), Broken(key_for("a"))):
        with pytest.raises(VerificationError):
            add_proof({"a": 1}, signer)


def test_resolver_is_asked_for_other_methods():
    document = copy.deepcopy(GOOD[0]["verifiedDocument"])
    signer = signer_for("a")
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": "did:web:example.org#key-1",
        "proofPurpose": "assertionMethod",
    }
    signature = signer.sign(signed_bytes(document, options))
    document["proof"] = {**options, "proofValue": "z" + encode_base58(signature)}
    asked = []

    def resolve(method):
        asked.append(method)
        return signer.public

    assert verify_proof(document, resolve=resolve).key == signer.public
    assert asked == ["did:web:example.org#key-1"]
    with pytest.raises(LyrikstoreError) as caught:
        verify_proof(document)
    assert caught.value.kind == "bad-key"


def test_issuer_for_tests():
    issuer = TestIssuer("acme")
    data = issuer.issue({"a": 1})
    assert data == issuer.issue({"a": 1})
    verified = verify_proof(parse(data))
    assert verified.created == "2026-11-24T12:00:00Z"
    assert verified.key == issuer.public
    assert issuer.did in verified.verification_method
    assert verify_proof(issuer.secure({"a": 1}, created=CREATED)).created == "2026-11-24T12:00:00Z"


leaves = st.one_of(st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=6))
documents = st.dictionaries(
    st.text(max_size=6).filter(lambda name: name not in {"proof", "@context"}),
    st.recursive(leaves, lambda inner: st.lists(inner, max_size=3), max_leaves=6),
    max_size=4,
)


@given(documents, st.booleans(), st.sampled_from([None, CREATED]))
def test_round_trip(document, with_context, created):
    if with_context:
        document = {**document, "@context": ["https://www.w3.org/ns/credentials/v2"]}
    secured = add_proof(document, signer_for("a"), created=created)
    verified = verify_proof(parse(encode(secured)))
    assert encode(verified.document_without_proof) == encode(document)
    assert verified.key == key_for("a").public
    whole = verify_proofs(secured, at=CREATED)
    assert (whole.document, whole.proofs[0].key) == (verified.document_without_proof, verified.key)


def accepted_as(data):
    """Return the canonical bytes of what ``data`` verifies as, or ``None``."""
    try:
        return encode(verify_proof(parse(data)).document_without_proof)
    except LyrikstoreError:
        return None


def test_any_flipped_bit_of_the_bytes_is_noticed():
    # Every bit of a whole secured document, proof included: about 7,000 mutants.
    document = GOOD[1]["verifiedDocument"]
    data = encode(GOOD[1]["document"])
    assert accepted_as(data) == encode(document)
    for place in range(len(data)):
        for bit in range(8):
            mutant = bytearray(data)
            mutant[place] ^= 1 << bit
            assert accepted_as(bytes(mutant)) is None, (place, bit)


def test_any_lost_or_doubled_byte_is_noticed():
    data = encode(GOOD[2]["document"])
    assert accepted_as(data)
    for place in range(len(data)):
        assert accepted_as(data[:place] + data[place + 1 :]) is None, place
        assert accepted_as(data[:place]) is None, place
        doubled = data[: place + 1] + data[place:]
        assert accepted_as(doubled) is None, place


@settings(max_examples=examples(200))
@given(documents, st.data())
def test_any_changed_member_is_noticed(document, data):
    secured = add_proof(document, signer_for("a"), created=CREATED)
    changed = copy.deepcopy(secured)
    where = data.draw(st.sampled_from(["document", "proof"]))
    target = changed if where == "document" else changed["proof"]
    name = data.draw(st.one_of(st.sampled_from(sorted(target)), st.text(max_size=6)))
    if name in target and data.draw(st.booleans()):
        del target[name]
    else:
        target[name] = data.draw(leaves)
    if encode(changed) == encode(secured):
        return
    with pytest.raises(LyrikstoreError):
        verify_proof(changed)


anything = st.recursive(
    st.one_of(leaves, st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(anything)
def test_any_proof_value_gives_an_error_not_a_crash(proof):
    for verify in (verify_proof, partial(verify_proofs, at=CREATED)):
        with pytest.raises(LyrikstoreError):
            verify({"a": 1, "proof": proof})


@given(st.text(max_size=100))
def test_any_proof_text_gives_an_error_not_a_crash(text):
    good = GOOD[1]["document"]
    for name in ("proofValue", "verificationMethod", "created", "type"):
        if good["proof"][name] != text:
            with pytest.raises(LyrikstoreError):
                verify_proof({**good, "proof": {**good["proof"], name: text}})


def test_signature_length():
    assert all(len(decode_base58(c["document"]["proof"]["proofValue"][1:])) == 64 for c in GOOD)
