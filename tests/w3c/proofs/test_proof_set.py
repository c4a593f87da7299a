"""Proof sets and chains: every case of the vectors, and what no byte may change."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    VerificationError,
)
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.limits import MAX_PROOFS
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.testing.keys import signer_for
from lyrikstore.w3c.problems import SECURITY, problem_type
from lyrikstore.w3c.proofs.proof_set import add_proof, verify_proofs

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors"
CASES = json.loads((VECTORS / "proof-sets/jcs.json").read_text("ascii"))["cases"]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DOCUMENT = {"@context": ["https://www.w3.org/ns/credentials/v2"], "name": "Zürich"}


def judge_or_raise(case):
    demands = {name: case[name] for name in ("purpose", "domain", "challenge") if name in case}
    return verify_proofs(case["document"], at=parse_timestamp(case["at"]), **demands)


def judge(case):
    """Return ``verifies``, or the error's kind."""
    try:
        verified = judge_or_raise(case)
    except LyrikstoreError as error:
        return error.kind
    assert "proof" not in verified.document
    return "verifies"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_cases(case):
    before = copy.deepcopy(case["document"])
    assert judge(case) == case["outcome"]
    assert case["document"] == before


def test_messages_show_no_more_than_a_line():
    for case in CASES:
        if case["outcome"] != "verifies":
            with pytest.raises(LyrikstoreError) as caught:
                judge_or_raise(case)
            assert caught.value.message.isprintable()
            assert len(caught.value.message) < 400
            assert problem_type(caught.value).startswith(SECURITY)


def test_the_vectors_reach_every_kind():
    assert {case["outcome"] for case in CASES} == {
        "verifies", "bad-proof", "bad-signature", "bad-chain", "bad-domain", "bad-challenge",
        "proof-expired", "proof-not-yet", "unknown-suite",
    }  # fmt: skip


def test_what_a_set_establishes():
    (case,) = [case for case in CASES if case["id"] == "chain"]
    verified = verify_proofs(case["document"], at=NOW)
    assert [proof.key for proof in verified.proofs] == [
        signer_for(name).public for name in ("publisher", "auditor", "lawyer")
    ]
    assert {proof.suite for proof in verified.proofs} == {"eddsa-jcs-2022"}
    assert {proof.created for proof in verified.proofs} == {NOW}
    assert [proof.options for proof in verified.proofs] == [
        {name: value for name, value in proof.items() if name != "proofValue"}
        for proof in case["document"]["proof"]
    ]


def test_the_resolver_gets_the_purpose():
    asked = []

    def resolve(method, purpose):
        asked.append((method, purpose))
        return signer_for("a").public

    secured = add_proof(
        DOCUMENT, signer_for("a"), purpose="authentication", method="did:web:example.org#key-1"
    )
    verified = verify_proofs(secured, at=NOW, purpose="authentication", resolve=resolve)
    assert verified.document == DOCUMENT
    assert asked == [("did:web:example.org#key-1", "authentication")]


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"suite": "eddsa-2022"}, "unknown-suite"),
        ({"previous": "urn:uuid:1"}, "bad-chain"),
        ({"previous": []}, "bad-chain"),
        ({"proof_id": ""}, "bad-proof"),
        ({"domain": ""}, "bad-proof"),
        ({"challenge": ""}, "bad-proof"),
        ({"created": NOW, "expires": NOW}, "proof-expired"),
        ({"created": NOW.replace(tzinfo=None)}, "naive-time"),
    ],
)
def test_what_no_verifier_would_take_is_not_made(options, kind):
    with pytest.raises(InvalidInputError) as caught:
        add_proof(DOCUMENT, signer_for("a"), **options)
    assert caught.value.kind == kind
    assert problem_type(caught.value) == (
        f"{SECURITY}PROOF_TRANSFORMATION_ERROR"
        if kind == "unknown-suite"
        else f"{SECURITY}PROOF_GENERATION_ERROR"
    )


def test_proofs_already_there_are_checked_and_counted():
    for wrong in ("z", [], [None], [{}] * (MAX_PROOFS + 1)):
        with pytest.raises(InvalidInputError):
            add_proof({**DOCUMENT, "proof": wrong}, signer_for("a"))


def test_problem_types():
    names = {
        FormatError("bad-json", ""): "PARSING_ERROR",
        VerificationError("bad-signature", ""): "PROOF_VERIFICATION_ERROR",
        VerificationError("bad-domain", ""): "INVALID_DOMAIN_ERROR",
        VerificationError("bad-challenge", ""): "INVALID_CHALLENGE_ERROR",
        VerificationError("bad-rdf", ""): "PROOF_TRANSFORMATION_ERROR",
    }
    for error, name in names.items():
        assert problem_type(error) == f"https://w3id.org/security#{name}"


texts = st.text(min_size=1, max_size=8)
chains = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.none() | texts | st.lists(texts, min_size=1, max_size=3),
        st.none() | texts,
        st.integers(0, 7),
    ),
    min_size=1,
    max_size=5,
)


@given(st.dictionaries(texts.filter(lambda name: name != "proof"), texts, max_size=3), chains)
def test_round_trip(document, links):
    secured = document
    for number, (name, domain, challenge, mask) in enumerate(links):
        previous = [f"urn:{earlier}" for earlier in range(number) if mask >> earlier & 1]
        secured = add_proof(
            secured,
            signer_for(name),
            proof_id=f"urn:{number}",
            created=NOW,
            domain=domain,
            challenge=challenge,
            previous=previous or None,
        )
    verified = verify_proofs(parse(encode(secured)), at=NOW)
    assert verified.document == document
    assert [proof.key for proof in verified.proofs] == [signer_for(n).public for n, *_ in links]


def test_any_flipped_bit_of_a_chain_is_noticed():
    document = add_proof(DOCUMENT, signer_for("a"), created=NOW, proof_id="urn:1", domain="x")
    document = add_proof(document, signer_for("b"), created=NOW, previous="urn:1")
    data = encode(document)
    for place in range(len(data)):
        for bit in range(8):
            mutant = bytearray(data)
            mutant[place] ^= 1 << bit
            try:
                verify_proofs(parse(bytes(mutant), floats=True, nulls=True), at=NOW)
            except LyrikstoreError:
                continue
            raise AssertionError((place, bit))
