"""``lyrikstore gc`` as people run it: preview, retention, what the other commands say after it."""

import shutil

import pytest


def test_keep_the_newest(publisher):
    data = publisher.folder / "data"
    data.mkdir()
    for version in ("one", "two", "three"):
        (data / "a.txt").write_text(version * 1000)
        (data / "same.txt").write_text("same")
        publisher.ok("commit", "data", "-d", "acme/texts", "--yes")
    publisher.fails(2, "gc", "--keep", "1")
    publisher.fails(2, "gc", "acme/texts")
    publisher.fails(1, "gc", "--keep", "1", "acme/other")
    preview = publisher.ok("gc", "--keep", "1", "acme/texts", "-n", "--json").json
    assert (len(preview["retired"]), preview["retention"], preview["dryRun"]) == (2, None, True)
    assert len(publisher.ok("log", "acme/texts", "--json").json["versions"]) == 3
    done = publisher.ok("gc", "--keep", "1", "acme/texts", "-m", "old", "--json").json
    assert done["retired"] == preview["retired"]
    assert done["transaction"] > 0
    assert done["deleted"] == []
    assert len(done["waiting"]) == len(done["packsDropped"]) >= 2
    # The data is gone for readers, by a signed decision: nothing is lost.
    report = publisher.ok("verify", "--json").json
    assert report["verdict"] == "trusted"
    contents = next(check for check in report["checks"] if "retired" in check["summary"])
    assert contents["state"] == "warn"
    assert "lost" not in str(report["checks"])
    publisher.ok("checkout", "acme/texts", "now")
    assert (publisher.folder / "now" / "a.txt").read_text() == "three" * 1000
    assert publisher.fails(5, "checkout", "acme/texts~1", "old", "--json").kind == "retired"
    retired = publisher.ok("lineage", "acme/texts~1").out
    assert "(data retired)" in retired
    assert "by me (" in retired
    assert "(data retired)" not in publisher.ok("lineage", "acme/texts").out
    assert "retires the data of 2 versions" in publisher.ok("log", "retentions/acme/texts").out
    kinds = publisher.ok("query", "select kind from log where kind = 'retention'", "--json").json
    assert kinds["rows"] == [["retention"]]
    for _ in range(2):
        again = publisher.ok("gc", "--grace", "0", "--json").json
    assert again["waiting"] == []
    publisher.ok("verify")
    publisher.ok("gc")


def test_who_has_no_log_key_can_only_preview(publisher, new_person):
    data = publisher.folder / "data"
    data.mkdir()
    (data / "a.txt").write_text("one")
    publisher.ok("commit", "data", "-d", "acme/texts")
    stranger = new_person("stranger")
    store = publisher.folder / ".lyrikstore"
    stranger.ok("gc", "-n", "--store", store)
    stranger.fails(12, "gc", "--store", store)


def test_packs_behind_a_link_are_left_alone(publisher, new_person):
    data = publisher.folder / "data"
    data.mkdir()
    (data / "a.txt").write_text("one")
    publisher.ok("commit", "data", "-d", "acme/texts")
    packs = sorted((publisher.folder / ".lyrikstore/packs").rglob("*.pack"))
    assert packs
    other = new_person("other")
    other.ok("key", "new", "--no-passphrase")
    other.ok("init")
    store = other.folder / ".lyrikstore"
    for part in ("packs", "gc", "tmp"):
        aside, elsewhere = store / f"{part}-before", publisher.folder / ".lyrikstore" / part
        if (store / part).exists():
            shutil.copytree(store / part, elsewhere, dirs_exist_ok=True)
            (store / part).rename(aside)
        (store / part).symlink_to(elsewhere)
        for option in (("-n",), ()):
            error = other.fails(1, "gc", "--grace", "0", *option, "--json").error
            assert error["kind"] == "linked-folder"
            assert str(store / part) in error["message"]
            assert "mount" in error["hint"]
        (store / part).unlink()
        if aside.exists():
            aside.rename(store / part)
    assert all(pack.exists() for pack in packs)
    publisher.ok("verify")


@pytest.mark.parametrize("place", ["bucket", "folder"])
def test_where_the_home_is_a_remote(publisher, moto, place):
    data = publisher.folder / "data"
    data.mkdir()
    for version in ("one", "two", "three"):
        (data / "a.txt").write_text(version * 1000)
        publisher.ok("commit", "data", "-d", "acme/texts", "--yes")
    at = [publisher.folder / "remote"]
    if place == "bucket":
        publisher.environment |= moto.environment
        at = [moto.new_url(), *(f"--set={name}={value}" for name, value in moto.options.items())]
    publisher.ok("remote", "add", "origin", *at)
    publisher.ok("push")
    error = publisher.fails(16, "gc", "--keep", "1", "acme/texts", "--json").error
    assert error["kind"] == "not-home"
    command = error["hint"].removeprefix("lyrikstore ").split()
    assert command == ["gc", "--remote", "origin", "--keep", "1", "acme/texts"]
    preview = publisher.ok(*command, "-n", "--json").json
    assert (len(preview["retired"]), preview["retention"]) == (2, None)
    done = publisher.ok(*command, "--json").json
    assert done["retired"] == preview["retired"]
    assert len(done["waiting"]) == len(done["packsDropped"]) >= 2
    assert publisher.ok("gc", "--remote", "origin", "--grace", "0", "--json").json["deleted"]
    assert "(data retired)" in publisher.ok("lineage", "acme/texts~1").out
    publisher.ok("verify")
    again = publisher.ok("clone", *at, "again", "--json").json
    assert again["notFetched"] == 0
    publisher.ok("checkout", "acme/texts", "out", cwd=publisher.folder / "again")
    publisher.fails(1, "gc", "--remote", "nowhere")
