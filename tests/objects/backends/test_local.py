"""Backends: the contract suite for each, and what only a local folder can do wrong."""

import contextlib
import errno
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from lyrikstore.canon.errors import NotFoundError, StorageError
from lyrikstore.objects.backends import base as module
from lyrikstore.objects.backends.base import LocalBackend, storage_error
from lyrikstore.objects.io.scratch import Scratch, clean_leftovers, open_scratch
from lyrikstore.testing.backends import BackendContract, CrashError, FaultyBackend, MemoryBackend


class TestLocal(BackendContract):
    def make(self, scratch):
        root = scratch / "store"
        root.mkdir()
        return LocalBackend(root)


class TestMemory(BackendContract):
    def make(self, scratch):
        return MemoryBackend(scratch)


class TestFaultyThatNeverFails(BackendContract):
    def make(self, scratch):
        return FaultyBackend(MemoryBackend(scratch), 0)


def test_no_temporary_file_stays(root: Path) -> None:
    backend = LocalBackend(root)
    backend.create("tx/a", b"x")
    backend.create("tx/a", b"y")
    backend.replace("log/checkpoint", b"z")
    assert list((root / "tmp").iterdir()) == []


def test_files_are_read_only(root: Path) -> None:
    backend = LocalBackend(root)
    backend.create("tx/a", b"x")
    assert (root / "tx/a").stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("call", ["fsync", "link"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, "disk-full"),
        (errno.EDQUOT, "disk-full"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "io"),
        (errno.EACCES, "no-permission"),
    ],
)
def test_a_failing_call_aborts_and_is_never_repeated(root, monkeypatch, call, code, kind) -> None:
    backend = LocalBackend(root)
    backend.create("tx/0", b"before")
    calls = []

    def fail(*_args, **_kwargs):
        calls.append(1)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module.os, call, fail)
    with pytest.raises(StorageError) as caught:
        backend.create("tx/1", b"new")
    assert caught.value.kind == kind
    assert caught.value.hint
    assert len(calls) == 1
    monkeypatch.undo()
    assert list(backend.list("tx/")) == ["tx/0"]
    assert list((root / "tmp").iterdir()) == []


@pytest.fixture
def synced(monkeypatch) -> list[Path]:
    """Return a list that every folder which is synced is added to."""
    folders: list[Path] = []
    real = os.fsync

    def watch(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            folders.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    return folders


def test_directory_fsync_failure_is_reported(root, monkeypatch) -> None:
    backend = LocalBackend(root)
    backend.create("tx/0", b"x")
    real = os.fsync

    def fail(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError):
        backend.create("tx/1", b"x")
    with pytest.raises(StorageError):
        backend.replace("tx/2", b"x")


def test_every_new_name_is_synced(root, synced) -> None:
    LocalBackend(root).create("packs/ab/x", b"x")
    assert [path for path in synced if path.name != "tmp"] == [
        *(root, root / "packs", root),  # packs, packs/ab, tmp
        root / "packs/ab",
    ]


def test_several_files_share_one_look_at_each_folder(root, synced) -> None:
    backend = LocalBackend(root)
    backend.create("packs/ab/0", b"0")
    synced.clear()
    files = [(f"packs/{part}/{number}", b"x") for part in ("ab", "cd") for number in range(9)]
    assert backend.create_all(files) == [False, *[True] * 17]
    assert set(synced[:-2]) == {root / "packs"}  # by as many as saw that packs/cd was missing
    assert sorted(synced[-2:]) == [root / "packs/ab", root / "packs/cd"]
    assert backend.read("packs/ab/0") == b"0"
    assert list((root / "tmp").iterdir()) == []


def test_what_was_named_before_an_error_is_synced(root, synced) -> None:
    backend = LocalBackend(root)
    with pytest.raises(NotFoundError, match="writing packs/ab/1 and others"):
        backend.create_all([("packs/ab/1", b"x"), ("packs/ab/2", root / "gone")], threads=1)
    assert synced[-1] == root / "packs/ab"
    assert list(backend.list("")) == ["packs/ab/1"]


def test_links_devices_and_fifos_are_not_files(root: Path, tmp_path: Path) -> None:
    backend = LocalBackend(root)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (root / "tx").mkdir()
    (root / "tx/link").symlink_to(secret)
    os.mkfifo(root / "tx/fifo")
    (root / "tx/folder").mkdir()
    for name in ("tx/link", "tx/fifo", "tx/folder"):
        with pytest.raises(StorageError):
            backend.read(name)
    assert list(backend.list("tx/")) == []


def test_links_below_the_top_are_not_followed(root: Path, tmp_path: Path) -> None:
    backend = LocalBackend(root)
    LocalBackend(tmp_path / "elsewhere").create("ab/1", b"x")
    (root / "packs").symlink_to(tmp_path / "elsewhere")  # a part of the store on another disk
    assert backend.read("packs/ab/1") == b"x"
    backend.create("log/tile/0/000", b"x")
    (root / "log/tile/round").symlink_to(".")
    (root / "packs/out").symlink_to(root / "log")
    assert list(backend.list("packs/")) == ["packs/ab/1"]
    assert list(backend.list("log/")) == ["log/tile/0/000"]
    assert list(backend.list("")) == ["log/tile/0/000", "packs/ab/1"]


def test_nothing_is_deleted_through_a_link(root: Path, tmp_path: Path) -> None:
    victim = LocalBackend(tmp_path / "victim")
    victim.create("packs/ab/1", b"x")
    file, leftover = open_scratch(victim.scratch)
    file.close()
    backend = LocalBackend(root)
    backend.create("log/ab/1", b"x")
    for link, target, name in (
        ("packs", victim.root / "packs", "packs/ab/1"),
        ("log/link", victim.root / "packs/ab", "log/link/1"),
    ):
        (root / link).symlink_to(target)
        with pytest.raises(StorageError, match=re.escape(f"{root / link} is a link")) as caught:
            backend.remove(name)
        assert (caught.value.kind, bool(caught.value.hint)) == ("linked-folder", True)
    backend.scratch.rmdir()
    backend.scratch.symlink_to(victim.scratch)
    with pytest.raises(StorageError) as caught:
        clean_leftovers(backend.scratch)
    assert caught.value.kind == "linked-folder"
    assert leftover.exists()
    assert victim.read("packs/ab/1") == b"x"
    backend.remove("log/ab/1")
    assert list(backend.list("log/")) == []


def test_a_store_behind_a_link_is_written_and_cleaned_as_any_other(root, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    backend = LocalBackend(tmp_path / "link")
    backend.create("packs/ab/1", b"x")
    backend.replace("log/checkpoint", b"y")
    assert backend.swap("log/checkpoint", b"y", b"z")
    assert LocalBackend(root).read("log/checkpoint") == b"z"
    backend.remove("packs/ab/1")
    assert not list((root / "packs/ab").iterdir())


@pytest.mark.parametrize("depth", ["log", "log/tile", "tmp"])
def test_nothing_is_written_through_a_link(root: Path, tmp_path: Path, depth: str) -> None:
    victim, backend = LocalBackend(tmp_path / "victim"), LocalBackend(root)
    for one in (victim, backend):
        one.create("log/tile/000", b"old")
    place = root / depth
    shutil.rmtree(place)
    place.symlink_to(victim.root / depth)
    before = sorted((path, path.lstat().st_mtime_ns) for path in victim.root.rglob("*"))
    for write in (
        lambda: backend.create("log/tile/001", b"new"),
        lambda: backend.create_all([(f"log/tile/{n}", b"new") for n in range(9)]),
        lambda: backend.replace("log/tile/000", b"new"),
        lambda: backend.swap("log/tile/000", b"old", b"new"),
        lambda: backend.swap("log/tile/002", None, b"new"),
        lambda: backend.create("log/tile/deeper/001", b"new"),
    ):
        with pytest.raises(StorageError, match=re.escape(f"{place} is a link")) as caught:
            write()
        assert (caught.value.kind, bool(caught.value.hint)) == ("linked-folder", True)
    assert sorted((path, path.lstat().st_mtime_ns) for path in victim.root.rglob("*")) == before


def test_a_link_in_place_of_a_scratch_file_lends_it_nothing(root: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    precious.chmod(0o700)
    backend = LocalBackend(root)
    file, path = open_scratch(backend.scratch)
    with file:
        path.unlink()
        path.symlink_to(precious)
        with pytest.raises(StorageError):
            backend.create("packs/ab/1", path)
    assert precious.stat().st_mode & 0o777 == 0o700
    assert list(backend.list("packs/")) == []


def test_errors_by_number() -> None:
    assert isinstance(storage_error(OSError(errno.ENOENT, "x"), "reading a"), NotFoundError)
    assert storage_error(OSError(errno.EIO, "broken"), "reading a").message == "reading a: broken"
    assert storage_error(OSError("odd"), "reading a").kind == "io"


def test_leftovers_of_the_dead_go_those_of_the_living_stay(root: Path) -> None:
    backend = LocalBackend(root)
    assert clean_leftovers(backend.scratch) == 0
    file, living = open_scratch(backend.scratch)
    dead = backend.scratch / "1-dead"
    dead.write_bytes(b"half a pack")
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from lyrikstore.objects.io.scratch import open_scratch\n"
        "f, p = open_scratch(Path(sys.argv[1])); f.write(b'x'); f.flush(); print(p.name)\n"
        "sys.stdout.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(backend.scratch)], stdout=subprocess.PIPE, text=True
    )
    assert (backend.scratch / killed.stdout.strip()).exists()
    assert clean_leftovers(backend.scratch) == 2
    assert list(backend.scratch.iterdir()) == [living]
    file.close()
    assert clean_leftovers(backend.scratch) == 1


def test_threads_of_one_writer_share_one_lock(root: Path) -> None:
    def begin(scratch: Scratch, start: Barrier) -> str:
        start.wait()
        return scratch.prefix

    for _ in range(20):
        scratch, start = Scratch(root / "tmp"), Barrier(8)
        with ThreadPoolExecutor(8) as pool:
            begun = [pool.submit(begin, scratch, start) for _ in range(8)]
            assert len({one.result() for one in begun}) == 1
        scratch.close()
    assert list((root / "tmp").iterdir()) == []


def test_cleaning_leaves_alone_what_is_no_file(root: Path, tmp_path: Path) -> None:
    backend = LocalBackend(root)
    backend.scratch.mkdir()
    (tmp_path / "precious").write_bytes(b"x")
    (backend.scratch / "link").symlink_to(tmp_path / "precious")
    (backend.scratch / "folder").mkdir()
    os.mkfifo(backend.scratch / "fifo")
    # The path that it is bound to may be 107 bytes long.
    with socket.socket(socket.AF_UNIX) as plug, contextlib.chdir(backend.scratch):
        plug.bind("socket")
        assert clean_leftovers(backend.scratch) == 0
    assert (tmp_path / "precious").read_bytes() == b"x"


def test_faulty_backend_fails_at_the_given_call(tmp_path: Path) -> None:
    inner = MemoryBackend(tmp_path)
    faulty = FaultyBackend(inner, 2, "disk-full")
    assert faulty.create("a", b"")
    with pytest.raises(StorageError):
        faulty.create("b", b"")
    assert faulty.create("c", b"")
    assert sorted(inner.files) == ["a", "c"]
    crashing = FaultyBackend(inner, 1, "crash", after=True)
    with pytest.raises(CrashError):
        crashing.create("d", b"")
    assert "d" in inner.files
    with pytest.raises(CrashError):
        crashing.read("d")
