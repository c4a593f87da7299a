"""The positions of many blobs' bytes, block by block, so that each block is unpacked once.

Reading blobs one by one in any order would unpack a whole block for each of them; checking and
check-out read the packs in order instead.
"""

from array import array
from collections.abc import Callable, Mapping
from operator import sub

from lyrikstore.canon.errors import FormatError
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.chunk.chunker import ChunkList
from lyrikstore.objects.pack.format import PackIndex, PackRef, read_index, rebuild_index
from lyrikstore.objects.pack.index import BlobTable

COLUMNS = 4
"""Numbers per run in an array of runs: pack, block, start inside the block, length."""

_CACHE = 32 << 20
_STRIDE = 64


def runs_of(table: BlobTable, chunks: ChunkList) -> "array[int] | None":
    """Return the position of a large blob: runs of adjacent chunks, in order, as one flat array.

    Args:
        table: All blobs.
        chunks: The chunk list.

    Returns:
        :data:`COLUMNS` numbers per run, or None if a chunk is not here or has another size.

    Cost: one search for each chunk that does not follow the order of storage, and at most 64
    comparisons.
    """
    runs = array("Q")
    number, count = 0, len(chunks)
    while number < count:
        found = table.find(chunks.digest(number))
        if found < 0:
            return None
        pack, first = table.locate(found)
        index = table.indexes[pack]
        digests, bounds, starts = index.digests, index.bounds, chunks.starts
        at, end = first, min(len(index), first + count - number)
        step = _STRIDE
        while at < end and step:
            step = min(step, end - at)
            # Together, and where that fails one by one: neighbours mostly stay neighbours.
            if chunks.digests(number, number + step) == digests[
                at * 32 : (at + step) * 32
            ] and _sizes(starts, number, step) == _sizes(bounds, at, step):
                at += step
                number += step
            else:
                step = 1 if step > 1 else 0
        if at == first:
            return None
        _add_runs(runs, pack, index, first, at)
    return runs


def _sizes(bounds: "array[int]", first: int, count: int) -> list[int]:
    return list(map(sub, bounds[first + 1 : first + count + 1], bounds[first : first + count]))


def _add_runs(runs: "array[int]", pack: int, index: PackIndex, first: int, end: int) -> None:
    while first < end:
        block, start, _ = index.place(first)
        last = min(end, index.first[block + 1])
        add_run(runs, pack, block, start, index.bounds[last] - index.bounds[first])
        first = last


def add_run(runs: "array[int]", pack: int, block: int, start: int, length: int) -> None:
    """Add one run to an array of runs."""
    runs.extend((pack, block, start, length))


def join_runs(read: Callable[[int, int], bytes], runs: "array[int]") -> bytes:
    """Return the joined bytes of runs.

    Args:
        read: Returns the content of a block, given the number of its pack and its own number; its
            errors are passed on.
        runs: The runs, from :func:`runs_of`.
    """
    parts = []
    for at in range(0, len(runs), COLUMNS):
        pack, block, start, length = runs[at : at + COLUMNS]
        parts.append(read(pack, block)[start : start + length])
    return b"".join(parts)


class BlockReader:
    """A reader of unpacked blocks of some packs, which caches the last ones.

    Args:
        backend: The store's files.
        packs: The packs, by number.
    """

    def __init__(self, backend: Backend, packs: Mapping[int, PackRef]) -> None:
        self._backend = backend
        self._packs = packs
        self._indexes: dict[int, PackIndex] = {}
        self._blocks: dict[tuple[int, int], bytes] = {}
        self._kept = 0

    def index(self, pack: int) -> PackIndex:
        """Return the index of a pack, computed from its blocks if the footer is damaged.

        Raises:
            NotFoundError, StorageError: The pack cannot be read.
        """
        if pack not in self._indexes:
            self._indexes[pack], _ = usable_index(self._backend, self._packs[pack])
        return self._indexes[pack]

    def block(self, pack: int, block: int) -> bytes:
        """Return the content of a block.

        Raises:
            FormatError: (``bad-pack``) it cannot be unpacked.
            NotFoundError, StorageError: The pack cannot be read.
        """
        content = self._blocks.pop((pack, block), None)
        if content is None:
            content = self._load(pack, block)
        else:
            self._kept -= len(content)
        self.keep(pack, block, content)
        return content

    def keep(self, pack: int, block: int, content: bytes) -> None:
        """Cache the content of a block."""
        self._blocks[pack, block] = content  # last in order: the one used last
        self._kept += len(content)
        while self._kept > _CACHE:
            self._kept -= len(self._blocks.pop(next(iter(self._blocks))))

    def _load(self, pack: int, block: int) -> bytes:
        index = self.index(pack)
        if block >= index.blocks:
            raise FormatError("bad-pack", "a block of the pack is missing")
        stored = self._backend.read(self._packs[pack].name, *index.span(block))
        return self._unpack(index, block, stored)

    def _unpack(self, index: PackIndex, block: int, stored: bytes) -> bytes:
        return index.unpack(block, stored)


def usable_index(backend: Backend, pack: PackRef) -> tuple[PackIndex, str]:
    """Return the index of a pack, and the problem of its header or footer, or an empty string.

    Raises:
        NotFoundError, StorageError: The pack cannot be read.
        FormatError: (``newer-format``) a pack of a later format.
    """
    try:
        return read_index(backend, pack), ""
    except FormatError as error:
        if error.kind == "newer-format":
            raise
        return rebuild_index(backend, pack), str(error)
