"""Files and disks that misbehave while blobs are written: refused, or read as they are."""

import errno
import io
import os
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, StorageError
from lyrikstore.objects.chunk.chunker import WHOLE_MAX
from lyrikstore.objects.pack import builder
from lyrikstore.objects.store import writer
from tests.objects.store.texts import text


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
