"""The order root: position, order, count and salts all matter."""

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, VerificationError
from lyrikstore.history.log import merkle
from lyrikstore.history.records.order_root import (
    OrderRoot,
    document_id,
    leaf,
    make_salts,
    order_root,
    record_id,
    split_salts,
    verify_order_root,
)

RECORDS = [record_id("document/1", text) for text in (b"a", b"b", b"a", b"c", b"")]
SALTS = bytes(range(16 * len(RECORDS)))


def test_record_ids_name_their_reader():
    expected = blake3(b"a", derive_key_context="lyrikstore 2026-11 record id document/1").digest()
    assert record_id("document/1", b"a") == Digest(expected)
    assert record_id("jsonl/1", b"a") != record_id("document/1", b"a") != Digest.of(b"a")


def test_the_record_bytes_of_a_document_are_the_digest_of_its_file():
    blob = Digest.of(b"a")
    assert document_id(blob) == record_id("document/1", blob.raw) != blob


def test_root_is_the_rfc_tree_over_salt_and_id():
    hashes = [
        merkle.leaf_hash(SALTS[16 * i : 16 * i + 16] + record.raw)
        for i, record in enumerate(RECORDS)
    ]
    assert order_root(iter(RECORDS), SALTS) == OrderRoot(merkle.root(hashes).hex(), len(RECORDS))
    assert order_root([], b"") == OrderRoot(merkle.EMPTY_ROOT.hex(), 0)


def test_membership_is_proved_without_the_other_records():
    hashes = [merkle.leaf_hash(leaf(SALTS, i, record)) for i, record in enumerate(RECORDS)]
    proof = merkle.inclusion_proof(hashes, 3)
    top = bytes.fromhex(order_root(RECORDS, SALTS).root)
    merkle.verify_inclusion(merkle.leaf_hash(leaf(SALTS, 3, RECORDS[3])), 3, 5, proof, top)
    with pytest.raises(VerificationError):
        merkle.verify_inclusion(merkle.leaf_hash(leaf(SALTS, 3, RECORDS[1])), 3, 5, proof, top)


@pytest.mark.parametrize(
    "records",
    [
        RECORDS[:-1],
        [*RECORDS, RECORDS[0]],
        [RECORDS[1], RECORDS[0], *RECORDS[2:]],
        [RECORDS[3]] * 5,
    ],
)
def test_other_records_are_noticed(records):
    expected = order_root(RECORDS, SALTS)
    verify_order_root(RECORDS, SALTS, expected)
    with pytest.raises((VerificationError, FormatError)):
        verify_order_root(records, SALTS, expected)
    with pytest.raises(VerificationError):
        verify_order_root(records, bytes(16 * len(records)), expected)


def test_every_flipped_salt_byte_is_noticed():
    expected = order_root(RECORDS, SALTS)
    for position in range(len(SALTS)):
        changed = bytearray(SALTS)
        changed[position] ^= 1
        with pytest.raises(VerificationError):
            verify_order_root(RECORDS, bytes(changed), expected)


@pytest.mark.parametrize("salts", [SALTS[:-1], SALTS[:-16], SALTS + b"x", SALTS + bytes(16), b""])
def test_salts_must_fit_exactly(salts):
    with pytest.raises(FormatError):
        order_root(RECORDS, salts)


@given(st.lists(st.integers(0, 4), max_size=12), st.lists(st.integers(0, 4), max_size=12))
def test_salts_are_carried_forward_per_occurrence(old, new):
    ids = [record_id("document/1", bytes([i])) for i in range(5)]
    before = list(
        zip([ids[i] for i in old], split_salts(make_salts(ids[i] for i in old)), strict=True)
    )
    after = list(split_salts(make_salts((ids[i] for i in new), before)))
    for record in set(new):
        was = [salt for i, (_, salt) in zip(old, before, strict=True) if i == record]
        now = [salt for i, salt in zip(new, after, strict=True) if i == record]
        assert now[: len(was)] == was[: len(now)]
    assert len(set(after)) == len(after)


def test_broken_salts_blob():
    with pytest.raises(FormatError):
        list(split_salts(b"x" * 17))
    with pytest.raises(FormatError):
        leaf(SALTS, -1, RECORDS[0])
