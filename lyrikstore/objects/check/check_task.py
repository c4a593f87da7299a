"""One part of a check of packs, run in a worker process; see :mod:`.checker`.

A separate module, so that a worker loads only the code that it needs.
"""

import heapq
from array import array
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, NotFoundError, StorageError
from lyrikstore.objects.backends.base import Backend, LocalBackend
from lyrikstore.objects.backends.open import open_backend
from lyrikstore.objects.pack.format import PackIndex, PackRef
from lyrikstore.objects.pack.layout import COLUMNS, BlockReader, usable_index

_REPORT_BYTES = 8 << 20


def check_task(
    setup: Mapping[str, Any], task: Mapping[str, Any], *buffers: bytes
) -> Iterator[tuple[dict[str, Any]]]:
    """Run :func:`check_part` in the store ``setup["root"]``: a target of ``Workers``."""
    for header in check_part(LocalBackend(Path(setup["root"])), task, *buffers):
        yield (header,)


def check_share(
    setup: Mapping[str, Any], task: Mapping[str, Any], *buffers: bytes
) -> Iterator[tuple[dict[str, Any]]]:
    """Check some packs in a worker; see :func:`check_part`."""
    for header in check_part(open_backend(setup["url"], options=setup["options"]), task, *buffers):
        yield (header,)


def check_part(
    backend: Backend, task: Mapping[str, Any], *buffers: bytes
) -> Iterator[dict[str, Any]]:
    """Read some packs and join the chunks of some large blobs.

    Args:
        backend: The store's files.
        task: ``packs``: number → [hex id, bytes, role] of every pack used; ``files``: number →
            blocks that other parts unpack, of every pack to check as a file; ``blobs``: hex digests
            of the blobs to join, None where only the blocks are checked.
        buffers: The runs of each blob (:func:`lyrikstore.objects.pack.layout.runs_of`).

    Yields:
        ``read`` with a number of bytes, often; finally ``packs``: [blobs in it, problem] for each
            of ``files``; ``blocks``: [pack, block] of doubtful blocks; ``blobs``: positions of
            doubtful blobs.
    """
    packs = {
        int(number): PackRef(Digest.parse_hex(digest), size, role)
        for number, (digest, size, role) in task["packs"].items()
    }
    files = {int(number): _File(backend, packs[int(number)]) for number in task["files"]}
    others = {int(number): set(blocks) for number, blocks in task["files"].items()}
    blocks = _Blocks(backend, packs, files, others)
    hashers = [blake3() for _ in buffers]
    doubtful: set[int] = set()
    # Side by side, those least far first: versions of one file then find shared blocks unpacked.
    heap = [(0, number, _rows(buffer)) for number, buffer in enumerate(buffers)]
    while heap:
        position, number, rows = heap[0]
        row = next(rows, None)
        if row is None:
            heapq.heappop(heap)
            continue
        pack, block, start, length = row
        content = blocks.look(pack, block)
        if content is None:
            # Walked on nevertheless: every block is looked at by whoever comes to it first.
            doubtful.add(number)
        else:
            hashers[number].update(memoryview(content)[start : start + length])
        heapq.heapreplace(heap, (position + length, number, rows))
        if blocks.read >= _REPORT_BYTES:
            yield {"read": blocks.take()}
    for number, expected in enumerate(task["blobs"]):
        if expected is not None and hashers[number].hexdigest() != expected:
            doubtful.add(number)
    results = []
    for number, file in files.items():
        while not file.done:
            blocks.advance(number)
            if blocks.read >= _REPORT_BYTES:
                yield {"read": blocks.take()}
        results.append((file.count, file.finish()))
    yield {"read": blocks.take()}
    yield {"packs": results, "blocks": sorted(blocks.suspects), "blobs": sorted(doubtful)}


def check_block(index: PackIndex, block: int, stored: bytes) -> list[tuple[int, str]]:
    """Return (number in the pack, problem) of every wrong blob of a block.

    Args:
        index: The index of the pack.
        block: Number of the block.
        stored: Its stored bytes.
    """
    try:
        content = index.unpack(block, stored)
    except FormatError as error:
        return [(blob, str(error)) for blob in range(index.first[block], index.first[block + 1])]
    return [(blob, "its bytes have another hash") for blob in _differing(index, block, content)]


def unreadable(pack: PackRef, error: NotFoundError | StorageError) -> str:
    """Return the problem of a pack that is missing or cannot be read."""
    if isinstance(error, NotFoundError):
        return f"pack {pack.id.short} is missing"
    return f"pack {pack.id.short} cannot be read: {error}"


class _File:
    """A pack read from its first byte to its last, block by block, and hashed."""

    def __init__(self, backend: Backend, pack: PackRef) -> None:
        self._backend = backend
        self._pack = pack
        self._whole = blake3()
        self._at = 0
        self._problem = ""
        self.index: PackIndex | None = None
        self.next = 0
        try:
            self.index, self._problem = usable_index(backend, pack)
        except (NotFoundError, StorageError) as error:
            self._problem = unreadable(pack, error)

    @property
    def count(self) -> int:
        """The number of blobs in it."""
        return len(self.index) if self.index is not None else 0

    @property
    def done(self) -> bool:
        """Whether every block was read."""
        return self.index is None or self.next >= self.index.blocks

    def step(self) -> bytes | None:
        """Return the stored bytes of the next block, or None if they cannot be read."""
        if self.index is None:
            return None
        try:
            offset, length = self.index.span(self.next)
            self._whole.update(self._backend.read(self._pack.name, self._at, offset - self._at))
            stored = self._backend.read(self._pack.name, offset, length)
        except (NotFoundError, StorageError) as error:
            self._fail(error)
            return None
        self._whole.update(stored)
        self._at = offset + length
        self.next += 1
        return stored

    def finish(self) -> str:
        """Read the rest of the file and return its problem, or an empty string."""
        if self._problem:
            return self._problem
        try:
            while rest := self._backend.read(self._pack.name, self._at, 1 << 20):
                self._whole.update(rest)
                self._at += len(rest)
        except (NotFoundError, StorageError) as error:
            return unreadable(self._pack, error)
        if self._whole.digest() != self._pack.id.raw:
            return f"pack {self._pack.id.short} is damaged: its bytes have another hash"
        return ""

    def _fail(self, error: NotFoundError | StorageError) -> None:
        self._problem = unreadable(self._pack, error)
        self.index = None


class _Blocks(BlockReader):
    """A reader of blocks that hashes their blobs; packs to check as files are read in order."""

    def __init__(
        self,
        backend: Backend,
        packs: Mapping[int, PackRef],
        files: Mapping[int, _File],
        others: Mapping[int, set[int]],
    ) -> None:
        super().__init__(backend, packs)
        self._files = files
        self._others = others
        self.suspects: set[tuple[int, int]] = set()
        self.read = 0

    def take(self) -> int:
        """Return the number of bytes read since the last call."""
        read, self.read = self.read, 0
        return read

    def look(self, pack: int, block: int) -> bytes | None:
        """Return the content of a block, or None if it is damaged."""
        file = self._files.get(pack)
        while file is not None and not file.done and file.next <= block:
            self.advance(pack)
        try:
            return None if (pack, block) in self.suspects else self.block(pack, block)
        except (FormatError, NotFoundError, StorageError):
            self.suspects.add((pack, block))
            return None

    def advance(self, pack: int) -> None:
        """Read and check the next block of a pack that is checked as a file."""
        file = self._files[pack]
        block = file.next
        stored = file.step()
        if stored is None or file.index is None:
            return
        self.read += len(stored)
        if block in self._others[pack]:
            return
        try:
            self.keep(pack, block, self._unpack(file.index, block, stored))
        except FormatError:
            self.suspects.add((pack, block))

    def _load(self, pack: int, block: int) -> bytes:
        content = super()._load(pack, block)
        self.read += len(content)
        return content

    def _unpack(self, index: PackIndex, block: int, stored: bytes) -> bytes:
        content = super()._unpack(index, block, stored)
        if _differing(index, block, content):
            raise FormatError("bad-pack", "a blob of the block has another hash")
        return content


def _rows(buffer: bytes) -> Iterator[tuple[int, ...]]:
    runs = array("Q")
    runs.frombytes(buffer)
    return zip(*[iter(runs)] * COLUMNS, strict=True)


def _differing(index: PackIndex, block: int, content: bytes) -> list[int]:
    first, last = index.first[block], index.first[block + 1]
    base = index.bounds[first]
    view = memoryview(content)
    bounds = [bound - base for bound in index.bounds[first : last + 1]]
    found = b"".join([blake3(view[start:end]).digest() for start, end in pairwise(bounds)])
    listed = index.digests[first * 32 : last * 32]
    if found == listed:
        return []
    return [
        first + at // 32
        for at in range(0, len(listed), 32)
        if found[at : at + 32] != listed[at : at + 32]
    ]
