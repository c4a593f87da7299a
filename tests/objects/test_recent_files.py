"""Files that somebody was still writing to when they were read, under one time stamp."""

import mmap
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.objects.chunk import sources
from lyrikstore.objects.chunk.sources import opened
from lyrikstore.objects.io.scratch import Scratch
from lyrikstore.objects.pack.builder import pack_files, pack_setup
from lyrikstore.objects.pack.parameters import Parameters


@pytest.fixture
def young(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the test is held up."""
    hour = 3600 * 10**9
    monkeypatch.setattr(sources, "RACY_NS", hour)
    monkeypatch.setattr(sources.FileSource, "is_being_written", lambda _file: False)


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """Map a file, all its pages writable: what is stored from now on sets no time stamp."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:] = memory[:]
        yield memory


@pytest.mark.parametrize("sizes", [(100,), (3 << 20,), (40 << 20, 33 << 20)])
def test_what_was_read_during_a_write_is_not_stored(box, root, tmp_path, young, sizes) -> None:
    paths = [tmp_path / f"{size}.bin" for size in sizes]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(b"a" * size)
    with mapped(paths[0]) as memory, box.open().writer(workers=2) as writer:
        assert len(list(writer.put_files(paths))) == len(paths)
        memory[-1:] = b"b"  # the rest of the write that was under way
        with pytest.raises(InvalidInputError) as caught:
            writer.finish()
    assert (caught.value.kind, str(paths[0]) in caught.value.message) == ("file-changed", True)
    assert not (root / "packs").exists()


def test_a_worker_looks_again(box, tmp_path, young) -> None:
    path = tmp_path / "counted"
    path.write_bytes(bytes(8))
    stop = threading.Event()
    with mapped(path) as memory:

        def count() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                memory[:] = number.to_bytes(8, "big")

        thread = threading.Thread(target=count)
        thread.start()
        scratch = Scratch(box.backend.scratch)
        try:
            setup = pack_setup(scratch, Parameters(), [])
            with pytest.raises(InvalidInputError) as caught:
                list(pack_files(setup, {"follow": False}, (os.fsencode(path) + b"\0") * 300))
        finally:
            stop.set()
            thread.join()
            scratch.close()
    assert caught.value.kind == "file-changed"


def test_many_young_files_are_looked_at_in_between(box, tmp_path, young, monkeypatch) -> None:
    monkeypatch.setattr(sources, "_MANY", 3)
    paths = [tmp_path / str(number) for number in range(3)]
    for path in paths:
        path.write_bytes(path.name.encode())
    with box.open().writer(workers=0) as writer:
        writer.put_file(paths[0])
        paths[0].write_bytes(b"another")
        writer.put_file(paths[1])
        with pytest.raises(InvalidInputError):
            writer.put_file(paths[2])


def test_what_lay_still_is_read_once(box, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sources, "RACY_NS", -3600 * 10**9)  # as if it had been written long ago
    path = tmp_path / "old"
    path.write_bytes(b"old")
    with box.open().writer() as writer:
        writer.put_file(path)
        path.write_bytes(b"new")
        writer.finish()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_who_has_a_file_open_for_writing_is_seen(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"text")

    def seen() -> bool:
        with opened(path, follow_links=False) as file:
            file.read(100)
            return file.is_being_written()

    assert not seen()
    with path.open("rb"):
        assert not seen()
    with path.open("r+b"):
        assert seen()
    with mapped(path):
        assert seen()
    assert not seen()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_asking_who_writes_ends_nobody(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"text")
    program = "import os, sys\nwhile True: os.close(os.open(sys.argv[1], os.O_WRONLY))"
    with subprocess.Popen([sys.executable, "-c", program, str(path)]) as other:
        try:
            answers = set()
            until = time.monotonic() + 30
            with opened(path, follow_links=False) as file:
                file.read(100)
                while len(answers) < 2 and time.monotonic() < until:
                    answers |= {file.is_being_written() for _ in range(2_000)}
            assert answers == {True, False}
            assert other.poll() is None
        finally:
            other.kill()


def test_a_commit_beside_a_writer_that_leaves_no_time_stamp(publisher, tmp_path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "counted.bin"
    program = (
        "import mmap, sys\n"
        "with open(sys.argv[1], 'r+b') as file, mmap.mmap(file.fileno(), 0) as memory:\n"
        "    number = 0\n"
        "    while True:\n"
        "        number += 1\n"
        "        memory[:8] = memory[-8:] = number.to_bytes(8, 'big')\n"
        "        if number == 1: print(flush=True)\n"
    )
    for _ in range(10):  # a machine that stands still for 2 s says nothing
        path.unlink(missing_ok=True)
        path.write_bytes(bytes(3 << 20))
        born = time.time()
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE
        ) as writer:
            try:
                assert writer.stdout is not None
                writer.stdout.readline()
                result = publisher.run("commit", folder, "-d", "acme/counted")
            finally:
                writer.kill()
        if result.code == 16 or time.time() - born < 2:
            break
    assert result.code == 16, result.out
    assert "counted.bin changed while it was read" in result.err
    publisher.ok("verify")
