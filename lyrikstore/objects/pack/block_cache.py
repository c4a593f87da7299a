"""Caches of what was read of packs: blocks, so that neighbours are unpacked once, and blobs."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

from lyrikstore.canon.digest import Digest
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.pack.index import BlobTable

KEPT_BYTES = 32 << 20
"""Bytes of blocks that are kept unpacked."""

_Key = TypeVar("_Key")


class LastRead(Generic[_Key]):
    """Keeps the bytes that were read last. Safe to use from several threads.

    Args:
        most: How many bytes.
    """

    def __init__(self, most: int) -> None:
        self._most, self._kept = most, 0
        self._found: OrderedDict[_Key, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key) -> bytes | None:
        """Return what is kept under a key, or None."""
        with self._lock:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
            return found

    def keep(self, key: _Key, data: bytes) -> None:
        """Keep something until what was read later fills the place."""
        with self._lock:
            if key not in self._found:
                self._found[key] = data
                self._kept += len(data)
                while self._kept > self._most:
                    self._kept -= len(self._found.popitem(last=False)[1])


class BlockCache:
    """Reads and unpacks blocks, and keeps the last ones. Safe to use from several threads.

    Args:
        backend: Where the packs are.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._blocks = LastRead[tuple[Digest, int]](KEPT_BYTES)

    def read(self, table: BlobTable, pack: int, block: int) -> bytes:
        """Return the content of a block; nothing in it has been hashed.

        Raises:
            FormatError: (``bad-pack``) it is not what the pack's index announces.
            NotFoundError: (``no-file``) the pack is gone.
        """
        ref = table.packs[pack]
        key = (ref.id, block)
        if (kept := self._blocks.get(key)) is not None:
            return kept
        index = table.indexes[pack]
        offset, length = index.span(block)
        content = index.unpack(block, self._backend.read(ref.name, offset, length))
        self._blocks.keep(key, content)
        return content
