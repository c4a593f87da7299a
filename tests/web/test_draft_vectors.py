"""Key files and answers of pages that sign, as the vectors have them, read by Python."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.credential import CARD_ATTESTATION, check_credential_shape
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.multikey import did_key
from lyrikstore.crypto.proofs.eddsa_jcs import verify_proof

FOLDER = Path(__file__).resolve().parents[2] / "spec" / "vectors" / "signing-page"
KEYS = json.loads((FOLDER / "keys.json").read_text("ascii"))
ANSWERS = json.loads((FOLDER / "answers.json").read_text("ascii"))


def opened(file: str, passphrase: str) -> str:
    """Return the DID of the key in a key file, by the words of the specification alone."""
    stated: Any = parse(file.encode())
    salt, iv, sealed = (urlsafe_b64decode(stated[one] + "==") for one in ("salt", "iv", "sealed"))
    key = PBKDF2HMAC(SHA256(), 32, salt, 600_000).derive(passphrase.encode())
    seed = AESGCM(key).decrypt(iv, sealed, stated["did"].encode())
    return did_key(PrivateKey.from_seed(seed).public)


def test_a_key_file_opens() -> None:
    [one] = [case for case in KEYS["cases"] if case["id"] == "ascii"]
    assert opened(one["file"], one["passphrase"]) == one["did"]
    with pytest.raises(InvalidTag):
        opened(one["file"], one["passphrase"] + " ")


@pytest.mark.parametrize("case", ANSWERS["cases"], ids=lambda case: case["id"])
def test_what_is_signed_holds(case: dict[str, Any]) -> None:
    document: Any = parse(case["signed"].encode())
    assert encode(document) == case["signed"].encode()
    check_credential_shape(document, CARD_ATTESTATION)
    assert did_key(verify_proof(document).key) == document["issuer"]["id"]
