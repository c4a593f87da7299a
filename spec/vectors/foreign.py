"""Foreign documents, sound ones: what the attacks of ``make_hostile*.py`` begin with."""

import base64
import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256, sha384
from pathlib import Path
from typing import Any

from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import pack
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.w3c.proofs.proof_set import add_proof

HERE = Path(__file__).parent
V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
ALICE, MALLORY, HOLDER = (
    KeySigner(PrivateKey.from_seed(bytes([number]) * 32)) for number in (65, 77, 72)
)
NOW = datetime(2026, 11, 24, 14, 12, 39, tzinfo=UTC)
ORDER = 2**252 + 27742317777372353535851937790883648493
LIST_URL = "https://status.example/1"
PLACE = 94567
JWT = "data:application/vc+jwt,eyJ.eyJ.x"
TRUST = f'version = 1\n\n[[issuer]]\ndid = "{ALICE.did}"\nnickname = "Alice"\n'
SCHEMA_URL = "https://schema.example/alumni.json"

Row = tuple[str, str, dict[str, str], dict[str, Any]]
Change = Callable[[dict[str, Any]], object]


def base(**changes: Any) -> dict[str, Any]:
    """Return an unsigned credential; None removes a member."""
    document: dict[str, Any] = {
        "@context": [V2, EXAMPLES],
        "id": "urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1b",
        "type": ["VerifiableCredential", "ExampleAlumniCredential"],
        "issuer": {"id": ALICE.did, "name": "Example University"},
        "validFrom": "2026-11-01T00:00:00Z",
        "validUntil": "2027-11-01T00:00:00Z",
        "credentialSubject": {"id": HOLDER.did, "alumniOf": "Z\u00fcrich", "count": 7},
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


def signed(document: dict[str, Any], signer: KeySigner = ALICE, **options: Any) -> str:
    """Return the text of a document with its proof."""
    return encode(add_proof(document, signer, **{"created": NOW, **options})).decode()


def envelope(**changes: Any) -> str:
    """Return the text of an enveloped credential, of a token that nobody made."""
    document = {"@context": V2, "id": JWT, "type": "EnvelopedVerifiableCredential"}
    return encode({**document, **changes}).decode()


def edited(text: str, change: Change) -> str:
    """Return the text with a change that nobody signed."""
    document = parse(text.encode(), floats=True, nulls=True)
    change(document)
    return json.dumps(document, ensure_ascii=False)


def proof_set(text: str, **changes: Any) -> str:
    """Return the text with a member of its proof changed, or removed where it is None."""

    def change(document: dict[str, Any]) -> None:
        document["proof"].update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del document["proof"][name]

    return edited(text, change)


EMPTY = bytes(STATUS_LIST_ENTRIES // 8)


def status_list(bits: bytes = EMPTY, signer: KeySigner = ALICE, **changes: Any) -> str:
    """Return a status list; changes are made before it is signed."""
    document: dict[str, Any] = {
        "@context": [V2],
        "id": LIST_URL,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": signer.did,
        "validFrom": "2026-11-20T00:00:00Z",
        "validUntil": "2026-12-20T00:00:00Z",
        "credentialSubject": {
            "id": f"{LIST_URL}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": pack(bits),
        },
    }
    for name, value in changes.items():
        where = document if name in document else document["credentialSubject"]
        where[name] = value
    return signed({name: value for name, value in document.items() if value is not None}, signer)


def entry(**changes: Any) -> dict[str, Any]:
    """Return a status entry; None removes a member."""
    stated = {**StatusEntry("revocation", PLACE, LIST_URL).to_json(), **changes}
    return {name: value for name, value in stated.items() if value is not None}


def with_status(**changes: Any) -> str:
    """Return a credential with one status entry."""
    return signed(base(credentialStatus=entry(**changes)))


def bits_with(value: int, index: int = PLACE, size: int = 1) -> bytes:
    """Return the bits of a list in which one entry has a value."""
    bits = bytearray(STATUS_LIST_ENTRIES * size // 8)
    for offset in range(size):
        if value >> (size - 1 - offset) & 1:
            place = index * size + offset
            bits[place // 8] |= 1 << (7 - place % 8)
    return bytes(bits)


def sri(data: bytes) -> str:
    """Return a digest as digestSRI writes it."""
    return "sha384-" + base64.b64encode(sha384(data).digest()).decode()


def multibase(
    data: bytes, header: bytes = b"\x12\x20", function: Callable[[bytes], Any] = sha256
) -> str:
    """Return a digest, of SHA-256 if nothing else is said, as digestMultibase writes it."""
    digest = header + function(data).digest()
    return "u" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def bomb(blocks: int, wrap: Callable[[str], str]) -> list[Any]:
    """Return a signed list in pieces that unpacks to so many MiB of zeros."""
    step = 1 << 20
    while True:  # one flushed block of zeros, whose base64 repeats without a seam
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        block = packer.compress(bytes(step)) + packer.flush(zlib.Z_FULL_FLUSH)
        if len(block) % 3 == 0:
            break
        step += 258
    checksum = 0
    for _ in range(blocks):
        checksum = zlib.crc32(bytes(step), checksum)
    head = b"\x1f\x8b\x08\x08\0\0\0\0\0\x03x\0"  # a name of one letter makes it twelve bytes
    tail = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    tail += checksum.to_bytes(4, "little") + (blocks * step % 2**32).to_bytes(4, "little")
    one, rest = (base64.urlsafe_b64encode(part).decode() for part in (block, tail))
    packed = "u" + base64.urlsafe_b64encode(head).decode() + one * blocks + rest.rstrip("=")
    before, _, after = wrap(packed).partition(one * blocks)
    return [before, [one, blocks], after]


def raw_signature(value: str) -> bytes:
    """Return the bytes of a proofValue."""
    from lyrikstore.crypto.multikey import decode_base58

    return decode_base58(value[1:])


def json_schema(**changes: Any) -> bytes:
    """Return the schema behind :data:`SCHEMA_URL`, with members replaced (``None``: removed)."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URL,
        "properties": {"credentialSubject": {"required": ["alumniOf"]}},
        **changes,
    }
    return json.dumps({name: value for name, value in schema.items() if value is not None}).encode()
