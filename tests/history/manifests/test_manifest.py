"""Manifests: every kind round-trips, and every changed byte is refused."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_manifests as EXAMPLE  # noqa: N812
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError, VerificationError
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.multikey import verification_method
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Input, Manifest, parse_manifest, sign_manifest
from manifests_of_version_2 import EXAMPLES_2

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors"

SIGNER, STORE, A, B, C = EXAMPLE.SIGNER, EXAMPLE.STORE, EXAMPLE.A, EXAMPLE.B, EXAMPLE.C
POLICY, DATASET, DERIVED = EXAMPLE.POLICY, EXAMPLE.DATASET, EXAMPLE.DERIVED
NEWER = (
    *("approval", "decision", "delivery", "deployment", "prediction", "queue"),
    *("reproduction", "request", "review", "rules", "submission", "timestamp"),
    *("waiver", "withdrawal"),
)
EXAMPLES = {**EXAMPLE.EXAMPLES, **{one: EXAMPLES_2[one] for one in NEWER}}
resigned = EXAMPLE.resigned
OTHER = KeySigner(PrivateKey.from_seed(bytes(32)))
CREATED = datetime(2026, 11, 24, 14, 12, 39, 999, tzinfo=UTC)
VALUE = {"state": "value", "basis": "measured"}


def make(kind: str, signer: KeySigner = SIGNER, **changes) -> Manifest:
    arguments = {"store": STORE, "message": "why", **EXAMPLES[kind], **changes}
    return sign_manifest(kind=kind, signer=signer, created=CREATED, **arguments)


def test_every_kind_has_an_example():
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind):
    manifest = make(kind)
    assert parse_manifest(manifest.encode()) == manifest
    assert manifest.id == Digest.of(manifest.encode())
    assert manifest.author == SIGNER.did
    assert manifest.created == "2026-11-24T14:12:39Z"
    assert make(kind) == manifest  # signing again gives the same bytes
    assert make(kind, signer=OTHER).id != manifest.id
    hash(manifest)


def test_a_derived_dataset():
    inputs = [Input("source", "dataset", A), Input("filter", "filter", B)]
    manifest = make("dataset", body=DERIVED, inputs=inputs)
    assert manifest.inputs_in("filter") == (inputs[1],)
    assert manifest.attachments_in("decisions") == ()


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_byte_is_refused(kind):
    # All bytes of three kinds, every seventh of the others, which differ in the body only.
    data = make(kind).encode()
    step = 1 if kind in {"dataset", "genesis", "records"} else 7
    for position in range(0, len(data), step):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises(LyrikstoreError) as caught:
            parse_manifest(bytes(changed))
        assert "\n" not in caught.value.message


@given(st.data())
def test_any_edit_is_refused(data):
    original = make("dataset").encode()
    start = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(start, min(len(original), start + 40)))
    changed = original[:start] + data.draw(st.binary(max_size=40)) + original[end:]
    if changed != original:
        with pytest.raises(LyrikstoreError):
            parse_manifest(changed)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "filter"},  # A17
        {"kind": "blob"},
        {"kind": "records", "name": "records/acme/licences"},
        {"lyrikstore": 2},
        {"lyrikstore": 0},
        {"lyrikstore": True},
        {"lyrikstore": "1"},
        {"store": None},
        {"store": A.hex},
        {"store": str(A)[:20]},
        {"name": "acme/licences"},
        {"name": "filters/acme/licences"},
        {"name": "datasets/acme/licences~1"},
        {"parents": None},
        {"parents": str(A)},
        {"parents": [str(A), str(A)]},
        {"parents": [str(A) + "\n"]},
        {"inputs": [{"role": "source", "kind": "dataset", "id": str(A)}]},
        {"inputs": [{"role": "source", "kind": "dataset", "id": str(A), "note": "x"}]},
        {"tree": None},
        {"files": None},
        {"tree": None, "files": None},
        {"body": {}},
        {"body": {**DATASET, "extra": 1}},
        {"body": {**DATASET, "records": "2"}},
        {"body": {**DATASET, "records": -1}},
        {"body": {**DATASET, "origin": "filtered"}},
        {"body": {**DATASET, "reader": "document"}},
        {"body": {**DATASET, "descriptor": {"a": {"state": "value", "value": 1}}}},
        {"body": {**DATASET, "descriptor": {"a": {"state": "unknown"}}}},
        {"body": {**DATASET, "descriptor": {"a": {"state": "unknown", "reason": "x", "value": 1}}}},
        {"author": "did:web:example.org"},
        {"author": "z6Mk"},
        {"created": "2026-11-24"},
        {"created": "2026-02-30T00:00:00Z"},
        {"created": "2026-11-24T14:12:39Z\n"},
        {"message": None},
        {"message": 1},
        {"attachments": None},
        {"attachments": [{"role": "x", "id": str(A), "bytes": 1}] * 2},
        {"attachments": [{"role": "x", "id": str(A), "bytes": -1}]},
        {"attachments": [{"role": "X", "id": str(A), "bytes": 1}]},
        {"surprise": "member"},
    ],
    ids=range(43),
)
def test_a_good_signature_does_not_make_a_manifest(changes):
    with pytest.raises(FormatError) as caught:
        parse_manifest(resigned(make("dataset"), **changes))
    assert "\n" not in caught.value.message


def test_genesis_rules():
    genesis = make("genesis")
    for changes in (
        {"store": str(A)},
        {"name": "policies/store/other"},
        {"parents": [str(A)]},
        {"body": {**genesis.body, "nonce": "00"}},
        {"body": {**genesis.body, "policy": {**POLICY, "version": 2}}},
        {"body": {**genesis.body, "policy": {**POLICY, "roles": {}}}},
        {"body": {**genesis.body, "policy": {**POLICY, "logs": []}}},
    ):
        with pytest.raises(FormatError):
            parse_manifest(resigned(genesis, **changes))


def test_attachments_that_a_kind_needs():
    for attachments in ([], [{"role": "salts", "id": str(x), "bytes": 16} for x in (A, B)]):
        with pytest.raises(FormatError):
            parse_manifest(resigned(make("records"), attachments=attachments))


def test_counts_must_add_up():
    inputs = [Input("source", "dataset", A), Input("filter", "filter", B)]
    counts = {**DERIVED["derivation"]["counts"], "kept": 3}
    body = {**DERIVED, "derivation": {**DERIVED["derivation"], "counts": counts}}
    with pytest.raises(FormatError, match="add up"):
        make("dataset", body=body, inputs=inputs)


def test_a_newer_format_says_upgrade():
    with pytest.raises(FormatError) as caught:
        parse_manifest(resigned(make("dataset"), lyrikstore=3))
    assert caught.value.kind == "newer-format"
    assert "upgrade" in caught.value.hint


def test_signed_by_somebody_else():
    with pytest.raises(VerificationError) as caught:
        parse_manifest(resigned(make("dataset"), signer=OTHER))
    assert caught.value.kind == "wrong-author"


def test_proof_of_another_manifest():
    document = parse(make("dataset").encode())
    document["proof"] = parse(make("dataset", message="other").encode())["proof"]
    with pytest.raises(VerificationError) as caught:
        parse_manifest(encode(document))
    assert caught.value.kind == "bad-signature"


def test_exactly_one_proof_without_optional_members():
    document = parse(make("dataset").encode())
    proof = document.pop("proof")
    dated = add_proof(document, SIGNER, created=CREATED)
    purpose = add_proof(document, SIGNER, purpose="authentication")
    for wrong in (
        dated,
        purpose,
        document,
        {**document, "proof": [proof]},
        {**document, "proof": [proof, proof]},
        {**document, "proof": {**proof, "created": "2026-11-24T14:12:39Z"}},
        {**document, "proof": {**proof, "cryptosuite": "eddsa-rdfc-2022"}},
        {**document, "proof": {**proof, "verificationMethod": verification_method(OTHER.public)}},
        {**document, "proof": {k: v for k, v in proof.items() if k != "type"}},
    ):
        with pytest.raises((FormatError, VerificationError)):
            parse_manifest(encode(wrong))


def test_bytes_must_be_canonical():
    data = make("dataset").encode()
    for changed in (
        data + b"\n",
        b" " + data,
        data.replace(b'"kind"', b'"\\u006bind"'),
        data.replace(b'"message":"why"', b'"message":"why","message":"why"'),
        data.replace(b'"records":2', b'"records":2.0'),
        b"\xef\xbb\xbf" + data,
    ):
        assert changed != data
        with pytest.raises(FormatError):
            parse_manifest(changed)
    for other in (b"", b"[]", b"1", b'"x"', b"{}", b"{" * 100_000, b"x" * (MAX_JSON_BYTES + 1)):
        with pytest.raises(FormatError):
            parse_manifest(other)


@pytest.mark.parametrize(
    "changes",
    [
        {"body": {**DATASET, "descriptor": {"x": {**VALUE, "value": 0.5}}}},
        {"body": {**DATASET, "descriptor": {"x": {**VALUE, "value": None}}}},
        {"body": {**DATASET, "descriptor": {"x": {**VALUE, "value": (1,)}}}},
        {"body": {**DATASET, "records": 2**53}},
        {"message": "\ud800"},
        {"message": "x" * 70_000},
        {"tree": None},
        {"name": "acme/licences"},
        {"store": None},
        {"inputs": [Input("source", "dataset", A)]},
    ],
    ids=range(10),
)
def test_what_would_not_parse_is_never_signed(changes):
    class Counting(KeySigner):
        signed = 0

        def sign(self, message):
            Counting.signed += 1
            return super().sign(message)

    with pytest.raises(FormatError):
        make("dataset", signer=Counting(SIGNER.private), **changes)
    assert Counting.signed == 0


def test_created_is_written_in_utc():
    east = timezone(timedelta(hours=13))
    arguments = {"store": STORE, "signer": SIGNER, **EXAMPLES["filter"]}
    manifest = sign_manifest(kind="filter", created=CREATED.astimezone(east), **arguments)
    assert manifest.created == "2026-11-24T14:12:39Z"
