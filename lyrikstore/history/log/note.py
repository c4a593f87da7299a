"""Signed notes: text with Ed25519 signatures after c2sp.org/signed-note (spec §7.5).

The log signs notes, and witnesses add signature lines to them. Text that no trusted key signed
never leaves this module: only :func:`open_note` returns the text of a note.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import NoReturn, Self

from msgspec import Struct

from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.canon.limits import MAX_KEY_NAME_BYTES, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES
from lyrikstore.canon.text import pluralize
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.signer import Signer

_ED25519 = b"\x01"
_LINE_START = "\u2014 "
_KEY_ID = re.compile(r"[0-9a-f]{8}")


class VerifierKey(Struct, frozen=True):
    """A key that may sign notes under a name; written as a "vkey".

    Law: ``VerifierKey.parse(str(k)) == k``.

    Attributes:
        name: Such as ``example.org/lyrik``: no spaces, no ``+``. For a log it is its origin.
        key: The Ed25519 key.
    """

    name: str
    key: PublicKey

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def key_id(self) -> bytes:
        """The four bytes that identify this key in signature lines; a hint, not a fingerprint."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key.raw).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``NAME+KEYID+BASE64``.

        Raises:
            FormatError: (``bad-vkey``) the text has another form or another algorithm, or the key
                id of another key.
            KeyMaterialError: The key is weak.
        """
        parts = text.split("+", 2) if len(text) < 1024 else []
        if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
            raise FormatError("bad-vkey", f"not a verifier key: {str(text)[:80]!r}")
        raw = decode_base64(parts[2], "bad-vkey")
        if len(raw) != 33 or raw[:1] != _ED25519:
            raise FormatError("bad-vkey", "only Ed25519 verifier keys are supported")
        if not is_name(parts[0]):
            raise FormatError("bad-vkey", f"not a key name: {parts[0][:80]!r}")
        key = cls(parts[0], PublicKey(raw[1:]))
        if key.key_id.hex() != parts[1]:
            raise FormatError("bad-vkey", "the key id is not the one of this name and key")
        return key

    def __str__(self) -> str:
        encoded = b64encode(_ED25519 + self.key.raw).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


class OpenedNote(Struct, frozen=True):
    """A note that at least one trusted key signed.

    Attributes:
        text: The signed text, with its final newline.
        signers: The trusted keys whose signatures verify, in the order of the lines.
    """

    text: str
    signers: tuple[VerifierKey, ...]


def is_name(name: str) -> bool:
    """Return whether ``name`` can name a note key or a log."""
    return (
        0 < len(name.encode("utf-8", "replace")) <= MAX_KEY_NAME_BYTES
        and name.isprintable()  # no controls, no lone surrogates, no separators but U+0020
        and not any(character.isspace() or character == "+" for character in name)
    )


def check_name(name: str) -> None:
    """Raise `bad-origin` unless ``name`` can name a note key or a log.

    Raises:
        InvalidInputError: (``bad-origin``) it is empty, too long, or has a space, control or "+".
    """
    if not is_name(name):
        raise InvalidInputError(
            "bad-origin",
            f"not a log name: {name[:80]!r}",
            hint="use a host name and a path without scheme, such as example.org/archive",
        )


def sign_note(text: str, name: str, signer: Signer) -> bytes:
    """Return a note with one signature.

    Args:
        text: One or more lines, each ended by a newline.
        name: The key's name.
        signer: Holds the key.

    Raises:
        FormatError: (``bad-note``) the text cannot be the text of a note.
        InvalidInputError: (``bad-origin``) the name cannot be the name of a key.
    """
    _check_text(text)
    verifier = VerifierKey(name, signer.public)
    signature = verifier.key_id + signer.sign(text.encode())
    return f"{text}\n{_LINE_START}{name} {b64encode(signature).decode()}\n".encode()


def open_note(
    data: bytes, keys: Sequence[VerifierKey], *, most: int = MAX_NOTE_SIGNATURES
) -> OpenedNote:
    """Return the text of a note after verifying its signatures.

    Lines by unknown keys, or of unknown types, are ignored, as the format demands; a line that
    has the name *and* id of a known key must verify (attack case A37).

    Args:
        data: The whole note; at most 64 KiB and 100 signatures.
        keys: The trusted keys.
        most: How many signature lines by these keys it may have: each costs a verification.

    Raises:
        FormatError: (``bad-note``) not a signed note, or one with more signature lines.
        VerificationError: (``bad-log-signature``) a known key's signature does not verify, or
            (``unknown-log-key``) no known key signed.
    """
    text, lines = split_note(data)
    message = text.encode()
    signers: list[VerifierKey] = []
    by_id: dict[tuple[str, bytes], list[VerifierKey]] = {}
    for key in keys:
        by_id.setdefault((key.name, key.key_id), []).append(key)
    judged = [(name, signature, by_id.get((name, signature[:4]), ())) for name, signature in lines]
    if sum(len(known) for _, _, known in judged) > most:
        _refuse(f"more than {most} signatures by keys of its log")
    for name, signature, keys_of_line in judged:
        for known in keys_of_line:
            if not known.key.verify(signature[4:], message):
                raise VerificationError(
                    "bad-log-signature", f"the signature of {name} on this note does not hold"
                )
            if known not in signers:
                signers.append(known)
    if not signers:
        names = ", ".join(sorted({name for name, _ in lines}))
        raise VerificationError("unknown-log-key", f"no known key signed this note (only {names})")
    return OpenedNote(text, tuple(signers))


def split_note(data: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the text and the signature lines of a note, **unverified**.

    Returns:
        The text with its final newline, and per line the key name and key id plus signature.

    Raises:
        FormatError: (``bad-note``) ``data`` is not a signed note.
    """
    if len(data) > MAX_NOTE_BYTES:
        _refuse(f"{pluralize(len(data), 'byte')} is more than the {MAX_NOTE_BYTES} allowed")
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError("bad-note", "not a signed note: not UTF-8") from None
    text, separator, tail = note.rpartition("\n\n")
    text += "\n"
    if not separator or not tail.endswith("\n"):
        _refuse("no signature lines after an empty line")
    _check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_NOTE_SIGNATURES:
        _refuse(f"more than {MAX_NOTE_SIGNATURES} signatures")
    return text, [_split_line(line) for line in lines]


def _split_line(line: str) -> tuple[str, bytes]:
    name, separator, encoded = line.removeprefix(_LINE_START).partition(" ")
    if not line.startswith(_LINE_START) or not separator or not is_name(name):
        _refuse(f"a bad signature line: {line[:80]!r}")
    signature = decode_base64(encoded, "bad-note")
    if len(signature) < 5:
        _refuse("a signature line without a signature")
    return name, signature


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        _refuse("the text does not end with a newline")
    if any(character < " " and character != "\n" for character in text):
        _refuse("a control character in the text")


def _refuse(reason: str) -> NoReturn:
    raise FormatError("bad-note", f"not a signed note: {reason}")
