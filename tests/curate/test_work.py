"""Folders for work: taken up again by their owner alone, and never removed under a process."""

import os
import stat
from pathlib import Path

import pytest

from lyrikstore.curate.work import KEPT_SECONDS, keep_checked, load_checked, work_folder

OLD = (1, 1)


def failing(cache: Path, key: str = "k") -> Path:
    """Return the folder of some work that failed in the middle."""
    try:
        with work_folder(cache, key) as folder:
            keep_checked(folder / "found", b"data")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        return folder


def test_work_that_failed_is_taken_up_again(tmp_path: Path) -> None:
    folder = failing(tmp_path)
    assert folder.is_dir()
    with work_folder(tmp_path, "k") as again:
        assert again == folder
        assert stat.S_IMODE(again.stat().st_mode) == 0o700
        assert load_checked(again / "found") == b"data"
        (again / "found").write_bytes(b"another")
        assert load_checked(again / "found") is None
        assert load_checked(again / "none") is None
        with work_folder(tmp_path, "k") as other:
            assert other != folder
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o755])
def test_work_that_others_could_change_is_not_taken_up(tmp_path: Path, mode: int) -> None:
    folder = failing(tmp_path)
    folder.chmod(mode)
    with work_folder(tmp_path, "k") as fresh:
        assert fresh != folder
        assert list(fresh.iterdir()) == []


def test_work_of_another_user_is_not_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = failing(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with work_folder(tmp_path, "k") as fresh:
        assert fresh != folder


def test_a_link_is_no_folder_of_ours(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "work-k").symlink_to(target)
    with work_folder(cache, "k") as fresh:
        assert fresh.name != "work-k"
        keep_checked(fresh / "found", b"data")
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("key", ["k", ""])
def test_what_is_old_goes_unless_a_process_is_at_it(tmp_path: Path, key: str) -> None:
    old = failing(tmp_path, "old")
    os.utime(old, OLD)
    with work_folder(tmp_path, key) as folder:
        assert not old.exists()
        os.utime(folder, OLD)
        with work_folder(tmp_path, "other"):
            assert folder.is_dir()
    assert KEPT_SECONDS > 86_400
