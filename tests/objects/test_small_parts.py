"""The cutter, chunk lists, bombs, the lock and the stat cache."""

import os
import random
import signal
import subprocess
import sys
from array import array
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LockedError, StorageError
from lyrikstore.objects.chunk.chunker import (
    CHUNK_MAX,
    average_of,
    cut,
    encode_list,
    is_fine,
    parse_list,
)
from lyrikstore.objects.io import stat_cache
from lyrikstore.objects.io.stat_cache import STATE, StatCache, newest, pack_state, sizes
from lyrikstore.objects.pack.format import BLOCK_MAX, unpack_block
from lyrikstore.objects.store.lock import StoreLock


@given(st.integers(0, 400_000), st.integers(0, 99), st.booleans())
def test_chunks_join_to_the_whole(size: int, seed: int, fine: bool) -> None:
    data = random.Random(seed).randbytes(size)
    sizes = cut(data, 8 << 10 if fine else 1 << 20)
    assert sum(sizes) == size
    assert all(0 < chunk <= (32 << 10 if fine else CHUNK_MAX) for chunk in sizes)


@pytest.mark.parametrize("fine", [1 << log for log in range(10, 17)])
def test_chunks_of_huge_files_stay_within_what_readers_take(fine: int) -> None:
    averages = [average_of(fine, 1 << log) for log in range(21, 64)]
    assert averages[0] == fine
    assert averages == sorted(averages)
    assert averages[-1] * 4 == CHUNK_MAX


def chunks_of(data: bytes) -> list[bytes]:
    ends = list(accumulate(cut(data, 8 << 10)))
    return [data[start:end] for start, end in pairwise([0, *ends])]


def test_an_insertion_moves_few_cuts() -> None:
    data = random.Random(1).randbytes(4 << 20)
    before = set(chunks_of(data))
    after = chunks_of(data[:1_000_000] + b"new" + data[1_000_000:])
    assert sum(chunk not in before for chunk in after) <= 3


def test_what_is_cut_finely() -> None:
    assert is_fine(b"the agreement shall " * 1000)
    assert not is_fine(random.Random(1).randbytes(100_000))
    assert not is_fine(zstandard.compress(b"".join(b"%d" % n for n in range(99_999))))


LIST = encode_list(b"\1" * 32 + b"\2" * 32, array("I", [5, 7]))


def test_chunk_list() -> None:
    parsed = parse_list(LIST)
    assert (len(parsed), parsed.bytes) == (2, 12)
    assert (parsed.digest(1), parsed.size(1)) == (b"\2" * 32, 7)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        LIST[:-1],
        LIST + b"\0",
        b"x" + LIST[1:],
        LIST[:10] + b"\1" + LIST[11:],
        LIST[:16] + b"\x0d" + LIST[17:],
        LIST[:24] + b"\xff" * 8 + LIST[32:],
        encode_list(b"", array("I")),
        encode_list(b"\1" * 32, array("I", [0])),
        encode_list(b"\1" * 32, array("I", [CHUNK_MAX + 1])),
    ],
)
def test_bad_lists(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        parse_list(data)
    assert caught.value.kind == "bad-list"


def test_newer_list() -> None:
    with pytest.raises(FormatError) as caught:
        parse_list(LIST[:8] + b"\2" + LIST[9:])
    assert caught.value.kind == "newer-format"


@given(st.binary(max_size=200))
def test_any_list(data: bytes) -> None:
    for candidate in (data, LIST[: len(LIST) // 2] + data):
        try:
            parse_list(candidate)
        except FormatError:
            continue


def test_bombs() -> None:
    bomb = zstandard.compress(bytes(500 << 20))
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1000))
    for stored, raw, codec in (
        (bomb, 500 << 20, 1),
        (bomb, 1000, 1),
        (unsized, 1000, 1),
        (zstandard.compress(b"x" * 1000) + b"tail", 1000, 1),
        (zstandard.compress(b"x" * 1000)[:-1], 1000, 1),
        (b"junk", 4, 1),
        (b"", 4, 1),
        (b"abc", 4, 0),
        (b"abcd", 4, 2),
        (bytes(BLOCK_MAX + 1), BLOCK_MAX + 1, 0),
    ):
        with pytest.raises(FormatError):
            unpack_block(codec, stored, raw)


def test_lock_excludes_and_names_the_holder(root: Path) -> None:
    path = root / "lock"
    with StoreLock(path):
        with pytest.raises(LockedError) as caught, StoreLock(path, timeout=0.2):
            pass
        assert f"process {os.getpid()}" in caught.value.message
    with StoreLock(path, timeout=0):
        pass


def test_a_pipe_in_place_of_the_lock_is_named_with_the_way_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(StorageError) as caught, StoreLock(tmp_path / "lock", timeout=0):
        pass
    assert "not a regular file" in caught.value.message
    assert "remove the file at this path" in caught.value.hint


def test_lock_dies_with_its_process(root: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from lyrikstore.objects.store.lock import StoreLock\n"
        "StoreLock(Path(sys.argv[1])).__enter__(); print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(root / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == b"held\n"
            with (
                pytest.raises(LockedError, match=f"process {child.pid}"),
                StoreLock(root / "lock", timeout=0),
            ):
                pass
        finally:
            child.kill()
    assert child.returncode == -signal.SIGKILL
    with StoreLock(root / "lock", timeout=0):
        pass


def test_lock_that_cannot_be_opened(root: Path) -> None:
    (root / "folder").mkdir()
    with pytest.raises(StorageError), StoreLock(root / "folder"):
        pass


def old_file(path: Path, data: bytes = b"x") -> os.stat_result:
    path.write_bytes(data)
    return path.stat()


@pytest.fixture
def patient(monkeypatch):
    """A cache opened long after every file was written."""
    monkeypatch.setattr(stat_cache, "RACY_NS", -3_600_000_000_000)


def test_stat_cache(root: Path, patient) -> None:
    cache = StatCache(root / "statcache")
    one, two = old_file(root / "one"), old_file(root / "two", b"yy")
    states = pack_state(one) + pack_state(two)
    digests = Digest.of(b"x").raw + Digest.of(b"yy").raw
    assert cache.lookup(states) == (bytearray(64), [0, 1])
    cache.save(states, digests)
    again = StatCache(root / "statcache")
    assert len(again) == 2
    assert again.lookup(states) == (digests, [])
    assert again.lookup(pack_state(two)) == (Digest.of(b"yy").raw, [])
    (root / "one").write_bytes(b"z")
    os.utime(root / "one", ns=(one.st_atime_ns, one.st_mtime_ns))  # ctime tells
    now = pack_state((root / "one").stat())
    assert again.lookup(pack_state(two) + now) == (Digest.of(b"yy").raw + bytes(32), [1])
    again.save(pack_state(two) + now, Digest.of(b"yy").raw + bytes(32))
    assert len(StatCache(root / "statcache")) == 1
    assert list(sizes(states)) == [1, 2]
    assert newest(states) == max(one.st_ctime_ns, two.st_ctime_ns)
    assert newest(b"") == 0


def test_a_pipe_in_the_place_of_the_cache_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "statcache")
    assert len(StatCache(tmp_path / "statcache")) == 0


@given(st.permutations(range(9)), st.permutations(range(9)), st.integers(0, 9))
def test_what_is_looked_up_is_what_was_saved(before: list[int], after: list[int], cut: int) -> None:
    before = sorted(before[:cut])
    after = sorted(after[:5])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stat_cache, "RACY_NS", -3_600_000_000_000)
        cache = StatCache(Path("/dev/null/none"))
    cache.save(
        b"".join(STATE.pack(n, 0, 0, 0, 0) for n in before), b"".join(raw(n) for n in before)
    )
    digests, unknown = cache.lookup(b"".join(STATE.pack(n, 0, 0, 0, 0) for n in after))
    assert digests == b"".join(raw(n) if n in before else bytes(32) for n in after)
    assert unknown == [at for at, n in enumerate(after) if n not in before]


def raw(number: int) -> bytes:
    return bytes([number + 1]) * 32


def test_racy_files_are_not_remembered(root: Path, monkeypatch) -> None:
    cache = StatCache(root / "statcache")
    young = pack_state(old_file(root / "young"))
    old = STATE.pack(1, 2, 3, 4, 5)
    cache.save(young + old + young, b"\1" * 32 + b"\2" * 32 + b"\3" * 32)
    assert StatCache(root / "statcache").lookup(young + old) == (bytes(32) + b"\2" * 32, [0])


def test_a_damaged_cache_is_an_empty_cache(root: Path, patient) -> None:
    path = root / "statcache"
    cache = StatCache(path)
    cache.save(pack_state(old_file(root / "one")), Digest.of(b"x").raw)
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert len(StatCache(path)) == 0
        path.write_bytes(data[:at])
        assert len(StatCache(path)) == 0
    path.unlink()
    path.mkdir()
    StatCache(path).save(STATE.pack(1, 2, 3, 4, 5), b"\1" * 32)
