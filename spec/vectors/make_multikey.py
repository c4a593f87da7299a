"""Makes ``multikey/``: spellings of public keys that are read, and those that are refused.

The good spellings are the ``did:key`` method's own examples; the base58 coder here is a second one,
by long division.
"""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mnemonic import Mnemonic

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

# seed → Multikey, from the did:key method's test vectors (ed25519-x25519.json).
GOOD = {
    "00" * 32: "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
    "00" * 31 + "01": "z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG",
    "00" * 31 + "02": "z6MknGc3ocHs3zdPiJbnaaqDi58NGb4pk1Sp9WxWufuXSdxf",
}

PUBLIC = {
    "00" * 32: "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29",
    "00" * 31 + "01": "4cb5abf6ad79fbf5abbccafcc269d85cd2651ed4b885b5869f241aedf0a5ba29",
    "00" * 31 + "02": "7422b9887598068e32c4448a949adb290d0f4e35b9e01b0ee5f1a1e600fe2674",
}


def base58(data: bytes) -> str:
    """Return base58btc text by repeated long division of the byte array."""
    zeros = len(data) - len(data.lstrip(b"\0"))
    digits = []
    rest = list(data)
    while any(rest):
        carry = 0
        quotient = []
        for byte in rest:
            carry = carry * 256 + byte
            quotient.append(carry // 58)
            carry %= 58
        digits.append(ALPHABET[carry])
        rest = quotient
    return "1" * zeros + "".join(reversed(digits))


def words(key: bytes) -> str:
    """Return the BIP-39 words of a key, bit by bit."""
    listed = Mnemonic("english").wordlist
    bits = "".join(f"{byte:08b}" for byte in key + hashlib.sha256(key).digest()[:1])
    return " ".join(listed[int(bits[at : at + 11], 2)] for at in range(0, 264, 11))


def fingerprint(key: bytes) -> str:
    """Return the fingerprint of a key from its OpenSSH line."""
    public = Ed25519PublicKey.from_public_bytes(key)
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def refused() -> list[dict[str, str]]:
    """Return spellings that no reader may take, each as a full verification method."""
    raw = bytes.fromhex(PUBLIC["00" * 32])
    other = GOOD["00" * 31 + "01"]
    good = GOOD["00" * 32]
    data = b"\xed\x01" + raw
    bodies = {
        "leading-1": "z1" + base58(data),
        "no-multibase": base58(data),
        "base64url": "u" + base64.urlsafe_b64encode(data).decode().rstrip("="),
        "base64": "m" + base64.b64encode(data).decode().rstrip("="),
        "hexadecimal": "f" + data.hex(),
        "base32": "b" + base64.b32encode(data).decode().lower().rstrip("="),
        "upper-case-z": "Z" + good[1:],
        "codec-x25519": "z" + base58(b"\xec\x01" + raw),
        "codec-secp256k1": "z" + base58(b"\xe7\x01" + raw),
        "codec-secret": "z" + base58(b"\x80\x26" + raw),
        "codec-one-byte": "z" + base58(b"\xed" + raw),
        "codec-ed-02": "z" + base58(b"\xed\x02" + raw),
        "codec-long-form": "z" + base58(b"\xed\x81\x00" + raw),
        "31-bytes": "z" + base58(data[:-1]),
        "33-bytes": "z" + base58(data + b"\0"),
        "empty": "",
        "only-z": "z",
        "zero-digit": good[:-1] + "0",
        "capital-o": good[:-1] + "O",
        "capital-i": good[:-1] + "I",
        "small-l": good[:-1] + "l",
        "blank-before": " " + good,
        "blank-after": good + " ",
        "newline-after": good + "\n",
        "fullwidth-digit": good[:-1] + "\uff11",
        "very-long": "z" + "2" * 2000,
        "identity-key": "z" + base58(b"\xed\x01" + (1).to_bytes(32, "little")),
        "zero-key": "z" + base58(b"\xed\x01" + bytes(32)),
        "non-canonical-key": "z" + base58(b"\xed\x01" + (2**255 - 18).to_bytes(32, "little")),
        "off-curve-key": "z" + base58(b"\xed\x01" + (2).to_bytes(32, "little")),
    }
    cases = [{"id": name, "text": f"did:key:{body}#{body}"} for name, body in bodies.items()]
    whole = {
        "fragment-of-another-key": f"did:key:{good}#{other}",
        "did-of-another-key": f"did:key:{other}#{good}",
        "no-fragment": f"did:key:{good}",
        "empty-fragment": f"did:key:{good}#",
        "named-fragment": f"did:key:{good}#key-1",
        "two-fragments": f"did:key:{good}#{good}#{good}",
        "fragment-with-did": f"did:key:{good}#did:key:{good}",
        "query": f"did:key:{good}?a#{good}",
        "path": f"did:key:{good}/a#{good}",
        "version": f"did:key:1.1:{good}#{good}",
        "upper-case-method": f"did:KEY:{good}#{good}",
        "upper-case-scheme": f"DID:key:{good}#{good}",
        "other-method": f"did:web:{good}#{good}",
        "multikey-only": good,
        "percent-encoded": f"did:key:%7A{good[1:]}#%7A{good[1:]}",
        "blank": "",
    }
    return cases + [{"id": name, "text": text} for name, text in whole.items()]


def make() -> dict[str, Any]:
    """Return file name → content."""
    good = [
        {
            "seed": seed,
            "publicKey": PUBLIC[seed],
            "multikey": multikey,
            "did": f"did:key:{multikey}",
            "verificationMethod": f"did:key:{multikey}#{multikey}",
            "words": words(bytes.fromhex(PUBLIC[seed])),
            "fingerprint": fingerprint(bytes.fromhex(PUBLIC[seed])),
        }
        for seed, multikey in GOOD.items()
    ]
    return {"multikey/good.json": {"cases": good}, "multikey/refuse.json": {"cases": refused()}}
