"""An auditor attests, and the buyer decides: what is signed, what counts, what is taken back."""

import json
import os
import shutil
import threading

import pytest

from tests.cli.attesting.audits import STATEMENT, attest
from tests.conftest import list_name


def test_an_auditor_without_a_store_attests_and_the_buyer_decides(auditor, buyer) -> None:
    auditor.ok(*attest(auditor))
    assert auditor.fails(15, *attest(auditor))  # never overwritten
    buyers = buyer.folder / "delivery"
    shutil.copy(auditor.folder / "attestation.json", buyers / "opinion-of-somebody.json")
    found = buyer.ok("verify", buyers, "--data", buyers / "data", "--json")
    check = found.check("attestations")
    assert (check["state"], check["detail"]["reason"]) == ("warn", "unknown-issuer")
    assert found.json["verdict"] == "trusted"  # an unknown attester neither helps nor harms
    buyer.ok("trust", "add", auditor.did(), "--name", "Audit", "--role", "auditor")
    check = buyer.ok("verify", buyers, "--data", buyers / "data", "--json").check("attestations")
    (one,) = check["detail"]["attestations"]
    assert (check["state"], one["verdict"], one["trusted"]) == ("stated", "trusted", True)
    alone = buyer.ok("verify", buyers / "opinion-of-somebody.json", "--json")
    assert alone.check("evidence")["state"] == "unchecked"
    shutil.copy(auditor.folder / "report.txt", buyers)
    alone = buyer.ok("verify", buyers / "opinion-of-somebody.json", "--json")
    assert alone.check("evidence")["state"] == "pass"


def test_nothing_is_attested_about_bytes_that_were_not_checked(auditor) -> None:
    delivered = auditor.folder / "delivery"
    victim = min((delivered / "data").iterdir())
    text = victim.read_bytes()
    victim.write_bytes(text + b" ")
    assert "does not verify" in auditor.fails(3, *attest(auditor)).err
    assert auditor.fails(3, *attest(auditor, "--unchecked"))
    victim.unlink()
    assert "--unchecked" in auditor.fails(5, *attest(auditor)).err
    shutil.rmtree(delivered / "data")
    assert auditor.fails(5, *attest(auditor))
    auditor.ok(*attest(auditor, "--unchecked"))
    said = json.loads((auditor.folder / "attestation.json").read_bytes())
    assert said["credentialSubject"]["attestation"]["examined"]["content"] == "unchecked"
    found = auditor.run("verify", "attestation.json", "--json")
    assert found.check("attestation")["detail"]["reason"] == "content-unchecked"


def test_what_is_signed_is_what_was_verified(auditor) -> None:
    # Whoever holds the delivery swaps the credential once it was verified: the key is asked for
    # after that, and its passphrase comes through a pipe.
    secret, pipe = auditor.folder / "secret", auditor.folder / "pipe"
    secret.write_text("right\n")
    auditor.ok("key", "new", "second", "--passphrase-file", secret)
    os.mkfifo(pipe)
    credential = auditor.folder / "delivery" / "credential.json"
    swapped = []

    def swap() -> None:
        with pipe.open("wb") as file:
            credential.write_bytes(b"{}")
            swapped.append(True)
            file.write(b"right\n")

    sound = json.loads(credential.read_bytes())
    threading.Thread(target=swap, daemon=True).start()
    auditor.ok(*attest(auditor, "--signer", "second", "--passphrase-file", pipe))
    assert swapped
    said = json.loads((auditor.folder / "attestation.json").read_bytes())
    assert said["credentialSubject"]["manifest"] == sound["credentialSubject"]["manifest"]


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("quality", ('extent = "sample"', 'extent = "documents"'), "extent"),
        ("quality", ("liability", "liabilty"), "liability"),
        ("quality", ('value = "0.000"', "value = true"), "results 1, value: true has to be text"),
        ("quality", ("records = 5", ""), "'records' is missing"),
        ("quality", ("records = 5", "records = 50_000"), "50000 records were examined"),
        ("deidentification", ("", ""), "a risk"),
        ("quality", ("[[results]]", "[results"), "TOML"),
    ],
)
def test_a_statement_that_lacks_something(auditor, kind, change, said) -> None:
    (auditor.folder / "audit.toml").write_text(STATEMENT.replace(*change))
    assert said in auditor.fails(16, *attest(auditor, kind=kind)).err
    assert not (auditor.folder / "attestation.json").exists()


def test_whoever_is_not_its_issuer_learns_who_could_have_taken_it_back(auditor, publisher) -> None:
    auditor.ok(*attest(auditor))
    attestation = auditor.folder / "attestation.json"
    publisher.ok("import", attestation)
    assert (
        publisher.fails(14, "credential", "revoke", attestation, "--json").kind == "not-the-issuer"
    )


def test_a_number_is_signed_as_it_is_written(auditor) -> None:
    changed = STATEMENT.replace('value = "0.000"', "value = 0.010")
    (auditor.folder / "audit.toml").write_text(changed)
    auditor.ok(*attest(auditor))
    signed = json.loads((auditor.folder / "attestation.json").read_text())
    (result,) = signed["credentialSubject"]["attestation"]["results"]
    assert result["value"] == "0.010"


def test_an_expert_determination(auditor) -> None:
    text = STATEMENT.replace("labelErrorRate", "reidentificationRisk")
    (auditor.folder / "audit.toml").write_text(text)
    assert auditor.fails(
        *(16, "attest", "delivery", "--kind", "deidentification", "--statement", "audit.toml"),
        *("-o", "x.json"),
    )
    auditor.ok(*attest(auditor, kind="deidentification"))


def test_no_attestation_stands_for_the_credential_of_a_delivery(auditor, buyer) -> None:
    auditor.ok(*attest(auditor))
    buyer.ok("trust", "add", auditor.did(), "--name", "Audit", "--role", "auditor")
    genuine = auditor.folder / "attestation.json"
    alone = buyer.folder / "attestation.json"
    shutil.copy(genuine, alone)
    buyer.ok("verify", "attestation.json")
    data = buyer.folder / "handed" / "data"
    data.mkdir(parents=True)
    (data / "0.txt").write_text("something else\n")
    shutil.copy(genuine, data.parent / "credential.json")
    for asked in (("handed",), ("attestation.json", "--data", data)):
        result = buyer.run("verify", *asked, "--json")
        assert (result.code, result.kind) == (16, "no-dataset")
    shutil.rmtree(data)  # nor where the data is said to come by itself
    assert buyer.run("verify", "handed", "--json").kind == "no-dataset"


def test_an_auditor_with_a_store_revokes_an_attestation(auditor, buyer) -> None:
    assert auditor.fails(10, *attest(auditor, "--status-url", "https://audit.example/status"))
    auditor.ok("init")
    auditor.ok(*attest(auditor, "--status-url", "https://audit.example/status"))
    lists = sorted(path.name for path in auditor.folder.glob("attestation-status-*"))
    assert lists == [
        f"attestation-status-{list_name(purpose, 'https://audit.example/status', auditor.did())}"
        for purpose in ("revocation", "suspension")
    ]
    assert auditor.run("verify", "--json").json["verdict"] == "trusted"
    buyers = buyer.folder / "delivery"
    buyer.ok("trust", "add", auditor.did(), "--name", "Audit", "--role", "auditor")
    shutil.copy(auditor.folder / "attestation.json", buyers)
    verify = ("verify", buyers, "--data", buyers / "data", "--json")
    found = buyer.run(*verify)
    assert (found.code, found.check("attestations")["detail"]["reason"]) == (5, "no-list")
    for name in lists:
        shutil.copy(auditor.folder / name, buyers)
    buyer.ok(*verify)
    auditor.ok("credential", "revoke", "attestation.json", "-o", "public")
    found = buyer.run(*verify, "--status", auditor.folder / "public")
    assert (found.code, found.check("attestations")["detail"]["reason"]) == (3, "revoked")


def test_what_a_stolen_or_replaced_key_attested(auditor, buyer) -> None:
    auditor.ok("init")
    auditor.ok(*attest(auditor, "--status-url", "https://audit.example/status"))
    assert (auditor.folder / "attestation.tlog-proof").is_file()
    buyers = buyer.folder / "delivery"
    buyer.ok("trust", "add", auditor.did(), "--name", "Audit", "--role", "auditor")
    handed = sorted(auditor.folder.glob("attestation*.json"))
    for path in handed:
        shutil.copy(path, buyers)
    verify = ("verify", buyers, "--data", buyers / "data", "--json")

    def outcome():
        found = buyer.run(*verify)
        check = found.check("attestations")
        return found.code, check["detail"].get("reason", check["state"])

    assert outcome() == (0, "stated")
    auditor.ok("key", "new", "next", "--no-passphrase")
    auditor.ok("key", "rotate", "next", "-o", "rotated")
    statements = auditor.folder / "rotated"
    proofs = list(statements.glob("*-credential-*.tlog-proof"))
    assert len(proofs) == 1
    for path in statements.iterdir():
        shutil.copy(path, buyers)
    assert outcome() == (0, "stated")
    # What the next key attests is believed by the word of the one that the buyer believes.
    auditor.ok(
        *("attest", "delivery", "--kind", "quality", "--statement", "audit.toml"),
        *("-o", "later.json", "--signer", "next"),
    )
    shutil.copy(auditor.folder / "later.json", buyers)
    heir = buyer.ok("verify", buyers / "later.json", "--json").check("trust.issuer")
    assert heir["detail"]["predecessor"] == auditor.did()
    assert outcome() == (0, "stated")
    (buyers / proofs[0].name).unlink()
    assert outcome() == (0, "stated")  # the statements have the first leaves of the log, too
    (leaves,) = {path.name for path in statements.iterdir()} & {
        path.name for path in buyers.glob("*consistency*")
    }
    (buyers / leaves).unlink()
    assert outcome() == (5, "unlogged")
    entries = auditor.ok("log", "--audit", "--json").json["entries"]
    auditor.ok(
        *("key", "revoke", auditor.did(), "--suspect-from", 1, "--signer", "next", "--yes"),
        *("-o", "stolen"),
    )
    assert len(entries) > 1
    for path in (auditor.folder / "stolen").iterdir():
        shutil.copy(path, buyers)
    assert outcome() == (3, "compromised")
    assert buyer.run("verify", buyers / "later.json").code == 4  # a thief may have named it
    assert buyer.run("verify", buyers / "attestation.json").code == 3


def test_what_becomes_of_an_attesters_key_travels_with_what_it_attested(
    auditor, publisher, buyer
) -> None:
    def hand_over(file: str, statements: str | None = None) -> None:
        """The auditor sends an attestation, and what lies beside it, to the publisher."""
        folder = publisher.folder / f"from-{file}"
        folder.mkdir(exist_ok=True)
        given = [*auditor.folder.glob(f"{file}*")]
        given += (auditor.folder / statements).iterdir() if statements else ()
        for path in given:
            shutil.copy(path, folder)
        publisher.ok("import", folder / f"{file}.json")

    def deliver(name: str):
        publisher.ok("issue", "acme/docs", "-o", name, "--permit", "train")
        folder = buyer.folder / name
        shutil.copytree(publisher.folder / name, folder)
        found = buyer.run("verify", folder, "--json")
        assert found.code == 0, found.out
        rows = found.check("attestations")["detail"].get("attestations", [])
        assert len(list(folder.iterdir())) < 64
        return {
            row["issuer"]: {check["id"]: check for check in row["checks"]}
            for row in rows
            if row["trusted"]
        }

    auditor.ok("init")
    old = auditor.did()
    buyer.ok("trust", "add", old, "--name", "Audit", "--role", "auditor")
    status = ("--status-url", "https://audit.example/status")
    auditor.ok(*attest(auditor, *status))
    assert list(auditor.folder.glob("attestation-store-*-genesis.json"))
    hand_over("attestation")
    assert deliver("first").keys() == {old}

    # The auditor replaces the key, and attests again by the next one.
    auditor.ok("key", "new", "next", "--no-passphrase")
    auditor.ok("key", "rotate", "next", "-o", "rotated")
    auditor.ok(
        *("attest", "delivery", "--kind", "quality", "--statement", "audit.toml"),
        *("-o", "later.json", "--signer", "next"),
        *("--status-url", "https://audit.example/next"),
    )
    hand_over("later")
    second = deliver("second")
    assert second[old]["issuer.key"]["detail"]["standing"] == "succeeded"
    assert second[old]["issuer.key"]["state"] == "pass"
    heir = second[auditor.did("next")]
    assert heir["trust.issuer"]["detail"]["predecessor"] == old
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"
    kinds = [row.get("kind") for row in publisher.ok("log", "--audit", "--json").json["entries"]]
    assert kinds.count("statement") == 5  # genesis, policy, log proofs of it and of both
    publisher.ok("maintain", "index")

    # A key of which something is said that cannot be judged is not taken in.
    auditor.ok(
        *("key", "revoke", old, "--suspect-from", "1", "--signer", "next", "--yes"),
        *("-o", "stolen"),
    )
    stripped = publisher.folder / "from-later"
    (policy,) = (auditor.folder / "stolen").glob("*-policy-3.json")
    shutil.copy(policy, stripped)
    document = json.loads((stripped / "later.json").read_bytes())
    (stripped / "again.json").write_text(json.dumps(document))  # the same in another spelling
    refused = publisher.fails(5, "import", stripped / "again.json", "--json").error
    assert refused["kind"] == "unproven-policy"

    # It was stolen before: what is known here is known to whoever gets the next delivery.
    hand_over("attestation", "stolen")
    assert deliver("third") == {}
    assert "invalid" in publisher.ok("log", "acme/docs").out
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"


def test_what_was_not_checked_and_what_was_attested_before_is_named(auditor) -> None:
    made = auditor.ok(*attest(auditor), "--json").json
    assert (made["unchecked"], made["earlier"]) == ([], [])
    (auditor.folder / "attestation.json").unlink()
    for path in (auditor.folder / "delivery").glob("status-*"):
        path.unlink()
    auditor.ok("init")
    command = attest(auditor, "--status-url", "https://audit.example/status")
    said = auditor.ok(*command)
    assert "not checked in delivery: status: " in said.err
    assert "also in force" not in said.err
    for path in auditor.folder.glob("attestation*"):  # as if it had been interrupted
        path.unlink()
    again = auditor.ok(*command, "--json").json
    assert again["unchecked"] == ["status"]
    (lost,) = again["earlier"]
    assert auditor.ok("show", lost["credential"][7:19], "--raw").out
    auditor.ok("credential", "revoke", lost["credential"])
    for path in auditor.folder.glob("attestation*"):
        path.unlink()
    said = auditor.ok(*command).err
    assert f"log entry {again['logIndex']}, is about the same" in said
    for path in auditor.folder.glob("attestation*"):
        path.unlink()
    # Another kind of thing is attested beside it, and not anew.
    other = [*command]
    other[other.index("--kind") + 1] = "regulatory"
    assert auditor.ok(*other, "--json").json["earlier"] == []
