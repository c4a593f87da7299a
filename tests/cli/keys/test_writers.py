"""A second writer and another log key are admitted; a retired log key signs no more."""

import shutil

from tests.cli.keys.deliveries import NAME, issue, verify
from tests.rewriting import rewrite


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
    rewrite(keys, whole.replace(b'"version":2', b'"version":3'))
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
