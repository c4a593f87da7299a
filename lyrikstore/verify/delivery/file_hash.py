"""Hashing the files of a folder, each read once, in a worker process.

Files are read, never mapped: a mapped file that shrinks kills the process that reads it.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from blake3 import blake3

# O_NONBLOCK: opening a FIFO must not hang before fstat can tell that it is one.
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

NOTHING = bytes(32)
"""Placeholder for a missing digest."""

_READ_BYTES = 1 << 20  # stays in the second-level cache while it is hashed
_REPORT_BYTES = 64 << 20


def hash_task(
    setup: Mapping[str, Any], task: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any]] | tuple[dict[str, Any], bytes]]:
    """Hash some files; a target of :class:`lyrikstore.objects.parallel.processes.Workers`.

    Args:
        setup: ``root``: the folder.
        task: ``paths`` below the root; ``sizes`` that they should have.

    Yields:
        ``read`` with a number of bytes, often; at last ``done`` with the joined digests;
        :data:`NOTHING` for a path that is not a regular file of that size, before or after reading.
    """
    buffer = memoryview(bytearray(_READ_BYTES))
    digests = []
    read = 0
    for path, size in zip(task["paths"], task["sizes"], strict=True):
        hasher = blake3()
        whole = True
        try:
            for count in _pass(f"{setup['root']}/{path}", size, buffer, hasher):
                read += count
                if read >= _REPORT_BYTES:
                    yield ({"read": read},)
                    read = 0
        except (OSError, ValueError):
            whole = False
        digests.append(hasher.digest() if whole else NOTHING)
    yield {"done": read}, b"".join(digests)


def _pass(path: str, size: int, buffer: memoryview, hasher: blake3) -> Iterator[int]:
    descriptor = os.open(path, FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            raise ValueError
        left = size + 1  # one more than there should be: it may have grown
        while left and (count := os.readv(descriptor, [buffer[: min(left, _READ_BYTES)]])):
            hasher.update(buffer[:count])
            left -= count
            yield count
            if left == 1 and count < _READ_BYTES:
                break  # a short read: that was the end
        if left != 1:
            raise ValueError
    finally:
        os.close(descriptor)
