"""A report that is kept takes the place of nothing: least of all of what it is about."""

import os
from itertools import product
from pathlib import Path

import pytest

from tests.conftest import Person


@pytest.fixture
def delivery(once, publisher) -> Path:
    def make(publisher: Person) -> None:
        texts = publisher.folder / "texts"
        texts.mkdir()
        (texts / "one.txt").write_text("one\n")
        publisher.ok("commit", "texts", "-d", "acme/texts")
        publisher.ok("issue", "acme/texts", "-o", "delivery", "--permit", "train")

    once(publisher, make)
    return publisher.folder / "delivery"


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_replaced_only_when_asked(publisher, delivery) -> None:
    kept = publisher.folder / "report.json"
    kept.write_text("mine")
    refused = publisher.fails(15, "verify", delivery, "--report", kept, "--json")
    assert refused.kind == "exists"
    assert "--force" in refused.error["hint"]
    assert kept.read_text() == "mine"
    publisher.ok("verify", delivery, "--report", kept, "--force")
    assert '"verdict": "trusted"' in kept.read_text()
    link = publisher.folder / "link.json"
    link.symlink_to("not-there.json")
    assert publisher.fails(15, "verify", delivery, "--report", link, "--json").kind == "exists"
    assert not (publisher.folder / "not-there.json").exists()
    publisher.fails(2, "verify", delivery, "--force")


TARGETS = ("delivery", "delivery/credential.json", "way/in")
PLACES = (
    "delivery/credential.json",
    "delivery/report.json",
    "delivery/data/report.html",
    "delivery/../delivery/report.html",
    "way/in/report.json",
    "way/../delivery/report.json",
    "link.json",
)


def test_nothing_is_written_to_what_is_verified(publisher, delivery) -> None:
    (publisher.folder / "way").mkdir()
    (publisher.folder / "way" / "in").symlink_to(delivery)
    (publisher.folder / "link.json").symlink_to(delivery / "manifest.json")
    before = content(delivery)
    for number, (target, name) in enumerate(product(TARGETS, PLACES)):
        force = ("--force",) if number % 2 else ()
        refused = publisher.fails(2, "verify", target, "--report", name, *force)
        assert not refused.out, (target, name)  # before anything is verified
        assert "--report" in refused.err
        assert content(delivery) == before, (target, name)


def test_nor_to_data_that_lies_elsewhere(publisher, delivery) -> None:
    elsewhere = publisher.folder / "elsewhere"
    os.rename(delivery / "data", elsewhere)
    command = ("verify", "delivery/credential.json", "--data", elsewhere)
    publisher.fails(2, *command, "--report", elsewhere / "report.json")
    publisher.ok(*command, "--report", "report.json")


def test_a_credential_alone_is_not_replaced_either(publisher, delivery) -> None:
    alone = publisher.folder / "alone.json"
    alone.write_bytes((delivery / "credential.json").read_bytes())
    publisher.fails(2, "verify", alone, "--report", alone, "--force")
    assert alone.read_bytes() == (delivery / "credential.json").read_bytes()
    publisher.run("verify", alone, "--report", publisher.folder / "report.json")
    assert (publisher.folder / "report.json").exists()
