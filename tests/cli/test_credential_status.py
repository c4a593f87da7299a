"""Revoking and suspending, as publisher and buyer do it: lists travel, verdicts change."""

import json
import shutil

import pytest

from lyrikstore.canon.digest import Digest
from tests.cli.statuses import STATUS, status
from tests.conftest import Person, list_name
from tests.rewriting import rewrite


@pytest.fixture
def delivery(once, publisher, corpus):
    def make(publisher: Person) -> None:
        documents, sheet = corpus.write(publisher.folder)
        publisher.ok("commit", documents, "-d", "acme/docs", "--metadata", sheet)
        terms = ("--permit", "train", "--status-url", STATUS)
        publisher.ok("issue", "acme/docs", "-o", "delivery", *terms)

    once(publisher, make)
    return publisher.folder / "delivery"


def test_life_of_a_credential(publisher, delivery, new_person) -> None:
    buyer = new_person("buyer")
    did = publisher.ok("key", "show", "--json").json["keys"][0]["did"]
    buyer.ok("trust", "add", did, "--name", "Acme")
    assert sorted(path.name for path in delivery.glob("status-*")) == [
        f"status-{list_name(purpose, STATUS, did)}" for purpose in ("revocation", "suspension")
    ]
    assert status(buyer, delivery)[:2] == (0, "trusted")

    public = publisher.folder / "public"
    publisher.ok("credential", "suspend", delivery / "credential.json", "-o", public)
    # The delivery as it was handed over knows nothing of it; the report says of when its lists are.
    code, _, check = status(buyer, delivery)
    assert (code, check["state"]) == (0, "pass")
    assert check["detail"]["asOf"]
    code, verdict, check = status(buyer, delivery, "--status", public)
    assert (code, verdict, check["detail"]["reason"]) == (3, "invalid", "suspended")

    publisher.ok("credential", "reinstate", delivery, "-o", public)
    (public / "lists.json").mkdir()  # a folder is no list, whatever it is called
    assert status(buyer, delivery, "--status", public)[:2] == (0, "trusted")
    again = publisher.fails(15, "credential", "reinstate", delivery).err
    assert again.rstrip().endswith("is not suspended")

    publisher.ok("credential", "revoke", delivery, "-o", public)
    revocations = public / list_name("revocation", STATUS, did)
    code, verdict, check = status(buyer, delivery, "--status", revocations)
    assert (code, verdict, check["detail"]["reason"]) == (3, "invalid", "revoked")
    assert publisher.fails(15, "credential", "revoke", delivery, "--json").kind == "nothing-to-do"
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"


def test_who_got_it_and_why_it_was_revoked_is_in_the_log(publisher, delivery) -> None:
    publisher.ok("clone", publisher.folder / ".lyrikstore", "clone")
    clone = ("-C", publisher.folder / "clone")
    for where, buyer in (((), "Example Inc."), (clone, "Elsewhere Ltd.")):
        folder = publisher.folder / buyer
        publisher.ok("issue", "acme/docs", "-o", folder, "--permit", "train", "--to", buyer, *where)
    reason = "a patient withdrew \x1b[31mconsent"
    publisher.ok("credential", "revoke", publisher.folder / "Example Inc.", "-m", reason)
    publisher.ok("push", *clone)  # of two deliveries neither has to give way
    said = publisher.ok("log", "acme/docs", "--json").json["versions"][0]["events"]
    assert [one["recipient"] for one in said] == ["Example Inc.", "Elsewhere Ltd."]
    audit = publisher.ok("log", "--audit").out
    assert "of datasets/acme/docs, because: a patient withdrew" in audit
    assert "\x1b" not in audit
    rests = publisher.ok("impact", publisher.folder / "Example Inc.", "--json").json["affected"]
    paths = {one["eventText"]: [step["role"] for step in one["path"]] for one in rests}
    assert sorted(path for text, path in paths.items() if text) == [
        ["credential"],
        ["subject", "dataset"],
    ]
    drawn = publisher.ok("lineage", "acme/docs").out
    assert drawn.count("→ datasets/acme/docs handed to") == 2
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"


def test_a_list_that_is_gone_or_old_is_never_not_revoked(publisher, delivery) -> None:
    code, verdict, check = status(publisher, delivery, "--at", "2099-01-01T00:00:00Z")
    assert (code, check["detail"]["reason"]) == (3, "expired-list")  # and the credential ran out
    next(delivery.glob("status-revocation-*")).unlink()
    code, verdict, check = status(publisher, delivery)
    assert (code, verdict, check["detail"]["reason"]) == (5, "incomplete", "no-list")


def test_what_names_no_list_is_revoked_for_whoever_has_the_log(
    publisher, delivery, new_person
) -> None:
    plain, out = publisher.folder / "plain", publisher.folder / "out"
    publisher.ok("credential", "revoke", delivery)  # which permitted the same
    issued = publisher.ok("issue", "acme/docs", "-o", plain, "--permit", "train", "--json").json
    assert issued["lists"] == []
    auditor = new_person("auditor")
    auditor.ok("key", "new", "--no-passphrase")
    auditor.ok("trust", "add", publisher.did(), "--name", "Acme")
    auditor.ok("clone", publisher.folder / ".lyrikstore", "clone")
    clone = auditor.folder / "clone"

    def may_train(code: int) -> None:
        """Hold what the store, and its clone after a pull, say about training."""
        assert publisher.run("terms", "acme/docs", "--purpose", "train").code == code
        auditor.ok("pull", cwd=clone)
        found = auditor.run("terms", "acme/docs", "--purpose", "train", "--json", cwd=clone)
        assert found.code == code, found.out

    may_train(0)
    publisher.ok("credential", "suspend", plain)
    may_train(14)
    publisher.ok("credential", "reinstate", plain)
    may_train(0)
    revoked = publisher.ok("credential", "revoke", plain, "-o", out, "--json").json
    assert revoked["lists"] == []
    may_train(14)
    publisher.fails(15, "credential", "revoke", plain)
    # An outsider is told that only the log would show it, or is handed what the log has.
    buyer = new_person("buyer")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    code, verdict, check = status(buyer, plain)
    assert (code, verdict, check["state"]) == (0, "trusted", "n/a")
    assert (
        len(revoked["written"]) == 2
    )  # what was suspended and reinstated has a list for that, too
    code, verdict, check = status(buyer, plain, "--status", out)
    assert (code, verdict, check["detail"]["reason"]) == (3, "invalid", "revoked")
    # Nothing of it is published: the URLs are nobody's.
    publisher.ok("remote", "add", "origin", publisher.folder / "remote", "--mirror")
    publisher.ok("push")
    named = [list_name(one, STATUS, publisher.did()) for one in ("revocation", "suspension")]
    published = publisher.folder / "remote" / "status"
    assert sorted(path.name for path in published.iterdir()) == named


def test_permit_is_a_credential_without_a_delivery(publisher, delivery) -> None:
    publisher.ok("credential", "revoke", delivery)
    before = sorted(publisher.folder.iterdir())
    publisher.fails(14, "terms", "acme/docs", "--purpose", "evaluate")
    made = publisher.ok("permit", "acme/docs", "--permit", "train,evaluate", "--json").json
    assert sorted(publisher.folder.iterdir()) == before
    publisher.ok("terms", "acme/docs", "--purpose", "evaluate")
    shown = publisher.ok("show", made["credential"].removeprefix("blake3:"), "--raw").out
    licence = json.loads(shown)["credentialSubject"]["licence"]
    assert licence["partitions"][0]["permits"] == ["train", "evaluate"]
    publisher.ok("verify")
    publisher.ok("credential", "revoke", made["credential"].removeprefix("blake3:"))
    publisher.fails(14, "terms", "acme/docs", "--purpose", "evaluate")
    publisher.fails(2, "permit", "acme/docs")
    publisher.fails(16, "permit", "acme/docs", "--permit", "trian")


def test_only_the_issuer(publisher, delivery) -> None:
    publisher.ok("key", "new", "mallory", "--no-passphrase")
    assert publisher.fails(14, "credential", "revoke", delivery, "--signer", "mallory")
    plain = publisher.folder / "plain"
    publisher.ok("issue", "acme/docs", "-o", plain, "--permit", "train")
    assert publisher.fails(14, "credential", "revoke", plain, "--signer", "mallory")
    assert publisher.fails(
        1, "credential", "revoke", "urn:uuid:00000000-0000-4000-8000-000000000000"
    )
    assert publisher.fails(16, "issue", "acme/docs", "-o", publisher.folder / "x", "--permit",
                           "train", "--status-url", "http://data.example")  # fmt: skip


def test_two_credentials_share_the_lists_at_random_places(publisher, delivery) -> None:
    second = publisher.folder / "second"
    publisher.ok("issue", "acme/docs", "-o", second, "--permit", "train", "--status-url", STATUS)
    places = [
        json.loads((folder / "credential.json").read_bytes())["credentialStatus"]
        for folder in (delivery, second)
    ]
    assert places[0][0]["statusListCredential"] == places[1][0]["statusListCredential"]
    assert places[0][0]["statusListIndex"] != places[1][0]["statusListIndex"]
    public = publisher.folder / "public"
    publisher.ok("credential", "revoke", second, "-o", public)
    assert status(publisher, delivery, "--status", public)[:2] == (0, "trusted")
    assert status(publisher, second, "--status", public)[0] == 3
    shutil.rmtree(public)
    publisher.ok("credential", "publish", "-o", public)
    assert status(publisher, second, "--status", public)[0] == 3


def test_push_publishes_the_lists(publisher, delivery) -> None:
    publisher.ok("remote", "add", "origin", publisher.folder / "remote", "--mirror")
    publisher.ok("push")
    published = publisher.folder / "remote" / "status"
    names = [list_name(one, STATUS, publisher.did()) for one in ("revocation", "suspension")]
    assert sorted(path.name for path in published.iterdir()) == names
    assert status(publisher, delivery, "--status", published)[:2] == (0, "trusted")
    publisher.ok("credential", "revoke", delivery)
    assert publisher.ok("push", "-n", "--json").json["published"] == [f"status/{names[0]}"]
    said = publisher.ok("push").out
    assert f"status/{names[0]}" in said
    assert "suspension" not in said
    assert status(publisher, delivery, "--status", published)[:2] == (3, "invalid")


def test_a_push_of_nothing_new_says_so_and_writes_nothing(publisher, delivery) -> None:
    remote = publisher.folder / "remote"
    publisher.ok("remote", "add", "origin", remote, "--mirror")
    assert publisher.ok("push", "--json").json["changed"]

    def written():
        found = [path.lstat() for path in sorted(remote.rglob("*"))]
        return [(one.st_ino, one.st_mtime_ns) for one in found]

    before = written()
    said = publisher.ok("push").out
    assert said.startswith("– nothing new: the log at origin has 9 entries")
    assert len(said.splitlines()) == 1
    again = publisher.ok("push", "--json").json
    assert (again["changed"], again["published"], again["packs"]) == (False, [], 0)
    assert written() == before
    # A list that somebody put back to an old state is not left so.
    name = f"status/{list_name('revocation', STATUS, publisher.did())}"
    rewrite(remote / name, b"{}")
    again = publisher.ok("push", "--json").json
    assert (again["changed"], again["published"]) == (True, [name])
    assert not publisher.ok("push", "--json").json["changed"]


def test_a_successor_takes_the_place_of_a_credential(publisher, delivery) -> None:
    assert publisher.fails(16, "credential", "supersede", delivery, "--json").kind == "no-successor"
    second = publisher.folder / "second"
    publisher.ok("issue", "acme/docs", "-o", second, "--permit", "train,evaluate",
                 "--supersedes", delivery, "--status-url", STATUS)  # fmt: skip
    assert status(publisher, second)[:2] == (0, "trusted")
    # Whoever is shown the new one knows at once; whoever is not, once the list is out.
    code, _, check = status(publisher, delivery, "--status", second / "credential.json")
    assert (code, check["detail"]["reason"]) == (3, "superseded")
    assert status(publisher, delivery)[0] == 0
    successor = Digest.of((second / "credential.json").read_bytes())
    said = publisher.ok("credential", "supersede", delivery, "-o", "public").out
    assert f"superseded  by credential {successor.short}," in said
    code, _, check = status(publisher, delivery, "--status", publisher.folder / "public")
    assert (code, check["detail"]["reason"]) == (3, "revoked")
    assert status(publisher, second, "--status", publisher.folder / "public")[0] == 0
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"


def test_lists_of_two_urls_have_places_of_their_own(publisher, delivery) -> None:
    public = publisher.folder / "public"
    publisher.ok("credential", "publish", "-o", public)
    other, elsewhere = publisher.folder / "other", "https://other.example/lists"
    publisher.ok("issue", "acme/docs", "-o", other, "--permit", "train",
                 "--status-url", elsewhere)  # fmt: skip
    publisher.ok("credential", "revoke", delivery, "-o", public)
    publisher.ok("credential", "revoke", other, "-o", public)
    assert {str(path.relative_to(public)) for path in public.rglob("*.json")} == {
        list_name(purpose, base, publisher.did())
        for purpose in ("revocation", "suspension")
        for base in (STATUS, elsewhere)
    }
    # A list that stayed behind under its old name would go on saying "not revoked".
    assert status(publisher, delivery, "--status", public)[0] == 3
    assert status(publisher, other, "--status", public)[0] == 3
    empty = publisher.folder / "empty"
    empty.mkdir()
    (empty / "note.txt").write_text("no list")
    # What was asked to be looked at is no list: that is not "not revoked".
    publisher.fails(1, "verify", delivery, "--status", empty / "note.txt")
    assert publisher.fails(1, "verify", delivery, "--status", empty, "--json").kind == "no-file"


def test_a_delivery_is_verified_with_its_data(publisher, delivery) -> None:
    assert publisher.run("verify", delivery).code == 0
    alone = publisher.fails(5, "verify", delivery / "credential.json")
    assert f"--data {delivery / 'data'}" in alone.err
    min((delivery / "data").iterdir()).write_text("changed")
    assert publisher.fails(3, "verify", delivery)


def test_what_two_clones_revoke_at_once_stays_revoked(publisher, delivery, new_person) -> None:
    third, first = publisher.folder / "third", publisher.folder / "first"
    for folder in (first, third):
        publisher.ok(
            *("issue", "acme/docs", "-o", folder, "--permit", "train", "--status-url", STATUS)
        )
    publisher.ok("remote", "add", "origin", publisher.folder / "remote")
    publisher.ok("push")
    published = publisher.folder / "remote" / "status"
    # The same person, at another machine.
    other = new_person("other")
    shutil.copytree(publisher.home / ".config", other.home / ".config")
    other.ok("clone", publisher.folder / "remote", "copy")
    inside = ("--store", "copy")
    publisher.ok("credential", "revoke", first)
    publisher.ok("credential", "suspend", third)
    other.ok("credential", "revoke", delivery, *inside)
    other.ok("credential", "suspend", delivery, *inside)
    # Whoever pushes first: the other list is the older one, or the newer.
    other.ok("push", *inside)
    assert status(publisher, delivery, "--status", published)[0] == 3
    pushed = publisher.ok("push", "--json").json
    lists = [
        f"status/{list_name(purpose, STATUS, publisher.did())}"
        for purpose in ("revocation", "suspension")
    ]
    assert (sorted(pushed["unfinished"]), pushed["published"]) == (lists, [])
    # What is published takes nothing back meanwhile; then it says all.
    assert status(publisher, delivery, "--status", published)[0] == 3
    assert f"not published: {lists[0]}" in publisher.ok("push").out
    publisher.ok("credential", "publish", "-o", "public")
    pushed = publisher.ok("push", "--json").json
    assert (pushed["unfinished"], sorted(pushed["published"])) == ([], lists)
    for folder, reason in ((first, "revoked"), (delivery, "revoked"), (third, "suspended")):
        code, _, check = status(publisher, folder, "--status", published)
        assert (code, check["detail"]["reason"]) == (3, reason)
    # A suspension that somebody ends is ended.
    publisher.ok("credential", "reinstate", third)
    publisher.ok("push")
    assert status(publisher, third, "--status", published)[:2] == (0, "trusted")
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"
