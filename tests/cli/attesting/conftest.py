"""A publisher's delivery, an auditor and a buyer, each with a home and a copy."""

import shutil

import pytest

from tests.cli.attesting.audits import STATEMENT, STATUS
from tests.conftest import Person


@pytest.fixture
def delivery(once, publisher):
    def make(publisher: Person) -> None:
        documents = publisher.folder / "documents"
        documents.mkdir()
        for n in range(10):
            (documents / f"{n}.txt").write_text(f"document {n}\n")
        publisher.ok("commit", documents, "-d", "acme/docs")
        terms = ("--permit", "train", "--status-url", STATUS)
        publisher.ok("issue", "acme/docs", "-o", "delivery", *terms)

    once(publisher, make)
    return publisher.folder / "delivery"


@pytest.fixture
def auditor(new_person, delivery):
    person = new_person("auditor")
    person.ok("key", "new", "--no-passphrase")
    shutil.copytree(delivery, person.folder / "delivery")
    (person.folder / "audit.toml").write_text(STATEMENT)
    (person.folder / "report.txt").write_text("What was read, and what was found.\n")
    return person


@pytest.fixture
def buyer(new_person, publisher, delivery):
    person = new_person("buyer")
    person.ok("key", "new", "--no-passphrase")
    person.ok("trust", "add", publisher.did(), "--name", "Acme")
    shutil.copytree(delivery, person.folder / "delivery")
    return person
