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
from pathlib import Path

from blake3 import blake3

from lyrikstore.canon.digest import Digest

_MAGIC = b"lyrstat\n"
_HEADER = struct.Struct("<8sHHIQ")
_KEY = struct.Struct("<QQ")
_VALUE = struct.Struct("<Qqq32s")
RACY_NS = 2_000_000_000
"""The coarsest time stamps in use (FAT): 2 s."""

_MAX = 1 << 30


class StatCache:
    """A memory of (device, inode, size, mtime, ctime) → digest in one compact file.

    Open it before the first file is looked at: its age is what the racy rule compares with.

    Args:
        path: The cache file; need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._safe_before = time.time_ns() - RACY_NS
        self._entries: dict[bytes, bytes] = {}
        self._used: dict[bytes, bytes] = {}
        with contextlib.suppress(OSError):
            self._load()

    def __len__(self) -> int:
        return len(self._entries)

    def lookup(self, stat: os.stat_result) -> Digest | None:
        """Return the digest of a file whose state is exactly ``stat``, if remembered."""
        key = _KEY.pack(stat.st_dev & _MASK, stat.st_ino & _MASK)
        value = self._entries.get(key)
        if value is None:
            return None
        size, mtime, ctime, raw = _VALUE.unpack(value)
        if (size, mtime, ctime) != (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns):
            return None
        self._used[key] = value
        return Digest(raw)

    def record(self, stat: os.stat_result, digest: Digest) -> None:
        """Remember that a file in state ``stat``, read after it was taken, has ``digest``."""
        if max(stat.st_mtime_ns, stat.st_ctime_ns) >= self._safe_before:
            return  # racy
        key = _KEY.pack(stat.st_dev & _MASK, stat.st_ino & _MASK)
        value = _VALUE.pack(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, digest.raw)
        self._entries[key] = self._used[key] = value

    def save(self, *, only_used: bool = False) -> None:
        """Write the cache, atomically. A failure to write it is no failure of the store.

        Args:
            only_used: Forget what was neither looked up nor recorded since it was opened.
        """
        entries = self._used if only_used else self._entries
        body = b"".join((*entries.keys(), *entries.values()))
        header = _HEADER.pack(_MAGIC, 1, 0, 0, len(entries))
        data = header + body
        new = self._path.with_name(self._path.name + ".new")
        with contextlib.suppress(OSError):
            # No fsync: a torn cache fails its checksum and is an empty cache.
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new.write_bytes(data + blake3(data).digest())
            new.replace(self._path)

    def _load(self) -> None:
        if self._path.stat().st_size > _MAX:
            return
        data = self._path.read_bytes()
        if len(data) < _HEADER.size + 32 or blake3(data[:-32]).digest() != data[-32:]:
            return
        magic, version, _, _, count = _HEADER.unpack_from(data)
        start = _HEADER.size
        middle, end = start + count * _KEY.size, start + count * (_KEY.size + _VALUE.size)
        if magic != _MAGIC or version != 1 or end != len(data) - 32:
            return
        keys = [data[at : at + _KEY.size] for at in range(start, middle, _KEY.size)]
        values = [data[at : at + _VALUE.size] for at in range(middle, end, _VALUE.size)]
        self._entries = dict(zip(keys, values, strict=True))


_MASK = (1 << 64) - 1
