"""Keys, their backup, the trust file, and the small commands, as a user types them."""

import json
import stat


def test_a_backup_restores_every_key_and_the_right_to_extend_the_log(
    publisher, new_person, corpus
) -> None:
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


def test_trust_is_given_and_taken_back(publisher) -> None:
    did = publisher.ok("key", "show", "--json").json["keys"][0]["did"]
    assert publisher.run("trust", "check", did, "acme/docs").code == 4  # only in its own store
    publisher.ok("trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    publisher.ok("trust", "check", did, "acme/docs")
    assert publisher.run("trust", "check", did, "other/docs").code == 4
    assert publisher.run("trust", "check", did, "acme/docs", "--role", "auditor").code == 4
    publisher.ok("trust", "remove", "Acme")
    assert publisher.run("trust", "check", did, "acme/docs").code == 4
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
    assert report["report"]["verdict"] == "trusted"
    assert report["tool"].startswith("lyrikstore ")


def test_every_exit_code_is_explained(publisher) -> None:
    entries = publisher.ok("help", "exit-codes", "--json").json["entries"]
    assert {"0", "3", "4", "5", "14", "130"} <= set(entries)
    assert "LYRIKSTORE_CONFIG" in publisher.ok("help", "environment").out
