"""What a user's cache remembers of refs: commands go by it, and `verify` does not."""

import os

from lyrikstore.history.refcache import RefCache
from lyrikstore.history.refs import Flagged
from lyrikstore.history.repository import Repository

NAME = "acme/docs"


def forget_the_newest(person) -> None:
    """Have the user's cache say that the last manifest logged had no effect."""
    repo = Repository.open(person.folder / ".lyrikstore")
    steps = list(repo.home_table.steps)
    index, newest = steps[-1]
    steps[-1] = Flagged(index, newest.id, "invalid")
    cache = person.home / ".cache" / "lyrikstore" / repo.store_id.short
    RefCache(cache).save(repo.records.hashes, steps)


def test_verify_finds_a_name_by_the_log_alone(publisher) -> None:
    folder = publisher.folder / "documents"
    folder.mkdir()
    ids = []
    for text in ("one", "two"):
        (folder / "a.txt").write_text(text)
        ids.append(publisher.ok("commit", folder, "-d", NAME, "--json").json["id"])
    forget_the_newest(publisher)

    assert publisher.ok("show", NAME, "--json").json["id"] == ids[0]
    report = publisher.run("verify", NAME)
    assert ids[1] in report.out
    assert ids[0] not in report.out


def test_verify_knows_by_the_log_alone_what_is_both_a_file_and_a_name(publisher) -> None:
    folder = publisher.folder / "acme" / "docs"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("one")
    publisher.ok("commit", folder, "-d", NAME)
    forget_the_newest(publisher)

    assert "is a file and a name" in publisher.fails(2, "verify", NAME).err
    publisher.fails(1, "show", NAME)  # which goes by what is remembered


def test_a_damaged_store_does_not_keep_a_delivery_beside_it_from_being_verified(publisher) -> None:
    folder = publisher.folder / "documents"
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    publisher.ok("commit", folder, "-d", NAME)
    terms = ("--permit", "train", "--valid-for", "30d")
    publisher.ok("issue", NAME, "-o", "delivery", *terms)
    (publisher.folder / ".lyrikstore" / "log" / "checkpoint").write_text("damaged")
    publisher.fails(3, "verify")
    publisher.ok("verify", "delivery")


def test_a_pipe_in_the_place_of_what_is_remembered_is_not_waited_for(publisher):
    folder = publisher.folder / "documents"
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    publisher.folder.joinpath("sheet.csv").write_text("path,kind\na.txt,x\n")
    commit = ("commit", folder, "-d", "acme/docs", "--metadata", "sheet.csv")
    publisher.ok(*commit)
    publisher.ok("query", "select 1")
    publisher.ok("remote", "add", "origin", publisher.folder / "mirror")
    found = [
        path
        for pattern in (".cache/**/*", ".config/lyrikstore/remotes/*.json")
        for path in publisher.home.glob(pattern)
        if path.is_file() and not path.name.endswith(".duckdb")
    ]
    assert len(found) >= 4
    for path in found:
        data = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        for command in (("status",), (*commit, "--yes"), ("query", "select 1"), ("remote", "list")):
            done = publisher.run(*command)
            assert done.code in {0, 1}, (path, command, done)
        path.unlink()
        path.write_bytes(data)
