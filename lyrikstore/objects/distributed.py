"""Storing files on a cluster: each machine stores its share in separate packs.

A worker opens the store's backend itself and writes packs there, durably, under their final names;
it returns only digests, sizes and the names of packs. The packs become visible by the caller's
transaction record. A worker that dies leaves packs that no record names.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.objects.backends.address import address_of
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.backends.open import open_backend
from lyrikstore.objects.pack.format import ROLES, PackRef
from lyrikstore.objects.parallel.tasks import Message, Pools, Result, one_answer_each
from lyrikstore.objects.store.blobs import BlobStore, open_blobs
from lyrikstore.objects.store.transactions import PackChanges, TransactionLog
from lyrikstore.objects.store.writer import BlobWriter

_SHARES = 64  # tasks at least, where there is enough to do: many machines, and little lost by one
_SHARE_MIN, _SHARE_MAX, _FILES_MAX = 32 << 20, 1 << 30, 20_000


def distribute_files(
    writer: BlobWriter, backend: Backend, pools: Pools, files: Sequence[str], sizes: Sequence[int]
) -> Iterator[tuple[int, Digest, int]]:
    """Store files by a pool's workers, which must see the files and the store at the same paths.

    Args:
        writer: The writer that adopts the packs of the workers.
        backend: The store's files.
        pools: Creates the pool.
        files: Absolute paths; symbolic links are followed.
        sizes: Their approximate sizes, only used to distribute the work.

    Yields:
        The position in ``files``, the digest and the size of each, in any order.

    Raises:
        InvalidInputError: As :meth:`BlobWriter.put_file`; (``backend-not-shared``) other processes
            cannot open the store.
        StorageError: Storage backend error on some machine.
        FormatError: (``bad-answer``) a worker returned an unexpected result.
    """
    setup = {**address_of(backend), "upTo": TransactionLog(backend).count()}
    parts = list(shares(sizes))
    tasks = (Message({"files": [files[place] for place in share]}) for share in parts)
    with pools("lyrikstore.objects.distributed:store_files", setup) as pool:
        for result in one_answer_each(pool.map(tasks), len(parts)):
            share = parts[result.task]
            changes, digests, found = _stored(result, len(share))
            writer.adopt(changes)
            for number, place in enumerate(share):
                yield place, Digest(digests[32 * number : 32 * number + 32]), found[number]


def _stored(result: Result, count: int) -> tuple[PackChanges, bytes, list[int]]:
    sizes, digests = result.header.get("sizes"), b"".join(result.buffers)
    if not isinstance(sizes, list) or len(digests) != 32 * count or len(sizes) != count:
        raise FormatError("bad-answer", "a worker returned results for other files than requested")
    if any(type(size) is not int or size < 0 for size in sizes):
        raise FormatError("bad-answer", "invalid response from worker: invalid size")
    return changes_from(result.header), digests, sizes


def store_files(
    setup: Mapping[str, Any], task: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Store ``task["files"]`` in separate packs: a target for workers."""
    blobs = _store(setup["url"], setup["upTo"], tuple(sorted(setup["options"].items())))
    digests, sizes = bytearray(), array("Q")
    with blobs.writer() as writer:
        for file in task["files"]:
            digest, size = writer.put_file(Path(file), follow_links=True)
            digests += digest.raw
            sizes.append(size)
        changes = writer.finish()
    yield {"sizes": sizes.tolist(), **changes_to_json(changes)}, bytes(digests)


@lru_cache(maxsize=2)
def _store(url: str, up_to: int, options: tuple[tuple[str, str], ...]) -> BlobStore:
    # Kept between tasks: knowing what the store holds takes longer than most tasks.
    backend = open_backend(url, options=dict(options))
    return open_blobs(backend, TransactionLog(backend).live(up_to))


def shares(sizes: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield shares of work: positions in ``sizes``, which are in bytes.

    The largest files come first, so that none is left at the end; small files stay in order, in
    runs.
    """
    most = min(_SHARE_MAX, max(_SHARE_MIN, sum(sizes) // _SHARES))
    large = [place for place, size in enumerate(sizes) if size >= most]
    for place in sorted(large, key=lambda place: -sizes[place]):
        yield [place]
    share: list[int] = []
    weight = 0
    for place, size in enumerate(sizes):
        if size >= most:
            continue
        share.append(place)
        weight += size
        if weight >= most or len(share) >= _FILES_MAX:
            yield share
            share, weight = [], 0
    if share:
        yield share


def changes_to_json(changes: PackChanges) -> dict[str, Any]:
    """Return the changes of a worker as members of a result."""
    return {
        "packs": [[pack.id.hex, pack.bytes, pack.role] for pack in changes.added],
        "lists": [[blob.hex, chunks.hex] for blob, chunks in changes.chunk_lists],
    }


def changes_from(header: Mapping[str, Any]) -> PackChanges:
    """Return the changes from the members that :func:`changes_to_json` returned.

    Raises:
        FormatError: (``bad-answer``, ``bad-digest``) the members are not valid.
    """
    added = []
    try:
        for name, size, role in header["packs"]:
            if role not in ROLES or type(size) is not int or size < 0:
                raise FormatError("bad-answer", "a worker named a pack of an unknown kind")
            added.append(PackRef(Digest.parse_hex(name), size, role))
        lists = tuple((Digest.parse_hex(a), Digest.parse_hex(b)) for a, b in header["lists"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError("bad-answer", "a worker did not name the packs that it stored") from error
    return PackChanges(tuple(added), lists)
