#!/usr/bin/env python3
"""What new pages cost where large files are read and written: of the page cache, of memory.

    python benchmarks/pages.py --work DIR [--scale 0.1]

Two processes write 1.5 GB each in pieces of 1 MiB: *plain*, into the page cache; *durable*, the
same and fsync; *bulk*, as lyrikstore.objects.io.unbuffered does, past the page cache, and fsync.
*cp* copies the shards, which is the least a check-out that leaves files in the page cache can take.
Before, a thread reads the shards, which are in the page cache, in segments of 16 MiB, of which some
are kept: *new* takes new memory for each, *again* the memory that is not needed any more.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from corpora import Corpora

from lyrikstore.objects.chunk.chunker import SEGMENT
from lyrikstore.objects.chunk.sources import SegmentMemory, opened
from lyrikstore.objects.io.unbuffered import Buffers, BulkFile

PROCESSES, PIECES, REPEAT, KEPT = 2, 1500, 3, 4


def write(path: Path, count: int, how: str) -> None:
    """Write ``count`` MiB."""
    piece = os.urandom(1 << 20)
    with path.open("wb", buffering=0) as file:
        if how == "bulk":
            with BulkFile(file.fileno(), Buffers(), patient=True) as bulk:
                for _ in range(count):
                    bulk.write(piece)
        else:
            for _ in range(count):
                file.write(piece)
        if how != "plain":
            os.fsync(file.fileno())


def read(folder: Path, how: str) -> tuple[float, float]:
    """Read every file of ``folder``; return wall and processor seconds."""
    begin, before = time.perf_counter(), time.process_time()
    memory, kept = SegmentMemory(), deque[memoryview | bytes](maxlen=KEPT)
    with ThreadPoolExecutor(1) as pool:
        for path in folder.iterdir():
            with opened(path, follow_links=False) as file:
                act: Callable[[], memoryview | bytes]
                act = partial(file.read, SEGMENT) if how == "new" else partial(file.segment, memory)
                while data := pool.submit(act).result():
                    kept.append(data)
    return time.perf_counter() - begin, time.process_time() - before


def measured(command: list[list[str]]) -> tuple[float, float]:
    """Run commands side by side; return wall and processor seconds."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    children = [subprocess.Popen(words) for words in command]
    if any(child.wait() for child in children):
        sys.exit("a command failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, cpu


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="work in this folder")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--write", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        path, count, how = options.write
        write(Path(path), int(count), how)
        return
    shards = Corpora(options.work / "corpora", options.scale).shards()
    place = options.work / "pages"
    for how in ("new", "again") * REPEAT:
        wall, cpu = read(shards, how)
        print(f"{how:>8}  {wall:5.2f} s  processor {cpu:5.2f} s", flush=True)
    for _ in range(REPEAT):
        for how in ("plain", "durable", "bulk", "cp"):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            time.sleep(5)  # the time in which a hypervisor takes free memory back
            count = str(round(PIECES * options.scale))
            own = [sys.executable, __file__, "--work", str(options.work), "--write"]
            commands = [[*own, str(place / str(n)), count, how] for n in range(PROCESSES)]
            wall, cpu = measured(
                [["cp", "-r", str(shards), str(place)]] if how == "cp" else commands
            )
            print(f"{how:>8}  {wall:5.2f} s  processor {cpu:5.2f} s", flush=True)
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
