"""Check-out: exact bytes into an empty folder, nothing outside it, nothing left on failure."""

import errno
import io
import os
import resource
import shutil
import stat
import threading
from contextlib import suppress

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.progress import Progress
from lyrikstore.history.checkout import checkout
from lyrikstore.history.checkout.checkout import checkout_tree
from lyrikstore.history.checkout.confined_folder import Destination
from lyrikstore.history.trees.tree import Tree, TreeEntry

FILES = {
    "a.txt": b"alpha",
    "b/c.txt": b"",
    "b/d/e.bin": bytes(range(256)) * 20_000,
    "b-x": b"between b and b/ in byte order",
    "ü/ö ä.txt": b"umlauts",
}


class Blobs:
    """Blobs in a dictionary; ``before`` runs before each one is opened."""

    def __init__(self, files, before=None):
        self.content = {Digest.of(data): data for data in files.values()}
        self.before = before
        self.opened = 0

    def open(self, digest):
        if self.before is not None:
            self.before(self.opened)
        self.opened += 1
        if digest not in self.content:
            raise NotFoundError("no-blob", f"no blob {digest.short}")
        return io.BytesIO(self.content[digest])


def tree_of(files):
    return Tree.of(TreeEntry(path, len(data), Digest.of(data)) for path, data in files.items())


def read_back(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("exists", [False, True])
def test_writes_the_files_and_nothing_else(tmp_path, exists):
    target = tmp_path / "out folder"
    if exists:
        target.mkdir()
    seen = []
    before = os.listdir("/proc/self/fd")
    checkout_tree(tree_of(FILES), Blobs(FILES), target, progress=seen.append)
    assert read_back(target) == FILES
    assert seen[-1] == Progress(len(FILES), len(FILES), sum(map(len, FILES.values())))
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.parametrize(
    ("mask", "file_mode", "folder_mode"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)]
)
def test_modes_follow_the_umask(tmp_path, mask, file_mode, folder_mode):
    old = os.umask(mask)
    try:
        checkout_tree(tree_of(FILES), Blobs(FILES), tmp_path / "out")
    finally:
        os.umask(old)
    for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (folder_mode if path.is_dir() else file_mode)


def test_the_empty_tree_gives_an_empty_folder(tmp_path):
    checkout_tree(Tree(()), Blobs({}), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_deep_trees_do_not_exhaust_descriptors(tmp_path):
    files = {"/".join(["d"] * 1500) + f"/{name}": b"x" for name in "ab"}
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, limit[1]))
    try:
        checkout_tree(tree_of(files), Blobs(files), tmp_path / "out")
        with pytest.raises(NotFoundError):
            checkout_tree(tree_of(files), Blobs({}), tmp_path / "failed")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert not (tmp_path / "failed").exists()
    shutil_rmtree_deep(tmp_path / "out", files)


def shutil_rmtree_deep(folder, files):
    """Remove what is too deep for one path (and for shutil.rmtree's recursion)."""
    job = Destination(os.open(folder, os.O_RDONLY))
    depth = next(iter(files)).count("/")
    job.files = list(files)
    job.folders = ["/".join(["d"] * count) for count in range(1, depth + 1)]
    job.undo()
    job.close()
    folder.rmdir()


@pytest.mark.parametrize("content", ["file", "hidden", "folder", "link"])
def test_a_folder_that_is_not_empty_is_left_alone(tmp_path, content):
    target = tmp_path / "out"
    target.mkdir()
    if content == "folder":
        (target / "x").mkdir()
    elif content == "link":
        (target / "x").symlink_to("nowhere")
    else:
        (target / (".x" if content == "hidden" else "x")).write_text("keep")
    with pytest.raises(ConflictError) as caught:
        checkout_tree(tree_of(FILES), Blobs(FILES), target)
    assert caught.value.kind == "not-empty"
    assert len(list(target.iterdir())) == 1


def test_a_destination_that_is_no_folder(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").write_text("x")
    for name in ("link", "dangling", "file", "missing/out"):
        with pytest.raises(InvalidInputError) as caught:
            checkout_tree(tree_of(FILES), Blobs(FILES), tmp_path / name)
        assert caught.value.kind == "not-a-folder"
    assert list((tmp_path / "real").iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


WRONG = {
    "flipped": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "shorter": lambda data: data[:-1],
    "longer": lambda data: data + b"x",
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("existed", [False, True])
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_bytes_leave_nothing_behind(tmp_path, wrong, existed):
    target = tmp_path / "out"
    if existed:
        target.mkdir()
    blobs = Blobs(FILES)
    key = Digest.of(FILES["ü/ö ä.txt"])
    blobs.content[key] = WRONG[wrong](blobs.content[key])
    with pytest.raises(VerificationError) as caught:
        checkout_tree(tree_of(FILES), blobs, target)
    assert caught.value.details["path"] == "ü/ö ä.txt"
    assert list(tmp_path.rglob("*")) == ([target] if existed else [])


def test_endless_bytes_are_cut(tmp_path):
    class Endless(Blobs):
        served = 0

        def open(self, digest):
            outer = self

            class Stream(io.RawIOBase):
                def readable(self):
                    return True

                def read(self, size=-1):
                    outer.served += size
                    return bytes(size)

            return Stream()

    blobs = Endless({})
    with pytest.raises(VerificationError):
        checkout_tree(tree_of(FILES), blobs, tmp_path / "out")
    assert blobs.served <= 2 << 20


def test_an_interrupt_leaves_nothing_behind(tmp_path):
    for moment in range(len(FILES)):

        def interrupt(opened, moment=moment):
            if opened == moment:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            checkout_tree(tree_of(FILES), Blobs(FILES, interrupt), tmp_path / "out")
        assert list(tmp_path.iterdir()) == []


def test_a_folder_swapped_for_a_link_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    target = tmp_path / "out"

    def swap(opened):
        if opened == 1:  # b/ is open, and b/x must be made in it after the swap
            os.rename(target / "b", tmp_path / "aside")
            os.symlink(outside, target / "b")

    files = {"b/1": b"1", "b/2": b"2", "b/x/1": b"6", "c/1": b"3"}
    with pytest.raises(VerificationError) as caught:
        checkout_tree(tree_of(files), Blobs(files, swap), target)
    assert caught.value.kind == "changed-meanwhile"
    assert list(outside.iterdir()) == []
    assert os.path.islink(target / "b")  # not ours, so not removed


def test_a_folder_swapped_for_another_folder_is_noticed(tmp_path):
    target = tmp_path / "out"
    outside = tmp_path / "outside"
    outside.mkdir()

    def swap(opened):
        if opened == 1:
            os.rename(target / "b", tmp_path / "aside")
            os.rename(outside, target / "b")

    files = {"b/1": b"1", "b/2": b"2", "b/x/1": b"3"}
    with pytest.raises(VerificationError) as caught:
        checkout_tree(tree_of(files), Blobs(files, swap), target)
    assert caught.value.kind == "changed-meanwhile"


@pytest.mark.parametrize("plant", ["file", "link", "fifo", "folder"])
def test_what_is_planted_in_the_way_is_refused_and_kept(tmp_path, plant):
    target = tmp_path / "out"
    victim = tmp_path / "victim"
    victim.write_text("precious")

    def put(opened):
        if opened == 0:
            path = target / "z"
            {
                "file": lambda: path.write_text("theirs"),
                "link": lambda: path.symlink_to(victim),
                "fifo": lambda: os.mkfifo(path),
                "folder": path.mkdir,
            }[plant]()

    files = {"a": b"1", "z": b"overwritten"}
    with pytest.raises(ConflictError):
        checkout_tree(tree_of(files), Blobs(files, put), target)
    assert victim.read_text() == "precious"
    assert [path.name for path in target.iterdir()] == ["z"]


def test_an_extra_file_is_noticed(tmp_path):
    target = tmp_path / "out"

    def put(opened):
        if opened == 1:
            (target / "b" / "extra").write_text("x")

    files = {"b/1": b"1", "c": b"2"}
    with pytest.raises(VerificationError) as caught:
        checkout_tree(tree_of(files), Blobs(files, put), target)
    assert caught.value.kind == "changed-meanwhile"
    assert not (target / "b" / "1").exists()


def test_a_racing_attacker_never_gets_a_file_outside(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    files = {f"d{i % 5}/{i}/f": b"x" for i in range(40)}
    stop = threading.Event()
    target = tmp_path / "out"

    def attack():
        while not stop.is_set():
            for i in range(5):
                try:
                    os.rename(target / f"d{i}", target / f"moved{i}")
                    os.symlink(outside, target / f"d{i}")
                except OSError:
                    pass

    thread = threading.Thread(target=attack)
    thread.start()
    try:
        for _ in range(20):
            with suppress(VerificationError, ConflictError, StorageError):
                checkout_tree(tree_of(files), Blobs(files), target)
            shutil.rmtree(target, ignore_errors=True)
    finally:
        stop.set()
        thread.join()
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, "disk-full"),
        (errno.EDQUOT, "disk-full"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "io"),
    ],
)
def test_what_the_disk_says(tmp_path, monkeypatch, code, kind):
    def refuse(*_arguments, **_options):
        raise OSError(code, os.strerror(code))

    files = {"a": b"1", "b/c": b"2"}
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(checkout.os, "mkdir", refuse)
    with pytest.raises(StorageError) as caught:
        checkout_tree(tree_of(files), Blobs(files), tmp_path / "out")
    assert caught.value.kind == kind
    assert list((tmp_path / "out").iterdir()) == []


def test_a_missing_blob_says_so(tmp_path):
    with pytest.raises(NotFoundError):
        checkout_tree(tree_of(FILES), Blobs({}), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_more_than_there_is_room_for_is_refused_before_anything_is_written(tmp_path):
    # ATTACK A07: a chunk list that names one chunk a million times takes next to nothing.
    digest = Digest.of(b"chunk")
    tree = Tree.of([TreeEntry("a.txt", 5, digest), TreeEntry("b.bin", 1 << 52, digest)])
    blobs = Blobs({"a.txt": b"chunk"})
    with pytest.raises(StorageError, match="no space left") as caught:
        checkout_tree(tree, blobs, tmp_path / "out")
    assert caught.value.kind == "disk-full"
    assert blobs.opened == 0
    assert not (tmp_path / "out").exists()


def test_a_file_system_that_does_not_say_what_it_has_is_not_a_full_one(tmp_path, monkeypatch):
    # As ramfs answers, a tmpfs without a limit, and network file systems that do not count.
    silent = os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 4096, 255))
    monkeypatch.setattr(checkout.os, "fstatvfs", lambda _: silent)
    checkout_tree(tree_of(FILES), Blobs(FILES), tmp_path / "out")
    assert {path: (tmp_path / "out" / path).read_bytes() for path in FILES} == FILES
