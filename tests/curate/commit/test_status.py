"""Status: what a commit would change, found without reading what did not change."""

import os
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError, NotFoundError, StorageError
from lyrikstore.curate.commit import status as status_module
from lyrikstore.curate.commit.commit_cache import last_commits
from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
from lyrikstore.curate.commit.status import FolderStatus, folder_statuses
from lyrikstore.curate.scan import hashing
from tests import run_folder


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches opened long after every file was written."""
    monkeypatch.setattr("lyrikstore.objects.io.stat_cache.RACY_NS", -3_600_000_000_000)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were hashed."""
    seen: list[str] = []

    def listen(location: str) -> Any:
        seen.append(Path(location).name)
        return hashing.hash_file(location)

    monkeypatch.setattr(status_module, "hash_file", listen)
    return seen


def one(bench: Any, folder: Path | None = None) -> FolderStatus:
    (found,) = folder_statuses(bench.with_cache(bench.root / "cache"), folder)
    return found


def commit(bench: Any, name: str = "acme/docs", **options: Any) -> Any:
    return bench.commit(name, cache_dir=bench.root / "cache", **options)


def test_an_unchanged_folder_is_clean_and_not_read(
    bench: Any, patient: None, reads: list[str]
) -> None:
    bench.write({"a.txt": "one", "d/b.txt": "two"})
    made = commit(bench)
    status = one(bench)
    assert status.clean
    assert (status.files, status.name) == (2, "datasets/acme/docs")
    assert status.current == made.manifest.id
    assert Path(status.folder) == bench.data
    assert reads == []


def test_changes_are_named_and_only_doubtful_files_are_read(
    bench: Any, patient: None, reads: list[str]
) -> None:
    bench.write({f"{name}.txt": "one" for name in "abcdefgh"})
    commit(bench)
    bench.write({"new.txt": "one", "b.txt": "two", "c.txt": "longer", "d.txt": "one"})
    (bench.data / "e.txt").unlink()
    (bench.data / "f.txt").rename(bench.data / "f2.txt")
    os.mkfifo(bench.data / "pipe")
    status = one(bench)
    assert status.added == ("f2.txt", "new.txt")
    assert status.removed == ("e.txt", "f.txt")
    assert status.changed == ("b.txt", "c.txt")
    assert [(item.path, item.kind) for item in status.unreadable] == [("pipe", "fifo")]
    assert not status.clean
    assert sorted(reads) == ["b.txt", "d.txt"]  # same size, other times
    reads.clear()
    one(bench)
    assert reads == []  # what was found is remembered


def test_the_second_commit_of_a_folder_is_recognised_by_its_listing(
    bench: Any, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lyrikstore.curate.commit import plan

    bench.write({"a.txt": "one"})
    made = commit(bench)
    monkeypatch.setattr(plan, "Hashing", None)  # nothing is looked at file by file
    again = commit(bench)
    assert (again.manifest, again.current.id) == (None, made.manifest.id)


def test_racy_files_are_read_again(bench: Any, reads: list[str]) -> None:
    bench.write({"a.txt": "one"})
    commit(bench)
    state = (bench.data / "a.txt").stat()
    bench.write({"a.txt": "two"})
    os.utime(bench.data / "a.txt", ns=(state.st_atime_ns, state.st_mtime_ns))
    assert one(bench).changed == ("a.txt",)
    assert reads == ["a.txt"]


def test_status_writes_nothing_to_the_store(bench: Any) -> None:
    bench.write({"a.txt": "one"})
    commit(bench)
    bench.write({"a.txt": "two", "b.txt": "x"})
    before = {path: path.stat().st_mtime_ns for path in bench.repo.root.rglob("*")}
    one(bench)
    assert before == {path: path.stat().st_mtime_ns for path in bench.repo.root.rglob("*")}


def test_a_moved_ref_is_said_and_compared_with(bench: Any, patient: None) -> None:
    bench.write({"a.txt": "one"})
    commit(bench)
    bench.write({"a.txt": "two"})
    bench.commit()  # by somebody who shares no cache with us
    bench.write({"a.txt": "one"})
    status = one(bench)
    assert status.moved
    assert status.changed == ("a.txt",)


def test_sheets_links_and_ignored_files_are_taken_as_the_commit_took_them(
    bench: Any, patient: None
) -> None:
    bench.write({"a.txt": "one", "b.bak": "x", ".lyrikignore": "*.bak\n"})
    (bench.data / "link.txt").symlink_to("a.txt")
    sheet = bench.sheet([["path", "k"], ["a.txt", "x"]])
    commit(bench, stated=CommitMetadata(sheet=sheet), allow=CommitOptions(links=True))
    assert one(bench).clean
    bench.sheet([["path", "k"], ["a.txt", "y"]])
    status = one(bench)
    assert status.sheet_changed
    assert (status.added, status.removed, status.changed) == ((), (), ())
    sheet.unlink()
    assert one(bench).sheet_changed


def test_which_folders_are_reported(bench: Any, patient: None) -> None:
    cache = bench.root / "cache"
    assert folder_statuses(bench.with_cache(cache)) == []
    bench.write({"a.txt": "one", "d/b.txt": "two"})
    commit(bench)
    commit(bench, "acme/more")
    assert [item.name for item in last_commits(cache)] == [
        "datasets/acme/docs",
        "datasets/acme/more",
    ]
    for folder in (None, bench.data, bench.data / "d", bench.root):
        assert len(folder_statuses(bench.with_cache(cache), folder)) == 2
    with pytest.raises(NotFoundError) as caught:
        folder_statuses(bench.with_cache(cache), bench.root / "elsewhere")
    assert caught.value.kind == "not-committed"
    bench.data.rename(bench.root / "away")
    found = folder_statuses(bench.with_cache(cache))
    assert [("there is no file or folder" in item.problem, item.clean) for item in found] == [
        (True, False)
    ] * 2


def test_damaged_memories_are_no_memories(bench: Any, patient: None) -> None:
    bench.write({"a.txt": "one"})
    made = commit(bench)
    (path,) = (bench.root / "cache").glob("commit-*")
    for data in (b"", b"{}", b"[]", b"\xff", path.read_bytes()[:-9]):
        path.write_bytes(data)
        assert folder_statuses(bench.with_cache(bench.root / "cache")) == []
        assert commit(bench).current.id == made.manifest.id


def test_a_memory_that_cannot_be_read_is_reported(bench: Any, patient: None) -> None:
    bench.write({"a.txt": "one"})
    made = commit(bench)
    (path,) = (bench.root / "cache").glob("commit-*")
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(StorageError):
        folder_statuses(bench.with_cache(bench.root / "cache"))
    assert commit(bench).current.id == made.manifest.id
    assert one(bench).clean


def test_what_vanishes_or_turns_into_a_fifo_is_named_and_blocks_nothing(bench: Any) -> None:
    place = bench.write({"a.txt": "one"}) / "a.txt"
    assert hashing.hash_file(str(place)).hex
    place.unlink()
    with pytest.raises(InvalidInputError):
        hashing.hash_file(str(place))
    os.mkfifo(place)
    with pytest.raises(InvalidInputError):
        hashing.hash_file(str(place))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_what_cannot_be_read_is_not_called_removed(bench: Any, patient: None) -> None:
    bench.write({"a.txt": "one", "b.txt": "two", "d/c.txt": "x"})
    commit(bench)
    for path in (bench.root, *bench.root.parents):
        if path.owner() == "root" and path.is_relative_to(run_folder.current()):
            path.chmod(0o755)
    (bench.root / "cache").chmod(0o755)
    for path in (bench.root / "cache").iterdir():
        os.chown(path, 65534, -1)  # it is to be the same user's
    (bench.data / "b.txt").chmod(0)
    (bench.data / "d").chmod(0)
    os.seteuid(65534)
    try:
        status = one(bench)
    finally:
        os.seteuid(0)
    assert {item.path for item in status.unreadable} == {"b.txt", "d/"}
    assert status.removed == ()
