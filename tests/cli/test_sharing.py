"""Two machines and a colleague, with the real command line."""

import json
import shutil

import pytest

from tests.servers.faulty import FaultyServer


def write(person, text, name="d"):
    folder = person.folder / name
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text(text)
    return folder


@pytest.fixture
def laptop(publisher):
    """Return somebody whose store is at home in a shared folder."""
    publisher.ok("commit", write(publisher, "one"), "-d", "acme/x")
    publisher.ok("remote", "add", "origin", publisher.folder.parent / "shared")
    assert "would have copied" in publisher.ok("push", "-n").out
    out = publisher.ok("push").out
    assert "the home of this log" in out
    return publisher


@pytest.fixture
def desktop(laptop, new_person):
    """Return the same person at another machine: the same keys, another memory."""
    person = new_person("desktop")
    shutil.copytree(laptop.home / ".config", person.home / ".config")
    shutil.rmtree(person.home / ".config" / "lyrikstore" / "remotes")
    out = person.ok("clone", laptop.folder.parent / "shared", ".").out
    assert "first seen" not in out  # the trust file knows the founder
    return person


def test_work_goes_there_and_back(laptop, desktop):
    desktop.ok("commit", write(desktop, "two"), "-d", "acme/x")
    desktop.ok("verify")
    assert desktop.ok("push", "--json").json["what"] == "appended"
    desktop.ok("verify")
    assert laptop.ok("pull", "--json").json["logSize"] == 6
    laptop.ok("verify")
    laptop.ok("checkout", "acme/x", "out")
    assert (laptop.folder / "out" / "a.txt").read_text() == "two"
    one, two = (p.ok("log", "--audit", "--json").json for p in (laptop, desktop))
    assert one["rootHash"] == two["rootHash"]
    laptop.ok("issue", "acme/x", "-o", "delivery", "--permit", "train", "--valid-for", "30d")


def without_mark(place) -> None:
    (place / "mirror").chmod(0o600)
    (place / "mirror").unlink()


def test_a_mirror_takes_the_place_of_a_lost_home(publisher) -> None:
    mirror = publisher.folder.parent / "mirror"
    publisher.ok("commit", write(publisher, "one"), "-d", "acme/x")
    publisher.ok("remote", "add", "backup", mirror, "--mirror")
    publisher.ok("push", "backup")
    store = publisher.folder / ".lyrikstore"
    newest = publisher.folder.parent / "newest"
    for restored in (True, False):
        shutil.copytree(store, newest)
        shutil.rmtree(store)
        shutil.copytree(mirror, store)
        without_mark(store)
        if restored:
            publisher.ok("verify")
            publisher.ok("commit", write(publisher, "two"), "-d", "acme/x")  # and not pushed
            publisher.ok("issue", "acme/x", "-o", "delivery", "--permit", "train")
            publisher.ok("verify")
            shutil.rmtree(newest)
        else:  # older than what was seen
            assert "is older than" in publisher.fails(3, "verify").out
            publisher.fails(15, "commit", write(publisher, "three"), "-d", "acme/x")


def test_a_clone_makes_a_new_home_where_the_old_one_was(laptop, desktop) -> None:
    home = laptop.folder.parent / "shared"
    desktop.ok("commit", write(desktop, "two"), "-d", "acme/x")
    shutil.rmtree(home)
    desktop.fails(15, "push")
    desktop.ok("push", "origin", "--mirror")
    without_mark(home)
    assert desktop.ok("push", "origin", "--json").json["what"] == "appended"
    desktop.ok("verify")
    laptop.ok("pull")
    laptop.ok("commit", write(laptop, "three"), "-d", "acme/x")
    laptop.ok("push")


def test_what_waits_cannot_be_issued(desktop):
    desktop.ok("commit", write(desktop, "two"), "-d", "acme/x")
    args = ("issue", "acme/x", "-o", "delivery", "--permit", "train", "--valid-for", "30d")
    result = desktop.fails(16, *args, "--json")
    assert result.kind == "not-pushed"
    desktop.ok("push")
    desktop.ok(*args)


def test_a_moved_ref_is_15_and_the_way_on_works(laptop, desktop):
    desktop.ok("commit", write(desktop, "theirs"), "-d", "acme/x")
    desktop.ok("push")
    folder = write(laptop, "ours")
    laptop.ok("commit", folder, "-d", "acme/x")
    result = laptop.fails(15, "push", "--json")
    assert result.kind == "ref-moved"
    assert "pull" in result.error["hint"]
    laptop.ok("pull")
    laptop.ok("commit", folder, "-d", "acme/x")
    pushed = laptop.ok("push", "--json").json
    assert len(pushed["logged"]) == len(pushed["overtaken"]) == 1
    desktop.ok("pull")
    desktop.ok("verify")


def test_what_was_overtaken_takes_one_line_of_every_push(laptop, desktop):
    desktop.ok("commit", write(desktop, "theirs"), "-d", "acme/x")
    desktop.ok("push")
    for number in range(3):
        laptop.ok("commit", write(laptop, f"ours {number}"), "-d", "acme/x")
    laptop.ok("pull")
    for _ in range(2):
        pushed = laptop.ok("push").out
        assert pushed.count("overtaken") == 1
        assert "3 versions of datasets/acme/x stay here, without effect" in pushed
    assert laptop.ok("log", "--audit").out.count("not contain the current manifest") == 3
    assert len(laptop.ok("push", "--json").json["overtaken"]) == 3


def test_a_colleague_with_keys_of_her_own(publisher, new_person):
    ann = new_person("ann")
    ann.ok("key", "new", "--no-passphrase")
    ann.ok("key", "new", "ann-log", "--no-passphrase")
    dids = {key["name"]: key["did"] for key in ann.ok("key", "list", "--json").json["keys"]}
    shutil.rmtree(publisher.folder / ".lyrikstore")
    publisher.ok("init", "--writer", dids["default"], "--log-key", dids["ann-log"])
    publisher.ok("commit", write(publisher, "one"), "-d", "acme/x")
    shared = publisher.folder.parent / "shared"
    publisher.ok("remote", "add", "origin", shared)
    publisher.ok("push")
    out = ann.ok("clone", shared, ".").out
    assert "first seen here" in out
    ann.ok("commit", write(ann, "hers"), "-d", "acme/x")
    ann.ok("push")
    publisher.ok("pull")
    publisher.ok("checkout", "acme/x", "out")
    assert (publisher.folder / "out" / "a.txt").read_text() == "hers"
    stranger = new_person("stranger")
    stranger.ok("key", "new", "--no-passphrase")
    stranger.ok("clone", shared, ".")
    stranger.fails(14, "commit", write(stranger, "x"), "-d", "acme/x")
    (ann.home / ".config" / "lyrikstore" / "keys" / "ann-log").unlink()
    ann.ok("commit", write(ann, "again"), "-d", "acme/x")
    result = ann.fails(12, "push", "--json")
    assert result.error["hint"]


def test_deliveries_are_good_whoever_pushed_last(laptop, new_person):
    """The steps of docs/sharing.md for a colleague, with a delivery of either after each."""
    founder, ann, buyer = laptop.did(), new_person("ann"), new_person("buyer")
    (log,) = (
        key["did"]
        for key in laptop.ok("key", "list", "--json").json["keys"]
        if key["name"].startswith("log-")
    )
    for name in ("default", "ann-log"):
        ann.ok("key", "new", name, "--no-passphrase")
    laptop.ok("key", "new", "next", "--no-passphrase")
    laptop.ok("key", "new", "next-log", "--no-passphrase")
    buyer.ok("trust", "add", founder, "--name", "Acme")
    buyer.ok("trust", "add", ann.did(), "--name", "Ann")
    made = []

    def deliveries_are_good():
        for person, signer in ((laptop, "next"), (ann, "default")):
            person.ok("pull")
            name = f"delivery-{len(made)}"
            person.ok("commit", write(person, name, name), "-d", f"acme/{name}", "--signer", signer)
            person.ok("push")
            out = f"out-{len(made)}"
            person.ok("issue", f"acme/{name}", "-o", out, "--permit", "train", "--signer", signer)
            person.ok("push")
            made.append(person.folder / out)
        for delivery in made:
            shutil.rmtree(buyer.home / ".local" / "state", ignore_errors=True)  # who saw nothing
            report = buyer.run("verify", delivery, "--json")
            assert report.json["verdict"] == "trusted", report.out

    laptop.ok("key", "rotate", "next")
    laptop.ok("push")
    signed = ("--signer", "next", "--remote", "origin")
    laptop.ok("key", "admit", ann.did(), "--log-key", ann.did("ann-log"), *signed)
    ann.ok("clone", laptop.folder.parent / "shared", ".")
    deliveries_are_good()
    laptop.ok("pull")
    laptop.ok("key", "admit", laptop.did("next"), "--log-key", laptop.did("next-log"), *signed)
    laptop.ok("key", "retire", log, *signed)
    deliveries_are_good()
    # One who watched sees the same, in whatever order.
    for delivery in (*made, *reversed(made)):
        report = buyer.run("verify", delivery, "--json")
        assert report.json["verdict"] == "trusted", report.out


def test_partial_clones(laptop, new_person):
    person = new_person("reader")
    shared = laptop.folder.parent / "shared"
    result = person.ok("clone", shared, "none", "--no-data", "--json").json
    assert result["notFetched"] == 1
    none = person.folder / "none"
    report = person.run("verify", "--json", cwd=none)
    assert (report.code, report.json["verdict"]) == (4, "valid-without-data")
    person.fails(5, "checkout", "acme/x", "out", cwd=none)
    person.ok("log", "acme/x", cwd=none)
    person.ok("pull", "--all-data", cwd=none)
    assert person.run("verify", cwd=none).code == 4  # valid; the reader trusts nobody yet
    person.ok("clone", shared, "some", "--only", "acme/x")
    person.ok("checkout", "acme/x", "out", cwd=person.folder / "some")
    person.ok("clone", shared, "audited", "--for-audit")
    audited = person.folder / "audited"
    report = person.run("verify", "--json", cwd=audited)
    assert (report.code, report.json["verdict"]) == (4, "valid-without-data")
    assert "manifests" in {one["id"] for one in report.json["notChecked"]}
    assert "datasets/acme/x" in person.ok("log", "--audit", cwd=audited).out
    assert person.fails(5, "checkout", "acme/x", "out", "--json", cwd=audited).kind == "not-fetched"
    refused = person.fails(16, "pull", "--all-data", "--json", cwd=audited)
    assert refused.kind == "audit-clone"


def test_repair(laptop):
    packs = list((laptop.folder / ".lyrikstore" / "packs").rglob("*.pack"))
    for pack in packs:
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:-3])
    laptop.fails(3, "verify")
    assert "restored" in laptop.ok("verify", "--repair-from", "origin").err
    assert len(list((laptop.folder / ".lyrikstore" / "quarantine").iterdir())) == len(packs)


def test_remotes_are_the_users(laptop):
    listed = laptop.ok("remote", "list", "--json").json["remotes"]
    assert [(one["name"], one["mirror"]) for one in listed] == [("origin", False)]
    refused = laptop.fails(15, "remote", "add", "origin", "/elsewhere", "--json")
    assert refused.kind == "remote-exists"
    laptop.fails(16, "remote", "add", "other", "s3://user:secret@bucket/x")
    laptop.ok("remote", "add", "backup", laptop.folder.parent / "backup", "--mirror")
    laptop.ok("push", "backup")
    assert json.loads((laptop.folder.parent / "backup" / "mirror").read_text())["v"] == 1
    laptop.ok("remote", "remove", "backup")
    laptop.fails(1, "push", "backup")
    assert not list((laptop.folder / ".lyrikstore").rglob("*remotes*"))


def test_nothing_to_clone_is_named(publisher):
    refused = publisher.fails(10, "clone", "/nowhere/at/all", "copy")
    assert "there is no store at /nowhere/at/all" in refused.err
    assert "init" not in refused.err


def test_a_second_clone_on_one_machine_is_asked_to_pull(laptop):
    shared = laptop.folder.parent / "shared"
    laptop.ok("clone", shared, "second")
    laptop.ok("commit", write(laptop, "two"), "-d", "acme/x")
    laptop.ok("push")
    behind = laptop.fails(5, "verify", "--store", "second")
    assert "lyrikstore pull" in behind.err
    laptop.ok("pull", "--store", "second")
    laptop.ok("verify", "--store", "second")


def test_a_bucket_is_reached_by_what_was_set_and_by_the_keys_in_their_usual_place(
    publisher, new_person, moto
):
    settings = [part for name in moto.options for part in ("--set", f"{name}={moto.options[name]}")]
    reader, url = new_person("reader"), moto.new_url()
    for person in (publisher, reader):
        (person.home / ".aws").mkdir()
        (person.home / ".aws" / "credentials").write_text(
            "[default]\naws_access_key_id = someone\naws_secret_access_key = secret-of-someone\n"
        )
    publisher.ok("commit", write(publisher, "one"), "-d", "acme/x")
    added = publisher.ok("remote", "add", "origin", url, *settings, "--json").json
    assert added["options"] == moto.options
    assert added["abilities"] == {"writable": True, "creates": True, "swaps": True}
    assert "region=us-east-1" in publisher.ok("remote", "list").out
    publisher.ok("push")
    reader.ok("clone", url, "copy", *settings)
    copy = reader.folder / "copy"
    reader.ok("pull", "-C", copy)  # by what the clone remembers
    reader.fails(4, "verify", "--repair-from", "origin", cwd=copy)
    said = "".join(file.read_text() for file in publisher.home.rglob("remotes/*.json"))
    assert moto.endpoint in said
    assert "secret-of-someone" not in said


def test_what_a_remote_does_not_let_one_set_is_refused_before_it_is_remembered(publisher):
    for url, option, word in (
        ("s3://bucket/x", "colour=red", "endpoint"),
        ("s3://bucket/x", "region", "NAME=VALUE"),
        ("s3://bucket/x", "endpoint=https://me:secret@host.example", "secrets"),
        ("/folder", "region=x", "none"),
    ):
        refused = publisher.run("remote", "add", "origin", url, "--set", option)
        assert refused.code in {2, 16}
        assert word in refused.err
        assert "secret@" not in refused.err
    assert publisher.ok("remote", "list", "--json").json["remotes"] == []


class Unconditional(FaultyServer):
    """A line to a bucket on which conditions get lost, as at a server that knows none."""

    def forward(self, method, path, headers, request):
        kept = {name: value for name, value in headers.items() if not name.lower().startswith("if")}
        return super().forward(method, path, kept, request)


def test_a_server_that_does_not_keep_writers_apart_is_named_when_it_is_added(publisher, moto):
    with Unconditional(upstream=moto.endpoint) as line:
        publisher.environment = {**moto.environment, "AWS_ENDPOINT_URL": line.url}
        url = moto.new_url()
        said = publisher.ok("remote", "add", "origin", url).err
        assert "does not detect two writers" in said
        assert "let only one person push there" in said
        added = publisher.ok("remote", "add", "other", url, "--json").json
        assert added["abilities"] == {"writable": True, "creates": False, "swaps": False}
        assert line.count("PUT", "tmp/probe-") >= 2
        assert line.count("POST", "[?]delete") == 2
        asked = len(line.requests)
        added = publisher.ok("remote", "add", "third", url, "--offline", "--json").json
        assert added["abilities"] is None
        assert len(line.requests) == asked


def test_a_remote_that_is_not_there_is_not_added_unless_asked_for(publisher):
    url = "http://127.0.0.1:9/store"
    refused = publisher.fails(13, "remote", "add", "origin", url)
    assert "--offline" in refused.err
    assert publisher.ok("remote", "list", "--json").json["remotes"] == []
    publisher.ok("remote", "add", "origin", url, "--offline")
    assert len(publisher.ok("remote", "list", "--json").json["remotes"]) == 1


def test_a_remote_that_can_only_be_read_says_so(laptop):
    with FaultyServer(folder=laptop.folder.parent / "shared") as server:
        added = laptop.ok("remote", "add", "web", server.url)
        assert "the remote is read-only" in added.err
