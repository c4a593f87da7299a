"""The one value type for identity: a BLAKE3-256 digest (spec/01-digest.md)."""

from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Self

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.errors import FormatError, storage_errors
from lyrikstore.canon.files import open_regular


class Digest(Struct, frozen=True, order=True):
    """A BLAKE3-256 digest.

    Laws: ``Digest.parse(str(d)) == d`` for every digest, and ``str(Digest.parse(s)) == s`` for
    every string that parses. Equality is by value; order is by bytes.

    Attributes:
        raw: The 32 digest bytes.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if type(self.raw) is not bytes or len(self.raw) != 32:
            raise FormatError("bad-digest", "a digest is exactly 32 bytes")

    def __repr__(self) -> str:
        return f"Digest.parse({str(self)!r})"

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return the digest of ``data``: what ``b3sum`` prints."""
        return cls(blake3(data).digest())

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Return the digest of a file, streamed.

        Args:
            path: A regular file.

        Raises:
            NotFoundError: (``no-file``) there is no such file.
            StorageError: The file cannot be read, or is a device, pipe or socket.

        Cost: one read of the file, 1 MiB of memory. The file is never mapped: one that shrinks
        meanwhile would kill the process.
        """
        hasher = blake3()
        with storage_errors(f"cannot read {path}"), open_regular(path) as file:
            while part := file.read(1 << 20):
                hasher.update(part)
        return cls(hasher.digest())

    @classmethod
    def parse(cls, text: object) -> Self:
        """Parse ``blake3:<64 lower-case hex>``, the form inside documents.

        Raises:
            FormatError: (``bad-digest``) any other spelling; short forms are never accepted here.
        """
        return cls._read(text, "blake3:")

    @classmethod
    def parse_urn(cls, text: object) -> Self:
        """Parse ``urn:blake3:<64 lower-case hex>``, the form inside credentials.

        Raises:
            FormatError: (``bad-digest``) any other spelling.
        """
        return cls._read(text, "urn:blake3:")

    @classmethod
    def parse_hex(cls, text: object) -> Self:
        """Parse 64 bare lower-case hex digits, the form of members that are named ``blake3``.

        Raises:
            FormatError: (``bad-digest``) any other spelling.
        """
        return cls._read(text, "")

    @classmethod
    def _read(cls, text: object, prefix: str) -> Self:
        if isinstance(text, str) and len(text) == len(prefix) + 64 and text.startswith(prefix):
            digits = text[-64:]
            try:
                raw = bytes.fromhex(digits)
            except ValueError:
                raw = b""
            if raw.hex() == digits:  # fromhex takes capitals, and white space between
                return cls(raw)
        wanted = f"a digest like {prefix}<64 lower-case hex digits>"
        raise FormatError("bad-digest", f"not {wanted}: {str(text)[:80]!r}")

    @property
    def hex(self) -> str:
        """The digest as 64 lower-case hex digits."""
        return self.raw.hex()

    @property
    def short(self) -> str:
        """The first 12 hex digits, for people only."""
        return self.raw.hex()[:12]

    @property
    def urn(self) -> str:
        """The digest as ``urn:blake3:<hex>``."""
        return f"urn:blake3:{self.hex}"

    @property
    def multibase(self) -> str:
        """The digest as a base64url multibase multihash (0x1e, 32 bytes), for credentials."""
        return "u" + urlsafe_b64encode(b"\x1e\x20" + self.raw).decode().rstrip("=")

    def __str__(self) -> str:
        return f"blake3:{self.hex}"
