"""Folders hashed in processes: the same comparison, and nothing that changes meanwhile passes."""

import os
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.progress import Progress
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.delivery import file_hash
from lyrikstore.verify.delivery import folder as datacheck
from lyrikstore.verify.delivery.folder import FolderData

FILES = {
    **{f"d{number % 3}/f{number}": b"file %d" % number * 9 for number in range(50)},
    "empty": b"",
    "large": bytes(range(256)) * 40_000,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    return tmp_path


@pytest.fixture(params=["one process", "several"])
def tree(request, monkeypatch: pytest.MonkeyPatch) -> Tree:
    if request.param == "several":
        monkeypatch.setattr(datacheck, "_WORTH_FILES", 1)
        monkeypatch.setattr(datacheck, "_HANDFUL", 7)
        monkeypatch.setattr(datacheck, "cores", lambda: 2)
    return Tree.of(TreeEntry(path, len(data), Digest.of(data)) for path, data in FILES.items())


def test_sound(folder: Path, tree: Tree) -> None:
    reported: list[Progress] = []
    comparison = FolderData(folder, reported.append).compare(tree)
    assert comparison.complete
    assert comparison.matching == len(FILES)
    assert reported[-1] == Progress(len(FILES), bytes=tree.total_bytes)


def test_every_difference_is_found(folder: Path, tree: Tree) -> None:
    (folder / "d0/f0").write_bytes(b"x" * len(FILES["d0/f0"]))
    (folder / "d1/f1").write_bytes(b"longer" * 100)
    (folder / "d2/f2").unlink()
    (folder / "d2/f5").unlink()
    (folder / "d2/f5").symlink_to(folder / "large")
    (folder / "d0/f3").rename(folder / "moved")
    (folder / "extra").write_bytes(b"not listed")
    os.mkfifo(folder / "fifo")
    comparison = FolderData(folder).compare(tree)
    differs = [(item.path, item.reason) for item in comparison.differs]
    assert differs == [("d0/f0", "content"), ("d1/f1", "size"), ("d2/f5", "not-a-file")]
    assert comparison.missing == ("d2/f2",)
    assert comparison.renamed == (("d0/f3", "moved"),)
    assert set(comparison.extra) == {"extra", "fifo"}


@pytest.mark.parametrize("change", ["shorter", "longer", "swapped", "gone"])
def test_a_file_that_changes_while_it_is_read(
    folder: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(datacheck, "_WORTH_FILES", 1 << 30)
    path = folder / "large"
    done = []
    readv = os.readv

    def meddle(descriptor, buffers):
        count = readv(descriptor, buffers)
        if count == file_hash._READ_BYTES and not done:
            done.append(1)
            if change == "shorter":
                os.truncate(path, 1 << 20)
            elif change == "longer":
                with path.open("ab") as file:
                    file.write(b"more")
            elif change == "swapped":
                path.write_bytes(bytes(len(FILES["large"])))
            else:
                path.unlink()
        return count

    monkeypatch.setattr(os, "readv", meddle)
    comparison = FolderData(folder).compare(tree)
    assert done
    # An unlinked file still has its bytes: what was read was what is listed.
    assert comparison.complete == (change == "gone")


def test_what_is_no_such_file_has_no_digest(tmp_path: Path) -> None:
    """Not even that of nothing, which a file has that is listed as empty."""
    (tmp_path / "empty").touch()
    (tmp_path / "grown").write_bytes(b"more")
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "folder").mkdir()
    paths = ["empty", "grown", "link", "folder", "gone"]
    task = {"paths": paths, "sizes": [0] * len(paths)}
    (*_, (_, digests)) = file_hash.hash_task({"root": str(tmp_path)}, task)
    assert digests == Digest.of(b"").raw + file_hash.NOTHING * 4
