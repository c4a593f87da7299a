"""Keys, documents, logs and witnesses that a trust file names."""

import base64
import hashlib
import json
from datetime import UTC, datetime

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.trust import TrustedWitness
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.multikey import did_key
from lyrikstore.history.log.note import VerifierKey

DIDS = [did_key(PrivateKey.from_seed(bytes([i]) * 32).public) for i in range(4)]
WEB = "did:web:acme.example"
STORE = Digest.of(b"store")
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def document_of(*keys: str) -> bytes:
    multikeys = [did.removeprefix("did:key:") for did in keys]
    return json.dumps(build_document(WEB, {key: key for key in multikeys})).encode()


def witness_key(name: str = "witness.example") -> str:
    raw = b"\x04" + PrivateKey.from_seed(b"\2" * 32).public.raw
    identity = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    return f"{name}+{identity}+{base64.b64encode(raw).decode()}"


WITNESS = TrustedWitness("witness.example", witness_key())


def verifier_key(origin: str) -> VerifierKey:
    return VerifierKey(origin, PrivateKey.from_seed(b"\1" * 32).public)
