"""Small files that are made or replaced whole: content, modes, folders, and nothing left over."""

import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lyrikstore.canon.files import create_file, replace_file


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


def test_a_new_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new"
    create_file(path, b"first", mode=0o640)
    assert path.read_bytes() == b"first"
    assert mode(path) == 0o640
    with pytest.raises(FileExistsError):
        create_file(path, b"second")
    assert path.read_bytes() == b"first"
    assert [one.name for one in tmp_path.iterdir()] == ["new"]  # nothing half-made beside it


def test_a_new_file_never_goes_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "link", b"data")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("write", [create_file, replace_file])
def test_what_a_killed_writer_left_is_removed_by_the_next_and_what_a_living_one_has_is_not(
    tmp_path: Path, write: Callable[[Path, bytes], None]
) -> None:
    stem = ".key."
    dead, alive, other = (tmp_path / f"{stem}{digit * 16}" for digit in "abc")
    for path in (dead, alive):
        path.write_bytes(b"half of a secr")
    other.symlink_to(alive)
    similar = [tmp_path / name for name in (".key.old", f".key.pub.{'d' * 16}", f".key.{'e' * 17}")]
    for path in similar:
        path.touch()
    with alive.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        write(tmp_path / "key", b"secret")
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "key", alive, other, *similar])


KILLED = """
import os, signal, sys
from pathlib import Path
from lyrikstore.canon import files
files.os.fsync = lambda _descriptor: os.kill(os.getpid(), signal.SIGKILL)
files.create_file(Path(sys.argv[1]), b"data")
"""


def test_a_writer_that_is_killed_leaves_what_the_next_recognises(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for _ in range(3):
        assert subprocess.run([sys.executable, "-c", KILLED, path]).returncode < 0
        assert len(list(tmp_path.iterdir())) == 1
    create_file(path, b"data")
    assert list(tmp_path.iterdir()) == [path]
