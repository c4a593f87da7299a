"""The signed parts of a log and its proofs: leaves, log checkpoints, proofs (spec/07-log.md).

Pure functions over bytes: the same code verifies a store, a delivery and a single proof file.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NoReturn, Self, cast

from msgspec import Struct

from lyrikstore.canon import json
from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, VerificationError
from lyrikstore.canon.limits import (
    MAX_LOG_PROOF_BYTES,
    MAX_LOG_PROOF_HASHES,
    MAX_LOG_PROOF_SIGNERS,
    MAX_NOTE_BYTES,
    MAX_NOTE_SIGNATURES,
)
from lyrikstore.canon.text import pluralize
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.log import merkle
from lyrikstore.history.log.note import (
    VerifierKey,
    check_name,
    is_name,
    open_note,
    sign_note,
    split_note,
)

EntryType = Literal["manifest", "credential", "transaction"]
ENTRY_TYPES: tuple[EntryType, ...] = ("manifest", "credential", "transaction")

MAX_SIZE = 2**53 - 1

_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_PROOF_HEADER = "c2sp.org/tlog-proof@v1"


class Leaf(Struct, frozen=True):
    """One log entry: a type and a digest. It contains nothing that could reveal content.

    Attributes:
        type: What kind of bytes the digest names.
        id: BLAKE3 of the manifest, credential or transaction record.
    """

    type: EntryType
    id: Digest

    def encode(self) -> bytes:
        """Return the entry's bytes: ``{"id":"blake3:…","type":"manifest","v":1}``."""
        # Canonical by construction, and ten times as fast as encoding a dictionary.
        return f'{{"id":"{self.id}","type":"{self.type}","v":1}}'.encode()

    @property
    def hash(self) -> bytes:
        """The Merkle leaf hash over the entry's bytes."""
        return merkle.leaf_hash(self.encode())

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read an entry's bytes.

        Raises:
            FormatError: (``bad-leaf``) ``data`` is not the canonical entry of a known type.
        """
        value = json.parse_canonical(data, max_bytes=1024)
        if not isinstance(value, dict) or value.keys() != {"id", "type", "v"}:
            raise FormatError("bad-leaf", "a log entry has exactly the members id, type and v")
        if type(value["v"]) is not int or value["v"] != 1 or value["type"] not in ENTRY_TYPES:
            raise FormatError("bad-leaf", "a log entry of an unknown version or type")
        return cls(cast("EntryType", value["type"]), Digest.parse(value["id"]))


class LogCheckpoint(Struct, frozen=True):
    """The head of a log: the number of its entries, and the root over them.

    Attributes:
        origin: The log's name.
        size: Number of entries.
        root: 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        check_name(self.origin)
        if not 0 <= self.size <= MAX_SIZE or len(self.root) != merkle.HASH_BYTES:
            raise FormatError("bad-checkpoint", "a log checkpoint with an impossible size or root")

    @property
    def text(self) -> str:
        """The note text: origin, size, base64 root, one per line."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    def sign(self, signer: Signer) -> bytes:
        """Return the signed note that publishes this head.

        The caller has shown that this head extends every head signed before
        (:mod:`lyrikstore.history.log.memory`): two heads that disagree are a permanent fork.
        """
        return sign_note(self.text, self.origin, signer)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a checkpoint's note text.

        Raises:
            FormatError: (``bad-checkpoint``) the text is not three lines of that form. These logs
                do not use extension lines, which are refused.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not is_name(lines[0]) or not _NUMBER.fullmatch(lines[1]):
            raise FormatError("bad-checkpoint", "not a log checkpoint")
        root = decode_base64(lines[2], "bad-checkpoint")
        if len(root) != merkle.HASH_BYTES:
            raise FormatError("bad-checkpoint", "the root in a log checkpoint is not 32 bytes")
        return cls(lines[0], int(lines[1]), root)


class SignedCheckpoint(Struct, frozen=True):
    """A log checkpoint whose signature verifies.

    Attributes:
        head: Origin, size and root.
        note: The note's bytes, unchanged, with the lines of unknown keys.
        signers: The trusted keys that signed.
    """

    head: LogCheckpoint
    note: bytes
    signers: tuple[VerifierKey, ...]

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.head.origin

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.head.size

    @property
    def root(self) -> bytes:
        """The root hash, 32 bytes."""
        return self.head.root


class Place(Struct, frozen=True):
    """The position at which a proof shows an entry in the log.

    Attributes:
        index: Its position.
        signed: The log checkpoint that covers the entry; None in a log that is open here, where
            none is needed.
    """

    index: int
    signed: SignedCheckpoint | None = None


def open_checkpoint(
    data: bytes, keys: Sequence[VerifierKey], *, most: int = MAX_NOTE_SIGNATURES
) -> SignedCheckpoint:
    """Return a published log checkpoint, verified with the log's keys.

    The key's name must be the origin in the text: a key of one log cannot vouch for another log
    (attack case A37).

    Args:
        data: The note.
        keys: The log's keys.
        most: How many signature lines by these keys the note may have.

    Raises:
        FormatError: (``bad-note``, ``bad-checkpoint``) the bytes are not a log checkpoint.
        VerificationError: (``bad-log-signature``, ``unknown-log-key``) it has no trusted signature.
    """
    origin = split_note(data)[0].split("\n", 1)[0]
    opened = open_note(data, [key for key in keys if key.name == origin], most=most)
    return SignedCheckpoint(LogCheckpoint.parse(opened.text), data, opened.signers)


class TlogProof(Struct, frozen=True):
    """Proof that an entry is in a log, after c2sp.org/tlog-proof; the file is ``.tlog-proof``.

    Attributes:
        index: Position of the entry.
        hashes: The inclusion proof, from the leaf's sibling upwards.
        checkpoint: The signed note, byte-exact.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """Return the proof file's bytes."""
        lines = [_PROOF_HEADER, f"index {self.index}"]
        lines += [b64encode(item).decode() for item in self.hashes]
        return "\n".join([*lines, "", ""]).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a proof file; a line of extra data is skipped, because it is not authenticated.

        Raises:
            FormatError: (``bad-tlog-proof``) ``data`` is not a proof file.
        """
        if len(data) > MAX_LOG_PROOF_BYTES:
            _refuse(pluralize(len(data), "byte"))
        head, separator, checkpoint = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise FormatError("bad-tlog-proof", "not a log proof: not ASCII") from None
        if not separator or len(checkpoint) > MAX_NOTE_BYTES or lines.pop(0) != _PROOF_HEADER:
            _refuse("no header or no log checkpoint")
        if lines and lines[0].startswith("extra "):
            decode_base64(lines.pop(0).removeprefix("extra "), "bad-tlog-proof")
        word, _, number = (lines.pop(0) if lines else "").partition(" ")
        if word != "index" or not _NUMBER.fullmatch(number) or int(number) > MAX_SIZE:
            _refuse("no index line")
        if len(lines) > MAX_LOG_PROOF_HASHES:
            _refuse(f"more than {MAX_LOG_PROOF_HASHES} hashes")
        hashes = tuple(decode_base64(line, "bad-tlog-proof") for line in lines)
        if any(len(item) != merkle.HASH_BYTES for item in hashes):
            _refuse("a hash that is not 32 bytes")
        split_note(checkpoint)
        return cls(int(number), hashes, checkpoint)

    @property
    def stated(self) -> LogCheckpoint | None:
        """The log checkpoint in this proof, unverified; None if it cannot be parsed."""
        return _stated(self.checkpoint)

    def is_of(self, leaf: Leaf) -> bool:
        """Return whether the proof leads from ``leaf`` to its stated root; no signature is checked.

        Cost: a few hashes.
        """
        head = self.stated
        if head is None:
            return False
        try:
            merkle.verify_inclusion(leaf.hash, self.index, head.size, self.hashes, head.root)
        except VerificationError:
            return False
        return True

    def verify(self, leaf: Leaf, keys: Sequence[VerifierKey]) -> SignedCheckpoint:
        """Return the log checkpoint that proves ``leaf`` at ``index``.

        Args:
            leaf: The expected entry.
            keys: The log's keys.

        Raises:
            FormatError: The log checkpoint cannot be read.
            VerificationError: Its signature does not verify, or (``bad-inclusion``) the proof does
                not lead from the leaf to its root.
            LyrikstoreError: As :func:`verify_inclusion`.
        """
        signed = open_checkpoint(self.checkpoint, keys, most=MAX_LOG_PROOF_SIGNERS)
        merkle.verify_inclusion(leaf.hash, self.index, signed.size, self.hashes, signed.root)
        return signed


@lru_cache(maxsize=512)  # as many proofs as lie next to a credential, each tried with many entries
def _stated(checkpoint: bytes) -> LogCheckpoint | None:
    try:
        return LogCheckpoint.parse(split_note(checkpoint)[0])
    except FormatError:
        return None


def _refuse(reason: str) -> NoReturn:
    raise FormatError("bad-tlog-proof", f"not a log proof: {reason}")
