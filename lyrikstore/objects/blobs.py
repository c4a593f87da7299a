"""Reading blobs: every byte handed out has been hashed (spec §4.1)."""

import io
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import BinaryIO, cast

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    LyrikstoreError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.canon.grammar import counted
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.objects.backend import Backend
from lyrikstore.objects.blockcache import BlockCache
from lyrikstore.objects.chunker import PieceList
from lyrikstore.objects.digestset import DigestSet
from lyrikstore.objects.layout import join_runs, runs_of
from lyrikstore.objects.packs import PackRef, PackRole
from lyrikstore.objects.parameters import read_parameters
from lyrikstore.objects.piecelists import LISTS_OF_LISTS, PieceLists
from lyrikstore.objects.reading import PieceReader, absent_blob, damaged_blob
from lyrikstore.objects.table import BlobTable
from lyrikstore.objects.targets import Pools
from lyrikstore.objects.transactions import LiveObjects, PackChanges
from lyrikstore.objects.verifying import Checked, Checker
from lyrikstore.objects.writer import BlobWriter


def open_blobs(
    backend: Backend, live: LiveObjects, before: "BlobStore | None" = None
) -> "BlobStore":
    """Return the blobs that ``live`` leaves readable; the rest as there. Reads nothing yet."""
    return BlobStore(backend, live.packs, live.chunk_lists.items(), before=before)


def open_fetched(backend: Backend, live: LiveObjects) -> "BlobStore":
    """Return the blobs of a partial clone: what is not here is *not fetched*, never lost.

    Cost: one question per pack, and one read per large blob.
    """
    packs = [pack for pack in live.packs if backend.size(pack.name) is not None]
    if len(packs) == len(live.packs):
        return open_blobs(backend, live)
    all_lists = BlobStore(backend, packs, live.chunk_lists.items(), partial=True)
    here = [item for item in live.chunk_lists.items() if all_lists.is_whole(item[0])]
    return BlobStore(backend, packs, here, partial=True)


class BlobStore:
    """The blobs in a list of packs.

    Pack indexes are read at the first question, about 100 bytes of memory per blob. Safe to read
    from several threads.

    Args:
        backend: Where the packs are.
        packs: The live packs, from transaction records.
        chunk_lists: Pairs of a large blob and the list of its pieces, from transaction records.
        partial: Whether other packs exist that were not fetched.
        before: Blobs of the same store, whose pack indexes are used again.
    """

    def __init__(
        self,
        backend: Backend,
        packs: Iterable[PackRef],
        chunk_lists: Iterable[tuple[Digest, Digest]] = (),
        *,
        partial: bool = False,
        before: "BlobStore | None" = None,
    ) -> None:
        self.backend = backend
        self._partial = partial
        self._packs = tuple(dict.fromkeys(packs))
        self._table: BlobTable | None = None
        self._documents: BlobTable | None = None
        self._before = before.known if before is not None else None
        self._blocks = BlockCache(backend)
        self._lists = PieceLists(
            chunk_lists,
            is_small=lambda raw: self._with(raw).find(raw) >= 0,
            read=self._small,
            absent=self._absent,
        )
        self._lock = threading.RLock()

    @property
    def packs(self) -> tuple[PackRef, ...]:
        """The packs read here."""
        return self._packs

    @property
    def known(self) -> BlobTable | None:
        """The largest table read so far."""
        return self._table or self._before or self._documents

    @property
    def damaged(self) -> dict[Digest, str]:
        """Packs that are missing or whose index cannot be used, with the reason."""
        return dict(self._index().damaged)

    @property
    def is_whole_here(self) -> bool:
        """Whether every pack is here and its index can be used."""
        return not self._partial and not self._index().damaged

    def adopt(self, changes: PackChanges) -> None:
        """Make what a writer stored readable here, once its transaction is committed."""
        with self._lock:
            self._packs = tuple(dict.fromkeys((*self._packs, *changes.added)))
            self._lists.named.update(changes.chunk_lists)
            self._before, self._table, self._documents = self.known, None, None

    def has(self, digest: Digest) -> bool:
        """Return whether the blob is here. Its bytes are not looked at."""
        listed: Digest | None = digest
        for _ in range(LISTS_OF_LISTS + 1):
            if listed is None or self._index().find(listed.raw) >= 0:
                return listed is not None
            listed = self._lists.named.get(listed)
        return False

    def is_whole(self, digest: Digest) -> bool:
        """Return whether a blob is here with all its pieces. Their bytes are not looked at."""
        table = self._index()
        if table.find(digest.raw) >= 0:
            return True
        try:
            pieces = self.pieces(digest)
        except (IncompleteError, NotFoundError):
            return False
        return all(table.find(pieces.digest(number)) >= 0 for number in range(len(pieces)))

    def missing(self, digests: bytes) -> list[int]:
        """Return the positions in ``digests``, 32 bytes each, of blobs that are not here.

        Cost: one pass over the digests of the store; for a few a search each.
        """
        asked = [digests[at : at + 32] for at in range(0, len(digests), 32)]
        absent = self._index().absent(asked)
        absent -= {blob.raw for blob in self._lists.named if blob.raw in absent and self.has(blob)}
        return [at for at, raw in enumerate(asked) if raw in absent]

    def size(self, digest: Digest) -> int:
        """Return the size of a blob in bytes, as its pack or list of pieces gives it.

        Raises:
            NotFoundError: (``no-blob``) it is not in this store.
            IncompleteError: (``blob-lost``) it is not, and a pack is missing or damaged.
        """
        table = self._with(digest.raw)
        place = table.find(digest.raw)
        if place >= 0:
            return table.place(place)[3]
        return self.pieces(digest).bytes

    def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        """Return the bytes of a blob.

        Args:
            digest: The blob.
            max_bytes: Refuse a larger one before reading it.

        Raises:
            NotFoundError: (``no-blob``) it is not in this store.
            IncompleteError: (``blob-lost``) it is not, and a pack is missing or damaged.
            VerificationError: (``blob-damaged``) the stored bytes are not the blob.
            FormatError: (``too-large``) it is larger than ``max_bytes``.
        """
        size = self.size(digest)
        if size > max_bytes:
            text = f"blob {digest.short} has {counted(size, 'byte')}; at most {max_bytes} fit here"
            raise FormatError("too-large", text)
        if self._with(digest.raw).find(digest.raw) >= 0:
            return self._small(digest.raw)
        data = self._joined(digest)
        if data is None:
            with self.open(digest) as stream:
                return stream.read()
        return data

    def open(self, digest: Digest) -> BinaryIO:
        """Return a seekable stream of a blob's bytes.

        Read from start to end, the stream raises before its last bytes if the whole is not the
        blob. After a seek it checks each piece against the list of pieces that the transaction
        record vouches for.

        Raises:
            NotFoundError, IncompleteError, VerificationError: As :meth:`read`; the last also
                while reading.

        Cost: one block (4 MiB at most) in memory, and 44 bytes per piece of a large blob.
        """
        if self._with(digest.raw).find(digest.raw) >= 0:
            return io.BytesIO(self._small(digest.raw))
        raw = PieceReader(self.pieces(digest), digest, self._small)
        return cast("BinaryIO", io.BufferedReader(raw, 1 << 16))

    def iter(self) -> Iterator[Digest]:
        """Yield every digest that can be opened: blobs, pieces and lists of pieces, each once."""
        table = self._index()
        for raw in table.iter():
            yield Digest(raw)
        for blob in self._lists.named:
            if table.find(blob.raw) < 0 and self.has(blob):
                yield blob

    def verify_all(
        self,
        progress: OnProgress = silent,
        *,
        share: float = 1,
        pools: Pools | None = None,
    ) -> Iterator[Checked]:
        """Check packs and blobs, in worker processes where there is much to read.

        A pack is checked as a file against its id, and every blob in it is hashed; every large
        blob is put together from its pieces and hashed.

        Args:
            progress: Told about bytes.
            share: How many of the packs to read: 1 for all, 0 for none. Of those not read only
                presence, size and footer are looked at, and no large blob is put together.
            pools: Makes the workers, if they are not to be processes here.

        Yields:
            One result per pack and per large blob, and one for every other blob that is wrong.

        Cost: see :meth:`lyrikstore.objects.verifying.Checker.check`.
        """
        checker = self._checker(progress, pools)
        if share < 1:
            yield from checker.look(share)
            return
        # Records name lists for ever; one that is nowhere belonged to data that is there no more.
        large = [
            blob
            for blob in self._lists.named
            if self._index().find(blob.raw) < 0 and self.has(blob)
        ]
        yield from checker.check(large)

    def unsound(self, digests: Iterable[Digest], progress: OnProgress = silent) -> set[Digest]:
        """Read and hash blobs; return those that are absent or damaged. Reading one says how.

        Args:
            digests: The blobs.
            progress: Told about bytes.

        Cost: each block that holds one of them is read and unpacked once, in worker processes
            where there is much to read.
        """
        return self._checker(progress).check_some(digests)

    def differing(self, sizes: Mapping[bytes, int]) -> list[bytes]:
        """Return which of the raw digests in ``sizes`` are not here with the size given there.

        Cost: one pass over the indexes of all packs, whatever is asked.
        """
        return [
            raw
            for raw in self._index().differing(sizes)
            if not self._is_here(Digest(raw), sizes[raw])
        ]

    def _is_here(self, digest: Digest, size: int) -> bool:
        try:
            return self.has(digest) and self.size(digest) == size
        except (FormatError, IncompleteError, VerificationError):
            return False  # the list of its pieces is damaged

    @property
    def table(self) -> BlobTable:
        """Which pack holds which blob; treat as read-only."""
        return self._index()

    def runs(self, digest: Digest) -> "array[int] | None":
        """Return where a blob lies, as :func:`lyrikstore.objects.layout.runs_of` does, if it can.

        None says nothing more than that: :meth:`open` says why.
        """
        table = self._index()
        number = table.find(digest.raw)
        if number >= 0:
            return array("Q", table.place(number))
        try:
            return runs_of(table, self.pieces(digest))
        except LyrikstoreError:
            return None

    def _checker(self, progress: OnProgress, pools: Pools | None = None) -> Checker:
        return Checker(
            self.backend,
            self._packs,
            table=self._index,
            pieces=self.pieces,
            open_blob=self.open,
            progress=progress,
            pools=pools,
        )

    def writer(self, *, workers: int | None = None) -> BlobWriter:
        """Return a writer that stores what this store does not have; use it in ``with``.

        Args:
            workers: How many processes or threads to use; all cores unless given.

        Raises:
            FormatError: The store's parameters cannot be read.
        """
        return BlobWriter(self.backend, self, read_parameters(self.backend), workers=workers)

    def digests(self) -> DigestSet:
        """Return the digests of all blobs that lie in a pack, pieces of large ones included."""
        return self._index().digests

    def among(self, digests: Sequence[bytes], role: PackRole) -> set[bytes]:
        """Return which of the raw ``digests`` are here; as documents, if that is the role."""
        return (self._papers() if role == "documents" else self._index()).among(digests)

    def is_document(self, raw: bytes) -> bool:
        """Return whether a documents pack has a blob."""
        return self._papers().find(raw) >= 0

    def find(self, raw: bytes) -> int:
        """Return the number of a blob in :attr:`table`, or -1."""
        return self._index().find(raw)

    def list_of(self, blob: Digest) -> Digest | None:
        """Return the list of pieces that the records name for a large blob, if it is here."""
        listed = self._lists.named.get(blob)
        return listed if listed is not None and self.has(listed) else None

    def pieces(self, digest: Digest) -> PieceList:
        """Return the list of pieces of a large blob.

        Raises:
            NotFoundError, IncompleteError, VerificationError, FormatError: As :meth:`read`.
        """
        return self._lists.of(digest)

    def _small(self, raw: bytes) -> bytes:
        table = self._with(raw)
        try:
            return self._read(table, raw)
        except LyrikstoreError:
            if table is self._index():
                raise
            return self._read(self._index(), raw)  # there may be another copy in a data pack

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
        raise trouble or self._absent(Digest(raw))

    def _index(self) -> "BlobTable":
        with self._lock:
            if self._table is None:
                self._table = BlobTable(self.backend, self._packs, self.known)
            return self._table

    def _with(self, raw: bytes) -> "BlobTable":
        """Return a table that has a blob, if any has: that of documents alone where it does.

        Most commands read documents only, and most digests are of data.
        """
        papers = self._papers()
        return papers if papers.find(raw) >= 0 else self._index()

    def _papers(self) -> "BlobTable":
        with self._lock:
            if self._documents is None:
                packs = tuple(pack for pack in self._packs if pack.role == "documents")
                self._documents = BlobTable(self.backend, packs, self.known)
            return self._documents

    def _joined(self, digest: Digest) -> bytes | None:
        # A large document run by run, hashed as a whole; None where that does not do.
        table = self._papers()
        runs = runs_of(table, self.pieces(digest))
        try:
            data = join_runs(partial(self._blocks.read, table), runs) if runs else b""
        except LyrikstoreError:
            return None
        return data if Digest.of(data) == digest else None

    def _absent(self, digest: Digest) -> NotFoundError | IncompleteError:
        return absent_blob(digest, self._index().damaged, partial=self._partial)
