"""Status lists that two keys begin at once, and places in them that two clones draw."""

import json
import shutil
import uuid
from datetime import UTC, datetime

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.issue import issue
from lyrikstore.crypto.keys.signer import file_uri, signer_from_uri
from tests.cli.statuses import STATUS, status


@pytest.mark.parametrize("organisation", [None, "did:web:acme.example"])
def test_lists_that_two_keys_begin_at_once_are_all_published(
    publisher, corpus, new_person, organisation
) -> None:
    documents, sheet = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", "acme/docs", "--metadata", sheet)
    folders = [publisher.folder / name for name in ("first", "second")]
    remote = publisher.folder / "remote"
    published = remote / "status"
    publisher.ok("remote", "add", "origin", remote)
    publisher.ok("push")
    other = new_person("other")
    shutil.copytree(publisher.home / ".config", other.home / ".config")
    other.ok("key", "new", "second", "--no-passphrase")
    publisher.ok("key", "admit", other.did("second"), "--remote", "origin")
    other.ok("clone", remote, "copy")
    other.environment["LYRIKSTORE_SIGNER"] = "second"
    publisher.ok("pull")
    base = "https://data.example/new"
    named = ()
    if organisation is not None:
        document = publisher.folder / "did.json"
        keys = ("default", other.did("second"))
        publisher.ok("key", "document", organisation, *keys, "-o", document)
        named = ("--issuer", organisation, "--did-document", document)
    for person, folder, store in (
        (publisher, folders[0], ".lyrikstore"),
        (other, folders[1], "copy"),
    ):
        person.ok(
            *("issue", "acme/docs", "-o", folder, "--permit", "train", "--store", store),
            *("--status-url", base, *named),
        )
        person.ok("credential", "revoke", folder, "--store", store)
    other.ok("push", "--store", "copy")
    # Both issued the version for the first time, and it has one commitment to its records.
    assert publisher.fails(15, "push", "--json").kind == "ref-moved"
    publisher.ok("pull")
    unfinished = publisher.ok("push", "--json").json["unfinished"]
    # One organisation has one list, which the two made each without the other's bit.
    assert len(unfinished) == (0 if organisation is None else 1)
    if unfinished:
        publisher.ok("credential", "publish", "-o", "public")
        assert not publisher.ok("push", "--json").json["unfinished"]
    other.ok("pull", "--store", "copy")
    for folder in folders:
        urls = {
            one["statusListCredential"]
            for one in json.loads((folder / "credential.json").read_bytes())["credentialStatus"]
        }
        # As a web server answers that serves the remote's folder.
        for url in urls:
            found = json.loads((published / url.rpartition("/")[2]).read_bytes())
            assert found["id"] == url
        code, _, check = status(publisher, folder, "--status", published)
        assert (code, check["detail"]["reason"]) == (3, "revoked")
    # What is issued later goes on in the lists that are there.
    before = sorted(path.name for path in published.iterdir())
    more = other.folder / "more"
    other.ok(
        *("issue", "acme/docs", "-o", more, "--permit", "train", "--store", "copy"),
        *("--status-url", base, *named),
    )
    other.ok("credential", "revoke", more, "--store", "copy")
    other.ok("push", "--store", "copy")
    assert status(publisher, more, "--status", published)[0] == 3
    assert sorted(path.name for path in published.iterdir()) == before
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"


def test_two_clones_that_draw_one_place_are_reported_and_no_credential_falls_with_another(
    publisher, corpus, new_person
) -> None:
    documents, sheet = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", "acme/docs", "--metadata", sheet)
    terms = ("--permit", "train", "--grantable", "train", "--status-url", STATUS)
    publisher.ok("issue", "acme/docs", "-o", "delivery", *terms)
    publisher.ok("remote", "add", "origin", "remote")
    assert publisher.ok("push", "--json").json["sharedPlaces"] == []
    other = new_person("other")
    shutil.copytree(publisher.home / ".config", other.home / ".config")
    other.ok("clone", publisher.folder / "remote", ".")
    delivery = publisher.folder / "delivery"
    buyer = "did:key:z6MktRYWXpSEjSz3SmGGMXKeeKo337zjSMrpwNdB2tJ6nYko"
    holder = ("--to", buyer, "--permit", "train", "--until", "90d")
    publisher.ok("grant", delivery, *holder, "--status-url", STATUS, "-o", "first.json")
    publisher.ok("push")
    first = publisher.folder / "first.json"
    # What the other one granted meanwhile, and that chance gave the same place.
    signer = signer_from_uri(file_uri(other.home / ".config/lyrikstore/keys/default"), None)
    document = json.loads(first.read_bytes())
    del document["proof"]
    document["id"] = f"urn:uuid:{uuid.uuid4()}"
    second = other.folder / "second.json"
    second.write_bytes(issue(document, signer, datetime.now(UTC)))
    both = [str(Digest.of(path.read_bytes())) for path in (first, second)]
    shorts = [one.removeprefix("blake3:")[:12] for one in both]
    # Seen before either is pushed by whoever pulls first; told again with every push.
    assert "share a place" not in other.ok("import", second, delivery).out
    assert f"! credentials {shorts[0]} and {shorts[1]} share a place" in other.ok("pull").out
    assert other.ok("push", "--json").json["sharedPlaces"] == [both]
    assert f"credentials {shorts[0]} and {shorts[1]} share a place" in other.ok("push").out
    assert publisher.ok("pull", "-n", "--json").json["sharedPlaces"] == []
    assert publisher.ok("pull", "--json").json["sharedPlaces"] == [both]
    for command in ("revoke", "suspend"):
        refused = publisher.fails(15, "credential", command, second, "--json").error
        assert refused["kind"] == "shared-place"
        assert shorts[0] in refused["message"]
        assert "--supersedes" in refused["hint"]
    # The way out that is named.
    publisher.ok(*("grant", delivery, *holder, "--status-url", STATUS),
                 *("--supersedes", first, "-o", "third.json"))  # fmt: skip
    assert publisher.ok("push", "--json").json["sharedPlaces"] == []
    assert publisher.fails(15, "credential", "supersede", first, "--json").kind == "shared-place"
    publisher.ok("credential", "supersede", first, "--yes", "-o", "public")
    for path, state in ((second, "fail"), (publisher.folder / "third.json", "pass")):
        report = publisher.run("verify", path, "--status", "public", "--json")
        assert report.check("status")["state"] == state
