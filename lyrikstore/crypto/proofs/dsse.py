"""DSSE envelopes: signed bytes with a type, for in-toto's tools (spec §23.1)."""

from base64 import b64encode
from hashlib import sha256

from lyrikstore.canon.json import JSON, encode
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.signer import Signer

IN_TOTO = "application/vnd.in-toto+json"
"""Payload type of an in-toto statement."""


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed for a payload (DSSE 1.0, ``PAE``)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def key_id(key: PublicKey) -> str:
    """Return the id of a key as securesystemslib computes it; a hint that proves nothing."""
    public = {"public": key.raw.hex()}
    return sha256(encode({"keytype": "ed25519", "keyval": public, "scheme": "ed25519"})).hexdigest()


def sign_envelope(payload: bytes, signer: Signer, payload_type: str = IN_TOTO) -> dict[str, JSON]:
    """Return the envelope of a payload with one signature by ``signer``.

    Raises:
        KeyMaterialError: The key cannot be used now.
    """
    signature = signer.sign(pre_authentication_encoding(payload_type, payload))
    return {
        "payload": b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": key_id(signer.public), "sig": b64encode(signature).decode()}],
    }
