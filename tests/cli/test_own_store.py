"""A store named where another one is meant, and what stands in place of its files."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def store(publisher):
    (publisher.folder / "data").mkdir()
    (publisher.folder / "data" / "a.txt").write_text("one")
    publisher.ok("commit", "data", "-d", "acme/x")
    return publisher.folder / ".lyrikstore"


def names(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


def test_a_store_is_no_remote_of_its_own(publisher, store) -> None:
    (publisher.folder / "link").symlink_to(store)
    before = names(store)
    for url in (".lyrikstore", ".", "link", store / "inside"):
        error = publisher.fails(15, "remote", "add", "self", url, "--json").error
        assert error["kind"] == "own-store"
        publisher.ok("remote", "add", "self", url, "--offline")
        for command in (("push", "self"), ("push", "self", "--mirror"), ("pull", "self"),
                        ("verify", "--repair-from", "self")):  # fmt: skip
            assert publisher.fails(15, *command, "--json").kind == "own-store", command
        publisher.ok("remote", "remove", "self")
    error = publisher.fails(15, "clone", ".", ".lyrikstore/copy", "--json").error
    assert error["kind"] == "own-store"
    assert [name for name in names(store) if name.name != "lock"] == [
        name for name in before if name.name != "lock"
    ]
    # The home is still here.
    (publisher.folder / "data" / "a.txt").write_text("two")
    assert "wait" not in publisher.ok("commit", "data", "-d", "acme/x").out


def test_a_store_is_not_made_elsewhere_than_was_asked(publisher, store) -> None:
    for command in (("init", "--store", "new"), ("clone", store, "copy", "--store", "new")):
        assert "leave --store out" in publisher.fails(2, *command).err
    assert not (publisher.folder / "new").exists()
    assert not (publisher.folder / "copy").exists()


def test_where_no_folder_can_be_no_log_key_is_made(publisher) -> None:
    (publisher.folder / "file").write_text("")
    keys = publisher.home / ".config" / "lyrikstore" / "keys"
    before = names(keys)
    for place in ("file/sub", "x" * 300):
        publisher.fails(1, "init", place)
        program = (
            "from pathlib import Path\n"
            "from lyrikstore import KeyFolder, LyrikstoreError, Store\n"
            f"keys = KeyFolder(Path({str(keys)!r}))\n"
            "try:\n"
            f"    Store.create({place + '/.lyrikstore'!r}, signer=keys.signer(), keys=keys,\n"
            "                 memory_dir='m', trust_file='t.toml')\n"
            "except LyrikstoreError as error:\n"
            "    print(type(error).__name__)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=publisher.folder,
            env=publisher.variables(),
            capture_output=True,
            text=True,
        )
        assert done.stdout == "StorageError\n", done.stderr
    assert names(keys) == before


def test_a_folder_that_has_a_store_names_that_store(publisher, store, new_person) -> None:
    reader = new_person("reader")
    reader.ok("clone", publisher.folder, ".")
    reader.ok("remote", "add", "again", publisher.folder)
    reader.ok("pull", "again")
    assert not (publisher.folder / "format").exists()


def test_the_files_of_a_store_are_no_data(publisher, store) -> None:
    for folder in (store, store / "packs"):
        error = publisher.fails(16, "commit", folder, "-d", "acme/y", "--json").error
        assert f"{folder} is inside the store" in error["message"]


def test_what_stands_in_place_of_a_file_is_named_with_the_way_out(publisher, store) -> None:
    def instead(name):
        (store / name).parent.mkdir(exist_ok=True)
        os.mkfifo(store / name)
        return store / name

    (publisher.folder / "data" / "a.txt").write_text("two")
    commit = ("commit", "data", "-d", "acme/x", "--json")
    pipe = instead("parameters")
    error = publisher.fails(1, *commit).error
    assert "--repair-from" in error["hint"]
    pipe.unlink()
    (store / "tmp").rmdir()
    pipe = instead("tmp")
    error = publisher.fails(1, *commit).error
    assert (error["kind"], str(pipe) in error["message"]) == ("not-a-folder", True)
    pipe.unlink()
    (store / "lock").unlink()
    pipe = instead("lock")
    assert "not a regular file" in publisher.fails(1, *commit).error["message"]
    pipe.unlink()
    instead("gc/waiting")  # derived: made anew
    publisher.ok("gc", "--grace", "0")
    publisher.ok(*commit)
    record = store / "tx" / f"{1:020d}"
    record.chmod(0o600)
    record.write_text("{}x")
    assert "transaction 1: " in publisher.fails(16, "log", "--json").error["message"]
