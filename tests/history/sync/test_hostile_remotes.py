"""Remotes of somebody who can write there and has no key: refused, in bounds."""

import contextlib
import os
import shutil
import socket
from array import array
from pathlib import Path

import pytest
from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.objects.pack import format as pack_format
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.transactions import LogItem, Transaction, record_name
from tests.conftest import Person, Result
from tests.measured import Measured

DEFAULT = Digest(b"\1" * 32)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A store at a remote, an older state of it, and a clone of that."""
    folder = tmp_path_factory.mktemp("served")
    publisher = Person(folder / "home", folder / "work")
    for one in (publisher.home, publisher.folder / "data"):
        one.mkdir(parents=True)
    publisher.ok("key", "new", "--no-passphrase")
    publisher.ok("init")
    (publisher.folder / "data" / "a.txt").write_text("one")
    publisher.ok("commit", "data", "-d", "acme/x")
    publisher.ok("remote", "add", "origin", folder / "remote", "--mirror")
    publisher.ok("push")
    return folder / "remote"


@pytest.fixture
def remote(served, tmp_path) -> Path:
    """A copy to be attacked."""
    return Path(shutil.copytree(served, tmp_path / "remote"))


@pytest.fixture
def reader(tmp_path) -> Measured:
    person = Measured(tmp_path / "home", tmp_path / "work")
    person.home.mkdir()
    person.folder.mkdir()
    return person


def refused(reader: Measured, remote: Path, code: int, most: int = 200) -> Result:
    """Clone, and hold that it is refused, in bounds, and that nothing passes for a store."""
    result = reader.fails(code, "clone", remote, "copy", "--json", timeout=60)
    assert reader.peak < most
    assert not (reader.folder / "copy/.lyrikstore/format").exists()
    return result


def pack_of(count: int) -> bytes:
    """Return a pack of so many empty blobs: its index takes 100 times what the blobs do."""
    digests, sizes = bytes(32 * count), array("I", bytes(4 * count)).tobytes()
    block = pack_format.BLOCK.pack(pack_format.STORED, 0, 0, count) + sizes
    row = pack_format.ROW.pack(pack_format.HEADER.size, 0, 0, count, pack_format.STORED)
    footer = pack_format.COUNTS.pack(1, count) + row + digests + sizes
    trailer = pack_format.TRAILER.pack(len(footer), blake3(footer).digest(), pack_format.END)
    return pack_format.HEADER.pack(pack_format.MAGIC, 1, 0, 0) + block + footer + trailer


def put(remote: Path, name: str, data: bytes) -> None:
    path = remote / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def claim(remote: Path, size: int) -> None:
    """Let the log checkpoint claim so many entries."""
    lines = (remote / "log/checkpoint").read_bytes().split(b"\n")
    put(remote, "log/checkpoint", b"\n".join([lines[0], b"%d" % size, *lines[2:]]))


def test_packs_that_nobody_signed_are_opened_one_by_one(reader, remote) -> None:
    pack = pack_of(pack_format.BLOBS_MAX - 1)
    put(remote, "pack", pack)
    named = [PackRef(Digest(bytes([n]) * 32), len(pack), "documents") for n in range(5)]
    for one in named:
        (remote / one.name).parent.mkdir(exist_ok=True)
        os.link(remote / "pack", remote / one.name)  # nobody hashes it yet
    record = Transaction(0, (LogItem("manifest", DEFAULT),), tuple(named))
    put(remote, record.name, record.encode())
    error = refused(reader, remote, 3).error
    assert error["kind"] == "bad-genesis"


def test_records_that_nobody_signed_are_not_kept(reader, remote) -> None:
    items = (LogItem("manifest", DEFAULT),) * 120_000
    for number in range(4):
        record = Transaction(number, items)
        put(remote, record.name, record.encode())
    claim(remote, 1 << 24)
    assert refused(reader, remote, 3, most=250).kind == "bad-genesis"


def test_a_record_of_nothing_but_brackets_is_not_parsed(reader, remote) -> None:
    put(remote, record_name(0), b'{"chunkLists":[' + b"{}," * (5 << 20) + b"{}]}")
    assert refused(reader, remote, 16).kind == "bad-record"


def plant(kind: str, path: Path) -> None:
    """Put something in place of a file or folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to("/etc/passwd")
        case "loop":
            path.symlink_to(path.name)
        case "device":
            path.symlink_to("/dev/zero")
        case "socket":
            with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(path.parent):
                listening.bind(path.name)
        case "huge":
            with path.open("wb") as file:
                file.truncate(1 << 40)


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "loop", "device", "socket", "huge"])
def test_what_stands_in_place_of_a_file_is_neither_waited_for_nor_followed(
    reader, served, remote, kind
) -> None:
    sound = next(iter(sorted(remote.rglob("*.pack"))))
    for name in ("log/checkpoint", record_name(1), str(sound.relative_to(remote))):
        plant(kind, remote / name)
        result = reader.run("clone", remote, "copy", timeout=60)
        assert result.code in {1, 3, 16}
        assert result.err.startswith("error: ")
        assert reader.peak < 100
        assert not (reader.folder / "copy/.lyrikstore/format").exists()
        plant("folder", remote / name)
        (remote / name).rmdir()
        shutil.copy2(served / name, remote / name)
    reader.ok("clone", remote, "copy")  # where the last one stopped


def test_a_pack_without_end_is_not_read_to_it(reader, remote) -> None:
    reader.ok("clone", remote, "copy")
    store = reader.folder / "copy/.lyrikstore"
    for path in (next(iter(sorted(store.rglob("*.pack")))), store / record_name(0)):
        plant("huge", path)  # a broken log, so that each pack is looked at by itself
    assert "blobs" in reader.fails(3, "verify", cwd=store.parent, timeout=60).out
    assert reader.peak < 200
