"""Large blobs: cut, hashed and packed by the segment; what is known is not stored again."""

import os
import random
import tempfile
from array import array
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, StorageError
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.chunk import sources
from lyrikstore.objects.chunk.chunker import ChunkList, hash_chunks, new_runs
from lyrikstore.objects.chunk.sources import SegmentMemory
from lyrikstore.objects.io import unbuffered
from lyrikstore.objects.io.scratch import Scratch
from lyrikstore.objects.io.unbuffered import Buffers, BulkFile
from lyrikstore.objects.pack import builder
from lyrikstore.objects.pack.builder import Packer
from lyrikstore.objects.pack.digest_set import sort_digests
from lyrikstore.objects.pack.format import BLOCK_MAX
from lyrikstore.objects.pack.layout import COLUMNS, runs_of
from lyrikstore.objects.pack.parameters import Parameters
from lyrikstore.objects.store import large_blobs
from lyrikstore.objects.store import writer as writing
from lyrikstore.objects.store.transactions import Transaction


def text(seed: int, size: int) -> bytes:
    chance = random.Random(seed)
    words = [b"%x" % chance.getrandbits(24) for _ in range(4000)]
    return b" ".join(chance.choices(words, k=size // 6))[:size]


@pytest.fixture
def side_by_side(monkeypatch):
    """Threads and lanes from two megabytes on; segments of one."""
    for module in (writing, sources):
        monkeypatch.setattr(module, "SEGMENT", 1 << 20)


@given(st.lists(st.binary(min_size=1, max_size=3), max_size=30), st.sets(st.binary(max_size=1)))
def test_runs_are_the_chunks_that_are_new(parts: list[bytes], known_parts: set[bytes]) -> None:
    sizes = array("I", map(len, parts))
    segment = b"".join(parts)
    digests = hash_chunks(segment, sizes)
    assert digests == [blake3(part).digest() for part in parts]
    known = {blake3(part).digest() for part in known_parts}
    expected = [raw for raw in dict.fromkeys(digests) if raw not in known]
    stored = []
    end_before = -1
    for first, last, start, end in new_runs(digests, sizes, set(known)):
        assert first > end_before, "runs do not touch: one block does not end without need"
        end_before = last
        assert segment[start:end] == b"".join(parts[first:last])
        stored += digests[first:last]
    assert stored == expected


@given(st.lists(st.integers(0, 400)), st.lists(st.integers(0, 400), max_size=50))
def test_a_set_finds_several_as_it_finds_each(held: list[int], asked: list[int]) -> None:
    digests, _ = sort_digests(b"".join(blake3(b"%d" % number).digest() for number in held))
    raws = [blake3(b"%d" % number).digest() for number in asked]
    assert digests.among(raws) == {raw for raw in raws if raw in digests}


@pytest.mark.parametrize("block", [1 << 16, 4 << 20])
@pytest.mark.parametrize("shrinks", [False, True])
def test_blocks_of_runs_keep_their_bounds(box, tmp_path, block: int, shrinks: bool) -> None:
    chance = random.Random(block)
    sizes = array("I", (chance.choice([1, 900, 60_000, 3 << 20]) for _ in range(60)))
    data = chance.randbytes(sum(sizes))
    digests = hash_chunks(data, sizes)
    scratch = Scratch(box.backend.scratch)
    packer = Packer(scratch, "data", Parameters(blockBytes=block))
    packer.add(blake3(b"before").digest(), b"before")
    packer.add_run(digests, sizes, memoryview(data), shrinks=shrinks)
    packs = packer.close()
    builder.install(box.backend, packs, side_by_side=True)
    scratch.close()
    assert box.log.append(Transaction(0, (), tuple(pack.ref for pack in packs)))
    blobs = box.open()
    for raw, (start, end) in zip(digests, pairwise(accumulate(sizes, initial=0)), strict=True):
        assert blobs.read(Digest(raw), max_bytes=BLOCK_MAX) == data[start:end]
    assert all(not checked.problem for checked in verify_blobs(blobs))


@pytest.fixture
def versions(tmp_path: Path) -> list[Path]:
    """Large files that share nearly all they hold, and one that does not shrink."""
    rows = text(1, 5 << 20)
    contents = [rows, rows, rows[: 2 << 20] + b"changed" + rows[(2 << 20) + 7 :]]
    contents.append(random.Random(2).randbytes(4 << 20))
    paths = [tmp_path / f"{number}.jsonl" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


@pytest.mark.usefixtures("side_by_side")
def test_files_side_by_side_share_their_chunks(box, root, versions) -> None:
    with box.open().writer(workers=2) as w:
        found = {at: (digest, size) for at, digest, size in w.put_files(versions)}
        changes = w.finish()
    assert list((root / "tmp").iterdir()) == []
    assert box.log.append(Transaction(0, (), changes.added, (), changes.chunk_lists))
    store = box.open()
    for at, path in enumerate(versions):
        data = path.read_bytes()
        assert found[at] == (Digest.of(data), len(data))
        assert store.read(Digest.of(data), max_bytes=1 << 30) == data
        assert store.runs(Digest.of(data)) is not None
    assert all(not checked.problem for checked in verify_blobs(store))
    chunks_of = {path: store.chunks(Digest.of(path.read_bytes())) for path in versions}
    every = {listed.digest(n) for listed in chunks_of.values() for n in range(len(listed))}
    data_packs = [
        i for p, i in zip(store.table.packs, store.table.indexes, strict=True) if p.role == "data"
    ]
    assert sum(map(len, data_packs)) == len(every), "each chunk once, whoever came first"


@pytest.mark.usefixtures("side_by_side")
@pytest.mark.parametrize("trouble", ["changes", "missing", "disk"])
def test_trouble_with_one_file_ends_all(box, root, versions, monkeypatch, trouble: str) -> None:
    if trouble == "missing":
        versions[3] = versions[3].with_name("nothing")
        kind: type[Exception] = InvalidInputError
    elif trouble == "changes":
        kind, real = InvalidInputError, large_blobs.is_fine

        def meddle(sample: bytes) -> bool:
            os.truncate(versions[3], 3 << 20)
            return real(sample)

        monkeypatch.setattr(large_blobs, "is_fine", meddle)
    else:
        kind = StorageError

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(builder.os, "fsync", full)
    sizes = [5 << 20, 5 << 20, 5 << 20, 4 << 20]

    def store() -> None:
        with box.open().writer(workers=2) as w:
            list(w.put_files(versions, sizes=sizes))
            w.finish()

    with pytest.raises(kind):
        store()
    assert not list((root / "tmp").glob("*"))
    assert not (root / "packs").exists()


@pytest.mark.usefixtures("side_by_side")
def test_a_caller_that_takes_one_and_goes(box, root, versions) -> None:
    with box.open().writer(workers=2) as w:
        next(w.put_files(versions))
    assert list((root / "tmp").iterdir()) == []


def test_runs_end_where_neighbours_do(box, tmp_path) -> None:
    """Whatever the number of neighbours, the runs are the places of the chunks."""
    path = tmp_path / "rows"
    path.write_bytes(text(3, 3 << 20))
    with box.open().writer(workers=0) as w:
        digest, _ = w.put_file(path)
        changes = w.finish()
    assert box.log.append(Transaction(0, (), changes.added, (), changes.chunk_lists))
    store = box.open()
    listed, table, chance = store.chunks(digest), store.table, random.Random(4)
    for _ in range(50):
        chosen = [
            n
            for start in chance.choices(range(len(listed)), k=4)
            for n in range(start, min(len(listed), start + chance.randrange(1, 200)))
        ]
        some = ChunkList(
            b"".join(listed.digest(n) for n in chosen), array("I", (listed.size(n) for n in chosen))
        )
        runs = runs_of(table, some)
        assert runs is not None
        expected = [table.place(table.find(listed.digest(n))) for n in chosen]
        joined: list[tuple[int, int, int, int]] = []
        for pack, block, start, size in expected:
            last = joined[-1] if joined else (-1, -1, -1, 0)
            if last[:2] == (pack, block) and last[2] + last[3] == start:
                joined[-1] = (pack, block, last[2], last[3] + size)
            else:
                joined.append((pack, block, start, size))
        assert list(zip(*[iter(runs)] * COLUMNS, strict=True)) == joined
    wrong = array("I", (listed.size(n) for n in range(len(listed))))
    wrong[70] += 1
    wrong[71] -= 1
    assert (
        runs_of(table, ChunkList(b"".join(map(listed.digest, range(len(listed)))), wrong)) is None
    )


@pytest.mark.parametrize("patient", [True, False])
@pytest.mark.parametrize("folder", ["/dev/shm", "/var/tmp"])
def test_written_past_the_page_cache_is_written(tmp_path_factory, monkeypatch, folder, patient):
    """On a disk and in memory, in parts of any size, whoever has patience or not."""
    monkeypatch.setattr(unbuffered, "_FAIR", 16 << 20)
    monkeypatch.setattr(unbuffered, "_SLOW", 1 << 60)
    parts = [random.Random(size).randbytes(size) for size in (1, 7 << 20, 4095, 4096, 30 << 20, 5)]
    buffers = Buffers()
    for _ in range(2):  # the buffers come back
        with tempfile.TemporaryFile(dir=folder) as file:
            with BulkFile(file.fileno(), buffers, patient=patient) as bulk:
                for part in parts:
                    assert bulk.write(memoryview(part)) == len(part)
            file.seek(0)
            assert file.read() == b"".join(parts)


def test_a_disk_that_refuses_is_heard_of() -> None:
    """Late, but before the file passes for written; and the buffers come back."""
    buffers = Buffers()

    def fill(descriptor: int, parts: list[bytes]) -> None:
        with BulkFile(descriptor, buffers, patient=True) as bulk:
            for part in parts:
                bulk.write(part)

    for parts in ([bytes(3 << 20)] * 10, [b"little"]) * 2:
        with (
            Path("/dev/full").open("wb", buffering=0) as file,
            pytest.raises(OSError, match="No space left"),
        ):
            fill(file.fileno(), parts)


def test_memory_serves_again_only_when_nobody_looks(side_by_side) -> None:
    memory = SegmentMemory()
    first = memory.take()
    first[:4] = b"held"
    part = first[1:3]
    del first
    second = memory.take()
    second[:4] = b"busy"
    assert bytes(part) == b"el", "a view of a part of it keeps all of it"
    del part
    third = memory.take()
    assert bytes(third[:4]) == b"held", "taken from those given back"
    assert bytes(second[:4]) == b"busy"
