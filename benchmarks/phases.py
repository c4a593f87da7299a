"""The least that each phase of storing a folder takes: one thread, nothing but the libraries.

python phases.py FOLDER WORK LEVEL CHUNK        JSON: processor seconds of each phase

Stores every file of FOLDER in one file of blocks in WORK, and writes the files out again from it.
No durability but one fsync (in wall seconds), no deduplication, no log, no signature, no second
process: what a command takes above this is what it does beyond it.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import zstandard
from blake3 import blake3
from pyfastcdc import FastCDC

BLOCK, SEGMENT, SMALL = 1 << 20, 32 << 20, 1 << 20
TEXT = (".txt", ".jsonl", ".csv", ".md")


class Block(NamedTuple):
    """Where a block is, and the sizes of what is in it."""

    size: int
    packed: bool
    whole: bool
    parts: list[int]


class Phases:
    """Adds up seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Count what happens inside as the phase ``name``."""
        clock = time.perf_counter if name == "fsync" else time.process_time
        begin = clock()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + clock() - begin


class Floor:
    """Stores a folder, and writes it out again, counting by phase.

    Args:
        level: Of zstd.
        chunk: Mean size of the pieces of large texts.
    """

    def __init__(self, level: int, chunk: int) -> None:
        self.phase = Phases()
        self._zstd = zstandard.ZstdCompressor(level=level)
        self._cutter = FastCDC(chunk, min_size=chunk // 4, max_size=chunk * 4)
        self._blocks: list[Block] = []
        self._waiting: list[bytes] = []
        self._whole = True

    def store(self, folder: Path, target: Path) -> None:
        """Read, hash, cut, compress and write every file."""
        with self.phase("list"):
            files = [Path(path) for path in _listed(str(folder))]
        with target.open("wb", buffering=0) as pack:
            for path in files:
                self._store_file(path, pack)
            self._flush(pack)
            with self.phase("fsync"):
                os.fsync(pack.fileno())

    def _store_file(self, path: Path, pack: BinaryIO) -> None:
        text, whole = path.suffix in TEXT, blake3()
        with path.open("rb", buffering=0) as file:
            while True:
                with self.phase("read"):
                    piece = file.read(SEGMENT)
                if not piece:
                    return
                with self.phase("hash"):
                    whole.update(piece)
                if not text:
                    self._write([piece], pack, packed=False)
                elif len(piece) < SMALL:
                    self._waiting.append(piece)
                else:
                    self._whole = False
                    with self.phase("chunk"):
                        parts = [bytes(chunk.data) for chunk in self._cutter.cut_buf(piece)]
                    with self.phase("hash"):
                        for part in parts:
                            blake3(part).digest()
                    self._waiting += parts
                if sum(map(len, self._waiting)) >= BLOCK:
                    self._flush(pack)

    def _flush(self, pack: BinaryIO) -> None:
        group, size = [], 0
        for part in self._waiting:
            group.append(part)
            size += len(part)
            if size >= BLOCK:
                self._write(group, pack, packed=True)
                group, size = [], 0
        if group:
            self._write(group, pack, packed=True)
        self._waiting = []

    def _write(self, parts: list[bytes], pack: BinaryIO, *, packed: bool) -> None:
        data = parts[0]
        if packed:
            with self.phase("compress"):
                data = self._zstd.compress(b"".join(parts))
        with self.phase("write"):
            pack.write(data)
        self._blocks.append(Block(len(data), packed, self._whole, [len(p) for p in parts]))

    def restore(self, source: Path, folder: Path) -> None:
        """Read, decompress, hash and write every part; whole small files as files again."""
        unpacker = zstandard.ZstdDecompressor()
        with source.open("rb", buffering=0) as pack, (folder / "large").open("wb") as large:
            for number, block in enumerate(self._blocks):
                with self.phase("read back"):
                    data = pack.read(block.size)
                if block.packed:
                    with self.phase("decompress"):
                        data = unpacker.decompress(data, max_output_size=sum(block.parts))
                with self.phase("hash back"):
                    at = 0
                    for size in block.parts:
                        blake3(data[at : at + size]).digest()
                        at += size
                with self.phase("write files"):
                    self._write_files(data, block, number, folder, large)

    @staticmethod
    def _write_files(data: bytes, block: Block, number: int, folder: Path, large: BinaryIO) -> None:
        if not block.packed or not block.whole:
            large.write(data)
            return
        at = 0
        for place, size in enumerate(block.parts):
            path = folder / f"{number}-{place}"
            with path.open("wb", buffering=0) as file:
                file.write(data[at : at + size])
            at += size


def _listed(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                yield from _listed(entry.path)
            else:
                entry.stat(follow_symlinks=False)
                yield entry.path


def main() -> None:
    """Store and restore, and print the seconds."""
    folder, work = Path(sys.argv[1]), Path(sys.argv[2])
    level, chunk = int(sys.argv[3]), int(sys.argv[4])
    floor = Floor(level, chunk)
    floor.store(folder, work / "pack")
    floor.restore(work / "pack", work)
    print(json.dumps(floor.phase.seconds))


if __name__ == "__main__":
    main()
