r"""Detects files that differ only by line ends, which some programs rewrite in transit (§11.4.3).

>>> import io
>>> digest_with("lf", io.BytesIO(b"one\r\ntwo\r\n"), 8) == Digest.of(b"one\ntwo\n")
True
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO, Literal

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.verify.delivery.file_hash import FLAGS

_READ_BYTES = 1 << 20

LineEnds = Literal["lf", "crlf"]


def was_rewritten(path: Path, found: int, listed: int, digest: Digest) -> bool:
    """Return whether a file would be the listed one with other line ends.

    Args:
        path: The file; not followed if it is a link by now.
        found: Its length in bytes.
        listed: The length that it should have.
        digest: What it should hold.
    """
    ends = ends_before(found, listed)
    if ends is None:
        return False
    try:
        descriptor = os.open(path, FLAGS)
        with open(descriptor, "rb", buffering=0) as raw:  # noqa: PTH123 - a descriptor, not a path
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            return regular and digest_with(ends, raw, listed) == digest
    except OSError:
        return False


def ends_before(found: int, listed: int) -> LineEnds | None:
    """Return the original line ends of a file if only these were rewritten; else None.

    Args:
        found: Its length in bytes.
        listed: The length that it should have. A line end is one byte or two, so neither length is
            more than twice the other: no more than that is ever read.
    """
    if found == listed or found > 2 * listed or listed > 2 * found:
        return None
    return "lf" if found > listed else "crlf"


def digest_with(ends: LineEnds, stream: BinaryIO, most: int) -> Digest | None:
    """Return the digest of a stream's content with other line ends; None if it is too long.

    Args:
        ends: What every LF, and every CR LF, becomes.
        stream: The file.
        most: So many bytes may come out.

    Cost: one read; 3 MiB of memory.
    """
    hasher, length, held = blake3(), 0, b""
    while data := stream.read(_READ_BYTES):
        data = held + data
        held = b"\r" if data.endswith(b"\r") else b""  # its LF may begin what is read next
        data = _with_ends(ends, data[:-1] if held else data)
        length += len(data)
        if length > most:
            return None
        hasher.update(data)
    hasher.update(held)
    return Digest(hasher.digest())


def _with_ends(ends: LineEnds, data: bytes) -> bytes:
    data = data.replace(b"\r\n", b"\n")
    return data if ends == "lf" else data.replace(b"\n", b"\r\n")
