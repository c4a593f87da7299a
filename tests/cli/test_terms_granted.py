"""What ``terms`` answers where a status list is gone, and where the user holds a grant."""

import shutil

import pytest

from tests.conftest import Person

STATUS = "https://data.example/status"
WHERE = ("--territory", "DE", "--seats", "2")


@pytest.fixture
def delivery(once, publisher):
    def make(publisher: Person) -> None:
        documents = publisher.folder / "documents"
        documents.mkdir()
        (documents / "one.txt").write_text("a document\n")
        publisher.ok("commit", documents, "-d", "acme/docs", "--licence", "CC-BY-4.0", "--yes")
        folder = publisher.folder / "delivery"
        offer = ("--permit", "evaluate", "--grantable", "train", "--status-url", STATUS)
        publisher.ok("issue", "acme/docs", "-o", folder, *offer)

    once(publisher, make)
    return publisher.folder / "delivery"


@pytest.fixture
def buyer(new_person, publisher, delivery):
    person = new_person("buyer")
    person.ok("trust", "add", publisher.did(), "--name", "Acme")
    shutil.copytree(delivery, person.folder / "delivery")
    return person


def granted(publisher, holder, to, *more):
    """Grant training within limits, and lay the grant into the folder ``to``."""
    publisher.ok(
        *("grant", publisher.folder / "delivery", "--to", holder, "--permit", "train"),
        *("--territory", "EU", "--seats", "5", "--until", "2d", "--status-url", f"{STATUS}/grants"),
        *("-o", publisher.folder / "grant.json", *more),
    )
    for path in publisher.folder.glob("grant*"):
        shutil.move(path, to / path.name)


def asked(person, target, purpose, *more):
    found = person.run("terms", target, "--purpose", purpose, *more, "--json")
    return found.code, found.json["use"]["answer"], found.json


def test_a_credential_whose_status_is_gone_permits_nothing(buyer, delivery) -> None:
    assert asked(buyer, delivery, "evaluate")[:2] == (0, "permitted")
    folder = buyer.folder / "delivery"
    for file in folder.glob("status-*"):
        file.unlink()
    code, answer, found = asked(buyer, folder, "evaluate")
    assert (code, answer, found["verdict"]) == (5, "unknown", "incomplete")
    assert found["answers"]["evaluate"]["answer"] == "unknown"
    assert found["use"]["decidedBy"] == [{"dataset": "datasets/acme/docs", "partition": None}]
    assert "PERMITTED" not in buyer.run("terms", folder, "--purpose", "evaluate").out
    # A no needs no proof that the credential still holds.
    assert asked(buyer, folder, "redistribute")[:2] == (14, "not-stated")


def test_a_grant_beside_a_delivery_counts_for_whom_it_is_for(
    publisher, buyer, new_person, delivery
) -> None:
    folder = buyer.folder / "delivery"
    assert asked(buyer, folder, "train")[:2] == (14, "not-stated")
    buyer.ok("key", "new", "--no-passphrase")
    granted(publisher, buyer.did(), folder)
    code, answer, found = asked(buyer, folder, "train", *WHERE)
    assert (code, answer) == (0, "permitted"), found
    (grant,) = found["sources"][0]["grants"]
    assert (grant["permits"], grant["verdict"]) == (["train"], "trusted")
    assert grant["limits"]["seats"] == 5
    assert found["answers"]["train"]["answer"] == "permitted"
    assert "PERMITTED" in buyer.ok("terms", folder, "--purpose", "train", *WHERE).out
    assert asked(buyer, folder, "train")[:2] == (14, "undeclared")
    assert asked(buyer, folder, "train", "--territory", "US", "--seats", "2")[0] == 14
    assert asked(buyer, folder, "redistribute", *WHERE)[:2] == (14, "not-stated")
    assert asked(buyer, folder, "train", *WHERE, "--at", "2999-01-01T00:00:00Z")[0] == 14

    other = new_person("other")
    other.ok("trust", "add", publisher.did(), "--name", "Acme")
    nobodys = asked(other, folder, "train", *WHERE)
    assert nobodys[:2] == (14, "not-stated")
    other.ok("key", "new", "--no-passphrase")
    for person, reason in ((buyer, "prohibited"), (other, "other-holder")):
        abroad = ("--territory", "US", "--seats", "2")
        code, answer, found = asked(person, folder, "train", *abroad)
        (grant,) = found["sources"][0]["grants"]
        assert (code, answer, grant["reason"]) == (14, "not-stated", reason)
        assert grant["holder"] == buyer.did()
        assert "a grant of train" in person.run("terms", folder, "--purpose", "train", *abroad).err
    assert nobodys[2]["sources"][0]["grants"][0]["reason"] == "no-key"


def test_a_grant_counts_as_far_as_it_can_be_checked(publisher, buyer) -> None:
    folder = buyer.folder / "delivery"
    buyer.ok("key", "new", "--no-passphrase")
    granted(publisher, buyer.did(), folder)
    for file in folder.glob("grant-status-*"):
        file.unlink()
    code, answer, found = asked(buyer, folder, "train", *WHERE)
    assert (code, answer) == (5, "unknown"), found
    assert found["sources"][0]["grants"][0]["verdict"] == "incomplete"

    publisher.ok("credential", "revoke", folder / "grant.json", "-o", publisher.folder / "public")
    for file in (publisher.folder / "public").iterdir():
        if file.is_file():
            shutil.copy(file, folder / f"taken-back-{file.name}")
    code, answer, found = asked(buyer, folder, "train", *WHERE)
    assert (code, answer) == (14, "not-stated")
    assert found["sources"][0]["grants"][0]["verdict"] == "invalid"
    assert asked(buyer, folder, "evaluate")[:2] == (0, "permitted")  # what everybody may


def test_a_grant_that_was_imported_counts_for_the_dataset(publisher, buyer) -> None:
    folder = buyer.folder / "delivery"
    buyer.ok("key", "new", "--no-passphrase")
    buyer.ok("init")
    buyer.ok("import", folder)
    granted(publisher, buyer.did(), folder)
    assert asked(buyer, "acme/docs", "train", *WHERE)[:2] == (14, "not-stated")
    buyer.ok("import", folder / "grant.json")
    code, answer, found = asked(buyer, "acme/docs", "train", *WHERE)
    assert (code, answer) == (0, "permitted"), found
    assert len(found["sources"][0]["grants"]) == 1
    assert asked(buyer, "acme/docs", "train")[:2] == (14, "undeclared")
    # On a day of which the log has nothing yet, and on one that is to come.
    for day, expected, reasons in (("2020-01-01", 5, []), ("2999-01-01", 14, ["expired"])):
        at = ("--at", f"{day}T00:00:00Z")
        code, answer, found = asked(buyer, "acme/docs", "train", *WHERE, *at)
        assert (code, answer) == (expected, "unknown"), found
        assert [one["reason"] for one in found["sources"][0]["grants"]] == reasons
        assert any(day in line for line in found["notProven"])


def test_what_it_did_not_look_at_is_said(buyer, delivery) -> None:
    delivery_says = buyer.ok("terms", delivery, "--json").json["notProven"]
    assert any("data" in line for line in delivery_says)
    assert any("grant" in line for line in delivery_says)
    assert any("log" in line for line in delivery_says)


def test_a_grant_for_another_version_is_reported(publisher, buyer, delivery) -> None:
    buyer.ok("key", "new", "--no-passphrase")
    first = publisher.ok("show", "acme/docs", "--json").json["id"]
    granted(publisher, buyer.did(), publisher.folder)
    (publisher.folder / "documents" / "two.txt").write_text("a second document\n")
    publisher.ok("commit", "documents", "-d", "acme/docs", "--licence", "CC-BY-4.0")
    second = publisher.ok("show", "acme/docs", "--json").json["id"]
    offer = ("--permit", "evaluate", "--grantable", "train", "--status-url", STATUS)
    publisher.ok("issue", "acme/docs", "-o", "newer", *offer)
    newer = buyer.folder / "newer"
    shutil.copytree(publisher.folder / "newer", newer)
    short = first.removeprefix("blake3:")[:12]

    def lines(*words):
        return [line for line in buyer.run(*words, "--json").json["notProven"] if "another" in line]

    assert lines("verify", newer) == []
    for path in publisher.folder.glob("grant*"):
        shutil.copy(path, newer / path.name)
    check = buyer.fails(5, "verify", newer / "grant.json", "--json").check("grant.terms")
    assert (check["state"], check["detail"]["reason"]) == ("unchecked", "other-version")
    assert (check["detail"]["granted"], check["detail"]["found"]) == (first, second)
    assert "'datasets/acme/docs'" in check["summary"]
    assert "hint: " in buyer.fails(5, "verify", newer / "grant.json").err
    # The delivery holds as before; that the grant is of no use here is said with it.
    assert buyer.ok("verify", newer, "--json").json["verdict"] == "trusted"
    assert short in lines("verify", newer)[0]
    assert short in lines("terms", newer)[0]
    assert asked(buyer, newer, "train", *WHERE)[:2] == (14, "not-stated")

    # With the version that it is for, it holds.
    for path in publisher.folder.glob("grant*"):
        shutil.copy(path, buyer.folder / "delivery" / path.name)
    older = buyer.folder / "delivery"
    buyer.ok("verify", older / "grant.json")
    assert lines("verify", older) == lines("terms", older) == []
