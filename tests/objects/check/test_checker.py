"""Checking in parts: in processes as in one, each pack read once, everything wrong named."""

import random
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.check import checker
from lyrikstore.objects.check.checker import find_damaged, verify_blobs
from lyrikstore.objects.store.blobs import BlobStore, open_blobs
from lyrikstore.objects.store.transactions import Transaction, TransactionLog

TEXT = b"".join(b"%d: a line of a long text\n" % number for number in range(120_000))
VERSIONS = [TEXT, TEXT[:900_000] + b"an edit" + TEXT[900_000:], TEXT[:2_000_000] + TEXT[2_100_000:]]
SMALL = [b"blob %d " % number * 90 for number in range(600)]
NOISE = random.Random(1).randbytes(3_000_000)


@pytest.fixture(params=["one process", "several"])
def store(request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
    if request.param == "several":
        monkeypatch.setattr(checker, "WORTH_WORKERS", 0)
        monkeypatch.setattr(checker, "cores", lambda: 2)
    root = tmp_path / "store"
    log = TransactionLog(LocalBackend(root))
    for number, blobs in enumerate(([VERSIONS[0], *SMALL], [VERSIONS[1], NOISE], [VERSIONS[2]])):
        with open_blobs(LocalBackend(root), log.live()).writer() as writer:
            for at, data in enumerate(blobs):
                source = tmp_path / f"source{at}"
                source.write_bytes(data)
                writer.put_file(source)
            changes = writer.finish()
        record = Transaction(number, (), changes.added, (), changes.chunk_lists)
        assert log.append(record)
    return open_blobs(LocalBackend(root), log.live())


def problems(store: BlobStore) -> dict[Digest, str]:
    return {check.id: check.problem for check in verify_blobs(store) if check.problem}


def unreadable(store: BlobStore) -> set[Digest]:
    bad = set()
    store = BlobStore(store.backend, store.packs, store._lists.named.items())  # nothing cached
    for data in (*SMALL, *VERSIONS, NOISE):
        digest = Digest.of(data)
        try:
            assert store.read(digest, max_bytes=1 << 30) == data
        except LyrikstoreError:
            bad.add(digest)
    return bad


def change(store: BlobStore, digest: Digest, *, last: bool = False) -> Digest:
    """Flip a byte where a blob lies; return the pack."""
    runs = store.runs(digest)
    pack, block, *_ = runs[-4:] if last else runs[:4]
    ref = store.table.packs[pack]
    offset, length = store.table.indexes[pack].span(block)
    path = store.backend.root / ref.name
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[offset + length // 2] ^= 1
    path.write_bytes(data)
    return ref.id


def test_sound(store) -> None:
    reported = []
    results = list(verify_blobs(store, reported.append))
    assert not [result for result in results if result.problem]
    packs = [result for result in results if result.kind == "pack"]
    assert sorted(result.id for result in packs) == sorted(pack.id for pack in store.packs)
    assert sum(result.bytes for result in packs) == sum(pack.bytes for pack in store.packs)
    large = {result.id for result in results if result.kind == "blob"}
    assert large >= {Digest.of(data) for data in (*VERSIONS, NOISE)}
    assert reported[-1].bytes >= sum(pack.bytes for pack in store.packs) * 0.9


def test_each_pack_is_read_once_and_each_block_unpacked_once(store, monkeypatch) -> None:
    monkeypatch.setattr(checker, "WORTH_WORKERS", 1 << 60)
    store.runs(Digest.of(NOISE))  # the table has been read
    read, unpacked = [], []
    plain, unpack = LocalBackend.read, type(store.table.indexes[0]).unpack

    def count(backend, name, start=0, length=None):
        data = plain(backend, name, start, length)
        read.append(len(data) if length != 64 << 10 else 0)
        return data

    def note(index, block, stored):
        unpacked.append((index.digests[:32], block))
        return unpack(index, block, stored)

    monkeypatch.setattr(LocalBackend, "read", count)
    monkeypatch.setattr(type(store.table.indexes[0]), "unpack", note)
    assert not problems(store)
    size = sum(pack.bytes for pack in store.packs)
    footers = sum(min(pack.bytes, 64 << 10) for pack in store.packs)
    lists = 400_000
    assert sum(read) <= size + footers + lists
    blocks = sum(index.blocks for index in store.table.indexes)
    assert len(unpacked) <= blocks + 8  # chunk lists are read to plan


@pytest.mark.parametrize("victim", ["small", "large", "shared"])
def test_a_changed_byte_is_named(store, victim) -> None:
    digest = {
        "small": Digest.of(SMALL[300]),
        "large": Digest.of(NOISE),
        "shared": Digest.of(VERSIONS[0]),
    }[victim]
    pack = change(store, digest, last=victim == "shared")
    found = problems(store)
    assert "another hash" in found[pack]
    assert unreadable(store)
    assert unreadable(store) <= set(found)
    if victim == "shared":
        assert unreadable(store) >= {Digest.of(data) for data in VERSIONS}
    elif victim == "large":
        assert unreadable(store) == {digest}


def test_missing_pack_is_named(store) -> None:
    pack = store.table.packs[store.runs(Digest.of(NOISE))[0]]
    (store.backend.root / pack.name).unlink()
    store = BlobStore(store.backend, store.packs, store._lists.named.items())
    found = problems(store)
    assert found[pack.id] == f"pack {pack.id.short} is missing"
    assert Digest.of(NOISE) in found


def test_unsound(store) -> None:
    wanted = [Digest.of(data) for data in (*SMALL[:100], NOISE, *VERSIONS)]
    nowhere = Digest.of(b"nowhere")
    assert find_damaged(store, [*wanted, nowhere]) == {nowhere}
    change(store, Digest.of(SMALL[5]))
    assert find_damaged(store, wanted) == unreadable(store) & set(wanted)


def test_differing(store) -> None:
    sizes = {Digest.of(data).raw: len(data) for data in (*SMALL, NOISE, *VERSIONS)}
    assert store.differing(sizes) == []
    nowhere = Digest.of(b"nowhere").raw
    sizes |= {nowhere: 7, Digest.of(NOISE).raw: 1, Digest.of(SMALL[0]).raw: 1}
    assert set(store.differing(sizes)) == {
        nowhere,
        Digest.of(NOISE).raw,
        Digest.of(SMALL[0]).raw,
    }


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_less_is_said_to_be_less(store, share) -> None:
    results = list(verify_blobs(store, share=share))
    assert [result.kind for result in results] == ["pack"] * len(store.packs)
    assert not any(result.problem for result in results)
    read = sum(result.bytes > 0 for result in results)
    assert read == (max(1, round(len(store.packs) * share)) if share else 0)


@pytest.mark.parametrize("damage", ["missing", "cut", "footer"])
def test_structure_is_looked_at_without_reading(store, damage) -> None:
    pack = store.packs[-1]
    path = store.backend.root / pack.name
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[-60] ^= 1
    {
        "missing": path.unlink,
        "cut": lambda: path.write_bytes(data[:-1]),
        "footer": lambda: path.write_bytes(data),
    }[damage]()
    found = {result.id: result.problem for result in verify_blobs(store, share=0) if result.problem}
    assert list(found) == [pack.id]
