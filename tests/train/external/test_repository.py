"""The Git repository of whoever starts a run."""

import subprocess
from pathlib import Path

import pytest
from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.train.external.git_repository import CallerRepository, find_repository


def git(folder: Path, *arguments: str) -> bytes:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "train.py").write_text("print('one')\n")
    (tmp_path / ".gitignore").write_text("*.log\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def found(folder: Path) -> CallerRepository:
    repository = find_repository(folder)
    assert repository is not None
    return repository


def test_what_is_checked_out_is_named(folder) -> None:
    inner = folder / "inner"
    inner.mkdir()
    repository = found(inner)
    assert repository.top == folder
    assert repository.commit == git(folder, "rev-parse", "HEAD").decode().strip()
    assert repository.changes is None
    assert repository.files == {"train.py", ".gitignore"}
    assert repository.to_json() == {"commit": repository.commit}


def test_changes_follow_from_what_differs(folder) -> None:
    (folder / "train.py").write_text("print('two')\n")
    (folder / "new.txt").write_text("new")
    (folder / "out.log").write_text("ignored")
    (folder / ".lyrikstore").mkdir()
    (folder / ".lyrikstore" / "pack").write_text("the store itself")
    repository = found(folder)
    differing = git(folder, "diff", "--binary", "--full-index", "HEAD")
    new = b"new.txt\0" + blake3(b"new").hexdigest().encode() + b"\0"
    assert repository.changes == Digest.of(differing + new)
    assert repository.files == {"train.py", ".gitignore", "new.txt"}


def test_nothing_that_shows_differences_is_run(folder, tmp_path) -> None:
    mark = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    for name in ("diff.external", "core.fsmonitor", "core.pager", "diff.all.textconv"):
        git(folder, "config", name, str(program))
    (folder / ".gitattributes").write_text("* diff=all\n")
    (folder / "train.py").write_text("print('two')\n")
    assert found(folder).changes is not None
    assert not mark.exists()


def test_there_need_be_none(tmp_path) -> None:
    assert find_repository(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert find_repository(tmp_path) is None  # no commit yet
