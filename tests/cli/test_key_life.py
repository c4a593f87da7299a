"""A key is replaced, or stolen: what it signed before stays, what a thief signs does not count."""

import itertools
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.key_file import load_key
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import change_policy, with_writer
from lyrikstore.history.commit.policy_change import rotated as rotated_key
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import parse_manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from tests.conftest import list_name

NAME = "acme/licences"


def issue(person, folder: str, *more: object) -> Path:
    person.ok("issue", NAME, "-o", folder, "--permit", "train", *more)
    return person.folder / folder


def verify(person, folder: Path, *more: object):
    return person.run(
        "verify", folder / "credential.json", "--data", folder / "data", "--json", *more
    )


@pytest.fixture
def rotated(publisher, corpus):
    """Return a publisher with a delivery of before and one of after the rotation."""
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--license", "CC-BY-4.0")
    publisher.old = publisher.did()
    issue(publisher, "before")
    publisher.ok("key", "new", "next", "--no-passphrase")
    publisher.new = publisher.did("next")
    publisher.ok("key", "rotate", "next", "-m", "yearly", "-o", "statements")
    publisher.ok("commit", documents, "-d", NAME, "--license", "CC0-1.0", "--signer", "next")
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
    told = colleague.ok("log", NAME, *inside).out
    assert f"signed by Acme, by a later key ({rotated.new})" in told
    assert f"signed by Acme ({rotated.old})" in told
    assert "by Acme, by a later key" in colleague.ok("log", "--audit", *inside).out

    # Whose key was stolen before it named another is nobody's predecessor.
    stolen = ("key", "revoke", rotated.old, "--suspect-from", "1", "--yes", "-o", "said")
    said = rotated.fails(14, *stolen).err
    assert f"hint: sign with {rotated.new}: --signer NAME" in said
    said = rotated.ok(*stolen, "--signer", "next").err
    assert "hint: hand what is in said to everybody who holds a delivery" in said
    assert "hint: issue anew, by a key that is left" in said
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
    publisher.ok("commit", documents, "-d", NAME, "--license", "CC0-1.0")
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
    again = ("commit", documents, "-d", NAME, "--license", "CC0-1.0")
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
    refused = rotated.fails(14, "commit", "documents", "-d", NAME, "--license", "CC0-1.0", "--json")
    assert rotated.new in refused.error["hint"]
    assert not any((rotated.folder / name).exists() for name in ("dead", "grant.json"))
    assert len(rotated.ok("log", "--audit", "--json").json["entries"]) == size


def test_the_key_that_issued_is_the_one_to_send(rotated) -> None:
    sent = rotated.ok("issue", NAME, "-o", "sent", "--permit", "evaluate", "--signer", "next").err
    assert f"send your key by another route than the folder: {rotated.new};" in sent
    assert "is about the same and in force too" in sent


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


def test_a_stolen_key(publisher, corpus, new_person) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    stolen = publisher.did()
    issue(publisher, "before")
    first = publisher.ok("log", NAME, "--json").json
    entries = publisher.ok("log", "--audit", "--json").json["entries"]
    cut = len(entries)
    # The thief commits and issues with the same key.
    (documents / "evil.txt").write_text("evil")
    publisher.ok("commit", documents, "-d", NAME)
    issue(publisher, "evil")
    publisher.ok("key", "new", "next", "--no-passphrase")
    publisher.fails(16, "key", "revoke", "default", "--suspect-from", cut)  # nobody to confirm
    publisher.fails(16, "key", "revoke", "default", "--suspect-from", "yesterday", "--yes")
    publisher.fails(16, "key", "revoke", "default", "--suspect-from", 0, "--yes")
    publisher.fails(16, "key", "revoke", "default", "--suspect-from", cut, "--yes")  # no owner left
    done = publisher.ok(
        *("key", "revoke", "default", "--suspect-from", cut, "--successor", "next", "--yes"),
        *("-o", "statements", "--json"),
    ).json
    assert (done["did"], done["suspectFrom"], done["version"]) == (stolen, cut, 2)
    assert any(one["label"] == "dataset datasets/acme/licences" for one in done["lost"])
    assert any(one["label"] == "credential" for one in done["lost"])

    # The version before is current again, the thief's is flagged.
    again = publisher.ok("log", NAME, "--json").json
    assert again["versions"][0]["id"] == first["versions"][0]["id"]
    report = publisher.run("verify", "--json")
    assert "compromised" in report.check("refs")["summary"], report.out
    assert "compromised then" in report.check("credentials")["summary"], report.out

    buyer = new_person("buyer")
    buyer.ok("trust", "add", stolen, "--name", "Acme")
    for name in ("before", "evil"):
        shutil.copytree(publisher.folder / name, buyer.folder / name)
    assert verify(buyer, buyer.folder / "evil").json["verdict"] == "trusted"  # nobody has said it
    for name in ("before", "evil"):
        for path in (publisher.folder / "statements").iterdir():
            shutil.copy(path, buyer.folder / name)
    good = verify(buyer, buyer.folder / "before")
    assert good.json["verdict"] == "trusted", good.out
    assert good.check("issuer.key")["detail"]["standing"] == "compromised"
    bad = verify(buyer, buyer.folder / "evil")
    assert bad.code == 3
    assert bad.check("issuer.key")["detail"]["reason"] == "compromised"
    for name, code, said in (("before", 0, "PERMITTED"), ("evil", 14, "compromised since")):
        answer = buyer.run("terms", name, "--purpose", "train")
        assert (answer.code, said in answer.out) == (code, True), answer.out
    # The statements hold what the log had before the theft, so that nothing else need show it.
    (buyer.folder / "before" / "credential.tlog-proof").unlink()
    assert verify(buyer, buyer.folder / "before").json["verdict"] == "trusted"
    # Unlogged is as bad as logged too late.
    (leaves,) = (buyer.folder / "before").glob("store-*-log.leaves")
    leaves.unlink()
    assert verify(buyer, buyer.folder / "before").code == 3

    # What the successor issues does not inherit: the thief might have named it.
    issue(publisher, "after", "--signer", "next")
    shutil.copytree(publisher.folder / "after", buyer.folder / "after")
    assert verify(buyer, buyer.folder / "after").code == 4


def test_who_goes_on_from_an_old_copy_with_a_stolen_key_is_found_out(
    publisher, corpus, new_person
) -> None:
    """Attack case A27: the entry that the owner names is not the thief's log's."""
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    issue(publisher, "before")
    thief = new_person("thief")
    for name in (".config", ".local"):
        shutil.copytree(publisher.home / name, thief.home / name)
    shutil.rmtree(thief.home / ".local" / "state")
    shutil.copytree(publisher.folder / ".lyrikstore", thief.folder / ".lyrikstore")
    # The owner goes on, and finds out later.
    for number in range(4):
        (documents / f"more{number}.txt").write_text("more")
        publisher.ok("commit", documents, "-d", NAME)
    cut = len(publisher.ok("log", "--audit", "--json").json["entries"])
    publisher.ok("key", "new", "next", "--no-passphrase")
    publisher.ok(
        *("key", "revoke", "default", "--suspect-from", cut, "--successor", "next", "--yes"),
        *("-o", "statements"),
    )
    issue(publisher, "after", "--signer", "next")
    # Today, the thief signs what is to pass for old.
    (documents / "evil.txt").write_text("evil")
    thief.ok("commit", documents, "-d", NAME)
    issue(thief, "evil")

    buyer = new_person("buyer")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")

    def handed(name: str, *without: str) -> Path:
        folder = buyer.folder / f"{name}-{len(without)}-{len(list(buyer.folder.iterdir()))}"
        shutil.copytree((thief if name == "evil" else publisher).folder / name, folder)
        for path in (publisher.folder / "statements").iterdir():
            if not any(path.match(pattern) for pattern in without):
                shutil.copy(path, folder)
        shutil.rmtree(buyer.home / ".local" / "state", ignore_errors=True)  # remembers nothing
        return folder

    bad = verify(buyer, handed("evil"))
    assert (bad.code, bad.check("issuer.key")["detail"]["reason"]) == (3, "fork"), bad.out
    # Where statements are of before there was a proof of that, the time is not proven.
    bad = verify(buyer, handed("evil", "*consistency*", "*leaves"))
    assert (bad.code, bad.check("issuer.key")["detail"]["reason"]) == (5, "no-consistency")
    good = verify(buyer, handed("before"))
    assert good.json["verdict"] == "trusted", good.out
    good = verify(buyer, handed("before", "*consistency*", "*leaves"))
    assert (good.code, good.check("issuer.key")["detail"]["reason"]) == (5, "no-consistency")


def test_a_policy_without_its_log_proof_is_not_passed_over(publisher, corpus, new_person) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--license", "CC-BY-4.0")
    sold = issue(publisher, "sold")
    publisher.ok("key", "new", "next", "--no-passphrase")
    publisher.ok(
        *("key", "revoke", "default", "--suspect-from", "2", "--successor", "next"),
        *("--yes", "-o", "statements"),
    )
    buyer = new_person("buyer")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    assert verify(buyer, sold).code == 0
    (policy,) = (publisher.folder / "statements").glob("*policy-2.json")
    (proof,) = (publisher.folder / "statements").glob("*policy-2.tlog-proof")
    shutil.copy(policy, sold)  # what the thief leaves of the statements
    open_end = verify(buyer, sold)
    assert open_end.code == 5, open_end.out
    check = open_end.check("issuer.key")
    assert (check["state"], check["detail"]["reason"]) == ("unchecked", "unproven-policy")
    assert check["detail"]["unproven"] == [2]
    told = buyer.run("verify", sold, "--data", sold / "data")
    assert "is at hand without what shows that it is logged" in told.out
    assert "key statements" in told.err
    assert buyer.run("terms", sold).code == 5
    shutil.copy(proof, sold)
    assert verify(buyer, sold).code == 3


def test_a_thief_cannot_crowd_out_what_the_owner_says(publisher, corpus, new_person) -> None:
    # The thief signs other policies and gives them names that come first; the buyer lays the
    # owner's statements beside.
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--license", "CC-BY-4.0")
    delivery = issue(publisher, "sold")
    stolen = publisher.did()
    publisher.ok("key", "new", "next", "--no-passphrase")
    publisher.ok(
        *("key", "revoke", "default", "--suspect-from", "2", "--successor", "next"),
        *("--yes", "-o", "statements"),
    )
    buyer = new_person("buyer")
    buyer.ok("trust", "add", stolen, "--name", "Acme")
    sold = buyer.folder / "sold"
    shutil.copytree(delivery, sold)
    statements = list((publisher.folder / "statements").iterdir())
    for path in statements:
        shutil.copy(path, sold / f"z-{path.name}")
    assert verify(buyer, sold).code == 3
    policy = parse_manifest(next(p.read_bytes() for p in statements if p.match("*policy*.json")))
    thief = KeySigner(PrivateKey.generate())
    for number in range(100):
        junk = sign_manifest(
            kind="policy",
            store=policy.store,
            name=policy.name,
            parents=policy.parents,
            body=policy.body,
            message=str(number),
            signer=thief,
            created=datetime(2026, 1, 1, tzinfo=UTC),
        )
        (sold / f"a-{number}.json").write_bytes(junk.encode())
    crowded = verify(buyer, sold)
    assert crowded.code == 3, crowded.out
    assert crowded.check("issuer.key")["detail"]["reason"] == "compromised"
    for number in range(500):
        (sold / f"b-{number}").write_bytes(b"")
    refused = buyer.run("verify", sold)
    assert refused.code == 16
    assert "more than the 512 files" in refused.err


def test_a_store_of_many_keys_makes_deliveries_that_verify(publisher, corpus, new_person) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--license", "CC-BY-4.0")
    for _ in range(28):
        publisher.ok("key", "admit", KeySigner(PrivateKey.generate()).did)
    delivery = issue(publisher, "delivery")
    buyer = new_person("buyer")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    assert verify(buyer, delivery).json["verdict"] == "trusted"


def test_the_list_of_keys_says_which_of_them_may_still_sign_here(publisher) -> None:
    for name in ("next", "third", "idle"):
        publisher.ok("key", "new", name, "--no-passphrase")
    publisher.ok("key", "rotate", "next")
    stolen = ("key", "revoke", "next", "--suspect-from", "3", "--successor", "third", "--yes")
    publisher.ok(*stolen, "--signer", "next")
    lines = publisher.ok("key", "list").out.splitlines()
    said = {line.split()[0]: line.partition("  here: ")[2] for line in lines}
    log = next(name for name in said if name.startswith("log-"))
    assert said == {
        "default": "signs no more, replaced by next",
        "next": "signs no more, suspect from log entry 3, replaced by third",
        "third": "owner",
        "idle": "no role",
        log: "signs the log",
    }
    listed = publisher.ok("key", "list", "--json").json
    standing = {one["did"]: one for one in listed["standing"]}
    assert standing[publisher.did("default")]["successor"] == publisher.did("next")
    # Without a store there is nothing to say; with one that is none, that is said.
    elsewhere = publisher.home / "elsewhere"
    elsewhere.mkdir()
    assert "here:" not in publisher.ok("key", "list", cwd=elsewhere).out
    assert publisher.ok("key", "list", "--json", cwd=elsewhere).json["standing"] is None
    publisher.fails(10, "key", "list", "--store", elsewhere)


def test_too_many_changes_of_keys_are_said_ahead(publisher, corpus, new_person) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--license", "CC-BY-4.0")
    quiet = publisher.ok("key", "admit", KeySigner(PrivateKey.generate()).did)
    assert "verifier reads" not in quiet.err
    admit_many(publisher, 98)
    publisher.ok("key", "new", "next", "--no-passphrase")
    told = publisher.ok("key", "rotate", "next").err
    assert "changed 100 times: 78 % of what" in told
    assert "lyrikstore init" in told
    admit_many(publisher, 28, "next")
    full = publisher.ok("issue", NAME, "-o", "full", "--permit", "train", "--signer", "next")
    assert "100 % of what" in full.err
    buyer = new_person("buyer")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    assert verify(buyer, publisher.folder / "full").json["verdict"] == "trusted"
    more = ("key", "admit", KeySigner(PrivateKey.generate()).did, "--signer", "next")
    assert "nothing can be issued here" in publisher.ok(*more).err
    nothing_is_issued(publisher, "next")
    assert verify(buyer, publisher.folder / "full").json["verdict"] == "trusted"


def test_nothing_is_issued_that_verifiers_refuse_for_the_size_of_its_policies(
    publisher, corpus, new_person
) -> None:
    """Few changes can be too much, too: each policy names all keys that were ever replaced."""
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--license", "CC-BY-4.0")
    size = rotate_until(publisher, 1 << 20)
    told = publisher.ok("issue", NAME, "-o", "full", "--permit", "train")
    assert re.search("9[5-9] % of what a verifier reads", told.err), told.err
    buyer = new_person("buyer")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    assert verify(buyer, publisher.folder / "full").json["verdict"] == "trusted"
    admit_many(publisher, 2)
    publisher.ok("key", "statements", "-o", "said")
    policies = (publisher.folder / "said").glob("*.json")
    assert sum(path.stat().st_size for path in policies) > 1 << 20 >= size
    nothing_is_issued(publisher, "default")


def nothing_is_issued(person, signer: str) -> None:
    """Neither a delivery nor a grant, and nothing of them is logged."""
    before = person.ok("log", "--audit").out
    permit = ("--permit", "train", "--signer", signer)
    for arguments in (
        ("issue", NAME, "-o", "over", *permit),
        ("grant", "full", "--to", person.did(), "--until", "30d", "-o", "over.json", *permit),
    ):
        refused = person.fails(14, *arguments, "--json")
        assert refused.kind == "too-many-policies"
    assert not [path for path in person.folder.iterdir() if "over" in path.name]
    assert person.ok("log", "--audit").out == before


def change_all(person, changes, signer: str = "default"):
    """Change the policy so: what `key admit` and others do, without as many processes."""
    keys = person.home / ".config" / "lyrikstore" / "keys"
    log = next(path for path in keys.glob("log-*") if path.suffix != ".pub")
    own, of_log = (KeySigner(load_key(keys / name, None)) for name in (signer, log.name))
    repository = Repository.open(
        person.folder / ".lyrikstore",
        memory=LogMemory(person.home / ".local" / "state" / "lyrikstore" / "logs"),
        log_signer=of_log,
    )
    for change in changes:
        yield change_policy(
            repository, change, signer=own, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)
        )
        repository.refresh()


def admit_many(person, count: int, signer: str = "default") -> None:
    """Admit so many writers."""
    dids = (KeySigner(PrivateKey.generate()).did for _ in range(count))
    list(change_all(person, (with_writer(did, None) for did in dids), signer))


def rotate_until(person, most: int) -> int:
    """Replace a writer's key until one time more would be more than so many bytes; return them."""
    dids = [KeySigner(PrivateKey.generate()).did for _ in range(130)]
    pairs = itertools.pairwise(dids)
    changes = (with_writer(dids[0], None), *(rotated_key(*pair) for pair in pairs))
    size = len(person.ok("show", "policies/store/main", "--raw").out)
    last = 0
    for made in change_all(person, changes):
        size, last = size + len(made.manifest.encode()), len(made.manifest.encode())
        if size + last + 300 > most:
            return size
    raise AssertionError("it never came to so many bytes")


def test_a_time_becomes_a_log_index(publisher, corpus) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    publisher.ok("key", "new", "next", "--no-passphrase")
    late = publisher.ok(
        *("key", "revoke", "default", "--suspect-from", "2100-01-01T00:00:00Z"),
        *("--successor", "next", "--yes", "--json"),
    ).json
    assert late["lost"] == []
    # It turns out to have been earlier: that can be said, the reverse cannot.
    index = late["suspectFrom"]
    worse = ("key", "revoke", "default", "--suspect-from")
    publisher.fails(15, *worse, index + 1, "--yes", "--signer", "next")
    done = publisher.ok(*worse, 1, "--yes", "--signer", "next", "--json").json
    assert done["lost"]
    publisher.fails(1, "log", NAME)


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


def test_a_did_document_is_made_to_be_published(publisher) -> None:
    publisher.ok("key", "new", "next", "--no-passphrase")
    keys = [publisher.did(name).removeprefix("did:key:") for name in ("default", "next")]
    done = publisher.ok(
        "key", "document", "did:web:acme.example", "default", "next", "-o", "did.json", "--json"
    ).json
    assert done["url"] == "https://acme.example/.well-known/did.json"
    document = json.loads((publisher.folder / "did.json").read_text())
    assert document["assertionMethod"] == [f"did:web:acme.example#{key}" for key in keys]
    (publisher.folder / "link.json").symlink_to("did.json")
    publisher.ok("key", "document", "did:web:acme.example", "default", "-o", "link.json")
    assert (publisher.folder / "link.json").is_symlink()  # such as /dev/stdout
    printed = publisher.ok("key", "document", "did:web:acme.example", "-q").out
    assert json.loads(printed)["id"] == "did:web:acme.example"
    publisher.fails(16, "key", "document", "did:web:127.0.0.1")
    for name in ("acme.example", "https://acme.example/"):
        said = publisher.fails(16, "key", "document", name).err
        assert "hint: write did:web:acme.example\n" in said
    publisher.fails(12, "key", "document", "did:web:acme.example", "nobody")


def test_a_second_writer_is_admitted_and_pushes(publisher, corpus, new_person) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    issue(publisher, "before")
    writer = new_person("writer")
    writer.ok("key", "new", "--no-passphrase")
    writer.ok("key", "new", "log-mine", "--no-passphrase")
    home = publisher.folder / ".lyrikstore"
    (documents / "more.txt").write_text("more")
    writer.fails(12, "commit", documents, "-d", NAME, "--store", home)  # no log key of this store
    reader = new_person("reader")
    reader.ok("clone", home, "copy")
    reader.ok("key", "new", "--no-passphrase")
    reader.fails(14, "key", "admit", writer.did(), "--store", "copy")  # no owner
    publisher.ok("key", "admit", writer.did(), "--log-key", writer.did("log-mine"))
    writer.ok("commit", documents, "-d", NAME, "--store", home)
    # The newest log checkpoint is signed by a key that the genesis does not name.
    for person in (publisher, writer):
        report = person.run("verify", "--store", home, "--json").json
        assert report["verdict"] in {"trusted", "valid"}, report
    reader.ok("pull", "--store", "copy")
    late = new_person("late")
    late.ok("clone", home, "copy")
    assert late.run("verify", "--store", "copy", "--json").json["verdict"] == "valid"
    publisher.ok("commit", documents, "-d", "acme/other")
    reader.ok("pull", "--store", "copy")
    # A buyer sees it too: the delivery brings the policy that added the key.
    writer.ok("issue", NAME, "-o", "delivery", "--permit", "train", "--store", home)
    buyer = new_person("buyer")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    buyer.ok("trust", "add", writer.did(), "--name", "Writer")
    shutil.copytree(writer.folder / "delivery", buyer.folder / "delivery")
    assert verify(buyer, buyer.folder / "delivery").json["verdict"] == "trusted"
    # ATTACK: whoever holds the store takes the file away, or spoils it: noticed, not believed.
    keys = home / "log" / "keys"
    whole = keys.read_bytes()
    (documents / "third.txt").write_text("third")
    writer.ok("commit", documents, "-d", NAME, "--store", home)
    keys.write_bytes(whole.replace(b'"version":2', b'"version":3'))
    assert publisher.run("verify", "--json").code == 3
    keys.unlink()
    assert publisher.run("verify", "--json").code == 3
    keys.write_bytes(whole)
    assert publisher.run("verify", "--json").code in {0, 4}


def test_a_writer_is_admitted_where_the_log_is_extended(publisher, corpus, new_person) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    home = publisher.folder / "remote"
    publisher.ok("remote", "add", "origin", home)
    publisher.ok("push")  # the home of the log is there from now on
    writer = new_person("writer")
    writer.ok("key", "new", "--no-passphrase")
    writer.ok("key", "new", "log-mine", "--no-passphrase")
    admit = ("key", "admit", writer.did(), "--log-key", writer.did("log-mine"))
    refused = publisher.fails(16, *admit, "--json").error
    assert (refused["kind"], "--remote" in refused["hint"]) == ("not-home", True)
    writer.ok("clone", home, "copy")
    inside = ("--store", "copy")
    # No owner; and no log key of the home, which would be asked for next.
    assert writer.fails(14, *admit, "--remote", "origin", *inside)
    publisher.ok(*admit, "--remote", "origin")
    policy = publisher.ok("show", "policies/store/main", "--json").json["manifest"]["body"]
    assert len(policy["policy"]["logs"]) == 2
    writer.ok("pull", *inside)
    (documents / "more.txt").write_text("more")
    writer.ok("commit", documents, "-d", NAME, *inside)
    writer.ok("push", *inside)
    assert publisher.ok("pull")
    assert len(publisher.ok("log", NAME, "--json").json["versions"]) == 2
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"


def test_a_log_key_is_retired_where_the_log_is_extended(publisher, corpus, new_person) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    home = publisher.folder / "remote"
    publisher.ok("remote", "add", "origin", home)
    publisher.ok("push")
    [log] = [
        key["name"]
        for key in publisher.ok("key", "list", "--json").json["keys"]
        if key["name"].startswith("log-")
    ]
    retire = ("key", "retire", log, "--remote", "origin", "-o", "statements")
    assert publisher.fails(16, *retire, "--json").kind == "bad-policy"  # the only one
    publisher.ok("key", "new", "next-log", "--no-passphrase")
    publisher.ok("key", "admit", "default", "--log-key", "next-log", "--remote", "origin")
    # Signed by the other key, and done: nothing waits for a push, and the statements are out.
    made = publisher.ok(*retire, "--json").json
    assert len(made["logs"]) == 1
    assert made["written"]
    assert not publisher.ok("push", "--json").json["changed"]
    (publisher.home / ".config/lyrikstore/keys" / log).unlink()
    (documents / "more.txt").write_text("more")
    publisher.ok("commit", documents, "-d", NAME)
    publisher.ok("push")
    new_person("reader").ok("clone", home, "copy")
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"


def test_a_thief_who_adds_a_log_key_of_his_own_forks_no_log_unseen(
    publisher, corpus, new_person
) -> None:
    """With the owner's key alone, a copy of the store and a new log key: what was seen counts."""
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    thief = new_person("thief")
    shutil.copytree(publisher.folder / ".lyrikstore", thief.folder / ".lyrikstore")
    shutil.copytree(publisher.home / ".config", thief.home / ".config")
    (documents / "more.txt").write_text("more")
    publisher.ok("commit", documents, "-d", NAME)
    reader = new_person("reader")
    home = publisher.folder / ".lyrikstore"
    assert reader.run("verify", "--store", home, "--json").json["verdict"] == "valid"  # remembers

    thief.ok("key", "new", "log-evil", "--no-passphrase")
    thief.ok("key", "admit", thief.did(), "--log-key", thief.did("log-evil"))
    config = thief.home / ".config" / "lyrikstore" / "keys"
    for path in config.glob("log-*"):
        if "evil" not in path.name:
            path.unlink()
    shutil.copytree(documents, thief.folder / "documents")
    thief.ok("commit", "documents", "-d", "acme/evil")
    shutil.rmtree(home)
    shutil.copytree(thief.folder / ".lyrikstore", home)
    seen = reader.run("verify", "--store", home, "--json")
    assert seen.code == 3
    assert seen.check("log.memory")["detail"]["reason"] in {"fork", "rollback"}


def test_a_retired_log_key_signs_no_more(publisher, corpus, new_person) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    issue(publisher, "before")
    old = publisher.ok("key", "list", "--json").json
    [log] = [key for key in old["keys"] if key["name"].startswith("log-")]
    failed = publisher.fails(16, "key", "retire", log["name"], "--json").error
    assert failed["kind"] == "bad-policy"
    assert "admit" in failed["hint"]
    publisher.ok("key", "new", "log-next", "--no-passphrase")
    publisher.ok("key", "admit", "default", "--log-key", "log-next")
    made = publisher.ok("key", "retire", log["name"], "-o", "statements", "--json").json
    assert len(made["logs"]) == 1
    (documents / "more.txt").write_text("more")
    publisher.ok("commit", documents, "-d", NAME)
    publisher.ok("verify")
    issue(publisher, "after")
    buyer = new_person("buyer")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    for name in ("before", "after"):
        folder = buyer.folder / name
        shutil.copytree(publisher.folder / name, folder)
        assert verify(buyer, folder).json["verdict"] == "trusted"
    # What was issued before is no worse for the statements of what came after.
    for path in (publisher.folder / "statements").iterdir():
        shutil.copy(path, buyer.folder / "before")
    assert verify(buyer, buyer.folder / "before").json["verdict"] == "trusted"
    (publisher.home / ".config/lyrikstore/keys/log-next").unlink()
    assert publisher.fails(12, "commit", documents, "-d", "acme/x", "--json").error
    publisher.fails(15, "key", "admit", "default", "--log-key", log["name"])


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
    publisher.ok("suspend", after, "-o", public, "--signer", "next")
    assert len(list(public.iterdir())) == 4
    assert verify(buyer, after, "--status", public).json["verdict"] == "invalid"
    assert verify(buyer, before, "--status", public).json["verdict"] == "trusted"
    refused = publisher.fails(14, "revoke", before, "--signer", "next", "--json").error
    assert refused["kind"] == "not-the-issuer"
    publisher.ok("revoke", before, "-o", public)
    assert verify(buyer, before, "--status", public).check("status")["detail"]["reason"] == (
        "revoked"
    )


def test_a_compromised_key_takes_nothing_back_unheard(publisher, corpus) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    before = issue(publisher, "before", "--status-url", "https://acme.example/status")
    publisher.ok("key", "new", "next", "--no-passphrase")
    cut = len(publisher.ok("log", "--audit", "--json").json["entries"])
    publisher.ok("key", "revoke", "default", "--suspect-from", cut, "--successor", "next", "--yes")
    # A list by that key would be logged, and count for nobody: so it is not said to be revoked.
    refused = publisher.fails(14, "revoke", before, "--json").error
    assert refused["kind"] == "suspect-key"
    assert "issue anew" in refused["hint"]
    # The next key cannot either, and is not sent back to the stolen one.
    refused = publisher.fails(14, "suspend", before, "--signer", "next", "--json").error
    assert refused["kind"] == "not-the-issuer"
    assert "issue anew by yours" in refused["hint"]


def test_what_an_earlier_key_issued_is_not_replaced_or_granted_under_in_vain(rotated) -> None:
    # A verifier counts a successor of the same issuer alone: one by the next key would be in vain.
    again = ("issue", NAME, "-o", "again", "--permit", "train", "--signer", "next")
    refused = rotated.fails(14, *again, "--supersedes", "before", "--json").error
    assert (refused["kind"], "without --supersedes" in refused["hint"]) == ("not-the-issuer", True)
    assert not (rotated.folder / "again").exists()
    grant = ("--to", rotated.new, "--permit", "train", "--until", "30d", "-o", "grant.json")
    refused = rotated.fails(14, "grant", "before", *grant, "--signer", "next", "--json").error
    assert (refused["kind"], "issue the terms anew" in refused["hint"]) == ("not-the-issuer", True)
    # Nor by a credential of another kind.
    rotated.ok("issue", NAME, "-o", "open", "--permit", "evaluate", "--grantable", "train",
               "--signer", "next")  # fmt: skip
    under = ("grant", "open", *grant, "--signer", "next")
    assert rotated.fails(16, *under, "--supersedes", "open/credential.json", "--json").error
    rotated.ok(*under)
