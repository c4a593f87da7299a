"""Links that somebody with write access laid in a store: no command of others writes there."""

import shutil

import pytest


def state(folder):
    return sorted(
        (path.relative_to(folder), path.lstat().st_mtime_ns, path.lstat().st_mode)
        for path in folder.rglob("*")
    )


def plant(store, part, victim):
    """Lay a link to a copy of a part of the store in its place; return what the copy is like."""
    shutil.copytree(store / part, victim / part)
    shutil.rmtree(store / part)
    (store / part).symlink_to(victim / part)
    return state(victim)


@pytest.fixture
def store(publisher):
    (publisher.folder / "data").mkdir()
    (publisher.folder / "data" / "a.txt").write_text("one")
    publisher.ok("commit", "data", "-d", "acme/x")
    return publisher.folder / ".lyrikstore"


@pytest.mark.parametrize("part", ["log", "tx", "packs", "tmp"])
def test_commit(publisher, store, tmp_path, part) -> None:
    before = plant(store, part, tmp_path / "victim")
    (publisher.folder / "data" / "a.txt").write_text("two")
    error = publisher.fails(1, "commit", "data", "-d", "acme/x", "--json").error
    assert error["kind"] == "linked-folder"
    assert str(store / part) in error["message"]
    assert "remove the link" in error["hint"]
    assert state(tmp_path / "victim") == before
    # What is only read goes on, and all goes on once the link is gone.
    publisher.ok("log", "acme/x")
    (store / part).unlink()
    shutil.copytree(tmp_path / "victim" / part, store / part)
    publisher.ok("commit", "data", "-d", "acme/x")
    publisher.ok("verify")


@pytest.mark.parametrize("part", ["log", "tx", "packs"])
def test_push_and_pull(publisher, store, tmp_path, new_person, part) -> None:
    remote = tmp_path / "remote"
    publisher.ok("remote", "add", "origin", remote, "--mirror")
    publisher.ok("push")
    reader = new_person("reader")
    reader.ok("clone", remote, ".")
    before = plant(remote, part, tmp_path / "victim")
    (publisher.folder / "data" / "a.txt").write_text("two")
    publisher.ok("commit", "data", "-d", "acme/x")
    assert publisher.fails(1, "push", "--json").kind == "linked-folder"
    assert state(tmp_path / "victim") == before
    (remote / part).unlink()
    shutil.copytree(tmp_path / "victim" / part, remote / part)
    publisher.ok("push")
    before = plant(reader.folder / ".lyrikstore", part, tmp_path / "victim of the reader")
    assert reader.fails(1, "pull", "--json").kind == "linked-folder"
    assert state(tmp_path / "victim of the reader") == before


@pytest.mark.parametrize("part", ["packs", "quarantine"])
def test_repair(publisher, store, tmp_path, part) -> None:
    publisher.ok("remote", "add", "origin", tmp_path / "remote", "--mirror")
    publisher.ok("push")
    for pack in (store / "packs").rglob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"damaged")
    (store / "quarantine").mkdir()
    before = plant(store, part, tmp_path / "victim")
    error = publisher.fails(1, "verify", "--repair-from", "origin", "--json").error
    assert error["kind"] == "linked-folder"
    assert state(tmp_path / "victim") == before
    (store / part).unlink()
    shutil.copytree(tmp_path / "victim" / part, store / part)
    publisher.ok("verify", "--repair-from", "origin")


def test_a_second_name_of_a_file_is_not_emptied(publisher, store, tmp_path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (store / "lock").unlink(missing_ok=True)
    (store / "lock").hardlink_to(precious)
    (publisher.folder / "data" / "a.txt").write_text("two")
    publisher.ok("commit", "data", "-d", "acme/x")
    assert precious.read_text() == "kept"


def test_a_store_that_is_reached_through_a_link(publisher, store, tmp_path) -> None:
    shutil.move(store, tmp_path / "elsewhere")
    store.symlink_to(tmp_path / "elsewhere")
    (publisher.folder / "data" / "a.txt").write_text("two")
    publisher.ok("commit", "data", "-d", "acme/x")
    publisher.ok("gc", "--grace", "0")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    publisher.ok("remote", "add", "origin", tmp_path / "link" / "store", "--mirror")
    publisher.ok("push")
    publisher.ok("verify", "--repair-from", "origin")
