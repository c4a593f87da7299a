"""``model.sig``: a deployed folder's files for OpenSSF Model Signing (spec §14.7.8).

A folder's files determine the whole file except the signature, so it is made again and compared: no
part that a reader of such bundles may use is left unchecked.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON, encode, parse_canonical
from lyrikstore.canon.limits import MAX_MODEL_SIG_BYTES
from lyrikstore.crypto.proofs.dsse import IN_TOTO, pre_authentication_encoding

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

FAULTS: Mapping[str, str] = {
    "bad-key": "the key that the manifest names for it is no P-256 key in PEM",
    "bad-model-sig": "it is no Sigstore bundle of spec 14.7.8, or names another key",
    "bad-signature": "its signature does not hold",
    "other-files": "it is about other files than the tree's",
}
"""Code of a fault of :func:`check_model_signature` → its description."""

_PEM_CHARACTERS = 178  # of every P-256 key


def statement_of(files: Mapping[str, bytes]) -> bytes:
    """Return the in-toto statement about these files, which is signed, in canonical form.

    Args:
        files: Path → SHA-256, of each file outside ``lyrikstore/``.
    """
    ordered = sorted(files.items())
    return encode(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                {
                    "name": "model",
                    "digest": {"sha256": sha256(b"".join(one for _, one in ordered)).hexdigest()},
                }
            ],
            "predicateType": "https://model_signing/signature/v1.0",
            "predicate": {
                "serialization": {
                    "method": "files",
                    "hash_type": "sha256",
                    "allow_symlinks": False,
                    "ignore_paths": ["lyrikstore"],
                },
                "resources": [
                    {"name": path, "algorithm": "sha256", "digest": digest.hex()}
                    for path, digest in ordered
                ],
            },
        }
    )


def signed_bytes(statement: bytes) -> bytes:
    """Return the bytes that are signed for a statement (DSSE 1.0)."""
    return pre_authentication_encoding(IN_TOTO, statement)


def model_sig_of(statement: bytes, signature: bytes, public_key: str) -> bytes:
    """Return the Sigstore bundle, in canonical form.

    Args:
        statement: The signed statement.
        signature: ECDSA with SHA-256, in DER, of :func:`signed_bytes`.
        public_key: The public key in PEM.
    """
    envelope: JSON = {
        "payload": b64encode(statement).decode(),
        "payloadType": IN_TOTO,
        "signatures": [{"sig": b64encode(signature).decode(), "keyid": ""}],
    }
    key = {"hint": sha256(public_key.encode()).hexdigest()}
    return encode(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": key, "tlogEntries": []},
            "dsseEnvelope": envelope,
        }
    )


def check_model_signature(
    model_sig: bytes, public_key: str, files: Mapping[str, bytes]
) -> str | None:
    """Return the fault of a ``model.sig``, one of :data:`FAULTS`, or None if it is valid.

    If it is valid, the holder of ``public_key`` signed these files; the manifest that names the key
    shows who the holder is.

    Args:
        model_sig: The bytes of the file.
        public_key: The key that the deployment's manifest names, in PEM.
        files: Path → SHA-256 of each file of the tree.

    Cost: O(its bytes, of which 16 MiB are read), and one signature.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    key = _p256(public_key)
    if key is None:
        return "bad-key"
    try:
        envelope = parse_canonical(model_sig, max_bytes=MAX_MODEL_SIG_BYTES)["dsseEnvelope"]
        statement = b64decode(envelope["payload"])
        signature = b64decode(envelope["signatures"][0]["sig"])
    except (FormatError, LookupError, TypeError, ValueError):
        return "bad-model-sig"
    if model_sig_of(statement, signature, public_key) != model_sig:
        return "bad-model-sig"
    try:
        key.verify(signature, signed_bytes(statement), ECDSA(SHA256()))
    except InvalidSignature:
        return "bad-signature"
    return None if statement == statement_of(files) else "other-files"


def _p256(public_key: str) -> "EllipticCurvePublicKey | None":
    # ATTACK: another spelling of the key has another hint, and curves differ in cost.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_public_key,
    )

    if len(public_key) != _PEM_CHARACTERS:
        return None
    try:
        key = load_pem_public_key(public_key.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        return None
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key if pem == public_key.encode() else None
