"""The chunk lists of large blobs, which transaction records name (spec §4.5)."""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.objects.chunk.chunker import LIST_MAX, ChunkList, parse_list
from lyrikstore.objects.chunk.stream import ChunkReader
from lyrikstore.objects.pack.reader import PackedBlobs

MAX_LIST_DEPTH = 3
"""Maximum number of levels at which a chunk list is itself a blob in chunks."""

_KEPT = 4


class ChunkLists:
    """A cache that reads chunk lists. Safe to read from several threads.

    Args:
        named: Pairs of a large blob and its list.
        packed: The blobs with the lists and chunks.

    Attributes:
        named: The list of each large blob.
    """

    def __init__(self, named: Iterable[tuple[Digest, Digest]], packed: PackedBlobs) -> None:
        self.named = dict(named)
        self._packed = packed
        self._parsed: OrderedDict[Digest, ChunkList] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, digest: Digest, depth: int = 0) -> ChunkList:
        """Return the chunk list of a large blob.

        Args:
            digest: The blob.
            depth: Number of lists above this one.

        Raises:
            NotFoundError, IncompleteError: The blob, or its list, is not here.
            VerificationError, FormatError: The list is damaged, or the lists form a cycle.
        """
        with self._lock:
            if digest in self._parsed:
                self._parsed.move_to_end(digest)
                return self._parsed[digest]
        if (listed := self.named.get(digest)) is None:
            raise self._packed.absent(digest)
        parsed = parse_list(self._bytes_of(digest, listed, depth))
        with self._lock:
            self._parsed[digest] = parsed
            while len(self._parsed) > _KEPT:
                self._parsed.popitem(last=False)
        return parsed

    def _bytes_of(self, digest: Digest, listed: Digest, depth: int) -> bytes:
        if self._packed.holds(listed.raw):
            return self._packed.read(listed.raw)
        if depth >= MAX_LIST_DEPTH:
            raise FormatError("bad-list", f"the chunk lists of {digest.short} form a cycle")
        inner = self.of(listed, depth + 1)
        if inner.bytes > LIST_MAX:
            raise FormatError("too-large", f"the chunk list of {digest.short} is too large")
        return ChunkReader(inner, listed, self._packed.read).readall()
