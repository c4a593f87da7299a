"""Encodings of a public key: Multikey and did:key in documents, and words for people (spec §3.2).

One key has exactly one encoding of each kind. Other multibases, other codecs, leading zeros and DID
URLs whose fragment names another key are refused: each would allow showing one key and using
another.
"""

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from typing import NoReturn

from lyrikstore.canon.errors import FormatError, KeyMaterialError
from lyrikstore.canon.limits import MAX_BASE58_DIGITS
from lyrikstore.crypto.ed25519 import PublicKey

BASE58_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

_NO_DIGIT = 255
_VALUES = bytes(
    BASE58_ALPHABET.find(chr(byte)) if chr(byte) in BASE58_ALPHABET else _NO_DIGIT
    for byte in range(256)
)
_POWERS = [58**digits for digits in range(11)]
_LANES = {8 << n: (2**16384 - 1) // (2 ** (8 << n) + 1) for n in range(11)}
# Width in bits → every other lane of that width, from the lowest on, for 2,048 digits.
_PAIRS = [high + low for high in BASE58_ALPHABET for low in BASE58_ALPHABET]
_ED25519_CODEC = b"\xed\x01"
_DID_KEY = "did:key:"


def encode_base58(data: bytes) -> str:
    """Return the base58btc text of ``data``, without a multibase prefix."""
    number = int.from_bytes(data, "big")
    pairs: list[str] = []
    while number:  # ten digits at a time: dividing a long number is what costs
        number, ten = divmod(number, _POWERS[10])
        for _ in range(5):
            ten, pair = divmod(ten, 58**2)
            pairs.append(_PAIRS[pair])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(pairs)).lstrip("1")


def decode_base58(text: object, *, max_length: int = MAX_BASE58_DIGITS) -> bytes:
    """Return the bytes of base58btc ``text``, without a multibase prefix.

    Args:
        text: Digits of the Bitcoin alphabet.
        max_length: Maximum length, checked before decoding; 2,048 at most.

    Raises:
        FormatError: (``bad-base58``) it is too long, or contains another character.

    Cost: O(max_length²), microseconds at the default.
    """
    if not isinstance(text, str) or len(text) > max_length:
        raise FormatError("bad-base58", f"more than {max_length} base58 characters")
    values = text.encode("ascii", "replace").translate(_VALUES)  # ? is no digit either
    if _NO_DIGIT in values:
        digit = text[values.index(_NO_DIGIT)]
        raise FormatError("bad-base58", f"not a base58 character: {digit!a}")
    # All digits at once: neighbours become one digit of base 58², then those of base 58⁴, and so
    # on, each in a lane of the number that is twice as wide.
    number = int.from_bytes(values, "big")
    width, base = 8, 58
    while width < 8 * len(values):
        low = _LANES[width]
        number = (number >> width & low) * base + (number & low)
        width, base = 2 * width, base * base
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode_multikey(key: PublicKey) -> str:
    """Return ``z6Mk…``, the Multikey encoding of ``key``."""
    return did_key(key).removeprefix(_DID_KEY)


def parse_multikey(text: object) -> PublicKey:
    """Parse a Multikey ``z6Mk…``.

    Raises:
        KeyMaterialError: (``bad-key``) another multibase, codec or length; (``weak-key``) a weak
            key.
    """
    if not isinstance(text, str) or not text.startswith("z"):
        _refuse(text, "a Multikey starts with z")
    return _parse_multikey(text)


@lru_cache(maxsize=1024)
def _parse_multikey(text: str) -> PublicKey:
    try:
        data = decode_base58(text[1:], max_length=64)
    except FormatError as error:
        _refuse(text, error.message)
    if len(data) != 34 or not data.startswith(_ED25519_CODEC):
        _refuse(text, "not an Ed25519 Multikey")
    return PublicKey(data[2:])


@lru_cache(maxsize=1024)
def did_key(key: PublicKey) -> str:
    """Return ``did:key:z6Mk…``."""
    return f"{_DID_KEY}z{encode_base58(_ED25519_CODEC + key.raw)}"


def key_words(key: PublicKey) -> tuple[str, ...]:
    """Return the 24 words of ``key`` for people: BIP-39, English, its bytes as entropy.

    The last word contains a checksum of 8 bits. The words give the public key: they are not secret.
    """
    from mnemonic import Mnemonic

    return tuple(Mnemonic("english").to_mnemonic(key.raw).split(" "))


def fingerprint(key: PublicKey) -> str:
    """Return ``SHA256:…`` of ``key`` as OpenSSH prints it (``ssh-keygen -l``)."""
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (b"ssh-ed25519", key.raw))
    return f"SHA256:{b64encode(sha256(blob).digest()).decode().rstrip('=')}"


def public_pem(key: PublicKey) -> str:
    """Return ``key`` in PEM (RFC 8410), as openssl, cosign and securesystemslib read it."""
    encoded = b64encode(bytes.fromhex("302a300506032b6570032100") + key.raw).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----"


def parse_did_key(text: object) -> PublicKey:
    """Parse ``did:key:z6Mk…``: the DID alone, without path, query or fragment.

    Raises:
        KeyMaterialError: (``bad-key``) another DID method or spelling.
        LyrikstoreError: As :func:`parse_multikey`.
    """
    if not isinstance(text, str) or not text.startswith(_DID_KEY):
        _refuse(text, "not a did:key")
    return parse_multikey(text.removeprefix(_DID_KEY))


def parse_public_key(text: str) -> PublicKey:
    """Parse a public key that a user typed: a did:key or a Multikey.

    Raises:
        KeyMaterialError: As :func:`parse_did_key` and :func:`parse_multikey`.
    """
    return parse_did_key(text) if text.startswith("did:") else parse_multikey(text)


def verification_method(key: PublicKey) -> str:
    """Return ``did:key:X#X``, the DID URL that names the key in proofs."""
    body = encode_multikey(key)
    return f"{_DID_KEY}{body}#{body}"


def parse_verification_method(text: object) -> PublicKey:
    """Parse ``did:key:X#X``.

    The key is the DID's own, and the fragment must repeat it: software that looks up the fragment
    alone would verify ``did:key:ALICE#MALLORY`` with Mallory's key and report Alice.

    Raises:
        KeyMaterialError: (``bad-key``) no fragment, another fragment, another spelling.
        LyrikstoreError: As :func:`parse_did_key`.
    """
    did, separator, fragment = text.partition("#") if isinstance(text, str) else ("", "", "")
    if not separator or f"{_DID_KEY}{fragment}" != did:
        _refuse(text, "not a did:key URL whose fragment repeats the key")
    return parse_did_key(did)


def parse_method_fragment(text: object) -> PublicKey:
    """Return the key in the fragment of ``DID#z6Mk…``, for any DID.

    It is the key that signed, which does not prove that the DID belongs to it: the document of a
    ``did:web`` lists its keys (spec/18-dids.md).

    Raises:
        LyrikstoreError: As :func:`parse_verification_method`.
    """
    did, _, fragment = text.partition("#") if isinstance(text, str) else ("", "", "")
    return parse_verification_method(text) if did.startswith(_DID_KEY) else parse_multikey(fragment)


def _refuse(text: object, reason: str) -> NoReturn:
    raise KeyMaterialError("bad-key", f"{reason}: {str(text)[:80]!a}") from None
