"""The main flows of docs/grants.md, docs/terms.md and docs/trust.md, as they stand there."""

import json
import shutil

import pytest
from blake3 import blake3

from tests.conftest import Person
from tests.pages import Shell, blocks, commands

STATUS = "https://acme.example/status"


def documents(person: Person, *names: str) -> None:
    for name in names:
        path = person.folder / "documents" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"this is {name}\n")


@pytest.fixture
def other(new_person) -> Person:
    person = new_person("other")
    person.ok("key", "new", "--no-passphrase")
    return person


def test_a_trust_file_is_read_back_as_the_page_shows(publisher, other) -> None:
    (file,) = blocks("trust.md", "toml")
    (shown,) = (block for block in blocks("trust.md", "") if "trust check" in block)
    publisher.ok("key", "document", "did:web:acme.example", "-o", "acme.did.json")
    digest = blake3((publisher.folder / "acme.did.json").read_bytes()).hexdigest()
    for said, meant in (("did:key:z6Mk…", other.did()), ("9f2c…", digest)):
        file, shown = file.replace(said, meant), shown.replace(said, meant)
    (publisher.folder / "trust.toml").write_text(file)
    command, *lines = shown.splitlines()
    line = f"{command.removeprefix('$ ')} trust.toml"
    assert Shell(publisher).ok(line).splitlines() == lines


def test_terms_are_issued_measured_mixed_and_exported(publisher, other) -> None:
    documents(publisher, "news/a.txt", "news/b.txt", "client/c.txt", "unclear.txt")
    documents(publisher, "licensed.txt")
    (publisher.folder / "sheet.csv").write_text("path,licence\nlicensed.txt,CC0-1.0\n")
    (publisher.folder / "acme-nda.txt").write_text("for Acme's buyers alone\n")
    whole, origin, config = blocks("terms.md", "toml")
    (publisher.folder / "terms.toml").write_text(whole)
    equal, text, by_part, own, recompute, mixed, export = blocks("terms.md", "sh")
    shell = Shell(publisher)
    for line in commands(text):
        shell.ok(line)
    for line in commands(equal):
        shell.ok(line)
    shutil.rmtree(publisher.folder / "delivery")
    publisher.ok("commit", "documents", "-d", "acme/corpus", "--metadata", "sheet.csv")
    for line in commands(by_part):
        shell.ok(line)
    (publisher.folder / "origin.toml").write_text(origin)
    licensed = ("commit", "documents", "-d", "acme/abstracts", "--licence", "MIT")
    for stated, word in (((), {"licence"}), (("--describe", "origin.toml"), set())):
        publisher.ok(*licensed, *stated)
        for line in commands(own):
            said = json.loads(shell.ok(f"{line} --json"))["ownWord"]
            assert ({said["reason"]} if said else set()) == word
    for line in commands(recompute):
        report = json.loads(shell.ok(f"{line} --json"))
        (quality,) = [one for one in report["checks"] if one["id"] == "quality"]
        assert quality["state"] == "pass"
    recipe = 'recipe = 1\n[[step]]\nuse = "allow/1"\ncolumn = "licence"\nvalues = ["CC0-1.0"]\n'
    (publisher.folder / "clean.toml").write_text(recipe)
    publisher.ok("filter", "acme/corpus", "--recipe", "clean.toml", "--as", "acme/corpus-clean")
    shutil.copytree(publisher.folder / "delivery", publisher.folder / "delivery-a")
    shutil.copytree(publisher.folder / "delivery", publisher.folder / "delivery-b")
    alone, asked = commands(mixed)
    assert "must: deleteOnExpiry" in shell.ok(alone)
    assert shell.ok(asked).endswith("\nPERMITTED\n")
    for line in commands(export):
        shell.ok(line)
    assert (publisher.folder / "policy.jsonld").is_file()
    assert config.startswith('purpose = "train"')


def test_an_audit_a_grant_and_their_end(publisher, other) -> None:
    documents(publisher, *(f"letter-{number}.txt" for number in range(600)))
    publisher.ok("commit", "documents", "-d", "acme/contracts", "--licence", "CC0-1.0")
    publisher.ok("issue", "acme/contracts", "-o", "delivery", "--permit", "evaluate")
    attest, opinions, take_in, _, grant, present, train, _ = map(
        list, map(commands, blocks("grants.md", ""))
    )
    (statement,) = blocks("grants.md", "toml")

    auditor = Shell(other)
    (other.folder / "audit.toml").write_text(statement)
    (other.folder / "report.pdf").write_bytes(b"what was found")
    shutil.copytree(publisher.folder / "delivery", other.folder / "delivery")
    (new, signed) = attest
    assert [line.split(" -")[0] for line in opinions] == [
        *("lyrikstore attest checkpoints/acme/m", "lyrikstore attest"),
    ]
    assert new == "lyrikstore key new"
    auditor.ok(signed)
    shutil.copy(other.folder / "attestation.json", publisher.folder)
    shutil.rmtree(publisher.folder / "delivery")
    shell = Shell(publisher, {"did:key:z6Mk…": other.did()})
    said = [shell.ok(line) for line in take_in]
    assert "attested quality" in said[1]
    shutil.rmtree(publisher.folder / "delivery")
    for line in grant:
        shell.ok(line)

    holder = Shell(other)
    for path in publisher.folder.glob("grant*"):
        shutil.copy(path, publisher.folder / "delivery")
    shutil.rmtree(other.folder / "delivery")
    shutil.copytree(publisher.folder / "delivery", other.folder / "delivery")
    shown, asked = present
    holder.ok(shown.replace("grant.json", "delivery/grant.json"))
    other.ok("trust", "add", publisher.did(), "--name", "Acme")
    holder.ok(f"{asked} --status delivery")
    other.ok("init")
    holder.ok(train[0].replace(" grant.json", " delivery/grant.json"))
    assert train[1:] == ["lyrikstore train train.toml"]

    for word in ("suspend", "reinstate", "revoke"):
        shell.ok(f"lyrikstore credential {word} grant.json -o lists")
    late = holder.run(f"{asked} --status {publisher.folder / 'lists'}")
    assert late.returncode == 3, late.stdout
