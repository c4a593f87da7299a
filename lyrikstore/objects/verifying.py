"""Checking a pack as a file: its id, its index, every blob in it, in one read."""

from collections.abc import Callable, Iterator

from blake3 import blake3

from lyrikstore.canon.errors import FormatError, NotFoundError, StorageError
from lyrikstore.objects.backend import Backend
from lyrikstore.objects.packs import PackIndex, PackRef, read_index, rebuild_index


def check_pack(
    backend: Backend, pack: PackRef, tell: Callable[[int], None]
) -> Iterator[tuple[bytes | None, str]]:
    """Yield (raw digest, problem) for each blob of a pack, then (None, problem) for the pack.

    An empty problem means that all is well.

    Args:
        backend: Where the pack is.
        pack: Its id and size.
        tell: Called with the number of bytes just read.

    Cost: reads the pack once; one block (4 MiB at most) in memory.
    """
    try:
        yield from _check_pack(backend, pack, tell)
    except StorageError as error:
        yield None, f"pack {pack.id.short} cannot be read: {error}"


def _check_pack(
    backend: Backend, pack: PackRef, tell: Callable[[int], None]
) -> Iterator[tuple[bytes | None, str]]:
    problem = ""
    try:
        index = read_index(backend, pack)
    except NotFoundError:
        yield None, f"pack {pack.id.short} is missing"
        return
    except FormatError as error:
        problem = str(error)
        index = rebuild_index(backend, pack)
    whole = blake3()
    at = 0
    for block in range(index.blocks):
        offset, length = index.span(block)
        whole.update(backend.read(pack.name, at, offset - at))
        stored = backend.read(pack.name, offset, length)
        whole.update(stored)
        at = offset + length
        tell(length)
        yield from _check_block(index, block, stored)
    while rest := backend.read(pack.name, at, 1 << 20):
        whole.update(rest)
        at += len(rest)
    if not problem and at != pack.bytes:
        problem = f"pack {pack.id.short} has {at} bytes, not {pack.bytes}"
    if not problem and whole.digest() != pack.id.raw:
        problem = f"pack {pack.id.short} is damaged: its bytes have another hash"
    yield None, problem


def _check_block(index: PackIndex, block: int, stored: bytes) -> Iterator[tuple[bytes, str]]:
    problem = ""
    content = memoryview(b"")
    try:
        content = memoryview(index.unpack(block, stored))
    except FormatError as error:
        problem = str(error)
    for blob in range(index.first[block], index.first[block + 1]):
        raw = index.digests[blob * 32 : blob * 32 + 32]
        _, start, size = index.place(blob)
        if problem or blake3(content[start : start + size]).digest() == raw:
            yield raw, problem
        else:
            yield raw, "its bytes have another hash"
