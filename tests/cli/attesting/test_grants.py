"""A publisher grants, a holder presents: what can be granted, to whom, and how it ends."""

import shutil

from lyrikstore.canon.timestamps import now
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.w3c.profile.presentation import make_presentation
from tests.cli.attesting.audits import STATUS


def grant(publisher, holder, *more):
    return (
        *("grant", "delivery", "--to", holder, "--permit", "train", "--territory", "EU"),
        *("--until", "2d", "--seats", "5", "-o", "grant.json", *more),
    )


def test_a_grant_and_its_end(publisher, buyer) -> None:
    holder = buyer.did()
    publisher.ok(*grant(publisher, holder, "--status-url", STATUS))
    buyers = buyer.folder / "delivery"
    for path in publisher.folder.glob("grant*"):
        shutil.copy(path, buyers)
    found = buyer.ok("verify", buyers / "grant.json", "--json")
    assert found.check("grant.terms")["state"] == "pass"
    limits = found.check("grant")["detail"]["grant"]["limits"]
    assert len(limits["territory"]) == 27  # codes are signed, whatever was written
    assert limits["seats"] == 5
    publisher.ok("credential", "revoke", "grant.json", "-o", "public")
    found = buyer.run(
        "verify", buyers / "grant.json", "--json", "--status", publisher.folder / "public"
    )
    assert (found.code, found.check("status")["detail"]["reason"]) == (3, "revoked")
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"


def test_what_cannot_be_granted(publisher, buyer) -> None:
    holder = buyer.did()
    words = ("grant", "delivery", "--to", holder, "--until", "2d", "-o", "x.json")
    refused = publisher.fails(16, *words, "--permit", "evaluate", "--json")
    assert refused.kind == "exceeds-terms"
    assert publisher.fails(16, *words[:5], "10y", "-o", "x.json", "--permit", "train")
    unheard = ("grant", "delivery", "--to", "bob", *words[4:], "--permit", "train", "--json")
    assert publisher.fails(16, *unheard).kind == "bad-holder"
    publisher.ok("key", "new", "mallory", "--no-passphrase")
    assert publisher.fails(14, *words, "--permit", "train", "--signer", "mallory")
    publisher.ok("credential", "revoke", "delivery")
    assert "revoked" in publisher.fails(3, *words, "--permit", "train").err
    assert not (publisher.folder / "x.json").exists()


def test_a_buyer_proves_that_a_grant_is_his(publisher, buyer, new_person) -> None:
    publisher.ok(*grant(publisher, buyer.did()))
    buyers = buyer.folder / "delivery"
    shutil.copy(publisher.folder / "grant.json", buyers)
    asked = ("--challenge", "7c5f1a", "--domain", "data.example")
    buyer.ok("present", buyers / "grant.json", *asked, "-o", "shown.json")
    shown = buyer.folder / "shown.json"
    inbox = publisher.folder / "inbox"
    inbox.mkdir()
    shutil.copy(shown, inbox)
    for path in buyers.glob("status-*"):
        shutil.copy(path, inbox)
    found = publisher.ok("verify", inbox / "shown.json", *asked, "--json")
    parts = {check["id"]: check["state"] for check in found.json["parts"][0]["checks"]}
    assert (parts["grant.holder"], parts["grant.terms"]) == ("pass", "pass")
    other = ("--challenge", "00ff00", "--domain", "data.example")
    assert publisher.run("verify", inbox / "shown.json", *other).code == 3  # a replay
    assert publisher.run("verify", inbox / "shown.json").code == 5  # asked nothing, proves nothing
    stolen = make_presentation(  # the command refuses to
        [(buyers / "grant.json").read_bytes()],
        KeySigner(PrivateKey.generate()),
        challenge=asked[1],
        domain=asked[3],
        created=now(),
    )
    (inbox / "stolen.json").write_bytes(stolen)
    found = publisher.run("verify", inbox / "stolen.json", *asked, "--json")
    parts = {check["id"]: check["detail"] for check in found.json["parts"][0]["checks"]}
    assert (found.code, parts["grant.holder"]["reason"]) == (3, "other-holder")
    shown = (*asked, "-o", "x.json", "--json")
    assert buyer.fails(16, "present", buyers / "credential.json", *shown).kind == "not-a-grant"
    buyer.ok("key", "new", "other", "--no-passphrase")
    other = buyer.fails(12, "present", buyers / "grant.json", *shown, "--signer", "other")
    assert other.kind == "not-the-holder"


def test_nothing_is_logged_for_a_file_that_cannot_be(publisher, buyer, delivery) -> None:
    entries = len(publisher.ok("log", "--audit", "--json").json["entries"])
    grant = ("grant", delivery, "--to", buyer.did(), "--permit", "train", "--until", "30d")
    missing = publisher.fails(
        1, *grant, "-o", publisher.folder / "nowhere" / "grant.json", "--json"
    )
    assert missing.kind == "no-folder"
    (publisher.folder / "grant.json").write_text("mine")
    assert publisher.fails(15, *grant, "-o", "grant.json")
    assert (publisher.folder / "grant.json").read_text() == "mine"
    assert len(publisher.ok("log", "--audit", "--json").json["entries"]) == entries


def test_only_its_holder_presents_a_grant_and_the_verifier_sees_what_decided(
    publisher, buyer, auditor, delivery
) -> None:
    publisher.ok(
        *("grant", delivery, "--to", buyer.did(), "--permit", "train", "--until", "30d"),
        *("--status-url", STATUS, "-o", "grant.json"),
    )
    for person in (buyer, auditor):
        for path in publisher.folder.glob("grant*.json"):
            shutil.copy(path, person.folder / "delivery")
    asked = ("--challenge", "c1", "--domain", "data.example")
    shown = ("present", "delivery/grant.json", *asked, "-o", "shown.json")
    assert buyer.did() in auditor.fails(12, *shown).err
    assert not (auditor.folder / "shown.json").exists()
    buyer.ok(*shown)
    # The lists are not in it: whoever asked has them sent, or fetches them.
    found = buyer.fails(5, "verify", "shown.json", *asked)
    assert "? status" in found.out
    assert "not at hand" in found.out
    lists = buyer.folder / "delivery"
    assert "not at hand" not in buyer.run("verify", "shown.json", *asked, "--status", lists).out
