"""Makes ``proofs/``: secured documents that verify, and forgeries that must not.

The case ``w3c-example`` is the one printed in the W3C Recommendation *Data Integrity EdDSA
Cryptosuites v1.0* for ``eddsa-jcs-2022``, its hashes and signature copied from there; the other
cases are signed with fixed keys and a fixed time.
"""

import copy
from hashlib import sha256
from typing import Any

from lyrikstore.canon.json import encode
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.multikey import decode_base58, encode_base58, verification_method
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof, signed_bytes
from lyrikstore.testing.clocks import DEFAULT_START
from lyrikstore.testing.keys import key_for, signer_for

L = 2**252 + 27742317777372353535851937790883648493
W3C_SEED = "c96ef9ea10c5e414c471723aff9de72c35fa5b70fae97e8832ecac7d2e2b8ed6"
W3C_CONTEXT = [
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/ns/credentials/examples/v2",
]
W3C_METHOD = (
    "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    "#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
)
W3C_DOCUMENT: dict[str, Any] = {
    "@context": W3C_CONTEXT,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}
W3C_PROOF: dict[str, Any] = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-jcs-2022",
    "created": "2023-02-24T23:36:38Z",
    "verificationMethod": W3C_METHOD,
    "proofPurpose": "assertionMethod",
    "@context": W3C_CONTEXT,
    "proofValue": "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcn"
    "TMuVor51aX",
}
W3C_DOCUMENT_HASH = "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19"
W3C_PROOF_HASH = "66ab154f5c2890a140cb8388a22a160454f80575f6eae09e5a097cabe539a1db"
W3C_SIGNATURE = (
    "407cd12654b33d718ecbb99179a1506daaa849450bf3fc523cce3e1c96f8b803"
    "51da3f253d725c6f00b07c9e5448d50b3ef78012b9ab54255116d069c6dd2808"
)

ISSUER = signer_for("publisher")
OTHER = signer_for("mallory")
CREDENTIAL: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2", "https://w3id.org/lyrikstore/v1"],
    "issuer": ISSUER.did,
    "validFrom": "2026-11-24T12:00:00Z",
    "credentialSubject": {"name": "Z\u00fcrich reviews \U0001f602", "records": 1200, "paid": True},
}
MANIFEST: dict[str, Any] = {
    "lyrikstore": 1,
    "kind": "dataset",
    "name": "datasets/acme/contracts",
    "author": ISSUER.did,
}


def _sign(document: dict[str, Any], options: dict[str, Any], key: PrivateKey) -> dict[str, Any]:
    signature = key.sign(signed_bytes(document, options))
    return {**document, "proof": {**options, "proofValue": "z" + encode_base58(signature)}}


def _options(**changes: Any) -> dict[str, Any]:
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2026-11-24T12:00:00Z",
        "verificationMethod": verification_method(ISSUER.public),
        "proofPurpose": "assertionMethod",
        "@context": CREDENTIAL["@context"],
        **changes,
    }
    return {name: value for name, value in options.items() if value is not None}


def good() -> list[dict[str, Any]]:
    """Return what verifies, with the profile that takes it."""
    secured = {
        "credential": ("lyrik", add_proof(CREDENTIAL, ISSUER, created=DEFAULT_START)),
        "manifest": ("lyrik", add_proof(MANIFEST, ISSUER)),
        "dialect-b-no-context": (
            "lyrik",
            _sign(CREDENTIAL, _options(**{"@context": None}), ISSUER.private),
        ),
        "context-as-string": (
            "lyrik",
            add_proof({**CREDENTIAL, "@context": "https://www.w3.org/ns/credentials/v2"}, ISSUER),
        ),
        "further-members": (
            "w3c",
            _sign(
                CREDENTIAL,
                _options(id="urn:x:1", expires="2027-01-01T00:00:00Z", nonce="n"),
                ISSUER.private,
            ),
        ),
        "created-with-offset": (
            "w3c",
            _sign(CREDENTIAL, _options(created="2026-11-24T13:00:00.5+01:00"), ISSUER.private),
        ),
    }
    cases: list[dict[str, Any]] = [
        {
            "id": "w3c-example",
            "profile": "lyrik",
            "seed": W3C_SEED,
            "document": {**W3C_DOCUMENT, "proof": W3C_PROOF},
            "verifiedDocument": W3C_DOCUMENT,
            "proofHash": W3C_PROOF_HASH,
            "documentHash": W3C_DOCUMENT_HASH,
            "signature": W3C_SIGNATURE,
        }
    ]
    for name, (profile, document) in secured.items():
        proof = document["proof"]
        options = {key: value for key, value in proof.items() if key != "proofValue"}
        verified = {key: value for key, value in document.items() if key != "proof"}
        if "@context" in proof:
            verified["@context"] = proof["@context"]
        cases.append(
            {
                "id": name,
                "profile": profile,
                "seed": key_for("publisher").seed_for_key_file().hex(),
                "document": document,
                "verifiedDocument": verified,
                "proofHash": sha256(encode(options)).hexdigest(),
                "documentHash": sha256(encode(verified)).hexdigest(),
                "signature": decode_base58(proof["proofValue"][1:]).hex(),
            }
        )
    return cases


def _with(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a copy; ``None`` removes a member."""
    changed = copy.deepcopy(document) | changes
    return {name: value for name, value in changed.items() if value is not None}


def bad() -> list[dict[str, Any]]:
    """Return what no reader may accept, with the kind of error of the lyrik profile."""
    secured = add_proof(CREDENTIAL, ISSUER, created=DEFAULT_START)
    proof = secured["proof"]
    manifest = add_proof(MANIFEST, ISSUER)
    signature = decode_base58(proof["proofValue"][1:])
    s = int.from_bytes(signature[32:], "little")
    plus_l = signature[:32] + (s + L).to_bytes(32, "little")
    subject = CREDENTIAL["credentialSubject"]
    body = ISSUER.did.removeprefix("did:key:")
    mallory = OTHER.did.removeprefix("did:key:")
    swapped = signed_bytes(CREDENTIAL, _options())
    swapped = swapped[32:] + swapped[:32]
    context = CREDENTIAL["@context"]

    def value(data: bytes) -> str:
        return "z" + encode_base58(data)

    def proof_with(**changes: Any) -> dict[str, Any]:
        return _with(secured, proof=_with(proof, **changes))

    def signed(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return _sign(document, _options(**changes), ISSUER.private)

    mixed = signed(CREDENTIAL)
    del mixed["proof"]["@context"]  # dialect C: hashed, but not sent
    identity = "z" + encode_base58(b"\xed\x01\x01" + bytes(31))
    table: list[tuple[str, str, Any]] = [
        # The document was changed.
        ("claim-changed", "bad-signature", _with(secured, validFrom="2026-11-24T12:00:01Z")),
        ("claim-added", "bad-signature", _with(secured, validUntil="2099-01-01T00:00:00Z")),
        ("claim-removed", "bad-signature", _with(secured, validFrom=None)),
        ("proto-added", "bad-signature", _with(secured, __proto__={"issuer": "x"})),
        (
            "nfd-for-nfc",
            "bad-signature",
            _with(secured, credentialSubject=subject | {"name": "Zu\u0308rich reviews \U0001f602"}),
        ),
        (
            "number-as-string",
            "bad-signature",
            _with(secured, credentialSubject=subject | {"records": "1200"}),
        ),
        (
            "true-as-one",
            "bad-signature",
            _with(secured, credentialSubject=subject | {"paid": 1}),
        ),
        ("context-swapped", "bad-proof", _with(secured, **{"@context": context[::-1]})),
        ("context-appended", "bad-proof", _with(secured, **{"@context": [*context, "x:y"]})),
        ("context-removed", "bad-proof", _with(secured, **{"@context": None})),
        ("context-nested", "bad-proof", _with(secured, **{"@context": [context]})),
        # The proof was changed.
        ("created-changed", "bad-signature", proof_with(created="2026-11-24T12:00:01Z")),
        ("created-removed", "bad-signature", proof_with(created=None)),
        ("created-date-only", "bad-proof", signed(CREDENTIAL, created="2026-11-24")),
        ("created-no-zone", "bad-proof", signed(CREDENTIAL, created="2026-11-24T12:00:00")),
        ("created-no-such-day", "bad-proof", signed(CREDENTIAL, created="2026-02-30T12:00:00Z")),
        ("created-number", "bad-proof", signed(CREDENTIAL, created=1)),
        ("purpose-other", "bad-proof", signed(CREDENTIAL, proofPurpose="authentication")),
        ("purpose-missing", "bad-proof", proof_with(proofPurpose=None)),
        ("type-other", "bad-proof", signed(CREDENTIAL, type="Ed25519Signature2020")),
        ("type-list", "bad-proof", signed(CREDENTIAL, type=["DataIntegrityProof"])),
        ("suite-rdfc", "bad-proof", signed(CREDENTIAL, cryptosuite="eddsa-rdfc-2022")),
        ("suite-missing", "bad-proof", proof_with(cryptosuite=None)),
        ("unknown-member", "bad-proof", signed(CREDENTIAL, note="hello")),
        ("expires", "bad-proof", signed(CREDENTIAL, expires="2020-01-01T00:00:00Z")),
        ("previous-proof", "bad-proof", signed(CREDENTIAL, previousProof="urn:x:1")),
        ("proof-list", "bad-proof", _with(secured, proof=[proof])),
        ("proof-twice", "bad-proof", _with(secured, proof=[proof, proof])),
        ("proof-empty", "bad-proof", _with(secured, proof={})),
        ("proof-string", "bad-proof", _with(secured, proof="z")),
        ("proof-missing", "bad-proof", CREDENTIAL),
        ("dialect-c", "bad-signature", mixed),
        (
            "manifest-context-in-proof",
            "bad-proof",
            _with(manifest, proof=manifest["proof"] | {"@context": context}),
        ),
        # The signature was respelled or moved.
        ("signature-plus-l", "bad-signature", proof_with(proofValue=value(plus_l))),
        ("signature-65-bytes", "bad-proof", proof_with(proofValue=value(signature + b"\0"))),
        ("signature-63-bytes", "bad-proof", proof_with(proofValue=value(signature[:63]))),
        (
            "signature-leading-1",
            "bad-proof",
            proof_with(proofValue="z1" + proof["proofValue"][1:]),
        ),
        # ATTACK: the same characters under another letter would be a second spelling
        *(
            (
                f"signature-as-{letter}",
                "bad-proof",
                proof_with(proofValue=letter + proof["proofValue"][1:]),
            )
            for letter in "Zumf1"
        ),
        ("signature-hexadecimal", "bad-proof", proof_with(proofValue="f" + signature.hex())),
        ("signature-trailing-blank", "bad-proof", proof_with(proofValue=proof["proofValue"] + " ")),
        ("signature-empty", "bad-proof", proof_with(proofValue="")),
        ("signature-long", "bad-proof", proof_with(proofValue="z" + "2" * 2000)),
        ("signature-missing", "bad-proof", proof_with(proofValue=None)),
        (
            "signature-of-other-document",
            "bad-signature",
            proof_with(proofValue=manifest["proof"]["proofValue"]),
        ),
        (
            "hashes-swapped",
            "bad-signature",
            proof_with(proofValue=value(ISSUER.sign(swapped))),
        ),
        (
            "key-of-another",
            "bad-signature",
            proof_with(verificationMethod=verification_method(OTHER.public)),
        ),
        (
            "fragment-of-another",
            "bad-key",
            signed(CREDENTIAL, verificationMethod=f"did:key:{mallory}#{body}"),
        ),
        ("fragment-missing", "bad-key", signed(CREDENTIAL, verificationMethod=ISSUER.did)),
        (
            "weak-key",
            "weak-key",
            _with(
                secured,
                proof=_options(
                    verificationMethod=f"did:key:{identity}#{identity}",
                    proofValue=value(b"\1" + bytes(63)),
                ),
            ),
        ),
    ]
    return [{"id": name, "kind": kind, "document": document} for name, kind, document in table]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {"proofs/good.json": {"cases": good()}, "proofs/bad.json": {"cases": bad()}}
