"""A cache of unpacked blocks, so that neighbouring blobs are unpacked once."""

import threading
from collections import OrderedDict

from lyrikstore.canon.digest import Digest
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.pack.index import BlobTable

KEPT_BYTES = 32 << 20
"""Bytes of blocks that are kept unpacked."""


class BlockCache:
    """Reads and unpacks blocks, and keeps the last ones. Safe to use from several threads.

    Args:
        backend: Where the packs are.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._kept = 0
        self._blocks: OrderedDict[tuple[Digest, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, table: BlobTable, pack: int, block: int) -> bytes:
        """Return the content of a block; nothing in it has been hashed.

        Raises:
            FormatError: (``bad-pack``) it is not what the pack's index announces.
            NotFoundError: (``no-file``) the pack is gone.
        """
        ref = table.packs[pack]
        key = (ref.id, block)
        with self._lock:
            if (cached := self._blocks.get(key)) is not None:
                self._blocks.move_to_end(key)
                return cached
        index = table.indexes[pack]
        offset, length = index.span(block)
        content = index.unpack(block, self._backend.read(ref.name, offset, length))
        with self._lock:
            if key not in self._blocks:
                self._blocks[key] = content
                self._kept += len(content)
                while self._kept > KEPT_BYTES:
                    self._kept -= len(self._blocks.popitem(last=False)[1])
        return content
