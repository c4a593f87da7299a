"""The unencrypted part of an OpenSSH private key file: public key and encryption parameters.

It is read before a passphrase is requested, so that keys can be listed without one, and so that a
crafted file cannot cause days of key derivation (PROTOCOL.key of OpenSSH).
"""

import binascii

from msgspec import Struct

from lyrikstore.canon.errors import KeyMaterialError
from lyrikstore.crypto.ed25519 import PublicKey

MAX_BCRYPT_ROUNDS = 1024

_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_END = b"-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"


class Header(Struct, frozen=True):
    """The data of a key file that can be read without its passphrase.

    Attributes:
        public: The public half.
        encrypted: Whether the private half needs a passphrase.
    """

    public: PublicKey
    encrypted: bool


def read_header(data: bytes, name: str) -> Header:
    """Return the unencrypted part of an OpenSSH private key file.

    Args:
        data: The whole file.
        name: Its name in messages.

    Raises:
        KeyMaterialError: (``key-broken``) not an OpenSSH private key file with exactly one
            Ed25519 key, or one that requires more than 1024 rounds; (``weak-key``).
    """
    try:
        return _parse(data)
    except ValueError:  # binascii.Error is one
        raise KeyMaterialError(
            "key-broken",
            f"not an OpenSSH private key file with one Ed25519 key: {name}",
            hint="create one with lyrikstore key new, or with ssh-keygen -t ed25519",
        ) from None


def _parse(data: bytes) -> Header:
    text = data.strip()
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        raise ValueError("no PEM")
    body = b"".join(text[len(_BEGIN) : -len(_END)].split())
    blob = binascii.a2b_base64(body, strict_mode=True)
    if not blob.startswith(_MAGIC):
        raise ValueError("another format")
    cipher, rest = _string(blob[len(_MAGIC) :])
    kdf, rest = _string(rest)
    kdf_options, rest = _string(rest)
    count, rest = _number(rest)
    public_blob, _ = _string(rest)
    algorithm, rest = _string(public_blob)
    raw, rest = _string(rest)
    if count != 1 or algorithm != b"ssh-ed25519" or rest or len(raw) != 32:
        raise ValueError("not one Ed25519 key")
    encrypted = (cipher, kdf) != (b"none", b"none")
    if encrypted:
        rounds, rest = _number(_string(kdf_options)[1])
        if kdf != b"bcrypt" or rest or rounds > MAX_BCRYPT_ROUNDS:
            raise ValueError("unreasonable key derivation")
    return Header(PublicKey(raw), encrypted)


def _number(data: bytes) -> tuple[int, bytes]:
    if len(data) < 4:
        raise ValueError("cut off")
    return int.from_bytes(data[:4], "big"), data[4:]


def _string(data: bytes) -> tuple[bytes, bytes]:
    length, rest = _number(data)
    if length > len(rest):
        raise ValueError("cut off")
    return rest[:length], rest[length:]
