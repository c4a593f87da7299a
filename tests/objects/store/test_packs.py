"""Packs of a store: deduplicated, apart by role, bounded, read once."""

import io
import random
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import NotFoundError
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.pack import format as pack_format
from lyrikstore.objects.pack.format import ROLES
from lyrikstore.objects.store.blobs import open_blobs
from lyrikstore.objects.store.transactions import LiveObjects, Transaction
from tests.objects.store.texts import MANY, text


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
