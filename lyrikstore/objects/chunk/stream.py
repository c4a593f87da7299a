"""The stream of a large blob: chunk after chunk, each hashed before it is returned."""

import io
from bisect import bisect_right
from collections.abc import Callable, Mapping

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    IncompleteError,
    InvalidInputError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.objects.chunk.chunker import CHUNK_MAX, ChunkList

NOT_FETCHED = "not-fetched"
"""Kind of the error for a blob that a partial clone leaves out."""


class ChunkReader(io.RawIOBase):
    """A seekable stream over the chunks of one blob.

    Every chunk is hashed before any of it is returned. If the stream is read from the start without
    skipping, the whole blob is hashed as well before the last chunk is returned.

    Args:
        chunks: The chunk list.
        digest: The blob.
        fetch: Returns the checked bytes of a chunk, given its raw digest.
    """

    def __init__(self, chunks: ChunkList, digest: Digest, fetch: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._digest = digest
        self._fetch = fetch
        self._at = 0
        self._number = -1
        self._chunk = b""
        self._whole = blake3()
        self._next = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position and return it; see :meth:`io.IOBase.seek`."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._chunks.bytes}[whence]
        if base + offset < 0:
            raise InvalidInputError("bad-seek", "cannot seek before the start of a blob")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill ``buffer`` from at most one chunk; return how many bytes, 0 at the end."""
        if self._at >= self._chunks.bytes:
            return 0
        number = bisect_right(self._chunks.starts, self._at) - 1
        if number != self._number:
            self._load(number)
        start = self._at - self._chunks.starts[number]
        part = self._chunk[start : start + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def readall(self) -> bytes:
        """Return the rest of the blob."""
        chunks = []
        while chunk := self.read(CHUNK_MAX):
            chunks.append(chunk)
        return b"".join(chunks)

    def _load(self, number: int) -> None:
        chunk = self._fetch(self._chunks.digest(number))
        if len(chunk) != self._chunks.size(number):
            raise damaged_blob(self._digest.raw, "the size of a chunk is not the listed one")
        if number == self._next:
            self._whole.update(chunk)
            self._next += 1
        # Asked again after the error, the last chunk is refused again.
        if self._next == len(self._chunks) and self._whole.digest() != self._digest.raw:
            raise damaged_blob(self._digest.raw, "the hash of its joined chunks is not its id")
        self._number, self._chunk = number, chunk


def damaged_blob(raw: bytes, how: str) -> VerificationError:
    """Return the error for stored bytes that are not those of blob ``raw``."""
    digest = Digest(raw)
    return VerificationError(
        "blob-damaged",
        f"blob {digest.short} is damaged: {how}",
        hint="fetch it from a remote that has it: lyrikstore verify --repair-from REMOTE",
        details={"blob": str(digest)},
    )


def absent_blob(
    digest: Digest, damaged: Mapping[Digest, str], *, partial: bool, for_audit: bool = False
) -> NotFoundError | IncompleteError:
    """Return the error for a blob that is not here: absent, lost or not fetched.

    Args:
        digest: The blob.
        damaged: Packs that are missing or whose index cannot be used, with the reason.
        partial: Whether other packs exist that were not fetched.
        for_audit: Whether they never are, because this is a clone for an audit.
    """
    if for_audit and not damaged:
        return IncompleteError(
            NOT_FETCHED,
            f"this clone was made for an audit: blob {digest.short} stays at the home",
            hint="whoever may have the data makes another clone: lyrikstore clone URL",
            details={"blob": str(digest)},
        )
    if partial and not damaged:
        return IncompleteError(
            NOT_FETCHED,
            f"blob {digest.short} is not fetched: this clone is partial",
            hint="lyrikstore pull --all-data",
            details={"blob": str(digest)},
        )
    if damaged:
        pack, reason = next(iter(damaged.items()))
        return IncompleteError(
            "blob-lost",
            f"blob {digest.short} is lost: {reason}",
            hint="fetch it from a remote that has it: lyrikstore verify --repair-from REMOTE",
            details={"blob": str(digest), "pack": str(pack)},
        )
    return NotFoundError("no-blob", f"blob {digest.short} is not in this store")
