"""Folders for work: gone on with by their owner alone, and what others put there is never used."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError, StorageError
from lyrikstore.curate.work_folder import WorkFolder, forget_kept, kept_work, work_folder
from lyrikstore.objects.io.private_folder import KEPT_SECONDS, STAGING, private_folder, sweep

OLD = (1, 1)
KEY = "0" * 32


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@contextmanager
def work(store: Path, cache: Path | None, key: str = KEY) -> Iterator[WorkFolder]:
    with kept_work(store, cache, key) as found:
        yield found


def cut_short(
    store: Path, cache: Path | None, error: type[BaseException] = KeyboardInterrupt
) -> Path:
    """Return the folder of some work that ended in the middle."""
    try:
        with kept_work(store, cache, KEY) as found:
            found.keep("found", b"data")
            found.keep("stage-0/00000000", b"more")
            raise error
    except error:
        return found.path


def files(*folders: Path) -> set[str]:
    return {
        path.name
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_work_that_was_cut_short_is_gone_on_with(store: Path, cache: Path) -> None:
    folder = cut_short(store, cache)
    assert folder.parent == store / STAGING
    for path in (folder, *folder.rglob("*"), *cache.rglob("*"), folder.parent, cache):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    # Outside the store lie digests, and nothing of what was kept.
    (record,) = (path for path in cache.iterdir() if path.is_file())
    assert b"data" not in record.read_bytes()
    with work(store, cache) as again:
        assert again.path == folder
        assert again.load("found") == b"data"
        assert again.load("stage-0/00000000") == b"more"
        assert again.load("none") is None
        again.keep("found", b"other")
        assert again.load("found") == b"other"
        with work(store, cache) as other:
            assert other.path != folder
            assert other.load("found") is None
    assert files(store, cache) == set()


def test_what_another_put_there_is_not_taken(store: Path, cache: Path) -> None:
    folder = cut_short(store, cache)
    (folder / "found").write_bytes(b"chosen")
    (folder / "stage-0" / "00000000").write_bytes(b"mor")
    (folder / "stage-0" / "00000001").write_bytes(b"never kept")
    with work(store, cache) as again:
        for name in ("found", "stage-0/00000000", "stage-0/00000001"):
            assert again.load(name) is None
        again.keep("found", b"data")
        (folder / "found").unlink()
        (folder / "found").symlink_to(folder / "stage-0" / "00000001")
        assert again.load("found") is None
        again.path.joinpath("found").unlink()
        assert again.load("found") is None
        os.mkfifo(folder / "found")
        with pytest.raises(StorageError):
            again.load("found")


@pytest.mark.parametrize("damage", [b"", b"\xff" * 200, b"0" * 64 + b"  4 found", None])
def test_without_its_digest_nothing_is_taken(
    store: Path, cache: Path, damage: bytes | None
) -> None:
    cut_short(store, cache)
    (record,) = (path for path in cache.iterdir() if path.is_file())
    if damage is None:
        record.chmod(0o644)
    else:
        record.write_bytes(damage)
    with work(store, cache) as again:
        assert again.load("found") is None
        again.keep("found", b"data")
        assert again.load("found") == b"data"
    if damage is not None:
        assert files(store, cache) == set()


def test_a_folder_that_came_with_the_store_is_not_used(
    store: Path, cache: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    laid = store / STAGING / f"kept-{KEY}"
    laid.mkdir(parents=True, mode=0o700)
    (laid / "stage-0").symlink_to(outside)
    folder = cut_short(store, cache)
    assert folder == laid
    assert not (laid / "stage-0").is_symlink()
    # Nor is a link that was laid later followed.
    (laid / "stage-0" / "00000000").unlink()
    (laid / "stage-0").rmdir()
    (laid / "stage-0").symlink_to(outside)
    with pytest.raises(StorageError) as caught:
        cut_short(store, cache)
    assert caught.value.kind == "linked-folder"
    assert list(outside.iterdir()) == []


def test_a_line_that_was_cut_off_costs_that_line(store: Path, cache: Path) -> None:
    cut_short(store, cache)
    (record,) = (path for path in cache.iterdir() if path.is_file())
    record.write_bytes(record.read_bytes()[:-3])
    cut_short(store, cache)  # keeps both again, behind the torn line
    with work(store, cache) as again:
        assert again.load("found") == b"data"
        assert again.load("stage-0/00000000") == b"more"


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o755])
def test_a_folder_that_others_can_enter_is_not_used(store: Path, cache: Path, mode: int) -> None:
    folder = cut_short(store, cache)
    folder.chmod(mode)
    with work(store, cache) as fresh:
        assert fresh.path != folder
        assert fresh.load("found") is None


def test_a_folder_of_another_user_or_a_link_is_not_used(
    store: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cut_short(store, cache)
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
        with work(store, cache) as fresh:
            assert fresh.path != folder
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    folder.rename(tmp_path / "aside")
    folder.symlink_to(target)
    with work(store, cache) as fresh:
        assert fresh.path != folder
        fresh.keep("found", b"data")
    assert list(target.iterdir()) == []


class RefusedError(InvalidInputError):
    def __init__(self) -> None:
        super().__init__("bad-record", "no")


class FullError(StorageError):
    def __init__(self) -> None:
        super().__init__("disk-full", "no")


@pytest.mark.parametrize(("error", "stays"), [(RefusedError, False), (FullError, True)])
def test_a_command_that_ends_leaves_nothing(
    store: Path, cache: Path, error: type[BaseException], stays: bool
) -> None:
    folder = cut_short(store, cache, error)
    assert folder.exists() is stays
    assert bool(files(store, cache)) is stays


def test_without_a_cache_nothing_stays(store: Path) -> None:
    assert not cut_short(store, None).exists()


def test_what_is_old_goes_unless_a_process_is_at_it(store: Path, cache: Path) -> None:
    for clean in (lambda: sweep(store), lambda: cut_short(store, cache, RefusedError)):
        old = cut_short(store, cache)
        os.utime(old / "lock", OLD)
        clean()
        assert not old.exists()
    young = cut_short(store, cache)
    sweep(store)
    assert young.exists()
    with work(store, cache) as held:
        os.utime(held.path / "lock", OLD)
        sweep(store, kept=True)
        assert held.path.is_dir()
    record = cache / f"kept-{KEY}"
    cut_short(store, cache)
    forget_kept(cache)
    assert record.exists()
    os.utime(record, OLD)
    forget_kept(cache)
    assert not record.exists()
    assert sweep(store, kept=True) == 1
    assert KEPT_SECONDS == 86_400


def test_work_that_is_not_kept_goes_at_once(cache: Path) -> None:
    with suppress(KeyboardInterrupt), work_folder(cache) as held:
        assert held.path.parent == cache / STAGING
        held.keep("found", b"data")
        raise KeyboardInterrupt
    assert files(cache) == set()
    dead = cache / STAGING / "work-0011223344556677"
    dead.mkdir(mode=0o700)
    (dead / "rows").write_bytes(b"data")
    with work_folder(cache):
        assert not dead.exists()
    with work_folder(None) as held:
        assert stat.S_IMODE(held.path.stat().st_mode) == 0o700
    assert not held.path.exists()


def test_a_store_that_takes_no_work_is_worked_on_elsewhere(
    store: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(root: Path, *_: object, **__: object) -> object:
        if root == store:
            raise StorageError("read-only", "no")
        return private_folder(root)

    monkeypatch.setattr("lyrikstore.curate.work_folder.private_folder", denied)
    with work(store, cache) as found:
        assert found.path.parent == cache / STAGING
    assert files(store, cache) == set()
