"""Writing and reading blobs: round trips, deduplication, sizes, files that misbehave."""

import errno
import io
import os
import random
import threading
import tracemalloc
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    NotFoundError,
    StorageError,
    VerificationError,
)
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.chunk.chunker import WHOLE_MAX
from lyrikstore.objects.pack import builder
from lyrikstore.objects.pack import format as pack_format
from lyrikstore.objects.pack.format import ROLES
from lyrikstore.objects.store import writer
from lyrikstore.objects.store.blobs import open_blobs
from lyrikstore.objects.store.transactions import LiveObjects, Transaction
from lyrikstore.testing.backends import MemoryBackend

MANY = 1 << 30


def text(size: int, seed: int = 1) -> bytes:
    chance = random.Random(seed)
    words = [b"%x" % chance.getrandbits(chance.randint(4, 40)) for _ in range(2000)]
    return b" ".join(chance.choices(words, k=size // 3))[:size]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        text(5000),
        text(WHOLE_MAX),
        text(WHOLE_MAX + 1),
        text(5 << 20),
        random.Random(3).randbytes(9 << 20),
        bytes(3 << 20),
        bytes(WHOLE_MAX),
    ],
    ids=["empty", "byte", "small", "whole", "whole+1", "text", "noise", "sparse", "zeros"],
)
def test_round_trip(box, data: bytes) -> None:
    (digest,) = box.commit([data])
    assert digest.raw == blake3(data).digest()
    store = box.open()
    assert store.has(digest)
    assert store.size(digest) == len(data)
    assert store.read(digest, max_bytes=len(data)) == data
    with store.open(digest) as stream:
        assert stream.read() == data
        assert stream.read() == b""
        for start in (len(data) // 2, 0, max(0, len(data) - 7)):
            stream.seek(start)
            assert stream.read(100) == data[start : start + 100]
    assert digest in set(store.iter())
    assert all(not check.problem for check in verify_blobs(store))
    if len(data):
        with pytest.raises(FormatError) as caught:
            store.read(digest, max_bytes=len(data) - 1)
        assert caught.value.kind == "too-large"


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_any_blobs(tmp_path_factory, blobs: list[bytes]) -> None:
    backend = MemoryBackend(tmp_path_factory.mktemp("scratch"))
    with open_blobs(backend, LiveObjects((), {})).writer() as w:
        ids = [w.put_bytes(blob) for blob in blobs]
        changes = w.finish()
    store = open_blobs(backend, LiveObjects(changes.added, dict(changes.chunk_lists)))
    assert [store.read(i, max_bytes=300) for i in ids] == blobs
    assert len(list(store.iter())) == len(set(blobs))


def test_nothing_is_visible_without_finish_and_abort_leaves_nothing(box, root: Path) -> None:
    store = box.open()
    with store.writer() as w:
        w.put_bytes(text(3 << 20))
    assert list((root / "tmp").iterdir()) == []
    assert not (root / "packs").exists()
    with pytest.raises(InvalidInputError):
        w.put_bytes(b"late")
    with pytest.raises(InvalidInputError):
        w.finish()


def test_an_exception_in_the_block_aborts(box, root: Path) -> None:
    with pytest.raises(KeyboardInterrupt), box.open().writer() as w:  # noqa: PT012
        w.put_bytes(text(3 << 20))
        raise KeyboardInterrupt
    assert list((root / "tmp").iterdir()) == []


def test_deduplication(box) -> None:
    data = text(3 << 20)
    small = [text(100, n) for n in range(50)]
    box.commit([data, *small])
    with box.open().writer() as w:
        for blob in (data, *small, data):
            w.put_bytes(blob)
        assert w.finish().added == ()
    edited = data[: 1 << 20] + b" [redacted] " + data[1 << 20 :]
    with box.open().writer() as w:
        digest = w.put_bytes(edited)
        changes = w.finish()
    assert sum(pack.bytes for pack in changes.added) < 150_000
    store = box.open()
    store.adopt(changes)
    assert store.read(digest, max_bytes=MANY) == edited


class Watched(LocalBackend):
    """A folder that notes what was read of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.seen: list[str] = []

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        self.seen.append(name)
        return super().read(name, start, length)


def test_packs_that_were_looked_at_are_not_looked_at_again(box, root: Path) -> None:
    for number in range(4):
        box.commit([b"%d" % number])
    backend = Watched(root)
    before = open_blobs(backend, box.log.live())
    assert before.has(Digest.of(b"0"))
    packs_before = {pack.name for pack in before.packs}
    assert packs_before == set(backend.seen)
    box.commit([b"new"])
    backend.seen.clear()
    store = open_blobs(backend, box.log.live(), before)
    assert store.has(Digest.of(b"0"))
    assert store.has(Digest.of(b"new"))
    assert set(backend.seen) == {pack.name for pack in store.packs} - packs_before
    backend.seen.clear()
    with store.writer() as w:
        w.put_bytes(b"newest")
        changes = w.finish()
    store.adopt(changes)
    assert store.has(Digest.of(b"newest"))
    assert set(backend.seen) - {"parameters"} == {pack.name for pack in changes.added}


@pytest.mark.parametrize("size", [200, 3 << 20])
def test_documents_and_data_lie_apart(box, tmp_path, size: int) -> None:
    """A copy made of the documents packs alone has every document, whatever is data as well."""
    both, other, document = text(size, 1), text(size, 2), text(size, 3)
    log = box.log
    for blob in (both, other):
        with box.open().writer() as w:
            w.put_file(io.BytesIO(blob))
            changes = w.finish()
        assert {pack.role for pack in changes.added} == ({"data"} if size == 200 else set(ROLES))
        assert log.append(Transaction(log.count(), (), changes.added, (), changes.chunk_lists))
    with box.open().writer() as w:
        for blob in (both, document):
            w.put_bytes(blob)
        w.put_file(io.BytesIO(document))  # lies where every copy has it
        changes = w.finish()
    assert {pack.role for pack in changes.added} == {"documents"}
    assert log.append(Transaction(log.count(), (), changes.added, (), changes.chunk_lists))
    live = log.live()
    kept = tuple(pack for pack in live.packs if pack.role == "documents")
    copy = open_blobs(box.backend, LiveObjects(kept, live.chunk_lists))
    for blob in (both, document):
        assert copy.read(Digest.of(blob), max_bytes=MANY) == blob
    with pytest.raises(NotFoundError):
        copy.read(Digest.of(other), max_bytes=MANY)
    with box.open().writer() as w:
        for blob in (both, other, document):
            w.put_file(io.BytesIO(blob))
        for blob in (both, document):
            w.put_bytes(blob)
        assert w.finish().added == ()


def test_only_live_packs_deduplicate(box) -> None:
    box.commit([b"hello"])
    (pack,) = box.log.live().packs
    assert box.log.append(Transaction(1, dropped=(pack.id,)))
    with box.open().writer() as w:
        w.put_bytes(b"hello")
        assert len(w.finish().added) == 1


def test_the_same_pack_twice_and_a_damaged_namesake(box, root: Path) -> None:
    changes = []
    for _ in range(2):
        with box.open().writer() as w:
            w.put_bytes(b"same")
            changes.append(w.finish())
    assert changes[0] == changes[1]
    path = root / changes[0].added[0].name
    path.chmod(0o644)
    path.write_bytes(b"")  # what a careless writer's crash would leave
    with box.open().writer() as w:
        w.put_bytes(b"same")
        w.finish()
    assert Digest.of_file(path) == changes[0].added[0].id


def test_packs_and_blocks_are_bounded(box) -> None:
    box.backend.create("parameters", b'{"packBytes":1048576,"v":1}')
    blobs = [random.Random(n).randbytes(100_000) for n in range(60)]
    ids = box.commit(blobs)
    live = box.log.live().packs
    assert len(live) == 6
    assert max(pack.bytes for pack in live) < 3 << 20
    for pack in live:
        index = pack_format.read_index(box.backend, pack)
        assert all(index.span(n)[1] <= pack_format.BLOCK_MAX for n in range(index.blocks))
    assert [box.open().read(i, max_bytes=MANY) for i in ids] == blobs


def test_missing(box) -> None:
    store = box.open()
    for act in (store.size, store.open, lambda d: store.read(d, max_bytes=1)):
        with pytest.raises(NotFoundError) as caught:
            act(Digest.of(b"nothing"))
        assert caught.value.kind == "no-blob"
    assert not store.has(Digest.of(b"nothing"))


def test_large_blob_whose_list_belongs_to_another_is_refused_before_its_end(box) -> None:
    one, two = box.commit([text(3 << 20, 1), text(3 << 20, 2)])
    live = box.log.live()
    lists = dict(live.chunk_lists)
    lists[one] = lists[two]
    store = open_blobs(box.backend, LiveObjects(live.packs, lists))
    with store.open(one) as stream:
        got = 0
        with pytest.raises(VerificationError):  # noqa: PT012 - how far it got is the question
            while chunk := stream.read(10_000):
                got += len(chunk)
        assert got < store.size(one)
        with pytest.raises(VerificationError):  # and again
            stream.read()
    with pytest.raises(VerificationError):
        store.read(one, max_bytes=MANY)
    assert any(check.id == one and check.problem for check in verify_blobs(store))


def test_lists_in_a_circle(box) -> None:
    live = box.log.live()
    one, two = Digest.of(b"1"), Digest.of(b"2")
    store = open_blobs(box.backend, LiveObjects(live.packs, {one: two, two: one}))
    assert not store.has(one)
    with pytest.raises(FormatError):
        store.read(one, max_bytes=MANY)


def test_lists_of_lists(box, monkeypatch) -> None:
    monkeypatch.setattr(writer, "WHOLE_MAX", 60_000)
    data = text(40 << 20, 9)
    (digest,) = box.commit([data])
    assert len(box.log.live().chunk_lists) == 2
    store = box.open()
    assert store.has(digest)
    with store.open(digest) as stream:
        hasher = blake3()
        while chunk := stream.read(1 << 20):
            hasher.update(chunk)
    assert hasher.digest() == digest.raw


def test_threads(box) -> None:
    blobs = [text(20_000, n) for n in range(200)]
    ids = box.commit(blobs)
    store = box.open()
    wrong = []

    def read() -> None:
        numbers = random.Random(threading.get_ident()).sample(range(200), 200)
        wrong.extend(n for n in numbers if store.read(ids[n], max_bytes=MANY) != blobs[n])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_put_file(box, tmp_path: Path) -> None:
    contents = {"a": b"", "b": text(100), "c": text(3 << 20), "d": bytes(2 << 20)}
    with box.open().writer() as w:
        for name, data in contents.items():
            path = tmp_path / name
            path.write_bytes(data)
            assert w.put_file(path) == (Digest.of(data), len(data))
            assert w.put_file(io.BytesIO(data)) == (Digest.of(data), len(data))
        with (tmp_path / "sparse").open("wb") as file:
            file.truncate(30 << 20)
        assert w.put_file(tmp_path / "sparse") == (Digest.of(bytes(30 << 20)), 30 << 20)
        changes = w.finish()
    assert sum(pack.bytes for pack in changes.added) < 3 << 20


class Dribble(io.BytesIO):
    def read(self, size: int = -1, /) -> bytes:
        return super().read(min(size, 777) if size >= 0 else 777)


def test_streams_that_read_short(box) -> None:
    data = text(3 << 20)
    with box.open().writer() as w:
        assert w.put_file(Dribble(data)) == (Digest.of(data), len(data))


@pytest.mark.parametrize("size", [500, 3 << 20])
@pytest.mark.parametrize("change", ["append", "truncate", "rewrite", "touch"])
def test_a_file_that_changes_while_it_is_read(box, tmp_path, monkeypatch, size, change) -> None:
    path = tmp_path / "file"
    path.write_bytes(text(size))
    name = "read" if size < WHOLE_MAX else "readv"
    real = getattr(os, name)
    state = {"done": False}

    def read(fd: int, room: object) -> object:
        data = real(fd, room)
        if not state["done"]:
            state["done"] = True
            if change == "append":
                with path.open("ab") as file:
                    file.write(b"more")
            elif change == "truncate":
                os.truncate(path, size // 2)
            elif change == "rewrite":
                with path.open("r+b") as file:
                    file.write(b"OTHER")
            os.utime(path, ns=(1, 1))
        return data

    with box.open().writer() as w:
        monkeypatch.setattr(writer.os, name, read)
        with pytest.raises(InvalidInputError) as caught:
            w.put_file(path)
        assert caught.value.kind == "file-changed"
        assert str(path) in caught.value.message
        monkeypatch.undo()
        assert w.put_bytes(b"goes on") == Digest.of(b"goes on")


def test_what_is_no_readable_file(box, tmp_path: Path, monkeypatch) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "target").write_bytes(b"data")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    kinds = {}
    with box.open().writer() as w:
        for name in ("fifo", "folder", "link", "nothing", "nul\0"):
            with pytest.raises(InvalidInputError) as caught:
                w.put_file(tmp_path / name)
            kinds[name] = caught.value.kind
        assert w.put_file(tmp_path / "link", follow_links=True) == (Digest.of(b"data"), 4)

        def fail(_fd: int, _room: object) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(writer.os, "read", fail)
        monkeypatch.setattr(writer.os, "readv", fail)
        for size in (4, 3 << 20):
            (tmp_path / "bad").write_bytes(bytes(size))
            with pytest.raises(InvalidInputError) as caught:
                w.put_file(tmp_path / "bad")
            assert caught.value.kind == "file-unreadable"
    assert kinds == {
        "fifo": "not-a-file",
        "folder": "not-a-file",
        "link": "file-unreadable",
        "nothing": "file-missing",
        "nul\0": "file-unreadable",
    }


@pytest.mark.parametrize("call", ["fsync", "write"])
def test_a_full_disk_while_packing(box, root, monkeypatch, call) -> None:
    box.commit([b"before"])

    class Full:
        def __init__(self, file) -> None:
            self._file = file

        def __getattr__(self, name):
            return getattr(self._file, name)

        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def no_sync(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(builder.os, "fsync", no_sync)
    else:
        real = builder.open_part

        def opened(folder):
            file, path = real(folder)
            return Full(file), path

        monkeypatch.setattr(builder, "open_part", opened)
    with pytest.raises(StorageError) as caught, box.open().writer() as w:  # noqa: PT012
        w.put_bytes(text(4 << 20))
        w.finish()
    assert caught.value.kind == "disk-full"
    monkeypatch.undo()
    assert list((root / "tmp").iterdir()) == []
    assert box.open().read(Digest.of(b"before"), max_bytes=9) == b"before"


def test_memory_is_flat(box, tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as file:
        for number in range(24):
            file.write(text(4 << 20, number))
    tracemalloc.start()
    try:
        with box.open().writer() as w:
            digest, _ = w.put_file(path)
            changes = w.finish()
        store = box.open()
        store.adopt(changes)
        with store.open(digest) as stream:
            while stream.read(1 << 16):
                pass
        assert not [check for check in verify_blobs(store) if check.problem]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 56 << 20, f"{peak >> 20} MiB for a file of {24 * 4} MiB"


def test_local_scratch_is_inside_the_store(root: Path) -> None:
    assert LocalBackend(root).scratch == root / "tmp"
