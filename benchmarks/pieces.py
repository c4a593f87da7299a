#!/usr/bin/env python3
"""What the storage format was chosen by: the tables of spec/adr/0005-storage-format.md.

    python benchmarks/pieces.py --work DIR [--scale 0.1]

*Pieces*: a store per average size of pieces, all of what is stored after each version counted.
*Compression*: blocks of 1 MiB under several settings of zstd, in one thread.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import zstandard
from corpora import MODES, Corpora
from measure import environment, must, remove, stored

SIZES = (2 << 10, 4 << 10, 8 << 10, 16 << 10)
BLOCK = 1 << 20
SAMPLE = 128
FAST = {"strategy": zstandard.STRATEGY_FAST, "search_log": 1, "target_length": 0}
SETTINGS: dict[str, dict[str, int]] = {
    "level 1": {},
    "level 2": {"level": 2},
    "level 3": {"level": 3},
    "fast, table 2^15": {**FAST, "window_log": 20, "hash_log": 15, "chain_log": 13, "min_match": 7},
    "fast, table 2^16": {**FAST, "window_log": 20, "hash_log": 16, "chain_log": 13, "min_match": 7},
    "fast, table 2^17": {**FAST, "window_log": 20, "hash_log": 17, "chain_log": 13, "min_match": 7},
}


def pieces(versions: list[Path], mode: str, size: int, work: Path) -> str:
    """Commit the versions to a store with pieces of ``size`` and return a row."""
    remove(work)
    data = work / "data"
    data.mkdir(parents=True)
    env = environment(work)
    program = [sys.executable, "-m", "lyrikstore_cli"]
    must([*program, "key", "new", "--no-passphrase"], cwd=work, env=env)
    must([*program, "init"], cwd=work, env=env)
    store = work / ".lyrikstore"
    (store / "parameters").write_text(f'{{"fineBytes":{size},"v":1}}')
    sizes, times = [stored(store)[0]], []
    for version in versions:
        target = data / "rows.jsonl"
        target.unlink(missing_ok=True)
        target.hardlink_to(version)
        times.append(must([*program, "commit", "data", "-d", "bench/rows"], cwd=work, env=env).cpu)
        sizes.append(stored(store)[0])
    steps = [after - before for before, after in pairwise(sizes)]
    return (
        f"{mode:>10}  {size >> 10:>3} KiB  first {steps[0] / 1e6:7.1f} MB  each next "
        f"{statistics.mean(steps[1:]) / 1e6:6.1f} MB  after {len(versions)} {sizes[-1] / 1e6:7.1f}"
        f" MB  processor time of the first commit {times[0]:.1f} s, of a next "
        f"{statistics.median(times[1:]):.1f} s"
    )


def compression(name: str, blocks: list[bytes]) -> Iterable[str]:
    """Compress ``blocks`` under each setting and yield a row for it."""
    total = sum(map(len, blocks))
    for words, changes in SETTINGS.items():
        chosen = dict(changes)
        parameters = zstandard.ZstdCompressionParameters.from_level(
            chosen.pop("level", 1), **chosen
        )
        packer = zstandard.ZstdCompressor(compression_params=parameters)
        begin = time.process_time()
        packed = sum(len(packer.compress(block)) for block in blocks)
        rate = total / 1e6 / (time.process_time() - begin)
        yield f"{name:>10}  {words:<18} {rate:5.0f} MB/s  ratio {total / packed:.2f}"


def blocks_of(paths: Iterable[Path]) -> list[bytes]:
    """Return the first blocks that the joined content of ``paths`` makes."""
    joined, found = bytearray(), []
    for path in paths:
        with path.open("rb") as file:
            joined += file.read(BLOCK * SAMPLE)
        while len(joined) >= BLOCK and len(found) < SAMPLE:
            found.append(bytes(joined[:BLOCK]))
            del joined[:BLOCK]
        if len(found) == SAMPLE:
            break
    return found


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="work in this folder")
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    corpora = Corpora(options.work / "corpora", options.scale)
    docs = sorted(path for path in corpora.docs().rglob("*") if path.is_file())
    rows = corpora.versions("scattered")
    for name, paths in (("docs", docs), ("JSONL", rows[:1])):
        for line in compression(name, blocks_of(paths)):
            print(line)
    for mode in MODES:
        for size in SIZES:
            print(pieces(corpora.versions(mode), mode, size, options.work / "pieces"))
    remove(options.work / "pieces")


if __name__ == "__main__":
    main()
