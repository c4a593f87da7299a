"""The blocks unpacked of late: neighbours of a blob that was read are read without unpacking."""

import threading
from collections import OrderedDict

from lyrikstore.canon.digest import Digest
from lyrikstore.objects.backend import Backend
from lyrikstore.objects.table import BlobTable


class BlockCache:
    """Reads and unpacks blocks, and keeps the last ones. Safe to use from several threads.

    Args:
        backend: Where the packs are.
        keep: How many bytes to keep.
    """

    def __init__(self, backend: Backend, keep: int = 32 << 20) -> None:
        self._backend = backend
        self._keep = keep
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
                while self._kept > self._keep:
                    self._kept -= len(self._blocks.popitem(last=False)[1])
        return content
