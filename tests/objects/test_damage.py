"""Damage of every kind to every kind of file: reported by a check, never served."""

import random
import shutil
from array import array
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, IncompleteError, LyrikstoreError
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.pack.format import PackRef, read_index, rebuild_index
from lyrikstore.objects.pack.parameters import compressor
from lyrikstore.objects.pack.writer import PackWriter, compress
from lyrikstore.objects.store.blobs import BlobStore, open_blobs
from lyrikstore.objects.store.transactions import Transaction, TransactionLog
from lyrikstore.testing.backends import MemoryBackend

BLOBS = [
    b"",
    *(random.Random(n).randbytes(40) * 30 for n in range(12)),
    b" ".join(b"%x" % random.Random(77).getrandbits(30) for _ in range(1)) * 200_000,
    random.Random(5).randbytes(1_400_000),
]
DAMAGE = ["flip", "zero", "truncate", "empty", "append", "delete", "swap"]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    root = tmp_path_factory.mktemp("pristine")
    log = TransactionLog(LocalBackend(root))
    for part in (BLOBS[:6], BLOBS[6:]):
        with open_blobs(LocalBackend(root), log.live()).writer() as w:
            for blob in part:
                w.put_bytes(blob)
            changes = w.finish()
        assert log.append(Transaction(log.count(), (), changes.added, (), changes.chunk_lists))
    return root


def readable(root: Path) -> tuple[int, bool]:
    """Return (blobs read right, whether anything was reported). Wrong bytes fail the test."""
    right, reported = 0, False
    try:
        store = open_blobs(LocalBackend(root), TransactionLog(LocalBackend(root)).live())
        reported = any(check.problem for check in verify_blobs(store))
    except LyrikstoreError:
        return 0, True
    for blob in BLOBS:
        digest = Digest.of(blob)
        try:
            assert store.read(digest, max_bytes=1 << 30) == blob
            with store.open(digest) as stream:
                assert stream.read() == blob
            right += 1
        except LyrikstoreError:
            pass
    return right, reported


def test_pristine(pristine: Path) -> None:
    assert readable(pristine) == (len(BLOBS), False)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("what", ["packs", "tx"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_damage(pristine: Path, tmp_path: Path, kind: str, what: str, seed: int) -> None:
    root = tmp_path / "store"
    shutil.copytree(pristine, root)
    chance = random.Random(seed)
    files = sorted(path for path in (root / what).rglob("*") if path.is_file())
    victim = chance.choice(files)
    if what == "tx" and kind == "delete":
        victim = files[0]  # the newest record's absence is for the log checkpoint to notice
    victim.chmod(0o644)
    data = bytearray(victim.read_bytes())
    at = chance.randrange(len(data))
    if kind == "flip":
        data[at] ^= 1 << chance.randrange(8)
    elif kind == "zero":
        length = min(512, len(data) - at)
        if data[at : at + length] == bytes(length):
            pytest.fail("choose another seed: nothing to zero")
        data[at : at + length] = bytes(length)
    elif kind == "truncate":
        del data[at:]
    elif kind == "empty":
        data.clear()
    elif kind == "append":
        data += chance.randbytes(chance.randint(1, 100))
    elif kind == "swap":
        other = next(path for path in files if path != victim)
        other.chmod(0o644)
        theirs = other.read_bytes()
        other.write_bytes(data)
        data = bytearray(theirs)
    if kind == "delete":
        victim.unlink()
    else:
        victim.write_bytes(data)
    right, reported = readable(root)
    assert reported or (what == "tx" and right < len(BLOBS)), f"{kind} in {victim.name} unnoticed"


def test_a_lost_footer_is_rebuilt(pristine: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(pristine, root)
    for path in (root / "packs").rglob("*.pack"):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-48])
    assert readable(root) == (len(BLOBS), True)
    store = open_blobs(LocalBackend(root), TransactionLog(LocalBackend(root)).live())
    assert len(store.damaged) == 2


def test_a_missing_pack_is_lost_not_unknown(pristine: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(pristine, root)
    next((root / "packs").rglob("*.pack")).unlink()
    store = open_blobs(LocalBackend(root), TransactionLog(LocalBackend(root)).live())
    lost = [blob for blob in BLOBS if not store.has(Digest.of(blob))]
    assert lost
    for blob in lost:
        with pytest.raises(IncompleteError, match="is missing") as caught:
            store.read(Digest.of(blob), max_bytes=1 << 30)
        assert caught.value.kind == "blob-lost"


def test_a_damaged_chunk_list_makes_its_blob_differ(pristine: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(pristine, root)
    sizes = {Digest.of(blob).raw: len(blob) for blob in BLOBS}
    live = TransactionLog(LocalBackend(root)).live()
    lists = open_blobs(LocalBackend(root), live)
    large = [Digest.of(blob) for blob in BLOBS if lists.list_of(Digest.of(blob))]
    assert large
    for blob in large:
        pack, block, _, _ = lists.table.place(lists.table.find(lists.list_of(blob).raw))
        path = root / lists.table.packs[pack].name
        offset, length = lists.table.indexes[pack].span(block)
        path.chmod(0o644)
        data = path.read_bytes()
        path.write_bytes(data[:offset] + bytes(length) + data[offset + length :])
    differing = open_blobs(LocalBackend(root), live).differing(sizes)
    assert {blob.raw for blob in large} <= set(differing)


@pytest.fixture(scope="module")
def small_pack(tmp_path_factory):
    backend = MemoryBackend(tmp_path_factory.mktemp("scratch"))
    with open_blobs(backend, TransactionLog(backend).live()).writer() as w:
        for number in range(5):
            w.put_bytes(b"blob %d " % number * 20)
        (pack,) = w.finish().added
    return backend, pack


def test_any_byte_of_a_pack(small_pack, tmp_path: Path) -> None:
    backend, pack = small_pack
    original = backend.files[pack.name]
    for at in range(len(original)):
        for bit in (0, 7):
            data = bytearray(original)
            data[at] ^= 1 << bit
            mutant = MemoryBackend(tmp_path)
            mutant.files[pack.name] = bytes(data)
            store = BlobStore(mutant, [pack])
            assert any(check.problem for check in verify_blobs(store))
            for number in range(5):
                blob = b"blob %d " % number * 20
                with suppress(LyrikstoreError):
                    assert store.read(Digest.of(blob), max_bytes=1000) == blob


@given(st.binary(max_size=400), st.booleans())
def test_hostile_packs_end_in_our_errors(tmp_path_factory, junk: bytes, headed: bool) -> None:
    data = (b"lyrpack\n\x01\0\0\0\0\0\0\0" if headed else b"") + junk
    backend = MemoryBackend(tmp_path_factory.mktemp("scratch"))
    pack = PackRef(Digest.of(data), len(data), "data")
    backend.files[pack.name] = data
    with suppress(LyrikstoreError):
        read_index(backend, pack)
    index = rebuild_index(backend, pack)
    for blob in range(len(index)):
        block, start, size = index.place(blob)
        offset, length = index.span(block)
        content = index.unpack(block, data[offset : offset + length])
        assert (
            blake3(content[start : start + size]).digest()
            == index.digests[blob * 32 : blob * 32 + 32]
        )


def test_a_flipped_header_is_damage_and_loses_nothing(pristine: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(pristine, root)
    pack = next(root.rglob("*.pack"))
    whole = pack.read_bytes()
    pack.chmod(0o644)
    for position in range(16):
        pack.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert readable(root) == (len(BLOBS), True), position


def test_a_later_format_is_believed_if_the_pack_has_its_id(tmp_path: Path, small_pack) -> None:
    original, known = small_pack
    data = bytearray(original.files[known.name])
    data[8] = 2
    backend = MemoryBackend(tmp_path)
    pack = PackRef(Digest.of(bytes(data)), len(data), "data")
    backend.create(pack.name, bytes(data))
    with pytest.raises(FormatError) as caught:
        BlobStore(backend, (pack,)).has(Digest.of(b""))
    assert caught.value.kind == "newer-format"


# offset, stored, raw, count, codec: the greatest number each field can hold.
@pytest.mark.parametrize("field", range(5))
@pytest.mark.parametrize("row", [0, 1])
def test_footers_with_numbers_too_large(tmp_path: Path, field: int, row: int) -> None:
    """Signed with the right checksum: what somebody writes who knows the format."""
    backend = MemoryBackend(tmp_path)
    buffer = BytesIO()
    writer = PackWriter(buffer, "data")
    for blob in (b"one", b"two"):
        sizes = array("I", [len(blob)])
        writer.add(compress(Digest.of(blob).raw, sizes, blob, compressor(1)))
    writer.close()
    data = buffer.getvalue()
    length = int.from_bytes(data[-48:-40], "little")
    body = bytearray(data[-48 - length : -48])
    for changed in {row, 1}:
        at = 8 + changed * 24 + (0, 8, 12, 16, 20)[field]
        width = 8 if field == 0 else 4
        body[at : at + width] = b"\xff" * width
    forged = data[: -48 - length] + body + data[-48:-40] + blake3(body).digest() + data[-8:]
    pack = PackRef(Digest.of(forged), len(forged), "data")
    backend.create(pack.name, forged)
    with pytest.raises(FormatError) as caught:
        read_index(backend, pack)
    assert caught.value.kind == "bad-pack"
    assert BlobStore(backend, (pack,)).read(Digest.of(b"two"), max_bytes=9) == b"two"
