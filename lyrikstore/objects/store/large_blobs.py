"""Storing large blobs: reading, hashing, chunking and packing them by segments (spec §4.5)."""

import queue
from array import array
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import (
    CancelledError,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import NamedTuple

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.objects.chunk.chunker import (
    average_of,
    cut,
    hash_chunks,
    is_fine,
    new_runs,
)
from lyrikstore.objects.chunk.sources import FileSource, StreamSource, opened, peek
from lyrikstore.objects.pack.builder import Packer
from lyrikstore.objects.pack.parameters import Parameters

STREAMS = 2
"""Number of large files stored at a time, each in separate packs: one that is compressed and one
that is only written, as long as there are both. More would need memory, and save no time."""

Claim = Callable[[Sequence[bytes]], set[bytes]]
"""A function that returns the raw digests that need not be stored; the caller stores the others."""


class Cut(NamedTuple):
    """A large blob whose chunks are stored.

    Attributes:
        digest: The blob.
        length: Its size in bytes.
        digests: The raw digest of each chunk, concatenated.
        sizes: The size of each chunk.
    """

    digest: Digest
    length: int
    digests: bytes
    sizes: "array[int]"


def store_chunks(
    source: FileSource | StreamSource,
    packer: Packer,
    parameters: Parameters,
    claim: Claim,
    *,
    size: int = 0,
    fine: bool = False,
    stop: Event | None = None,
) -> Cut:
    """Store the chunks of a blob that is read once.

    Args:
        source: The blob.
        packer: Stores the chunks; its threads, if it has any, also hash.
        parameters: Sizes and level.
        claim: Called with the chunks of each segment.
        size: Size of the blob, if it is known.
        fine: Whether to use small chunks regardless of a sample.
        stop: Ends this early, with ``CancelledError``.

    Raises:
        InvalidInputError: The source cannot be read.
        StorageError: Storage backend error.
    """
    pool, average = packer.pool, 0
    whole, total, sizes = blake3(), 0, array("I")
    digests: list[bytes] = []
    hashing: Future[object] | None = None
    with closing(_segments(source, packer)) as segments:
        for segment in segments:
            if stop is not None and stop.is_set():
                raise CancelledError
            if not average:
                fine = fine or is_fine(segment)
                average = average_of(parameters.fineBytes, size) if fine else parameters.coarseBytes
            if hashing is not None:
                hashing.result()
            if pool is not None:
                hashing = pool.submit(whole.update, segment)
            else:
                whole.update(segment)
            total += len(segment)
            lengths = cut(segment, average)
            found = hash_chunks(segment, lengths)
            for first, last, start, end in new_runs(found, lengths, claim(found)):
                packer.add_run(
                    found[first:last], lengths[first:last], segment[start:end], shrinks=fine
                )
            sizes += lengths
            digests += found
    if hashing is not None:
        hashing.result()
    return Cut(Digest(whole.digest()), total, b"".join(digests), sizes)


def _segments(
    source: FileSource | StreamSource, packer: Packer
) -> Generator[memoryview, None, None]:
    memory, pool = packer.memory, packer.pool
    if pool is None:
        while segment := source.segment(memory):
            yield segment
        return
    # Each is read while the caller is at the one before.
    reading = pool.submit(source.segment, memory)
    try:
        while segment := reading.result():
            reading = pool.submit(source.segment, memory)
            yield segment
    finally:
        wait([reading])  # the file must not be closed, and its number used again, meanwhile


def store_files(
    files: Mapping[int, Path | str],
    packers: Sequence[Packer],
    store: Callable[..., Cut],
    follow_links: bool,
) -> Iterator[tuple[int, Cut, int]]:
    """Store large files, as many in parallel as there are packers.

    The first packer starts with files that are compressed, the others with files that are not, so
    that the processors and the disk are busy at the same time.

    Args:
        files: Number and path of each.
        packers: Store the chunks; each takes one file after the other.
        store: :func:`store_chunks` without the source, the packer and the arguments of one file.
        follow_links: Whether a symbolic link at a path itself is followed.

    Yields:
        Number and chunks of each completed file, and ``written`` as in :class:`FileSource`.

    Raises:
        InvalidInputError, StorageError: As :func:`store_chunks`; the other streams have stopped.
    """
    stop, idle = Event(), queue.SimpleQueue[Packer]()
    for packer in packers:
        idle.put(packer)
    waiting = deque(sorted(files, key=lambda number: _place(files[number], follow_links)))

    def one() -> tuple[int, Cut, int]:
        packer = idle.get()
        try:
            number = waiting.popleft() if packer is packers[0] else waiting.pop()
            with opened(files[number], follow_links=follow_links) as file:
                return number, store(file, packer, size=file.size, stop=stop), file.written
        finally:
            idle.put(packer)

    with ThreadPoolExecutor(len(packers)) as pool:
        futures = [pool.submit(one) for _ in files]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _place(path: Path | str, follow_links: bool) -> tuple[bool, int]:
    # From both ends the largest first, so that the last ones end together.
    head, size = peek(path, follow_links=follow_links)
    return (False, -size) if is_fine(head) else (True, size)
