"""Many files at once: worker processes, threads, and everything that can go wrong in them."""

import os
import random
import signal
import threading
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, StorageError
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.io.scratch import Scratch, clean_leftovers, open_part
from lyrikstore.objects.pack import builder
from lyrikstore.objects.pack.builder import pack_files, pack_setup
from lyrikstore.objects.pack.digest_set import DigestSet, Recent, sort_digests
from lyrikstore.objects.pack.parameters import Parameters
from lyrikstore.objects.store import writer as writing
from lyrikstore.objects.store.transactions import Transaction


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Worker processes from ten files up, and tasks of a few files."""
    monkeypatch.setattr(writing, "_MANY_FILES", 10)
    monkeypatch.setattr(builder, "_SHARE_FILES", 7)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    folder = tmp_path / "data"
    folder.mkdir()
    chance = random.Random(1)
    contents = {f"{n:03d}.txt": b"text %d " % n * chance.randrange(300) for n in range(60)}
    contents["empty"] = b""
    contents["twin"] = contents["000.txt"]
    contents["caf\udce9"] = b"a name that is no UTF-8"
    contents["large.txt"] = b" ".join(b"%x" % chance.getrandbits(30) for _ in range(200_000))
    contents["large.bin"] = chance.randbytes(3 << 20)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {str(folder / name): data for name, data in contents.items()}


def scratch_files(root: Path) -> list[Path]:
    return list((root / "tmp").iterdir()) if (root / "tmp").exists() else []


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("as_text", [False, True])
def test_round_trip(box, root, files, workers: int, as_text: bool) -> None:
    paths = [name if as_text else Path(name) for name in files]
    with box.open().writer(workers=workers) as w:
        found = {at: (digest, size) for at, digest, size in w.put_files(paths)}
        changes = w.finish()
    assert len(found) == len(files)
    for at, data in enumerate(files.values()):
        assert found[at] == (Digest.of(data), len(data))
    assert scratch_files(root) == []
    assert box.log.append(Transaction(0, (), changes.added, (), changes.chunk_lists))
    store = box.open()
    for data in files.values():
        assert store.read(Digest.of(data), max_bytes=1 << 30) == data
    assert not [check for check in verify_blobs(store) if check.problem]
    with store.writer(workers=workers) as w:  # what live packs hold is not stored again
        assert len(list(w.put_files(paths))) == len(files)
        assert w.finish().added == ()


def test_what_the_same_writer_stored_is_not_stored_again(box, files) -> None:
    with box.open().writer(workers=2) as w:
        for name in files:
            w.put_file(name)
        before = len(list(w.put_files(list(files))))
        changes = w.finish()
    assert before == len(files)
    assert sum(pack.role == "data" for pack in changes.added) == 1


@pytest.mark.parametrize("what", ["missing", "fifo", "folder", "link", "grown"])
def test_what_is_no_readable_file(box, root, files, tmp_path, what: str) -> None:
    changed = tmp_path / "data" / "030.txt"
    changed.unlink()
    sizes = [len(data) for data in files.values()]
    expected = {"missing": "file-missing", "fifo": "not-a-file", "folder": "not-a-file"}
    if what == "fifo":
        os.mkfifo(changed)
    elif what == "folder":
        changed.mkdir()
    elif what == "link":
        changed.symlink_to(tmp_path / "data" / "031.txt")
    elif what == "grown":
        changed.write_bytes(bytes(2 << 20))
    with box.open().writer(workers=2) as w:
        with pytest.raises(InvalidInputError) as caught:
            list(w.put_files(list(files), sizes=sizes))
        kind = {"link": "file-unreadable", "grown": "file-changed"} | expected
        assert caught.value.kind == kind[what]
        assert str(changed) in caught.value.message
        with pytest.raises(InvalidInputError):
            w.finish()
    assert scratch_files(root) == []
    assert not (root / "packs").exists()


def test_a_file_that_is_written_to_all_the_time(box, root, files, tmp_path) -> None:
    restless = tmp_path / "data" / "restless"
    restless.write_bytes(b"x" * 900_000)
    stop = threading.Event()

    def write() -> None:
        with restless.open("r+b", buffering=0) as file:
            while not stop.is_set():
                os.pwrite(file.fileno(), b"y", 1)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        # A single write can fall between two readings of the clock; hundreds of files cannot.
        with pytest.raises(InvalidInputError) as caught, box.open().writer(workers=2) as w:
            list(w.put_files([*files, *[str(restless)] * 300]))
    finally:
        stop.set()
        thread.join()
    assert caught.value.kind == "file-changed"
    assert scratch_files(root) == []


def children() -> set[int]:
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.add(int(status.parent.name))
    return found


def test_a_worker_that_is_killed(box, root, files) -> None:
    before = children()
    with box.open().writer(workers=2) as w:
        stored = w.put_files(list(files) * 200)
        next(stored)
        workers = children() - before
        assert len(workers) == 2
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        with pytest.raises(StorageError) as caught:
            list(stored)
        assert caught.value.kind == "worker-died"
    assert scratch_files(root) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, None])
def test_an_interrupt_and_a_caller_who_stops(box, root, files, error) -> None:
    before = children()
    with box.open().writer(workers=2) as w:
        stored = w.put_files(list(files) * 50)
        next(stored)
        if error is None:
            stored.close()
        else:
            with pytest.raises(error):
                stored.throw(error)
        with pytest.raises(InvalidInputError):
            w.finish()
    assert scratch_files(root) == []
    assert children() == before


def test_a_full_disk_in_a_worker(box, root, files) -> None:
    """A scratch folder in which nothing can be made is the nearest that every machine has."""
    (root / "tmp").mkdir()
    scratch = Scratch(root / "tmp")
    setup = pack_setup(scratch, Parameters(), [])
    setup["scratch"] = str(root / "gone" / "x")
    joined = b"".join(os.fsencode(name) + b"\0" for name in list(files)[:5])
    with pytest.raises(LyrikstoreError):
        list(pack_files(setup, {"follow": False}, joined))
    scratch.close()


def test_scratch_files_live_as_long_as_their_writer(box, root) -> None:
    scratch = Scratch(box.backend.scratch)
    file, path = open_part(scratch.prefix)
    file.close()
    assert clean_leftovers(box.backend.scratch) == 0
    assert path.exists()
    # As if the writer had died: the lock is gone, the files are not.
    scratch._lock.close()
    assert clean_leftovers(box.backend.scratch) == 2
    assert scratch_files(root) == []
    orphan = root / "tmp" / "1-ab.cd"
    orphan.write_bytes(b"x")
    assert clean_leftovers(box.backend.scratch) == 1


@pytest.mark.parametrize("count", [0, 1, 7, 8, 1000, 70_000])
def test_digest_sets(tmp_path, count: int) -> None:
    chance = random.Random(count)
    keys = [chance.randbytes(32) for _ in range(count)]
    keys += keys[: count // 10]
    keys += [key[:8] + chance.randbytes(24) for key in keys[: count // 10]]  # made to collide
    chance.shuffle(keys)
    found, where = sort_digests(b"".join(keys))
    assert list(where) == sorted(range(len(keys)), key=keys.__getitem__)
    assert list(found.iter()) == sorted(set(keys))
    if keys:
        found.save(tmp_path / "set")
        loaded = DigestSet.load(str(tmp_path / "set"))
        for key in keys[:500]:
            assert keys[where[loaded.find(key)]] == key
            assert loaded.find(key) == found.find(key)
            assert keys.index(key) == where[found.find(key)]
    for _ in range(200):
        assert chance.randbytes(32) not in found


def test_recent_digests_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(Recent, "_HALF", 100)
    recent = Recent()
    for number in range(1000):
        recent.add(number.to_bytes(32, "big"))
        assert number.to_bytes(32, "big") in recent
    assert 100 <= len(list(recent)) <= 200


def test_threads_end_with_their_writer(box, tmp_path) -> None:
    path = tmp_path / "big"
    path.write_bytes(random.Random(1).randbytes(1 << 20) * 40)
    before = threading.active_count()
    with box.open().writer(workers=2) as w:
        w.put_file(path)
        assert threading.active_count() > before
    assert threading.active_count() == before
