"""Line ends that were rewritten in transit, wherever a read ends, in no more than one read."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.delivery.compare_files import FileDifference
from lyrikstore.verify.delivery.folder import FolderData
from lyrikstore.verify.delivery.line_ends import digest_with, ends_before

texts = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"x"])).map(b"".join)


class Slow(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self.step = step

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.step)


@given(texts, st.integers(1, 4))
def test_wherever_a_read_ends(text: bytes, step: int) -> None:
    unix = text.replace(b"\r\n", b"\n")
    dos = unix.replace(b"\n", b"\r\n")
    assert digest_with("lf", Slow(text, step), len(text)) == Digest.of(unix)
    assert digest_with("crlf", Slow(text, step), 2 * len(text)) == Digest.of(dos)
    if unix != dos:
        assert ends_before(len(dos), len(unix)) == "lf"
        assert ends_before(len(unix), len(dos)) == "crlf"


def test_what_gets_too_long_is_not_read_to_its_end() -> None:
    stream = io.BytesIO(b"x" * (10 << 20))
    assert digest_with("crlf", stream, 100) is None
    assert stream.tell() == 1 << 20


@pytest.mark.parametrize(("found", "listed"), [(9, 9), (9, 4), (4, 9), (0, 1), (1, 0)])
def test_lengths_that_no_line_ends_explain(found: int, listed: int) -> None:
    assert ends_before(found, listed) is None


def test_files_that_match_are_not_read_again(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "a").write_bytes(b"one\n")
    (tmp_path / "b").write_bytes(b"two\r\n")
    asked: list[object] = []

    def watched(*arguments: Any) -> Any:
        asked.append(arguments)
        return digest_with(*arguments)

    monkeypatch.setattr("lyrikstore.verify.delivery.line_ends.digest_with", watched)
    listed = {"a": b"one\n", "b": b"two\n"}
    tree = Tree.of(TreeEntry(path, len(data), Digest.of(data)) for path, data in listed.items())
    comparison = FolderData(tmp_path).compare(tree)
    assert comparison.differs == (FileDifference("b", "line-ends"),)
    assert len(asked) == 1
