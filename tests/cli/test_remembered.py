"""What a user's cache remembers of refs: commands go by it, and `verify` does not."""

import os
import shutil

import pytest

from lyrikstore.history.repository.ref_cache import RefCache
from lyrikstore.history.repository.refs import Flagged
from lyrikstore.history.repository.repository import Repository
from tests.rewriting import rewrite

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

    assert publisher.fails(2, "verify", NAME, "--json").kind == "usage"
    publisher.fails(1, "show", NAME)  # which goes by what is remembered


def test_a_damaged_store_does_not_keep_a_delivery_beside_it_from_being_verified(publisher) -> None:
    folder = publisher.folder / "documents"
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    publisher.ok("commit", folder, "-d", NAME)
    terms = ("--permit", "train", "--valid-for", "30d")
    publisher.ok("issue", NAME, "-o", "delivery", *terms)
    rewrite(publisher.folder / ".lyrikstore" / "log" / "checkpoint", b"damaged")
    publisher.fails(3, "verify")
    publisher.ok("verify", "delivery")


@pytest.fixture
def sold(publisher, new_person):
    """Return a publisher of three deliveries, and a buyer who believes them and saw none."""
    documents = publisher.folder / "documents"
    documents.mkdir()
    for name in ("one", "two", "three"):
        (documents / f"{name}.txt").write_text(name)
        publisher.ok("commit", documents, "-d", NAME)
        publisher.ok("issue", NAME, "-o", name, "--permit", "train")
        if name == "one":
            shutil.copytree(publisher.folder, publisher.folder.with_name("copy"))
    buyer = new_person("buyer")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    for name in ("one", "two", "three"):
        shutil.copytree(publisher.folder / name, buyer.folder / name)
    return publisher, buyer


def memory_of(person, delivery) -> tuple[int, str]:
    """Return the exit code of verifying a delivery, and what its check log.memory says."""
    report = person.run("verify", delivery, "--json")
    check = report.check("log.memory")
    return report.code, check["detail"].get("reason", check["state"])


@pytest.mark.parametrize(
    "order", [("one", "two", "three"), ("three", "one", "two"), ("two", "one")]
)
def test_deliveries_of_one_log_are_known_to_be_in_any_order(sold, order) -> None:
    _, buyer = sold
    for name in (*order, *order):
        assert memory_of(buyer, name) == (0, "pass"), name


def test_what_is_not_shown_to_be_of_the_log_seen_before_is_not_trusted(sold) -> None:
    publisher, buyer = sold
    assert memory_of(buyer, "two") == (0, "pass")
    shown = buyer.folder / "three" / "log.consistency.json"
    whole = shown.read_bytes()
    named = whole.index(b'"leaves"')  # by whose digest other leaf hashes would be found
    for at in (*range(0, named, 40), *range(whole.index(b'"origin"'), len(whole), 10)):
        shown.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert memory_of(buyer, "three") == (5, "no-consistency"), at
    shown.unlink()
    assert memory_of(buyer, "three") == (5, "no-consistency")
    (buyer.folder / "one" / "log.consistency.json").unlink()
    (buyer.folder / "two" / "log.consistency.json").unlink()
    assert memory_of(buyer, "one") == (0, "pass")  # what led to "two" was remembered with it
    publisher.ok("key", "statements", "-o", "said")
    for path in (publisher.folder / "said").iterdir():
        shutil.copy(path, buyer.folder / "three")
    assert memory_of(buyer, "three") == (0, "pass")


def test_a_second_history_is_found_out_by_who_saw_the_first(sold) -> None:
    publisher, buyer = sold
    assert memory_of(buyer, "two") == (0, "pass")
    # Somebody with the keys goes on from a copy made before.
    thief = type(publisher)(buyer.home.with_name("thief"), publisher.folder.with_name("copy"))
    shutil.copytree(publisher.home / ".config", thief.home / ".config")
    for name in ("other", "another"):
        (thief.folder / "documents" / f"{name}.txt").write_text(name)
        thief.ok("commit", "documents", "-d", NAME)
        thief.ok("issue", NAME, "-o", name, "--permit", "train")
        shutil.copytree(thief.folder / name, buyer.folder / name)
    assert memory_of(buyer, "other") == (3, "fork")  # as long as the one that was seen
    shown = buyer.folder / "another" / "log.consistency.json"
    assert memory_of(buyer, "another") == (3, "fork")  # which says that it comes from that one
    shown.unlink()
    assert memory_of(buyer, "another") == (5, "no-consistency")
    shutil.copy(buyer.folder / "three" / "log.consistency.json", shown)
    assert memory_of(buyer, "another") == (5, "no-consistency")
    assert memory_of(buyer, "three") == (0, "pass")
    assert memory_of(buyer, "another")[0] == 3  # both lead from one size to two


def test_the_first_delivery_leads_to_one_after_many_others(publisher, new_person) -> None:
    folder = publisher.folder / "documents"
    folder.mkdir()
    (folder / "one.txt").write_text("one")
    publisher.ok("commit", folder, "-d", NAME, "--licence", "CC-BY-4.0")
    for number in range(15):
        publisher.ok("issue", NAME, "-o", f"of-{number}", "--permit", "train")
    buyer = new_person("buyer")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    for number in (0, 14):
        shutil.copytree(publisher.folder / f"of-{number}", buyer.folder / f"of-{number}")
        assert memory_of(buyer, f"of-{number}") == (0, "pass"), number


def test_the_publishers_own_store_shows_it(sold) -> None:
    publisher, _ = sold
    publisher.ok("verify")
    for name in ("three", "one", "two"):
        assert memory_of(publisher, name) == (0, "pass")
    old = publisher.folder / "one" / "log.consistency.json"
    old.unlink()
    assert memory_of(publisher, "one") == (0, "pass")


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
