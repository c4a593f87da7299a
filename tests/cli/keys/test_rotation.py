"""A key is replaced: what it signed before stays, and it signs no more."""

import shutil

import pytest

from tests.cli.keys.deliveries import NAME, issue, verify
from tests.conftest import list_name


@pytest.fixture
def rotated(publisher, corpus):
    """Return a publisher with a delivery of before and one of after the rotation."""
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--licence", "CC-BY-4.0")
    publisher.old = publisher.did()
    issue(publisher, "before")
    publisher.ok("key", "new", "next", "--no-passphrase")
    publisher.new = publisher.did("next")
    publisher.ok("key", "rotate", "next", "-m", "yearly", "-o", "statements")
    publisher.ok("commit", documents, "-d", NAME, "--licence", "CC0-1.0", "--signer", "next")
    issue(publisher, "after", "--signer", "next")
    return publisher


@pytest.fixture
def buyer(rotated, new_person):
    person = new_person("buyer")
    for name in ("before", "after", "statements"):
        shutil.copytree(rotated.folder / name, person.folder / name)
    person.ok("trust", "add", rotated.old, "--name", "Acme")
    return person


def test_rotation_kills_nothing_and_is_inherited(rotated, buyer) -> None:
    before, after = buyer.folder / "before", buyer.folder / "after"
    old = verify(buyer, before)
    assert old.json["verdict"] == "trusted", old.out
    assert old.check("issuer.key")["detail"]["standing"] == "current"

    # The statements laid beside the old delivery: still good, and now it is said.
    for path in (buyer.folder / "statements").iterdir():
        shutil.copy(path, before)
    old = verify(buyer, before)
    assert old.json["verdict"] == "trusted", old.out
    detail = old.check("issuer.key")["detail"]
    assert (detail["standing"], detail["successor"]) == ("succeeded", rotated.new)
    assert detail["loggedAt"] < detail["since"]

    # The new key is believed because the old one named it.
    new = verify(buyer, after)
    assert new.json["verdict"] == "trusted", new.out
    assert new.check("trust.issuer")["detail"]["predecessor"] == rotated.old
    assert new.check("issuer.key")["detail"]["standing"] == "current"

    # Without the statements nobody named it, and its manifest is by a stranger.
    for path in after.glob("policy-*"):
        path.unlink()
    assert verify(buyer, after).code == 3


def test_an_heir_is_believed_wherever_its_predecessor_is(rotated, buyer, new_person) -> None:
    assert buyer.ok("terms", buyer.folder / "after", "--purpose", "train").code == 0
    colleague = new_person("colleague")
    colleague.ok("trust", "add", rotated.old, "--name", "Acme")
    colleague.ok("clone", rotated.folder / ".lyrikstore", "copy")
    inside = ("--store", colleague.folder / "copy")
    assert colleague.ok("terms", NAME, "--purpose", "train", *inside).code == 0
    printed = colleague.ok("log", NAME, *inside).out
    assert f"signed by Acme, by a later key ({rotated.new})" in printed
    assert f"signed by Acme ({rotated.old})" in printed
    assert "by Acme, by a later key" in colleague.ok("log", "--audit", *inside).out

    # Whose key was stolen before it named another is nobody's predecessor.
    stolen = ("key", "revoke", rotated.old, "--suspect-from", "1", "--yes", "-o", "said")
    said = rotated.fails(14, *stolen).err
    assert f"hint: sign with {rotated.new}: --signer NAME" in said
    said = rotated.ok(*stolen, "--signer", "next").err
    assert "hint: send the files in said to all receivers, who put them" in said
    assert "hint: issue credentials that are still needed again" in said
    colleague.ok("pull", *inside)
    assert colleague.run("terms", NAME, "--purpose", "train", *inside).code in {4, 14}
    assert "later key" not in colleague.run("log", "--audit", *inside).out


def test_who_knows_only_the_new_key_believes_old_and_new(rotated, new_person) -> None:
    person = new_person("late")
    person.ok("trust", "add", rotated.new, "--name", "Acme")
    after = verify(person, rotated.folder / "after")
    assert after.json["verdict"] == "trusted", after.out
    assert "owns store" in after.check("log.anchor")["summary"]
    assert verify(person, rotated.folder / "before").code == 4  # nothing there says so
    # The store itself, too: that key owns it now, and has signed what names it.
    store = person.run("verify", "--store", rotated.folder / ".lyrikstore", "--json")
    assert store.json["verdict"] == "trusted", store.out
    assert "owns store" in store.check("store.genesis")["summary"]
    # ATTACK: anybody can make a believed key the owner of a store of theirs.
    mallory = new_person("mallory")
    mallory.ok("key", "new", "--no-passphrase")
    mallory.ok("init")
    mallory.ok("key", "rotate", rotated.new)
    store = person.run("verify", "--store", mallory.folder / ".lyrikstore", "--json")
    assert store.check("store.genesis")["detail"]["reason"] == "unknown-founder"


def test_without_a_log_proof_that_holds_a_delivery_is_not_whole(rotated, buyer) -> None:
    folder = buyer.folder / "after"
    proof = folder / "credential.tlog-proof"

    def judged() -> tuple[str, str, str]:
        report = verify(buyer, folder)
        check = report.check("issuer.key")
        return report.json["verdict"], check["state"], check["detail"].get("reason", "")

    sound = proof.read_bytes()
    lost = ("incomplete", "unchecked", "unlogged")
    foreign = [folder / "log.tlog-proof", rotated.folder / "before" / "credential.tlog-proof"]
    for content in (sound + b"more", b"C" + sound[1:], b"", *(one.read_bytes() for one in foreign)):
        proof.write_bytes(content)
        assert judged() == lost
    proof.unlink()
    assert judged() == lost
    # Its name does not matter, as long as it holds.
    (folder / "proof").write_bytes(sound)
    assert judged() == ("trusted", "pass", "")
    (folder / "proof").unlink()
    # A delivery of 0.1.0 could be without: nothing here says that this one was not.
    (folder / "log.consistency.json").unlink()
    (folder / "log.leaves").unlink()
    assert judged() == ("trusted", "warn", "unlogged")
    proof.write_bytes(b"")
    assert judged() == lost


def test_what_waits_in_a_clone_never_had_a_log_proof(publisher, corpus) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--licence", "CC0-1.0")
    publisher.ok("clone", publisher.folder / ".lyrikstore", "copy")
    publisher.ok("issue", NAME, "-o", "waiting", "--permit", "train", "-C", "copy")
    folder = publisher.folder / "copy" / "waiting"
    assert (folder / "log.consistency.json").exists()
    assert not (folder / "credential.tlog-proof").exists()
    report = verify(publisher, folder)
    check = report.check("issuer.key")
    assert (report.json["verdict"], check["state"]) == ("trusted", "warn")
    # Without the leaf hashes, which show that the log has it not, nobody knows.
    (folder / "log.leaves").unlink()
    assert verify(publisher, folder).json["verdict"] == "incomplete"


def test_the_old_key_signs_no_more(rotated, corpus) -> None:
    documents = rotated.folder / "documents"
    (documents / "more.txt").write_text("more")
    again = ("commit", documents, "-d", NAME, "--licence", "CC0-1.0")
    refused = rotated.fails(14, *again)
    assert "unauthorised" in refused.err or "policy" in refused.err
    rotated.fails(14, "key", "rotate", "next")  # nor names another
    rotated.fails(15, "key", "rotate", rotated.old, "--signer", "next")  # nor comes back
    rotated.ok(*again, "--signer", "next")
    assert rotated.run("verify", "--json").json["verdict"] == "trusted"


def test_the_old_key_issues_no_more(rotated) -> None:
    # Also where nothing but the credential would be signed: everything else is there already.
    issue(rotated, "once more", "--signer", "next")
    lists = ("--status-url", "https://acme.example/status")
    grant = ("--to", rotated.new, "--permit", "train", "--until", "30d", "-o", "grant.json")
    (rotated.folder / "audit.toml").write_text(
        'extent = "all"\nmethod = "read"\nconclusion = "sound"\nliability = "nobody"\n'
    )
    attest = ("--kind", "quality", "--statement", "audit.toml", "-o", "audit.json")
    size = len(rotated.ok("log", "--audit", "--json").json["entries"])
    for command in (
        ("issue", NAME, "-o", "dead", "--permit", "train"),
        ("grant", "before", *grant),
        ("attest", "after", *attest, *lists),
    ):
        refused = rotated.run(*command, "--json")
        assert (refused.code, refused.kind) == (14, "retired-key"), refused.err
        assert rotated.new in refused.error["hint"]
    (rotated.folder / "documents" / "late.txt").write_text("late")
    refused = rotated.fails(14, "commit", "documents", "-d", NAME, "--licence", "CC0-1.0", "--json")
    assert rotated.new in refused.error["hint"]
    assert not any((rotated.folder / name).exists() for name in ("dead", "grant.json"))
    assert len(rotated.ok("log", "--audit", "--json").json["entries"]) == size


def test_the_key_that_issued_is_the_one_to_send(rotated) -> None:
    sent = rotated.ok("issue", NAME, "-o", "sent", "--permit", "evaluate", "--signer", "next").err
    assert f"send your key by another channel than the folder: {rotated.new};" in sent
    assert "is about the same and also in force" in sent


def test_a_delivery_has_the_lists_and_what_shows_its_policies_logged(rotated, new_person) -> None:
    holder, asker = new_person("holder"), new_person("asker")
    holder.ok("key", "new", "--no-passphrase")
    for_all = ("--status-url", "https://acme.example/status", "--signer", "next")
    delivery = issue(rotated, "granted", *for_all)
    rotated.ok(
        *("grant", "granted", "--to", holder.did(), "--permit", "train", "--until", "30d"),
        *("-o", delivery / "grant.json", *for_all),
    )
    said = ("--challenge", "7c5f1a9e", "--domain", "data.example")
    holder.ok("present", delivery / "grant.json", *said, "-o", asker.folder / "shown.json")
    asker.ok("trust", "add", rotated.new, "--name", "Acme")
    asker.fails(5, "verify", "shown.json", *said)
    asker.ok("verify", "shown.json", *said, "--status", delivery)


def test_any_flipped_byte_of_the_statements_is_noticed(buyer) -> None:
    """A change makes them say nothing: then the new key's manifest has no policy that allows it."""
    after = buyer.folder / "after"
    for name in ("policy-2.json", "policy-2.tlog-proof"):
        path = after / name
        original = path.read_bytes()
        for at in range(0, len(original), max(1, len(original) // 12)):
            path.write_bytes(original[:at] + bytes([original[at] ^ 1]) + original[at + 1 :])
            assert verify(buyer, after).code in {3, 5}, f"{name} byte {at}"
        path.write_bytes(original)
    assert verify(buyer, after).code == 0


def test_lists_go_on_below_the_same_url_after_a_rotation(publisher, corpus, new_person) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    lists = ("--status-url", "https://acme.example/status")
    before = issue(publisher, "before", *lists)
    old = publisher.did()
    publisher.ok("key", "new", "next", "--no-passphrase")
    publisher.ok("key", "rotate", "next")
    after = issue(publisher, "after", *lists, "--signer", "next")
    # A list is its issuer's alone, so the next key has its own beside them.
    assert sorted(path.name for path in after.glob("status-*")) == [
        f"status-{list_name(purpose, lists[1], publisher.did('next'))}"
        for purpose in ("revocation", "suspension")
    ]
    buyer = new_person("buyer")
    buyer.ok("trust", "add", old, "--name", "Acme")
    assert verify(buyer, before).json["verdict"] == "trusted"
    assert verify(buyer, after).json["verdict"] == "trusted"
    # Whoever signs, all lists are written: one that is left out would run out unseen.
    public = publisher.folder / "public"
    publisher.ok("credential", "suspend", after, "-o", public, "--signer", "next")
    assert len(list(public.iterdir())) == 4
    assert verify(buyer, after, "--status", public).json["verdict"] == "invalid"
    assert verify(buyer, before, "--status", public).json["verdict"] == "trusted"
    refused = publisher.fails(
        14, "credential", "revoke", before, "--signer", "next", "--json"
    ).error
    assert refused["kind"] == "not-the-issuer"
    publisher.ok("credential", "revoke", before, "-o", public)
    assert verify(buyer, before, "--status", public).check("status")["detail"]["reason"] == (
        "revoked"
    )


def test_what_an_earlier_key_issued_is_not_replaced_or_granted_under_in_vain(rotated) -> None:
    # A verifier counts a successor of the same issuer alone: one by the next key would be in vain.
    again = ("issue", NAME, "-o", "again", "--permit", "train", "--signer", "next")
    refused = rotated.fails(14, *again, "--supersedes", "before", "--json").error
    assert (refused["kind"], "without --supersedes" in refused["hint"]) == ("not-the-issuer", True)
    assert not (rotated.folder / "again").exists()
    grant = ("--to", rotated.new, "--permit", "train", "--until", "30d", "-o", "grant.json")
    refused = rotated.fails(14, "grant", "before", *grant, "--signer", "next", "--json").error
    assert (refused["kind"], "issue the dataset" in refused["hint"]) == ("not-the-issuer", True)
    # Nor by a credential of another kind.
    rotated.ok("issue", NAME, "-o", "open", "--permit", "evaluate", "--grantable", "train",
               "--signer", "next")  # fmt: skip
    under = ("grant", "open", *grant, "--signer", "next")
    assert rotated.fails(16, *under, "--supersedes", "open/credential.json", "--json").error
    rotated.ok(*under)
