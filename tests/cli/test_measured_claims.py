"""What was measured is measured again where the data is read, and a false claim is found."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore import verify_delivery
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.timestamps import now
from lyrikstore.crypto.keys.key_file import load_key
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.verify.report import Verdict
from tests.conftest import Person

MEASURE = 'permits = ["train"]\n[[measure]]\nuse = "wordCount/1"\n'


@pytest.fixture
def delivery(publisher: Person) -> Path:
    documents = publisher.folder / "documents"
    documents.mkdir()
    for n in range(4):
        (documents / f"{n}.txt").write_text(f"document {n}\n")
    (publisher.folder / "terms.toml").write_text(MEASURE)
    publisher.ok("commit", documents, "-d", "acme/docs")
    folder = publisher.folder / "delivery"
    publisher.ok("issue", "acme/docs", "-o", folder, "--terms", publisher.folder / "terms.toml")
    return folder


@pytest.fixture
def buyer(new_person: Callable[[str], Person], publisher: Person) -> Person:
    person = new_person("buyer")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    person.ok("trust", "add", publisher.did(), "--name", "Acme")
    return person


def restated(publisher: Person, delivery: Path, name: str, **changes: Any) -> Path:
    """Return a copy of a delivery whose publisher signed something else of the word count."""
    folder = delivery.parent / name
    shutil.copytree(delivery, folder)
    document = parse((folder / "credential.json").read_bytes())
    del document["proof"]
    (claim,) = (
        one for one in document["credentialSubject"]["quality"] if one["metric"] == "wordCount"
    )
    claim.update(changes)
    key = publisher.home / ".config/lyrikstore/keys/default"
    signed = add_proof(document, KeySigner(load_key(key, None)), created=now())
    (folder / "credential.json").write_bytes(encode(signed))
    # It was never logged: what shows where the other one is would show that nothing does.
    for file in ("credential.tlog-proof", "log.consistency.json", "log.leaves"):
        (folder / file).unlink()
    return folder


def reason(result: Any) -> tuple[int, str, str]:
    check = result.check("quality")
    return result.code, result.json["verdict"], check["detail"].get("reason", check["state"])


def test_they_are_measured_again_by_default(buyer: Person, delivery: Path) -> None:
    assert reason(buyer.run("verify", delivery, "--json")) == (0, "trusted", "pass")
    found = buyer.run("verify", delivery, "--no-recompute", "--json")
    assert reason(found) == (4, "valid", "not-recomputed")
    assert any("none was recomputed" in line for line in found.json["notProven"])
    # The way on is to measure, not to trust a key that is trusted already.
    shown = buyer.run("verify", delivery, "--no-recompute")
    assert "trust add" not in shown.err
    assert "--no-recompute" in shown.err
    assert "does not know who signed" not in shown.out
    # Who trusts nobody is told how, whatever was left out.
    buyer.ok("trust", "remove", "Acme")
    assert "trust add" in buyer.run("verify", delivery, "--no-recompute").err


def test_a_false_one_is_found(publisher: Person, buyer: Person, delivery: Path) -> None:
    false = restated(publisher, delivery, "false", value="9")
    assert reason(buyer.run("verify", false, "--json")) == (3, "invalid", "different")
    shallow = buyer.run("verify", false, "--no-recompute", "--json")
    assert reason(shallow) == (4, "valid", "not-recomputed")
    assert buyer.fails(3, "import", false, "--json").kind == "does-not-verify"
    assert buyer.fails(3, "attest", false, "--kind", "quality", "--statement", _audit(buyer),
                       "-o", "a.json", "--json").kind == "does-not-verify"  # fmt: skip
    trust = buyer.home / ".config/lyrikstore/trust.toml"
    report = verify_delivery(false, trust_file=trust)
    assert report.verdict is Verdict.INVALID
    assert verify_delivery(delivery, trust_file=trust).verdict is Verdict.TRUSTED
    shallow = verify_delivery(delivery, trust_file=trust, recompute=False)
    assert shallow.verdict is Verdict.VALID
    buyer.ok("import", delivery)


def test_one_by_a_recipe_that_nobody_here_knows_stays_open(
    publisher: Person, buyer: Person, delivery: Path
) -> None:
    recipe = {"type": "MeasurementRecipe", "use": "wordCount/9"}
    unknown = restated(publisher, delivery, "odd", recipe=recipe)
    assert reason(buyer.run("verify", unknown, "--json")) == (5, "incomplete", "unknown-recipe")
    assert buyer.fails(5, "import", unknown, "--json").kind == "not-checked"


def _audit(person: Person) -> Path:
    path = person.folder / "audit.toml"
    path.write_text(
        'extent = "all"\nstandard = "s"\nmethod = "m"\nconclusion = "c"\nlimitations = ["l"]\n'
        'liability = "none"\nresults = [{metric = "x", value = "1"}]\n'
    )
    return path
