"""The lists of pieces of large blobs, found by what transaction records name (spec §4.5)."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.objects.chunker import LIST_MAX, PieceList, parse_list
from lyrikstore.objects.reading import PieceReader

LISTS_OF_LISTS = 3
"""How often a list of pieces may itself be a blob in pieces."""

_KEPT = 4


class PieceLists:
    """Reads and keeps lists of pieces. Safe to read from several threads.

    Args:
        named: Pairs of a large blob and its list.
        is_small: Whether a blob lies in a pack as it is; asked with a raw digest.
        read: Returns the verified bytes of such a blob.
        absent: Makes what is raised about a blob that is not here.

    Attributes:
        named: The list of each large blob.
    """

    def __init__(
        self,
        named: Iterable[tuple[Digest, Digest]],
        is_small: Callable[[bytes], bool],
        read: Callable[[bytes], bytes],
        absent: Callable[[Digest], LyrikstoreError],
    ) -> None:
        self.named = dict(named)
        self._is_small = is_small
        self._read = read
        self._absent = absent
        self._parsed: OrderedDict[Digest, PieceList] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, digest: Digest, depth: int = 0) -> PieceList:
        """Return the list of pieces of a large blob.

        Args:
            digest: The blob.
            depth: How many lists led here.

        Raises:
            NotFoundError, IncompleteError: The blob, or its list, is not here.
            VerificationError, FormatError: The list is damaged, or lists go in a circle.
        """
        with self._lock:
            if digest in self._parsed:
                self._parsed.move_to_end(digest)
                return self._parsed[digest]
        if (listed := self.named.get(digest)) is None:
            raise self._absent(digest)
        parsed = parse_list(self._bytes_of(digest, listed, depth))
        with self._lock:
            self._parsed[digest] = parsed
            while len(self._parsed) > _KEPT:
                self._parsed.popitem(last=False)
        return parsed

    def _bytes_of(self, digest: Digest, listed: Digest, depth: int) -> bytes:
        if self._is_small(listed.raw):
            return self._read(listed.raw)
        if depth >= LISTS_OF_LISTS:
            raise FormatError("bad-list", f"lists of pieces of {digest.short} go in a circle")
        inner = self.of(listed, depth + 1)
        if inner.bytes > LIST_MAX:
            raise FormatError("too-large", f"the list of pieces of {digest.short} is too large")
        return PieceReader(inner, listed, self._read).readall()
