"""The examples printed in the specification are what the code gives."""

import json
from hashlib import sha256
from pathlib import Path

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode, parse, parse_canonical
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.multikey import decode_base58, verification_method
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof, verify_proof

SPEC = Path(__file__).resolve().parents[2] / "spec"


def blocks(chapter):
    """Return the text of the fenced blocks of a chapter."""
    return [part.strip("\n") for part in (SPEC / chapter).read_text("utf-8").split("```")[1::2]]


def test_digest_chapter():
    empty, multibase = blocks("01-digest.md")
    assert empty == str(Digest.of(b""))
    root = "c9e8446d0115e411659fe50f8372e33b66a311838c0d69a14134e5c8259aca64"
    assert root in (SPEC / "01-digest.md").read_text("utf-8")
    assert multibase == Digest.parse_hex(root).multibase


def test_canonical_json_chapter():
    text, canonical, data = blocks("02-canonical-json.md")
    assert encode(parse(text.encode())) == canonical.encode() == bytes.fromhex(data)


def test_keys_and_proofs_chapter():
    text = (SPEC / "03-keys-and-proofs.md").read_text("utf-8")
    small, spellings, document, options, signature, stored = blocks("03-keys-and-proofs.md")

    bad = json.loads((SPEC / "vectors/ed25519/bad-keys.json").read_text("ascii"))["cases"]
    listed = {
        (int.from_bytes(bytes.fromhex(case["publicKey"]), "little") & (1 << 255) - 1)
        .to_bytes(32, "little")
        .hex()
        for case in bad
        if case["id"].startswith("small-order")
    }
    assert set(small.split()) == listed

    zero = PrivateKey.from_seed(bytes(32)).public
    assert zero.raw.hex() in spellings
    assert spellings.endswith(verification_method(zero))

    signer = KeySigner(PrivateKey.from_seed(bytes.fromhex(text.split("key of seed `")[1][:64])))
    secured = add_proof(parse_canonical(document.encode()), signer)
    assert encode(secured) == stored.encode()
    verified = verify_proof(parse_canonical(stored.encode()))
    assert encode(verified.options) == options.encode()
    assert sha256(document.encode()).hexdigest() in text
    assert sha256(options.encode()).hexdigest() in text
    assert signature.split() == [
        decode_base58(secured["proof"]["proofValue"][1:]).hex(),
        secured["proof"]["proofValue"],
    ]
