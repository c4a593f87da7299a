"""A key is stolen: what a thief signs does not count, and is found out."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.manifests.manifest import parse_manifest, sign_manifest
from tests.cli.keys.deliveries import NAME, issue, verify


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
    publisher.ok("commit", documents, "-d", NAME, "--licence", "CC-BY-4.0")
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
    result = buyer.run("verify", sold, "--data", sold / "data")
    assert "is at hand without what shows that it is logged" in result.out
    assert "key statements" in result.err
    assert buyer.run("terms", sold).code == 5
    shutil.copy(proof, sold)
    assert verify(buyer, sold).code == 3


def test_a_thief_cannot_crowd_out_what_the_owner_says(publisher, corpus, new_person) -> None:
    # The thief signs other policies and gives them names that come first; the buyer lays the
    # owner's statements beside.
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--licence", "CC-BY-4.0")
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


def test_a_compromised_key_takes_nothing_back_unheard(publisher, corpus) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    before = issue(publisher, "before", "--status-url", "https://acme.example/status")
    publisher.ok("key", "new", "next", "--no-passphrase")
    cut = len(publisher.ok("log", "--audit", "--json").json["entries"])
    publisher.ok("key", "revoke", "default", "--suspect-from", cut, "--successor", "next", "--yes")
    # A list by that key would be logged, and count for nobody: so it is not said to be revoked.
    refused = publisher.fails(14, "credential", "revoke", before, "--json").error
    assert refused["kind"] == "suspect-key"
    assert "again with the new key" in refused["hint"]
    # The next key cannot either, and is not sent back to the stolen one.
    refused = publisher.fails(
        14, "credential", "suspend", before, "--signer", "next", "--json"
    ).error
    assert refused["kind"] == "not-the-issuer"
    assert "again with your key" in refused["hint"]
