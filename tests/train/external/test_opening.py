"""What is opened to a command, by its digest, and the copy of the work tree."""

import os
import subprocess
from pathlib import Path

import pytest
from blake3 import blake3

from lyrikstore.canon.errors import InvalidInputError, VerificationError
from lyrikstore.train.external import program
from lyrikstore.train.external.extra_paths import (
    OpenedRead,
    Opening,
    check_reads_unchanged,
    check_variables,
    hash_reads,
)
from lyrikstore.train.external.git_repository import find_repository


def opened(folder: Path, name: str) -> OpenedRead:
    store, home = folder / "store", folder / "home"
    (found,) = hash_reads(Opening((Path(name),)), folder, store=store, home=home)
    return found


def test_a_folder_is_hashed_by_all_that_lies_in_it(tmp_path) -> None:
    data = tmp_path / "data"
    (data / "b" / "empty").mkdir(parents=True)
    (data / "b" / "two").write_text("2")
    (data / "one").write_text("1")
    (data / "b" / "up").symlink_to("../one")
    entries = ((b"b/two", b"f", b"2"), (b"b/up", b"l", b"../one"), (b"one", b"f", b"1"))
    whole = b"".join(
        path + b"\0" + kind + blake3(held).hexdigest().encode() + b"\0"
        for path, kind, held in entries
    )
    found = opened(tmp_path, "data")
    assert (found.shown, found.path) == ("data", data)
    assert found.digest.hex == blake3(whole).hexdigest()
    assert opened(tmp_path, "data/one").digest.hex == blake3(b"1").hexdigest()


CHANGES = {
    "content": lambda data: (data / "one").write_text("2"),
    "one more": lambda data: (data / "two").write_text("2"),
    "one less": lambda data: (data / "one").unlink(),
    "a link in its place": lambda data: ((data / "one").unlink(), (data / "one").symlink_to("1")),
    "a link elsewhere": lambda data: ((data / "to").unlink(), (data / "to").symlink_to("two")),
    "a pipe": lambda data: os.mkfifo(data / "pipe"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_found(tmp_path, change) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "one").write_text("1")
    (data / "to").symlink_to("one")
    found = opened(tmp_path, "data")
    check_reads_unchanged([found])
    CHANGES[change](data)
    with pytest.raises(VerificationError) as caught:
        check_reads_unchanged([found])
    assert caught.value.kind == "input-changed"


def test_what_is_not_opened(tmp_path) -> None:
    for name in ("store/deep", "home", "pipes"):
        (tmp_path / name).mkdir(parents=True)
    os.mkfifo(tmp_path / "pipes" / "one")
    (tmp_path / "to").symlink_to("store")
    machine = ("/", "/proc/self", "/sys", "/dev", "/dev/null", "/run", "/var")
    # ATTACK A94: a socket is a way to another program, a whole home folder one to every key.
    for name in (*machine, "store", "store/deep", "to", ".", "home", "pipes", "pipes/one", "none"):
        with pytest.raises(InvalidInputError) as caught:
            opened(tmp_path, name)
        assert caught.value.kind == "bad-opening"
        assert caught.value.hint
    for name in ("no=name", "LYRIKSTORE_PASSPHRASE", "NONE", ""):
        with pytest.raises(InvalidInputError) as caught:
            check_variables(Opening(variables=(name,)), {"LYRIKSTORE_PASSPHRASE": "x", "": "x"})
        assert caught.value.kind == "bad-opening"


def test_the_copy_is_what_commit_and_changes_name(tmp_path, monkeypatch) -> None:
    folder, copy, again = (tmp_path / name for name in ("work", "copy", "again"))
    for one in (folder / "deep", copy, again):
        one.mkdir(parents=True)
    (folder / "deep" / "run.sh").write_text("true\n")
    (folder / "deep" / "run.sh").chmod(0o755)
    (folder / "gone.txt").write_text("gone")
    (folder / "to").symlink_to("/etc/passwd")
    (folder / ".gitignore").write_text("*.log\n")
    git = ("git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.example")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "one")):
        subprocess.run([*git, *arguments], check=True)
    (folder / "gone.txt").unlink()
    (folder / "new.txt").write_text("new")
    (folder / "left.log").write_text("ignored")
    repository = find_repository(folder)
    program.copy_work_tree(repository, copy)
    made = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if not path.is_dir()}
    assert made == {"deep/run.sh", "to", ".gitignore", "new.txt"}
    assert os.access(copy / "deep" / "run.sh", os.X_OK)
    assert os.readlink(copy / "to") == "/etc/passwd"
    (folder / "new.txt").write_text("newer")  # while it was copied
    with pytest.raises(InvalidInputError) as caught:
        program.copy_work_tree(repository, again)
    assert caught.value.kind == "bad-program"
