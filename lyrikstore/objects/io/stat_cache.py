"""The stat cache: digests of files by stat data, so that an unchanged file is not read again.

It is derived and can be deleted; a damaged cache counts as empty. It belongs outside the store: an
attacker who can write to it can choose the bytes that its owner signs for a file. The rule for racy
files is Git's: a file that was modified so shortly before it was read that a later change could
have the same time stamp is not cached.
"""

import contextlib
import os
import struct
import time
from array import array
from pathlib import Path

from blake3 import blake3

from lyrikstore.canon.files import open_regular, remember

STATE = struct.Struct("=QQqqq")
"""The state of a file: device, inode, size, mtime and ctime in nanoseconds."""

RACY_NS = 2_000_000_000
"""The coarsest time stamps in use (FAT): 2 s."""

_MAGIC = b"lyrstat\n"
_VERSION = 2
_HEADER = struct.Struct("=8sIIQ")
_FIELDS = STATE.size // 8
_MAX = 1 << 30
_MANY = 1 << 10
_MASK = (1 << 64) - 1


def pack_state(stat: os.stat_result) -> bytes:
    """Return the state of one file; equal states mean the same, unchanged file."""
    return STATE.pack(
        stat.st_dev & _MASK,
        stat.st_ino & _MASK,
        stat.st_size,
        stat.st_mtime_ns,
        stat.st_ctime_ns,
    )


def sizes(states: bytes) -> "array[int]":
    """Return the sizes in bytes from concatenated ``states``."""
    return array("q", states)[2::_FIELDS]


def newest(states: bytes) -> int:
    """Return the latest time stamp in ``states``, in nanoseconds; 0 if there is none."""
    fields = array("q", states)
    return max(max(fields[3::_FIELDS], default=0), max(fields[4::_FIELDS], default=0))


def _alike(one: bytes, other: bytes, *, at_end: bool = False) -> int:
    # How many states both have in common at their start, or at their end: a binary search.
    width = STATE.size
    low, high = 0, min(len(one), len(other)) // width
    while low < high:
        middle = (low + high + 1) // 2
        if at_end:
            left, right = (x[len(x) - middle * width : len(x) - low * width] for x in (one, other))
        else:
            left, right = (x[low * width : middle * width] for x in (one, other))
        low, high = (middle, high) if left == right else (low, middle - 1)
    return low


class StatCache:
    """A cache of the states of many files and their digests, in one compact file.

    Args:
        path: The cache file; need not exist.
        began: When the first file was examined, in nanoseconds, for the racy rule. By default
            now, so open the cache before examining files.

    Attributes:
        safe_before: Time stamps from this one on, in nanoseconds, are too recent to be reliable.

    Cost: 72 bytes a file, on disk and in memory.
    """

    def __init__(self, path: Path, began: int | None = None) -> None:
        self._path = path
        self.safe_before = (time.time_ns() if began is None else began) - RACY_NS
        self._states = self._digests = b""
        with contextlib.suppress(OSError):
            self._load()

    def __len__(self) -> int:
        return len(self._states) // STATE.size

    def lookup(self, states: bytes) -> tuple[bytearray, list[int]]:
        """Return the digests of files in exactly these states, as far as they are cached.

        Args:
            states: One :data:`STATE` after another.

        Returns:
            32 bytes for each state, and the positions of states that are not cached.

        Cost: one comparison for unchanged files at both ends of the list, else a table lookup each.
        """
        width, old = STATE.size, self._states
        count, had = len(states) // width, len(old) // width
        digests, unknown = bytearray(count * 32), []
        # What is as it was at the start and at the end need not be looked up.
        start = _alike(states, old)
        end = min(_alike(states, old, at_end=True), min(count, had) - start)
        digests[: start * 32] = self._digests[: start * 32]
        digests[(count - end) * 32 :] = self._digests[(had - end) * 32 :]
        known = {old[at * width : (at + 1) * width]: at for at in range(start, had - end)}
        for at in range(start, count - end):
            place = known.get(states[at * width : (at + 1) * width])
            if place is None:
                unknown.append(at)
            else:
                digests[at * 32 : at * 32 + 32] = self._digests[place * 32 : place * 32 + 32]
        return digests, unknown

    def save(self, states: bytes, digests: bytes) -> None:
        """Replace the content of the cache by these files, atomically.

        A failure to write is ignored.

        Args:
            states: The states before the files were read.
            digests: The digests of the files, 32 bytes each; 32 zero bytes for an unhashed file.
        """
        states, digests = self._sure(states, digests)
        if (states, digests) == (self._states, self._digests):
            return
        self._states, self._digests = states, digests
        count = len(states) // STATE.size
        head = _HEADER.pack(_MAGIC, _VERSION, STATE.size, count)
        hasher = blake3()
        for part in (head, states, digests):
            hasher.update(part)
        # A torn cache fails its checksum and is an empty cache.
        remember(self._path, head, states, digests, hasher.digest())

    def _sure(self, states: bytes, digests: bytes) -> tuple[bytes, bytes]:
        # All but what is too young or has no digest.
        nothing, width = bytes(32), STATE.size
        out: set[int] = set()
        for start in range(0, len(states) // width, _MANY):
            some = states[start * width : (start + _MANY) * width]
            if newest(some) >= self.safe_before:  # few are young, mostly
                fields = array("q", some)
                times = map(max, fields[3::_FIELDS], fields[4::_FIELDS])
                out.update(at for at, t in enumerate(times, start) if t >= self.safe_before)
        at = digests.find(nothing)
        while at >= 0:
            if at % 32 == 0:
                out.add(at // 32)
            at = digests.find(nothing, at + 1)
        if not out:
            return states, digests
        young = sorted(out)
        runs = list(zip([-1, *young], [*young, len(digests) // 32], strict=True))
        return (
            b"".join([states[(after + 1) * width : end * width] for after, end in runs]),
            b"".join([digests[(after + 1) * 32 : end * 32] for after, end in runs]),
        )

    def _load(self) -> None:
        with open_regular(self._path) as file:
            if os.fstat(file.fileno()).st_size > _MAX:
                return
            head = file.read(_HEADER.size)
            if len(head) < _HEADER.size:
                return
            magic, version, width, count = _HEADER.unpack(head)
            if (magic, version, width) != (_MAGIC, _VERSION, STATE.size) or count > _MAX // width:
                return
            states, digests = file.read(count * width), file.read(count * 32)
            found = file.read()
        hasher = blake3(head)
        hasher.update(states)
        hasher.update(digests)
        if found == hasher.digest():  # the cache is whole, for it is in the sum how long it is
            self._states, self._digests = states, digests
