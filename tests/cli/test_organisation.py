"""An organisation issues, grants and attests under its own name.

It is believed through its document, not through a copy.
"""

import json
import re
import shutil

import pytest

from tests.conftest import Person

NAME = "acme/licences"
WEB = "did:web:acme.example"
LISTS = "https://acme.example/status"
AUDITOR = "did:web:audit.example"
STATEMENT = """
extent = "all"
standard = "ISO/IEC 5259-2:2024"
method = "read"
conclusion = "no label errors were found"
limitations = ["nothing but the labels was looked at"]
liability = "Audit GmbH"
results = [{metric = "labelErrorRate", value = "0.000"}]
"""


def verify(person, folder: str, *more: object):
    place = person.folder / folder
    return person.run(
        "verify", place / "credential.json", "--data", place / "data", "--json", *more
    )


@pytest.fixture
def issued(once, publisher, corpus):
    def make(publisher: Person) -> None:
        documents, _ = corpus.write(publisher.folder)
        publisher.ok("commit", documents, "-d", NAME)
        publisher.ok("key", "document", WEB, "-o", "did.json")
        publisher.ok(
            *("issue", NAME, "-o", "delivery", "--permit", "train", "--issuer", WEB),
            *("--did-document", "did.json", "--status-url", LISTS),
        )

    once(publisher, make)
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
    assert alone.check("issuer.document")["detail"]["reason"] == "snapshot-only"
    said = buyer.fails(4, "verify", "delivery").out.splitlines()[-1].partition(";")[0]
    assert said == "VALID, but your trust file does not know who signed"  # though it knows Acme

    pinned = buyer.folder / "acme.json"
    pinned.write_bytes(document)
    buyer.ok("trust", "add", WEB, "--did-document", pinned)
    sure = verify(buyer, "delivery")
    assert sure.json["verdict"] == "trusted", sure.out
    assert sure.check("issuer.key")["detail"]["standing"] == "current"
    assert "owns store" in sure.check("log.anchor")["summary"]

    (buyer.folder / "delivery" / "did-acme.example.json").unlink()
    assert verify(buyer, "delivery").code == 0
    buyer.ok("trust", "remove", WEB)
    buyer.ok("trust", "add", WEB, "--name", "Acme")
    assert verify(buyer, "delivery").check("proof")["detail"]["reason"] == "no-document"
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
    keyed = ("--issuer", mallory.did(), "--json")
    refused = mallory.fails(16, "issue", NAME, "-o", "x", "--permit", "train", *keyed)
    assert refused.kind == "not-an-organisation"
    victim = new_person("victim")
    victim.ok("trust", "add", WEB, "--name", "Acme", "--did-document", issued.folder / "did.json")
    shutil.copytree(mallory.folder / "delivery", victim.folder / "delivery")
    found = verify(victim, "delivery")
    assert found.code == 4
    assert "pinned one does not confirm" in found.check("issuer.document")["summary"]


def test_the_next_key_can_revoke_it_too(issued, new_person) -> None:
    buyer = new_person("buyer")
    shutil.copytree(issued.folder / "delivery", buyer.folder / "delivery")
    buyer.ok("trust", "add", WEB, "--name", "Acme", "--did-document", issued.folder / "did.json")
    assert verify(buyer, "delivery").code == 0
    issued.ok("key", "new", "next", "--no-passphrase")
    issued.ok("key", "rotate", "next", "-o", "statements")
    credential = issued.folder / "delivery" / "credential.json"
    issued.fails(
        14, "credential", "revoke", credential
    )  # the key that was replaced speaks for nobody
    issued.ok("credential", "revoke", credential, "--signer", "next", "-o", "public")
    issued.ok("key", "document", WEB, "default", "next", "-o", "both.json")
    lists = issued.folder / "public"
    # The buyer knows only the first document: the list is by a key that it does not name.
    late = verify(buyer, "delivery", "--status", lists)
    assert late.check("status")["state"] != "fail"
    buyer.ok("trust", "add", WEB, "--did-document", issued.folder / "both.json")
    late = verify(buyer, "delivery", "--status", lists)
    assert late.code == 3
    assert late.check("status")["detail"]["reason"] == "revoked"


def test_what_a_buyer_of_an_organisation_sees(issued, new_person) -> None:
    readme = (issued.folder / "delivery" / "README.md").read_text()
    assert "https://acme.example/.well-known/did.json" in readme
    (step,) = [line.strip("` ") for line in readme.splitlines() if "trust add" in line]
    buyer = new_person("buyer")
    shutil.copytree(issued.folder / "delivery", buyer.folder / "delivery")
    refusal = buyer.fails(4, "verify", "delivery").err
    assert f"trust add {WEB} --name NICKNAME --did-document FILE" in refusal
    shutil.copy(issued.folder / "did.json", buyer.folder)
    buyer.ok(*step.replace('"my supplier"', "supplier").split()[1:])
    assert buyer.run("verify", "delivery").code == 0

    said = issued.ok("issue", NAME, "-o", "more", "--permit", "train", "--issuer", WEB).err
    (document,) = re.findall(r"publish (\S+) at https://acme.example/.well-known/did.json", said)
    published = (json.loads((issued.folder / name).read_text()) for name in (document, "did.json"))
    assert next(published) == next(published)
    audit = issued.ok("log", "--audit").out
    assert f"by {WEB} (unknown to you)" in audit
    assert [line for line in audit.splitlines() if " document " in line and WEB in line]


def grant_to(holder: str, output: str, *more: object) -> tuple[object, ...]:
    return (
        *("grant", "delivery", "--to", holder, "--permit", "train", "--until", "30d"),
        *("-o", output, *more),
    )


@pytest.fixture
def buyer(issued, new_person):
    person = new_person("buyer")
    person.ok("key", "new", "--no-passphrase")
    person.ok("trust", "add", WEB, "--name", "Acme")
    shutil.copytree(issued.folder / "delivery", person.folder / "delivery")
    return person


def test_it_grants_under_its_own_terms(issued, buyer) -> None:
    holder = buyer.did()
    made = issued.ok(
        *grant_to(holder, "grant.json", "--did-document", "did.json", "--status-url", LISTS),
        "--json",
    )
    written = [name.rpartition("/")[2] for name in made.json["written"]]
    assert {"grant.json", "grant.tlog-proof", "grant-did.json"} < set(written)
    grant = json.loads((issued.folder / "grant.json").read_text())
    assert grant["issuer"]["id"] == WEB
    assert WEB in [item["id"] for item in grant["relatedResource"]]
    for name in written:
        shutil.copy(issued.folder / name, buyer.folder / "delivery")
    alone = buyer.fails(4, "verify", "delivery/grant.json", "--json")
    assert alone.check("issuer.document")["detail"]["reason"] == "snapshot-only"
    buyer.ok("trust", "add", WEB, "--did-document", issued.folder / "did.json")
    sure = buyer.ok("verify", "delivery/grant.json", "--json")
    assert sure.check("grant.terms")["state"] == "pass", sure.out
    buyer.ok(
        *("present", "delivery/grant.json", "--challenge", "7c5f", "--domain", "data.example"),
        *("-o", "delivery/shown.json"),
    )
    buyer.ok("verify", "delivery/shown.json", "--challenge", "7c5f", "--domain", "data.example")
    buyer.ok("init")
    taken = buyer.ok("import", "delivery", "delivery/grant.json", "--json").json["imported"]
    assert sum(len(one["logged"]) for one in taken) >= 3  # with the document that lists the key
    assert " document " in buyer.ok("log", "--audit").out
    issued.ok("credential", "revoke", "grant.json", "-o", "public")
    late = buyer.run("verify", "delivery/grant.json", "--status", issued.folder / "public")
    assert (late.code, "revoked" in late.out) == (3, True)


def test_it_presents_what_was_granted_to_it(issued, buyer, new_person) -> None:
    web = "did:web:buyer.example"
    issued.ok(*grant_to(web, "grant.json", "--did-document", "did.json"))
    for name in ("grant.json", "grant-did.json", "grant.tlog-proof"):
        shutil.copy(issued.folder / name, buyer.folder / "delivery")
    buyer.ok("key", "new", "second", "--no-passphrase")
    buyer.ok("key", "document", web, "default", "-o", "ours.json")
    asked = ("--challenge", "7c5f", "--domain", "data.example")
    refusal = buyer.fails(
        *(16, "present", "delivery/grant.json", *asked, "-o", "x.json", "--signer", "second"),
        *("--did-document", "ours.json"),
        "--json",
    )
    assert refusal.kind == "not-listed"
    assert not (buyer.folder / "x.json").exists()
    made = buyer.ok(
        *("present", "delivery/grant.json", *asked, "-o", "shown.json"),
        *("--did-document", "ours.json", "--json"),
    ).json
    assert made["holder"] == web
    assert made["written"] == ["shown.json", "shown-did.json"]

    asker = new_person("asker")
    asker.ok("trust", "add", WEB, "--name", "Acme", "--did-document", issued.folder / "did.json")
    shutil.copytree(buyer.folder / "delivery", asker.folder / "shown")  # with the status lists
    for name in ("shown.json", "shown-did.json"):
        shutil.copy(buyer.folder / name, asker.folder / "shown")
    copied = asker.fails(5, "verify", "shown/shown.json", *asked, "--json")  # a copy says nothing
    assert copied.check("holder.binding")["detail"]["reason"] == "snapshot-only"
    ours = ("--name", "Buyer", "--names", "none/*", "--did-document", buyer.folder / "ours.json")
    asker.ok("trust", "add", web, *ours)
    sure = asker.ok("verify", "shown/shown.json", *asked, "--json")
    (grant,) = (part for part in sure.json["parts"] if "grant" in str(part["checks"]))
    state = {check["id"]: check["state"] for check in grant["checks"]}
    assert state["grant.holder"] == "pass"
    other = ("--challenge", "other", "--domain", "data.example")
    asker.fails(3, "verify", "shown/shown.json", *other)

    # Somebody else's key, with a document of their own beside.
    thief = new_person("thief")
    thief.ok("key", "new", "--no-passphrase")
    shutil.copytree(buyer.folder / "delivery", thief.folder / "delivery")
    thief.ok("present", "delivery/grant.json", *asked, "-o", "shown.json")
    for name in ("shown.json", "shown-did.json"):
        shutil.copy(thief.folder / name, asker.folder / "shown" / f"stolen-{name}")
    stolen = asker.fails(5, "verify", "shown/stolen-shown.json", *asked, "--json")
    assert stolen.check("holder.binding")["detail"]["reason"] == "snapshot-only"


def test_only_its_people_grant_and_the_next_key_goes_on(issued, buyer, new_person) -> None:
    holder = buyer.did()
    mallory = new_person("mallory")
    mallory.ok("key", "new", "--no-passphrase")
    mallory.ok("init")
    shutil.copytree(issued.folder / "delivery", mallory.folder / "delivery")
    assert mallory.fails(14, *grant_to(holder, "grant.json"), "--json").kind == "not-the-issuer"
    issued.ok("key", "new", "next", "--no-passphrase")
    issued.ok("key", "rotate", "next", "-o", "statements")
    issued.fails(14, *grant_to(holder, "grant.json"))  # it speaks for nobody any more
    issued.ok("key", "document", WEB, "default", "next", "-o", "both.json")
    later = ("--signer", "next", "--did-document")
    refusal = issued.fails(16, *grant_to(holder, "grant.json", *later, "did.json")).err
    assert "cannot issue with this key" in refusal
    issued.ok(*grant_to(holder, "grant.json", *later, "both.json"))
    for name in ("grant.json", "grant-did.json", "grant.tlog-proof"):
        shutil.copy(issued.folder / name, buyer.folder / "delivery")
    buyer.ok("trust", "add", WEB, "--did-document", issued.folder / "did.json")
    # The old document does not list the next key, and the one beside the grant proves nothing.
    old = buyer.fails(4, "verify", "delivery/grant.json", "--json")
    assert old.check("issuer.document")["detail"]["reason"] == "snapshot-only"
    buyer.ok("trust", "add", WEB, "--did-document", issued.folder / "both.json")
    buyer.ok("verify", "delivery/grant.json")
    issued.ok("credential", "revoke", "delivery", "--signer", "next")
    assert "revoked" in issued.fails(3, *grant_to(holder, "more.json", *later, "both.json")).err


def test_what_a_key_issued_before_it_was_stolen_is_revoked_by_the_next(issued, buyer) -> None:
    issued.ok("key", "new", "next", "--no-passphrase")
    end = issued.ok("log", "--audit", "--json").json["entries"][-1]["logIndex"] + 1
    issued.ok(
        *("key", "revoke", "default", "--suspect-from", end, "--successor", "next", "--yes"),
        *("--no-input",),
    )
    issued.ok("key", "document", WEB, "default", "next", "-o", "both.json")
    later = ("--signer", "next", "--did-document", "both.json")
    issued.ok(*grant_to(buyer.did(), "grant.json", *later))
    issued.ok("credential", "revoke", "delivery", "--signer", "next", "-o", "public")
    buyer.ok("trust", "add", WEB, "--did-document", issued.folder / "both.json")
    late = verify(buyer, "delivery", "--status", issued.folder / "public")
    assert late.check("status")["detail"]["reason"] == "revoked"


def test_an_organisation_attests(issued, buyer, new_person) -> None:
    auditor = new_person("auditor")
    auditor.ok("key", "new", "--no-passphrase")
    auditor.ok("key", "document", AUDITOR, "-o", "audit.json")
    (auditor.folder / "audit.toml").write_text(STATEMENT)
    shutil.copytree(issued.folder / "delivery", auditor.folder / "delivery")
    attest = ("attest", "delivery", "--kind", "quality", "--statement", "audit.toml", "-o")
    auditor.fails(16, *attest, "a.json", "--did-document", "audit.json")  # whose?
    auditor.ok(*attest, "a.json", "--issuer", AUDITOR, "--did-document", "audit.json")
    attested = json.loads((auditor.folder / "a.json").read_text())
    assert attested["issuer"]["id"] == AUDITOR
    for name in ("a.json", "a-did.json"):
        shutil.copy(auditor.folder / name, buyer.folder / "delivery")
    buyer.ok("trust", "add", WEB, "--did-document", issued.folder / "did.json")
    buyer.ok("trust", "add", AUDITOR, "--name", "Audit", "--role", "auditor")
    found = verify(buyer, "delivery").check("attestations")
    assert (found["state"], found["detail"]["reason"]) == ("warn", "snapshot-only")
    buyer.ok("trust", "add", AUDITOR, "--did-document", auditor.folder / "audit.json")
    assert verify(buyer, "delivery").check("attestations")["state"] == "stated"
    # The publisher takes it in with its document, and hands both on.
    issued.ok("import", auditor.folder / "a.json")
    issued.ok("issue", NAME, "-o", "later", "--permit", "train", "--issuer", WEB)
    assert list((issued.folder / "later").glob("attestation-*-did.json"))
