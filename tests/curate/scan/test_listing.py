"""Listings: the same whoever looks, one process or two, and whatever becomes of the second."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lyrikstore.curate.scan import listing as listing_module
from lyrikstore.curate.scan.listing import Listed, Listing
from lyrikstore.curate.scan.scan import judge
from lyrikstore.objects.parallel.processes import Workers
from tests.curate.scanning import scan

RULES = "*.tmp\n/f3/skip/\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folders with something of everything in them, and names that sort badly."""
    root = tmp_path / "data"
    root.mkdir()
    (root / ".lyrikignore").write_text(RULES)
    for number in range(40):
        place = root / f"f{number}" / "inner"
        place.mkdir(parents=True)
        for name in ("a.txt", "b.tmp", "inner.txt", "inner-", "z", "\udce9.bin", "new\nline"):
            (place.parent / name).write_text(name.encode("utf-8", "replace").decode())
            (place / name).write_text("x")
        (place / "private").touch(0o600)
    for number in range(20):
        (root / f"f{number}.txt").write_text("between folders")
    (root / "f3" / "skip").mkdir()
    (root / "f3" / "skip" / "no.txt").touch()
    os.mkfifo(root / "f4" / "pipe")
    (root / "f5" / "link").symlink_to("a.txt")
    (root / "f6" / "away").symlink_to("/etc")
    (root / "f7" / "up").symlink_to("..")
    (root / "f8" / "across").symlink_to("../f9")
    return root


def look(folder: Path, *, expected: int = 0, follow: bool = True) -> Listed:
    with Listing(folder, follow_links=follow, expected=expected) as listing:
        return listing.finish()


@pytest.fixture
def helped(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Let a helper join for any folder; tells how many answers came from one."""
    answers: list[object] = []
    original = Workers.map

    def counting(self: Workers, tasks: object) -> object:
        for result in original(self, tasks):  # type: ignore[arg-type]
            answers.append(result)
            yield result

    monkeypatch.setattr(Workers, "map", counting)
    monkeypatch.setattr(listing_module, "MANY_FILES", 1)
    monkeypatch.setattr("lyrikstore.objects.parallel.processes.cores", lambda: 2)
    return lambda: len(answers)


@pytest.mark.parametrize("follow", [False, True])
def test_two_processes_list_what_one_does(
    folder: Path, follow: bool, helped: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lyrikstore.objects.parallel.processes.cores", lambda: 1)
    alone = look(folder, follow=follow)
    assert helped() == 0
    monkeypatch.setattr("lyrikstore.objects.parallel.processes.cores", lambda: 2)
    with Listing(folder, follow_links=follow, expected=1000) as listing:
        for _ in range(200):
            if not listing._todo:
                break
            time.sleep(0.05)
        together = listing.finish()
    assert helped() > 0
    assert together == alone
    assert alone.names == sorted(alone.names)
    assert len(alone.names) == len(set(alone.names)) > 500
    assert ("f4/pipe", "fifo") in [(one.path, one.kind) for one in alone.offenders]
    kinds = {one.path: one.kind for one in alone.offenders}
    assert kinds["f7/up"] == ("symlink-loop" if follow else "symlink")
    assert kinds["f6/away"] == "symlink-outside"
    assert ("f8/across/a.txt" in alone.names) == follow
    assert ("f3/skip/", ".lyrikignore line 2") in alone.ignored
    assert not any(name.endswith(".tmp") for name in alone.names)
    for at, name in enumerate(alone.names):
        state = (folder / name).stat()
        assert alone.states[at * 40 + 8 : at * 40 + 16] == state.st_ino.to_bytes(8, "little")
    names = {one.path for one in judge(alone).offenders}
    assert r"f1/inner/new\nline" in names
    assert r"f1/inner/\udce9.bin" in names


@pytest.mark.parametrize("when", ["at once", "never started", "no threads"])
def test_a_helper_that_dies_changes_nothing(
    folder: Path, when: str, helped: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = look(folder)
    if when == "never started":
        monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    if when == "no threads":

        class Refused(listing_module.Thread):
            def start(self) -> None:
                raise RuntimeError("can't start new thread")

        monkeypatch.setattr(listing_module, "Thread", Refused)
    with Listing(folder, follow_links=True, expected=1000) as listing:
        if when == "at once":
            assert listing._workers is not None
            (process,) = listing._workers._processes
            assert process is not None
            os.kill(process._child.pid, signal.SIGKILL)
        assert listing.finish() == alone


def test_leaving_a_listing_ends_its_helper(folder: Path, helped: Callable[[], int]) -> None:
    with Listing(folder, expected=1000) as listing:
        assert listing._workers is not None
        (process,) = listing._workers._processes
        assert process is not None
    assert process._child.poll() is not None


def test_a_folder_that_became_a_link_is_not_entered(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").touch()
    with Listing(folder) as listing:
        inner = folder / "f0" / "inner"
        inner.rename(folder / "f0" / "was")
        inner.symlink_to(tmp_path / "secret")
        listing._parts = [
            part._replace(location=str(inner), prefix="f0/inner/")
            if getattr(part, "prefix", "") == "f0/"
            else part
            for part in listing._parts
        ]
        found = listing.finish()
    assert "f0/inner/key" not in found.names
    assert ("f0/inner/", "folder-unreadable") in [(one.path, one.kind) for one in found.offenders]


def test_one_flat_folder_and_none(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number:03}").touch()
    assert list(scan(tmp_path).paths) == [f"{number:03}" for number in range(300)]
    (tmp_path / "d" / "e").mkdir(parents=True)
    assert len(scan(tmp_path).paths) == 300
    assert not scan(tmp_path / "d").paths
