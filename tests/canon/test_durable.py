"""Small files that are replaced whole: content, modes, folders, and nothing left over."""

import os
import stat
from pathlib import Path

import pytest

from lyrikstore.canon.durable import replace_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    for data in (b"", b"one", b"two" * 1000):
        replace_file(path, data, mode=0o600, folder_mode=0o700)
        assert path.read_bytes() == data
        assert mode(path) == 0o600
    assert [mode(folder) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]
    assert list(path.parent.iterdir()) == [path]


def test_a_refusal_leaves_what_was_there_and_no_scratch_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(path, b"x")
    assert list(tmp_path.iterdir()) == [path]


def test_the_scratch_file_is_no_link_that_somebody_put_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    os.symlink(tmp_path / "elsewhere", path)
    replace_file(path, b"x")
    assert not path.is_symlink()
    assert not (tmp_path / "elsewhere").exists()
