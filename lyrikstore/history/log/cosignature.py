"""Cosignatures of witnesses on log checkpoints: C2SP cosignature/v1 (spec §7.10).

A witness signs that it saw a log checkpoint at a time, after checking that it extends what it saw
before. Its signature is one more line of the note.
"""

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Self

from msgspec import Struct

from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.errors import FormatError
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.log.checkpoint import LogCheckpoint
from lyrikstore.history.log.note import check_name

_TYPE = b"\x04"
_BYTES = 4 + 8 + 64
_LATEST = 1 << 40
"""A time in seconds, far beyond every date that can be written."""


class Cosignature(Struct, frozen=True):
    """A signature line of a witness.

    Attributes:
        name: The name of the witness's key.
        key_id: Four bytes that identify the key; a hint, not a fingerprint.
        seconds: The time, in seconds since 1970.
        signature: 64 bytes.
    """

    name: str
    key_id: bytes
    seconds: int
    signature: bytes

    @property
    def time(self) -> datetime:
        """The time that the witness states."""
        return datetime.fromtimestamp(self.seconds, UTC)

    @property
    def payload(self) -> str:
        """Key id, time and signature in base64, as in the line."""
        return b64encode(self.key_id + self.seconds.to_bytes(8, "big") + self.signature).decode()

    @property
    def line(self) -> str:
        """The signature line, with its line feed."""
        return f"\u2014 {self.name} {self.payload}\n"

    def holds(self, head: LogCheckpoint, key: PublicKey) -> bool:
        """Return whether a witness with this key signed it for a head of a log."""
        is_named = self.key_id == key_id(self.name, key)
        return is_named and key.verify(self.signature, _message(head, self.seconds))

    @classmethod
    def parse(cls, name: str, payload: str) -> Self:
        """Read a cosignature.

        Args:
            name: The name of the key in the line.
            payload: The base64 of the line.

        Raises:
            FormatError: (``bad-note``) it is no cosignature.
        """
        data = decode_base64(payload, "bad-note")
        seconds = int.from_bytes(data[4:12], "big")
        if len(data) != _BYTES or seconds > _LATEST:
            raise FormatError("bad-note", "not the signature line of a witness")
        return cls(name, data[:4], seconds, data[12:])


def key_id(name: str, key: PublicKey) -> bytes:
    """Return the four bytes that identify the key of a witness in its lines."""
    return sha256(name.encode() + b"\n" + _TYPE + key.raw).digest()[:4]


def witness_key(name: str, key: PublicKey) -> str:
    """Return the verifier key of a witness, ``NAME+KEYID+BASE64``.

    Raises:
        InvalidInputError: (``bad-origin``) the name cannot be the name of a key.
    """
    check_name(name)
    return f"{name}+{key_id(name, key).hex()}+{b64encode(_TYPE + key.raw).decode()}"


def cosign(head: LogCheckpoint, name: str, signer: Signer, at: datetime) -> Cosignature:
    """Return the cosignature of a witness who has checked that the head is consistent.

    Args:
        head: The head of the log.
        name: The name of the witness's key.
        signer: Holds the key.
        at: The time.

    Raises:
        InvalidInputError: (``bad-origin``) the name cannot be the name of a key.
    """
    check_name(name)
    seconds = int(at.timestamp())
    signature = signer.sign(_message(head, seconds))
    return Cosignature(name, key_id(name, signer.public), seconds, signature)


def _message(head: LogCheckpoint, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{head.text}".encode()
