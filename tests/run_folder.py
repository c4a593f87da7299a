"""The folder of one run of the tests: temporary files, and what its processes share.

It is in memory where there is room. Tests that are about crashes are marked ``disk``: theirs is on
disk always, and with ``--disk`` that of all tests is.
"""

import mmap
import os
import re
import shutil
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

VARIABLE = "LYRIKSTORE_TESTS"
"""Where the processes of a run find its folder."""

STARTS, FSYNCS = "LYRIKSTORE_TESTS_STARTS", "LYRIKSTORE_TESTS_FSYNCS"
"""Where what a process starts finds the files to count in (``tests/counts.py``)."""

ROOM = 4 << 30
"""Bytes that a run may take: it removes what a test leaves, and took 0.6 GB at most."""

_MEMORY = Path("/dev/shm")
_PREFIX = "lyrik-"  # short, for the paths of sockets


def begin(*, on_disk: bool) -> Path:
    """Make the folder, say so to all processes of the run, and remove those of runs that died."""
    disk = Path(tempfile.gettempdir())
    for place in {disk, _MEMORY}:
        for old in place.glob(f"{_PREFIX}*"):
            owner = re.match(rf"{_PREFIX}(\d+)(-|$)", old.name)
            if owner and not Path("/proc", owner[1]).exists() and old.stat().st_uid == os.geteuid():
                shutil.rmtree(old, ignore_errors=True)
    where = disk if on_disk or not _has_room() else _MEMORY
    folder = where / f"{_PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o700)
    os.environ["LYRIKSTORE_TESTS_DISK"] = str(disk)
    os.environ[VARIABLE] = str(folder)
    os.environ.setdefault("HOME", str(folder))  # without one browsers do not start
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder


def end() -> None:
    """Remove the folder; temporary files of what comes later in this process are elsewhere."""
    shutil.rmtree(current(), ignore_errors=True)
    os.environ["TMPDIR"] = tempfile.tempdir = _disk()


def current() -> Path:
    """Return the folder of this run."""
    return Path(os.environ[VARIABLE])


def on_disk(name: str) -> Path:
    """Return a new folder that is on disk."""
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-{name[:40]}-", dir=_disk()))


def count_fsyncs() -> None:
    """Count the fsyncs of this process, and of its forks, from now on."""
    with Path(os.environ[FSYNCS]).open("r+b") as opened:
        shared = mmap.mmap(opened.fileno(), 8)

    def counting(call: Callable[[Any], None]) -> Callable[[Any], None]:
        def counted(descriptor: Any) -> None:
            (so_far,) = struct.unpack("<Q", shared[:8])
            shared[:8] = struct.pack("<Q", so_far + 1)
            call(descriptor)

        return counted

    os.fsync, os.fdatasync = counting(os.fsync), counting(os.fdatasync)


def _disk() -> str:
    return os.environ["LYRIKSTORE_TESTS_DISK"]


def _has_room() -> bool:
    try:
        free = shutil.disk_usage(_MEMORY).free
        about = Path("/proc/meminfo").read_text("ascii")
    except OSError:
        return False
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", about, re.MULTILINE)
    return free >= ROOM and found is not None and int(found[1]) << 10 >= 2 * ROOM
