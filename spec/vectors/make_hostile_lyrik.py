"""Makes ``verdicts/hostile-lyrik.json``: what attackers hand over as a dataset credential.

Its cases read like those of ``make_hostile.py``. They are beyond ``credentials/refused.json``,
which has what is malformed or mis-signed in itself.
"""

from pathlib import Path
from typing import Any

import foreign as made
import make_credentials as issuing
from lyrikstore.canon.json import parse
from lyrikstore.crypto.multikey import encode_base58

HERE = Path(__file__).parent


def make() -> dict[str, Any]:
    """Return file name → content."""
    sound = issuing.world().credential.decode()
    document = parse(sound.encode())
    value = document["proof"]["proofValue"]
    raw = made.raw_signature(value)
    scalar = int.from_bytes(raw[32:], "little")
    malleable = raw[:32] + (scalar + made.ORDER).to_bytes(32, "little")
    inside = '"fileCount":5'
    point = b"\x01" + bytes(31)
    weak = f"did:key:z{encode_base58(bytes([0xED, 1]) + point)}"

    rows: list[tuple[str, str, str, Any]] = [
        # id, check, reason, document
        ("not-a-number", "format", "bad-json", sound.replace(inside, '"fileCount":NaN')),
        ("infinity", "format", "bad-json", sound.replace(inside, '"fileCount":Infinity')),
        ("overflow", "format", "bad-json", sound.replace(inside, '"fileCount":1e999')),
        ("fraction", "format", "bad-json", sound.replace(inside, '"fileCount":5.0')),
        ("exponent", "format", "bad-json", sound.replace(inside, '"fileCount":5e0')),
        ("null", "format", "bad-json", sound.replace(inside, '"fileCount":null')),
        ("integer-2-53", "format", "bad-json",
         sound.replace(inside, '"fileCount":9007199254740992')),
        ("integer-2-53-1", "format", "bad-json",
         sound.replace(inside, '"fileCount":9007199254740993')),
        ("lone-surrogate", "format", "bad-json", sound.replace("Acme Data Ltd", "\\ud800")),
        ("bad-utf-8", "format", "bad-json",
         {"hex": sound.encode().replace(b"Acme Data Ltd", b"Acme \xfc Ltd").hex()}),
        ("issuer-twice-escaped", "format", "bad-json",
         f'{{"\\u0069ssuer":"{issuing.MALLORY.did}",' + sound[1:]),
        ("deep-arrays", "format", "bad-json", [["[", 20000], ["]", 20000]]),
        ("deep-objects", "format", "bad-json", [['{"a":', 20000], "1", ["}", 20000]]),
        ("trailing-nul", "format", "bad-json", sound + "\0"),
        ("trailing-document", "format", "bad-json", sound + sound),
        ("too-large", "format", "bad-json", [sound, [" ", 1 << 20]]),
        ("empty", "format", "bad-json", ""),
        ("proto", "schema", "schema",
         made.edited(sound, lambda d: d.update({"__proto__": {"validUntil": "2099"}}))),
        ("true-for-a-number", "schema", "schema", sound.replace(inside, '"fileCount":true')),
        ("context-appended-unsigned", "schema", "schema", made.edited(
            sound, lambda d: d.update({"@context": [*d["@context"], "https://evil.example/"]}))),
        ("another-kind", "schema", "schema", made.edited(
            sound, lambda d: d.update(type=["VerifiableCredential", "Other"]))),
        ("manifest", "schema", "schema", issuing.world().manifest.encode().decode()),
        ("presentation", "schema", "schema", made.signed(
            {"@context": [made.V2], "type": ["VerifiablePresentation"], "holder": made.HOLDER.did,
             "verifiableCredential": [document]}, made.HOLDER, purpose="authentication")),
        ("foreign-credential", "schema", "schema", made.signed(made.base())),
        ("claim-decomposed", "proof", "edited", made.edited(
            sound, lambda d: d["issuer"].update(name="Ac\u0301me Data Ltd"))),
        ("value-malleable", "proof", "edited",
         made.proof_set(sound, proofValue="z" + encode_base58(malleable))),
        ("value-65-bytes", "proof", "bad-proof",
         made.proof_set(sound, proofValue="z" + encode_base58(raw + b"\0"))),
        ("value-leading-1", "proof", "bad-proof",
         made.proof_set(sound, proofValue="z1" + value[1:])),
        ("value-blank-after", "schema", "schema", made.proof_set(sound, proofValue=value + " ")),
        ("small-order-key", "proof", "weak-key", made.edited(sound, lambda d: (
            d.update(issuer={"id": weak}),
            d["proof"].update(verificationMethod=f"{weak}#{weak.removeprefix('did:key:')}",
                              proofValue="z" + encode_base58(b"\x01" + bytes(63)))))),
    ]  # fmt: skip
    trust = f'version = 1\n\n[[issuer]]\ndid = "{issuing.OWNER.did}"\nnickname = "Acme"\n'
    cases = [
        {
            "id": name,
            "profile": "lyrik",
            "kind": "dataset",
            "verdict": "invalid",
            "checks": {check: reason},
            "document": text,
        }
        for name, check, reason, text in rows
    ]
    base = {"at": "2026-11-24T14:12:39Z", "trust": trust}
    return {"verdicts/hostile-lyrik.json": {"base": base, "cases": cases}}
