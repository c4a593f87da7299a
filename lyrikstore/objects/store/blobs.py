"""Reading blobs: every byte returned has been hashed (spec §4.1)."""

import io
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO, cast

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    LyrikstoreError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.canon.text import pluralize
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.chunk.chunker import ChunkList
from lyrikstore.objects.chunk.stream import ChunkReader
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.pack.index import BlobTable
from lyrikstore.objects.pack.layout import runs_of
from lyrikstore.objects.pack.parameters import read_parameters
from lyrikstore.objects.pack.reader import PackedBlobs
from lyrikstore.objects.store.chunk_lists import MAX_LIST_DEPTH, ChunkLists
from lyrikstore.objects.store.transactions import LiveObjects, PackChanges

if TYPE_CHECKING:
    from lyrikstore.objects.store.writer import BlobWriter


def open_blobs(
    backend: Backend, live: LiveObjects, before: "BlobStore | None" = None
) -> "BlobStore":
    """Return the blobs of ``live``; arguments as for :class:`BlobStore`. Reads nothing yet."""
    return BlobStore(backend, live.packs, live.chunk_lists.items(), before=before)


def open_fetched(backend: Backend, live: LiveObjects, own: Collection[PackRef] = ()) -> "BlobStore":
    """Return the blobs of a partial clone: blobs of absent data packs are *not fetched*.

    Args:
        backend: The store's files.
        live: Its live packs and chunk lists.
        own: Packs that were made here; if one is absent, its blobs are lost.

    Cost: one request per pack, and one read per large blob.
    """
    # ATTACK A187: a lost pack of documents, or of what was committed here, is not called left out.
    made_here = {pack.id for pack in own}
    packs = [
        pack
        for pack in live.packs
        if pack.role == "documents" or pack.id in made_here or backend.size(pack.name) is not None
    ]
    if len(packs) == len(live.packs):
        return open_blobs(backend, live)
    all_lists = BlobStore(backend, packs, live.chunk_lists.items(), partial=True)
    here = [item for item in live.chunk_lists.items() if all_lists.is_whole(item[0])]
    return BlobStore(backend, packs, here, partial=True)


def open_audited(backend: Backend, live: LiveObjects, packs: Iterable[PackRef]) -> "BlobStore":
    """Return the blobs of a clone for an audit, which has its own packs instead of the live ones.

    Args:
        backend: The store's files.
        live: Its live packs and chunk lists.
        packs: The packs of the clone.

    Cost: one read per large blob.
    """
    packs = tuple(packs)
    all_lists = BlobStore(backend, packs, live.chunk_lists.items(), partial=True)
    here = [item for item in live.chunk_lists.items() if all_lists.is_whole(item[0])]
    return BlobStore(backend, packs, here, partial=True, for_audit=True)


class BlobStore:
    """The blobs in a list of packs.

    Pack indexes are read on first use, about 100 bytes of memory per blob. Safe to read from
    several threads.

    Args:
        backend: The store's files.
        packs: The live packs, from transaction records.
        chunk_lists: Pairs of a large blob and its chunk list, from transaction records.
        partial: Whether other packs exist that were not fetched.
        before: Blobs of the same store, whose pack indexes are reused.
        for_audit: Whether these other packs stay at the home of the store.

    Attributes:
        backend: Where the packs are.
        packed: The small blobs, and the chunks of the large ones.
    """

    def __init__(
        self,
        backend: Backend,
        packs: Iterable[PackRef],
        chunk_lists: Iterable[tuple[Digest, Digest]] = (),
        *,
        partial: bool = False,
        before: "BlobStore | None" = None,
        for_audit: bool = False,
    ) -> None:
        self.backend = backend
        known = before.packed if before is not None else None
        self.packed: PackedBlobs = PackedBlobs(
            backend, packs, partial=partial, before=known, for_audit=for_audit
        )
        self._lists = ChunkLists(chunk_lists, self.packed)

    @property
    def packs(self) -> tuple[PackRef, ...]:
        """The packs that are read."""
        return self.packed.packs

    @property
    def table(self) -> BlobTable:
        """The table of blobs and their packs; treat as read-only."""
        return self.packed.table

    @property
    def damaged(self) -> dict[Digest, str]:
        """Packs that are missing or whose index cannot be used, with the reason."""
        return dict(self.table.damaged)

    @property
    def is_whole_here(self) -> bool:
        """Whether every pack is here and its index can be used."""
        return self.packed.is_whole

    def adopt(self, changes: PackChanges) -> None:
        """Make the blobs of a writer readable here, after its transaction is committed."""
        self.packed.adopt(changes.added)
        self._lists.named.update(changes.chunk_lists)

    def has(self, digest: Digest) -> bool:
        """Return whether the blob is here. Its bytes are not read."""
        listed: Digest | None = digest
        for _ in range(MAX_LIST_DEPTH + 1):
            if listed is None or self.table.find(listed.raw) >= 0:
                return listed is not None
            listed = self._lists.named.get(listed)
        return False

    def is_whole(self, digest: Digest) -> bool:
        """Return whether a blob is here with all its chunks. Their bytes are not read."""
        table = self.table
        if table.find(digest.raw) >= 0:
            return True
        try:
            chunks = self.chunks(digest)
        except (IncompleteError, NotFoundError):
            return False
        return all(table.find(chunks.digest(number)) >= 0 for number in range(len(chunks)))

    def missing(self, digests: bytes) -> list[int]:
        """Return the positions in ``digests``, 32 bytes each, of blobs that are not here.

        Cost: one pass over the digests of the store; for a few digests one search each.
        """
        asked = [digests[at : at + 32] for at in range(0, len(digests), 32)]
        absent = self.table.absent(asked)
        absent -= {blob.raw for blob in self._lists.named if blob.raw in absent and self.has(blob)}
        return [at for at, raw in enumerate(asked) if raw in absent]

    def size(self, digest: Digest) -> int:
        """Return the size of a blob in bytes, as its pack or chunk list gives it.

        Raises:
            NotFoundError: (``no-blob``) it is not in this store.
            IncompleteError: (``blob-lost``) it is not here, and a pack is missing or damaged.
        """
        size = self.packed.size(digest.raw)
        return self.chunks(digest).bytes if size is None else size

    def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        """Return the bytes of a blob.

        Args:
            digest: The blob.
            max_bytes: Maximum size; a larger blob is refused before it is read.

        Raises:
            NotFoundError: (``no-blob``) it is not in this store.
            IncompleteError: (``blob-lost``) it is not here, and a pack is missing or damaged.
            VerificationError: (``blob-damaged``) the stored bytes are not the blob.
            FormatError: (``too-large``) it is larger than ``max_bytes``.
        """
        size = self.size(digest)
        if size > max_bytes:
            text = (
                f"blob {digest.short} has {pluralize(size, 'byte')}; at most {max_bytes} fit here"
            )
            raise FormatError("too-large", text)
        if self.packed.holds(digest.raw):
            return self.packed.read(digest.raw)
        data = self.packed.join(self.chunks(digest), digest)
        if data is None:
            with self.open(digest) as stream:
                return stream.read()
        return data

    def open(self, digest: Digest) -> BinaryIO:
        """Return a seekable stream of a blob's bytes.

        Read from start to end, the stream raises before its last bytes if the whole is not the
        blob. After a seek it checks each chunk against the chunk list that the transaction
        record names.

        Raises:
            NotFoundError, IncompleteError, VerificationError: As :meth:`read`; the last also
                while reading.

        Cost: one block (4 MiB at most) in memory, and 44 bytes per chunk of a large blob.
        """
        if self.packed.holds(digest.raw):
            return io.BytesIO(self.packed.read(digest.raw))
        raw = ChunkReader(self.chunks(digest), digest, self.packed.read)
        return cast("BinaryIO", io.BufferedReader(raw, 1 << 16))

    def iter(self) -> Iterator[Digest]:
        """Yield every digest that can be opened: blobs, chunks and chunk lists, each once."""
        table = self.table
        for raw in table.iter():
            yield Digest(raw)
        yield from self.large()

    def large(self) -> Iterator[Digest]:
        """Yield every blob that is stored in chunks and can be opened.

        Records name chunk lists permanently; a list that no longer exists belongs to removed data.
        """
        table = self.table
        for blob in self._lists.named:
            if table.find(blob.raw) < 0 and self.has(blob):
                yield blob

    def differing(self, sizes: Mapping[bytes, int]) -> list[bytes]:
        """Return the raw digests in ``sizes`` that are not here with the size in ``sizes``.

        Cost: one pass over the indexes of all packs, for any number of digests.
        """
        return [
            raw for raw in self.table.differing(sizes) if not self._is_here(Digest(raw), sizes[raw])
        ]

    def _is_here(self, digest: Digest, size: int) -> bool:
        try:
            return self.has(digest) and self.size(digest) == size
        except (FormatError, IncompleteError, VerificationError):
            return False  # the its chunk list is damaged

    def runs(self, digest: Digest) -> "array[int] | None":
        """Return the runs of a blob, as :func:`~.pack.layout.runs_of`, or None if not available.

        None gives no reason: :meth:`open` raises the error.
        """
        table = self.table
        number = table.find(digest.raw)
        if number >= 0:
            return array("Q", table.place(number))
        try:
            return runs_of(table, self.chunks(digest))
        except LyrikstoreError:
            return None

    def writer(self, *, workers: int | None = None) -> "BlobWriter":
        """Return a writer that stores blobs which this store does not have; use it in ``with``.

        Args:
            workers: Number of processes or threads; by default all cores.

        Raises:
            FormatError: The store's parameters cannot be read.
        """
        parameters = read_parameters(self.backend)
        from lyrikstore.objects.store.writer import BlobWriter  # who reads loads no writer

        return BlobWriter(self.backend, self.packed, self.list_of, parameters, workers=workers)

    def list_of(self, blob: Digest) -> Digest | None:
        """Return the chunk list that the records name for a large blob; None if it is not here."""
        listed = self._lists.named.get(blob)
        return listed if listed is not None and self.has(listed) else None

    def chunks(self, digest: Digest) -> ChunkList:
        """Return the chunk list of a large blob.

        Raises:
            NotFoundError, IncompleteError, VerificationError, FormatError: As :meth:`read`.
        """
        return self._lists.of(digest)
