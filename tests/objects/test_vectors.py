"""The vectors of chapter 4: still what their script makes, and what the code does."""

import json
from pathlib import Path

import pytest
from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.chunk.chunker import SEGMENT, cut, parse_list
from lyrikstore.objects.pack.format import PackRef, read_index
from lyrikstore.objects.pack.parameters import Parameters
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.objects.store.transactions import parse_transaction
from lyrikstore.testing.backends import MemoryBackend

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


def cases(name: str):
    return json.loads((VECTORS / name).read_text())["cases"]


def store_of(data: bytes, scratch: Path) -> tuple[BlobStore, PackRef]:
    backend = MemoryBackend(scratch)
    pack = PackRef(Digest.of(data), len(data), "documents")
    backend.files[pack.name] = data
    return BlobStore(backend, [pack]), pack


@pytest.mark.parametrize("case", cases("packs/good.json"), ids=lambda case: case["id"])
def test_packs(case, tmp_path) -> None:
    store, pack = store_of(bytes.fromhex(case["pack"]), tmp_path)
    assert pack.id.hex == case["packId"]
    for blob in case["blobs"]:
        data = store.read(Digest.parse_hex(blob["blake3"]), max_bytes=1000)
        assert data.hex() == blob["hex"]
    assert not [check for check in verify_blobs(store) if check.problem]
    # The writer makes the same bytes where no compressor is involved.
    if case["id"] == "one stored blob":
        with BlobStore(MemoryBackend(tmp_path), []).writer() as writer:
            writer.put_bytes(b"hello\n")
            assert writer.finish().added == (pack,)


@pytest.mark.parametrize("case", cases("packs/refused.json"), ids=lambda case: case["id"])
def test_refused_packs(case, tmp_path) -> None:
    data = bytes.fromhex(case["pack"])
    store, pack = store_of(data, tmp_path)
    if "appended" in case["id"] or "cut short" in case["id"]:
        change = -1 if "appended" in case["id"] else 1
        pack = PackRef(pack.id, pack.bytes + change, pack.role)  # what the record would say
        store = BlobStore(store.backend, [pack])
        store.backend.files[pack.name] = data
    if case["kind"] == "blob-damaged":
        assert any(check.problem for check in verify_blobs(store))
        for digest in store.iter():
            with pytest.raises(LyrikstoreError) as caught:
                store.read(digest, max_bytes=1000)
            assert caught.value.kind == case["kind"]
    else:
        with pytest.raises(FormatError) as caught:
            read_index(store.backend, pack)
        assert caught.value.kind == case["kind"]


@pytest.mark.parametrize("case", cases("chunks/cuts.json"), ids=str)
def test_cuts(case) -> None:
    size = case["size"]
    content = blake3(case["seed"].encode()).digest(length=size) if case["seed"] else bytes(size)
    average = Parameters().fineBytes if case["fine"] else Parameters().coarseBytes
    segments = [content[at : at + SEGMENT] for at in range(0, size, SEGMENT)]
    assert [n for segment in segments for n in cut(segment, average)] == case["pieces"]


@pytest.mark.parametrize("case", cases("chunks/lists.json"), ids=lambda case: case["id"])
def test_lists(case) -> None:
    data = bytes.fromhex(case["list"])
    if not case["kind"]:
        assert len(parse_list(data)) == (len(data) - 32) // 36
        return
    with pytest.raises(FormatError) as caught:
        parse_list(data)
    assert caught.value.kind == case["kind"]


@pytest.mark.parametrize("case", cases("transactions/good.json"), ids=lambda case: case["file"])
def test_transactions(case) -> None:
    record = parse_transaction(case["record"].encode(), case["seq"])
    assert record.encode() == case["record"].encode()
    assert record.id.hex == case["blake3"]
    assert record.name == case["file"]


@pytest.mark.parametrize("case", cases("transactions/refused.json"), ids=lambda case: case["id"])
def test_refused_transactions(case) -> None:
    with pytest.raises(FormatError) as caught:
        parse_transaction(case["record"].encode(), 0)
    assert caught.value.kind == case["kind"]


def test_chapter_shows_the_first_vectors() -> None:
    chapter = (VECTORS.parent / "04-objects.md").read_text("utf-8")
    pack = cases("packs/good.json")[0]
    assert pack["pack"] in chapter.replace("\n", "")
    assert f"packs/{pack['packId'][:2]}/{pack['packId']}.pack" in chapter
    assert f"{len(pack['pack']) // 2} bytes:" in chapter
    record = cases("transactions/good.json")[0]
    assert record["record"] in chapter
    assert record["blake3"] in chapter
