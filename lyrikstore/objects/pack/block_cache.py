"""Caches of data read from packs: blobs, and blocks, so that adjacent blobs are unpacked once."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

from lyrikstore.canon.digest import Digest
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.pack.index import BlobTable

KEPT_BYTES = 32 << 20
"""Bytes of unpacked blocks that are kept."""

_Key = TypeVar("_Key")


class LastRead(Generic[_Key]):
    """A cache of the bytes that were read last. Safe to use from several threads.

    Args:
        most: Maximum number of bytes.
    """

    def __init__(self, most: int) -> None:
        self._most, self._kept = most, 0
        self._found: OrderedDict[_Key, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key) -> bytes | None:
        """Return the cached bytes of a key, or None."""
        with self._lock:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
            return found

    def keep(self, key: _Key, data: bytes) -> None:
        """Cache the bytes of a key until later ones fill the cache."""
        with self._lock:
            if key not in self._found:
                self._found[key] = data
                self._kept += len(data)
                while self._kept > self._most:
                    self._kept -= len(self._found.popitem(last=False)[1])


class BlockCache:
    """A reader of blocks that caches the last ones. Safe to use from several threads.

    Args:
        backend: The store's files.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._blocks = LastRead[tuple[Digest, int]](KEPT_BYTES)

    def read(self, table: BlobTable, pack: int, block: int) -> bytes:
        """Return the content of a block, not hashed.

        Raises:
            FormatError: (``bad-pack``) it does not match the pack's index.
            NotFoundError: (``no-file``) the pack does not exist.
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
