"""Blobs that are stored whole in packs: small blobs, chunks of large ones, and chunk lists."""

import threading
from collections.abc import Iterable, Sequence
from functools import partial

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    LyrikstoreError,
    NotFoundError,
)
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.chunk.chunker import ChunkList
from lyrikstore.objects.chunk.stream import absent_blob, damaged_blob
from lyrikstore.objects.pack.block_cache import BlockCache, LastRead
from lyrikstore.objects.pack.digest_set import DigestSet
from lyrikstore.objects.pack.format import PackRef, PackRole
from lyrikstore.objects.pack.index import BlobTable
from lyrikstore.objects.pack.layout import join_runs, runs_of

KEPT_BYTES, MOST_KEPT = 16 << 20, 256 << 10
"""Total bytes of hashed blobs that are cached, and maximum size of a cached blob."""


class PackedBlobs:
    """Reader of the whole blobs in a list of packs, by raw digest. Safe to use from threads.

    Args:
        backend: The store's files.
        packs: The live packs.
        partial: Whether other packs exist that were not fetched.
        before: Blobs of the same store, whose pack indexes and cache are reused.
        for_audit: Whether the other packs stay at the home of the store.

    Attributes:
        last_read: Cache of the small blobs that were read and hashed last.
    """

    def __init__(
        self,
        backend: Backend,
        packs: Iterable[PackRef],
        *,
        partial: bool = False,
        before: "PackedBlobs | None" = None,
        for_audit: bool = False,
    ) -> None:
        self._backend = backend
        self._for_audit = for_audit
        self._partial = partial
        self._packs = tuple(dict.fromkeys(packs))
        self._table: BlobTable | None = None
        self._documents: BlobTable | None = None
        self._before = None if before is None else before.known
        self._blocks = BlockCache(backend)
        self.last_read: LastRead[bytes] = (
            LastRead(KEPT_BYTES) if before is None else before.last_read
        )
        self._lock = threading.RLock()

    @property
    def packs(self) -> tuple[PackRef, ...]:
        """The packs that are read."""
        return self._packs

    @property
    def is_whole(self) -> bool:
        """Whether every pack is here and its index can be used."""
        return not self._partial and not self.table.damaged

    @property
    def table(self) -> BlobTable:
        """The table of blobs and their packs, read on first use; treat as read-only."""
        with self._lock:
            if self._table is None:
                self._table = BlobTable(self._backend, self._packs, self.known)
            return self._table

    @property
    def known(self) -> BlobTable | None:
        """The largest table read so far."""
        return self._table or self._before or self._documents

    def adopt(self, packs: Iterable[PackRef]) -> None:
        """Add packs to be read."""
        with self._lock:
            self._packs = tuple(dict.fromkeys((*self._packs, *packs)))
            self._before, self._table, self._documents = self.known, None, None

    def holds(self, raw: bytes) -> bool:
        """Return whether a blob is here. Its bytes are not read."""
        return self._with(raw).find(raw) >= 0

    def size(self, raw: bytes) -> int | None:
        """Return the size of a blob in bytes, or None if it is not here."""
        table = self._with(raw)
        place = table.find(raw)
        return table.place(place)[3] if place >= 0 else None

    def read(self, raw: bytes) -> bytes:
        """Return the bytes of a blob, hashed.

        Raises:
            NotFoundError, IncompleteError: It is not here; see :meth:`absent`.
            VerificationError: (``blob-damaged``) all copies of it are damaged.
        """
        table = self._with(raw)
        kept = self.last_read.get(raw)
        if kept is not None and table.find(raw) >= 0:
            return kept
        try:
            data = self._read(table, raw)
        except LyrikstoreError:
            if table is self.table:
                raise
            data = self._read(self.table, raw)  # there may be another copy in a data pack
        if len(data) <= MOST_KEPT:
            self.last_read.keep(raw, data)
        return data

    def join(self, chunks: ChunkList, digest: Digest) -> bytes | None:
        """Return a large document, read run by run and hashed as a whole; None if that fails."""
        table = self._papers
        runs = runs_of(table, chunks)
        try:
            data = join_runs(partial(self._blocks.read, table), runs) if runs else b""
        except LyrikstoreError:
            return None
        return data if Digest.of(data) == digest else None

    def digests(self) -> DigestSet:
        """Return the digests of all blobs here."""
        return self.table.digests

    def among(self, digests: Sequence[bytes], role: PackRole) -> set[bytes]:
        """Return the raw ``digests`` that are here; for documents, in documents packs only."""
        return (self._papers if role == "documents" else self.table).among(digests)

    def is_document(self, raw: bytes) -> bool:
        """Return whether a documents pack has a blob."""
        return self._papers.find(raw) >= 0

    def absent(self, digest: Digest) -> NotFoundError | IncompleteError:
        """Return the error for a blob that is not here: absent, lost or not fetched."""
        damaged = self.table.damaged
        return absent_blob(digest, damaged, partial=self._partial, for_audit=self._for_audit)

    def _read(self, table: BlobTable, raw: bytes) -> bytes:
        trouble: LyrikstoreError | None = None
        for number in table.copies(raw):
            pack, block, start, size = table.place(number)
            try:
                data = self._blocks.read(table, pack, block)[start : start + size]
            except (FormatError, NotFoundError) as error:
                trouble = damaged_blob(raw, str(error))
                continue
            if blake3(data).digest() == raw:
                return data
            trouble = damaged_blob(raw, f"in pack {table.packs[pack].id.short}")
        raise trouble or self.absent(Digest(raw))

    def _with(self, raw: bytes) -> BlobTable:
        """Return a table that contains a blob, if any does: the table of documents if possible.

        Most commands read only documents, and most digests are of data.
        """
        return self._papers if self.is_document(raw) else self.table

    @property
    def _papers(self) -> BlobTable:
        with self._lock:
            if self._documents is None:
                packs = tuple(pack for pack in self._packs if pack.role == "documents")
                self._documents = BlobTable(self._backend, packs, self.known)
            return self._documents
