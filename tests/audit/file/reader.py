"""A reader of audit files in a hundred lines, with nothing of lyrikstore: spec chapter 22 suffices.

It says `sound` of evidence whose log, manifests and lineage hold, `incomplete` where objects are
left out, and else raises `AssertionError` or what its libraries raise. It judges no trust, and no
credential beyond its digest.
"""

import base64
import gzip
import json
import re
from hashlib import sha256
from typing import Any

from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TYPES = {"m": "manifest", "c": "credential", "t": "transaction"}
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def evidence_in(page: bytes) -> bytes:
    """Return the evidence in a page."""
    [packed] = re.findall(rb'<script type="application/gzip" id="evidence">([^<]*)</script>', page)
    return gzip.decompress(base64.b64decode(packed, validate=True))


def read(data: bytes) -> str:
    """Return what this reader says of evidence."""
    found = json.loads(data)
    assert canonical(found) == data
    assert found["audit"] == 1
    leaves = found["leaves"]
    assert all(re.fullmatch(r"[mct][0-9a-f]{64}", leaf) for leaf in leaves)
    objects = {blake3(text.encode()).hexdigest(): text for text in found["objects"]}
    assert list(objects) == sorted(objects)
    assert len(objects) == len(found["objects"])
    assert objects.keys() <= {leaf[1:] for leaf in leaves}
    assert leaves[0] == "m" + found["store"].removeprefix("blake3:")
    manifests = {
        leaf[1:]: json.loads(objects[leaf[1:]])
        for leaf in leaves
        if leaf[0] == "m" and leaf[1:] in objects
    }
    for identity, manifest in manifests.items():
        check_signature(manifest)
        assert canonical(manifest).decode() == objects[identity]
    genesis = manifests[leaves[0][1:]]
    assert genesis["kind"] == "genesis"
    keys = list(genesis["body"]["policy"]["logs"])
    owners = genesis["body"]["policy"]["roles"]["owner"]["keys"]
    for manifest in manifests.values():
        if manifest["kind"] == "policy" and manifest["author"] in owners:
            keys = manifest["body"]["policy"]["logs"]
            owners = manifest["body"]["policy"]["roles"]["owner"]["keys"]
    hashes = [
        sha256(b"\0" + f'{{"id":"blake3:{leaf[1:]}","type":"{TYPES[leaf[0]]}","v":1}}'.encode())
        for leaf in leaves
    ]
    digests = [one.digest() for one in hashes]
    for note in (found["checkpoint"], found.get("since")):
        if note is not None:
            size, root = opened(note, keys)
            assert size == len(leaves) if note is found["checkpoint"] else size <= len(leaves)
            assert tree(digests[:size]) == root
    named = {
        one.removeprefix("blake3:")
        for manifest in manifests.values()
        for one in (*(item["id"] for item in manifest["inputs"]), *manifest["parents"])
    }
    assert named <= {leaf[1:] for leaf in leaves if leaf[0] == "m"}
    return "sound" if named <= manifests.keys() else "incomplete"


def canonical(value: Any) -> bytes:
    """Return canonical JSON of values without fractions, whose names are ASCII."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def check_signature(manifest: dict[str, Any]) -> None:
    """Check the proof of a manifest, `eddsa-jcs-2022`."""
    proof = dict(manifest["proof"])
    signature = base58(proof.pop("proofValue").removeprefix("z")).rjust(64, b"\0")
    unsigned = {name: value for name, value in manifest.items() if name != "proof"}
    assert proof["verificationMethod"].split("#")[0] == manifest["author"]
    key = base58(manifest["author"].removeprefix("did:key:z"))
    assert key[:2] == b"\xed\x01"
    message = sha256(canonical(proof)).digest() + sha256(canonical(unsigned)).digest()
    Ed25519PublicKey.from_public_bytes(key[2:]).verify(signature, message)


def base58(text: str) -> bytes:
    """Return what a text in base58 says."""
    number = 0
    for digit in text:
        number = number * 58 + ALPHABET.index(digit)
    return number.to_bytes((number.bit_length() + 7) // 8)


def opened(note: str, keys: list[str]) -> tuple[int, bytes]:
    """Return size and root of a log checkpoint that one of the keys signed."""
    text, _, lines = note.partition("\n\n")
    origin, size, root = text.split("\n")
    for line in lines.splitlines():
        _, name, encoded = line.split(" ")
        for key in keys:
            named, _, public = key.split("+", 2)
            if named == name == origin:
                raw = base64.b64decode(public)[1:]
                signature = base64.b64decode(encoded)[4:]
                Ed25519PublicKey.from_public_bytes(raw).verify(signature, f"{text}\n".encode())
                return int(size), base64.b64decode(root)
    raise AssertionError("no key of the log signed it")


def tree(hashes: list[bytes]) -> bytes:
    """Return the root of RFC 9162 over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + tree(hashes[:split]) + tree(hashes[split:])).digest()
