"""What files hashed to last time, so that an unchanged folder is not read again.

Derived and deletable; a damaged cache is an empty cache. It belongs outside the store: whoever can
write to it can choose which bytes its owner signs for a file. The racy rule is Git's: a file that
was modified so shortly before it was read that a later change could carry the same time stamp
is not remembered.
"""

import contextlib
import os
import struct
import time
from array import array
from pathlib import Path

from blake3 import blake3

STATE = struct.Struct("=QQqqq")
"""The state of a file: device, inode, size, mtime and ctime in nanoseconds."""

RACY_NS = 2_000_000_000
"""The coarsest time stamps in use (FAT): 2 s."""

_MAGIC = b"lyrstat\n"
_VERSION = 2
_HEADER = struct.Struct("=8sIIQ")
_FIELDS = STATE.size // 8
_SUM = 32
_MAX = 1 << 30
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
    """Return the sizes in bytes that ``states``, one after another, tell."""
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
    """A memory of the states of many files and their digests, in one compact file.

    Open it before the first file is looked at: its age is what the racy rule compares with.

    Args:
        path: The cache file; need not exist.

    Attributes:
        safe_before: Time stamps from here on, in nanoseconds, are too young to be relied on.

    Cost: 72 bytes a file, on disk and in memory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.safe_before = time.time_ns() - RACY_NS
        self._states = self._digests = b""
        with contextlib.suppress(OSError):
            self._load()

    def __len__(self) -> int:
        return len(self._states) // STATE.size

    def lookup(self, states: bytes) -> tuple[bytearray, list[int]]:
        """Return the digests of files in exactly these states, as far as they are remembered.

        Args:
            states: One :data:`STATE` after another.

        Returns:
            32 bytes for each state, and the positions of those that are not known.

        Cost: one comparison for what did not change at either end, else a look-up in a table.
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
        """Remember these files instead of those before, atomically.

        A failure to write is no failure of the store.

        Args:
            states: As they were before the files were read.
            digests: What the files hashed to, 32 bytes each; 32 zero bytes for one that was not.
        """
        states, digests = self._sure(states, digests)
        if (states, digests) == (self._states, self._digests):
            return
        self._states, self._digests = states, digests
        count = len(states) // STATE.size
        head = _HEADER.pack(_MAGIC, _VERSION, STATE.size, count)
        hasher = blake3()
        new = self._path.with_name(f"{self._path.name}.new")
        with contextlib.suppress(OSError):
            # No fsync: a torn cache fails its checksum and is an empty cache.
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with new.open("wb") as file:
                for part in (head, states, digests):
                    hasher.update(part)
                    file.write(part)
                file.write(hasher.digest())
            new.replace(self._path)

    def _sure(self, states: bytes, digests: bytes) -> tuple[bytes, bytes]:
        nothing = bytes(32)
        if newest(states) < self.safe_before and nothing not in digests:
            return bytes(states), bytes(digests)
        fields = array("q", states)
        young = map(max, fields[3::_FIELDS], fields[4::_FIELDS])
        kept = [
            at
            for at, time_ns in enumerate(young)
            if time_ns < self.safe_before and digests[at * 32 : at * 32 + 32] != nothing
        ]
        width = STATE.size
        return (
            b"".join([states[at * width : (at + 1) * width] for at in kept]),
            b"".join([digests[at * 32 : at * 32 + 32] for at in kept]),
        )

    def _load(self) -> None:
        if self._path.stat().st_size > _MAX:
            return
        data = self._path.read_bytes()
        body = memoryview(data)[:-_SUM]
        if len(data) < _HEADER.size + _SUM or blake3(body).digest() != data[-_SUM:]:
            return
        magic, version, width, count = _HEADER.unpack_from(data)
        middle = _HEADER.size + count * STATE.size
        if (magic, version, width) != (_MAGIC, _VERSION, STATE.size):
            return
        if middle + count * 32 != len(body):
            return
        self._states = bytes(body[_HEADER.size : middle])
        self._digests = bytes(body[middle:])
