"""Check-out by worker processes: the same promises as by one, whatever happens to the workers."""

import errno
import os
import random
import stat
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    IncompleteError,
    LyrikstoreError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.progress import Progress
from lyrikstore.history.checkout import checkout, parallel
from lyrikstore.history.checkout.checkout import checkout_tree
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.store.blobs import BlobStore, open_blobs
from lyrikstore.objects.store.transactions import Transaction, TransactionLog

FILES = {
    **{f"d{i % 7}/{'x/' * (i % 3)}f{i}.txt": b"file %d " % i * 50 for i in range(400)},
    "empty": b"",
    "twin/a": b"the same",
    "twin/b": b"the same",
    "large.bin": random.Random(3).randbytes(5_000_000),
    "large.txt": b"".join(b"line %d of the text\n" % i for i in range(300_000)),
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
    monkeypatch.setattr(checkout, "_WORTH_FILES", 1)
    monkeypatch.setattr(parallel, "_HANDFUL", 40)
    root = tmp_path / "store"
    log = TransactionLog(LocalBackend(root))
    with open_blobs(LocalBackend(root), log.live()).writer() as writer:
        for number, data in enumerate(FILES.values()):
            source = tmp_path / f"source{number}"
            source.write_bytes(data)
            writer.put_file(source)
            writer.recheck()  # it was written just now, so it is read again
            source.unlink()
        changes = writer.finish()
    assert log.append(Transaction(0, (), changes.added, (), changes.chunk_lists))
    return open_blobs(LocalBackend(root), log.live())


@pytest.fixture
def tree() -> Tree:
    return Tree.of(TreeEntry(path, len(data), Digest.of(data)) for path, data in FILES.items())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out"


def read_back(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def spoil(store: BlobStore, digest: Digest) -> None:
    """Flip a byte where a blob lies."""
    pack, block, *_ = store.runs(digest)[:4]
    ref = store.table.packs[pack]
    offset, length = store.table.indexes[pack].span(block)
    path = store.backend.root / ref.name
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[offset + length // 2] ^= 1
    path.write_bytes(data)


def test_writes_the_files_and_nothing_else(store, tree, target) -> None:
    seen = []
    before = len(os.listdir("/proc/self/fd"))
    checkout_tree(tree, store, target, progress=seen.append)
    assert read_back(target) == FILES
    assert seen[-1] == Progress(len(FILES), len(FILES), tree.total_bytes)
    assert len(os.listdir("/proc/self/fd")) == before


def test_modes_follow_the_umask(store, tree, target) -> None:
    old = os.umask(0o077)
    try:
        checkout_tree(tree, store, target)
    finally:
        os.umask(old)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in target.rglob("*")}
    assert modes == {0o600, 0o700}


@pytest.mark.parametrize("victim", ["d3/f3.txt", "large.bin", "large.txt"])
def test_damage_is_named_and_leaves_nothing_behind(store, tree, target, victim) -> None:
    spoil(store, Digest.of(FILES[victim]))
    with pytest.raises(VerificationError) as caught:
        checkout_tree(tree, store, target)
    assert caught.value.kind in {"blob-damaged", "digest-mismatch"}
    assert not target.exists()


def test_a_missing_pack_leaves_nothing_behind(store, tree, target) -> None:
    for pack in store.packs:
        (store.backend.root / pack.name).unlink()
    store = BlobStore(store.backend, store.packs, ())
    with pytest.raises(IncompleteError):
        checkout_tree(tree, store, target)
    assert not target.exists()


def test_a_good_copy_is_used(store, tree, target, tmp_path) -> None:
    log = TransactionLog(store.backend)
    small = [data for data in FILES.values() if len(data) < 10_000]
    with BlobStore(store.backend, ()).writer() as writer:
        for data in small:
            writer.put_bytes(data)
        changes = writer.finish()
    assert log.append(Transaction(1, (), changes.added, (), changes.chunk_lists))
    both = open_blobs(store.backend, log.live())
    spoil(both, Digest.of(FILES["d3/f3.txt"]))
    checkout_tree(tree, both, target)
    assert read_back(target) == FILES


@pytest.mark.parametrize("plant", ["file", "link", "fifo", "folder"])
def test_what_is_planted_in_the_way_is_refused_and_kept(
    store, tree, target, tmp_path, monkeypatch, plant
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    batches = parallel._batches

    def put(*arguments):
        path = target / "large.txt"
        {
            "file": lambda: path.write_text("theirs"),
            "link": lambda: path.symlink_to(victim),
            "fifo": lambda: os.mkfifo(path),
            "folder": path.mkdir,
        }[plant]()
        return batches(*arguments)

    monkeypatch.setattr(parallel, "_batches", put)
    with pytest.raises(ConflictError):
        checkout_tree(tree, store, target)
    assert victim.read_text() == "precious"
    assert [path.name for path in target.iterdir()] == ["large.txt"]


def test_a_racing_attacker_never_gets_a_file_outside(store, tree, target, tmp_path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    stop = threading.Event()

    def attack() -> None:
        while not stop.is_set():
            for i in range(7):
                with suppress(OSError):
                    os.rename(target / f"d{i}", target / f"moved{i}")
                    os.symlink(outside, target / f"d{i}")

    thread = threading.Thread(target=attack)
    thread.start()
    try:
        for number in range(4):
            with suppress(VerificationError, ConflictError, StorageError):
                checkout_tree(tree, store, target)
            if target.exists():
                target.rename(tmp_path / f"old{number}")
    finally:
        stop.set()
        thread.join()
    assert list(outside.iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(store, tree, target, monkeypatch) -> None:
    submit = parallel.ThreadPoolExecutor.submit

    def interrupt(*_):
        raise KeyboardInterrupt

    def begin(pool, *arguments):
        future = submit(pool, *arguments)
        future.result = interrupt
        return future

    monkeypatch.setattr(parallel.ThreadPoolExecutor, "submit", begin)
    with pytest.raises(KeyboardInterrupt):
        checkout_tree(tree, store, target)
    assert not target.exists()


def test_a_killed_worker_leaves_nothing_behind(store, tree, target, monkeypatch) -> None:
    message = parallel._Crew._message
    calls = []

    def kill(crew, *arguments):
        calls.append(1)
        if len(calls) == 4:
            crew.workers._stop()
        return message(crew, *arguments)

    work = parallel._Crew.work

    def remember(crew, workers):
        crew.workers = workers
        return work(crew, workers)

    monkeypatch.setattr(parallel._Crew, "work", remember)
    monkeypatch.setattr(parallel._Crew, "_message", kill)
    with pytest.raises(LyrikstoreError):
        checkout_tree(tree, store, target)
    assert not target.exists()


def test_a_full_disk_leaves_nothing_behind(store, tree, target, monkeypatch) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: 0)
    original = os.open

    def refuse(path, *arguments, **options):
        if path == "f200.txt":
            raise OSError(errno.ENOSPC, "full")
        return original(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError) as caught:
        checkout_tree(tree, store, target)
    assert caught.value.kind == "disk-full"
    assert not target.exists()
