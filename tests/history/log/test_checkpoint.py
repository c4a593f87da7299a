"""Leaves, log checkpoints and proof files: vectors, strictness, mutations."""

import json
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import (
    ENTRY_TYPES,
    Leaf,
    LogCheckpoint,
    TlogProof,
    open_checkpoint,
)
from lyrikstore.history.log.note import VerifierKey, sign_note
from tests.kinds import refused

SIGNER = KeySigner(PrivateKey.from_seed(b"\x07" * 32))
ORIGIN = "example.org/lyrik/log1"
KEY = VerifierKey(ORIGIN, SIGNER.public)

digests = st.binary(min_size=32, max_size=32).map(Digest)
leaves = st.builds(Leaf, st.sampled_from(ENTRY_TYPES), digests)


def proof_of(items: list[Leaf], index: int) -> TlogProof:
    hashes = [leaf.hash for leaf in items]
    head = LogCheckpoint(ORIGIN, len(items), merkle.root(hashes))
    return TlogProof(index, tuple(merkle.inclusion_proof(hashes, index)), head.sign(SIGNER))


ITEMS = [Leaf(ENTRY_TYPES[i % 3], Digest.of(str(i).encode())) for i in range(13)]


def test_vector_root_of_1000_entries():
    entries = [
        json.dumps({"i": i, "obj": sha256(str(i).encode()).hexdigest()}).encode()
        for i in range(1000)
    ]
    root = merkle.root([merkle.leaf_hash(entry) for entry in entries])
    assert b64encode(root).decode() == "GhsiGwv+S6UHhIWnhmdlauIAJag4KgddGhmpCzB5yts="


@given(leaves)
def test_leaf_round_trip(leaf):
    assert Leaf.parse(leaf.encode()) == leaf
    assert leaf.hash == sha256(b"\0" + leaf.encode()).digest()


def test_leaf_bytes():
    leaf = Leaf("manifest", Digest(b"\xab" * 32))
    assert leaf.encode() == (b'{"id":"blake3:' + b"ab" * 32 + b'","type":"manifest","v":1}')


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d | {"v": 2},
        lambda d: d | {"v": True},
        lambda d: d | {"type": "policy"},
        lambda d: d | {"id": "00"},
        lambda d: d | {"path": "secret.txt"},
        lambda d: {"id": d["id"], "type": d["type"]},
        lambda d: [d],
    ],
)
def test_bad_leaves(change):
    document = change(json.loads(ITEMS[0].encode()))
    with pytest.raises(FormatError):
        Leaf.parse(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


def test_leaf_must_be_canonical():
    with pytest.raises(FormatError):
        Leaf.parse(b" " + ITEMS[0].encode())


@given(st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_checkpoint_round_trip(size, root):
    head = LogCheckpoint(ORIGIN, size, root)
    assert LogCheckpoint.parse(head.text) == head
    assert open_checkpoint(head.sign(SIGNER), [KEY]).head == head


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n01\n" + b64encode(b"\0" * 32).decode() + "\n",
        "a\n-1\n" + b64encode(b"\0" * 32).decode() + "\n",
        "a\n1\n" + b64encode(b"\0" * 31).decode() + "\n",
        "a\n1\n" + b64encode(b"\0" * 32).decode(),
        "a\n1\n" + b64encode(b"\0" * 32).decode() + "\nextension\n",
        "a b\n1\n" + b64encode(b"\0" * 32).decode() + "\n",
        "a\n9007199254740993\n" + b64encode(b"\0" * 32).decode() + "\n",
        "a\n1\n" + b64encode(b"\0" * 32).decode().replace("A=", "B=") + "\n",
    ],
)
def test_bad_checkpoints(text):
    with pytest.raises(FormatError):
        LogCheckpoint.parse(text)


def test_impossible_heads():
    with pytest.raises(FormatError):
        LogCheckpoint(ORIGIN, -1, b"\0" * 32)
    with pytest.raises(FormatError):
        LogCheckpoint(ORIGIN, 1, b"\0")
    with pytest.raises(InvalidInputError):
        LogCheckpoint("a b", 1, b"\0" * 32)


def test_key_of_one_log_does_not_speak_for_another():
    # The key signs honestly as itself, but the text claims another log (A37).
    text = LogCheckpoint("example.org/victim", 3, b"\1" * 32).text
    note = sign_note(text, ORIGIN, SIGNER)
    with pytest.raises(VerificationError):
        open_checkpoint(note, [KEY])
    with pytest.raises(VerificationError):
        open_checkpoint(note, [VerifierKey("example.org/victim", SIGNER.public)])


@pytest.mark.parametrize("index", range(13))
def test_proof_round_trip_and_verify(index):
    proof = proof_of(ITEMS, index)
    assert TlogProof.parse(proof.encode()) == proof
    assert proof.verify(ITEMS[index], [KEY]).size == 13
    for other in range(13):
        if other != index:
            with pytest.raises(VerificationError):
                proof.verify(ITEMS[other], [KEY])


def test_proof_of_a_log_with_one_entry():
    proof = proof_of(ITEMS[:1], 0)
    assert proof.hashes == ()
    assert TlogProof.parse(proof.encode()).verify(ITEMS[0], [KEY]).size == 1


def test_every_flipped_bit_of_a_proof_is_refused():
    data = proof_of(ITEMS, 5).encode()
    for position in range(len(data)):
        for bit in (0, 2, 7):
            broken = bytearray(data)
            broken[position] ^= 1 << bit
            with pytest.raises((FormatError, VerificationError)):
                TlogProof.parse(bytes(broken)).verify(ITEMS[5], [KEY])


def test_extra_data_is_skipped():
    data = proof_of(ITEMS, 5).encode()
    extra = data.replace(b"@v1\n", b"@v1\nextra YWdl\n", 1)
    assert TlogProof.parse(extra) == TlogProof.parse(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"@v1\n", b"@v2\n"),
        (b"index 5\n", b""),
        (b"index 5\n", b"index 05\n"),
        (b"index 5\n", b"index -5\n"),
        (b"index 5\n", b"index 5\nindex 5\n"),
        (b"index 5\n", b"extra YWdl\nextra YWdl\nindex 5\n"),
        (b"@v1\n", b"@v1\nextra !\n"),
        (b"\n\n", b"\n"),
    ],
)
def test_bad_proof_files(old, new):
    data = proof_of(ITEMS, 5).encode()
    assert old in data
    with refused("bad-tlog-proof"):
        TlogProof.parse(data.replace(old, new))


def test_too_long_proofs():
    line = b64encode(b"\0" * 32) + b"\n"
    data = proof_of(ITEMS, 5).encode()
    with refused("bad-tlog-proof"):
        TlogProof.parse(data.replace(b"index 5\n", b"index 5\n" + line * 64))
    with refused("bad-tlog-proof"):
        TlogProof.parse(data + b"x" * (1 << 18))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_crash(data):
    with refused("bad-tlog-proof"):
        TlogProof.parse(b"c2sp.org/tlog-proof@v1\n" + data)
