"""A buyer hands on what was bought: never on wider terms, and never without saying whose it is."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from tests.conftest import Person

RECIPE = 'recipe = 1\n\n[[step]]\nuse = "redact/1"\npatterns = ["email"]\n'
TERMS = """
permits = ["train"]
[limits]
territory = ["FR"]
seats = 2
"""
GRANT = ("--until", "90d", "--permit", "train,redistribute")


@pytest.fixture
def bought(once, publisher):
    """Return a publisher with a delivery that may be handed on, and one that may not."""

    def make(publisher: Person) -> None:
        documents = publisher.folder / "documents"
        documents.mkdir()
        for n in range(3):
            (documents / f"{n}.txt").write_text(f"document {n}, by a@acme.example\n")
        publisher.ok("commit", documents, "-d", "acme/docs")
        words = ("--permit", "train,evaluate,redistribute", "--require", "attribution")
        publisher.ok("issue", "acme/docs", "-o", "open", *words, "--valid-for", "200d")
        (documents / "0.txt").write_text("another document\n")
        publisher.ok("commit", documents, "-d", "acme/closed")
        words = ("--permit", "evaluate", "--grantable", "train,redistribute")
        publisher.ok("issue", "acme/closed", "-o", "closed", *words)

    once(publisher, make)
    return publisher


def newcomer(new_person: Any, name: str, *believed: Person) -> Person:
    person: Person = new_person(name)
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    for one in believed:
        person.ok("trust", "add", one.did(), "--name", one.home.parent.name)
    return person


@pytest.fixture
def reseller(bought, new_person):
    person = newcomer(new_person, "reseller", bought)
    person.ok("import", bought.folder / "open", "--as", "shop/docs")
    return person


def refused(person: Person, *arguments: object) -> dict[str, Any]:
    """Return what a refusal says of the first source."""
    result = person.fails(14, *arguments, "--json")
    assert result.kind == "wider-than-sources"
    found: dict[str, Any] = result.error["details"]["missing"][0]
    return found


def sources(person: Person, folder: Path, code: int) -> dict[str, Any]:
    """Return the check of the first publishers of a delivery, whose verdict has this exit code."""
    report = person.run("verify", folder, "--json")
    assert report.code == code, report.out
    return report.check("terms.sources")


def test_what_was_bought_is_redistributed_within_its_terms(bought, reseller, new_person) -> None:
    size = reseller.ok("log", "--audit", "--json").json["logSize"]
    for command in (("issue", "shop/docs", "-o", "out"), ("permit", "shop/docs")):
        for words in (("--permit", "train,modify"), ("--permit", "train", "--grantable", "test")):
            missing = refused(reseller, *command, *words)
            assert (missing["code"], missing["issuer"]) == ("exceeds", bought.did())
    assert reseller.ok("log", "--audit", "--json").json["logSize"] == size
    assert not (reseller.folder / "out").exists()

    made = reseller.ok("issue", "shop/docs", "-o", "out", "--permit", "train", "--json").json
    (first,) = made["firstPublishers"]
    assert (first["issuer"], first["name"], first["carried"]) == (
        *(bought.did(), "datasets/acme/docs"),
        True,
    )
    theirs = json.loads((bought.folder / "open" / "credential.json").read_bytes())
    assert made["validUntil"] == theirs["validUntil"]
    assert made["takenOver"] == ["requires attribution", f"ends {made['validUntil']}"]

    # Whoever buys there learns whose it was first, and asks for nothing but the folder.
    folder = reseller.folder / "out"
    buyer = newcomer(new_person, "buyer", reseller)
    found = sources(buyer, folder, 4)
    assert (found["state"], found["detail"]["reason"]) == ("warn", "unknown-issuer")
    buyer.ok("trust", "add", bought.did(), "--name", "Acme")
    found = sources(buyer, folder, 0)
    (row,) = found["detail"]["sources"]
    assert (row["issuer"], row["name"], row["part"], row["state"]) == (
        *(bought.did(), "datasets/acme/docs"),
        *("datasets/shop/docs", "pass"),
    )
    assert "first published as 'datasets/acme/docs'" in buyer.ok("verify", folder).out

    # It stays so in the store of whoever takes it in, and in what they hand on.
    taken = buyer.ok("import", folder, "--as", "house/docs", "--json").json["imported"][0]
    assert first["credential"] in taken["logged"]
    assert taken["aside"] == []
    assert buyer.run("verify", "--json").json["verdict"] == "trusted"
    assert refused(buyer, "issue", "house/docs", "-o", "on", "--permit", "train")["code"] == (
        "not-permitted"
    )
    words = ("--permit", "train,redistribute")
    reseller.ok("issue", "shop/docs", "-o", "wider", *words)
    buyer.ok("import", reseller.folder / "wider")
    buyer.ok("import", reseller.folder / "wider" / "credential.json")
    buyer.ok("issue", "house/docs", "-o", "on", "--permit", "train")
    last = newcomer(new_person, "last", bought, reseller, buyer)
    rows = sources(last, buyer.folder / "on", 0)["detail"]["sources"]
    assert [row["issuer"] for row in rows] == [reseller.did(), bought.did()]
    for path in (buyer.folder / "on").glob("source-*.json"):
        if path.read_bytes() == (bought.folder / "open" / "credential.json").read_bytes():
            path.unlink()
    assert sources(last, buyer.folder / "on", 5)["detail"]["reason"] == "missing-file"


def test_limits_and_what_is_not_known(bought, reseller, new_person) -> None:
    limited = bought.folder / "limited.toml"
    limited.write_text(
        'permits = ["train", "redistribute"]\nprohibits = ["commercialUse"]\n'
        '[limits]\nterritory = ["DE", "FR"]\nseats = 3\n'
    )
    bought.ok("issue", "acme/docs", "-o", "limited", "--terms", limited, "--status-url",
              "https://acme.example/status")  # fmt: skip
    reseller.ok("import", bought.folder / "limited", "--as", "shop/docs")
    # The newest that is in force counts, and what it demands is taken over.
    issued = reseller.ok("issue", "shop/docs", "-o", "out", "--permit", "train", "--json").json
    assert set(issued["takenOver"]) >= {
        "prohibits commercialUse", "limits territory", "limits seats"
    }  # fmt: skip
    (part,) = json.loads((reseller.folder / "out" / "credential.json").read_bytes())[
        "credentialSubject"
    ]["licence"]["partitions"]
    assert part["limits"] == {"type": "TermLimits", "territory": ["DE", "FR"], "seats": 3}
    (reseller.folder / "terms.toml").write_text(TERMS)
    reseller.ok("issue", "shop/docs", "-o", "within", "--terms", "terms.toml")
    (reseller.folder / "terms.toml").write_text(TERMS.replace('"FR"', '"FR", "IT"'))
    assert refused(reseller, "permit", "shop/docs", "--terms", "terms.toml")["code"] == "exceeds"
    # Taken back, nothing is left to hand on, nor to grant under what was issued before.
    buyer = newcomer(new_person, "buyer", reseller, bought)
    bought.ok("credential", "revoke", bought.folder / "limited", "-o", "public")
    bought.ok("credential", "revoke", bought.folder / "open", "-o", "public")
    reseller.ok("import", *(bought.folder / "public").glob("*"))
    assert refused(reseller, "issue", "shop/docs", "-o", "late", "--permit", "train")
    holder = ("--to", buyer.did(), "--permit", "train", "--until", "30d", "-o", "sub.json")
    limits = ("--territory", "DE", "--seats", "1")
    assert refused(reseller, "grant", "out", *holder, *limits)["code"] == "unknown"
    stranger = newcomer(new_person, "stranger")
    stranger.ok("import", bought.folder / "open", "--as", "shop/docs")
    assert refused(stranger, "permit", "shop/docs", "--permit", "train")["code"] == "valid"
    assert sources(buyer, reseller.folder / "out", 0)["state"] == "pass"
    found = buyer.run("verify", reseller.folder / "out", "--json", "--status",
                      bought.folder / "public")  # fmt: skip
    assert (found.code, found.check("terms.sources")["detail"]["reason"]) == (3, "revoked")


def test_a_grant_is_what_lets_somebody_hand_it_on(bought, reseller, new_person) -> None:
    reseller.ok("import", bought.folder / "closed", "--as", "shop/closed")
    words = ("--permit", "train")
    assert refused(reseller, "issue", "shop/closed", "-o", "out", *words)["code"] == "not-permitted"
    reseller.ok("permit", "shop/closed", "--permit", "evaluate")
    closed = bought.folder / "closed"
    bought.ok("grant", closed, "--to", reseller.did(), *GRANT, "-o", "grant.json")
    reseller.ok("import", bought.folder / "grant.json")
    made = reseller.ok("issue", "shop/closed", "-o", "out", *words, "--json").json
    assert made["firstPublishers"][0]["grant"]
    granted = json.loads((bought.folder / "grant.json").read_bytes())
    assert made["validUntil"] == granted["validUntil"]
    buyer = newcomer(new_person, "buyer", reseller, bought)
    assert sources(buyer, reseller.folder / "out", 0)["state"] == "pass"
    holder = ("--to", buyer.did(), "--permit", "train", "--until", "30d", "-o", "sub.json")
    reseller.ok("grant", "out", *holder)
    # The publisher's grant is not for those who buy from its holder.
    buyer.ok("import", reseller.folder / "out", "--as", "house/closed")
    assert refused(buyer, "issue", "house/closed", "-o", "on", *words)["code"] == "not-permitted"


def test_unions_and_what_was_filtered(bought, reseller, new_person) -> None:
    own = reseller.folder / "own"
    own.mkdir()
    (own / "mine.txt").write_text("my own\n")
    reseller.ok("commit", own, "-d", "shop/own")
    reseller.ok("issue", "shop/own", "-o", "mine", "--permit", "train,modify,commercialUse")
    reseller.ok("filter", "shop/docs", "shop/own", "--as", "shop/both")
    refused(reseller, "issue", "shop/both", "-o", "out", "--permit", "train,modify")
    reseller.ok("issue", "shop/both", "-o", "out", "--permit", "train")
    buyer = newcomer(new_person, "buyer", reseller, bought)
    (row,) = sources(buyer, reseller.folder / "out", 0)["detail"]["sources"]
    assert (row["name"], row["part"]) == ("datasets/acme/docs", "datasets/shop/docs")
    buyer.ok("import", reseller.folder / "out", "--as", "house/both")
    assert buyer.run("verify", "--json").json["verdict"] == "trusted"

    reseller.ok("commit", own, "-d", "shop/more")
    reseller.ok("filter", "shop/both", "shop/more", "--as", "shop/all")
    reseller.ok("issue", "shop/all", "-o", "all", "--permit", "train")
    (row,) = sources(buyer, reseller.folder / "all", 0)["detail"]["sources"]
    assert (row["name"], row["part"]) == ("datasets/acme/docs", "datasets/shop/docs")

    # What a filter took out is told by no digest, not even by its publisher's credential.
    (reseller.folder / "recipe.toml").write_text(RECIPE)
    reseller.ok("filter", "shop/docs", "--recipe", "recipe.toml", "--as", "shop/clean")
    refused(reseller, "issue", "shop/clean", "-o", "clean", "--permit", "train,modify")
    words = ("-o", "clean", "--permit", "train", "--json")
    made = reseller.ok("issue", "shop/clean", *words).json
    assert [one["carried"] for one in made["firstPublishers"]] == [False]
    secret = bought.ok("show", "acme/docs", "--json").json["manifest"]
    tree = [Digest.of(path.read_bytes()).hex for path in (bought.folder / "open/data").iterdir()]
    for path in (reseller.folder / "clean").rglob("*"):
        if path.is_file():
            text = path.read_bytes().decode("latin-1")
            for digest in (secret["tree"], secret["files"], *tree):
                assert digest.removeprefix("blake3:") not in text, path
    found = sources(buyer, reseller.folder / "clean", 4)
    (row,) = found["detail"]["sources"]
    assert (row["reason"], row["issuer"], row["name"]) == (
        *("left-out", bought.did()),
        "datasets/acme/docs",
    )
    # Who has it from its publisher sees that it holds.
    shutil.copy(bought.folder / "open" / "credential.json", reseller.folder / "clean" / "x.json")
    for path in (bought.folder / "open").glob("genesis.json"):
        shutil.copy(path, reseller.folder / "clean" / "y.json")
    assert sources(buyer, reseller.folder / "clean", 0)["state"] == "pass"


def test_ones_own_delivery_in_another_store_of_ones_own(publisher, bought) -> None:
    other = bought.folder / "second"
    other.mkdir()
    bought.ok("init", cwd=other)
    bought.ok("trust", "add", bought.did(), "--name", "me")
    bought.ok("import", bought.folder / "closed", "--as", "house/closed", cwd=other)
    made = bought.ok("issue", "house/closed", "-o", "out", "--permit", "train,modify", "--json",
                     cwd=other).json  # fmt: skip
    assert (made["firstPublishers"], made["takenOver"]) == ([], [])
    assert sources(bought, other / "out", 0)["state"] == "stated"


def test_through_a_second_store_nothing_gets_wider(bought, reseller) -> None:
    """ATTACK A114: what was bought goes through a second store of whoever bought it."""
    reseller.ok("issue", "shop/docs", "-o", "out", "--permit", "train,redistribute")
    other = reseller.folder / "second"
    other.mkdir()
    reseller.ok("init", cwd=other)
    reseller.ok("trust", "add", reseller.did(), "--name", "me")
    reseller.ok("import", reseller.folder / "out", "--as", "house/docs", cwd=other)
    wider = reseller.fails(14, "issue", "house/docs", "-o", "on", "--permit", "evaluate", cwd=other)
    assert "evaluate is not permitted" in wider.err
    reseller.ok("issue", "house/docs", "-o", "on", "--permit", "train", cwd=other)
    rows = sources(reseller, other / "on", 0)["detail"]["sources"]
    assert [row["issuer"] for row in rows] == [reseller.did(), bought.did()]


def test_a_grant_holds_under_the_terms_that_it_names(bought, reseller, new_person) -> None:
    closed = bought.folder / "closed"
    bought.ok("grant", closed, "--to", reseller.did(), *GRANT, "-o", "grant.json")
    reseller.ok("import", closed, "--as", "shop/closed")
    reseller.ok("import", bought.folder / "grant.json")
    # What is issued later is the newest, and the grant does not rest on it.
    bought.ok("issue", "acme/closed", "-o", "newer", "--permit", "test")
    reseller.ok("import", bought.folder / "newer" / "credential.json")
    reseller.ok("issue", "shop/closed", "-o", "out", "--permit", "train")
    buyer = newcomer(new_person, "buyer", reseller, bought)
    assert sources(buyer, reseller.folder / "out", 0)["state"] == "pass"
