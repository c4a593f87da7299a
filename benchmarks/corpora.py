#!/usr/bin/env python3
"""The corpora that the benchmarks run on: made, not downloaded, and the same bytes everywhere.

    python benchmarks/corpora.py docs shards versions --folder DIR --scale 0.1
    python benchmarks/corpora.py amend --folder COPY_OF_DOCS

*docs* is 50,000 small texts in 250 folders; *shards* four JSONL and four Parquet shards of 256 MB
and a checkpoint of 1 GB; *versions* five versions of a JSONL shard of 512 MB, 1% of the rows of
each changed, scattered or clustered; *many* any number of tiny files. ``--scale`` multiplies
counts and sizes of the first three. A corpus once made stays in the folder and is used again.

Words come from Debian's ``wamerican``. All of it is synthetic: real texts repeat themselves more.
"""

import argparse
import json
import os
import shutil
import struct
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from hashlib import blake2s, sha1
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

RECIPE = 1  # a change of what is made makes old folders useless
WORDS = Path("/usr/share/dict/words")
TERMS = """
    the of to and or in any a by for this that such not be with as is shall on may other all
    under from which an it at are will if has been party parties agreement licence licensor
    licensee software work works copy copies copyright holder notice terms conditions warranty
    liability damages law court case claim claims defendant plaintiff judge judgment appeal
    section clause contract breach notwithstanding hereby herein thereof pursuant provided
    including without limitation grant rights permission use modify distribute source code patent
    trademark dataset data training model provider user personal consent processing controller
    processor subject purpose retention deletion access security audit transfer third services
    fees payment term termination effective date governing
"""
VOCABULARY, CLAUSES, SLOTS = 40_000, 400, 1 << 21
DOCS, FOLDERS, SHARD, CHECKPOINT, VERSION = 50_000, 250, 256e6, 1e9, 512e6
VERSIONS = 5
TENSOR = 64_000_000
MODES = ("scattered", "clustered")


class NoWordsError(Exception):
    """The word list is not installed."""


@cache
def _words() -> tuple[str, ...]:
    if not WORDS.exists():
        raise NoWordsError(f"{WORDS} is not there: apt install wamerican")
    words = [word for word in WORDS.read_text("utf-8").split() if word.isascii()]
    order = np.random.default_rng(1).permutation(len(words))[:VOCABULARY]
    return (*TERMS.split(), *(words[place].lower() for place in order))


def words_id() -> str:
    """Return eight hex digits that name the word list; another list makes other corpora."""
    return blake2s("\n".join(_words()).encode()).hexdigest()[:8]


@cache
def _table() -> tuple[np.ndarray, pa.Array, int]:
    # Drawing by weight is one look-up among 2^21 slots, and a text is one `take` from the four
    # forms of each word: inside a sentence, at its end, at its start, at the end of a paragraph.
    words = _words()
    weight = (np.arange(1, len(words) + 1) + 2.7) ** -1.05
    edges = np.cumsum(weight / weight.sum())
    drawn = np.searchsorted(edges, (np.arange(SLOTS) + 0.5) / SLOTS).astype(np.int32)
    drawn = np.minimum(drawn, len(words) - 1)
    rng = np.random.default_rng(2)
    clauses = []
    for length in rng.integers(25, 110, CLAUSES):
        chosen = [words[place] for place in drawn[rng.integers(0, SLOTS, length)]]
        clauses.append(" ".join(chosen).capitalize() + ".\n\n")
    forms = [f"{w} " for w in words], [f"{w}. " for w in words]
    forms += [f"{w.capitalize()} " for w in words], [f"{w}.\n\n" for w in words]
    entries = [entry for form in forms for entry in form] + clauses
    return drawn, pa.array([entry.encode() for entry in entries], pa.large_binary()), len(words)


class Text:
    """An endless text that a seed determines; :meth:`take` cuts the next bytes off it."""

    BATCH = 1 << 18

    def __init__(self, *seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._data, self._at = b"", 0

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        while len(self._data) - self._at < size:
            self._data = self._data[self._at :] + self._more()
            self._at = 0
        self._at += size
        return self._data[self._at - size : self._at]

    def _more(self) -> bytes:
        drawn, entries, words = _table()
        rng = self._rng
        chosen = drawn[rng.integers(0, SLOTS, self.BATCH, dtype=np.int32)]
        place = np.arange(self.BATCH)
        chosen[place % 17 == 16] += words
        chosen[place % 17 == 0] += 2 * words
        ends = np.cumsum(rng.integers(40, 160, self.BATCH // 40))
        ends = ends[ends < self.BATCH]
        chosen[ends] = chosen[ends] % words + 3 * words
        # 15% of the paragraphs are one of the fixed clauses.
        after = ends[rng.random(len(ends)) < 0.15 / 0.85] + 1
        clause = 4 * words + rng.integers(0, CLAUSES, len(after), dtype=np.int32)
        taken = entries.take(pa.array(np.insert(chosen, after, clause)))
        return taken.buffers()[2].to_pybytes()


class Corpora:
    """The corpora of one scale in one folder, each made when it is first asked for."""

    def __init__(self, folder: Path, scale: float = 1.0, workers: int | None = None) -> None:
        self.folder = folder
        self.scale = scale
        self._workers = workers or os.cpu_count() or 1

    def docs(self) -> Path:
        """Return the folder of small texts (479 MB at scale 1)."""
        count = max(FOLDERS, round(DOCS * self.scale))
        step = 2_500
        starts = range(0, count, step)
        return self._made("docs", [(_docs, (s, min(s + step, count), count)) for s in starts])

    def shards(self) -> Path:
        """Return the folder of four JSONL and four Parquet shards and one checkpoint (3 GB)."""
        size = round(SHARD * self.scale)
        jobs: list[tuple[Callable[..., None], tuple]] = [
            (_checkpoint, (round(CHECKPOINT * self.scale),))
        ]
        jobs += [(_parquet, (number, size, self.scale)) for number in range(4)]
        jobs += [(_jsonl, (number, size)) for number in range(4)]
        return self._made("shards", jobs)

    def versions(self, mode: str) -> list[Path]:
        """Return the five versions (512 MB each), of which both modes share the first."""
        first = self._made("version-1", [(_first, (round(VERSION * self.scale),))])
        jobs = [(_successors, (each, first / "rows.jsonl")) for each in MODES]
        later = self._made("versions", jobs)
        names = [f"{mode}-{number}.jsonl" for number in range(2, VERSIONS + 1)]
        return [first / "rows.jsonl", *(later / name for name in names)]

    def many(self, count: int) -> Path:
        """Return a folder of ``count`` tiny files of 100 to 400 bytes; not scaled."""
        step = 20_000
        starts = range(0, count, step)
        return self._made(f"many-{count}", [(_many, (s, min(s + step, count))) for s in starts])

    def _made(self, name: str, jobs: list[tuple[Callable[..., None], tuple]]) -> Path:
        scale = "" if name.startswith("many") else f"-{self.scale:g}"
        folder = self.folder / f"{name}{scale}-{words_id()}-{RECIPE}"
        if folder.exists():
            return folder
        begin = time.perf_counter()
        unfinished = folder.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        _table()  # before there are workers, each of which would make it for itself
        with ProcessPoolExecutor(self._workers) as pool:
            for done in [pool.submit(job, unfinished, *rest) for job, rest in jobs]:
                done.result()
        unfinished.rename(folder)
        sys.stderr.write(f"made {folder.name} in {time.perf_counter() - begin:.0f} s\n")
        return folder


def amend(tree: Path) -> int:
    """Turn a writable copy of *docs* into its version 2, and return how many files changed.

    1% get an insertion in the middle, 0.2% are removed, 0.2% new ones are added.
    """
    files = sorted(path for path in tree.rglob("*.txt"))
    order = np.random.default_rng(77).permutation(len(files))
    edited, removed = len(files) // 100, len(files) // 500
    for place in order[:edited]:
        data = files[place].read_bytes()
        middle = len(data) // 2
        files[place].unlink()  # it may be read-only, or a hard link into some store
        files[place].write_bytes(data[:middle] + b"AMENDED. " + data[middle:])
    for place in order[edited : edited + removed]:
        files[place].unlink()
    rng = np.random.default_rng(78)
    for number in range(removed):
        (files[0].parent / f"new_{number:06d}.txt").write_text(rng.bytes(3000).hex())
    return edited + 2 * removed


def _docs(folder: Path, start: int, end: int, count: int) -> None:
    sizes = np.random.default_rng(11).lognormal(9.05, 0.55, count).clip(2048, 20480).astype(int)
    text = Text(11, start)
    for number in range(start, end):
        place = folder / f"{number % FOLDERS:03d}"
        place.mkdir(exist_ok=True)
        mark = sha1(str(number).encode(), usedforsecurity=False).hexdigest()[:10]
        head = f"Case No. {number:06d}\nIN THE MATTER OF {mark}\n\n".encode()
        body = text.take(int(sizes[number]) - len(head))
        (place / f"case_{number:06d}.txt").write_bytes(head + body)


def _many(folder: Path, start: int, end: int) -> None:
    sizes = np.random.default_rng((44, start)).integers(90, 390, end - start)
    text = Text(44, start)
    for number in range(start, end):
        place = folder / f"{number // 1000:04d}"
        place.mkdir(exist_ok=True)
        body = b"%09d " % number + text.take(int(sizes[number - start]))
        with (place / f"{number % 1000:03d}.txt").open("wb", buffering=0) as file:
            file.write(body)


def _jsonl(folder: Path, number: int, size: int) -> None:
    rng, text = np.random.default_rng((22, number)), Text(22, number)
    done = row = 0
    with (folder / f"shard-{number}.jsonl").open("wb") as file:
        while done < size:
            body = text.take(int(rng.integers(400, 4000))).decode()
            line = {"id": f"{number}-{row:07d}", "source": "courts", "text": body}
            done += file.write(json.dumps(line).encode() + b"\n")
            row += 1


def _parquet(folder: Path, number: int, size: int, scale: float) -> None:
    rng, text = np.random.default_rng((23, number)), Text(23, number)
    rows = max(50, min(4000, round(40_000 * scale)))
    path, row = folder / f"shard-{number}.parquet", 0
    fields = [("id", pa.int64()), ("text", pa.string()), ("tokens", pa.list_(pa.int32()))]
    with pq.ParquetWriter(
        path, pa.schema([*fields, ("score", pa.float32())]), compression="zstd"
    ) as writer:
        while path.stat().st_size < size:
            lengths = np.concatenate([[0], rng.integers(500, 2500, rows).cumsum()])
            tokens = rng.integers(0, 128_000, lengths[-1], dtype=np.int32)
            columns = {
                "id": np.arange(row, row + rows),
                "text": [text.take(int(n)).decode() for n in rng.integers(400, 2000, rows)],
                "tokens": pa.ListArray.from_arrays(pa.array(lengths, pa.int32()), tokens),
                "score": rng.random(rows, dtype=np.float32),
            }
            writer.write_table(pa.table(columns, schema=writer.schema))
            row += rows


def _checkpoint(folder: Path, size: int) -> None:
    # bf16 is the upper half of a float32.
    rng = np.random.default_rng(24)
    sizes = [min(TENSOR, size - at) // 2 * 2 for at in range(0, size, TENSOR)]
    header, at = {}, 0
    for number, count in enumerate(sizes):
        name = f"model.layers.{number}.weight"
        where = [at, at + count]
        header[name] = {"dtype": "BF16", "shape": [count // 2], "data_offsets": where}
        at += count
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for count in sizes:
            noise = rng.standard_normal(count // 2, dtype=np.float32) * np.float32(0.02)
            file.write(np.ascontiguousarray(noise.view("<u2")[1::2]))


class _Rows:
    # New rows of *versions*, numbered so that no two are alike.

    def __init__(self, *seed: int) -> None:
        self._rng, self._text = np.random.default_rng(seed), Text(*seed)
        self._prefix, self._number = "-".join(map(str, seed[1:])), 0

    def next(self) -> bytes:
        size = int(self._rng.lognormal(7.0, 0.7))
        row = {
            "id": f"row-{self._prefix}-{self._number:07d}",
            "source": "courts",
            "score": round(float(self._rng.random()), 6),
            "text": self._text.take(max(200, min(12_000, size))).decode(),
        }
        self._number += 1
        return json.dumps(row).encode() + b"\n"


def _first(folder: Path, size: int) -> None:
    rows, done = _Rows(33, 1), 0
    with (folder / "rows.jsonl").open("wb") as file:
        while done < size:
            done += file.write(rows.next())


def _successors(folder: Path, mode: str, path: Path) -> None:
    for number in range(2, VERSIONS + 1):
        new = _Rows(33, number, MODES.index(mode))
        with path.open("rb") as file:
            count = sum(1 for _ in file)
        actions = dict(_changes(mode, count, np.random.default_rng((34, number))))
        target = folder / f"{mode}-{number}.jsonl"
        with path.open("rb") as before, target.open("wb") as file:
            for place, line in enumerate(before):
                action = actions.get(place)
                if action == "edit":
                    row = json.loads(line)
                    middle = len(row["text"]) // 2
                    row["text"] = (
                        row["text"][: middle - 20] + " [redacted] " + row["text"][middle + 20 :]
                    )
                    file.write(json.dumps(row).encode() + b"\n")
                elif action != "delete":
                    file.write(line)
                if action == "insert":
                    file.write(new.next())
        path = target


def _changes(mode: str, count: int, rng: np.random.Generator) -> Iterator[tuple[int, str]]:
    # 1% of the rows, one by one or in 20 runs of neighbours that share an action.
    names, chances = ["edit", "insert", "delete"], [0.4, 0.3, 0.3]
    changed = max(1, count // 100)
    if mode == "scattered":
        places = rng.choice(count, changed, replace=False)
        yield from zip(places.tolist(), rng.choice(names, changed, p=chances).tolist(), strict=True)
        return
    length = max(1, changed // 20)
    for start in rng.integers(0, count - length, 20).tolist():
        action = str(rng.choice(names, p=chances))
        yield from ((place, action) for place in range(start, start + length))


def main() -> int:
    """Make the corpora asked for, print their paths, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=["docs", "shards", "versions", "many", "amend"])
    parser.add_argument("--folder", type=Path, required=True, help="where corpora are kept")
    parser.add_argument("--scale", type=float, default=1.0, help="1 makes the full sizes")
    parser.add_argument("--count", type=int, default=1_000_000, help="files of many")
    parser.add_argument("--workers", type=int, help="processes (default: the cores)")
    options = parser.parse_args()
    corpora = Corpora(options.folder, options.scale, options.workers)
    try:
        for name in options.names:
            if name == "versions":
                paths = [path for mode in MODES for path in corpora.versions(mode)]
                print(*dict.fromkeys(paths), sep="\n")
            elif name == "amend":
                print(amend(options.folder))
            elif name == "many":
                print(corpora.many(options.count))
            else:
                print(getattr(corpora, name)())
    except NoWordsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
