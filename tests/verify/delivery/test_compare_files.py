"""Comparing files with a tree: every file is accounted for exactly once."""

import io
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError, NotFoundError
from lyrikstore.canon.progress import Progress
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.delivery.compare_files import (
    FileComparison,
    FoundFile,
    FoundKind,
    check_files,
    compare_listing,
    is_litter,
)
from lyrikstore.verify.delivery.folder import FolderData, read_siblings

PATHS = ["a", "b", "c", "d/e", "d/f", "Thumbs.db", "\u00e9"]
contents = st.sampled_from([b"", b"1", b"2", b"33", b"44"])
folders = st.dictionaries(st.sampled_from(PATHS), contents)
found_folders = st.dictionaries(st.sampled_from([*PATHS, "e\u0301"]), contents)


def tree_of(files: dict[str, bytes]) -> Tree:
    return Tree.of(TreeEntry(path, len(data), Digest.of(data)) for path, data in files.items())


def found_in(files: dict[str, bytes]) -> dict[str, FoundFile]:
    return {
        path: FoundFile(FoundKind.FILE, len(data), Digest.of(data)) for path, data in files.items()
    }


@given(folders, found_folders)
def test_every_path_is_accounted_for_once(wanted: dict[str, bytes], got: dict[str, bytes]) -> None:
    result = compare_listing(tree_of(wanted), found_in(got))
    named_wanted = [
        *(item.path for item in result.differs),
        *(path for pair in result.swapped for path in pair),
        *(old for old, _ in (*result.renamed, *result.reformed)),
        *result.missing,
        *result.unreadable,
    ]
    moved = (*result.renamed, *result.reformed)
    named_extra = [*(new for _, new in moved), *result.extra, *result.litter]
    assert len(named_wanted) + result.matching == len(wanted)
    assert set(named_wanted) == {path for path in wanted if got.get(path) != wanted[path]}
    assert sorted(named_extra) == sorted(set(got) - set(wanted))
    assert result.complete == (not named_wanted)
    check = check_files(result)
    assert (check.state == "pass") == (wanted == got)
    kept = all(got.get(path) in {None, data} for path, data in wanted.items())
    if wanted != got and kept and set(got) <= set(wanted):
        assert check.state == "unchecked"  # only missing


@given(folders)
def test_swaps_are_found(files: dict[str, bytes]) -> None:
    values = sorted(files)
    if len(values) < 2 or files[values[0]] == files[values[1]]:
        return
    other = {**files, values[0]: files[values[1]], values[1]: files[values[0]]}
    result = compare_listing(tree_of(files), found_in(other))
    assert len(result.swapped) == 1
    assert not result.differs


def test_nothing_is_swapped_with_itself() -> None:
    """An entry may state another length than the file of its digest has."""
    tree = Tree.of([TreeEntry("a", 7, Digest.of(b"1")), TreeEntry("b", 1, Digest.of(b"2"))])
    result = compare_listing(tree, found_in({"a": b"1", "b": b"2"}))
    assert not result.swapped
    assert [(item.path, item.reason) for item in result.differs] == [("a", "size")]


def test_a_rotation_names_where_each_belongs() -> None:
    files = {"a": b"1", "b": b"2", "c": b"3"}
    result = compare_listing(tree_of(files), found_in({"a": b"2", "b": b"3", "c": b"1"}))
    assert [(item.path, item.holds) for item in result.differs] == [
        ("a", "b"),
        ("b", "c"),
        ("c", "a"),
    ]


def test_unreadable_is_unchecked() -> None:
    tree = tree_of({"a": b"1", "b": b"2"})
    found = {**found_in({"b": b"2"}), "a": FoundFile(FoundKind.UNREADABLE)}
    check = check_files(compare_listing(tree, found))
    assert check.state == "unchecked"
    assert check.detail["reason"] == "unreadable"


def test_litter_is_a_fixed_list() -> None:
    assert all(map(is_litter, [".DS_Store", "x/Thumbs.db", "desktop.ini", "a/b/._c"]))
    assert not any(map(is_litter, ["ds_store", ".git/config", "x.tmp", "a._b", "Thumbs.db/x"]))


def test_listed_litter_is_data() -> None:
    tree = tree_of({"Thumbs.db": b"1"})
    assert compare_listing(tree, found_in({"Thumbs.db": b"1"})) == FileComparison(1)
    assert compare_listing(tree, {}).missing == ("Thumbs.db",)


def test_folder_reads_each_file_once_and_streams(tmp_path: Path) -> None:
    files = {"a": b"x" * 3_000_000, "d/e": b"2", "z": b""}
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    seen: list[tuple[str, bytes]] = []
    reported: list[Progress] = []

    def each(entry: TreeEntry, stream: BinaryIO) -> None:
        # however it is read: not at all, a little, through a buffer
        if entry.path == "a":
            seen.append((entry.path, io.BufferedReader(stream).read(10)))  # type: ignore[type-var]
        elif entry.path == "d/e":
            seen.append((entry.path, stream.read()))

    data = FolderData(tmp_path, reported.append)
    assert data.compare(tree_of(files), each) == FileComparison(3)
    assert seen == [("a", b"x" * 10), ("d/e", b"2")]
    assert reported[-1] == Progress(3, bytes=3_000_001)
    assert data.tree().files_id == tree_of(files).files_id


def test_files_that_cannot_match_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big").write_bytes(b"x" * 1000)
    monkeypatch.setattr("lyrikstore.verify.delivery.folder._HashingReader", None)
    assert FolderData(tmp_path).compare(tree_of({"a": b"1"})).extra == ("big",)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        FolderData(tmp_path / "nowhere").compare(tree_of({}))


def test_folder_without_a_tree_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(FormatError):
        FolderData(tmp_path).tree()


def test_too_many_siblings_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Left out could be what the owner of a stolen key says.
    for i in range(10):
        (tmp_path / f"{i}").write_bytes(b"{" * 10)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "inner").write_bytes(b"x")
    assert len(read_siblings(tmp_path / "0")) == 9
    monkeypatch.setattr("lyrikstore.verify.delivery.folder.MAX_SIBLINGS", 8)
    with pytest.raises(InvalidInputError, match="more than the 8 files"):
        read_siblings(tmp_path / "0")
    assert len(read_siblings(tmp_path / "0", complete=False)) == 8
    monkeypatch.setattr("lyrikstore.verify.delivery.folder.MAX_SIBLINGS", 9)
    monkeypatch.setattr("lyrikstore.verify.delivery.folder.MAX_SIBLINGS_BYTES", 89)
    with pytest.raises(InvalidInputError, match="more than"):
        read_siblings(tmp_path / "0")
    assert len(read_siblings(tmp_path / "0", complete=False)) == 8


def test_licence_texts_are_read_though_nothing_names_them(tmp_path: Path) -> None:
    (tmp_path / "credential.json").write_bytes(b"{}")
    for i in range(6):
        (tmp_path / f"LICENCE-{i}.txt").write_bytes(b"x" * (1 << 20))
    (tmp_path / "LICENCE.txt").write_bytes(b"x" * ((1 << 20) + 1))
    (tmp_path / "LICENSE.txt").write_bytes(b"x")
    names = sorted(read_siblings(tmp_path / "credential.json"))
    assert names == [f"LICENCE-{i}.txt" for i in range(4)]  # and no more of them in memory


@pytest.mark.parametrize("head", [b"{", b" \n\t\r{", b"c2sp.org/tlog-proof@v1\n"])
def test_more_words_than_are_read_are_refused(tmp_path: Path, head: bytes) -> None:
    # Each of them may take a tenth of a second to parse.
    (tmp_path / "credential.json").write_bytes(b"{}")
    for i in range(4):
        (tmp_path / f"{i}.json").write_bytes(head.ljust(1 << 20, b"x"))
    assert len(read_siblings(tmp_path / "credential.json")) == 4
    (tmp_path / "y.txt").write_bytes(b"no word")
    (tmp_path / "z.json").write_bytes(head)
    with pytest.raises(InvalidInputError, match="4 MiB") as caught:
        read_siblings(tmp_path / "credential.json")
    assert caught.value.kind == "too-many-files"
    assert len(read_siblings(tmp_path / "credential.json", complete=False)) == 5


def test_what_says_nothing_is_read_only_where_it_is_named(tmp_path: Path) -> None:
    large, small = b"{" * ((1 << 20) + 1), b"a licence"
    by_credential, by_another = Digest.of(large), Digest.of(small)
    (tmp_path / "credential.json").write_text(f'{{"id":"urn:blake3:{by_credential.hex}"}}')
    (tmp_path / "manifest.json").write_text(f'{{"text":"{by_another}"}}')
    (tmp_path / "large").write_bytes(large)
    (tmp_path / "small").write_bytes(small)
    for i in range(9):
        (tmp_path / f"junk-{i}").write_bytes(b'"' * (2 << 20))
    assert sorted(read_siblings(tmp_path / "credential.json")) == [
        "large",
        "manifest.json",
        "small",
    ]


def test_a_growing_file_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")

    def each(entry: TreeEntry, stream: BinaryIO) -> None:
        with path.open("ab") as file:
            file.write(b"2")

    result = FolderData(tmp_path).compare(tree_of({"a": b"1"}), each)
    assert result.matching == 0
