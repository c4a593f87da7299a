"""Keys, their backup, the trust file, and the small commands, as a user types them."""

import json
import stat

from lyrikstore.canon.schemas import check_schema
from tests.warm import QUICK_KEYS


def test_a_backup_restores_every_key_and_the_right_to_extend_the_log(
    publisher, new_person, corpus
) -> None:
    publisher.environment[QUICK_KEYS] = "yes"
    secret = publisher.folder / "secret"
    secret.write_text("long enough\n")
    backup = publisher.folder / "keys.backup"
    publisher.ok("key", "backup", "-o", backup, "--passphrase-file", secret)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert publisher.run("key", "backup", "-o", backup, "--passphrase-file", secret).code == 16
    before = publisher.ok("key", "list", "--json").json["keys"]

    # The laptop is gone; the store was on another disk.
    restored = new_person("restored")
    secret.write_text("wrong\n")
    assert restored.run("key", "new", "--from", backup, "--passphrase-file", secret).code == 12
    secret.write_text("long enough\n")
    restored.ok("key", "new", "--from", backup, "--passphrase-file", secret)
    after = restored.ok("key", "list", "--json").json["keys"]
    assert [(k["name"], k["did"]) for k in after] == [(k["name"], k["did"]) for k in before]
    documents, _ = corpus.write(restored.folder)
    restored.ok(
        *("commit", documents, "-d", "acme/docs", "--store", publisher.folder),
        *("--passphrase-file", secret),
    )
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"


def test_a_key_that_was_copied_badly(new_person) -> None:
    person = new_person("copying")
    person.ok("key", "new", "--no-passphrase")
    did = person.did()
    add = ("trust", "add", "--name", "Acme")
    assert person.fails(16, *add, did[:-1], "--json").kind == "bad-issuer"
    bare = did.removeprefix("did:key:")
    assert person.fails(16, *add, bare, "--json").kind == "bad-issuer"
    person.ok(*add, f" {did} ")
    (issuer,) = person.ok("trust", "list", "--json").json["issuers"]
    assert issuer["did"] == did


def test_a_key_of_another_name_gets_a_hint_to_name_it(new_person) -> None:
    person = new_person("named")
    assert "lyrikstore key new" in person.run("init").err
    person.ok("key", "new", "work", "--no-passphrase")
    refused = person.run("init")
    assert refused.code == 12
    assert "--signer work" in refused.err
    person.ok("init", "--signer", "work")


def test_trust_is_given_and_revoked(publisher) -> None:
    did = publisher.ok("key", "show", "--json").json["keys"][0]["did"]
    assert (
        publisher.run("trust", "check", "--about", did, "acme/docs").code == 4
    )  # only in its own store
    publisher.ok("trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    publisher.ok("trust", "check", "--about", did, "acme/docs")
    assert publisher.run("trust", "check", "--about", did, "other/docs").code == 4
    assert (
        publisher.run("trust", "check", "--about", did, "acme/docs", "--role", "auditor").code == 4
    )
    publisher.ok("trust", "remove", "Acme")
    assert publisher.run("trust", "check", "--about", did, "acme/docs").code == 4
    assert publisher.run("trust", "remove", "Acme").code == 1


def test_a_dry_run_writes_nothing_and_a_report_can_be_kept(publisher, corpus) -> None:
    documents, sheet = corpus.write(publisher.folder)
    arguments = ("commit", documents, "-d", "acme/docs", "--metadata", sheet, "--json")
    planned = publisher.ok(*arguments, "-n").json
    assert planned["dryRun"]
    assert publisher.run("log", "acme/docs").code == 1
    assert publisher.ok(*arguments).json["tree"] == planned["tree"]

    kept = publisher.folder / "report.json"
    publisher.ok("verify", "--report", kept)
    report = json.loads(kept.read_text())
    check_schema(report, "kept-report")
    assert report["report"]["verdict"] == "trusted"
    assert report["tool"].startswith("lyrikstore ")
    assert "`verify`" in publisher.ok("maintain", "schema", "kept-report").out


def test_every_exit_code_is_explained(publisher) -> None:
    entries = publisher.ok("help", "exit-codes", "--json").json["meanings"]
    assert {"0", "3", "4", "5", "14", "130"} <= set(entries)
    assert "LYRIKSTORE_CONFIG" in publisher.ok("help", "environment").out


def test_a_trust_file_is_explained_and_edited(publisher) -> None:
    did = publisher.ok("key", "show", "--json").json["keys"][0]["did"]
    web = "did:web:acme.example"
    document = publisher.folder / "did.json"
    document.write_text(json.dumps({"id": web, "verificationMethod": []}))
    publisher.ok(
        "trust", "add", web, "--name", "Acme", "--role", "auditor", "--did-document", document
    )
    publisher.ok("trust", "check", "--about", web, "acme/docs", "--claim", "quality")
    publisher.fails(4, "trust", "check", "--about", web, "acme/docs", "--claim", "legal")
    publisher.ok("trust", "set", "maxStatusDays", "14")
    publisher.ok("trust", "set", "allow.keys", did)
    said = publisher.ok("trust", "check").out
    for words in ("'Acme' (did:web:acme.example) is believed as auditor", "is pinned", "14 days"):
        assert words in said
    listed = publisher.ok("trust", "list", "--json").json
    assert [one["did"] for one in listed["documents"]] == [web]
    removed = publisher.ok("trust", "remove", web, "--json").json
    assert (len(removed["issuers"]), len(removed["documents"])) == (1, 1)
    publisher.fails(16, "trust", "add", did, "--name", "x", "--did-document", document)
    publisher.fails(16, "trust", "set", "nonsense", "1")
    publisher.fails(16, "trust", "add", "a+b+c")

    # Any file can be checked, and a misspelt one is refused with its mistake.
    other = publisher.folder / "other.toml"
    other.write_text(
        f'version = 1\n[[issuer]]\ndid = "{did}"\nnickname = "x"\nuntill = "2027-01-01T00:00:00Z"\n'
    )
    assert publisher.fails(16, "trust", "check", other, "--json").kind == "bad-trust"
    publisher.fails(1, "trust", "check", publisher.folder / "none.toml")

    # So is one that names two by one nickname, or states no version: by whatever reads it.
    entry = f'[[issuer]]\ndid = "{did}"\nnickname = "x"\n'
    for text in (entry, f"version = 1\n{entry}{entry.replace(did, web)}"):
        other.write_text(text)
        refused = publisher.fails(16, "verify", "--trust", other, "--json")
        assert refused.kind == "bad-trust"
        assert str(other) in refused.error["message"]


def test_trust_for_every_name_is_said_and_adding_a_pattern_does_not_narrow_it(new_person) -> None:
    person = new_person("buyer")
    person.ok("key", "new", "--no-passphrase")
    did = person.did()
    wide = person.ok("trust", "add", did, "--name", "Acme")
    assert "as publisher of every name\n" in wide.out
    assert "--name Acme --names 'datasets/acme/*'" in wide.err
    # Entries add up: the buyer who now adds the pattern has narrowed nothing, and is told.
    narrow = ("trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    for _ in range(2):
        added = person.ok(*narrow)
        assert "! it is also trusted as publisher of every name" in added.out
        assert "for all names" not in added.err
    person.ok("trust", "check", "--about", did, "other/docs")
    # What the first hint says is the way.
    person.ok("trust", "remove", "Acme")
    assert "still" not in person.ok(*narrow).out
    person.fails(4, "trust", "check", "--about", did, "other/docs")


def test_one_issuer_by_two_names_is_said(new_person) -> None:
    person = new_person("buyer")
    person.ok("key", "new", "--no-passphrase")
    did = person.did()
    assert "too" not in person.ok("trust", "add", did, "--name", "Acme").out
    again = person.ok("trust", "add", did, "--name", "Globex")
    assert "the same issuer also has the name 'Acme': is that Globex?" in again.out
    again = person.ok("trust", "add", did, "--name", "Globex", "--json").json
    assert (again["alsoCalled"], again["changed"]) == (["Acme"], False)
    assert f"! 'Acme' and 'Globex' are one issuer: {did}." in person.ok("trust", "check").out
    # Whoever takes one name away may mean the key.
    gone = person.ok("trust", "remove", "Acme")
    assert f"still trusted, as 'Globex': {did}" in gone.out
    assert f"lyrikstore trust remove {did}" in gone.err
    assert "are one issuer" not in person.ok("trust", "check").out
    assert person.ok("trust", "remove", did, "--json").json["stillTrusted"] == []


def test_what_cannot_be_trusted_is_named_in_plain_words(publisher) -> None:
    typo = publisher.fails(16, "trust", "add", "acme.example", "--name", "Acme").err
    assert "neither a did:key or did:web nor the key of a log" in typo
    did = publisher.ok("key", "show", "--json").json["keys"][0]["did"]
    wrong = publisher.fails(2, "trust", "add", did, "--name", "Acme", "--role", "auditr").err
    assert "'auditor'" in wrong
