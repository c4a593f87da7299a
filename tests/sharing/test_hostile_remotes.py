"""Remotes of somebody who can write there and has no key: refused, in bounds."""

import os
import shutil
import sys
from array import array
from pathlib import Path

import pytest
from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.objects import packs
from lyrikstore.objects.packs import PackRef
from lyrikstore.objects.transactions import LogItem, Transaction, record_name
from tests.conftest import Person, Result

MEASURE = (
    "import resource, subprocess, sys; code = subprocess.run(sys.argv[2:]).returncode;"
    "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss));"
    "sys.exit(code)"
)
DEFAULT = Digest(b"\1" * 32)


class Measured(Person):
    """Somebody whose commands are measured: ``peak`` is the most memory of the last, in MiB."""

    def command(self, *arguments: object) -> list[str]:
        command = super().command(*arguments)
        return [sys.executable, "-c", MEASURE, str(self.home / "peak"), *command]

    @property
    def peak(self) -> int:
        return int((self.home / "peak").read_text()) >> 10


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
    block = packs.BLOCK.pack(packs.STORED, 0, 0, count) + sizes
    row = packs.ROW.pack(packs.HEADER.size, 0, 0, count, packs.STORED)
    footer = packs.COUNTS.pack(1, count) + row + digests + sizes
    trailer = packs.TRAILER.pack(len(footer), blake3(footer).digest(), packs.END)
    return packs.HEADER.pack(packs.MAGIC, 1, 0, 0) + block + footer + trailer


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
    pack = pack_of(packs.BLOBS_MAX - 1)
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
    for number in range(6):
        record = Transaction(number, items)
        put(remote, record.name, record.encode())
    claim(remote, 1 << 24)
    assert refused(reader, remote, 3, most=250).error["kind"] == "bad-genesis"


def test_a_record_of_nothing_but_brackets_is_not_parsed(reader, remote) -> None:
    put(remote, record_name(0), b'{"chunkLists":[' + b"{}," * (5 << 20) + b"{}]}")
    assert refused(reader, remote, 16).error["kind"] == "bad-record"
