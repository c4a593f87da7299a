"""Many keys of one store: what each may do, and how many changes a verifier takes."""

import itertools
import json
import re
from datetime import UTC, datetime

from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.key_file import load_key
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import change_policy, with_writer
from lyrikstore.history.commit.policy_change import rotated as rotated_key
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from tests.cli.keys.deliveries import NAME, issue, verify


def test_a_store_of_many_keys_makes_deliveries_that_verify(publisher, corpus, new_person) -> None:
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--licence", "CC-BY-4.0")
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
    publisher.ok("commit", documents, "-d", NAME, "--licence", "CC-BY-4.0")
    quiet = publisher.ok("key", "admit", KeySigner(PrivateKey.generate()).did)
    assert "verifier reads" not in quiet.err
    admit_many(publisher, 98)
    publisher.ok("key", "new", "next", "--no-passphrase")
    advice = publisher.ok("key", "rotate", "next").err
    assert "changed 100 times: 78 % of what" in advice
    assert "lyrikstore init" in advice
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
    publisher.ok("commit", documents, "-d", NAME, "--licence", "CC-BY-4.0")
    size = rotate_until(publisher, 1 << 20)
    advice = publisher.ok("issue", NAME, "-o", "full", "--permit", "train")
    assert re.search("9[5-9] % of what a verifier reads", advice.err), advice.err
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
