"""A clone that is behind what its user has seen of the log is incomplete, and no more than that."""

import shutil

import pytest

from lyrikstore.api import KeyFolder, Store
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.testing.backends import CrashError


@pytest.fixture
def home(publisher):
    """Return somebody who has a clone beside the home of the log, and committed at home since."""
    folder = publisher.folder / "data"
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    publisher.ok("commit", folder, "-d", "acme/x")
    publisher.ok("clone", publisher.folder / ".lyrikstore", publisher.folder / "clone")
    publisher.ok("verify", "-C", "clone")
    (folder / "a.txt").write_text("two")
    publisher.ok("commit", folder, "-d", "acme/x")
    return publisher


def check_behind(person, missing, *target):
    result = person.fails(5, "verify", *target, "-C", "clone", "--json")
    check = result.check("log.memory")
    assert (check["state"], check["detail"]["reason"]) == ("unchecked", "behind")
    assert check["detail"]["seen"] - check["detail"]["size"] == missing
    open_ = [one["id"] for one in result.json["checks"] if one["state"] in {"fail", "unchecked"}]
    assert open_ == ["log.memory"]
    said = person.fails(5, "verify", *target, "-C", "clone")
    assert "this clone is behind" in said.out
    assert "lyrikstore pull" in said.out + said.err


@pytest.mark.parametrize("verified", [False, True])
def test_a_clone_that_is_behind_is_incomplete(home, verified) -> None:
    if verified:
        home.ok("verify")
    check_behind(home, 2)
    check_behind(home, 2, "acme/x")
    home.ok("pull", "-C", "clone")
    home.ok("verify", "-C", "clone")


def test_a_push_that_was_killed_is_ended_by_the_next(home, monkeypatch) -> None:
    home.ok("pull", "-C", "clone")
    (home.folder / "data" / "a.txt").write_text("three")
    home.ok("commit", home.folder / "data", "-d", "acme/x", "-C", "clone")
    keys = KeyFolder(home.home / ".config/lyrikstore/keys")
    store = Store.open(
        home.folder / "clone",
        memory_dir=home.home / ".local/state/lyrikstore/logs",
        trust_file=home.home / ".config/lyrikstore/trust.toml",
        keys=keys,
        signer=keys.signer(),
    )
    with monkeypatch.context() as patched:
        patched.setattr(LocalBackend, "swap", _die)  # its slot is won, and nobody sees it yet
        with pytest.raises(CrashError):
            store.remotes.push(str(home.folder / ".lyrikstore"))
    for _ in range(2):
        check = home.fails(5, "verify", "-C", "clone", "--json").check("log.memory")
        assert (check["detail"]["reason"], check["detail"]["next"]) == ("behind", "push")
        said = home.fails(5, "verify", "-C", "clone")
        assert "lyrikstore push" in said.err
        assert "lyrikstore pull" not in said.err
        home.ok("pull", "-C", "clone")  # which changes nothing
    home.ok("push", "-C", "clone")
    home.ok("verify", "-C", "clone")
    home.ok("verify")


def _die(*_):
    raise CrashError


def test_a_clone_that_another_clone_overtook(home) -> None:
    home.ok("clone", home.folder / ".lyrikstore", home.folder / "other")
    (home.folder / "data" / "a.txt").write_text("three")
    home.ok("commit", home.folder / "data", "-d", "acme/x", "-C", "other")
    home.ok("push", "-C", "other")
    home.ok("verify", "-C", "other")
    check_behind(home, 4)


def test_what_else_is_wrong_with_it_still_counts(home) -> None:
    (pack, *_) = (home.folder / "clone" / ".lyrikstore" / "packs").rglob("*.pack")
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:-1] + b"!")
    home.fails(3, "verify", "-C", "clone")


def test_a_home_that_was_rolled_back_is_no_clone_that_is_behind(home) -> None:
    """Attack case A30: whoever holds the store puts an older copy there and marks it a mirror."""
    home.ok("verify")
    store, older = home.folder / ".lyrikstore", home.folder / "clone" / ".lyrikstore"
    shutil.rmtree(store)
    shutil.copytree(older, store)
    assert (store / "mirror").exists()
    result = home.fails(3, "verify", "--json")
    assert result.check("log.memory")["detail"]["reason"] == "rollback"
