"""An organisation issues under its own name: believed through its document, not through a copy."""

import json
import shutil

import pytest

NAME = "acme/licences"
WEB = "did:web:acme.example"
LISTS = "https://acme.example/status"


def check(result, check_id: str) -> dict:
    return next(c for c in result.json["checks"] if c["id"] == check_id)


def verify(person, folder: str, *more: object):
    place = person.folder / folder
    return person.run(
        "verify", place / "credential.json", "--data", place / "data", "--json", *more
    )


@pytest.fixture
def issued(publisher, corpus):
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    publisher.ok("key", "document", WEB, "-o", "did.json")
    publisher.ok(
        *("issue", NAME, "-o", "delivery", "--permit", "train", "--issuer", WEB),
        *("--did-document", "did.json", "--status-url", LISTS),
    )
    return publisher


def test_a_copy_of_the_document_is_no_proof_and_a_pinned_one_is(issued, new_person) -> None:
    delivery = issued.folder / "delivery"
    credential = json.loads((delivery / "credential.json").read_text())
    assert credential["issuer"]["id"] == WEB
    assert credential["proof"]["verificationMethod"].startswith(f"{WEB}#z6Mk")
    assert WEB in [item["id"] for item in credential["relatedResource"]]
    document = (delivery / "did-acme.example.json").read_bytes()
    assert document == (issued.folder / "did.json").read_bytes()

    buyer = new_person("buyer")
    shutil.copytree(delivery, buyer.folder / "delivery")
    buyer.ok("trust", "add", WEB, "--name", "Acme")
    alone = verify(buyer, "delivery")
    assert alone.code == 4
    assert check(alone, "issuer.document")["detail"]["reason"] == "snapshot-only"

    pinned = buyer.folder / "acme.json"
    pinned.write_bytes(document)
    buyer.ok("trust", "add", WEB, "--document", pinned)
    sure = verify(buyer, "delivery")
    assert sure.json["verdict"] == "trusted", sure.out
    assert check(sure, "issuer.key")["detail"]["standing"] == "current"
    assert "owns store" in check(sure, "log.anchor")["summary"]

    (buyer.folder / "delivery" / "did-acme.example.json").unlink()
    assert verify(buyer, "delivery").code == 0
    buyer.ok("trust", "remove", WEB)
    buyer.ok("trust", "add", WEB, "--name", "Acme")
    assert check(verify(buyer, "delivery"), "proof")["detail"]["reason"] == "no-document"
    assert issued.run("verify", "--json").json["verdict"] == "trusted"


def test_somebody_elses_key_under_that_name_is_not_believed(issued, new_person, corpus) -> None:
    mallory = new_person("mallory")
    mallory.ok("key", "new", "--no-passphrase")
    mallory.ok("init")
    documents, _ = corpus.write(mallory.folder)
    mallory.ok("commit", documents, "-d", NAME)
    mallory.ok("issue", NAME, "-o", "delivery", "--permit", "train", "--issuer", WEB)
    mallory.fails(
        *(16, "issue", NAME, "-o", "other", "--permit", "train", "--issuer", WEB),
        *("--did-document", issued.folder / "did.json"),  # lists another key
    )
    mallory.fails(16, "issue", NAME, "-o", "x", "--permit", "train", "--issuer", "did:web:127.1")
    victim = new_person("victim")
    victim.ok("trust", "add", WEB, "--name", "Acme", "--document", issued.folder / "did.json")
    shutil.copytree(mallory.folder / "delivery", victim.folder / "delivery")
    found = verify(victim, "delivery")
    assert found.code == 4
    assert "pinned one does not confirm" in check(found, "issuer.document")["summary"]


def test_it_can_be_taken_back_also_by_the_next_key(issued, new_person) -> None:
    buyer = new_person("buyer")
    shutil.copytree(issued.folder / "delivery", buyer.folder / "delivery")
    buyer.ok("trust", "add", WEB, "--name", "Acme", "--document", issued.folder / "did.json")
    assert verify(buyer, "delivery").code == 0
    issued.ok("key", "new", "next", "--no-passphrase")
    issued.ok("key", "rotate", "next", "-o", "statements")
    credential = issued.folder / "delivery" / "credential.json"
    issued.fails(14, "revoke", credential)  # the key that was replaced speaks for nobody
    issued.ok("revoke", credential, "--signer", "next", "-o", "public")
    issued.ok("key", "document", WEB, "default", "next", "-o", "both.json")
    lists = issued.folder / "public"
    # The buyer knows only the first document: the list is by a key that it does not name.
    late = verify(buyer, "delivery", "--status", lists)
    assert check(late, "status")["state"] != "fail"
    buyer.ok("trust", "add", WEB, "--document", issued.folder / "both.json")
    late = verify(buyer, "delivery", "--status", lists)
    assert late.code == 3
    assert check(late, "status")["detail"]["reason"] == "revoked"


def test_what_a_buyer_of_an_organisation_is_told(issued, new_person) -> None:
    readme = (issued.folder / "delivery" / "README.md").read_text()
    assert "https://acme.example/.well-known/did.json" in readme
    (step,) = [line.strip("` ") for line in readme.splitlines() if "trust add" in line]
    buyer = new_person("buyer")
    shutil.copytree(issued.folder / "delivery", buyer.folder / "delivery")
    told = buyer.fails(4, "verify", "delivery").err
    assert f"trust add {WEB} --name NICKNAME --document FILE" in told
    shutil.copy(issued.folder / "did.json", buyer.folder)
    buyer.ok(*step.replace('"my supplier"', "supplier").split()[1:])
    assert buyer.run("verify", "delivery").code == 0

    said = issued.ok("issue", NAME, "-o", "more", "--permit", "train", "--issuer", WEB).err
    assert f"key document {WEB}" in said
    audit = issued.ok("log", "--audit").out
    assert f"by {WEB} (unknown to you)" in audit
    assert [line for line in audit.splitlines() if " document " in line and WEB in line]
